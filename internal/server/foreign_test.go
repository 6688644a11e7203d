package server_test

import (
	"slices"
	"testing"
	"time"

	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/reflect/protoreflect"

	amparov1 "github.com/amparo-project/amparo/api/amparo/v1"
	"github.com/amparo-project/amparo/internal/access"
	"github.com/amparo-project/amparo/internal/enrolment"
	"github.com/amparo-project/amparo/internal/records"
	"github.com/amparo-project/amparo/internal/servertest"
)

// idFields are the fields of a request that name something, by their limits.
func idFields(method protoreflect.MethodDescriptor) []protoreflect.FieldDescriptor {
	var found []protoreflect.FieldDescriptor
	fields := method.Input().Fields()
	for i := range fields.Len() {
		name := string(fields.Get(i).Name())
		if name != "request_id" && (len(name) > 3 && name[len(name)-3:] == "_id" || len(name) > 4 && name[len(name)-4:] == "_ids") {
			found = append(found, fields.Get(i))
		}
	}
	return found
}

func setID(request proto.Message, field protoreflect.FieldDescriptor, id string) {
	m := request.ProtoReflect()
	if !field.IsList() {
		m.Set(field, protoreflect.ValueOfString(id))
		return
	}
	list := m.NewField(field).List()
	list.Append(protoreflect.ValueOfString(id))
	m.Set(field, protoreflect.ValueOfList(list))
}

// asker sends a request with another id in one of its fields, each time anew.
func asker(t *testing.T, caller *servertest.Person, method protoreflect.MethodDescriptor, field protoreflect.FieldDescriptor, base proto.Message) func(string) error {
	t.Helper()
	return func(id string) error {
		request := proto.CloneOf(base)
		setID(request, field, id)
		if named := method.Input().Fields().ByName("request_id"); named != nil {
			request.ProtoReflect().Set(named, protoreflect.ValueOfString(records.NewID()))
		}
		_, err := call(t.Context(), t, caller.Conn, method, request)
		return err
	}
}

// heardAnyway are the cases that are nobody's secret from somebody to whom a person said
// that they take their consent back, or who learned that something has got out: those of
// other offices and teams. A case that excludes them is not among these.
var heardAnyway = []string{
	"a case of another office", "another team's restricted case", "a triaged case of the office, not on its team",
}

// heard reports whether whoever heard of it may make a call.
func heard(rules access.Rules, method protoreflect.MethodDescriptor) bool {
	return slices.ContainsFunc(rules[fullName(method)].GetAllow(), func(a *amparov1.Allowance) bool {
		return a.GetRelation() == amparov1.Relation_RELATION_HEARD
	})
}

