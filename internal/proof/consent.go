package proof

import (
	"cmp"
	"fmt"
	"maps"
	"slices"
	"strings"

	"google.golang.org/protobuf/reflect/protoreflect"
	"google.golang.org/protobuf/types/known/timestamppb"

	amparov1 "github.com/amparo-project/amparo/api/amparo/v1"
)

// stop is a no: a withdrawal, a refusal, or what a consent withholds.
type stop struct {
	number     uint32
	party      uint32
	said       *timestamppb.Timestamp
	word       string
	purposes   reach[amparov1.Purpose]
	recipients reach[uint32]
	categories reach[amparov1.DataCategory]
}

// reach is a list, or everything.
type reach[T comparable] struct {
	all  bool
	list []T
}

func (r reach[T]) holds(value T) bool { return r.all || slices.Contains(r.list, value) }

// orAll is a list of which an empty one means everything.
func orAll[T comparable](list []T) reach[T] { return reach[T]{all: len(list) == 0, list: list} }

func only[T comparable](list ...T) reach[T] { return reach[T]{list: list} }

func stopOfWithdrawal(number uint32, w *amparov1.WithdrawalFact) stop {
	return stop{
		number: number, party: w.GetParty(), said: w.GetSaidAt(), word: "withdrawn",
		purposes: orAll(w.GetPurposes()), recipients: orAll(w.GetRecipients()), categories: orAll(w.GetCategories()),
	}
}

func stopsOfConsent(number uint32, c *amparov1.ConsentFact) []stop {
	s := stop{number: number, party: c.GetParty(), said: c.GetObtainedAt(), purposes: only(c.GetPurposes()...)}
	switch c.GetAnswer() {
	case amparov1.ConsentAnswer_CONSENT_ANSWER_REFUSED:
		s.word, s.purposes, s.recipients, s.categories = "refused", orAll(c.GetPurposes()), orAll(c.GetRecipients()), orAll(c.GetCategories())
		return []stop{s}
	case amparov1.ConsentAnswer_CONSENT_ANSWER_GIVEN:
		var stops []stop
		for _, w := range c.GetWithheld() {
			s.word, s.recipients, s.categories = "withheld", only(w.GetRecipient()), only(w.GetCategory())
			s.recipients.all = w.GetRecipient() == 0
			stops = append(stops, s)
		}
		return stops
	default:
		return nil // what is neither a yes nor a no is found by checkSense
	}
}

// outweighs reports that a no counts against a yes: unless the yes is the later one
// by the ledger and by the clock of what was said.
func (s stop) outweighs(e *Entry) bool {
	return s.number > e.Number() || !before(s.said, e.Fact.GetConsent().GetObtainedAt())
}

// asked is what must be covered for one party and one category.
type asked struct {
	*amparov1.DisclosureFact
	party    uint32
	category amparov1.DataCategory
	recorded bool // also: the consent was written down before it left
}

// consents holds a disclosure against the consents that it names: each category, of
// each party, must be covered by one of them. It returns those that cover any of it.
func (l *ledger) consents(d *amparov1.DisclosureFact, reasons *reasons) []uint32 {
	named := make(map[uint32][]*Entry)
	for _, number := range unique(d.GetConsents()) {
		if c := l.support(number).fact().GetConsent(); c != nil {
			named[c.GetParty()] = append(named[c.GetParty()], l.find(number))
		}
	}
	used, data := make(map[uint32]bool), kinds(d)
	for _, party := range unique(append([]uint32{0}, d.GetParties()...)) {
		table := l.nosTo(d, party)
		for _, category := range data {
			q := asked{DisclosureFact: d, party: party, category: category, recorded: !isUrgent(d.GetTrack())}
			for _, number := range l.covering(q, named[party], to(table, category), reasons) {
				used[number] = true
			}
		}
	}
	return slices.Sorted(maps.Keys(used))
}

// kinds are the data that left, of those that there are; of the others it is said that
// the disclosure does not say which data left.
func kinds(d *amparov1.DisclosureFact) []amparov1.DataCategory {
	return slices.DeleteFunc(unique(d.GetCategories()), func(c amparov1.DataCategory) bool { return !isKind(c) })
}

