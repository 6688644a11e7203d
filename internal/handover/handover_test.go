package handover_test

import (
	"crypto/ed25519"
	"maps"
	"slices"
	"testing"
	"time"

	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/types/known/timestamppb"
	"pgregory.net/rapid"

	amparov1 "github.com/amparo-project/amparo/api/amparo/v1"
	"github.com/amparo-project/amparo/internal/fault"
	"github.com/amparo-project/amparo/internal/handover"
)

var night = time.Date(2026, 3, 14, 3, 0, 0, 0, time.UTC)

// TestWhy is the list that a caseworker would make at the end of a shift that ends
// at three in the morning, for a colleague who stays until noon.
func TestWhy(t *testing.T) {
	const (
		triaged   = amparov1.CaseState_CASE_STATE_TRIAGED
		untriaged = amparov1.HandoverWhy_HANDOVER_WHY_UNTRIAGED
		overdue   = amparov1.HandoverWhy_HANDOVER_WHY_OVERDUE
		soon      = amparov1.HandoverWhy_HANDOVER_WHY_DUE_SOON
		confirm   = amparov1.HandoverWhy_HANDOVER_WHY_CONFIRMATION_WAITS
	)
	due := func(d time.Duration) []*amparov1.Term {
		return []*amparov1.Term{{Due: timestamppb.New(night.Add(d))}}
	}
	met := due(-time.Hour)
	met[0].MetAt = timestamppb.New(night)
	team := []string{"me", "you"}
	for _, row := range []struct {
		name string
		c    *amparov1.Case
		want []amparov1.HandoverWhy
	}{
		{"not triaged", &amparov1.Case{State: amparov1.CaseState_CASE_STATE_RECEIVED, OwnerId: "me"}, []amparov1.HandoverWhy{untriaged}},
		{"not triaged and overdue", &amparov1.Case{State: amparov1.CaseState_CASE_STATE_RECEIVED, OwnerId: "me", Terms: due(-time.Second)}, []amparov1.HandoverWhy{untriaged, overdue}},
		{"due at eleven", &amparov1.Case{State: triaged, OwnerId: "me", Terms: due(8 * time.Hour)}, []amparov1.HandoverWhy{soon}},
		{"due at three, sharp", &amparov1.Case{State: triaged, OwnerId: "me", Terms: due(0)}, []amparov1.HandoverWhy{soon}},
		{"due at noon, sharp", &amparov1.Case{State: triaged, OwnerId: "me", Terms: due(9 * time.Hour)}, []amparov1.HandoverWhy{soon}},
		{"due in the evening", &amparov1.Case{State: triaged, OwnerId: "me", Terms: due(15 * time.Hour)}, nil},
		{"met", &amparov1.Case{State: triaged, OwnerId: "me", Terms: met}, nil},
		{"a colleague's", &amparov1.Case{State: triaged, OwnerId: "you", Terms: due(-time.Hour)}, nil},
		{"a lower risk waits", &amparov1.Case{State: triaged, OwnerId: "me", RiskLevelProposed: 2, RiskProposedById: "you"}, []amparov1.HandoverWhy{confirm}},
		{"proposed in a colleague's case", &amparov1.Case{State: triaged, OwnerId: "you", RiskLevelProposed: 2, RiskProposedById: "me"}, []amparov1.HandoverWhy{confirm}},
		{"closed", &amparov1.Case{State: amparov1.CaseState_CASE_STATE_CLOSED, OwnerId: "me", Terms: due(-time.Hour)}, nil},
	} {
		row.c.TeamIds = team
		if got := handover.Why(row.c, "me", night, night.Add(9*time.Hour)); !slices.Equal(got, row.want) {
			t.Errorf("%s: %v, want %v", row.name, got, row.want)
		}
	}
}

// TestWhoIsOnTheTeamAfterwards lists whom a case is with after it changed hands.
func TestWhoIsOnTheTeamAfterwards(t *testing.T) {
	for _, row := range []struct {
		name    string
		c       *amparov1.Case
		officer string // the only case officer among the people
		worked  bool   // the case needs one
		want    []string
	}{
		{"alone", &amparov1.Case{OwnerId: "giver", TeamIds: []string{"giver"}}, "", false, []string{"taker"}},
		{"with others", &amparov1.Case{OwnerId: "giver", TeamIds: []string{"giver", "other"}}, "", false, []string{"taker", "other"}},
		{"the receiver was a member", &amparov1.Case{OwnerId: "giver", TeamIds: []string{"giver", "taker"}}, "", false, []string{"taker"}},
		{"the giver did not own it", &amparov1.Case{OwnerId: "other", TeamIds: []string{"other", "giver"}}, "", false, []string{"other", "taker"}},
		{"a member has left", &amparov1.Case{OwnerId: "giver", TeamIds: []string{"giver", "gone"}}, "", false, []string{"taker"}},
		{"the only officer gives", &amparov1.Case{OwnerId: "giver", TeamIds: []string{"giver"}}, "giver", true, []string{"taker", "giver"}},
		{"the officer receives", &amparov1.Case{OwnerId: "giver", TeamIds: []string{"giver"}}, "taker", true, []string{"taker"}},
	} {
		roles := func(id string) (bool, bool) { return id != "gone", id == row.officer }
		assign := func(team []string) (*amparov1.TimelineEntry, error) {
			if row.worked && !slices.Contains(team, row.officer) {
				return nil, fault.New(amparov1.Reason_REASON_NO_CASE_OFFICER)
			}
			row.c.TeamIds = team
			return &amparov1.TimelineEntry{}, nil
		}
		if _, err := handover.Reassign(row.c, "giver", "taker", roles, assign); err != nil {
			t.Errorf("%s: %v", row.name, err)
		}
		if !slices.Equal(row.c.GetTeamIds(), row.want) {
			t.Errorf("%s: %v, want %v", row.name, row.c.GetTeamIds(), row.want)
		}
	}
}