// TestForeignReadsAsAbsent puts ids of things that are not the caller's into every
// id field of every request. No answer tells such a thing from one that does not
// exist, in any byte but the correlation id, save of what may be heard anywhere.
func TestForeignReadsAsAbsent(t *testing.T) {
	w := newWorld(t, servertest.Options{})
	rules, err := access.LoadV1()
	if err != nil {
		t.Fatal(err)
	}
	officer := w.north[amparov1.Role_ROLE_CASE_OFFICER]
	// An officer may not restrict a case; a reviewer may, and knows none of these.
	elsewhere := w.Enrol(t, "elsewhere", []amparov1.Role{amparov1.Role_ROLE_REVIEWER}, []string{"east"})
	invitation, err := enrolment.Parse(w.Invite(t, "Nobody", []amparov1.Role{amparov1.Role_ROLE_AUDITOR}, nil, time.Time{}))
	if err != nil {
		t.Fatal(err)
	}
	own := w.newCase(t, officer, func(c *amparov1.Case) { c.TeamIds = []string{officer.StaffID} })
	hidden := map[string]string{
		"a case of another office": w.newCase(t, w.operator, nil),
		"another team's restricted case": w.newCase(t, officer, func(c *amparov1.Case) {
			c.TeamIds, c.Restricted = []string{w.bystander.StaffID}, true
		}),
		"a case that excludes the caller": w.newCase(t, officer, func(c *amparov1.Case) {
			c.TeamIds, c.ExcludedStaffIds = []string{officer.StaffID}, []string{officer.StaffID}
		}),
		"a triaged case of the office, not on its team": w.newCase(t, officer, func(c *amparov1.Case) {
			c.TeamIds, c.State = nil, amparov1.CaseState_CASE_STATE_TRIAGED
		}),
		"an invitation":                invitation.GetId(),
		"the directory":                w.Records.Directory().FileID,
		"a person's id":                w.bystander.StaffID,
		"a random id":                  records.NewID(),
		"an id of nothing but letters": "aaaaaaaaaaaaaaaaaaaaaaaaaa",
	}
	for _, method := range methods() {
		if method.Parent().Name() == "StaffService" || method.Parent().Name() == "EnrolmentService" {
			continue // TestForeignStaff and TestTheDoor
		}
		for _, field := range idFields(method) {
			caller := officer
			if slices.Contains([]protoreflect.Name{"RestrictCase", "UpdateInterpreter", "ReassignCases", "ApproveDisclosure"}, method.Name()) {
				caller = elsewhere
			}
			if method.Name() == "ConfirmPolicy" {
				caller = w.north[amparov1.Role_ROLE_HEAD_OF_SECRETARIAT]
			}
			ask := asker(t, caller, method, field, w.request(t, method, aim{own, officer.StaffID, ""}))
			absent, want := ask(records.NewID()), codes.NotFound
			if field.IsList() || method.Name() == "ReassignCases" || method.Name() == "BeginHandover" {
				want = codes.FailedPrecondition // people, whom everybody may know
			}
			if status.Code(absent) != want {
				t.Errorf("%s, %s, an absent id: %v, want %v", shortName(method), field.Name(), absent, want)
			}
			for name, id := range hidden {
				if field.IsList() && name == "a person's id" {
					id = w.reviewer.StaffID // one of another office
				}
				if heard(rules, method) && slices.Contains(heardAnyway, name) {
					if err := ask(id); err != nil {
						t.Errorf("%s, %s: %v, want it taken from whoever heard it", shortName(method), name, err)
					}
					continue
				}
				if err := ask(id); mark(err) != mark(absent) {
					t.Errorf("%s, %s, %s: %v differs from an absent id: %v", shortName(method), field.Name(), name, err, absent)
				}
			}
			malformed(t, method, field, ask)
		}
	}
}

// malformed ids cannot be anybody's: they are refused before anything is looked up.
func malformed(t *testing.T, method protoreflect.MethodDescriptor, field protoreflect.FieldDescriptor, ask func(string) error) {
	t.Helper()
	for _, id := range []string{
		"", "a", "AAAAAAAAAAAAAAAAAAAAAAAAAA", "aaaaaaaaaaaaaaaaaaaaaaaaa1", "aaaaaaaaaaaaaaaaaaaaaaaaaaa",
		"../../aaaaaaaaaaaaaaaaaaaa", "aaaaaaaaaaaaaaaaaaaaaaaaaa\n", "аaaaaaaaaaaaaaaaaaaaaaaaaa",
	} {
		err := ask(id)
		if status.Code(err) != codes.InvalidArgument {
			t.Errorf("%s, %s, malformed id %q: %v, want INVALID_ARGUMENT", shortName(method), field.Name(), id, err)
		}
	}
}

// TestForeignStaff does the same for the ids of people and devices. The directory
// is open to those who may call, so only what is no person differs.
func TestForeignStaff(t *testing.T) {
	w := newWorld(t, servertest.Options{})
	officer := w.north[amparov1.Role_ROLE_CASE_OFFICER]
	others := []string{w.newCase(t, officer, nil), w.Records.Directory().FileID, records.NewID()}
	for _, method := range methods() {
		if method.Parent().Name() != "StaffService" {
			continue
		}
		for _, field := range idFields(method) {
			ask := asker(t, w.Admin, method, field, w.request(t, method, aim{"", w.bystander.StaffID, w.bystander.DeviceID}))
			for _, id := range others {
				if err := ask(id); status.Code(err) != codes.NotFound || mark(err) != mark(ask(records.NewID())) {
					t.Errorf("%s, %s: %v, want NOT_FOUND alike for all", shortName(method), field.Name(), err)
				}
			}
			malformed(t, method, field, ask)
		}
	}
}

