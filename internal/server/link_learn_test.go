package server_test

import (
	"testing"
	"time"

	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/types/known/timestamppb"

	amparov1 "github.com/amparo-project/amparo/api/amparo/v1"
	"github.com/amparo-project/amparo/internal/access"
	"github.com/amparo-project/amparo/internal/records"
	"github.com/amparo-project/amparo/internal/servertest"
)

// TestARaidStrikesThemAll: twenty people at a low risk, to be assessed again in three
// months, share an incident. When somebody learns more, all of them are assessed again
// within the week, also those whose cases the one who learnt it may not see, and more of
// them than one commit takes. Their timelines do not say who learnt it.
func TestARaidStrikesThemAll(t *testing.T) {
	const day, many = 24 * time.Hour, 20
	clock := newClock()
	w := newWorld(t, servertest.Options{Now: clock.Now})
	officer, operator := w.north[amparov1.Role_ROLE_CASE_OFFICER], w.north[amparov1.Role_ROLE_HOTLINE_OPERATOR]
	begun := clock.Now()
	dueIn := func(id string) time.Duration {
		t.Helper()
		for _, term := range w.head(t, id).GetTerms() {
			if term.GetKind() == amparov1.TermKind_TERM_KIND_REASSESSMENT {
				return term.GetDue().AsTime().Sub(begun)
			}
		}
		t.Fatal("nobody is asked to assess the risk again")
		return 0
	}
	var ids []string
	for i := range many {
		ids = append(ids, w.newCase(t, officer, func(c *amparov1.Case) {
			c.RiskLevel, c.TermsOnRecord = amparov1.RiskLevel_RISK_LEVEL_LOW, true
			c.Terms = []*amparov1.Term{{
				Kind: amparov1.TermKind_TERM_KIND_REASSESSMENT, Base: timestamppb.New(begun), Due: timestamppb.New(begun.Add(90 * day)),
				Rule: "reassessment/low", RulesVersion: 1,
			}}
			if i > 0 {
				c.ExcludedStaffIds = []string{operator.StaffID}
			} else {
				c.TeamIds = []string{operator.StaffID}
			}
		}))
	}
	group := w.group(t, ids[0])
	grant := access.Service(amparov1.LeafAction_LEAF_ACTION_INCIDENT_JOIN)
	if _, err := w.Records.Update(t.Context(), grant, records.Request{}, nil, func(work *records.Work) (proto.Message, error) {
		file, err := work.Incident(group)
		if err == nil {
			file.SetMembers(ids)
		}
		return nil, err
	}); err != nil {
		t.Fatal(err)
	}
	clock.Advance(day)
	request := &amparov1.AddSharedIncidentRequest{RequestId: records.NewID(), CaseId: ids[0], IncidentGroupId: group, Incident: raid()}
	for range 2 { // the second time it is answered as it was first
		answer, err := links(operator).AddSharedIncident(t.Context(), request)
		if err != nil || answer.GetCase().GetNextTerm().GetKind() != amparov1.TermKind_TERM_KIND_REASSESSMENT {
			t.Fatalf("next is %v, %v", answer.GetCase().GetNextTerm().GetKind(), err)
		}
		for i, id := range ids {
			if got := dueIn(id).Round(time.Minute); got != 8*day {
				t.Fatalf("case %d is assessed again after %v, want a week after the day on which it was learnt", i, got)
			}
		}
	}
	entries, err := amparov1.NewCaseServiceClient(officer.Conn).ListTimeline(t.Context(), &amparov1.ListTimelineRequest{CaseId: ids[1]})
	if err != nil {
		t.Fatal(err)
	}
	told := 0
	for _, entry := range entries.GetEntries() {
		if entry.GetKind() != amparov1.TimelineKind_TIMELINE_KIND_INCIDENT_SHARED {
			continue
		}
		told++
		if entry.GetStaffId() != "" || entry.GetOtherCaseId() != "" {
			t.Error("the timeline says who learnt it, or where")
		}
	}
	if told != 1 {
		t.Errorf("it is told of %d times", told)
	}
}
