package intake_test

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"golang.org/x/text/language"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/types/known/timestamppb"

	amparov1 "github.com/amparo-project/amparo/api/amparo/v1"
	"github.com/amparo-project/amparo/internal/intake"
)

// night is a Sunday on which clocks in Europe go forward.
var night = time.Date(2026, time.March, 29, 3, 0, 0, 0, time.UTC)

// full is an intake that fills everything that is checked, and is right.
func full() *amparov1.Intake {
	return &amparov1.Intake{
		ReceivedAt: timestamppb.New(night),
		Channel:    amparov1.Channel_CHANNEL_HOTLINE,
		SafeContact: &amparov1.SafeContact{
			Channel: amparov1.ContactChannel_CONTACT_CHANNEL_SIGNAL, Address: "+573001234567", Language: "es-CO",
			TimeZone: "America/Bogota", Windows: []*amparov1.SafeWindow{{From: "20:00", Until: "06:00"}},
		},
		Submitter: &amparov1.Submitter{
			Kind:    amparov1.SubmitterKind_SUBMITTER_KIND_THIRD_PARTY,
			Contact: &amparov1.SafeContact{Channel: amparov1.ContactChannel_CONTACT_CHANNEL_EMAIL, Address: "friend@example.org"},
		},
		Identity: &amparov1.Identity{Subject: &amparov1.Identity_Person{Person: &amparov1.Person{
			LegalName: "Zenaida Prueba", BirthDate: "1984-03~", Nationalities: []string{"CO", "XK"},
			ResidenceCountry: "CO", CurrentCountry: "EC",
			Identifiers: []*amparov1.Identifier{
				{Kind: amparov1.IdentifierKind_IDENTIFIER_KIND_NUMBER, Value: "+593991234567"},
				{Kind: amparov1.IdentifierKind_IDENTIFIER_KIND_EMAIL, Value: "zenaida@example.org"},
				{Kind: amparov1.IdentifierKind_IDENTIFIER_KIND_HANDLE, Value: "@zprueba"},
			},
			RightsWork: &amparov1.RightsWork{SinceYear: 2009},
		}}},
		Incidents: []*amparov1.Incident{{
			ActCode: "020103020000", Date: "2026-03-28", Country: "CO", PerpetratorCodes: []string{"010104000000", "990000000000"},
		}},
		Needs: []*amparov1.Need{{
			Code: amparov1.NeedCode_NEED_CODE_LEGAL_SUPPORT, Amount: &amparov1.Money{Currency: "COP", MinorUnits: 100},
		}},
	}
}

func person(nationalities ...string) *amparov1.Identity {
	return &amparov1.Identity{Subject: &amparov1.Identity_Person{Person: &amparov1.Person{Nationalities: nationalities}}}
}

func collective(in *amparov1.Intake) *amparov1.Collective {
	c := &amparov1.Collective{Kind: amparov1.CollectiveKind_COLLECTIVE_KIND_ORGANISATION, Name: "Rivers First"}
	in.Identity = &amparov1.Identity{Subject: &amparov1.Identity_Collective{Collective: c}}
	return c
}

