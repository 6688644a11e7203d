package server_test

import (
	"slices"
	"testing"

	"google.golang.org/protobuf/proto"

	amparov1 "github.com/amparo-project/amparo/api/amparo/v1"
	"github.com/amparo-project/amparo/internal/access"
	"github.com/amparo-project/amparo/internal/records"
	"github.com/amparo-project/amparo/internal/servertest"
)

func raid() *amparov1.Incident {
	return &amparov1.Incident{ActCode: "020103020000", Date: "2026-01-14", Place: "the union's office"}
}

func links(p *servertest.Person) amparov1.LinkServiceClient {
	return amparov1.NewLinkServiceClient(p.Conn)
}

// group is a shared incident of a case, made as no call would; where there is no such
// case, or nothing can be written, it is an id of nothing.
func (w *world) group(t testing.TB, id string) string {
	t.Helper()
	grant, group := access.Service(amparov1.LeafAction_LEAF_ACTION_INCIDENT_SHARE), records.NewID()
	_, err := w.Records.Update(t.Context(), grant, records.Request{}, records.Targets(id), func(work *records.Work) (proto.Message, error) {
		file, err := work.CreateIncident(work.File(0))
		if err != nil {
			return nil, err
		}
		file.SetMembers([]string{id})
		c := work.File(0).Case()
		c.IncidentGroupIds = append(c.IncidentGroupIds, file.ID())
		work.File(0).Touch()
		group = file.ID()
		return nil, nil
	})
	if err != nil {
		return records.NewID()
	}
	return group
}

// TestArrestedInOneRaid: three files, three teams, one incident. Each team sees the
// facts, how many there are and whom to ask, and nothing else of the others.
func TestArrestedInOneRaid(t *testing.T) {
	w := newWorld(t, servertest.Options{})
	officer, operator := w.north[amparov1.Role_ROLE_CASE_OFFICER], w.north[amparov1.Role_ROLE_HOTLINE_OPERATOR]
	first, second := w.newCase(t, officer, nil), w.newCase(t, operator, nil)
	hidden := w.newCase(t, officer, nil)
	begun, err := links(officer).ShareIncident(t.Context(), &amparov1.ShareIncidentRequest{RequestId: records.NewID(), CaseId: first, Incident: raid()})
	if err != nil {
		t.Fatal(err)
	}
	join := func(p *servertest.Person, id string) error {
		_, err := links(p).JoinIncident(t.Context(), &amparov1.JoinIncidentRequest{RequestId: records.NewID(), CaseId: id, IncidentGroupId: begun.GetIncidentGroupId()})
		return err
	}
	for _, err := range []error{join(operator, second), join(operator, second), join(officer, hidden)} {
		if err != nil {
			t.Fatal(err)
		}
	}
	if err := join(w.operator, w.newCase(t, w.operator, nil)); reason(err) != "NOT_FOUND" {
		t.Errorf("somebody who knows none of the cases joins: %v", err)
	}
	w.shape(t, hidden, func(c *amparov1.Case) { c.ExcludedStaffIds = []string{operator.StaffID} })
	more := raid()
	more.Description = "taken to the second precinct"
	if _, err := links(operator).AddSharedIncident(t.Context(), &amparov1.AddSharedIncidentRequest{
		RequestId: records.NewID(), CaseId: second, IncidentGroupId: begun.GetIncidentGroupId(), Incident: more,
	}); err != nil {
		t.Fatal(err)
	}
	for _, row := range []struct {
		who    *servertest.Person
		id     string
		others uint32
		owners []string
	}{
		{officer, first, 2, []string{operator.StaffID, officer.StaffID}},
		{operator, second, 1, []string{officer.StaffID}}, // one of the two others excludes the operator
	} {
		answer, err := links(row.who).ShowLinks(t.Context(), &amparov1.ShowLinksRequest{CaseId: row.id})
		if err != nil || len(answer.GetIncidents()) != 1 {
			t.Fatalf("%s: %v, %v", row.who.Name, answer, err)
		}
		group := answer.GetIncidents()[0]
		if group.GetOthers() != row.others || !slices.Equal(group.GetOwnerIds(), row.owners) || len(group.GetShared().GetIncidents()) != 2 {
			t.Errorf("%s sees %v", row.who.Name, group)
		}
	}
}

