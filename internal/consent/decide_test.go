package consent_test

import (
	"slices"
	"testing"
	"time"

	"google.golang.org/protobuf/types/known/timestamppb"
	"pgregory.net/rapid"

	amparov1 "github.com/amparo-project/amparo/api/amparo/v1"
	"github.com/amparo-project/amparo/internal/consent"
	"github.com/amparo-project/amparo/internal/ledger"
	"github.com/amparo-project/amparo/internal/policy"
)

// book is a ledger that grows by what is said, hour by hour.
type book struct {
	t interface {
		Helper()
		Fatal(args ...any)
	}
	identity *amparov1.Identity
	entries  []*amparov1.LedgerEntry
	hour     int
}

func (b *book) at(hour int) time.Time { return night.Add(time.Duration(hour) * time.Hour) }

func (b *book) add(entry *amparov1.LedgerEntry, err error) {
	b.t.Helper()
	if err != nil {
		b.t.Fatal(err)
	}
	b.entries = ledger.Add(b.entries, ledger.Act{StaffID: "ana", Now: b.at(b.hour)}, entry)
	b.hour++
}

func (b *book) say(terms *amparov1.ConsentTerms) {
	b.t.Helper()
	b.add(consent.Record(consent.Book{Entries: b.entries, Identity: b.identity, Policy: policy.Default()}, terms, ledger.Act{Now: b.at(b.hour)}))
}

func (b *book) withdraw(draft *amparov1.WithdrawalDraft) {
	b.t.Helper()
	b.add(consent.Withdraw(b.entries, draft, ledger.Act{Now: b.at(b.hour)}))
}

func (b *book) befall(status amparov1.PersonStatus) {
	b.add(&amparov1.LedgerEntry{Entry: &amparov1.LedgerEntry_Event{Event: &amparov1.LedgerEvent{
		Kind: amparov1.LedgerEventKind_LEDGER_EVENT_KIND_STATUS, Status: status, Operative: consent.Operative(b.entries, status),
	}}}, nil)
}

func no(change ...func(*amparov1.ConsentTerms)) *amparov1.ConsentTerms {
	terms := &amparov1.ConsentTerms{Answer: refused, Purposes: []amparov1.Purpose{legal}, Recipients: []*amparov1.Recipient{lawyer()}}
	for _, c := range change {
		c(terms)
	}
	return terms
}

func saidAt(hour int) func(*amparov1.ConsentTerms) {
	return func(terms *amparov1.ConsentTerms) {
		terms.ObtainedAt = timestamppb.New(night.Add(time.Duration(hour) * time.Hour))
	}
}

func to(recipients ...*amparov1.Recipient) func(*amparov1.ConsentTerms) {
	return func(terms *amparov1.ConsentTerms) { terms.Recipients = recipients }
}

// withholds withholds data from the lawyer.
func withholds(category amparov1.DataCategory) func(*amparov1.ConsentTerms) {
	return func(terms *amparov1.ConsentTerms) {
		terms.Withheld = []*amparov1.Withholding{{Category: category, From: lawyer(), Reason: amparov1.WithholdingReason_WITHHOLDING_REASON_FEAR_OF_HARM}}
	}
}

