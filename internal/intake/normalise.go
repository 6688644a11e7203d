package intake

import (
	"slices"
	"strings"
	"time"
	"unicode"

	"golang.org/x/text/unicode/norm"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/reflect/protoreflect"
	"google.golang.org/protobuf/types/known/timestamppb"

	amparov1 "github.com/amparo-project/amparo/api/amparo/v1"
)

// Normalise returns a copy of an intake in the one form in which it is checked and
// kept: texts trimmed and composed (Unicode NFC), countries in capitals and in the
// code of ISO (EL is GR, UK is GB), telephone numbers without the signs that people
// put between digits, empty names and repeated countries left out. Without a time
// of receipt, and with one that a fast clock puts a few minutes ahead, it is now.
//
// It never changes what was meant and leaves everything that is wrong for
// CheckIntake to refuse. Call it before the limits of the message are checked, since
// they ask for capitals; and compare repeated requests as they were sent, since now
// differs each time.
func Normalise(intake *amparov1.Intake, now time.Time) *amparov1.Intake {
	n := proto.CloneOf(intake)
	composeTexts(n.ProtoReflect())
	received := n.GetReceivedAt()
	if received == nil || received.AsTime().After(now) && !received.AsTime().After(now.Add(tolerance)) {
		n.ReceivedAt = timestamppb.New(now)
	}
	normaliseContact(n.GetSafeContact())
	normaliseContact(n.GetSubmitter().GetContact())
	for _, reference := range n.GetReferences() {
		normaliseContact(reference.GetContact())
	}
	if p := n.GetIdentity().GetPerson(); p != nil {
		p.Aliases = filled(p.GetAliases())
		p.Nationalities = countryCodes(p.GetNationalities())
		p.ResidenceCountry = countryCode(p.GetResidenceCountry())
		p.CurrentCountry = countryCode(p.GetCurrentCountry())
		normaliseIdentifiers(p.GetIdentifiers())
	}
	if c := n.GetIdentity().GetCollective(); c != nil {
		c.Aliases = filled(c.GetAliases())
		c.RegisteredIn = countryCode(c.GetRegisteredIn())
		c.Countries = countryCodes(c.GetCountries())
		normaliseIdentifiers(c.GetIdentifiers())
	}
	for _, incident := range n.GetIncidents() {
		incident.Country = countryCode(incident.GetCountry())
	}
	for _, need := range n.GetNeeds() {
		if need.GetAmount() != nil {
			need.Amount.Currency = strings.ToUpper(need.GetAmount().GetCurrency())
		}
	}
	return n
}

// composeTexts walks every text of a message, so that a field which is added later
// is not forgotten.
func composeTexts(m protoreflect.Message) {
	m.Range(func(field protoreflect.FieldDescriptor, value protoreflect.Value) bool {
		isMessage := field.Message() != nil
		isText := field.Kind() == protoreflect.StringKind
		switch {
		case isMessage && field.IsList():
			for i := range value.List().Len() {
				composeTexts(value.List().Get(i).Message())
			}
		case isMessage:
			composeTexts(value.Message())
		case isText && field.IsList():
			for i := range value.List().Len() {
				if text, changed := compose(value.List().Get(i).String()); changed {
					value.List().Set(i, protoreflect.ValueOfString(text))
				}
			}
		case isText:
			if text, changed := compose(value.String()); changed {
				m.Set(field, protoreflect.ValueOfString(text))
			}
		}
		return true
	})
}

func compose(text string) (composed string, changed bool) {
	composed = norm.NFC.String(strings.TrimSpace(text))
	return composed, composed != text
}

func filled(texts []string) []string {
	return slices.DeleteFunc(texts, func(text string) bool { return text == "" })
}

func countryCode(code string) string {
	code = strings.ToUpper(code)
	if iso, isAlias := countryAliases[code]; isAlias {
		return iso
	}
	return code
}

func countryCodes(codes []string) []string {
	var all []string
	for _, code := range codes {
		if code = countryCode(code); code != "" && !slices.Contains(all, code) {
			all = append(all, code)
		}
	}
	return all
}

// NormaliseContact returns a copy of a contact in the one form in which it is checked
// and kept, as Normalise does for those of an intake.
func NormaliseContact(contact *amparov1.SafeContact) *amparov1.SafeContact {
	n := proto.CloneOf(contact)
	if n == nil {
		return nil
	}
	composeTexts(n.ProtoReflect())
	normaliseContact(n)
	return n
}

func normaliseContact(contact *amparov1.SafeContact) {
	switch contact.GetChannel() {
	case amparov1.ContactChannel_CONTACT_CHANNEL_PHONE,
		amparov1.ContactChannel_CONTACT_CHANNEL_SMS,
		amparov1.ContactChannel_CONTACT_CHANNEL_SIGNAL,
		amparov1.ContactChannel_CONTACT_CHANNEL_WHATSAPP,
		amparov1.ContactChannel_CONTACT_CHANNEL_TELEGRAM:
		contact.Address = phoneNumber(contact.GetAddress())
	default: // anything but a number keeps its signs
	}
}

func normaliseIdentifiers(all []*amparov1.Identifier) {
	for _, id := range all {
		if id.GetKind() == amparov1.IdentifierKind_IDENTIFIER_KIND_NUMBER {
			id.Value = phoneNumber(id.GetValue())
		}
	}
}

// phoneNumber takes the signs out from between the digits of an international
// number, and the zero in brackets that is dialled only at home; 00 becomes a plus
// sign. Anything else, a handle or a number without a country code, is left as it
// is: guessing a country would call a stranger.
func phoneNumber(text string) string {
	var b strings.Builder
	for _, r := range strings.Replace(text, "(0)", "", 1) {
		switch digit, isDigit := digitOf(r); {
		case isDigit:
			b.WriteByte(digit)
		case (r == '+' || r == '＋') && b.Len() == 0:
			b.WriteByte('+')
		case unicode.IsSpace(r) || unicode.Is(unicode.Cf, r) || strings.ContainsRune("-–‑.()/", r):
		default:
			return text
		}
	}
	number := b.String()
	if international, found := strings.CutPrefix(number, "00"); found {
		number = "+" + international
	}
	if !e164.MatchString(number) {
		return text
	}
	return number
}

// digitZeros are the zeros of the scripts whose digits telephones of the field show:
// ASCII, Arabic, Persian, Devanagari, Bengali, Burmese, full width.
const digitZeros = "0٠۰०০၀０"

func digitOf(r rune) (byte, bool) {
	for _, zero := range digitZeros {
		if r >= zero && r <= zero+9 {
			return byte('0' + r - zero), true
		}
	}
	return 0, false
}
