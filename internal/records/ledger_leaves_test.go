package records_test

import (
	"slices"
	"time"

	"google.golang.org/protobuf/types/known/timestamppb"
	"pgregory.net/rapid"

	amparov1 "github.com/amparo-project/amparo/api/amparo/v1"
	"github.com/amparo-project/amparo/internal/disclosure"
	"github.com/amparo-project/amparo/internal/fault"
	"github.com/amparo-project/amparo/internal/records"
)

// letsLeave lets somebody let something leave, on one of three tracks, and demands that it
// does when, and only when, the memory says that it may. Now and then somebody withdraws
// between the question and the commit.
func (h *history) letsLeave(t *rapid.T) {
	track := one(t, "track", []amparov1.DisclosureTrack{
		amparov1.DisclosureTrack_DISCLOSURE_TRACK_ORDINARY, amparov1.DisclosureTrack_DISCLOSURE_TRACK_ORDINARY,
		amparov1.DisclosureTrack_DISCLOSURE_TRACK_URGENT, amparov1.DisclosureTrack_DISCLOSURE_TRACK_VITAL_INTERESTS,
	})
	w := h.wished(t)
	w.hurried = track != amparov1.DisclosureTrack_DISCLOSURE_TRACK_ORDINARY
	ago := one(t, "ago", []time.Duration{0, 0, 30 * time.Minute})
	w.at = h.Now().Add(-ago)
	draft := &amparov1.DisclosureDraft{Track: track, HappenedAt: timestamppb.New(w.at), Action: h.planned(w)}
	for _, category := range data {
		draft.Necessities = append(draft.Necessities, &amparov1.Necessity{Category: category, Why: "She cannot be found without it."})
	}
	brought := w.hurried && !oneIn(t, "an earlier check", 3)
	if brought {
		draft.Harm = h.draftHarm(w, true)
	} else if len(h.checks) > 0 && oneIn(t, "by its number", 3) {
		draft.Check = h.checks[rapid.IntRange(0, len(h.checks)-1).Draw(t, "check")].number
	}
	if track == amparov1.DisclosureTrack_DISCLOSURE_TRACK_VITAL_INTERESTS {
		draft.Vital = &amparov1.VitalInterests{Reason: "She cannot be asked.", ExpiresAt: timestamppb.New(w.at.Add(48 * time.Hour))}
	}
	may := func() bool { return h.may(w, track, draft.GetCheck(), brought) }
	by := h.anyone(t)
	entry := h.leavesBy(t, by, draft, may)
	for _, name := range append([]string{w.recipient}, w.about...) {
		h.known[name] = h.known[name] || entry != nil
	}
	if entry != nil && brought {
		made := h.judged(by, w)
		made.number = entry.GetDisclosure().GetCheck()
		h.checks = append(h.checks, made)
	}
}

// may is what the memory says of it.
func (h *history) may(w wish, track amparov1.DisclosureTrack, check uint32, brought bool) bool {
	if w.hurried && slices.Contains(w.data, amparov1.DataCategory_DATA_CATEGORY_IMAGE) {
		return false // a picture saves nobody tonight
	}
	// Whom nobody has heard of can be told only what life hangs on.
	unheard := !h.known[w.recipient] || len(w.about) > 0 && !h.known[sister]
	forLife := track == amparov1.DisclosureTrack_DISCLOSURE_TRACK_VITAL_INTERESTS
	if !forLife && (unheard || !h.mayKnow(w)) {
		return false
	}
	return brought || h.harmless(w, check, h.needed())
}

func (h *history) leavesBy(t *rapid.T, p person, draft *amparov1.DisclosureDraft, may func() bool) *amparov1.LedgerEntry {
	withdraws, expected := oneIn(t, "somebody withdraws meanwhile", 5), false
	var entry *amparov1.LedgerEntry
	err := h.act(p, func(work *records.Work, f *records.File, _ disclosure.Act) error {
		expected = may()
		if withdraws {
			withdraws = false
			// It is committed before what leaves, which was asked of the gate earlier.
			defer h.withdraws(t, h.anyone(t))
		}
		var err error
		entry, err = work.Disclose(f, draft)
		return err
	})
	if expected != (err == nil) {
		t.Fatalf("%s, check %d: refused %v, and it may leave: %v", draft.GetTrack(), draft.GetCheck(), err, expected)
	}
	if err != nil {
		if fault.As(err).Kind() != fault.Refused {
			t.Fatal(err)
		}
		return nil
	}
	if due := entry.GetDisclosure().GetSecondDueAt(); due != nil {
		happened := draft.GetHappenedAt().AsTime()
		if !due.AsTime().Equal(happened.Add(24 * time.Hour)) {
			t.Fatalf("a second person signs until %v for what happened at %v", due.AsTime(), happened)
		}
		h.alone = append(h.alone, left{
			number: entry.GetNumber(), by: p.staff.GetId(), due: due.AsTime(),
			vital: draft.GetTrack() == amparov1.DisclosureTrack_DISCLOSURE_TRACK_VITAL_INTERESTS,
		})
		return entry
	}
	h.classes["CONSENT"]++
	return entry
}
