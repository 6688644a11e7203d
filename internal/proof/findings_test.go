package proof_test

import (
	"testing"
	"time"

	"google.golang.org/protobuf/types/known/timestamppb"

	amparov1 "github.com/amparo-project/amparo/api/amparo/v1"
)

func settled(of uint32) *amparov1.LedgerFact {
	return &amparov1.LedgerFact{Fact: &amparov1.LedgerFact_Settlement{Settlement: &amparov1.SettlementFact{Withdrawal: of, Stands: true}}}
}

func requested(of uint32, due time.Time) *amparov1.LedgerFact {
	return &amparov1.LedgerFact{Fact: &amparov1.LedgerFact_ReturnRequest{ReturnRequest: &amparov1.ReturnRequestFact{
		Disclosure: of, Recipient: 1, AnswerDueAt: stamp(due),
	}}}
}

func answered(of uint32) *amparov1.LedgerFact {
	return &amparov1.LedgerFact{Fact: &amparov1.LedgerFact_ReturnAnswer{ReturnAnswer: &amparov1.ReturnAnswerFact{
		Request: of, Outcome: amparov1.ReturnOutcome_RETURN_OUTCOME_CONFIRMED_DELETED,
	}}}
}

func answers(of uint32, outcome amparov1.ReturnOutcome) *amparov1.LedgerFact {
	fact := answered(of)
	fact.GetReturnAnswer().Outcome = outcome
	return fact
}

// asked is a consent (1), a check (2) and what left on them (3), and what follows.
func asked(c story, facts ...*amparov1.LedgerFact) {
	c.Consent()
	c.Check()
	c.Disclose()
	if len(facts) > 0 {
		note(c, facts...)
	}
}

// nobody takes its author from an act.
func nobody(leaf *amparov1.AuditLeaf) { leaf.StaffId, leaf.DeviceId = "", "" }

func informed(of uint32) *amparov1.LedgerFact {
	return &amparov1.LedgerFact{Fact: &amparov1.LedgerFact_Informed{Informed: &amparov1.InformedFact{Of: of}}}
}

func breach(happened, aware time.Time) *amparov1.LedgerFact {
	return &amparov1.LedgerFact{Fact: &amparov1.LedgerFact_Breach{Breach: &amparov1.BreachFact{
		Recipient: 2, Categories: []amparov1.DataCategory{contact}, HappenedAt: stamp(happened), AwareAt: stamp(aware),
	}}}
}

func note(c story, facts ...*amparov1.LedgerFact) *amparov1.AuditLeaf {
	_, leaf := c.Together(amparov1.LeafAction_LEAF_ACTION_NOTE, facts...)
	return leaf
}

