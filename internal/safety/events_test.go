package safety_test

import (
	"slices"
	"testing"
	"time"

	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/types/known/timestamppb"

	amparov1 "github.com/amparo-project/amparo/api/amparo/v1"
	"github.com/amparo-project/amparo/internal/fault"
	"github.com/amparo-project/amparo/internal/safety"
)

// night is when everything here happens: 03:12 in Bogota.
var night = time.Date(2026, 11, 3, 8, 12, 0, 0, time.UTC)

const (
	signal = amparov1.ContactChannel_CONTACT_CHANNEL_SIGNAL
	phone  = amparov1.ContactChannel_CONTACT_CHANNEL_PHONE

	atLiberty   = amparov1.PersonStatus_PERSON_STATUS_AT_LIBERTY
	inHiding    = amparov1.PersonStatus_PERSON_STATUS_IN_HIDING
	detained    = amparov1.PersonStatus_PERSON_STATUS_DETAINED
	disappeared = amparov1.PersonStatus_PERSON_STATUS_DISAPPEARED
	deceased    = amparov1.PersonStatus_PERSON_STATUS_DECEASED
	unreachable = amparov1.PersonStatus_PERSON_STATUS_UNREACHABLE

	family = amparov1.StatusSource_STATUS_SOURCE_FAMILY
	press  = amparov1.StatusSource_STATUS_SOURCE_MEDIA

	operator = "operator"
	officer  = "officer"
)

// ana asks for herself and left a number, a code word and a word for duress.
func ana() *amparov1.Intake {
	return &amparov1.Intake{
		Submitter: &amparov1.Submitter{Kind: amparov1.SubmitterKind_SUBMITTER_KIND_SELF},
		SafeContact: &amparov1.SafeContact{
			Channel: signal, Address: "+573005550100", TimeZone: "America/Bogota",
			CodeWord: "guayaba", DuressWord: "naranja",
		},
	}
}

// forAna is a lawyer who asks for her and was not told whether she may be called.
func forAna() *amparov1.Intake {
	intake := ana()
	intake.Submitter = &amparov1.Submitter{
		Kind: amparov1.SubmitterKind_SUBMITTER_KIND_THIRD_PARTY, Name: "Licenciado Prueba", Relation: "lawyer",
		Contact: &amparov1.SafeContact{Channel: phone, Address: "+573005550109"},
	}
	return intake
}

func draft(kind amparov1.ContactKind, address string) *amparov1.ChangeDraft {
	return &amparov1.ChangeDraft{Change: &amparov1.ChangeDraft_Contact{Contact: &amparov1.ContactDraft{
		Kind: kind, Way: &amparov1.SafeContact{Channel: signal, Address: address},
	}}}
}

const (
	own       = amparov1.ContactKind_CONTACT_KIND_OWN
	proxy     = amparov1.ContactKind_CONTACT_KIND_PROXY
	submitter = amparov1.ContactKind_CONTACT_KIND_SUBMITTER
)

// withProxy is Ana's record with a sister whom a second person has confirmed.
func withProxy(t testing.TB, intake *amparov1.Intake) *amparov1.Safety {
	t.Helper()
	s := safety.Begin(intake)
	asked, err := safety.Propose(s, draft(proxy, "+573005550102"), "", operator, night)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := safety.Settle(s, asked.Number, safety.Proof{}, officer, night); err != nil {
		t.Fatal(err)
	}
	return s
}

func reasonOf(err error) amparov1.Reason {
	if err == nil {
		return amparov1.Reason_REASON_UNSPECIFIED
	}
	return fault.As(err).Reason
}

func report(t testing.TB, s *amparov1.Safety, status amparov1.PersonStatus, at time.Time) []*amparov1.TimelineEntry {
	t.Helper()
	entries, err := safety.Report(s, &amparov1.StatusDraft{Status: status, Source: family, At: timestamppb.New(at)}, operator, night)
	if err != nil {
		t.Fatal(err)
	}
	return entries
}

// order are the kinds of the contacts that may be used, in the order in which they
// are offered.
func order(s *amparov1.Safety) (kinds []amparov1.ContactKind) {
	for _, c := range safety.Advise(s, time.LoadLocation, night).GetContacts() {
		if c.GetContact().GetUse() == amparov1.ContactUse_CONTACT_USE_USABLE {
			kinds = append(kinds, c.GetContact().GetContact().GetKind())
		}
	}
	return kinds
}