// TestTwoFilesOfOnePerson is a merge and its undoing, each by two people.
func TestTwoFilesOfOnePerson(t *testing.T) {
	w := newWorld(t, servertest.Options{})
	officer, operator := w.north[amparov1.Role_ROLE_CASE_OFFICER], w.north[amparov1.Role_ROLE_HOTLINE_OPERATOR]
	reviewer, head := w.north[amparov1.Role_ROLE_REVIEWER], w.north[amparov1.Role_ROLE_HEAD_OF_SECRETARIAT]
	enemy := w.Enrol(t, "enemy", []amparov1.Role{amparov1.Role_ROLE_REVIEWER}, []string{"north"})
	older := w.newCase(t, operator, func(c *amparov1.Case) { c.ExcludedStaffIds = []string{enemy.StaffID} })
	stays := w.newCase(t, officer, nil)
	merge := func(p *servertest.Person) (bool, error) {
		answer, err := links(p).MergeCases(t.Context(), &amparov1.MergeCasesRequest{RequestId: records.NewID(), CaseId: stays, OtherCaseId: older})
		return answer.GetMerged(), err
	}
	unmerge := func(p *servertest.Person) (bool, error) {
		answer, err := links(p).UnmergeCases(t.Context(), &amparov1.UnmergeCasesRequest{RequestId: records.NewID(), CaseId: stays, OtherCaseId: older})
		return answer.GetUnmerged(), err
	}
	before := w.head(t, older)
	for _, row := range []struct {
		name string
		do   func(*servertest.Person) (bool, error)
		who  *servertest.Person
		done bool
		want string
	}{
		{"on one team only", merge, officer, false, "NOT_FOUND"},
		{"excluded from one", merge, enemy, false, "NOT_FOUND"},
		{"undone before it is done", unmerge, reviewer, false, "STATE_FORBIDS"},
		{"proposed", merge, reviewer, false, ""},
		{"by the same", merge, reviewer, false, "SECOND_PERSON_NEEDED"},
		{"confirmed", merge, head, true, ""},
		{"once more", merge, reviewer, false, "STATE_FORBIDS"},
	} {
		if done, err := row.do(row.who); done != row.done || reason(err) != row.want {
			t.Errorf("%s: %v, %v, want %v %q", row.name, done, err, row.done, row.want)
		}
	}
	_, err := amparov1.NewCaseServiceClient(head.Conn).ReopenCase(t.Context(), &amparov1.ReopenCaseRequest{RequestId: records.NewID(), CaseId: older, Reason: "a"})
	if reason(err) != "STATE_FORBIDS" {
		t.Errorf("a merged case is reopened by one person: %v", err)
	}
	if _, err := amparov1.NewCaseServiceClient(enemy.Conn).GetCase(t.Context(), &amparov1.GetCaseRequest{CaseId: stays}); reason(err) != "NOT_FOUND" {
		t.Errorf("whom the older case excludes sees the one that stays: %v", err)
	}
	late := w.Enrol(t, "late", []amparov1.Role{amparov1.Role_ROLE_REVIEWER}, []string{"north"})
	if _, err := amparov1.NewCardServiceClient(reviewer.Conn).ExcludeStaff(t.Context(), &amparov1.ExcludeStaffRequest{
		RequestId: records.NewID(), CaseId: stays, StaffIds: []string{enemy.StaffID, late.StaffID},
	}); err != nil {
		t.Fatal(err)
	}
	if _, err := amparov1.NewCaseServiceClient(late.Conn).GetCase(t.Context(), &amparov1.GetCaseRequest{CaseId: older}); reason(err) != "NOT_FOUND" {
		t.Errorf("whom the case excludes that stays sees the duplicate: %v", err)
	}
	now := w.head(t, stays)
	if !slices.Equal(now.GetTeamIds(), []string{officer.StaffID, operator.StaffID}) || now.GetReceivedAt().AsTime().After(before.GetReceivedAt().AsTime()) {
		t.Errorf("the case that stays: %v, received %v", now.GetTeamIds(), now.GetReceivedAt().AsTime())
	}
	for _, row := range []struct {
		who  *servertest.Person
		done bool
		want string
	}{{head, false, ""}, {head, false, "SECOND_PERSON_NEEDED"}, {reviewer, true, ""}, {reviewer, false, "STATE_FORBIDS"}} {
		if done, err := unmerge(row.who); done != row.done || reason(err) != row.want {
			t.Errorf("undone by %s: %v, %v", row.who.Name, done, err)
		}
	}
	after := w.head(t, older)
	if !slices.Contains(after.GetExcludedStaffIds(), late.StaffID) {
		t.Error("whoever was excluded meanwhile is let in again")
	}
	after.Version, after.ExcludedStaffIds = before.Version, before.ExcludedStaffIds
	if !proto.Equal(before, after) {
		t.Errorf("the other case is not as it was:\n%v\n%v", before.GetState(), after.GetState())
	}
	entries, err := amparov1.NewCaseServiceClient(officer.Conn).ListTimeline(t.Context(), &amparov1.ListTimelineRequest{CaseId: stays})
	if err != nil || !slices.ContainsFunc(entries.GetEntries(), func(e *amparov1.TimelineEntry) bool {
		return e.GetKind() == amparov1.TimelineKind_TIMELINE_KIND_MERGED && e.GetOtherCaseId() == older
	}) {
		t.Errorf("the timeline does not name the other case: %v", err)
	}
}