// TestWhatMayLeave: what was said, in order and an hour apart, and whether the lawyer may
// be told the person's name and whereabouts afterwards.
func TestWhatMayLeave(t *testing.T) {
	const (
		withdrawn  = amparov1.Reason_REASON_CONSENT_WITHDRAWN
		refusedIt  = amparov1.Reason_REASON_CONSENT_REFUSED
		withheldIt = amparov1.Reason_REASON_DATA_CATEGORY_WITHHELD
		detained   = amparov1.PersonStatus_PERSON_STATUS_DETAINED
	)
	type reasons = []amparov1.Reason
	for _, row := range []struct {
		says    string
		happens func(b *book)
		rests   []uint32
		blocks  reasons
		entries []uint32 // that the first reason rests on
	}{
		{"nobody was asked", func(*book) {}, nil, reasons{amparov1.Reason_REASON_NO_CONSENT}, nil},
		{"yes", func(b *book) { b.say(yes()) }, []uint32{1}, nil, nil},
		{"no", func(b *book) { b.say(no()) }, nil, reasons{refusedIt}, []uint32{1}},
		{"yes, then no", func(b *book) { b.say(yes()); b.say(no()) }, nil, reasons{refusedIt}, []uint32{2}},
		{"no, then yes", func(b *book) { b.say(no()); b.say(yes()) }, []uint32{2}, nil, nil},
		{"yes to the partner alone", func(b *book) { b.say(yes(to(partner()))) }, nil, reasons{amparov1.Reason_REASON_RECIPIENT_NOT_COVERED}, []uint32{1}},
		{"yes for the press", func(b *book) {
			b.say(yes(func(terms *amparov1.ConsentTerms) { terms.Purposes = []amparov1.Purpose{media} }))
		}, nil, reasons{amparov1.Reason_REASON_PURPOSE_NOT_COVERED}, []uint32{1}},
		{"yes to her name alone", func(b *book) {
			b.say(yes(func(terms *amparov1.ConsentTerms) { terms.Categories = []amparov1.DataCategory{name} }))
		}, []uint32{1}, reasons{amparov1.Reason_REASON_DATA_CATEGORY_NOT_COVERED}, []uint32{1}},
		{"all to the partner, her name alone to the lawyer: the partner is not the question", func(b *book) {
			b.say(yes(to(partner())))
			b.say(yes(func(terms *amparov1.ConsentTerms) { terms.Categories = []amparov1.DataCategory{name} }))
		}, []uint32{2}, reasons{amparov1.Reason_REASON_DATA_CATEGORY_NOT_COVERED}, []uint32{2}},
		{"her name in one yes, her whereabouts in another", func(b *book) {
			b.say(yes(func(terms *amparov1.ConsentTerms) { terms.Categories = []amparov1.DataCategory{name} }))
			b.say(yes(func(terms *amparov1.ConsentTerms) { terms.Categories = []amparov1.DataCategory{location} }))
		}, []uint32{1, 2}, nil, nil},
		{"yes, but not where she is", func(b *book) { b.say(yes(withholds(location))) }, []uint32{1}, reasons{withheldIt}, []uint32{1}},
		{"yes, and later: but not where she is", func(b *book) { b.say(yes()); b.say(yes(withholds(location))) }, []uint32{1}, reasons{withheldIt}, []uint32{2}},
		{"not where she is, and later: that too", func(b *book) { b.say(yes(withholds(location))); b.say(yes()) }, []uint32{1, 2}, nil, nil},
		{"withdrawn", func(b *book) { b.say(yes()); b.withdraw(&amparov1.WithdrawalDraft{Consent: 1}) }, nil, reasons{withdrawn}, []uint32{2}},
		{"withdrawn, and given anew", func(b *book) { b.say(yes()); b.withdraw(&amparov1.WithdrawalDraft{Consent: 1}); b.say(yes()) }, []uint32{3}, nil, nil},
		{"one of two that say the same withdrawn", func(b *book) { b.say(yes()); b.say(yes()); b.withdraw(&amparov1.WithdrawalDraft{Consent: 1}) }, nil, reasons{withdrawn}, []uint32{3}},
		{"everything withdrawn", func(b *book) { b.say(yes()); b.withdraw(&amparov1.WithdrawalDraft{Everything: true}) }, nil, reasons{withdrawn}, []uint32{2}},
		{"her whereabouts alone withdrawn", func(b *book) {
			b.say(yes())
			b.withdraw(&amparov1.WithdrawalDraft{Consent: 1, Categories: []amparov1.DataCategory{location}})
		}, []uint32{1}, reasons{withdrawn}, []uint32{2}},
		{"withdrawn for the partner alone", func(b *book) {
			b.say(yes(to(lawyer(), partner())))
			b.withdraw(&amparov1.WithdrawalDraft{Consent: 1, Recipients: []*amparov1.Recipient{{Name: "harbour trust"}}})
		}, []uint32{1}, nil, nil},
		{"a yes said before the withdrawal and typed after it", func(b *book) {
			b.hour = 1
			b.withdraw(&amparov1.WithdrawalDraft{Everything: true})
			b.say(yes(saidAt(0)))
		}, nil, reasons{withdrawn}, []uint32{1}},
		{"a no said before the yes and typed after it: ask again", func(b *book) { b.say(yes()); b.say(no(saidAt(-2))) }, nil, reasons{refusedIt}, []uint32{2}},
		{"yes, if I am arrested", func(b *book) { b.say(yes(func(terms *amparov1.ConsentTerms) { terms.OnEvent = detained })) }, nil, reasons{amparov1.Reason_REASON_CONSENT_AWAITS_EVENT}, []uint32{1}},
		{"yes, if I am arrested; and she was", func(b *book) {
			b.say(yes(func(terms *amparov1.ConsentTerms) { terms.OnEvent = detained }))
			b.befall(detained)
		}, []uint32{1}, nil, nil},
		{"yes, if I am arrested; she disappeared", func(b *book) {
			b.say(yes(func(terms *amparov1.ConsentTerms) { terms.OnEvent = detained }))
			b.befall(amparov1.PersonStatus_PERSON_STATUS_DISAPPEARED)
		}, nil, reasons{amparov1.Reason_REASON_CONSENT_AWAITS_EVENT}, []uint32{1}},
		{"yes, if I am arrested; withdrawn; and she was", func(b *book) {
			b.say(yes(func(terms *amparov1.ConsentTerms) { terms.OnEvent = detained }))
			b.withdraw(&amparov1.WithdrawalDraft{Consent: 1})
			b.befall(detained)
		}, nil, reasons{withdrawn}, []uint32{2}},
		{"yes, until an hour ago", func(b *book) {
			b.say(yes(func(terms *amparov1.ConsentTerms) { terms.ExpiresAt = timestamppb.New(night.Add(99 * time.Hour)) }))
		}, nil, reasons{amparov1.Reason_REASON_CONSENT_EXPIRED}, []uint32{1}},
		{"yes, from next week on", func(b *book) {
			b.say(yes(func(terms *amparov1.ConsentTerms) { terms.ValidFrom = timestamppb.New(night.Add(200 * time.Hour)) }))
		}, nil, reasons{amparov1.Reason_REASON_CONSENT_NOT_YET_VALID}, []uint32{1}},
	} {
		b := &book{t: t, identity: born("1984")}
		row.happens(b)
		number := ledger.PeopleOf(b.entries).FindRecipient(lawyer())
		rests, obstacles := consent.Decide(b.entries, consent.Asked{
			Purpose: legal, Recipient: number, Categories: []amparov1.DataCategory{name, location}, At: b.at(100),
		})
		var got reasons
		for _, o := range obstacles {
			got = append(got, o.GetReason())
		}
		if !slices.Equal(got, row.blocks) || !slices.Equal(rests, row.rests) {
			t.Errorf("%s: rests on %v, stopped by %v; want %v and %v", row.says, rests, got, row.rests, row.blocks)
		} else if len(obstacles) > 0 && !slices.Equal(obstacles[0].GetEntries(), row.entries) {
			t.Errorf("%s: %v rests on entries %v, want %v", row.says, got[0], obstacles[0].GetEntries(), row.entries)
		}
	}
}