func isKind(c amparov1.DataCategory) bool {
	return c != 0 && c.Descriptor().Values().ByNumber(c.Number()) != nil
}

// unique is a list in order, each value once.
func unique[T cmp.Ordered](list []T) []T { return slices.Compact(slices.Sorted(slices.Values(list))) }

// covering returns those of a party's consents that cover what is asked, or says of each
// why it does not.
func (l *ledger) covering(q asked, named []*Entry, no nos, out *reasons) (used []uint32) {
	var against reasons
	for _, e := range named {
		if why := l.against(e, q, no); len(why.list) == 0 {
			used = append(used, e.Number())
		} else {
			against.takeAll(why)
		}
	}
	switch {
	case len(used) > 0:
		return used
	case len(named) == 0:
		out.add("CONSENT_MISSING", "it names no consent of %s that was there", person(q.party))
	default:
		out.takeAll(against)
	}
	return nil
}

// nos are two of the stops that reach what is asked, the last one by the ledger and the
// last one said: a yes that neither outweighs is outweighed by none.
type nos struct{ newest, latest *stop }

// nosTo are, for each kind of data, the nos of a party that reach what leaves; under zero
// stand those to all data. They are gone through once, however much leaves.
func (l *ledger) nosTo(d *amparov1.DisclosureFact, party uint32) map[amparov1.DataCategory]nos {
	table := make(map[amparov1.DataCategory]nos)
	for i := range l.stops[party] {
		s := &l.stops[party][i]
		if !s.purposes.holds(d.GetPurpose()) || !s.recipients.holds(d.GetRecipient()) {
			continue
		}
		if s.categories.all {
			table[0] = table[0].and(s)
			continue
		}
		for _, category := range s.categories.list {
			if isKind(category) {
				table[category] = table[category].and(s)
			}
		}
	}
	for category, n := range table {
		if category != 0 {
			table[category] = n.and(table[0].newest).and(table[0].latest)
		}
	}
	return table
}

// to is what of a table is to one kind of data.
func to(table map[amparov1.DataCategory]nos, category amparov1.DataCategory) nos {
	if n, ok := table[category]; ok {
		return n
	}
	return table[0]
}

// and takes in another no. One of which nobody knows when it was said is the last.
func (n nos) and(s *stop) nos {
	if s == nil {
		return n
	}
	if n.newest == nil || n.newest.number <= s.number {
		n.newest = s
	}
	if n.latest == nil || n.latest.said.IsValid() && !before(s.said, n.latest.said) {
		n.latest = s
	}
	return n
}

// against is the no that stands against a consent, or nil. What the consent withholds
// itself is said of it elsewhere.
func (n nos) against(e *Entry) *stop {
	for _, s := range []*stop{n.newest, n.latest} {
		if s != nil && s.number != e.Number() && s.outweighs(e) {
			return s
		}
	}
	return nil
}

// refusedBy is the newest no that stood against a disclosure to which nobody had to
// consent, or zero: one of the person of the case that a later yes has not lifted.
func (l *ledger) refusedBy(d *amparov1.DisclosureFact) (number uint32) {
	table := l.nosTo(d, 0)
	for _, category := range kinds(d) {
		q := asked{DisclosureFact: d, category: category}
		if no := to(table, category); no.newest != nil && !l.lifted(q, no) {
			number = max(number, no.newest.number)
		}
	}
	return number
}

// mostYeses is among how many of the newest yeses one is looked for that lifts a no.
// Beyond them an auditor is shown more, and nothing is judged by it.
const mostYeses = 100

// lifted reports that a yes of the person of the case covers what is asked in spite of
// every no. It came after the newest of them.
func (l *ledger) lifted(q asked, no nos) bool {
	later := l.yeses[after(l.yeses, no.newest.number):]
	return slices.ContainsFunc(later[max(0, len(later)-mostYeses):], func(yes *Entry) bool {
		why := l.against(yes, q, no)
		return len(why.list) == 0
	})
}