// TestRowsOfOthersAreNotShown: queue, search and watch know the same need-to-know.
func TestRowsOfOthersAreNotShown(t *testing.T) {
	w := newWorld(t, servertest.Options{})
	officer := w.north[amparov1.Role_ROLE_CASE_OFFICER]
	seen := w.newCase(t, officer, nil)
	w.newCase(t, w.operator, nil)
	w.newCase(t, officer, func(c *amparov1.Case) { c.TeamIds, c.Restricted = nil, true })
	w.newCase(t, officer, func(c *amparov1.Case) { c.ExcludedStaffIds = []string{officer.StaffID} })
	client := amparov1.NewQueueServiceClient(officer.Conn)
	page, err := client.ListQueue(t.Context(), &amparov1.ListQueueRequest{})
	if err != nil {
		t.Fatal(err)
	}
	found, err := client.SearchCases(t.Context(), &amparov1.SearchCasesRequest{Text: "Prueba"})
	if err != nil {
		t.Fatal(err)
	}
	for name, rows := range map[string][]*amparov1.QueueRow{"queue": page.GetRows(), "search": found.GetRows()} {
		if len(rows) != 1 || rows[0].GetCaseId() != seen {
			t.Errorf("%s: %d rows, want the one that is the caller's to know", name, len(rows))
		}
	}
	_, absent := client.ListQueue(t.Context(), &amparov1.ListQueueRequest{Office: "nowhere"})
	_, foreign := client.ListQueue(t.Context(), &amparov1.ListQueueRequest{Office: "south"})
	if reason(foreign) != "OFFICE_UNKNOWN" || mark(foreign) != mark(absent) {
		t.Errorf("another office's queue: %v, that of an office that does not exist: %v", foreign, absent)
	}
}

// TestPageTokensAreOnePersons: a token is good for whom it was given, in the call
// that gave it.
func TestPageTokensAreOnePersons(t *testing.T) {
	w := newWorld(t, servertest.Options{})
	officer, operator := w.north[amparov1.Role_ROLE_CASE_OFFICER], w.north[amparov1.Role_ROLE_HOTLINE_OPERATOR]
	first := w.newCase(t, officer, nil)
	other := w.newCase(t, officer, nil)
	page, err := amparov1.NewQueueServiceClient(officer.Conn).ListQueue(t.Context(), &amparov1.ListQueueRequest{PageSize: 1})
	if err != nil || page.GetNextPageToken() == "" {
		t.Fatal("no token was given", err)
	}
	token := page.GetNextPageToken()
	if _, err := amparov1.NewQueueServiceClient(operator.Conn).ListQueue(t.Context(), &amparov1.ListQueueRequest{PageToken: token}); reason(err) != "CURSOR_INVALID" {
		t.Errorf("another person's token: %v", err)
	}
	cases := amparov1.NewCaseServiceClient(officer.Conn)
	if _, err := cases.ListTimeline(t.Context(), &amparov1.ListTimelineRequest{CaseId: first, PageToken: token}); reason(err) != "CURSOR_INVALID" {
		t.Errorf("another call's token: %v", err)
	}
	if _, err := cases.AddNote(t.Context(), &amparov1.AddNoteRequest{RequestId: records.NewID(), CaseId: first, Text: "second entry"}); err != nil {
		t.Fatal(err)
	}
	entries, err := cases.ListTimeline(t.Context(), &amparov1.ListTimelineRequest{CaseId: first, PageSize: 1})
	if err != nil || entries.GetNextPageToken() == "" {
		t.Fatal("no token was given", err)
	}
	if _, err := cases.ListTimeline(t.Context(), &amparov1.ListTimelineRequest{CaseId: other, PageToken: entries.GetNextPageToken()}); reason(err) != "CURSOR_INVALID" {
		t.Errorf("another case's token: %v", err)
	}
}

// foreignBound is generous: the machine that tests is not quiet. What the test
// reports is the figure to look at; a stranger on a network sees less than this.
const foreignBound = 2 * time.Millisecond

// TestForeignCostsAsAbsent measures whether the time of an answer tells a foreign
// case from an absent one.
func TestForeignCostsAsAbsent(t *testing.T) {
	w := newWorld(t, servertest.Options{})
	foreign := w.newCase(t, w.operator, nil)
	client := amparov1.NewCaseServiceClient(w.north[amparov1.Role_ROLE_CASE_OFFICER].Conn)
	var times [2][]time.Duration
	for i := range 1200 {
		id := foreign
		if i%2 == 1 {
			id = records.NewID()
		}
		begin := time.Now()
		if _, err := client.GetCase(t.Context(), &amparov1.GetCaseRequest{CaseId: id}); status.Code(err) != codes.NotFound {
			t.Fatal(err)
		}
		times[i%2] = append(times[i%2], time.Since(begin))
	}
	median := func(all []time.Duration) time.Duration { slices.Sort(all); return all[len(all)/2] }
	difference := median(times[0]) - median(times[1])
	t.Logf("foreign %v, absent %v, difference %v", median(times[0]), median(times[1]), difference)
	if difference.Abs() > foreignBound {
		t.Errorf("a foreign case is told from an absent one by %v", difference)
	}
}
