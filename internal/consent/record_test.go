package consent_test

import (
	"slices"
	"testing"
	"time"

	"google.golang.org/protobuf/types/known/timestamppb"

	amparov1 "github.com/amparo-project/amparo/api/amparo/v1"
	"github.com/amparo-project/amparo/internal/consent"
	"github.com/amparo-project/amparo/internal/fault"
	"github.com/amparo-project/amparo/internal/ledger"
	"github.com/amparo-project/amparo/internal/policy"
)

var night = time.Date(2026, 3, 14, 2, 10, 0, 0, time.UTC)

const (
	given   = amparov1.ConsentAnswer_CONSENT_ANSWER_GIVEN
	refused = amparov1.ConsentAnswer_CONSENT_ANSWER_REFUSED

	legal    = amparov1.Purpose_PURPOSE_LEGAL_ASSISTANCE
	stay     = amparov1.Purpose_PURPOSE_RELOCATION_STAY
	media    = amparov1.Purpose_PURPOSE_MEDIA
	name     = amparov1.DataCategory_DATA_CATEGORY_IDENTITY
	location = amparov1.DataCategory_DATA_CATEGORY_LOCATION
	health   = amparov1.DataCategory_DATA_CATEGORY_HEALTH
)

func lawyer() *amparov1.Recipient {
	return &amparov1.Recipient{Name: "Adila Testowa", Kind: amparov1.RecipientKind_RECIPIENT_KIND_LAWYER}
}

func partner() *amparov1.Recipient {
	return &amparov1.Recipient{Name: "Harbour Trust", Kind: amparov1.RecipientKind_RECIPIENT_KIND_PARTNER}
}

func born(date string) *amparov1.Identity {
	return &amparov1.Identity{Subject: &amparov1.Identity_Person{Person: &amparov1.Person{LegalName: "Imara Testowa", BirthDate: date}}}
}

func community() *amparov1.Identity {
	return &amparov1.Identity{Subject: &amparov1.Identity_Collective{Collective: &amparov1.Collective{Name: "Riverside"}}}
}

// yes is a whole consent of an adult, said as it is recorded.
func yes(change ...func(*amparov1.ConsentTerms)) *amparov1.ConsentTerms {
	terms := &amparov1.ConsentTerms{
		Answer: given, Purposes: []amparov1.Purpose{legal}, Recipients: []*amparov1.Recipient{lawyer()},
		Categories: []amparov1.DataCategory{name, location}, Method: amparov1.ConsentMethod_CONSENT_METHOD_ORAL_WITNESSED, Witness: "the relief",
		Told: &amparov1.Telling{
			Language: "fr", Statement: &amparov1.StatementReference{Id: "consent-release", Language: "fr"},
		},
		Quality: &amparov1.FreeFullInformed{Free: true, Full: true, Informed: true},
	}
	for _, c := range change {
		c(terms)
	}
	return terms
}

func record(identity *amparov1.Identity, terms *amparov1.ConsentTerms, entries ...*amparov1.LedgerEntry) (*amparov1.LedgerEntry, error) {
	return consent.Record(consent.Book{Entries: entries, Identity: identity, Policy: policy.Default()}, terms, ledger.Act{StaffID: "ana", Now: night})
}

func by(kind amparov1.GiverKind, why amparov1.WhyNotSelf, described string) func(*amparov1.ConsentTerms) {
	return func(terms *amparov1.ConsentTerms) {
		terms.Giver = &amparov1.ConsentGiver{Kind: kind, Name: "Awa Testowa", Relation: "daughter", WhyNotSelf: why}
		if described != "" {
			terms.Giver.Authority = &amparov1.Authority{Kind: amparov1.AuthorityKind_AUTHORITY_KIND_KINSHIP, Description: described}
		}
	}
}

func child(answer amparov1.ChildAnswer, change ...func(*amparov1.ChildConsent)) func(*amparov1.ConsentTerms) {
	return func(terms *amparov1.ConsentTerms) {
		terms.Method = amparov1.ConsentMethod_CONSENT_METHOD_WRITTEN
		terms.Child = &amparov1.ChildConsent{Answer: answer, BestInterests: "Safe with her aunt.", Views: "Asked alone; wants to go."}
		for _, c := range change {
			c(terms.GetChild())
		}
	}
}

func noCaregiver(why amparov1.WhyNoCaregiver) func(*amparov1.ChildConsent) {
	return func(c *amparov1.ChildConsent) { c.WhyNoCaregiver = why }
}

