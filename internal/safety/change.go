package safety

import (
	"slices"
	"time"

	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/types/known/timestamppb"

	amparov1 "github.com/amparo-project/amparo/api/amparo/v1"
	"github.com/amparo-project/amparo/internal/fault"
	"github.com/amparo-project/amparo/internal/intake"
)

const (
	pending  = amparov1.ChangeStanding_CHANGE_STANDING_PENDING
	inForce  = amparov1.ChangeStanding_CHANGE_STANDING_IN_FORCE
	rejected = amparov1.ChangeStanding_CHANGE_STANDING_REJECTED

	oldChannel   = amparov1.ChangeProof_CHANGE_PROOF_OLD_CHANNEL
	challenge    = amparov1.ChangeProof_CHANGE_PROOF_CHALLENGE
	secondPerson = amparov1.ChangeProof_CHANGE_PROOF_SECOND_PERSON
)

// Outcome is how a change stands after an act on it, as its caller is told.
type Outcome struct {
	Number   uint32
	Standing amparov1.ChangeStanding
	Entries  []*amparov1.TimelineEntry
	// Duress says that the person used the word for it: somebody is to be woken. The
	// change is not in force then, whatever Standing tells whoever is looking on.
	Duress bool
}

// Propose records that a contact, the payee or direct contact is to change. With the
// right answer to the challenge it is in force at once; without an answer it waits;
// a wrong one is refused (REASON_NOT_PROVEN). That the person is not to be contacted
// directly any more takes no proof.
//
// The word for duress in place of the answer, and any answer given soon after it, is
// taken for right as far as the caller can see, and puts nothing in force.
func Propose(s *amparov1.Safety, draft *amparov1.ChangeDraft, answer, staffID string, now time.Time) (Outcome, error) {
	draft = proto.CloneOf(draft)
	if err := checkChange(s, draft); err != nil {
		return Outcome{}, err
	}
	said := said(challengers(s, draft), answer)
	if answer != "" && said == unknownWord {
		return Outcome{}, fault.Field(amparov1.Reason_REASON_NOT_PROVEN, "answer", "is the answer to the challenge, or left out")
	}
	change := &amparov1.ContactChange{
		Number: number(s), Change: draft, Standing: pending, ProposedAt: timestamppb.New(now), ProposedById: staffID,
	}
	s.Changes = append(s.Changes, change)
	outcome := Outcome{
		Number: change.GetNumber(), Standing: pending, Entries: entriesOf(amparov1.TimelineKind_TIMELINE_KIND_CHANGE_PROPOSED, change, staffID, now),
	}
	_, isDirect := draft.GetChange().(*amparov1.ChangeDraft_DirectContact)
	switch {
	case isDirect && !draft.GetDirectContact():
		putInForce(s, change, amparov1.ChangeProof_CHANGE_PROOF_UNSPECIFIED, staffID, now)
		outcome.Standing = inForce
	case answer != "":
		outcome.Duress, outcome.Standing = answered(s, change, said, staffID, now)
	}
	if change.GetStanding() == inForce {
		outcome.Entries = append(outcome.Entries, entriesOf(amparov1.TimelineKind_TIMELINE_KIND_CHANGE_IN_FORCE, change, staffID, now)...)
	}
	s.Changes = forgetOldest(s.GetChanges(), keptSettled, func(c *amparov1.ContactChange) bool { return c.GetStanding() != pending })
	return outcome, nil
}

// answered does what a word that is known does to a change, and returns what the
// caller is told of its standing.
func answered(s *amparov1.Safety, change *amparov1.ContactChange, word saying, staffID string, now time.Time) (duress bool, told amparov1.ChangeStanding) {
	if word == duressWord {
		keepSign(s, &amparov1.DuressSign{At: timestamppb.New(now), RecordedAt: timestamppb.New(now), RecordedById: staffID})
	}
	if underDuress(s, now) {
		change.PersonNeeded = true
		return word == duressWord, inForce
	}
	if personNeeded(s, change) {
		return false, pending
	}
	putInForce(s, change, challenge, staffID, now)
	return false, inForce
}

// Proof is what is held to prove a change, or that it is rejected.
type Proof struct {
	Kind    amparov1.ChangeProof // unspecified: a second person
	Answer  string               // to the challenge
	Contact uint32               // the old channel
	Reject  bool
}

