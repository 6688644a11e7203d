package records_test

import (
	"slices"
	"time"

	"google.golang.org/protobuf/types/known/timestamppb"
	"pgregory.net/rapid"

	amparov1 "github.com/amparo-project/amparo/api/amparo/v1"
	"github.com/amparo-project/amparo/internal/disclosure"
	"github.com/amparo-project/amparo/internal/policy"
	"github.com/amparo-project/amparo/internal/records"
)

// says notes a yes or a no, perhaps an hour or three days late.
func (h *history) says(t *rapid.T) {
	s := said{
		yes: !oneIn(t, "no", 4), purposes: some(t, "purposes", reasons, 1), recipients: some(t, "recipients", outside, 1), categories: some(t, "data", data, 1),
		at: h.Now().Add(-one(t, "late", []time.Duration{0, 0, time.Hour, 72 * time.Hour})),
	}
	if oneIn(t, "the sister", 3) {
		s.party = sister
	}
	if !s.yes {
		if oneIn(t, "everything", 3) {
			s.purposes, s.recipients, s.categories = nil, nil, nil
		}
		h.notes(s, said{})
		return
	}
	s.from = s.at.Add(one(t, "begins", []time.Duration{0, 0, 2 * time.Hour}))
	s.end = s.from.Add(one(t, "lasts", []time.Duration{time.Hour, 48 * time.Hour, 80 * 24 * time.Hour}))
	if s.party == "" && oneIn(t, "in advance", 4) {
		s.awaits = amparov1.PersonStatus_PERSON_STATUS_DETAINED
	}
	withheld := said{}
	if oneIn(t, "withholds", 3) {
		withheld = said{party: s.party, at: s.at, purposes: s.purposes, categories: []amparov1.DataCategory{one(t, "what", s.categories)}}
		if oneIn(t, "from one", 2) {
			withheld.recipients = []string{one(t, "whom", s.recipients)}
		}
	}
	h.notes(s, withheld)
}

// notes records what was said, and what of it is withheld.
func (h *history) notes(s, withheld said) {
	terms := &amparov1.ConsentTerms{
		Answer: amparov1.ConsentAnswer_CONSENT_ANSWER_REFUSED, Party: party(s.party), AskedAlone: true, ObtainedAt: timestamppb.New(s.at), OnEvent: s.awaits,
		Purposes: s.purposes, Recipients: h.recipients(s.recipients), Categories: s.categories, Method: amparov1.ConsentMethod_CONSENT_METHOD_WRITTEN,
		Told:    &amparov1.Telling{Language: "fr", Statement: &amparov1.StatementReference{Id: "consent-release", Language: "fr"}},
		Quality: &amparov1.FreeFullInformed{Free: true, Full: true, Informed: true},
	}
	if s.yes {
		terms.Answer, terms.ValidFrom, terms.ExpiresAt = amparov1.ConsentAnswer_CONSENT_ANSWER_GIVEN, timestamppb.New(s.from), timestamppb.New(s.end)
	}
	for _, category := range withheld.categories {
		kept := &amparov1.Withholding{Category: category, Reason: amparov1.WithholdingReason_WITHHOLDING_REASON_FEAR_OF_HARM}
		for _, from := range h.recipients(withheld.recipients) {
			kept.From = from
		}
		terms.Withheld = append(terms.Withheld, kept)
	}
	s.noted = h.Now()
	s.number = h.must(h.staff[1], func(_ *records.Work, f *records.File, act disclosure.Act) (disclosure.Added, error) {
		if f.Case().GetPersonStatus() == s.awaits {
			s.awaits = 0
		}
		return act.Consent(terms, adult("Amaru Quispe"))
	})
	h.said = append(h.said, s)
	if withheld.number = s.number; len(withheld.categories) > 0 {
		h.said = append(h.said, withheld)
	}
	for _, name := range append([]string{s.party}, s.recipients...) {
		h.known[name] = true
	}
}