// TestAMergeShutsWhatWasMergedBefore: three cases of one person, merged one after the
// other. Whom the last of them excludes, the first two exclude as well, and what only
// a team may know of is so for all.
func TestAMergeShutsWhatWasMergedBefore(t *testing.T) {
	w := newWorld(t, servertest.Options{})
	officer, reviewer, head := w.north[amparov1.Role_ROLE_CASE_OFFICER], w.north[amparov1.Role_ROLE_REVIEWER], w.north[amparov1.Role_ROLE_HEAD_OF_SECRETARIAT]
	enemy := w.Enrol(t, "enemy", []amparov1.Role{amparov1.Role_ROLE_REVIEWER}, []string{"north"})
	first, second := w.newCase(t, officer, nil), w.newCase(t, officer, nil)
	third := w.newCase(t, officer, func(c *amparov1.Case) { c.ExcludedStaffIds, c.Restricted = []string{enemy.StaffID}, true })
	merge := func(stays, other string, people ...*servertest.Person) {
		t.Helper()
		for _, p := range people {
			if _, err := links(p).MergeCases(t.Context(), &amparov1.MergeCasesRequest{RequestId: records.NewID(), CaseId: stays, OtherCaseId: other}); err != nil {
				t.Fatal(err)
			}
		}
	}
	merge(second, first, reviewer, head)
	merge(third, second, officer, head)
	for i, id := range []string{first, second, third} {
		if c := w.head(t, id); !c.GetRestricted() || !slices.Contains(c.GetExcludedStaffIds(), enemy.StaffID) {
			t.Errorf("case %d: restricted %v, excludes %v", i, c.GetRestricted(), c.GetExcludedStaffIds())
		}
		_, err := amparov1.NewCaseServiceClient(enemy.Conn).GetCase(t.Context(), &amparov1.GetCaseRequest{CaseId: id})
		if reason(err) != "NOT_FOUND" {
			t.Errorf("whom the last case excludes sees case %d: %v", i, err)
		}
	}
}

// TestARestrictionReachesTheDuplicate: a case that is kept to its team after a merge
// takes the cases that went into it along.
func TestARestrictionReachesTheDuplicate(t *testing.T) {
	w := newWorld(t, servertest.Options{})
	officer, reviewer, head := w.north[amparov1.Role_ROLE_CASE_OFFICER], w.north[amparov1.Role_ROLE_REVIEWER], w.north[amparov1.Role_ROLE_HEAD_OF_SECRETARIAT]
	stays, other := w.newCase(t, officer, nil), w.newCase(t, officer, nil)
	for _, p := range []*servertest.Person{reviewer, head} {
		if _, err := links(p).MergeCases(t.Context(), &amparov1.MergeCasesRequest{RequestId: records.NewID(), CaseId: stays, OtherCaseId: other}); err != nil {
			t.Fatal(err)
		}
	}
	if _, err := amparov1.NewCaseServiceClient(head.Conn).RestrictCase(t.Context(), &amparov1.RestrictCaseRequest{
		RequestId: records.NewID(), CaseId: stays, Restricted: true,
	}); err != nil {
		t.Fatal(err)
	}
	if !w.head(t, other).GetRestricted() {
		t.Error("the duplicate stays open to the office")
	}
}

// TestALinkTellsNoMoreThanItMay: both teams see it, and whoever the other case
// excludes does not.
func TestALinkTellsNoMoreThanItMay(t *testing.T) {
	w := newWorld(t, servertest.Options{})
	officer, reviewer := w.north[amparov1.Role_ROLE_CASE_OFFICER], w.north[amparov1.Role_ROLE_REVIEWER]
	c, other := w.newCase(t, officer, nil), w.newCase(t, w.north[amparov1.Role_ROLE_HOTLINE_OPERATOR], nil)
	for range 2 {
		if _, err := links(reviewer).LinkCases(t.Context(), &amparov1.LinkCasesRequest{RequestId: records.NewID(), CaseId: c, OtherCaseId: other}); err != nil {
			t.Fatal(err)
		}
	}
	seen := func() []int {
		shown, err := links(officer).ShowLinks(t.Context(), &amparov1.ShowLinksRequest{CaseId: c})
		if err != nil {
			t.Fatal(err)
		}
		got, err := amparov1.NewCaseServiceClient(officer.Conn).GetCase(t.Context(), &amparov1.GetCaseRequest{CaseId: c})
		if err != nil {
			t.Fatal(err)
		}
		return []int{len(shown.GetLinked()), len(got.GetCase().GetLinkedCaseIds())}
	}
	if got := seen(); !slices.Equal(got, []int{1, 1}) {
		t.Errorf("the team sees %v links", got)
	}
	w.shape(t, other, func(c *amparov1.Case) { c.ExcludedStaffIds = []string{officer.StaffID} })
	if got := seen(); !slices.Equal(got, []int{0, 0}) {
		t.Errorf("an excluded person sees %v links", got)
	}
}