// Settle proves or rejects a change that waits (else REASON_NOTHING_TO_CONFIRM).
// A second person must not be the one who proposed it (REASON_SECOND_PERSON_NEEDED);
// the same is refused where only a second person will do: while the person is held,
// missing or dead, and for a contact that was in hostile hands, whoever has the
// telephone may have the words as well. The old channel must be in use, and somebody
// must have been reached over it since the proposal (REASON_NOT_PROVEN).
func Settle(s *amparov1.Safety, changeNumber uint32, proof Proof, staffID string, now time.Time) (Outcome, error) {
	change := findPending(s, changeNumber)
	if change == nil {
		return Outcome{}, fault.New(amparov1.Reason_REASON_NOTHING_TO_CONFIRM)
	}
	outcome := Outcome{Number: changeNumber, Standing: inForce}
	var err error
	switch {
	case proof.Reject:
		outcome.Standing = rejected
		settle(change, rejected, amparov1.ChangeProof_CHANGE_PROOF_UNSPECIFIED, staffID, now)
	case proof.Kind == challenge:
		outcome.Duress, err = settleByWord(s, change, proof.Answer, staffID, now)
	case proof.Kind == oldChannel:
		err = settleByOldChannel(s, change, proof.Contact, staffID, now)
	case staffID == "" || staffID == change.GetProposedById():
		err = fault.New(amparov1.Reason_REASON_SECOND_PERSON_NEEDED)
	default:
		putInForce(s, change, secondPerson, staffID, now)
	}
	if err != nil {
		return Outcome{}, err
	}
	// One that only seems to be in force leaves nothing but what was there: the
	// timeline tells no lies, and nobody would look for the missing line.
	switch change.GetStanding() { //nolint:exhaustive // a change that waits still has told of nothing
	case inForce:
		outcome.Entries = entriesOf(amparov1.TimelineKind_TIMELINE_KIND_CHANGE_IN_FORCE, change, staffID, now)
	case rejected:
		outcome.Entries = entriesOf(amparov1.TimelineKind_TIMELINE_KIND_CHANGE_REJECTED, change, staffID, now)
	}
	return outcome, nil
}

func settleByWord(s *amparov1.Safety, change *amparov1.ContactChange, answer, staffID string, now time.Time) (duress bool, err error) {
	word := said(challengers(s, change.GetChange()), answer)
	if word == unknownWord {
		return false, fault.Field(amparov1.Reason_REASON_NOT_PROVEN, "answer", "is the answer to the challenge")
	}
	if word == codeWord && !underDuress(s, now) && personNeeded(s, change) {
		return false, fault.New(amparov1.Reason_REASON_SECOND_PERSON_NEEDED)
	}
	duress, _ = answered(s, change, word, staffID, now)
	return duress, nil
}

func settleByOldChannel(s *amparov1.Safety, change *amparov1.ContactChange, contact uint32, staffID string, now time.Time) error {
	c := find(s, contact)
	if !reachedSince(c, change.GetProposedAt().AsTime()) || !speaksFor(c, change.GetChange()) {
		return fault.Field(amparov1.Reason_REASON_NOT_PROVEN, "contact", "is in use, and somebody was reached there since the proposal")
	}
	if underDuress(s, now) {
		change.PersonNeeded = true
		return nil
	}
	if personNeeded(s, change) {
		return fault.New(amparov1.Reason_REASON_SECOND_PERSON_NEEDED)
	}
	putInForce(s, change, oldChannel, staffID, now)
	return nil
}

func reachedSince(c *amparov1.SafetyContact, since time.Time) bool {
	return c.GetUse() == usable && c.GetReachedAt() != nil && !c.GetReachedAt().AsTime().Before(since)
}

// Reached reports whether the person, or whoever speaks for them, has been reached
// safely over the proof's contact since an instant: what cannot be undone is confirmed
// there. What is said soon after a sign of duress confirms nothing.
func (p Proof) Reached(s *amparov1.Safety, since, now time.Time) bool {
	c := find(s, p.Contact)
	return reachedSince(c, since) && c.GetVerification() != hostile && !underDuress(s, now)
}

// speaksFor reports whether a contact can vouch for a change: the person can for
// everything, and anybody for another contact of theirs that stays of the same kind.
// Or a proxy could make a number of their choice the person's own.
func speaksFor(c *amparov1.SafetyContact, draft *amparov1.ChangeDraft) bool {
	kind := c.GetContact().GetKind()
	return kind == own || (c.GetNumber() == draft.GetReplaces() && kind == draft.GetContact().GetKind())
}

// personNeeded reports whether neither the challenge nor the old channel will do.
func personNeeded(s *amparov1.Safety, change *amparov1.ContactChange) bool {
	held := s.GetStatus() == detained || s.GetStatus() == disappeared || s.GetStatus() == deceased
	about := max(change.GetChange().GetRestore(), change.GetChange().GetReplaces())
	return change.GetPersonNeeded() || held || slices.ContainsFunc(s.GetContacts(), func(c *amparov1.SafetyContact) bool {
		concerned := c.GetNumber() == about || sameAddress(c, change.GetChange().GetContact())
		return concerned && c.GetVerification() == hostile
	})
}

// putInForce makes a change what is used from now on.
func putInForce(s *amparov1.Safety, change *amparov1.ContactChange, proof amparov1.ChangeProof, staffID string, now time.Time) {
	settle(change, inForce, proof, staffID, now)
	draft := change.GetChange()
	switch asked := draft.GetChange().(type) {
	case *amparov1.ChangeDraft_Contact:
		addProven(s, asked.Contact, draft.GetReplaces(), now)
	case *amparov1.ChangeDraft_Payee:
		s.Payee = proto.CloneOf(asked.Payee)
	case *amparov1.ChangeDraft_Restore:
		c := find(s, asked.Restore)
		c.Use, c.WhyNot, c.NotSince, c.Verification = usable, amparov1.DoNotUseReason_DO_NOT_USE_REASON_UNSPECIFIED, nil, verified
	case *amparov1.ChangeDraft_DirectContact:
		s.MayContactDirectly = proto.Bool(asked.DirectContact)
	}
}