// signedHandover is a hand-over of a few items, some answered, as two honest devices
// and an honest service leave it.
func signedHandover(t *rapid.T, giver, taker ed25519.PrivateKey) *amparov1.Handover {
	h := &amparov1.Handover{Id: "h", FromId: "giver", ToId: "taker"}
	for range rapid.IntRange(1, 5).Draw(t, "items") {
		h.Items = append(h.Items, &amparov1.HandoverItem{Standing: amparov1.HandoverItemStanding_HANDOVER_ITEM_STANDING_WAITS, Entry: &amparov1.HandoverEntry{
			CaseId: rapid.String().Draw(t, "case"), CaseVersion: rapid.Uint64().Draw(t, "version"), Note: rapid.String().Draw(t, "note"),
		}})
	}
	h.Offer = &amparov1.HandoverSignature{DeviceId: "d1", SigningKey: giver.Public().(ed25519.PublicKey)}
	h.Offer.Signature = ed25519.Sign(giver, handover.Offer(h, "d1"))
	for i := range h.Items {
		if !rapid.Bool().Draw(t, "answered") {
			continue
		}
		d := &amparov1.HandoverDecision{Item: uint32(i), Accepted: rapid.Bool().Draw(t, "accepted")}
		h.Items[i].Standing = amparov1.HandoverItemStanding_HANDOVER_ITEM_STANDING_ACCEPTED
		if !d.Accepted {
			d.Refusal = rapid.StringN(1, 20, -1).Draw(t, "refusal")
			h.Items[i].Standing, h.Items[i].Refusal = amparov1.HandoverItemStanding_HANDOVER_ITEM_STANDING_REFUSED, d.Refusal
		}
		answer := &amparov1.HandoverAnswer{Decisions: []*amparov1.HandoverDecision{d}}
		answer.Signature = &amparov1.HandoverSignature{DeviceId: "d2", SigningKey: taker.Public().(ed25519.PublicKey)}
		answer.Signature.Signature = ed25519.Sign(taker, handover.Answer(h, "d2", answer.Decisions))
		h.Answers = append(h.Answers, answer)
	}
	return h
}

// TestNothingCanBeInvented changes one thing of a signed hand-over, as a service
// could that is not honest, and finds that it shows.
func TestNothingCanBeInvented(t *testing.T) {
	_, giver, _ := ed25519.GenerateKey(nil)
	_, taker, _ := ed25519.GenerateKey(nil)
	changes := map[string]func(h *amparov1.Handover, i int){
		"id":       func(h *amparov1.Handover, _ int) { h.Id += "x" },
		"giver":    func(h *amparov1.Handover, _ int) { h.FromId = "taker" },
		"receiver": func(h *amparov1.Handover, _ int) { h.ToId = "giver" },
		"device":   func(h *amparov1.Handover, _ int) { h.Offer.DeviceId = "d2" },
		"case":     func(h *amparov1.Handover, i int) { h.Items[i].Entry.CaseId += "x" },
		"moved": func(h *amparov1.Handover, i int) {
			e := h.Items[i].Entry
			e.CaseId, e.AlarmId = e.AlarmId+"x", e.CaseId
		},
		"version": func(h *amparov1.Handover, i int) { h.Items[i].Entry.CaseVersion++ },
		"note":    func(h *amparov1.Handover, i int) { h.Items[i].Entry.Note += "x" },
		"added":   func(h *amparov1.Handover, i int) { h.Items = append(h.Items, proto.CloneOf(h.Items[i])) },
		"removed": func(h *amparov1.Handover, i int) { h.Items = slices.Delete(h.Items, i, i+1) },
		"another answer": func(h *amparov1.Handover, i int) {
			h.Items[i].Standing = h.Items[i].Standing%3 + 1 // waits, accepted, refused, waits
		},
		"another refusal": func(h *amparov1.Handover, i int) {
			h.Items[i].Standing, h.Items[i].Refusal = amparov1.HandoverItemStanding_HANDOVER_ITEM_STANDING_REFUSED, "never said"
		},
		"a decision": func(h *amparov1.Handover, i int) {
			h.Answers = append(h.Answers, &amparov1.HandoverAnswer{
				Decisions: []*amparov1.HandoverDecision{{Item: uint32(i), Accepted: true}}, Signature: h.Offer,
			})
		},
	}
	rapid.Check(t, func(t *rapid.T) {
		h := signedHandover(t, giver, taker)
		if !handover.Verified(h) {
			t.Fatal("an honest hand-over does not verify")
		}
		name := rapid.SampledFrom(slices.Sorted(maps.Keys(changes))).Draw(t, "change")
		changes[name](h, rapid.IntRange(0, len(h.Items)-1).Draw(t, "item"))
		if handover.Verified(h) {
			t.Errorf("%s was changed, and it verifies", name)
		}
	})
}