// asks asks everybody concerned, makes the check and has two others agree: what is in
// order until something happens. Some say yes for the day of an arrest, and some half an
// hour before anybody writes it down; and now and then the others agree last, when it may
// have left already.
func (h *history) asks(t *rapid.T) {
	w, yes := h.wished(t), said{yes: true}
	h.judges(h.staff[0], w, true)
	agree := func() {
		for _, p := range h.staff[1:] {
			h.agreesTo(t, &h.checks[len(h.checks)-1], p)
		}
	}
	last := oneIn(t, "the others last", 3)
	if !last {
		agree()
	}
	var late time.Duration
	switch one(t, "asked", []string{"now", "now", "before", "in advance"}) {
	case "before":
		late = 40 * time.Minute
		h.pass(45 * time.Minute)
	case "in advance":
		yes.awaits = amparov1.PersonStatus_PERSON_STATUS_DETAINED
		h.happens("released")
	}
	for _, party := range append([]string{""}, w.about...) {
		asked := yes
		asked.party, asked.purposes, asked.recipients, asked.categories = party, []amparov1.Purpose{w.purpose}, []string{w.recipient}, w.data
		asked.at, asked.from, asked.end = h.Now().Add(-late), h.Now().Add(-late), h.Now().Add(48*time.Hour)
		h.notes(asked, said{})
	}
	if last {
		h.pass(40 * time.Minute)
		agree()
	}
	if yes.awaits != 0 && !oneIn(t, "not arrested", 4) {
		h.happens("detained")
	}
}

// withdraws takes a yes back, a part of it or everything, through whoever heard it.
func (h *history) withdraws(t *rapid.T, by person) {
	w := said{noted: h.Now(), at: h.Now().Add(-one(t, "said before", []time.Duration{0, time.Hour}))}
	draft := &amparov1.WithdrawalDraft{SaidAt: timestamppb.New(w.at), Everything: true} // of the person
	yes := slices.DeleteFunc(slices.Clone(h.said), func(s said) bool { return !s.yes })
	switch {
	case len(yes) > 0 && !oneIn(t, "everything", 4):
		of := one(t, "consent", yes)
		w.party, w.purposes, w.recipients = of.party, of.purposes, of.recipients
		draft.Everything, draft.Consent = false, of.number
		if oneIn(t, "one purpose", 3) {
			w.purposes = w.purposes[:1]
			draft.Purposes = w.purposes
		}
	case h.known[sister] && oneIn(t, "the sister", 2):
		w.party = sister
		draft.Party = party(sister)
	}
	if oneIn(t, "some data", 3) {
		w.categories = some(t, "data", data, 1)
		draft.Categories = w.categories
	}
	w.number = h.must(by, func(_ *records.Work, _ *records.File, act disclosure.Act) (disclosure.Added, error) {
		return act.Withdraw(draft)
	})
	h.said = append(h.said, w)
	h.pending[w.number] = w.noted.Add(72 * time.Hour)
}

// wished is something that somebody would let leave: most often what was allowed, or what
// was checked.
func (h *history) wished(t *rapid.T) wish {
	w := wish{purpose: one(t, "purpose", reasons), recipient: one(t, "recipient", outside), data: some(t, "data", data, 1)}
	yes := slices.DeleteFunc(slices.Clone(h.said), func(s said) bool { return !s.yes })
	switch after := one(t, "after", []string{"a check", "a consent", "nothing"}); {
	case after == "a check" && len(h.checks) > 0:
		c := one(t, "check", h.checks)
		return wish{purpose: c.purpose, recipient: c.recipient, data: some(t, "of it", c.data, 1), about: c.about}
	case after != "nothing" && len(yes) > 0:
		s := one(t, "consent", yes)
		w = wish{purpose: one(t, "for", s.purposes), recipient: one(t, "to", s.recipients), data: some(t, "of it", s.categories, 1)}
	}
	if oneIn(t, "about the sister too", 5) {
		w.about = []string{sister}
	}
	return w
}