// addProven adds a contact that was proven. It takes over the words of the one that
// it replaces where it brings none: a forgotten word would be one that nobody hears.
func addProven(s *amparov1.Safety, draft *amparov1.ContactDraft, replaces uint32, now time.Time) {
	added := &amparov1.SafetyContact{Number: number(s), Contact: proto.CloneOf(draft), Use: usable, Verification: verified}
	if before := find(s, replaces); before != nil {
		way, old := added.GetContact().GetWay(), before.GetContact().GetWay()
		if way.GetCodeWord() == "" {
			way.CodeWord, way.ChallengeQuestion = old.GetCodeWord(), old.GetChallengeQuestion()
		}
		if way.GetDuressWord() == "" {
			way.DuressWord = old.GetDuressWord()
		}
		before.Use, before.WhyNot, before.NotSince = doNotUse, amparov1.DoNotUseReason_DO_NOT_USE_REASON_REPLACED, timestamppb.New(now)
	}
	s.Contacts = append(s.Contacts, added)
	s.Contacts = forgetOldest(s.Contacts, keptUnused, func(c *amparov1.SafetyContact) bool { return mayForget(s, c) })
}

// mayForget reports whether nothing depends on a contact any more: it is out of use,
// hides no names, and no change that waits is about it.
func mayForget(s *amparov1.Safety, c *amparov1.SafetyContact) bool {
	if c.GetUse() != doNotUse || (c.GetVerification() == hostile && !replaced(c)) {
		return false
	}
	return !slices.ContainsFunc(s.GetChanges(), func(change *amparov1.ContactChange) bool {
		draft := change.GetChange()
		return change.GetStanding() == pending && c.GetNumber() == max(draft.GetReplaces(), draft.GetRestore())
	})
}

func settle(change *amparov1.ContactChange, standing amparov1.ChangeStanding, proof amparov1.ChangeProof, staffID string, now time.Time) {
	change.Standing, change.Proof = standing, proof
	change.SettledAt, change.SettledById = timestamppb.New(now), staffID
}

// checkChange puts a draft into its one form and refuses what cannot be.
func checkChange(s *amparov1.Safety, draft *amparov1.ChangeDraft) error {
	waiting := 0
	for _, c := range s.GetChanges() {
		if c.GetStanding() == pending {
			waiting++
		}
	}
	direct, isDirect := draft.GetChange().(*amparov1.ChangeDraft_DirectContact)
	takesAway := isDirect && !direct.DirectContact
	if waiting >= maxPending && !takesAway {
		return fault.Field(amparov1.Reason_REASON_NOT_PROVEN, "change", "waits until others that wait are settled")
	}
	contact := draft.GetContact()
	if draft.GetReplaces() != 0 && (contact == nil || find(s, draft.GetReplaces()) == nil) {
		return invalid("change.replaces", "is the number of a contact of the case, with a new contact")
	}
	if _, restores := draft.GetChange().(*amparov1.ChangeDraft_Restore); restores && find(s, draft.GetRestore()).GetUse() != doNotUse {
		return invalid("change.restore", "is the number of a contact that is not to be used")
	}
	if contact == nil {
		return nil
	}
	contact.Way = intake.NormaliseContact(contact.GetWay())
	if !reaches(contact.GetWay()) {
		return invalid("change.contact.way.address", "says how to reach somebody, or the instructions do")
	}
	return fault.Fields(intake.CheckContact("change.contact.way", contact.GetWay()))
}

func findPending(s *amparov1.Safety, number uint32) *amparov1.ContactChange {
	for _, c := range s.GetChanges() {
		if c.GetNumber() == number && c.GetStanding() == pending {
			return c
		}
	}
	return nil
}

// entriesOf tells of a change by numbers alone.
func entriesOf(kind amparov1.TimelineKind, change *amparov1.ContactChange, staffID string, now time.Time) []*amparov1.TimelineEntry {
	entry := newEntry(kind, staffID, now)
	entry.ChangeNumber = change.GetNumber()
	for _, n := range []uint32{change.GetChange().GetReplaces(), change.GetChange().GetRestore()} {
		if n != 0 {
			entry.ContactNumbers = append(entry.ContactNumbers, n)
		}
	}
	return []*amparov1.TimelineEntry{entry}
}

// PayTo returns to whom money may be sent, or nil: nobody has been proven, or somebody
// asks for another payee and has not proven it. Which of two is right is not for the
// one who pays to guess.
func PayTo(s *amparov1.Safety) *amparov1.Payee {
	for _, c := range s.GetChanges() {
		if c.GetStanding() == pending && c.GetChange().GetPayee() != nil {
			return nil
		}
	}
	return s.GetPayee()
}