func TestWrongFields(t *testing.T) {
	who := func(in *amparov1.Intake) *amparov1.Person { return in.GetIdentity().GetPerson() }
	for _, row := range []struct {
		spoil func(in *amparov1.Intake)
		field string // empty: nothing is wrong
		why   string
	}{
		{func(*amparov1.Intake) {}, "", ""},
		{func(in *amparov1.Intake) { in.ReceivedAt = timestamppb.New(night.Add(6 * time.Minute)) }, "received_at", "DATE_IMPOSSIBLE"},
		{func(in *amparov1.Intake) { in.ReceivedAt = timestamppb.New(night.Add(4 * time.Minute)) }, "", ""},
		{func(in *amparov1.Intake) { in.ReceivedAt = &timestamppb.Timestamp{} }, "received_at", "DATE_IMPOSSIBLE"},
		{func(in *amparov1.Intake) { in.SafeContact.Address = "3001234567" }, "safe_contact.address", "FIELD_INVALID"},
		{func(in *amparov1.Intake) { in.SafeContact.Address = "zenaida.07" }, "", ""},
		{func(in *amparov1.Intake) {
			in.SafeContact.Channel, in.SafeContact.Address = amparov1.ContactChannel_CONTACT_CHANNEL_WHATSAPP, "zenaida"
		}, "safe_contact.address", "FIELD_INVALID"},
		{func(in *amparov1.Intake) {
			in.SafeContact.Channel, in.SafeContact.Address = amparov1.ContactChannel_CONTACT_CHANNEL_OTHER, "the shop, after six"
		}, "", ""},
		{func(in *amparov1.Intake) { in.SafeContact.Address = "+0123456" }, "safe_contact.address", "FIELD_INVALID"},
		{func(in *amparov1.Intake) { in.SafeContact.Address = "+5730012345678901" }, "safe_contact.address", "FIELD_INVALID"},
		{func(in *amparov1.Intake) { in.SafeContact.Language = "Spanish language" }, "safe_contact.language", "CODE_UNKNOWN"},
		{func(in *amparov1.Intake) { in.SafeContact.Language = "xx" }, "safe_contact.language", "CODE_UNKNOWN"},
		{func(in *amparov1.Intake) { in.SafeContact.Language = "prs" }, "", ""},
		{func(in *amparov1.Intake) { in.SafeContact.TimeZone = "Bogota" }, "safe_contact.time_zone", "CODE_UNKNOWN"},
		{func(in *amparov1.Intake) { in.SafeContact.TimeZone = "Local" }, "safe_contact.time_zone", "CODE_UNKNOWN"},
		{func(in *amparov1.Intake) { in.SafeContact.TimeZone = "../../etc/passwd" }, "safe_contact.time_zone", "CODE_UNKNOWN"},
		{func(in *amparov1.Intake) { in.SafeContact.TimeZone = "" }, "safe_contact.time_zone", "FIELD_INVALID"},
		{func(in *amparov1.Intake) {
			in.References = []*amparov1.Reference{{}, {Contact: &amparov1.SafeContact{TimeZone: "Bogota"}}}
		}, "references[1].contact.time_zone", "CODE_UNKNOWN"},
		{func(in *amparov1.Intake) { in.Submitter.Contact.Address = "friend" }, "submitter.contact.address", "FIELD_INVALID"},
		{func(in *amparov1.Intake) { in.Submitter.Contact.Address = "friend@host" }, "submitter.contact.address", "FIELD_INVALID"},
		{func(in *amparov1.Intake) { in.Submitter.Contact.Address = "a friend@example.org" }, "submitter.contact.address", "FIELD_INVALID"},
		{func(in *amparov1.Intake) { who(in).BirthDate = "1984-02-30" }, "identity.person.birth_date", "DATE_IMPOSSIBLE"},
		{func(in *amparov1.Intake) { who(in).BirthDate = "1899~" }, "identity.person.birth_date", "DATE_IMPOSSIBLE"},
		{func(in *amparov1.Intake) { who(in).BirthDate = "2027" }, "identity.person.birth_date", "DATE_IMPOSSIBLE"},
		{func(in *amparov1.Intake) { who(in).BirthDate = "2026-04" }, "identity.person.birth_date", "DATE_IMPOSSIBLE"},
		{func(in *amparov1.Intake) { who(in).BirthDate = "2026" }, "", ""},
		{func(in *amparov1.Intake) { who(in).Nationalities[1] = "ZZ" }, "identity.person.nationalities[1]", "CODE_UNKNOWN"},
		{func(in *amparov1.Intake) { who(in).Nationalities[0] = "SU" }, "identity.person.nationalities[0]", "CODE_UNKNOWN"},
		{func(in *amparov1.Intake) { who(in).Stateless = true }, "identity.person.stateless", "FIELD_INVALID"},
		{func(in *amparov1.Intake) { who(in).Stateless, who(in).Nationalities = true, nil }, "", ""},
		{func(in *amparov1.Intake) { who(in).ResidenceCountry = "EU" }, "identity.person.residence_country", "CODE_UNKNOWN"},
		{func(in *amparov1.Intake) { who(in).CurrentCountry = "EL" }, "identity.person.current_country", "CODE_UNKNOWN"},
		{func(in *amparov1.Intake) { who(in).Identifiers[0].Value = "0991234567" }, "identity.person.identifiers[0].value", "FIELD_INVALID"},
		{func(in *amparov1.Intake) { who(in).Identifiers[1].Value = "@zprueba" }, "identity.person.identifiers[1].value", "FIELD_INVALID"},
		{func(in *amparov1.Intake) { who(in).RightsWork.SinceYear = 2027 }, "identity.person.rights_work.since_year", "DATE_IMPOSSIBLE"},
		{func(in *amparov1.Intake) { who(in).RightsWork.SinceYear = 1899 }, "identity.person.rights_work.since_year", "DATE_IMPOSSIBLE"},
		{func(in *amparov1.Intake) { collective(in) }, "", ""},
		{func(in *amparov1.Intake) { collective(in).RegisteredIn = "XX" }, "identity.collective.registered_in", "CODE_UNKNOWN"},
		{func(in *amparov1.Intake) { collective(in).Countries = []string{"PE", "AN"} }, "identity.collective.countries[1]", "CODE_UNKNOWN"},
		{func(in *amparov1.Intake) {
			collective(in).Identifiers = []*amparov1.Identifier{{Kind: amparov1.IdentifierKind_IDENTIFIER_KIND_NUMBER, Value: "12"}}
		}, "identity.collective.identifiers[0].value", "FIELD_INVALID"},
		{func(in *amparov1.Intake) { in.Incidents[0].ActCode = "010101000001" }, "incidents[0].act_code", "CODE_UNKNOWN"},
		{func(in *amparov1.Intake) { in.Incidents[0].ActCode = "AMP-D16" }, "", ""},
		{func(in *amparov1.Intake) { in.Incidents[0].PerpetratorCodes[1] = "020103020000" }, "incidents[0].perpetrator_codes[1]", "CODE_UNKNOWN"},
		{func(in *amparov1.Intake) { in.Incidents[0].Date = "2026-03-31" }, "incidents[0].date", "DATE_IMPOSSIBLE"},
		{func(in *amparov1.Intake) { in.Incidents[0].Date = "2026-13" }, "incidents[0].date", "DATE_IMPOSSIBLE"},
		{func(in *amparov1.Intake) { in.Incidents[0].Country = "UK" }, "incidents[0].country", "CODE_UNKNOWN"},
		{func(in *amparov1.Intake) { in.Needs[0].Amount.Currency = "ABC" }, "needs[0].amount.currency", "CODE_UNKNOWN"},
		{func(in *amparov1.Intake) { in.Needs[0].Amount.Currency = "XXX" }, "needs[0].amount.currency", "CODE_UNKNOWN"},
		{func(in *amparov1.Intake) { in.Needs[0].Amount.Currency = "SLE" }, "", ""},
		{func(in *amparov1.Intake) { in.Needs[0].Amount = nil }, "", ""},
	} {
		asked := full()
		row.spoil(asked)
		var got []string
		for _, v := range intake.Check(asked, night) {
			got = append(got, v.Field+" "+strings.TrimPrefix(v.Reason.String(), "REASON_"))
		}
		want := ""
		if row.field != "" {
			want = "intake." + row.field + " " + row.why
		}
		if strings.Join(got, ", ") != want {
			t.Errorf("got %q, want %q", strings.Join(got, ", "), want)
		}
	}
}

