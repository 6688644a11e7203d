package client

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"time"

	"filippo.io/age"
	"google.golang.org/protobuf/types/known/timestamppb"

	amparov1 "github.com/amparo-project/amparo/api/amparo/v1"
	"github.com/amparo-project/amparo/internal/capsule"
	"github.com/amparo-project/amparo/internal/durable"
)

// A capsule lies in the outbox under the id of its request, which is random and
// says nothing. When it was put there shows.
var outboxName = regexp.MustCompile(`^([a-z2-7]{26})\.age$`)

// SealCapsule seals a request for help to the service, and to nobody else: this
// device cannot open it again. calledAt is when the person asked, the time of every
// term. The request is held to the service's rules first, and given an id where it
// has none.
func (p *Profile) SealCapsule(request *amparov1.CreateIntakeRequest, calledAt time.Time) ([]byte, error) {
	requestID(request)
	if err := checkIntake(request, calledAt); err != nil {
		return nil, err
	}
	recipients, err := age.ParseRecipients(strings.NewReader(p.ServiceRecipient))
	if err != nil || len(recipients) != 1 {
		return nil, &Failure{
			Exit: exitUnavailable, Reason: "RECIPIENT_UNKNOWN", Text: "this profile does not know the service's recipient yet",
			Next: "reach the service once with: amparo whoami", cause: err,
		}
	}
	content, err := capsule.Write(&amparov1.Capsule{
		ServiceId: p.ServiceID(), TakenById: p.StaffID, RequestId: request.GetRequestId(),
		CalledAt: timestamppb.New(calledAt), Intake: request.GetIntake(),
	})
	if err != nil {
		return nil, err
	}
	sealed, err := sealTo(content, recipients...)
	if err != nil {
		return nil, fmt.Errorf("seal capsule: %w", err)
	}
	if len(sealed) > capsule.MaxSize {
		return nil, &Failure{
			Exit: exitInvalid, Reason: "TOO_LARGE", Text: "the request is larger than the 256 KiB that a capsule may have", Next: "shorten it",
		}
	}
	return sealed, nil
}

// ServiceID is what the service is called in a capsule.
func (p *Profile) ServiceID() string { return capsule.ServiceID(p.ServiceRecipient) }

// keep seals a request into the outbox. It is durable when the method returns.
func (p *Profile) keep(request *amparov1.CreateIntakeRequest, calledAt time.Time) error {
	sealed, err := p.SealCapsule(request, calledAt)
	if err != nil {
		return err
	}
	if err := os.Mkdir(p.path(fileOutbox), 0o700); err == nil {
		err = durable.SyncFolder(p.Dir)
		if err != nil {
			return err
		}
	} else if !errors.Is(err, fs.ErrExist) {
		return fmt.Errorf("make outbox: %w", err)
	}
	return writeFile(p.kept(request.GetRequestId()), sealed)
}

func (p *Profile) kept(id string) string { return filepath.Join(p.path(fileOutbox), id+".age") }

// drop takes a capsule out of the outbox. What the disk may still hold of it, only
// the service can open.
func (p *Profile) drop(id string) error {
	err := os.Remove(p.kept(id))
	if errors.Is(err, fs.ErrNotExist) {
		return nil // another process was quicker
	}
	if err != nil {
		return fmt.Errorf("wipe capsule: %w", err)
	}
	return durable.SyncFolder(p.path(fileOutbox))
}

// Outbox lists the requests that wait to be sent, by their ids.
func (p *Profile) Outbox() ([]*amparov1.KeptCapsule, error) {
	entries, err := os.ReadDir(p.path(fileOutbox))
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return nil, fmt.Errorf("read outbox: %w", err)
	}
	var waiting []*amparov1.KeptCapsule
	for _, entry := range entries {
		name := outboxName.FindStringSubmatch(entry.Name())
		if name == nil {
			continue
		}
		info, err := entry.Info()
		if errors.Is(err, fs.ErrNotExist) {
			continue
		}
		if err != nil {
			return nil, fmt.Errorf("read outbox: %w", err)
		}
		waiting = append(waiting, &amparov1.KeptCapsule{
			RequestId: name[1], KeptSince: timestamppb.New(info.ModTime()), Size: uint32(min(info.Size(), 1<<31)),
		})
	}
	return waiting, nil
}
