package records_test

import (
	"slices"
	"time"

	amparov1 "github.com/amparo-project/amparo/api/amparo/v1"
)

// said is what one entry says of who may have what, as somebody would note it who was
// there. In a no an empty list means everything.
type said struct {
	number     uint32
	yes        bool
	party      string
	purposes   []amparov1.Purpose
	recipients []string
	categories []amparov1.DataCategory
	at         time.Time // said
	noted      time.Time // recorded
	from, end  time.Time
	awaits     amparov1.PersonStatus // what has to happen first, until it has
	came       time.Time             // when it was told that it had
}

// judged is a do-no-harm check.
type judged struct {
	number    uint32
	goOn      bool
	purpose   amparov1.Purpose
	recipient string
	data      []amparov1.DataCategory
	about     []string
	at, end   time.Time
	needed    int
	agreed    map[string]time.Time // others than whoever made it, and when
	by        string
	overtaken bool
}

// left is something that one person alone let leave.
type left struct {
	number uint32
	vital  bool
	by     string
	due    time.Time
	signed time.Time
}

// recollection is everything that befell one case, kept plainly: no numbers of people, no
// entries, and no rule but those of the field.
type recollection struct {
	said    []said
	checks  []judged
	alone   []left
	classes map[string]uint64
	known   map[string]bool // people whom the ledger has heard of
	level   amparov1.RiskLevel
	pending map[uint32]time.Time // withdrawals, and until when somebody is to settle them
}

// wish is something that somebody would let leave.
type wish struct {
	purpose   amparov1.Purpose
	recipient string
	data      []amparov1.DataCategory
	about     []string
	at        time.Time
	hurried   bool
}

func every[T comparable](list []T, one T) bool { return len(list) == 0 || slices.Contains(list, one) }

// mayKnow reports whether everybody concerned has allowed all of it.
func (m *recollection) mayKnow(w wish) bool {
	for _, party := range append([]string{""}, w.about...) {
		for _, data := range w.data {
			if !slices.ContainsFunc(m.said, func(s said) bool { return s.covers(w, party, data) && !m.takenBack(s, w, party, data) }) {
				return false
			}
		}
	}
	return true
}

func (s said) covers(w wish, party string, data amparov1.DataCategory) bool {
	return s.yes && s.party == party && s.awaits == 0 &&
		slices.Contains(s.purposes, w.purpose) && slices.Contains(s.recipients, w.recipient) && slices.Contains(s.categories, data) &&
		!w.at.Before(s.at) && !w.at.Before(s.from) && w.at.Before(s.end) && (w.hurried || !w.at.Before(s.noted) && !w.at.Before(s.came))
}

// takenBack reports whether a no stands against a yes: one that was recorded after it, or
// that was not said before it.
func (m *recollection) takenBack(yes said, w wish, party string, data amparov1.DataCategory) bool {
	return slices.ContainsFunc(m.said, func(no said) bool {
		return !no.yes && no.party == party && every(no.purposes, w.purpose) && every(no.recipients, w.recipient) && every(no.categories, data) &&
			(no.number >= yes.number || !no.at.Before(yes.at))
	})
}

// harmless reports whether a check allows it: the one with a number, or the newest of
// it. A check that says stop to any of it counts whatever came before it.
func (m *recollection) harmless(w wish, number uint32, needed int) bool {
	var found *judged
	for i := range m.checks {
		c := &m.checks[i]
		covers := c.purpose == w.purpose && c.recipient == w.recipient && subset(w.data, c.data) && subset(w.about, c.about)
		if covers && (number == 0 || number == c.number) {
			found = c
		}
	}
	if found == nil || !found.goOn || found.overtaken || !w.at.Before(found.end) {
		return false
	}
	for _, c := range m.checks {
		touches := c.purpose == w.purpose && c.recipient == w.recipient && slices.ContainsFunc(c.data, func(d amparov1.DataCategory) bool { return slices.Contains(w.data, d) })
		if c.number > found.number && touches && !c.goOn {
			return false
		}
	}
	agreed := 0 // by then
	for _, at := range found.agreed {
		if !at.After(w.at) {
			agreed++
		}
	}
	return w.hurried || !w.at.Before(found.at) && agreed >= max(found.needed, needed)
}

func subset[T comparable](some, all []T) bool {
	return !slices.ContainsFunc(some, func(one T) bool { return !slices.Contains(all, one) })
}

// befalls notes what has happened to the person.
func (m *recollection) befalls(status amparov1.PersonStatus, at time.Time) {
	for i := range m.said {
		if m.said[i].awaits == status && status != 0 {
			m.said[i].awaits, m.said[i].came = 0, at
		}
	}
}

func (m *recollection) attacked() {
	for i := range m.checks {
		m.checks[i].overtaken = true
	}
}

// settle is what the classes come to when the newest leaf is of an instant.
func (m *recollection) settle(newest time.Time) map[string]uint64 {
	classes := map[string]uint64{}
	for class, n := range m.classes {
		classes[class] = n
	}
	for _, l := range m.alone {
		class := "URGENT_"
		if l.vital {
			class = "VITAL_"
		}
		switch {
		case !l.signed.IsZero() && !l.signed.After(l.due):
			class += "COMPLETED"
		case l.signed.IsZero() && !newest.After(l.due):
			class += "PENDING"
		default:
			class += "LATE"
		}
		classes[class]++
	}
	return classes
}