// TestFindings says of each thing that cannot be as it stands what is found.
func TestFindings(t *testing.T) {
	for _, row := range []struct {
		name string
		tell func(c story)
		want string
	}{
		{"a whole life", func(c story) {
			c.Consent()
			c.Approve(c.Check(func(k harm) { k.ApprovalsNeeded = 1 }), reviewer)
			left := c.Disclose()
			w := c.Withdraw()
			c.By = head
			note(c, settled(w), requested(left, monday.Add(day)))
			note(c, answered(6+1))
			note(c, informed(left))
			note(c, breach(monday, monday.Add(time.Hour)))
		}, ""},
		{"an entry is missing", func(c story) { c.Consent(); note(c, numbered(c.NewCheck(), 3)) }, "NUMBER_GAP"},
		{"an entry stands there twice", func(c story) { c.Consent(); note(c, numbered(c.NewCheck(), 1)) }, "NUMBER_REPEATED"},
		{"an entry has no number", func(c story) { note(c, c.NewConsent()).Facts[0].Number = 0 }, "NUMBER_REPEATED"},
		{"an entry of a case that was not touched", func(c story) { note(c, c.NewConsent()).Changes = nil }, "WITHOUT_CHANGE"},
		{"an entry of another case", func(c story) {
			note(c, c.NewConsent()).Facts[0].Pseudonym = "pseudonym-2"
		}, "WITHOUT_CHANGE"},
		{"an entry of an act that was refused", func(c story) {
			note(c, c.NewConsent()).Outcome = amparov1.LeafOutcome_LEAF_OUTCOME_REFUSED
		}, "IN_REFUSAL"},
		{"approves nothing", func(c story) { c.Approve(7, reviewer) }, "ENTRY_UNKNOWN"},
		{"approves what comes later", func(c story) { c.Approve(2, reviewer); c.Check() }, "ENTRY_UNKNOWN"},
		{"approves a consent", func(c story) { c.Approve(c.Consent(), reviewer) }, "ENTRY_UNKNOWN"},
		{"approves their own check", func(c story) { c.Approve(c.Check(), officer) }, "APPROVAL_OF_OWN"},
		{"approves a check twice", func(c story) {
			check := c.Check()
			c.Approve(check, reviewer)
			c.Approve(check, reviewer)
		}, "APPROVAL_REPEATED"},
		{"the service approves", func(c story) { note(c, c.NewCheck()); note(c, approval(1)).StaffId = "" }, "AUTHOR_MISSING"},
		{"settles no withdrawal", func(c story) { note(c, settled(c.Consent())) }, "ENTRY_UNKNOWN"},
		{"asks back what did not leave", func(c story) { note(c, requested(c.Check(), monday)) }, "ENTRY_UNKNOWN"},
		{"answers no request", func(c story) { note(c, answered(c.Check())) }, "ENTRY_UNKNOWN"},
		{"told of nothing", func(c story) { note(c, informed(3)) }, "ENTRY_UNKNOWN"},
		{"told of something", func(c story) { note(c, informed(0)) }, "ENTRY_UNKNOWN"},
		{"an event that names no consent", func(c story) { c.Event(status, c.Check()) }, "ENTRY_UNKNOWN"},
		{"a listed disclosure that names a check that is none", func(c story) {
			c.Approve(c.Basis(), reviewer)
			c.Disclose(func(d disclosure) { d.Track, d.Basis, d.Consents, d.Categories = listed, 1, nil, d.Categories[1:] })
		}, "ENTRY_UNKNOWN"},

		{"said when it was written down, by a clock ahead", func(c story) { c.Consent(ahead(c, 5*time.Minute)) }, ""},
		{"said after it was written down", func(c story) { c.Consent(ahead(c, 5*time.Minute+time.Second)) }, "FROM_FUTURE"},
		{"withdrawn after it was written down", func(c story) {
			c.Withdraw(func(w withdrawal) { w.SaidAt = c.At(time.Hour) })
		}, "FROM_FUTURE"},
		{"left after it was written down", func(c story) { c.Consent(); c.Check(); c.Disclose(at(c, time.Hour)) }, "FROM_FUTURE"},
		{"a breach that will happen, and is known already", func(c story) { note(c, breach(monday.Add(day), monday)) }, "FROM_FUTURE"},
		{"a breach that will be known", func(c story) { note(c, breach(monday, monday.Add(day))) }, "FROM_FUTURE"},
		{"a breach of which nobody says since when it is known", func(c story) {
			b := breach(monday, monday)
			b.GetBreach().AwareAt = nil
			note(c, b)
		}, "TIME_MISSING"},
		{"a breach of which nobody knows when it happened", func(c story) {
			b := breach(monday, monday)
			b.GetBreach().HappenedAt = nil
			note(c, b)
		}, ""},
		{"a breach that happened at a time that is none", func(c story) {
			b := breach(monday, monday)
			b.GetBreach().HappenedAt.Nanos = -1
			note(c, b)
		}, "TIME_MISSING"},
		{"nobody says when it was said", func(c story) { c.Consent(func(f consent) { f.ObtainedAt = nil }) }, "TIME_MISSING"},
		{"a time that is none", func(c story) { c.Consent(func(f consent) { f.ObtainedAt.Nanos = -1 }) }, "TIME_MISSING"},
		{"ends before it begins", func(c story) {
			c.Consent(func(f consent) { f.ExpiresAt = c.At(-time.Hour) })
		}, "ENDS_BEFORE_START"},
		{"neither yes nor no", func(c story) { c.Consent(func(f consent) { f.Answer = 0 }) }, "SAYS_NOTHING"},
		{"a yes of whom nobody knows", func(c story) { c.Consent(func(f consent) { f.Giver = 0 }) }, "SAYS_NOTHING"},
		{"a yes of which nobody knows how it was said", func(c story) { c.Consent(func(f consent) { f.Method = 0 }) }, "SAYS_NOTHING"},
		{"a no of which nobody knows how it was said", func(c story) {
			c.Consent(func(f consent) { f.Answer, f.Giver, f.Method = amparov1.ConsentAnswer_CONSENT_ANSWER_REFUSED, 0, 0 })
		}, ""},
		{"a check that decides nothing", func(c story) { c.Check(func(k harm) { k.Result = 0 }) }, "SAYS_NOTHING"},
		{"a check for nothing", func(c story) { c.Check(func(k harm) { k.Purpose = 0 }) }, "SAYS_NOTHING"},
		{"a check of what goes to nobody", func(c story) { c.Check(func(k harm) { k.Recipient = 0 }) }, "SAYS_NOTHING"},
		{"a check of no data", func(c story) { c.Check(func(k harm) { k.Categories = nil }) }, "SAYS_NOTHING"},
		{"a basis that is none", func(c story) { c.Basis(func(b basis) { b.Basis = 0 }) }, "SAYS_NOTHING"},
		{"an event in which nothing befalls", func(c story) { c.Event(0) }, "SAYS_NOTHING"},
		{"a track that is none", func(c story) { c.Consent(); c.Check(); c.Disclose(func(d disclosure) { d.Track = 0 }) }, "SAYS_NOTHING"},
		{"an answer that is none", func(c story) {
			asked(c, requested(3, monday.Add(day)))
			note(c, answers(4, 0))
		}, "SAYS_NOTHING"},
		{"asked back without an end", func(c story) {
			r := requested(3, monday)
			r.GetReturnRequest().AnswerDueAt = nil
			asked(c, r)
		}, "TIME_MISSING"},
		{"asked back from somebody who never had it", func(c story) {
			r := requested(3, monday.Add(day))
			r.GetReturnRequest().Recipient = 2
			asked(c, r)
		}, "REQUEST_TO_ANOTHER"},
		{"stated for a request that is none", func(c story) { c.Basis(func(b basis) { b.Basis, b.Of = back, c.Consent() }) }, "ENTRY_UNKNOWN"},
		{"a notice of a breach that nobody admitted", func(c story) { c.Basis(func(b basis) { b.Basis = notice }) }, "ENTRY_UNKNOWN"},
		{"nobody's yes", func(c story) { nobody(note(c, c.NewConsent())) }, "AUTHOR_MISSING"},
		{"nobody's check", func(c story) { nobody(note(c, c.NewCheck())) }, "AUTHOR_MISSING"},
		{"nobody's order of a court", func(c story) { c.Basis(); nobody(c.Log().Leaves[1]) }, "AUTHOR_MISSING"},
		{"nobody let it leave", func(c story) { c.Consent(); c.Check(); nobody(note(c, c.NewDisclosure())) }, "AUTHOR_MISSING"},
		{"what the service does by itself", func(c story) {
			asked(c)
			nobody(note(c, &amparov1.LedgerFact{Fact: &amparov1.LedgerFact_Withdrawal{Withdrawal: &amparov1.WithdrawalFact{SaidAt: c.At(0)}}}))
			nobody(note(c, settled(4), requested(3, monday.Add(day))))
			c.Basis(func(b basis) { b.Basis, b.Of = back, 6 })
			c.Event(status)
			nobody(c.Log().Leaves[6])
			nobody(c.Log().Leaves[7])
		}, ""},
		{"one partner, named twice", func(c story) { c.Consent(func(f consent) { f.Recipients = []uint32{1, 2, 1} }) }, "VALUE_REPEATED"},
		{"a consent on which it rests twice", func(c story) {
			c.Consent()
			c.Check()
			c.Disclose(func(d disclosure) { d.Consents = []uint32{1, 1} })
		}, "VALUE_REPEATED"},
		{"an entry without a word", func(c story) { note(c, &amparov1.LedgerFact{}) }, "SAYS_NOTHING"},
		{"a purpose of a later version", func(c story) { c.Consent(func(f consent) { f.Purposes[0] = 99 }) }, "VALUE_UNKNOWN"},
		{"something withheld, of a later version", func(c story) {
			c.Consent(func(f consent) { f.Withheld = []*amparov1.WithheldFact{{Category: 99}} })
		}, "VALUE_UNKNOWN"},
		{"an event of a later version", func(c story) { c.Event(99) }, "VALUE_UNKNOWN"},
	} {
		r := told(row.tell)
		if got := found(r); got != row.want {
			t.Errorf("%s: found %q, want %q", row.name, got, row.want)
		}
		if r.Sound() != (row.want == "") {
			t.Errorf("%s: sound is %v", row.name, r.Sound())
		}
	}
}