// TestEverybodyConcernedSaysYes: a companion and the members of a community speak for
// themselves, and one who takes it back takes back nobody else's.
func TestEverybodyConcernedSaysYes(t *testing.T) {
	member := func(name string) *amparov1.Party {
		return &amparov1.Party{Kind: amparov1.PartyKind_PARTY_KIND_MEMBER, Name: name, BirthDate: "1980"}
	}
	b := &book{t: t, identity: community()}
	of := func(one *amparov1.Party) func(*amparov1.ConsentTerms) {
		return func(terms *amparov1.ConsentTerms) { terms.Party, terms.AskedAlone = one, true }
	}
	b.say(yes(by(amparov1.GiverKind_GIVER_KIND_COLLECTIVE_BODY, 0, ""), func(terms *amparov1.ConsentTerms) {
		terms.Giver.Authority = &amparov1.Authority{
			Kind: amparov1.AuthorityKind_AUTHORITY_KIND_MANDATE, Description: "The assembly", DecidedAt: timestamppb.New(night.AddDate(0, 0, -1)),
		}
	}))
	b.say(yes(of(member("Sani Testowy"))))
	b.say(yes(of(member("Lio Testowy"))))
	allowed := func(about ...uint32) bool {
		_, obstacles := consent.Decide(b.entries, consent.Asked{Purpose: legal, Recipient: 1, Categories: []amparov1.DataCategory{name}, About: about, At: b.at(50)})
		return len(obstacles) == 0
	}
	if !allowed() || !allowed(1) || !allowed(1, 2) || allowed(1, 3) {
		t.Error("the assembly and two members who are named allow it, a third one has not been asked")
	}
	b.withdraw(&amparov1.WithdrawalDraft{Everything: true, Party: &amparov1.Party{Kind: amparov1.PartyKind_PARTY_KIND_MEMBER, Name: "SANI TESTOWY"}})
	if !allowed() || allowed(1) || !allowed(2) || allowed(1, 2) {
		t.Error("one member's withdrawal removes that member, and nobody else")
	}
	b.withdraw(&amparov1.WithdrawalDraft{Everything: true})
	if allowed() || allowed(2) {
		t.Error("what the assembly takes back still leaves")
	}
}

