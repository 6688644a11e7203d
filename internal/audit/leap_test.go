package audit_test

import (
	"testing"
	"time"

	amparov1 "github.com/amparo-project/amparo/api/amparo/v1"
)

// TestLeaps: a day without a leaf is a leap until somebody confirms the clock, also
// for whoever opens the log later; a day with one is none.
func TestLeaps(t *testing.T) {
	const (
		note    = amparov1.LeafAction_LEAF_ACTION_NOTE
		told    = amparov1.LeafAction_LEAF_ACTION_CLOCK_LEAPT
		confirm = amparov1.LeafAction_LEAF_ACTION_CLOCK_CONFIRM
	)
	type act struct {
		after   time.Duration
		what    amparov1.LeafAction
		refused bool
	}
	for name, c := range map[string]struct {
		acts  []act
		later time.Duration // when it is asked
		leapt bool
	}{
		"a new log":                        {later: 87600 * time.Hour},
		"a day":                            {acts: []act{{what: note}}, later: 24 * time.Hour},
		"longer, and no leaf yet":          {acts: []act{{what: note}}, later: 24*time.Hour + 1, leapt: true},
		"longer, and a leaf since":         {acts: []act{{what: note}, {after: 25 * time.Hour, what: note}}, leapt: true},
		"longer, and many leaves since":    {acts: []act{{what: note}, {after: 25 * time.Hour, what: note}, {after: time.Hour, what: note}}, leapt: true},
		"a leaf each day":                  {acts: []act{{what: note}, {after: 24 * time.Hour, what: note}, {after: 24 * time.Hour, what: note}}},
		"confirmed":                        {acts: []act{{what: note}, {after: 87600 * time.Hour, what: note}, {what: confirm}}},
		"confirmed by the first leaf":      {acts: []act{{what: note}, {after: 87600 * time.Hour, what: confirm}}},
		"a confirmation that was refused":  {acts: []act{{what: note}, {after: 25 * time.Hour, what: confirm, refused: true}}, leapt: true},
		"confirmed, and again":             {acts: []act{{what: note}, {after: 25 * time.Hour, what: confirm}, {after: 25 * time.Hour, what: note}}, leapt: true},
		"the service noticed it by itself": {acts: []act{{what: note}, {after: time.Hour, what: told}}, leapt: true},
	} {
		for _, atOnce := range []bool{false, true} {
			config := newLog(t)
			l, now := open(t, config), evening
			for _, a := range c.acts {
				now = now.Add(a.after)
				leaf := read()
				leaf.Action = a.what
				if a.refused {
					leaf.Shown = nil
					leaf.Outcome, leaf.Reason = amparov1.LeafOutcome_LEAF_OUTCOME_REFUSED, amparov1.Reason_REASON_ROLE_MISSING
				}
				record(t, config, now, leaf)
				if !atOnce {
					catchUp(t, l)
				}
			}
			catchUp(t, l)
			if got := l.Leapt(now.Add(c.later)); got != c.leapt {
				t.Errorf("%s, at once %v: leapt is %v, want %v", name, atOnce, got, c.leapt)
			}
			if got := open(t, config).Leapt(now.Add(c.later)); got != c.leapt {
				t.Errorf("%s, at once %v, opened again: leapt is %v, want %v", name, atOnce, got, c.leapt)
			}
		}
	}
}
