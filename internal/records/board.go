package records

import (
	"context"
	"errors"
	"slices"
	"time"

	amparov1 "github.com/amparo-project/amparo/api/amparo/v1"
	"github.com/amparo-project/amparo/internal/access"
	"github.com/amparo-project/amparo/internal/duty"
	"github.com/amparo-project/amparo/internal/fault"
	"github.com/amparo-project/amparo/internal/policy"
	"github.com/amparo-project/amparo/internal/store"
	"github.com/amparo-project/amparo/internal/store/storepb"
)

// dutyState is the file of those on call as it was read last. It is never changed; a
// new one replaces it.
type dutyState struct {
	revision  store.Revision
	board     duty.Board // without its staff
	addresses map[string]string
}

// The records of the file of those on call.
const (
	addressesID = "addresses"
	rotasPrefix = "rotas "
	pastPrefix  = "past "
)

// DutyFile is the id of the file of those on call; empty before it was begun.
func (r *Records) DutyFile() string {
	if directory := r.Directory(); directory != nil {
		return directory.singles[kindDuty]
	}
	return ""
}

// Board is what is known now about who is on call and what for. It must not be
// changed.
func (r *Records) Board() *duty.Board {
	board := r.bareBoard()
	board.Times = dutyTimes(r.Policy().GetOnCall())
	return board
}

// bareBoard is the board without what the policy says.
func (r *Records) bareBoard() *duty.Board {
	board := duty.Board{}
	if held := r.duty.Load(); held != nil {
		board = held.board
	}
	board.Staff = r.Directory()
	return &board
}

// dutyTimes are those of a policy, which was checked before it came in force: what
// cannot be read there is zero, and passes an alarm on at once.
func dutyTimes(p *amparov1.OnCallPolicy) duty.Times {
	return duty.Times{
		PassOn: policy.Wait(p.GetPassOnAfter()), WarnBefore: policy.Wait(p.GetWarnOfEmptySlotBefore()),
		Digest: policy.Wait(p.GetDigestEvery()), NoticesAnHour: int(p.GetNoticesAnHour().GetCount()),
	}
}

// OnShift returns the offices for which a person is on shift at a time; see
// duty.Board. While the file that says so cannot be read, that is none: damage to it
// must not open cards to anybody.
func (r *Records) OnShift(member *amparov1.StaffMember, now time.Time) []string {
	if r.duty.Load() == nil && r.DutyFile() != "" {
		return nil
	}
	return r.bareBoard().OnShift(member, now)
}

// dutyIntact refuses while the file of those on call cannot be vouched for: to say
// that no alarm waits would be worse than to say nothing.
func (r *Records) dutyIntact() error {
	id, ok := parseID(r.DutyFile())
	if ok && (r.duty.Load() == nil || r.isBroken(id)) {
		return fault.Wrap(amparov1.Reason_REASON_INTEGRITY, errProof)
	}
	return nil
}

// Address is where a person is told that something waits; empty when that is not
// known. It is never shown nor logged.
func (r *Records) Address(staffID string) string {
	if held := r.duty.Load(); held != nil {
		return held.addresses[staffID]
	}
	return ""
}

// DutyChanged is closed when the board is another than now. Take it before the
// board, or a change in between is missed.
func (r *Records) DutyChanged() <-chan struct{} {
	r.dutyMu.Lock()
	defer r.dutyMu.Unlock()
	return r.dutyChanged
}

// Excluded are the people excluded from a case, who must not learn of an alarm about
// it either.
func (r *Records) Excluded(caseID string) []string {
	id, _ := parseID(caseID)
	head, ok := r.index.Find(id)
	if !ok {
		return nil
	}
	excluded := make([]string, len(head.Row.Excluded))
	for i := range excluded {
		excluded[i] = textOf(head.Row.Excluded[i])
	}
	return excluded
}

// beginDuty reads the file of those on call. Damage to it shuts that file, and the
// rest is served: files of cases must stay in reach.
func (r *Records) beginDuty(ctx context.Context) error {
	if err := r.readDuty(ctx); err != nil && !errors.Is(err, store.ErrCorrupt) {
		return err
	}
	return nil
}

// readDuty reads the file of those on call and puts it in place, unless a newer one
// has come in meanwhile. Where there is none yet, nothing is read.
func (r *Records) readDuty(ctx context.Context) error {
	id, _ := parseID(r.DutyFile())
	known, ok := r.index.Find(id)
	if !ok {
		return nil
	}
	return r.reread(ctx, known, func(file *File) error {
		state, err := readBoard(file)
		if err != nil {
			return err
		}
		r.dutyMu.Lock()
		defer r.dutyMu.Unlock()
		if held := r.duty.Load(); held == nil || held.revision < state.revision {
			r.duty.Store(state)
		}
		// Also when only the directory is another: who is able has changed.
		close(r.dutyChanged)
		r.dutyChanged = make(chan struct{})
		return nil
	})
}

func readBoard(file *File) (*dutyState, error) {
	state := &dutyState{revision: file.revision}
	held := file.head.GetDuty()
	state.board.Alarms = held.GetOpenAlarms()
	state.board.Notices, state.board.Told = notices(held.GetNotices()), notices(held.GetTold())
	state.board.Warned = warned(held)
	for _, id := range file.Children(recordDuty) {
		if len(id) <= len(rotasPrefix) || id[:len(rotasPrefix)] != rotasPrefix {
			continue
		}
		rotas, err := file.rotas(id[len(rotasPrefix):])
		if err != nil {
			return nil, err
		}
		state.board.Rotas = append(state.board.Rotas, rotas...)
	}
	slices.SortFunc(state.board.Rotas, duty.ByLanguage)
	addresses, err := file.addresses()
	if err != nil {
		return nil, err
	}
	state.addresses = byPerson(addresses)
	return state, nil
}

func notices(stored []*storepb.PendingNotice) []duty.Notice {
	var all []duty.Notice
	for _, notice := range stored {
		all = append(all, duty.Notice{StaffID: notice.GetStaffId(), Since: notice.GetSince().AsTime()})
	}
	return all
}

// rotas are those of one office.
func (f *File) rotas(office string) ([]*amparov1.Rota, error) {
	held := &storepb.OfficeRotas{}
	_, err := f.Get(recordDuty, rotasPrefix+office, held)
	return held.GetRotas(), err
}

func (f *File) addresses() (*storepb.Addresses, error) {
	held := &storepb.Addresses{}
	_, err := f.Get(recordDuty, addressesID, held)
	return held, err
}

// about is the name in the log of the case that an alarm is about; empty for none.
func (r *Records) about(alarm *amparov1.Alarm) string {
	id, _ := parseID(alarm.GetCaseId())
	if head, ok := r.index.Find(id); ok {
		return textOf(head.Pseudonym)
	}
	return ""
}

// knows reports whether the caller may know of a case by the queue's rule.
func (r *Records) knows(grant access.Grant, caseID string) bool {
	id, _ := parseID(caseID)
	staff, _ := parseID(grant.StaffID())
	head, ok := r.index.Find(id)
	return ok && sees(grant, staff, &head)
}