// TestGivingIsDocumentedFirst: a consent that was heard counts for what leaves in a
// hurry, and otherwise only from when it was written down.
func TestGivingIsDocumentedFirst(t *testing.T) {
	b := &book{t: t, identity: born("1984"), hour: 2}
	b.say(yes(saidAt(0)))
	for _, row := range []struct {
		hour   int
		urgent bool
		leaves bool
	}{{-1, true, false}, {1, true, true}, {1, false, false}, {2, false, true}} {
		_, obstacles := consent.Decide(b.entries, consent.Asked{Purpose: legal, Recipient: 1, Categories: []amparov1.DataCategory{name}, At: b.at(row.hour), Urgent: row.urgent})
		if (len(obstacles) == 0) != row.leaves {
			t.Errorf("at hour %d, urgent %v: stopped by %d things", row.hour, row.urgent, len(obstacles))
		}
	}
}

// TestANoIsCarriedIntoAMerge: of two cases about one person no refusal is lost, and
// somebody whom only the other case knew is known from then on.
func TestANoIsCarriedIntoAMerge(t *testing.T) {
	herald := &amparov1.Recipient{Name: "The Herald", Kind: amparov1.RecipientKind_RECIPIENT_KIND_MEDIA}
	member := &amparov1.Party{Kind: amparov1.PartyKind_PARTY_KIND_MEMBER, Name: "Sani Testowy", AgeGroup: amparov1.AgeGroup_AGE_GROUP_ADULT}
	from, into := &book{t: t, identity: born("1984")}, &book{t: t, identity: born("1984")}
	from.say(yes(to(partner(), lawyer())))
	from.withdraw(&amparov1.WithdrawalDraft{Consent: 1, Recipients: []*amparov1.Recipient{lawyer()}})
	from.say(no(to(herald)))
	from.say(no(to(herald), func(terms *amparov1.ConsentTerms) { terms.Party = member }))
	into.say(yes())
	carry := func(before int) {
		for _, entry := range consent.Carry(from.entries, before, into.entries) {
			into.add(entry, nil)
		}
	}
	stopped := func(r *amparov1.Recipient, about ...uint32) (reasons []amparov1.Reason) {
		_, obstacles := consent.Decide(into.entries, consent.Asked{
			Purpose: legal, Recipient: ledger.PeopleOf(into.entries).FindRecipient(r), Categories: []amparov1.DataCategory{name}, About: about, At: into.at(50),
		})
		for _, o := range obstacles {
			reasons = append(reasons, o.GetReason())
		}
		return reasons
	}
	carry(0)
	if reasons := stopped(lawyer()); len(into.entries) != 4 || !slices.Equal(reasons, []amparov1.Reason{amparov1.Reason_REASON_CONSENT_WITHDRAWN}) {
		t.Errorf("%d entries, and %v stands in the way", len(into.entries), reasons)
	}
	// A yes that was said before the nos, and is typed in after the merge.
	into.say(yes(saidAt(0), to(herald)))
	into.say(yes(saidAt(0), to(herald), func(terms *amparov1.ConsentTerms) { terms.Party, terms.AskedAlone = member, true }))
	if reasons := stopped(herald); !slices.Contains(reasons, amparov1.Reason_REASON_CONSENT_WITHDRAWN) {
		t.Errorf("what was said before the no counts after the merge: %v", reasons)
	}
	if reasons := stopped(lawyer(), 1); !slices.Contains(reasons, amparov1.Reason_REASON_RECIPIENT_NOT_COVERED) {
		t.Errorf("the member has become somebody else: %v", reasons)
	}
	// What was carried is not carried again.
	known := len(from.entries)
	from.withdraw(&amparov1.WithdrawalDraft{Everything: true})
	if carry(known); len(into.entries) != 7 {
		t.Errorf("%d entries after one more no, want 7", len(into.entries))
	}
	if numbers := ledger.PeopleOf(into.entries); len(numbers.Recipients()) != 2 || len(numbers.Parties()) != 1 {
		t.Errorf("%d recipients and %d others, want 2 and 1", len(numbers.Recipients()), len(numbers.Parties()))
	}
}

