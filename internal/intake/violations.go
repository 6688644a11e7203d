package intake

import (
	"regexp"
	"strings"
	"time"

	"golang.org/x/text/currency"
	"golang.org/x/text/language"

	amparov1 "github.com/amparo-project/amparo/api/amparo/v1"
	"github.com/amparo-project/amparo/internal/fault"
)

const (
	// tolerance is how far the clock of a client may be ahead.
	tolerance = 5 * time.Minute
	// earliestYear is before the birth of anybody who can be at risk now, and
	// before anything that can still be done something about.
	earliestYear = 1900
	// earliestReceipt is before any mechanism that could have received a request.
	earliestReceipt = 2000
	maxMailLength   = 254 // RFC 5321, 4.5.3.1.3, without the brackets
)

// e164 is ITU-T E.164: a plus sign, a country code, at most 15 digits.
var e164 = regexp.MustCompile(`^\+[1-9][0-9]{1,14}$`)

// violations gathers what breaks a rule. A rule is said in words that never repeat
// the value.
type violations []fault.Violation

func (vs *violations) add(reason amparov1.Reason, field, rule string) {
	*vs = append(*vs, fault.Violation{Field: field, Rule: rule, Reason: reason})
}

func (vs *violations) country(field, code string) {
	if code != "" && !isCountry(code) {
		vs.add(amparov1.Reason_REASON_CODE_UNKNOWN, field, "is a country of ISO 3166-1 (two letters), or XK")
	}
}

func (vs *violations) language(field, tag string) {
	if tag == "" {
		return
	}
	if _, err := language.Parse(tag); err != nil {
		vs.add(amparov1.Reason_REASON_CODE_UNKNOWN, field, "is a language of BCP 47, such as es, prs or zh-Hans")
	}
}

func (vs *violations) timeZone(field, name string) {
	if name == "" {
		return
	}
	if !zones[name] {
		vs.add(amparov1.Reason_REASON_CODE_UNKNOWN, field, "is a time zone of the IANA list, such as America/Bogota")
	}
}

// newCurrencies are those of ISO 4217 that golang.org/x/text does not know yet.
const newCurrencies = " BYN MRU SLE STN UYW VED VES XCG ZWG "

func (vs *violations) currency(field, code string) {
	_, err := currency.ParseISO(code)
	known := err == nil || len(code) == 3 && strings.Contains(newCurrencies, " "+code+" ")
	if !known || code == "XXX" || code == "XTS" {
		vs.add(amparov1.Reason_REASON_CODE_UNKNOWN, field, "is a currency of ISO 4217")
	}
}

func (vs *violations) date(field, text string, now time.Time) {
	if text == "" {
		return
	}
	first, ok := firstDay(text)
	switch {
	case !ok:
		vs.add(amparov1.Reason_REASON_DATE_IMPOSSIBLE, field, "is a date that exists: 1984, 1984-03, 1984-03-09, or 1984~ for about")
	case first.Year() < earliestYear:
		vs.add(amparov1.Reason_REASON_DATE_IMPOSSIBLE, field, "is not before 1900")
	case first.After(lastToday(now)):
		vs.add(amparov1.Reason_REASON_DATE_IMPOSSIBLE, field, "is not in the future")
	}
}

func (vs *violations) instant(field string, set bool, at, now time.Time) {
	switch {
	case !set:
	case at.After(now.Add(tolerance)):
		vs.add(amparov1.Reason_REASON_DATE_IMPOSSIBLE, field, "is not in the future")
	case at.Year() < earliestReceipt:
		vs.add(amparov1.Reason_REASON_DATE_IMPOSSIBLE, field, "is not before 2000")
	}
}

func (vs *violations) number(field, value string) {
	if !e164.MatchString(value) {
		vs.add(amparov1.Reason_REASON_FIELD_INVALID, field, "is a number with its country code, such as +573001234567")
	}
}

// mail asks for what every address has, and no more: only a message that arrives
// proves one.
func (vs *violations) mail(field, value string) {
	at := strings.LastIndexByte(value, '@')
	plausible := at > 0 && len(value) <= maxMailLength && !strings.ContainsAny(value, " \t\r\n<>,;") &&
		strings.IndexByte(value[at+1:], '.') > 0 && !strings.HasSuffix(value, ".")
	if !plausible {
		vs.add(amparov1.Reason_REASON_FIELD_INVALID, field, "is a mail address")
	}
}

// dialled tells what is meant as a telephone number from what is a name on a
// network: Signal and Telegram have both.
func dialled(address string) bool {
	return address != "" && (address[0] == '+' || address[0] >= '0' && address[0] <= '9')
}

// firstDay reads a date that is known to the year, the month or the day, exactly or
// about (a tilde; EDTF level 1), and returns the first day that it may mean.
func firstDay(text string) (time.Time, bool) {
	text = strings.TrimSuffix(text, "~")
	layouts := map[int]string{4: "2006", 7: "2006-01", 10: time.DateOnly}
	layout, ok := layouts[len(text)]
	if !ok {
		return time.Time{}, false
	}
	first, err := time.Parse(layout, text)
	return first, err == nil
}

// lastToday is the latest instant at which it may be today somewhere (UTC+14).
func lastToday(now time.Time) time.Time { return now.UTC().Add(14 * time.Hour) }