// TestThreeInTheMorning holds what an operator may send with a bad line: little.
func TestThreeInTheMorning(t *testing.T) {
	anonymous := &amparov1.Submitter{Kind: amparov1.SubmitterKind_SUBMITTER_KIND_ANONYMOUS}
	for name, asked := range map[string]*amparov1.Intake{
		"a name":                 {Identity: &amparov1.Identity{Subject: &amparov1.Identity_Person{Person: &amparov1.Person{LegalName: "Zenaida"}}}},
		"a nickname":             {Identity: &amparov1.Identity{Subject: &amparov1.Identity_Person{Person: &amparov1.Person{Aliases: []string{"la Negra"}}}}},
		"a number to call":       {SafeContact: &amparov1.SafeContact{Channel: amparov1.ContactChannel_CONTACT_CHANNEL_PHONE, Address: "+573001234567"}},
		"how to find her":        {SafeContact: &amparov1.SafeContact{Instructions: "ask at the bakery"}},
		"an identity card":       {Identity: &amparov1.Identity{Subject: &amparov1.Identity_Person{Person: &amparov1.Person{Identifiers: []*amparov1.Identifier{{Kind: amparov1.IdentifierKind_IDENTIFIER_KIND_DOCUMENT, Value: "77"}}}}}},
		"what a witness saw":     {Situation: "a woman was taken from the market", Submitter: anonymous},
		"an act":                 {Incidents: []*amparov1.Incident{{ActCode: "030104000000"}}, Submitter: anonymous},
		"a need":                 {Needs: []*amparov1.Need{{Code: amparov1.NeedCode_NEED_CODE_SECURE_TRANSPORT}}},
		"a third party who rang": {Submitter: &amparov1.Submitter{Kind: amparov1.SubmitterKind_SUBMITTER_KIND_THIRD_PARTY, Name: "a cousin"}},
	} {
		if got := intake.Check(asked, night); len(got) > 0 {
			t.Errorf("%s alone is refused for %s", name, got[0].Field)
		}
	}
	for name, asked := range map[string]*amparov1.Intake{
		"nothing":           {},
		"nobody, nameless":  {Submitter: anonymous, Identity: person()},
		"only a country":    {Identity: person("CO")},
		"only how it came":  {Channel: amparov1.Channel_CHANNEL_HOTLINE},
		"an address to be":  {SafeContact: &amparov1.SafeContact{Channel: amparov1.ContactChannel_CONTACT_CHANNEL_PHONE}},
		"a nameless friend": {Submitter: &amparov1.Submitter{Kind: amparov1.SubmitterKind_SUBMITTER_KIND_THIRD_PARTY}},
	} {
		if got := intake.Check(asked, night); len(got) != 1 || got[0].Field != "intake.situation" {
			t.Errorf("%s: %d violations, want that it says nothing", name, len(got))
		}
	}
}

