package proof

import (
	"fmt"
	"time"

	"google.golang.org/protobuf/reflect/protoreflect"
	"google.golang.org/protobuf/types/known/timestamppb"

	amparov1 "github.com/amparo-project/amparo/api/amparo/v1"
)

// slack is how far ahead of the log a clock may have been by which somebody said when
// something was.
const slack = 5 * time.Minute

// checkSense finds in an entry what no entry can say.
func checkSense(e *Entry, find func(code, text string)) {
	if e.Fact.GetFact() == nil {
		find("SAYS_NOTHING", "the entry says nothing")
	}
	if what := unknownValue(e.Fact.ProtoReflect()); what != "" {
		find("VALUE_UNKNOWN", what+" is of a later version")
	}
	if what := repeatedValue(e.Fact.ProtoReflect()); what != "" {
		find("VALUE_REPEATED", what+" stands there twice")
	}
	if isOrphan(e) {
		find("AUTHOR_MISSING", "nobody wrote it, and it must be somebody's")
	}
	for _, what := range blanks(e.Fact) {
		find("SAYS_NOTHING", "it does not say "+what)
	}
	switch f := e.Fact.GetFact().(type) {
	case *amparov1.LedgerFact_Consent:
		c := f.Consent
		happened(e, "it was said", c.GetObtainedAt(), true, find)
		if c.GetAnswer() == amparov1.ConsentAnswer_CONSENT_ANSWER_UNSPECIFIED {
			find("SAYS_NOTHING", "it is neither a yes nor a no")
		}
		if before(c.GetExpiresAt(), c.GetValidFrom()) {
			find("ENDS_BEFORE_START", "it ends before it begins")
		}
	case *amparov1.LedgerFact_Withdrawal:
		happened(e, "it was said", f.Withdrawal.GetSaidAt(), true, find)
	case *amparov1.LedgerFact_Disclosure:
		happened(e, "it left", f.Disclosure.GetHappenedAt(), true, find)
	case *amparov1.LedgerFact_Breach:
		happened(e, "it happened", f.Breach.GetHappenedAt(), false, find)
		happened(e, "it was known", f.Breach.GetAwareAt(), true, find)
	case *amparov1.LedgerFact_ReturnRequest:
		if _, ok := instant(f.ReturnRequest.GetAnswerDueAt()); !ok {
			find("TIME_MISSING", "it does not say until when they are to answer")
		}
	default:
		// The others have no time of their own that lies in the past.
	}
}

// blanks are what an entry does not say although the service never writes one without.
func blanks(fact *amparov1.LedgerFact) (missing []string) {
	need := func(said bool, what string) {
		if !said {
			missing = append(missing, what)
		}
	}
	switch f := fact.GetFact().(type) {
	case *amparov1.LedgerFact_Consent:
		// A no needs no form.
		no := f.Consent.GetAnswer() != amparov1.ConsentAnswer_CONSENT_ANSWER_GIVEN
		need(no || f.Consent.GetGiver() != 0, "who said it")
		need(no || f.Consent.GetMethod() != 0, "how it was said")
	case *amparov1.LedgerFact_Check:
		need(f.Check.GetResult() != 0, "what was decided")
		need(f.Check.GetPurpose() != 0, "for what")
		need(f.Check.GetRecipient() != 0, "to whom")
		need(len(f.Check.GetCategories()) > 0, "of which data")
	case *amparov1.LedgerFact_Basis:
		need(f.Basis.GetBasis() != 0, "on which basis")
	case *amparov1.LedgerFact_Disclosure:
		need(f.Disclosure.GetTrack() != 0, "on what it left")
	case *amparov1.LedgerFact_Event:
		need(f.Event.GetKind() != 0, "what befell the case")
	case *amparov1.LedgerFact_ReturnAnswer:
		need(f.ReturnAnswer.GetOutcome() != 0, "what they answered")
	default:
		// The others are judged as a whole.
	}
	return missing
}

// happened finds a time that is missing, or was not yet.
func happened(e *Entry, what string, at *timestamppb.Timestamp, needed bool, find func(code, text string)) {
	t, ok := instant(at)
	switch {
	case !ok && (needed || at != nil):
		find("TIME_MISSING", "it does not say when "+what)
	case ok && t.After(e.At.Add(slack)):
		find("FROM_FUTURE", fmt.Sprintf("%s %s after it was written down", what, t.Sub(e.At).Round(time.Second)))
	}
}

// unknownValue names an enum's value that this version does not know: it may mean
// that something was allowed, or that it was not.
func unknownValue(m protoreflect.Message) (what string) {
	m.Range(func(field protoreflect.FieldDescriptor, value protoreflect.Value) bool {
		for i := range listLen(field, value) {
			one := value
			if field.IsList() {
				one = value.List().Get(i)
			}
			switch {
			case field.Message() != nil:
				what = unknownValue(one.Message())
			case field.Enum() != nil && field.Enum().Values().ByNumber(one.Enum()) == nil:
				what = fmt.Sprintf("%s %d", field.Name(), one.Enum())
			}
			if what != "" {
				return false
			}
		}
		return true
	})
	return what
}