// against says why a consent does not cover what is asked; nothing means that it does.
func (l *ledger) against(e *Entry, q asked, no nos) reasons {
	var out reasons
	c, n, data := e.Fact.GetConsent(), e.Number(), word(q.category)
	if c.GetAnswer() != amparov1.ConsentAnswer_CONSENT_ANSWER_GIVEN {
		out.add("CONSENT_REFUSED", "entry %d is no yes", n)
		return out
	}
	if !slices.Contains(c.GetPurposes(), q.GetPurpose()) {
		out.add("CONSENT_OTHER_PURPOSE", "consent %d is not for %s", n, word(q.GetPurpose()))
	}
	if !slices.Contains(c.GetRecipients(), q.GetRecipient()) {
		out.add("CONSENT_OTHER_RECIPIENT", "consent %d is not for recipient %d", n, q.GetRecipient())
	}
	if !slices.Contains(c.GetCategories(), q.category) {
		out.add("CONSENT_OTHER_DATA", "consent %d does not cover %s", n, data)
	}
	if slices.ContainsFunc(c.GetWithheld(), func(w *amparov1.WithheldFact) bool {
		return w.GetCategory() == q.category && (w.GetRecipient() == 0 || w.GetRecipient() == q.GetRecipient())
	}) {
		out.add("CONSENT_WITHHELD", "consent %d withholds %s", n, data)
	}
	l.againstTime(e, q, &out)
	if s := no.against(e); s != nil {
		out.add("CONSENT_STOPPED", "consent %d: %s was %s by entry %d", n, data, s.word, s.number)
	}
	return out
}

func (l *ledger) againstTime(e *Entry, q asked, out *reasons) {
	c, n := e.Fact.GetConsent(), e.Number()
	at, ok := instant(q.GetHappenedAt())
	if !ok {
		return // said once, of the disclosure itself
	}
	if from, ok := instant(c.GetValidFrom()); !ok || at.Before(from) {
		out.add("CONSENT_NOT_YET_VALID", "consent %d was not valid yet", n)
	}
	if until, ok := instant(c.GetExpiresAt()); !ok || !at.Before(until) {
		out.add("CONSENT_EXPIRED", "consent %d was not valid any more", n)
	}
	if said, ok := instant(c.GetObtainedAt()); !ok || at.Before(said) {
		out.add("CONSENT_SAID_LATER", "consent %d was said later", n)
	}
	if q.recorded && at.Before(e.At) {
		out.add("CONSENT_RECORDED_LATER", "consent %d was written down later", n)
	}
	// In haste the event is written down in the same breath, as the consent itself is.
	if since, came := l.operative[n]; c.GetConditional() && (!came || q.recorded && at.Before(since)) {
		out.add("CONSENT_AWAITS_EVENT", "consent %d awaits an event that had not come", n)
	}
}

// mostReasons is how many reasons are given for one disclosure: enough to see what is
// wrong with it.
const mostReasons = 50

// reasons gathers why something is not covered, each once.
type reasons struct {
	list []Reason
	more bool
}

func (r *reasons) add(code, format string, values ...any) {
	if len(r.list) >= mostReasons {
		r.more = true // nothing is written that nobody will read
		return
	}
	if reason := (Reason{Code: code, Text: fmt.Sprintf(format, values...)}); !slices.Contains(r.list, reason) {
		r.list = append(r.list, reason)
	}
}

func (r *reasons) takeAll(other reasons) {
	for _, reason := range other.list {
		r.add(reason.Code, "%s", reason.Text)
	}
	r.more = r.more || other.more
}

// all are the reasons, with a word at the end if there were more.
func (r *reasons) all() []Reason {
	if r.more {
		return append(r.list, Reason{Code: "AND_MORE", Text: "and more of the kind"})
	}
	return r.list
}

func person(party uint32) string {
	if party == 0 {
		return "the person"
	}
	return fmt.Sprintf("party %d", party)
}

// word is an enum's value as it is spoken.
func word(value protoreflect.Enum) string {
	values := value.Descriptor().Values()
	known := values.ByNumber(value.Number())
	if known == nil || value.Number() == 0 {
		return fmt.Sprintf("value %d", value.Number())
	}
	prefix := strings.TrimSuffix(string(values.ByNumber(0).Name()), "UNSPECIFIED")
	return strings.ToLower(strings.ReplaceAll(strings.TrimPrefix(string(known.Name()), prefix), "_", " "))
}
