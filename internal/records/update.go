package records

import (
	"context"
	"errors"
	"sync"
	"time"

	"google.golang.org/protobuf/proto"

	amparov1 "github.com/amparo-project/amparo/api/amparo/v1"
	"github.com/amparo-project/amparo/internal/access"
	"github.com/amparo-project/amparo/internal/fault"
	"github.com/amparo-project/amparo/internal/seal"
	"github.com/amparo-project/amparo/internal/store"
	"github.com/amparo-project/amparo/internal/store/storepb"
)

// tries is how often a commit is made anew after somebody else was quicker.
const tries = 16

// Work is what a closure works on: the opened files, the time, and the leaf.
type Work struct {
	// Now is the time of the act (UTC).
	Now time.Time
	// Leaf is the act's audit leaf. The closure may name the staff, device or
	// invitation that the act is about; all else is filled in.
	Leaf *amparov1.AuditLeaf

	records *Records
	policy  *policies // in force when the act began
	ctx     context.Context
	grant   access.Grant
	files   []*File
	asOther []access.Grant // grant of each file where it is not the call's own
	own     access.Grant   // the zero Grant, which stands for the call's own
	turn    *sync.Mutex    // of Records, in a writing act
	hasTurn bool
}

// File returns the opened file of the i-th target.
func (w *Work) File(i int) *File { return w.files[i] }

// create begins a file. The permit says that the caller may; see
// access.Grant.PermitIntake and PermitDirectory.
func (w *Work) create(permit access.Permit, kind uint8, id string, head *storepb.Head) (*File, error) {
	if !permit.Granted() {
		return nil, errUngranted
	}
	file := &File{
		records: w.records, ctx: w.ctx, kind: kind, id: id, locator: w.records.newLocator(w.Now),
		key: seal.NewFileKey(uint32(kind), id), head: head, touched: true, work: w,
	}
	if head.GetPseudonym() == "" {
		head.Pseudonym = NewID()
	}
	w.files = append(w.files, file)
	w.asOther = append(w.asOther, w.own)
	return file, nil
}

// Request is how a caller names a writing call: repeated with the same id and the
// same content, it is answered with the first result and changes nothing.
type Request struct {
	ID   string   // empty for the service's own acts
	Hash [32]byte // SHA-256 of the content
	// By is whose id it is; empty stands for the caller.
	By string
	// Carried is the request of somebody who could not send it, which this one
	// brings; nil for most. It is done once, whoever brings it and however often.
	Carried *Request
	// Begins says that the request begins a case, which Begun finds by it for as
	// long as the case is kept.
	Begins bool
}

// Update opens the targets, runs fn, and writes what fn changed with its audit
// leaf in one commit. The answer is returned when it is durable. fn may be called
// several times, when somebody else was quicker; it must change nothing but the
// files. An error of fn is returned as it is and nothing is written.
//
// A repeated request is not run again: its first answer is returned.
func (r *Records) Update(ctx context.Context, grant access.Grant, request Request, targets []Target,
	fn func(*Work) (proto.Message, error),
) (proto.Message, error) {
	if !grant.Valid() {
		return nil, errUngranted
	}
	if err := r.room(grant); err != nil {
		return nil, err
	}
	for range tries {
		if answer, err := r.repeated(ctx, grant, request); answer != nil || err != nil {
			return answer, err
		}
		answer, err := r.try(ctx, grant, request, targets, fn)
		if errors.Is(err, store.ErrConflict) {
			continue
		}
		return answer, err
	}
	return nil, fault.New(amparov1.Reason_REASON_BUSY_FILE)
}

// errNothing ends an act of the service that has become needless: nothing is written.
var errNothing = errors.New("records: nothing is to be done")

// ifNeeded makes an act of the service's own on one file, which fn ends with
// errNothing where there is nothing to do.
func (r *Records) ifNeeded(ctx context.Context, action amparov1.LeafAction, id string, fn func(*Work, *File) error) error {
	_, err := r.Update(ctx, access.Service(action), Request{}, Targets(id), func(w *Work) (proto.Message, error) {
		return nil, fn(w, w.File(0))
	})
	if errors.Is(err, errNothing) {
		return nil
	}
	return err
}

func (r *Records) try(ctx context.Context, grant access.Grant, request Request, targets []Target,
	fn func(*Work) (proto.Message, error),
) (proto.Message, error) {
	work := r.newWork(ctx, grant)
	work.turn = &r.turn
	defer work.giveTurn()
	if err := work.openAll(targets); err != nil {
		return nil, err
	}
	answer, err := fn(work)
	if err != nil {
		return nil, r.settle(ctx, work, err)
	}
	c, err := r.compose(work, request, answer)
	if err != nil {
		return nil, r.settle(ctx, work, err)
	}
	r.announce(work, c)
	revision, err := r.cfg.Engine.Commit(ctx, c.conditions, c.writes)
	if err != nil {
		r.withdraw(ctx, work, c, err)
	}
	if errors.Is(err, store.ErrConflict) {
		return nil, err
	}
	if err != nil {
		// An unknown outcome is settled by whoever repeats the request: the
		// request record either is there or is not.
		return nil, asFault(err)
	}
	r.applied(ctx, work, c, uint64(revision))
	return answer, nil
}

func (r *Records) newWork(ctx context.Context, grant access.Grant) *Work {
	return &Work{Now: r.Now(), Leaf: &amparov1.AuditLeaf{}, records: r, policy: r.policies.Load(), ctx: ctx, grant: grant}
}

func (w *Work) openAll(targets []Target) error {
	for _, target := range targets {
		if _, err := w.open(target); err != nil {
			return err
		}
	}
	return nil
}