func mature(c *amparov1.ChildConsent) { c.Maturity = "Has spoken for the group for two years." }

func permits(c *amparov1.ChildConsent) { c.PermitsCaregiver = true }

// TestWhoMayConsent is a table that a caseworker could check: who says it about whom,
// and what stands in the way.
func TestWhoMayConsent(t *testing.T) {
	const (
		relative = amparov1.GiverKind_GIVER_KIND_FAMILY
		parent   = amparov1.GiverKind_GIVER_KIND_CAREGIVER
		teacher  = amparov1.GiverKind_GIVER_KIND_TRUSTED_ADULT
		worker   = amparov1.GiverKind_GIVER_KIND_CASE_WORKER
		board    = amparov1.GiverKind_GIVER_KIND_COLLECTIVE_BODY
		detained = amparov1.WhyNotSelf_WHY_NOT_SELF_DETAINED
		none     = amparov1.WhyNotSelf_WHY_NOT_SELF_UNSPECIFIED
		assents  = amparov1.ChildAnswer_CHILD_ANSWER_ASSENTS
		consents = amparov1.ChildAnswer_CHILD_ANSWER_CONSENTS
		told     = amparov1.ChildAnswer_CHILD_ANSWER_EXPLAINED
		against  = amparov1.ChildAnswer_CHILD_ANSWER_DISSENTS
		unsafe   = amparov1.WhyNoCaregiver_WHY_NO_CAREGIVER_UNSAFE

		unauthorised = amparov1.Reason_REASON_GIVER_NOT_AUTHORISED
		noReason     = amparov1.Reason_REASON_FALLBACK_REASON_MISSING
		noAssent     = amparov1.Reason_REASON_ASSENT_MISSING
		noCarer      = amparov1.Reason_REASON_CAREGIVER_CONSENT_MISSING
		noInterests  = amparov1.Reason_REASON_BEST_INTERESTS_MISSING
	)
	companion := func(terms *amparov1.ConsentTerms) {
		terms.Party = &amparov1.Party{Kind: amparov1.PartyKind_PARTY_KIND_COMPANION, Name: "Sani Testowy", BirthDate: "1980"}
	}
	mandate := func(decided time.Time) func(*amparov1.ConsentTerms) {
		return func(terms *amparov1.ConsentTerms) {
			terms.Giver.Authority = &amparov1.Authority{
				Kind: amparov1.AuthorityKind_AUTHORITY_KIND_MANDATE, Description: "Assembly of 12 March, by show of hands", DecidedAt: timestamppb.New(decided),
			}
		}
	}
	for _, row := range []struct {
		says  string
		whose *amparov1.Identity
		terms *amparov1.ConsentTerms
		wrong []amparov1.Reason
		minor bool
		form  bool // said aloud where the table asks for writing
	}{
		{says: "an adult for herself", whose: born("1984"), terms: yes()},
		{says: "the daughter of a detained woman", whose: born("1984"), terms: yes(by(relative, detained, "Knows the code word; named as next of kin"))},
		{says: "a daughter who does not say why", whose: born("1984"), terms: yes(by(relative, none, "Knows the code word")), wrong: []amparov1.Reason{noReason}},
		{says: "a caller of whom nothing shows that she may, and who does not say why", whose: born("1984"), terms: yes(by(relative, none, "")), wrong: []amparov1.Reason{noReason, unauthorised}},
		{says: "a teacher for an adult", whose: born("1984"), terms: yes(by(teacher, detained, "Taught her")), wrong: []amparov1.Reason{unauthorised}},
		{says: "the case worker for an adult", whose: born("1984"), terms: yes(by(worker, detained, "")), wrong: []amparov1.Reason{unauthorised}},

		{says: "a companion, asked alone", whose: born("1984"), terms: yes(companion, func(terms *amparov1.ConsentTerms) { terms.AskedAlone = true })},
		{says: "a companion, asked beside his wife", whose: born("1984"), terms: yes(companion), wrong: []amparov1.Reason{amparov1.Reason_REASON_NOT_ASKED_ALONE}},
		{says: "a woman for her husband who is free", whose: born("1984"), terms: yes(companion, by(relative, none, "Married")), wrong: []amparov1.Reason{noReason}},

		{says: "a community by its assembly", whose: community(), terms: yes(by(board, none, ""), mandate(night.AddDate(0, 0, -2)))},
		{says: "a community by one of its members", whose: community(), terms: yes(), wrong: []amparov1.Reason{unauthorised}},
		{says: "a community before it has decided", whose: community(), terms: yes(by(board, none, ""), mandate(night.AddDate(0, 0, 1))), wrong: []amparov1.Reason{unauthorised}},
		{says: "a community that does not say when it decided", whose: community(), wrong: []amparov1.Reason{unauthorised}, terms: yes(by(board, none, ""), mandate(night), func(terms *amparov1.ConsentTerms) {
			terms.Giver.Authority.DecidedAt = nil
		})},
		{says: "a board for a person", whose: born("1984"), terms: yes(by(board, none, ""), mandate(night)), wrong: []amparov1.Reason{unauthorised}},

		{says: "a child of four: her mother, and it is explained", whose: born("2021-05"), terms: yes(by(parent, none, "Her mother"), child(told)), minor: true},
		{says: "a child of four by herself", whose: born("2021-05"), terms: yes(child(consents, mature)), wrong: []amparov1.Reason{noCarer, noCarer}},
		{says: "a child of nine who assents, and her mother", whose: born("2016-05"), terms: yes(by(parent, none, "Her mother"), child(assents)), minor: true},
		{says: "a child of nine who was not asked", whose: born("2016-05"), terms: yes(by(parent, none, "Her mother"), child(told)), wrong: []amparov1.Reason{noAssent}},
		{says: "a child of nine who does not want it", whose: born("2016-05"), terms: yes(by(parent, none, "Her mother"), child(against)), wrong: []amparov1.Reason{noAssent, noAssent}},
		{says: "a child of nine without any note", whose: born("2016-05"), terms: yes(by(parent, none, "Her mother")), wrong: []amparov1.Reason{noInterests, noAssent}},
		{says: "a child of nine with the case worker, since nobody at home is safe", whose: born("2016-05"), terms: yes(by(worker, none, ""), child(assents, noCaregiver(unsafe))), minor: true},
		{says: "a child of nine with the one who hurt her", whose: born("2016-05"), terms: yes(by(parent, none, "Her uncle"), child(assents), func(terms *amparov1.ConsentTerms) { terms.Giver.Suspected = true }), wrong: []amparov1.Reason{unauthorised}},
		{says: "thirteen, mature, nobody safe", whose: born("2012-05"), terms: yes(child(assents, mature, noCaregiver(unsafe))), minor: true},
		{says: "thirteen, and her teacher whom she trusts", whose: born("2012-05"), terms: yes(by(teacher, none, "She says that she trusts her"), child(assents, noCaregiver(unsafe))), minor: true},
		{says: "thirteen, alone, with no word on her maturity", whose: born("2012-05"), terms: yes(child(assents, noCaregiver(unsafe))), wrong: []amparov1.Reason{noCarer}},
		{says: "sixteen consents, and permits that her mother is asked", whose: born("2009-05"), terms: yes(by(parent, none, "Her mother"), child(consents, permits)), minor: true},
		{says: "sixteen, whose mother was asked behind her back", whose: born("2009-05"), terms: yes(by(parent, none, "Her mother"), child(consents)), wrong: []amparov1.Reason{noAssent}},
		{says: "sixteen only assents", whose: born("2009-05"), terms: yes(by(parent, none, "Her mother"), child(assents, permits)), wrong: []amparov1.Reason{noAssent}},
		{says: "sixteen by herself, mature", whose: born("2009-05"), terms: yes(child(consents, mature)), minor: true},
		{says: "sixteen aloud, where the table asks for writing", whose: born("2009-05"), minor: true, form: true, terms: yes(child(consents, mature), func(terms *amparov1.ConsentTerms) {
			terms.Method = amparov1.ConsentMethod_CONSENT_METHOD_ORAL_WITNESSED
		})},
		{says: "sixteen and detained: her mother, and nobody can ask her", whose: born("2009-05"), terms: yes(by(parent, detained, "Her mother"), child(0)), minor: true},
		{says: "eighteen tomorrow", whose: born("2008-03-15"), terms: yes(), wrong: []amparov1.Reason{noInterests, noCarer}},
		{says: "eighteen today", whose: born("2008-03-14"), terms: yes()},
		{says: "born in 2008, nobody knows when: perhaps seventeen", whose: born("2008"), terms: yes(), wrong: []amparov1.Reason{noInterests, noCarer}},
		{says: "born in 2007: eighteen by now", whose: born("2007"), terms: yes()},
		{says: "born about 2007: perhaps not", whose: born("2007~"), terms: yes(), wrong: []amparov1.Reason{noInterests, noCarer}},
		{says: "nobody knows her age: a minor, and not refused", whose: born(""), terms: yes(), minor: true},
	} {
		entry, err := record(row.whose, row.terms)
		var got []amparov1.Reason
		if err != nil {
			for _, v := range fault.As(err).Violations {
				got = append(got, v.Reason)
			}
		}
		if !slices.Equal(got, row.wrong) {
			t.Errorf("%s: refused for %v, want %v", row.says, got, row.wrong)
			continue
		}
		if err == nil && (entry.GetConsent().GetMinor() != row.minor || entry.GetConsent().GetFormShort() != row.form) {
			t.Errorf("%s: minor %v and short of its form %v", row.says, entry.GetConsent().GetMinor(), entry.GetConsent().GetFormShort())
		}
	}
}