// TestNothingRestsOnWhatHasNoPlace: what stands in the log where no entry can stand
// allows nothing, and is no disclosure that could be allowed.
func TestNothingRestsOnWhatHasNoPlace(t *testing.T) {
	for _, row := range []row{
		{"a consent of an act that was refused", func(c story) {
			note(c, numbered(c.NewConsent(), 1)).Outcome = amparov1.LeafOutcome_LEAF_OUTCOME_REFUSED
			c.Check()
			c.Disclose(func(d disclosure) { d.Check = 1 })
		}, "UNCOVERED CONSENT_MISSING"},
		{"a consent whose number was there before", func(c story) {
			c.Withdraw()
			c.Check()
			note(c, numbered(c.NewConsent(), 1))
			c.Disclose()
		}, "UNCOVERED CONSENT_MISSING"},
		{"a check to which somebody agreed before it was there", func(c story) {
			c.Consent()
			c.Approve(3, reviewer)
			c.Check(func(k harm) { k.ApprovalsNeeded = 1 })
			c.Disclose(func(d disclosure) { d.Check = 3 })
		}, "UNCOVERED CHECK_UNAPPROVED"},
		{"a check to which the service agreed", func(c story) {
			c.Consent()
			c.Check(func(k harm) { k.ApprovalsNeeded = 1 })
			note(c, approval(2)).StaffId = ""
			c.Disclose()
		}, "UNCOVERED CHECK_UNAPPROVED"},
		{"a check to which one person agreed twice", func(c story) {
			c.Consent()
			c.Check(func(k harm) { k.ApprovalsNeeded = 2 })
			c.Approve(2, reviewer)
			c.Approve(2, reviewer)
			c.Disclose()
		}, "UNCOVERED CHECK_UNAPPROVED"},
		{"a consent that nobody wrote down", func(c story) {
			nobody(note(c, c.NewConsent()))
			c.Check()
			c.Disclose()
		}, "UNCOVERED CONSENT_MISSING"},
		{"a no that nobody wrote down", func(c story) {
			c.Consent()
			c.Check()
			nobody(note(c, c.NewConsent(func(f consent) { f.Answer = amparov1.ConsentAnswer_CONSENT_ANSWER_REFUSED })))
			c.Disclose()
		}, "UNCOVERED CONSENT_STOPPED"},
		{"a check that nobody made", func(c story) {
			c.Consent()
			nobody(note(c, c.NewCheck()))
			c.Disclose()
		}, "UNCOVERED CHECK_MISSING"},
		{"a check since that says no, of no data", func(c story) {
			c.Consent()
			c.Check()
			c.Check(func(k harm) { k.Result, k.Categories = amparov1.HarmResult_HARM_RESULT_DO_NOT_PROCEED, nil })
			c.Disclose()
		}, "UNCOVERED CHECK_FORBIDS"},
		{"an order of a court that nobody has seen", func(c story) {
			c.Approve(c.Basis(), reviewer)
			nobody(c.Log().Leaves[1])
			leaveOn(c, 1)
		}, "UNCOVERED BASIS_MISSING"},
		{"an act for vital interests that is nobody's, and more on it", func(c story) {
			n := c.DiscloseAtOnce(c.Vital)
			nobody(c.Log().Leaves[1])
			c.DiscloseAtOnce(c.Vital, func(d disclosure) { d.Under, d.SecondDueAt, d.ActExpiresAt = n, nil, nil })
		}, "UNCOVERED ACT_UNKNOWN"},
		{"nobody let it leave", func(c story) {
			c.Consent()
			c.Check()
			nobody(note(c, c.NewDisclosure()))
		}, "UNCOVERED AUTHOR_MISSING"},
		{"it left twice under one number", func(c story) {
			c.Consent()
			c.Check()
			c.Disclose()
			note(c, numbered(c.NewDisclosure(), 3))
		}, "UNCOVERED MISPLACED"},
		{"it left in an act that was refused", func(c story) {
			c.Consent()
			c.Check()
			note(c, c.NewDisclosure()).Outcome = amparov1.LeafOutcome_LEAF_OUTCOME_REFUSED
		}, "UNCOVERED MISPLACED"},
	} {
		r := told(row.tell)
		if got := verdict(r); got != row.want {
			t.Errorf("%s: %s, want %s", row.name, got, row.want)
		}
	}
}

func numbered(fact *amparov1.LedgerFact, number uint32) *amparov1.LedgerFact {
	fact.Number = number
	return fact
}

func approval(of uint32) *amparov1.LedgerFact {
	return &amparov1.LedgerFact{Fact: &amparov1.LedgerFact_Approval{Approval: &amparov1.ApprovalFact{Of: of}}}
}

func ahead(c story, d time.Duration) func(consent) {
	return func(f consent) { f.ObtainedAt = c.At(d) }
}

func stamp(t time.Time) *timestamppb.Timestamp { return timestamppb.New(t) }
