package intake

import (
	"time"

	"google.golang.org/protobuf/types/known/timestamppb"

	amparov1 "github.com/amparo-project/amparo/api/amparo/v1"
)

// Late sets when an intake was received that was kept away from the service: at
// calledAt, by the clock of whoever took it, unless the intake itself says when.
// Call it before Normalise, which would make it one of now.
//
// Nobody can correct such an intake any more, so a time that cannot be does not
// have it refused: a laptop whose battery died says 1970, and no defender shall wait
// for that. A time that has not come yet, and one before any mechanism that could
// have received a request, count as now. A clock that was set back by less makes
// every term overdue at once, which somebody will see.
func Late(asked *amparov1.Intake, calledAt *timestamppb.Timestamp, now time.Time) {
	if asked.GetReceivedAt() != nil || calledAt == nil {
		return
	}
	at := calledAt.AsTime()
	if !calledAt.IsValid() || at.After(now) || at.Year() < earliestReceipt {
		at = now
	}
	asked.ReceivedAt = timestamppb.New(at)
}