// TestWhatBefalls says for each event whom one may still call, and in which order.
func TestWhatBefalls(t *testing.T) {
	for _, row := range []struct {
		event  string
		report *amparov1.StatusDraft
		whose  *amparov1.Intake
		want   []amparov1.ContactKind
		why    amparov1.DoNotUseReason
	}{
		{"nothing, she asks herself", nil, ana(), []amparov1.ContactKind{own, proxy}, 0},
		{"nothing, another asks for her", nil, forAna(), []amparov1.ContactKind{submitter, proxy, own}, 0},
		{"at liberty", &amparov1.StatusDraft{Status: atLiberty}, ana(), []amparov1.ContactKind{own, proxy}, 0},
		{"in hiding", &amparov1.StatusDraft{Status: inHiding}, ana(), []amparov1.ContactKind{own, proxy}, 0},
		{"unreachable", &amparov1.StatusDraft{Status: unreachable}, ana(), []amparov1.ContactKind{proxy, own}, 0},
		{"arrested", &amparov1.StatusDraft{Status: detained}, ana(), []amparov1.ContactKind{proxy}, amparov1.DoNotUseReason_DO_NOT_USE_REASON_DETAINED},
		{"arrested, another asks for her", &amparov1.StatusDraft{Status: detained}, forAna(), []amparov1.ContactKind{proxy, submitter}, amparov1.DoNotUseReason_DO_NOT_USE_REASON_DETAINED},
		{"disappeared", &amparov1.StatusDraft{Status: disappeared}, ana(), []amparov1.ContactKind{proxy}, amparov1.DoNotUseReason_DO_NOT_USE_REASON_DISAPPEARED},
		{"dead", &amparov1.StatusDraft{Status: deceased}, ana(), []amparov1.ContactKind{proxy}, amparov1.DoNotUseReason_DO_NOT_USE_REASON_DECEASED},
		{"her telephone was taken", &amparov1.StatusDraft{DeviceSeized: true}, ana(), []amparov1.ContactKind{proxy}, amparov1.DoNotUseReason_DO_NOT_USE_REASON_DEVICE_SEIZED},
		{"free, but her telephone was kept", &amparov1.StatusDraft{Status: atLiberty, DeviceSeized: true}, ana(), []amparov1.ContactKind{proxy}, amparov1.DoNotUseReason_DO_NOT_USE_REASON_DEVICE_SEIZED},
	} {
		s := withProxy(t, row.whose)
		if row.report != nil {
			if _, err := safety.Report(s, row.report, operator, night); err != nil {
				t.Errorf("%s: %v", row.event, err)
			}
		}
		if got := order(s); !slices.Equal(got, row.want) {
			t.Errorf("%s: %v, want %v", row.event, got, row.want)
		}
		if got := s.GetContacts()[0].GetWhyNot(); got != row.why {
			t.Errorf("%s: out of use for %v, want %v", row.event, got, row.why)
		}
	}
}

// TestAReleaseRestoresNothing and a late report of an arrest changes no later status,
// but takes the telephone all the same.
func TestAReleaseRestoresNothing(t *testing.T) {
	s := withProxy(t, ana())
	report(t, s, detained, night.Add(-48*time.Hour))
	report(t, s, atLiberty, night.Add(-time.Hour))
	if got := order(s); !slices.Equal(got, []amparov1.ContactKind{proxy}) {
		t.Errorf("after the release: %v", got)
	}
	s = withProxy(t, ana())
	report(t, s, atLiberty, night.Add(-time.Hour))
	entries := report(t, s, detained, night.Add(-48*time.Hour))
	if s.GetStatus() != atLiberty || len(order(s)) != 1 || len(entries) != 2 {
		t.Errorf("an arrest that is learned of after the release: %v, %v, %d entries", s.GetStatus(), order(s), len(entries))
	}
}

func TestInstructionsNameTheProxy(t *testing.T) {
	s := withProxy(t, ana())
	asked, err := safety.Propose(s, draft(proxy, "+573005550103"), "", operator, night)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := safety.Settle(s, asked.Number, safety.Proof{}, officer, night); err != nil {
		t.Fatal(err)
	}
	lawyer := s.GetContacts()[2].GetNumber()
	given := []*amparov1.AdvanceInstruction{{Event: detained, Proxy: lawyer, Text: "no press"}}
	if _, err := safety.Instruct(s, given, nil, operator, night); err != nil {
		t.Fatal(err)
	}
	if advice := safety.Advise(s, time.LoadLocation, night); advice.GetInstruction() != nil {
		t.Error("instructions for an arrest are shown while she is free")
	}
	report(t, s, detained, night)
	advice := safety.Advise(s, time.LoadLocation, night)
	if advice.GetInstruction().GetText() != "no press" || advice.GetContacts()[0].GetContact().GetNumber() != lawyer {
		t.Error("after the arrest: want her instructions, and the proxy whom she named for it")
	}
	given[0].Proxy = s.GetContacts()[0].GetNumber()
	if _, err := safety.Instruct(s, given, nil, operator, night); reasonOf(err) != amparov1.Reason_REASON_FIELD_INVALID {
		t.Errorf("her own telephone as a proxy: %v", err)
	}
}

