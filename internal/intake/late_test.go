package intake_test

import (
	"testing"
	"time"

	"google.golang.org/protobuf/types/known/timestamppb"

	amparov1 "github.com/amparo-project/amparo/api/amparo/v1"
	"github.com/amparo-project/amparo/internal/intake"
)

// TestLate: a request that comes in late runs from the call, and no clock of a
// laptop has it refused.
func TestLate(t *testing.T) {
	now := time.Date(2026, 3, 10, 6, 30, 0, 0, time.UTC)
	call := time.Date(2026, 3, 9, 22, 40, 0, 0, time.UTC)
	for name, row := range map[string]struct {
		said, called *timestamppb.Timestamp
		want         *timestamppb.Timestamp
	}{
		"in the night":              {nil, timestamppb.New(call), timestamppb.New(call)},
		"the request itself says":   {timestamppb.New(call), timestamppb.New(call.Add(time.Hour)), timestamppb.New(call)},
		"nobody says":               {nil, nil, nil},
		"a clock ahead":             {nil, timestamppb.New(now.Add(time.Minute)), timestamppb.New(now)},
		"a clock years ahead":       {nil, timestamppb.New(now.AddDate(50, 0, 0)), timestamppb.New(now)},
		"a battery that died":       {nil, timestamppb.New(time.Unix(0, 0)), timestamppb.New(now)},
		"a clock ten years behind":  {nil, timestamppb.New(call.AddDate(-10, 0, 0)), timestamppb.New(call.AddDate(-10, 0, 0))},
		"an instant that is no one": {nil, &timestamppb.Timestamp{Seconds: call.Unix(), Nanos: -1}, timestamppb.New(now)},
	} {
		asked := &amparov1.Intake{ReceivedAt: row.said}
		intake.Late(asked, row.called, now)
		if got := asked.GetReceivedAt(); (got == nil) != (row.want == nil) || got.AsTime() != row.want.AsTime() {
			t.Errorf("%s: received at %v, want %v", name, got.AsTime(), row.want.AsTime())
		}
	}
}