func TestNormalise(t *testing.T) {
	sent := &amparov1.Intake{
		SafeContact: &amparov1.SafeContact{Channel: amparov1.ContactChannel_CONTACT_CHANNEL_PHONE, Address: " 00 57 (300) 123-45.67 "},
		Submitter: &amparov1.Submitter{
			Kind:    amparov1.SubmitterKind_SUBMITTER_KIND_SELF,
			Contact: &amparov1.SafeContact{Channel: amparov1.ContactChannel_CONTACT_CHANNEL_TELEGRAM, Address: "@z-prueba"},
		},
		Identity: &amparov1.Identity{Subject: &amparov1.Identity_Person{Person: &amparov1.Person{
			LegalName: "  José Prueba\n", Aliases: []string{" ", "Pepe "},
			Nationalities: []string{"el", "GR", " uk", ""}, CurrentCountry: "co",
			Identifiers: []*amparov1.Identifier{
				{Kind: amparov1.IdentifierKind_IDENTIFIER_KIND_NUMBER, Value: "+٩٣ ۷۰ ۱۲۳ ۴۵۶۷"},
				{Kind: amparov1.IdentifierKind_IDENTIFIER_KIND_NUMBER, Value: "+44 (0)20 7946 0000"},
				{Kind: amparov1.IdentifierKind_IDENTIFIER_KIND_NUMBER, Value: "070 123 4567"},
				{Kind: amparov1.IdentifierKind_IDENTIFIER_KIND_DOCUMENT, Value: "AB 12-34"},
			},
		}}},
		Situation: "line one\nline two  ",
		Incidents: []*amparov1.Incident{{Country: "uk"}},
		Needs:     []*amparov1.Need{{Amount: &amparov1.Money{Currency: "eur"}}},
	}
	asSent := proto.CloneOf(sent)
	got := intake.Normalise(sent, night)
	if !proto.Equal(sent, asSent) {
		t.Error("what was sent has changed")
	}
	p := got.GetIdentity().GetPerson()
	for _, row := range []struct{ name, got, want string }{
		{"number to call", got.GetSafeContact().GetAddress(), "+573001234567"},
		{"handle", got.GetSubmitter().GetContact().GetAddress(), "@z-prueba"},
		{"name", p.GetLegalName(), "José Prueba"},
		{"aliases", strings.Join(p.GetAliases(), "|"), "Pepe"},
		{"nationalities", strings.Join(p.GetNationalities(), "|"), "GR|GB"},
		{"country", p.GetCurrentCountry(), "CO"},
		{"number in other digits", p.GetIdentifiers()[0].GetValue(), "+93701234567"},
		{"zero in brackets", p.GetIdentifiers()[1].GetValue(), "+442079460000"},
		{"number without a country", p.GetIdentifiers()[2].GetValue(), "070 123 4567"},
		{"paper", p.GetIdentifiers()[3].GetValue(), "AB 12-34"},
		{"situation", got.GetSituation(), "line one\nline two"},
		{"country of the act", got.GetIncidents()[0].GetCountry(), "GB"},
		{"currency", got.GetNeeds()[0].GetAmount().GetCurrency(), "EUR"},
	} {
		if row.got != row.want {
			t.Errorf("%s: %q, want %q", row.name, row.got, row.want)
		}
	}
	if again := intake.Normalise(got, night); !proto.Equal(again, got) {
		t.Error("normalising twice differs from once")
	}
}