// TestASeizedTelephoneHasItsInstructions until the person has a proven one again; what
// befalls the person goes before it.
func TestASeizedTelephoneHasItsInstructions(t *testing.T) {
	s := withProxy(t, ana())
	given := []*amparov1.AdvanceInstruction{{Event: detained, Text: "no press"}, {DeviceSeized: true, Text: "warn the union"}}
	if _, err := safety.Instruct(s, given, nil, operator, night); err != nil {
		t.Fatal(err)
	}
	shown := func() string { return safety.Advise(s, time.LoadLocation, night).GetInstruction().GetText() }
	if got := shown(); got != "" {
		t.Errorf("before anything befell her: %q", got)
	}
	if _, err := safety.Report(s, &amparov1.StatusDraft{DeviceSeized: true}, operator, night); err != nil {
		t.Fatal(err)
	}
	if got := shown(); got != "warn the union" {
		t.Errorf("her telephone was taken: %q", got)
	}
	report(t, s, detained, night)
	if got := shown(); got != "no press" {
		t.Errorf("arrested with it: %q", got)
	}
	report(t, s, atLiberty, night)
	if got := shown(); got != "warn the union" {
		t.Errorf("free, and her telephone was kept: %q", got)
	}
	asked, err := safety.Propose(s, draft(own, "+573005550177"), "", operator, night)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := safety.Settle(s, asked.Number, safety.Proof{}, officer, night); err != nil {
		t.Fatal(err)
	}
	if got := shown(); got != "" {
		t.Errorf("with a new telephone: %q", got)
	}
	for _, wrong := range []*amparov1.AdvanceInstruction{{Text: "for what?"}, {Event: detained, DeviceSeized: true, Text: "for both"}} {
		if _, err := safety.Instruct(s, []*amparov1.AdvanceInstruction{wrong}, nil, operator, night); reasonOf(err) != amparov1.Reason_REASON_FIELD_INVALID {
			t.Errorf("%q: %v", wrong.GetText(), err)
		}
	}
}

// TestADeathTakesTwoSources before a case is closed for it.
func TestADeathTakesTwoSources(t *testing.T) {
	const died, met = amparov1.ClosureReason_CLOSURE_REASON_DIED, amparov1.ClosureReason_CLOSURE_REASON_NEEDS_MET
	for _, row := range []struct {
		name   string
		status amparov1.PersonStatus
		source amparov1.StatusSource // of the confirmation
		by     string
		want   bool // that it counts
	}{
		{"nobody confirms", deceased, 0, "", false},
		{"the same person, the same source", deceased, family, operator, false},
		{"the same person, another source", deceased, press, operator, true},
		{"another person, another member of the family", deceased, family, officer, true},
		{"an arrest that is confirmed", detained, press, officer, false},
	} {
		s := safety.Begin(ana())
		report(t, s, row.status, night)
		if row.by != "" {
			_, err := safety.Confirm(s, 0, row.source, "", row.by, night)
			if refused := err != nil; refused != (row.source == family && row.by == operator) {
				t.Errorf("%s: %v", row.name, err)
			}
		}
		if err := safety.MayClose(s, died); (err == nil) != row.want {
			t.Errorf("%s: closing for a death: %v", row.name, err)
		}
		if err := safety.MayClose(s, met); err != nil {
			t.Errorf("%s: closing for another reason: %v", row.name, err)
		}
	}
	s := safety.Begin(ana())
	if _, err := safety.Confirm(s, 0, press, "", officer, night); reasonOf(err) != amparov1.Reason_REASON_NOTHING_TO_CONFIRM {
		t.Errorf("nothing was reported: %v", err)
	}
}

func TestReportsThatCannotBe(t *testing.T) {
	for name, d := range map[string]*amparov1.StatusDraft{
		"neither status nor device": {Source: family},
		"tomorrow":                  {Status: detained, At: timestamppb.New(night.Add(24 * time.Hour))},
		"before there were any":     {Status: detained, At: timestamppb.New(time.Unix(0, 0))},
	} {
		s := safety.Begin(ana())
		before := proto.CloneOf(s)
		if _, err := safety.Report(s, d, operator, night); err == nil || !proto.Equal(s, before) {
			t.Errorf("%s: %v; want a refusal that changes nothing", name, err)
		}
	}
}

// TestTheRecordStaysSmall: a year of daily reports leaves the newest, and the one that
// the status follows from.
func TestTheRecordStaysSmall(t *testing.T) {
	s := safety.Begin(ana())
	report(t, s, detained, night)
	for day := range 365 {
		report(t, s, atLiberty, night.Add(time.Duration(-day-1)*time.Hour))
	}
	if s.GetStatus() != detained || len(s.GetReports()) > 101 || s.GetReports()[0].GetNumber() != s.GetStatusReport() {
		t.Errorf("%d reports, status %v", len(s.GetReports()), s.GetStatus())
	}
}
