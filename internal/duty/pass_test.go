package duty_test

import (
	"testing"

	amparov1 "github.com/amparo-project/amparo/api/amparo/v1"
	"github.com/amparo-project/amparo/internal/duty"
)

// TestAnAlarmIsPassed: whoever was called for an alarm may pass it to somebody who may
// know of its case, and what is kept of it does not grow however often they do.
func TestAnAlarmIsPassed(t *testing.T) {
	for what, row := range map[string]struct {
		from, to string
		excluded []string
		want     bool
	}{
		"it was ana's":           {"ana", "ben", nil, true},
		"it was not sol's":       {"sol", "ben", nil, false},
		"ben is excluded":        {"ana", "ben", []string{"ben"}, false},
		"ana is excluded by now": {"ana", "ben", []string{"ana"}, true},
		"faye was called too":    {"ana", "faye", nil, true},
	} {
		alarm := &amparov1.Alarm{Office: "north", Calls: []*amparov1.AlarmCall{{StaffId: "ana"}, {StaffId: "faye"}}}
		if got := duty.Pass(alarm, row.excluded, row.from, row.to, at(1)); got != row.want {
			t.Errorf("%s: %v, want %v", what, got, row.want)
		}
		if got := duty.Answers(alarm, nil, "ben"); got != (row.want && row.to == "ben") {
			t.Errorf("%s: it is ben's: %v", what, got)
		}
	}
	alarm := &amparov1.Alarm{Calls: []*amparov1.AlarmCall{{StaffId: "ana"}}}
	for range 20 {
		if !duty.Pass(alarm, nil, "ana", "ben", at(1)) || !duty.Pass(alarm, nil, "ben", "ana", at(2)) {
			t.Fatal("it is nobody's any more")
		}
	}
	if len(alarm.GetCalls()) > 24 {
		t.Errorf("%d calls are kept, want 24 at most", len(alarm.GetCalls()))
	}
}
