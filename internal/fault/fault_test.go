package fault_test

import (
	"errors"
	"fmt"
	"strings"
	"testing"

	amparov1 "github.com/amparo-project/amparo/api/amparo/v1"
	"github.com/amparo-project/amparo/internal/fault"
)

func TestEveryReasonHasItsText(t *testing.T) {
	for number, name := range amparov1.Reason_name {
		if number == 0 {
			continue
		}
		f := fault.New(amparov1.Reason(number))
		if f.Text() == "" {
			t.Errorf("%s has no text", name)
		}
		if f.Next() == "" {
			t.Errorf("%s has no next step", name)
		}
		if f.Kind() == fault.Internal && f.Reason != amparov1.Reason_REASON_INTERNAL {
			t.Errorf("%s has no kind", name)
		}
	}
}

func TestStrangersBecomeInternalAndSayNothing(t *testing.T) {
	secret := "Amal Testowa's number"
	f := fault.As(fmt.Errorf("cannot call %s", secret))
	if f.Kind() != fault.Internal {
		t.Errorf("kind = %v, want Internal", f.Kind())
	}
	if strings.Contains(f.Text()+f.Next()+f.Error(), "Amal") {
		t.Error("a stranger's text is shown")
	}
}

func TestAFaultIsFoundThroughWrapping(t *testing.T) {
	cause := errors.New("lost")
	err := fmt.Errorf("load case: %w", fault.Wrap(amparov1.Reason_REASON_UNAVAILABLE, cause))
	if !fault.Is(err, fault.Unavailable) || !errors.Is(err, cause) {
		t.Errorf("kind or cause is lost: %v", err)
	}
	if fault.Is(err, fault.Refused) || fault.Is(nil, fault.Internal) {
		t.Error("a kind is reported that is not there")
	}
}

func TestFieldsNamesEveryField(t *testing.T) {
	if err := fault.Fields(nil); err != nil {
		t.Errorf("no violation gives %v", err)
	}
	err := fault.Fields([]fault.Violation{
		{Field: "intake.channel", Rule: "is required", Reason: amparov1.Reason_REASON_FIELD_INVALID},
		{Field: "intake.identity.person.birth_date", Rule: "is no date", Reason: amparov1.Reason_REASON_DATE_IMPOSSIBLE},
	})
	for _, field := range []string{"intake.channel", "intake.identity.person.birth_date"} {
		if !strings.Contains(err.Error(), field) {
			t.Errorf("%q does not name %s", err, field)
		}
	}
}