func (w *Work) open(target Target) (*File, error) {
	w.takeTurn(target.ID)
	file, err := w.records.load(w.ctx, target, w.grant)
	if err != nil {
		return nil, err
	}
	file.work = w
	w.files = append(w.files, file)
	w.asOther = append(w.asOther, target.Grant)
	return file, nil
}

// settle tells a record that failed its proof from one that was merely replaced
// between the reading of its head and its own: then the head is another by now,
// and the whole is tried again.
func (r *Records) settle(ctx context.Context, work *Work, err error) error {
	if !errors.Is(err, store.ErrCorrupt) {
		return asFault(err)
	}
	for _, file := range work.files {
		entry, getErr := r.cfg.Engine.Get(ctx, fileKey(file.locator, slotHead))
		if getErr == nil && entry.Revision != file.revision {
			return store.ErrConflict
		}
	}
	for _, file := range work.files {
		if file.failed {
			id, _ := parseID(file.id)
			if known, ok := r.index.Find(id); ok {
				return r.judge(ctx, known, err)
			}
		}
	}
	return fault.Wrap(amparov1.Reason_REASON_INTEGRITY, err)
}

// View opens the targets, runs fn, and returns its answer once the leaf that says
// what was shown is durable.
func (r *Records) View(ctx context.Context, grant access.Grant, targets []Target,
	fn func(*Work) (proto.Message, error),
) (proto.Message, error) {
	if !grant.Valid() {
		return nil, errUngranted
	}
	for range tries {
		work := r.newWork(ctx, grant)
		if err := work.openAll(targets); err != nil {
			return nil, err
		}
		answer, err := fn(work)
		if err != nil {
			if err = r.settle(ctx, work, err); errors.Is(err, store.ErrConflict) {
				continue
			}
			return nil, err
		}
		leaf := complete(grant, work.Leaf)
		for _, file := range work.files {
			leaf.Shown = append(leaf.Shown, file.Pseudonym())
		}
		if _, err := r.writeLeaf(ctx, leaf); err != nil {
			return nil, err
		}
		return answer, nil
	}
	return nil, fault.New(amparov1.Reason_REASON_BUSY_FILE)
}

// applied makes a commit known in memory before it is answered: whoever reads the
// answer finds it in the queue, and a suspension holds from the next call on.
func (r *Records) applied(ctx context.Context, work *Work, c *commit, revision uint64) {
	for _, request := range c.requests {
		r.remember(request.name, request.day)
	}
	staff, duty, decided := false, false, false
	for i, file := range work.files {
		if c.hashes[i] == nil {
			continue
		}
		id, _ := parseID(file.id)
		r.enter(file, id, file.Version(), c.hashes[i], revision)
		staff = staff || file.kind == kindDirectory
		duty = duty || file.kind == kindDuty
		decided = decided || file.kind == kindPolicy
	}
	// A failure leaves the older one in place until the follower, who sees the same
	// commit, has read it.
	if staff {
		_ = r.readDirectory(context.WithoutCancel(ctx))
	}
	if staff || duty {
		_ = r.readDuty(context.WithoutCancel(ctx))
	}
	if decided {
		_ = r.readPolicy(context.WithoutCancel(ctx))
	}
}

// room refuses new content while the disk is nearly full. What protects people is
// let through: shutting somebody out, raising or confirming a risk, alarms, an arrest,
// duress, a withdrawal, a breach, a second signature, that the person was told, and
// telling what is overdue or nobody's.
func (r *Records) room(grant access.Grant) error {
	if r.cfg.FreeSpace == nil {
		return nil
	}
	switch grant.Action() { //nolint:exhaustive // every other act brings new content
	case amparov1.LeafAction_LEAF_ACTION_STAFF_SUSPEND, amparov1.LeafAction_LEAF_ACTION_DEVICE_REVOKE,
		amparov1.LeafAction_LEAF_ACTION_RISK_ASSESS, amparov1.LeafAction_LEAF_ACTION_RISK_CONFIRM,
		amparov1.LeafAction_LEAF_ACTION_RESTRICT, amparov1.LeafAction_LEAF_ACTION_ALARM_RAISE,
		amparov1.LeafAction_LEAF_ACTION_ALARM_CALL, amparov1.LeafAction_LEAF_ACTION_ALARM_ACKNOWLEDGE,
		amparov1.LeafAction_LEAF_ACTION_STATUS_RECORD, amparov1.LeafAction_LEAF_ACTION_CONTACT_DISTRUST,
		amparov1.LeafAction_LEAF_ACTION_DURESS_REPORT, amparov1.LeafAction_LEAF_ACTION_TERMS_REACHED,
		amparov1.LeafAction_LEAF_ACTION_EXCLUDE, amparov1.LeafAction_LEAF_ACTION_RISK_RAISE,
		amparov1.LeafAction_LEAF_ACTION_CARD_OPEN, amparov1.LeafAction_LEAF_ACTION_OWNER_ABSENT_TOLD,
		amparov1.LeafAction_LEAF_ACTION_HANDOVER_REMINDED,
		amparov1.LeafAction_LEAF_ACTION_CONSENT_WITHDRAW, amparov1.LeafAction_LEAF_ACTION_BREACH_REPORT,
		amparov1.LeafAction_LEAF_ACTION_WITHDRAWAL_SETTLE, amparov1.LeafAction_LEAF_ACTION_WITHDRAWAL_LAPSED,
		amparov1.LeafAction_LEAF_ACTION_DISCLOSURE_COUNTERSIGN, amparov1.LeafAction_LEAF_ACTION_PERSON_INFORM:
		return nil
	}
	if free, err := r.cfg.FreeSpace(); err != nil || free < minFree {
		return fault.Wrap(amparov1.Reason_REASON_DISK_FULL, err)
	}
	return nil
}
