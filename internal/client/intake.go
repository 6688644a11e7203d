package client

import (
	"context"
	"errors"
	"io/fs"
	"os"
	"slices"
	"time"

	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"

	amparov1 "github.com/amparo-project/amparo/api/amparo/v1"
	"github.com/amparo-project/amparo/internal/capsule"
)

// TakeIntake sends a request for help, or keeps it in the outbox when the service
// does not answer: then kept is set and why says what stood in the way. It lies in
// the outbox before it is sent, under the same id, so that neither a cut line nor a
// cut power supply loses it or doubles it; the next contact with the service sends
// it. calledAt is when the person asked.
//
// An error means that the service, or this client in its stead, refused the request
// as it is; then it is not kept and must be corrected.
func (c *Conn) TakeIntake(
	ctx context.Context, request *amparov1.CreateIntakeRequest, calledAt time.Time,
) (answer *amparov1.CreateIntakeResponse, kept *amparov1.KeptCapsule, why *Failure, err error) {
	id := requestID(request)
	if !outboxName.MatchString(id + ".age") { // the id names a file, and the request may be a stranger's
		return nil, nil, nil, &Failure{
			Exit: exitInvalid, Reason: "FIELD_INVALID", Text: "a field is not valid",
			Fields: []Field{{Path: "request_id", Rule: "must be 26 characters of a-z and 2-7"}}, Next: "leave it out; one is drawn",
		}
	}
	c.outbox.hold(id)
	defer c.outbox.release(id)
	// What waits under the same id already may be all there is of another request.
	waited, _ := os.ReadFile(c.profile.kept(id))
	notKept := c.profile.keep(request, calledAt)
	answer, err = c.Cases.CreateIntake(ctx, request)
	if err == nil {
		// Where it cannot be wiped, it is sent again, and answered as now.
		_ = c.profile.drop(id)
		return answer, nil, nil, nil
	}
	if !worthKeeping(err) {
		if waited != nil {
			_ = writeFile(c.profile.kept(id), waited)
		} else {
			_ = c.profile.drop(id) // or it waits, and is refused again
		}
		return nil, nil, nil, err
	}
	if notKept != nil { // and that is worse: it says what must be done about it
		return nil, nil, nil, notKept
	}
	waiting, listErr := c.profile.Outbox()
	if listErr != nil {
		return nil, nil, nil, listErr
	}
	i := slices.IndexFunc(waiting, func(k *amparov1.KeptCapsule) bool { return k.GetRequestId() == id })
	if i < 0 { // another process has sent it
		return nil, nil, nil, err
	}
	return nil, waiting[i], Explain(err), nil
}

// worthKeeping tells whether a request may yet be taken in as it is. One that is
// invalid, or whose id was used for another, will not; one that this person may not
// bring, somebody else can carry; and what only met a crowd will find room.
func worthKeeping(err error) bool {
	switch failure := Explain(err); failure.Exit {
	case exitInvalid, exitNotFound, exitRefused:
		return false
	case exitConflict:
		return failure.Reason != "REQUEST_ID_REUSED" && status.Code(err) != codes.AlreadyExists
	default:
		return true
	}
}

// silence is how many capsules in a row are sent without an answer before the line is
// taken for dead. One may be at fault itself; it must not hold up the others.
const silence = 2

// SendOutbox sends what waits in the outbox, the oldest first, and wipes each as
// soon as the service has acknowledged it. each is told of every one that the
// service answered, and of its case or why it stays: what is refused is left where
// it is. SendOutbox returns what stood in the way where there was no answer, and ends
// early when there is none at all.
func (c *Conn) SendOutbox(ctx context.Context, each func(*amparov1.KeptCapsule, *amparov1.SubmitCapsuleResponse, *Failure)) error {
	c.outbox.begun()
	waiting, err := c.profile.Outbox()
	if err != nil {
		return err
	}
	slices.SortFunc(waiting, func(a, b *amparov1.KeptCapsule) int {
		return a.GetKeptSince().AsTime().Compare(b.GetKeptSince().AsTime())
	})
	var silent error
	unheard := 0
	for _, kept := range waiting {
		if c.outbox.held(kept.GetRequestId()) {
			continue
		}
		answer, err := c.sendKept(ctx, kept.GetRequestId())
		failure := Explain(err)
		switch {
		case errors.Is(err, fs.ErrNotExist): // another process was quicker
		case noAnswer(failure):
			silent = failure
			if unheard++; unheard == silence || ctx.Err() != nil {
				return silent
			}
		default:
			unheard = 0
			each(kept, answer, failure)
		}
	}
	return silent
}

// noAnswer tells what says nothing about the one capsule that it was said to.
func noAnswer(failure *Failure) bool {
	return failure != nil && slices.Contains(
		[]string{"UNREACHABLE", "UNAVAILABLE", "TIMEOUT", "INTERRUPTED", "RATE_LIMITED", "DISK_FULL", "WRONG_SERVER"}, failure.Reason)
}

func (c *Conn) sendKept(ctx context.Context, id string) (*amparov1.SubmitCapsuleResponse, error) {
	sealed, err := os.ReadFile(c.profile.kept(id))
	if err != nil {
		return nil, err
	}
	answer, err := c.SubmitCapsule(ctx, sealed, "")
	if err != nil {
		return nil, err
	}
	return answer, c.profile.drop(id)
}

// SubmitCapsule brings a sealed capsule to the service. An empty requestID is drawn.
func (c *Conn) SubmitCapsule(ctx context.Context, sealed []byte, requestID string) (*amparov1.SubmitCapsuleResponse, error) {
	if len(sealed) > capsule.MaxSize {
		return nil, &Failure{
			Exit: exitInvalid, Reason: "TOO_LARGE", Text: "the file is larger than the 256 KiB that a capsule may have", Next: "bring another",
		}
	}
	answer, err := c.Capsules.SubmitCapsule(ctx, &amparov1.SubmitCapsuleRequest{RequestId: requestID, Capsule: sealed})
	if failure := Explain(err); failure != nil && failure.Exit == exitUnavailable {
		failure := *failure
		failure.Next = "bring it again; it is taken in once"
		return nil, &failure
	}
	return answer, err
}