// repeatedValue names a list that holds a value twice, which says nothing more and makes
// whoever reads it slow. What a consent withholds is no such list.
func repeatedValue(m protoreflect.Message) (what string) {
	m.Range(func(field protoreflect.FieldDescriptor, value protoreflect.Value) bool {
		switch {
		case field.IsList() && field.Message() == nil:
			seen := make(map[any]bool)
			for i := range value.List().Len() {
				one := value.List().Get(i).Interface()
				if seen[one] {
					what = fmt.Sprintf("%s %v", field.Name(), one)
				}
				seen[one] = true
			}
		case field.Message() != nil && !field.IsList():
			what = repeatedValue(value.Message())
		}
		return what == ""
	})
	return what
}

func listLen(field protoreflect.FieldDescriptor, value protoreflect.Value) int {
	if field.IsList() {
		return value.List().Len()
	}
	return 1
}

// resolve finds the numbers in an entry under which there is nothing before it, or
// something of another kind, and approvals that approve nothing by it.
func (l *ledger) resolve(e *Entry, find func(code, text string)) {
	want := func(number uint32, what string, is func(*amparov1.LedgerFact) bool) {
		if number != 0 && !is(l.find(number).fact()) {
			find("ENTRY_UNKNOWN", fmt.Sprintf("entry %d is no %s that was there", number, what))
		}
	}
	must := func(number uint32, what string, is func(*amparov1.LedgerFact) bool) {
		if number == 0 {
			find("ENTRY_UNKNOWN", "it names no "+what)
		}
		want(number, what, is)
	}
	isRequest := func(f *amparov1.LedgerFact) bool { return f.GetReturnRequest() != nil }
	isConsent := func(f *amparov1.LedgerFact) bool { return f.GetConsent() != nil }
	isDisclosure := func(f *amparov1.LedgerFact) bool { return f.GetDisclosure() != nil }
	switch f := e.Fact.GetFact().(type) {
	case *amparov1.LedgerFact_Settlement:
		must(f.Settlement.GetWithdrawal(), "withdrawal", func(f *amparov1.LedgerFact) bool { return f.GetWithdrawal() != nil })
	case *amparov1.LedgerFact_Basis:
		switch f.Basis.GetBasis() {
		case amparov1.ListedBasis_LISTED_BASIS_RETURN_OR_DELETE:
			must(f.Basis.GetOf(), "request to return or delete", isRequest)
		case amparov1.ListedBasis_LISTED_BASIS_BREACH_NOTICE:
			must(f.Basis.GetOf(), "breach", func(f *amparov1.LedgerFact) bool { return f.GetBreach() != nil })
		default:
			// The others come from outside.
		}
	case *amparov1.LedgerFact_Approval:
		must(f.Approval.GetOf(), "check, basis or disclosure", func(f *amparov1.LedgerFact) bool {
			return f.GetCheck() != nil || f.GetBasis() != nil || f.GetDisclosure() != nil
		})
		l.checkApproval(e, l.find(f.Approval.GetOf()), find)
	case *amparov1.LedgerFact_Disclosure:
		for _, number := range f.Disclosure.GetConsents() {
			must(number, "consent", isConsent)
		}
		want(f.Disclosure.GetCheck(), "do-no-harm check", func(f *amparov1.LedgerFact) bool { return f.GetCheck() != nil })
		want(f.Disclosure.GetBasis(), "basis", func(f *amparov1.LedgerFact) bool { return f.GetBasis() != nil })
		want(f.Disclosure.GetUnder(), "disclosure", isDisclosure)
	case *amparov1.LedgerFact_Event:
		for _, number := range f.Event.GetOperative() {
			must(number, "consent", isConsent)
		}
	case *amparov1.LedgerFact_ReturnRequest:
		must(f.ReturnRequest.GetDisclosure(), "disclosure", isDisclosure)
		if d := l.find(f.ReturnRequest.GetDisclosure()).fact().GetDisclosure(); d != nil && d.GetRecipient() != f.ReturnRequest.GetRecipient() {
			find("REQUEST_TO_ANOTHER", fmt.Sprintf("entry %d did not go to recipient %d", f.ReturnRequest.GetDisclosure(), f.ReturnRequest.GetRecipient()))
		}
	case *amparov1.LedgerFact_ReturnAnswer:
		must(f.ReturnAnswer.GetRequest(), "request to return or delete", isRequest)
	case *amparov1.LedgerFact_Informed:
		must(f.Informed.GetOf(), "entry", func(f *amparov1.LedgerFact) bool { return f != nil })
	default:
		// The others name no entry.
	}
}

// checkApproval finds approvals that are no second person's word.
func (l *ledger) checkApproval(e, of *Entry, find func(code, text string)) {
	switch {
	case of == nil, e.StaffID == "":
	case e.StaffID == of.StaffID:
		find("APPROVAL_OF_OWN", fmt.Sprintf("the author of entry %d approves it", of.Number()))
	case l.approved[approval{of.Number(), e.StaffID}]:
		find("APPROVAL_REPEATED", fmt.Sprintf("somebody approves entry %d twice", of.Number()))
	}
}