// TestWhatAConsentMustSay: everything that is missing is named at once.
func TestWhatAConsentMustSay(t *testing.T) {
	empty := &amparov1.ConsentTerms{Answer: given}
	_, err := record(born("1984"), empty)
	var got []amparov1.Reason
	for _, v := range fault.As(err).Violations {
		got = append(got, v.Reason)
	}
	want := []amparov1.Reason{
		amparov1.Reason_REASON_PURPOSE_MISSING, amparov1.Reason_REASON_RECIPIENT_MISSING, amparov1.Reason_REASON_DATA_CATEGORY_MISSING,
		amparov1.Reason_REASON_CONSENT_METHOD_MISSING, amparov1.Reason_REASON_CONSENT_NOT_FREE, amparov1.Reason_REASON_CONSENT_NOT_FULL,
		amparov1.Reason_REASON_CONSENT_NOT_INFORMED, amparov1.Reason_REASON_STATEMENT_UNKNOWN,
	}
	if !slices.Equal(got, want) {
		t.Errorf("refused for %v, want %v", got, want)
	}
	if fault.As(err).Kind() != fault.Refused {
		t.Error("it is not refused by a rule")
	}
	for _, row := range []struct {
		says   string
		reason amparov1.Reason
		change func(*amparov1.ConsentTerms)
	}{
		{"a validity that ends before it begins", amparov1.Reason_REASON_VALIDITY_IMPOSSIBLE, func(terms *amparov1.ConsentTerms) {
			terms.ValidFrom, terms.ExpiresAt = timestamppb.New(night.Add(48*time.Hour)), timestamppb.New(night.Add(24*time.Hour))
		}},
		{"a validity from before it was said", amparov1.Reason_REASON_VALIDITY_IMPOSSIBLE, func(terms *amparov1.ConsentTerms) {
			terms.ValidFrom = timestamppb.New(night.Add(-time.Hour))
		}},
		{"said tomorrow", amparov1.Reason_REASON_VALIDITY_IMPOSSIBLE, func(terms *amparov1.ConsentTerms) {
			terms.ObtainedAt = timestamppb.New(night.Add(24 * time.Hour))
		}},
		{"for ever", amparov1.Reason_REASON_VALIDITY_IMPOSSIBLE, func(terms *amparov1.ConsentTerms) {
			terms.ExpiresAt = timestamppb.New(night.AddDate(100, 0, 0))
		}},
		{"withheld from a brother, without a reason", amparov1.Reason_REASON_WITHHOLDING_UNEXPLAINED, func(terms *amparov1.ConsentTerms) {
			terms.Withheld = []*amparov1.Withholding{{Category: location, From: partner()}}
		}},
		{"a recipient by a number that nobody has", amparov1.Reason_REASON_RECIPIENT_UNKNOWN, func(terms *amparov1.ConsentTerms) {
			terms.Recipients = []*amparov1.Recipient{{Number: 7}}
		}},
		{"a text that nobody wrote", amparov1.Reason_REASON_STATEMENT_UNKNOWN, func(terms *amparov1.ConsentTerms) {
			terms.GetTold().GetStatement().Id = "consent-anything"
		}},
		{"a stranger who interpreted, without a word about who", amparov1.Reason_REASON_CONSENT_NOT_INFORMED, func(terms *amparov1.ConsentTerms) {
			terms.GetTold().UnvettedInterpreter = true
		}},
	} {
		_, err := record(born("1984"), yes(row.change))
		if f := fault.As(err); err == nil || f.Reason != row.reason || len(f.Violations) != 1 {
			t.Errorf("%s: %v", row.says, err)
		}
	}
	if _, err := record(born("1984"), &amparov1.ConsentTerms{Answer: refused, Purposes: []amparov1.Purpose{media}}); err != nil {
		t.Errorf("a no is refused for its form: %v", err)
	}
}