// TestDecideAgainstEveryTriple holds Decide to the definition itself, on random
// ledgers: for each kind of data some yes must reach it that no no is later than, by
// the ledger or by the clock.
func TestDecideAgainstEveryTriple(t *testing.T) {
	purposes, categories := []amparov1.Purpose{legal, media}, []amparov1.DataCategory{name, location, health}
	people := []*amparov1.Recipient{lawyer(), partner()}
	rapid.Check(t, func(t *rapid.T) {
		b := &book{t: t, identity: born("1984")}
		for range rapid.IntRange(1, 12).Draw(t, "said") {
			terms := yes(saidAt(rapid.IntRange(-3, b.hour).Draw(t, "hour")), to(rapid.SliceOfNDistinct(rapid.SampledFrom(people), 1, 2, func(r *amparov1.Recipient) string { return r.GetName() }).Draw(t, "to")...))
			terms.Purposes = rapid.SliceOfNDistinct(rapid.SampledFrom(purposes), 1, 2, rapid.ID[amparov1.Purpose]).Draw(t, "for")
			terms.Categories = rapid.SliceOfNDistinct(rapid.SampledFrom(categories), 1, 3, rapid.ID[amparov1.DataCategory]).Draw(t, "data")
			switch rapid.IntRange(0, 4).Draw(t, "what") {
			case 0:
				terms.Answer = refused
			case 1:
				withholds(rapid.SampledFrom(categories).Draw(t, "withheld"))(terms)
			case 2:
				b.withdraw(&amparov1.WithdrawalDraft{
					Everything: true, Purposes: terms.GetPurposes(), SaidAt: terms.GetObtainedAt(),
					Categories: rapid.SliceOfNDistinct(rapid.SampledFrom(categories), 0, 2, rapid.ID[amparov1.DataCategory]).Draw(t, "taken back"),
				})
				continue
			}
			b.say(terms)
		}
		asked := consent.Asked{Purpose: legal, Recipient: 1, Categories: rapid.SliceOfNDistinct(rapid.SampledFrom(categories), 1, 3, rapid.ID[amparov1.DataCategory]).Draw(t, "asked"), At: b.at(b.hour)}
		rests, obstacles := consent.Decide(b.entries, asked)
		want := true
		for _, category := range asked.Categories {
			want = want && covered(b.entries, asked, category)
		}
		if got := len(obstacles) == 0; got != want {
			t.Fatalf("decided %v on %v, and by the definition %v", got, rests, want)
		}
	})
}

// covered is the definition, read word for word.
func covered(entries []*amparov1.LedgerEntry, asked consent.Asked, category amparov1.DataCategory) bool {
	recipients := func(terms *amparov1.ConsentTerms) (all []uint32) {
		for _, r := range terms.GetRecipients() {
			all = append(all, r.GetNumber())
		}
		return all
	}
	for _, e := range entries {
		terms := e.GetConsent().GetTerms()
		if terms.GetAnswer() != given || !slices.Contains(terms.GetPurposes(), asked.Purpose) || !slices.Contains(recipients(terms), asked.Recipient) || !slices.Contains(terms.GetCategories(), category) {
			continue
		}
		stopped := false
		for _, s := range entries {
			said, reaches := time.Time{}, false
			switch other := s.GetConsent().GetTerms(); {
			case s.GetWithdrawal() != nil:
				w := s.GetWithdrawal()
				said, reaches = w.GetDraft().GetSaidAt().AsTime(), slices.Contains(w.GetPurposes(), asked.Purpose) && (len(w.GetCategories()) == 0 || slices.Contains(w.GetCategories(), category))
			case other.GetAnswer() == refused:
				said, reaches = other.GetObtainedAt().AsTime(), slices.Contains(other.GetPurposes(), asked.Purpose) && slices.Contains(recipients(other), asked.Recipient) && slices.Contains(other.GetCategories(), category)
			case other != nil:
				said = other.GetObtainedAt().AsTime()
				for _, w := range other.GetWithheld() {
					reaches = reaches || slices.Contains(other.GetPurposes(), asked.Purpose) && w.GetFrom().GetNumber() == asked.Recipient && w.GetCategory() == category
				}
			}
			stopped = stopped || reaches && (s.GetNumber() >= e.GetNumber() || !said.Before(terms.GetObtainedAt().AsTime()))
		}
		if !stopped {
			return true
		}
	}
	return false
}