func (h *history) checksHarm(t *rapid.T) {
	h.judges(h.anyone(t), h.wished(t), !oneIn(t, "stop", 6))
}

func (h *history) judges(by person, w wish, goOn bool) {
	c := h.judged(by, w)
	c.goOn = goOn
	c.number = h.must(by, func(_ *records.Work, _ *records.File, act disclosure.Act) (disclosure.Added, error) {
		return act.CheckHarm(h.draftHarm(w, goOn))
	})
	h.checks = append(h.checks, c)
	for _, name := range append([]string{c.recipient}, c.about...) {
		h.known[name] = true
	}
}

// judged is a check that says go on.
func (h *history) judged(by person, w wish) judged {
	return judged{
		goOn: true, purpose: w.purpose, recipient: w.recipient, data: w.data, about: w.about,
		at: h.Now(), end: h.Now().Add(14 * 24 * time.Hour), needed: h.needed(), by: by.staff.GetId(), agreed: map[string]time.Time{},
	}
}

func (h *history) needed() int { return int(policy.Demands(policy.Default(), h.level).GetApprovals()) }

func (h *history) draftHarm(w wish, goOn bool) *amparov1.HarmDraft {
	no, yes := amparov1.HarmReply_HARM_REPLY_NO, amparov1.HarmReply_HARM_REPLY_YES
	draft := &amparov1.HarmDraft{Result: amparov1.HarmResult_HARM_RESULT_PROCEED, Action: h.planned(w)}
	if !goOn {
		draft.Result = amparov1.HarmResult_HARM_RESULT_DO_NOT_PROCEED
	}
	for i, reply := range []amparov1.HarmReply{no, no, no, yes, yes, no, yes, no, yes, yes, no, yes} {
		draft.Answers = append(draft.Answers, &amparov1.HarmAnswer{Question: amparov1.HarmQuestion(i + 1), Reply: reply})
	}
	return draft
}

func (h *history) planned(w wish) *amparov1.PlannedAction {
	action := &amparov1.PlannedAction{
		Purpose: w.purpose, Recipient: h.recipients([]string{w.recipient})[0], Categories: w.data, Channel: amparov1.ContactChannel_CONTACT_CHANNEL_SIGNAL,
	}
	for _, name := range w.about {
		action.About = append(action.About, party(name))
	}
	return action
}

// agrees adds somebody's word to a check, where it has room for it.
func (h *history) agrees(t *rapid.T) {
	if len(h.checks) > 0 {
		h.agreesTo(t, &h.checks[rapid.IntRange(0, len(h.checks)-1).Draw(t, "check")], h.anyone(t))
	}
}

func (h *history) agreesTo(t *rapid.T, c *judged, p person) {
	now := h.Now()
	err := h.act(p, func(w *records.Work, f *records.File, act disclosure.Act) error {
		added, _, err := act.Approve(c.number)
		if err != nil {
			return err
		}
		return w.Enter(f, added)
	})
	id := p.staff.GetId()
	if want := id != c.by && c.agreed[id].IsZero() && len(c.agreed) < max(c.needed, h.needed()); want != (err == nil) {
		t.Fatalf("%s agrees to check %d of %s, to which %v agreed: %v", id, c.number, c.by, c.agreed, err)
	}
	if err == nil {
		c.agreed[id] = now
	}
}

// signs puts a second signature under what one person alone let leave.
func (h *history) signs(t *rapid.T) {
	if len(h.alone) == 0 {
		return
	}
	l, p := &h.alone[rapid.IntRange(0, len(h.alone)-1).Draw(t, "act")], h.anyone(t)
	now := h.Now()
	err := h.act(p, func(w *records.Work, f *records.File, act disclosure.Act) error {
		added, err := act.Countersign(l.number)
		if err != nil {
			return err
		}
		return w.Enter(f, added)
	})
	if want := l.by != p.staff.GetId() && l.signed.IsZero(); want != (err == nil) {
		t.Fatalf("a second signature under entry %d: %v", l.number, err)
	}
	if err == nil {
		l.signed = now
	}
}