func TestReceiptTime(t *testing.T) {
	for _, row := range []struct {
		name       string
		sent, want time.Duration // from now
		unset      bool
	}{
		{"not said: now", 0, 0, true},
		{"earlier: kept", -3 * time.Hour, -3 * time.Hour, false},
		{"a fast clock: now", 4 * time.Minute, 0, false},
		{"tomorrow: left to be refused", 24 * time.Hour, 24 * time.Hour, false},
	} {
		asked := &amparov1.Intake{ReceivedAt: timestamppb.New(night.Add(row.sent))}
		if row.unset {
			asked.ReceivedAt = nil
		}
		if got := intake.Normalise(asked, night).GetReceivedAt().AsTime().Sub(night); got != row.want {
			t.Errorf("%s: %v, want %v", row.name, got, row.want)
		}
	}
}

// TestCountries compares every pair of letters with the registry of language
// subtags, which knows withdrawn and reserved codes besides.
func TestCountries(t *testing.T) {
	const notNow = " AC AN BU CP CQ CS DD DG EA EZ FQ FX IC NT PC SU TA TP UK UN YD YU ZR "
	known := 0
	for a := 'A'; a <= 'Z'; a++ {
		for b := 'A'; b <= 'Z'; b++ {
			code := string(a) + string(b)
			accepted := len(intake.Check(&amparov1.Intake{Situation: "x", Identity: person(code)}, night)) == 0
			region, err := language.ParseRegion(code)
			isRegion := err == nil && region.IsCountry() && region.String() == code && region.Canonicalize().String() == code
			if want := isRegion && !strings.Contains(notNow, " "+code+" "); accepted != want {
				t.Errorf("%s: accepted %v, want %v", code, accepted, want)
			}
			if accepted {
				known++
			}
		}
	}
	if known != 250 {
		t.Errorf("%d countries, want the 249 of ISO 3166-1 and XK", known)
	}
}

// FuzzPartialDate compares the reading of dates with counting days by hand.
func FuzzPartialDate(f *testing.F) {
	for _, seed := range []string{"1984", "1984-03", "1984-03-09", "1984~", "1984-02-29", "1983-02-29", "1900", "2000-02-29", "1984-3", "1984-00", "~", "1984-03-32", "0000", "1984-03-09T", "2026-03-29", "2026-03-30"} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, text string) {
		asked := &amparov1.Intake{Situation: "x", Incidents: []*amparov1.Incident{{ActCode: "990000000000", Date: text}}}
		accepted := len(intake.Check(asked, night)) == 0
		if want := text == "" || isPastDate(text); accepted != want {
			t.Errorf("%q: accepted %v, want %v", text, accepted, want)
		}
	})
}

// isPastDate knows that night is 29 March 2026, 03:00 UTC, and that it is still the
// 29th everywhere.
func isPastDate(text string) bool {
	text = strings.TrimSuffix(text, "~")
	year, month, day := 0, 1, 1
	var err error
	switch len(text) {
	case 4:
		_, err = fmt.Sscanf(text, "%4d", &year)
	case 7:
		_, err = fmt.Sscanf(text, "%4d-%2d", &year, &month)
	case 10:
		_, err = fmt.Sscanf(text, "%4d-%2d-%2d", &year, &month, &day)
	default:
		return false
	}
	back := fmt.Sprintf("%04d-%02d-%02d", year, month, day)[:min(len(text), 10)]
	if err != nil || back != text || year < 1900 || month < 1 || month > 12 || day < 1 {
		return false
	}
	length := []int{31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31}[month-1]
	if month == 2 && year%4 == 0 && (year%100 != 0 || year%400 == 0) {
		length = 29
	}
	return day <= length && year*10000+month*100+day <= 20260329
}