// TestHowLongAConsentLasts: by purpose, where nobody named an end.
func TestHowLongAConsentLasts(t *testing.T) {
	ends := timestamppb.New(time.Date(2026, 9, 1, 0, 0, 0, 0, time.UTC))
	for _, row := range []struct {
		says   string
		until  string
		late   bool
		change func(*amparov1.ConsentTerms)
	}{
		{"one release: 90 days", "2026-06-12T02:10", false, func(*amparov1.ConsentTerms) {}},
		{"heard at 01:40 and typed at 02:10", "2026-06-12T01:40", true, func(terms *amparov1.ConsentTerms) { terms.ObtainedAt = timestamppb.New(night.Add(-30 * time.Minute)) }},
		{"heard ten minutes ago", "2026-06-12T02:00", false, func(terms *amparov1.ConsentTerms) { terms.ObtainedAt = timestamppb.New(night.Add(-10 * time.Minute)) }},
		{"a stay: its planned end and a year of follow-up", "2027-09-02T00:00", false, func(terms *amparov1.ConsentTerms) {
			terms.Purposes, terms.StayEndsAt = []amparov1.Purpose{stay}, ends
		}},
		{"a stay and a release in one: the shorter", "2026-06-12T02:10", false, func(terms *amparov1.ConsentTerms) {
			terms.Purposes, terms.StayEndsAt = []amparov1.Purpose{stay, legal}, ends
		}},
		{"an end that was named", "2026-03-20T00:00", false, func(terms *amparov1.ConsentTerms) {
			terms.ExpiresAt = timestamppb.New(time.Date(2026, 3, 20, 0, 0, 0, 0, time.UTC))
		}},
		{"for the day of an arrest, whenever that is", "2036-03-11T02:10", false, func(terms *amparov1.ConsentTerms) {
			terms.OnEvent = amparov1.PersonStatus_PERSON_STATUS_DETAINED
		}},
	} {
		entry, err := record(born("1984"), yes(row.change))
		if err != nil {
			t.Errorf("%s: %v", row.says, err)
			continue
		}
		kept := entry.GetConsent()
		if got := kept.GetTerms().GetExpiresAt().AsTime().Format("2006-01-02T15:04"); got != row.until || kept.GetLate() != row.late {
			t.Errorf("%s: until %s and late %v, want %s and %v", row.says, got, kept.GetLate(), row.until, row.late)
		}
		if statement := kept.GetTerms().GetTold().GetStatement(); len(statement.GetHash()) != 32 || statement.GetVersion() == 0 {
			t.Errorf("%s: which text was read is not kept", row.says)
		}
		if kept.GetTerms().GetLegalBasis() != policy.Default().GetConsent().GetLegalBasis().GetBasis() {
			t.Errorf("%s: the legal basis is not that of the policy", row.says)
		}
	}
}

// TestTheHashOfATextIsOurs: what the log takes over is never what somebody sent, with a
// yes or with a no.
func TestTheHashOfATextIsOurs(t *testing.T) {
	for id, length := range map[string]int{"consent-release": 32, "consent-anything": 0} {
		for _, answer := range []amparov1.ConsentAnswer{given, refused} {
			terms := yes()
			terms.Answer, terms.Told.Statement = answer, &amparov1.StatementReference{Id: id, Language: "fr", Hash: []byte("Adila Testowa was told everything")}
			entry, err := record(born("1984"), terms)
			if answer == given && length == 0 {
				if err == nil {
					t.Errorf("a yes to %s, which is no text, is taken", id)
				}
				continue
			}
			if hash := ledger.Fact(entry, "case").GetConsent().GetStatementHash(); err != nil || len(hash) != length || string(hash) == string(terms.GetTold().GetStatement().GetHash()) {
				t.Errorf("a no to %s leaves a hash of %d bytes, want %d: %v", id, len(hash), length, err)
			}
		}
	}
}
