package duty

import (
	"fmt"
	"slices"
	"strings"
	"time"

	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/types/known/timestamppb"

	amparov1 "github.com/amparo-project/amparo/api/amparo/v1"
	"github.com/amparo-project/amparo/internal/fault"
)

// kept is how long a slot is still shown after it has ended.
const kept = 7 * 24 * time.Hour

// maxViolations bounds what a refusal names; the rest shows at the next try.
const maxViolations = 20

// maxSlots is how many slots are kept of one rota, and maxLanguages how many rotas of
// one office: all of them are read with every change.
const maxSlots, maxLanguages = 1000, 40

// Room refuses one more rota for an office that has many, others being those for its
// other languages.
func Room(others []*amparov1.Rota) error {
	if len(others) >= maxLanguages {
		return fault.Field(amparov1.Reason_REASON_FIELD_INVALID, "rota.language", fmt.Sprintf("is one of at most %d of an office", maxLanguages))
	}
	return nil
}

// Past reports whether a rota ended so long ago that it is not shown any more.
func Past(rota *amparov1.Rota, now time.Time) bool { return !inForce(rota, now.Add(-kept)) }

// Addressable refuses addresses of people who are not of an office: where alarms find
// the people of another is not for this one to say, nor is where nobody is found.
func Addressable(addresses []*amparov1.StaffAddress, office string, staff Staff) error {
	for i, address := range addresses {
		if !slices.Contains(staff.ByID(address.GetStaffId()).GetOffices(), office) {
			return fault.Field(amparov1.Reason_REASON_STAFF_UNSUITABLE, fmt.Sprintf("addresses[%d].staff_id", i), "names somebody of the office")
		}
	}
	return nil
}

// Announce joins a rota to the one that was announced before for the same office and
// language (nil for none), and returns what then holds. What was announced stands
// until the new rota begins and is cut there; what is past stays as it was. It
// refuses slots that overlap or leave a gap, a gap between the two rotas, and people
// who cannot answer at the office.
func Announce(before, rota *amparov1.Rota, staff Staff, now time.Time) (*amparov1.Rota, error) {
	violations := order(rota.GetSlots(), now)
	if inForce(before, now) && begin(rota.GetSlots()[0]).After(end(before)) {
		violations = append(violations, invalid(0, "from", "must not begin after the rota before has ended"))
	}
	for i, slot := range rota.GetSlots() {
		for j, id := range slot.GetStaffIds() {
			if slot.GetUntil().AsTime().After(now) && !suits(staff.ByID(id), rota, slot, now) {
				violations = append(violations, fault.Violation{
					Field: fmt.Sprintf("rota.slots[%d].staff_ids[%d]", i, j), Reason: amparov1.Reason_REASON_STAFF_UNSUITABLE,
					Rule: "must be active staff of the office until the slot ends, in a role that works cases, and speak the rota's language",
				})
			}
		}
	}
	if len(violations) > 0 {
		return nil, fault.Fields(violations[:min(len(violations), maxViolations)])
	}
	whole := joined(before, rota, now)
	if len(whole.GetSlots()) > maxSlots {
		return nil, fault.Field(amparov1.Reason_REASON_FIELD_INVALID, "rota.slots", fmt.Sprintf("are at most %d with those announced before", maxSlots))
	}
	return whole, nil
}

func invalid(slot int, field, rule string) fault.Violation {
	return fault.Violation{Field: fmt.Sprintf("rota.slots[%d].%s", slot, field), Reason: amparov1.Reason_REASON_FIELD_INVALID, Rule: rule}
}

// order finds where slots end before they begin, overlap, or leave a gap.
func order(slots []*amparov1.RotaSlot, now time.Time) []fault.Violation {
	var violations []fault.Violation
	for i, slot := range slots {
		if !slot.GetUntil().AsTime().After(begin(slot)) {
			violations = append(violations, invalid(i, "until", "must come after from"))
		}
		if i == 0 {
			continue
		}
		switch before := slots[i-1].GetUntil().AsTime(); {
		case begin(slot).Before(before):
			violations = append(violations, invalid(i, "from", "must not overlap the slot before: it begins when that ends"))
		case begin(slot).After(before):
			violations = append(violations, invalid(i, "from", "must not leave a gap after the slot before: it begins when that ends"))
		}
	}
	if last := len(slots) - 1; !slots[last].GetUntil().AsTime().After(now) {
		violations = append(violations, invalid(last, "until", "must lie ahead"))
	}
	return violations
}

// suits reports whether a person can answer through the whole of a slot. Somebody
// for whom no language is noted is taken to speak the rota's.
func suits(member *amparov1.StaffMember, rota *amparov1.Rota, slot *amparov1.RotaSlot, now time.Time) bool {
	if !able(member, rota.GetOffice(), now) {
		return false
	}
	if ends := member.GetValidUntil(); ends != nil && ends.AsTime().Before(slot.GetUntil().AsTime()) {
		return false
	}
	return rota.GetLanguage() == "" || len(member.GetLanguages()) == 0 ||
		slices.ContainsFunc(member.GetLanguages(), func(spoken string) bool { return primary(spoken) == primary(rota.GetLanguage()) })
}

// joined is the new rota behind the one before it.
func joined(before, rota *amparov1.Rota, now time.Time) *amparov1.Rota {
	from := begin(rota.GetSlots()[0])
	if inForce(before, now) && from.Before(now) {
		from = now // whoever was on shift this morning was
	}
	whole := &amparov1.Rota{Office: rota.GetOffice(), Language: rota.GetLanguage()}
	add := func(slots []*amparov1.RotaSlot, earliest, latest time.Time) {
		for _, slot := range slots {
			part := proto.CloneOf(slot)
			if begin(part).Before(earliest) {
				part.From = timestamppb.New(earliest)
			}
			if part.GetUntil().AsTime().After(latest) {
				part.Until = timestamppb.New(latest)
			}
			if part.GetUntil().AsTime().After(begin(part)) && part.GetUntil().AsTime().After(now.Add(-kept)) {
				whole.Slots = append(whole.Slots, part)
			}
		}
	}
	if inForce(before, now) {
		add(before.GetSlots(), begin(before.GetSlots()[0]), from)
	}
	add(rota.GetSlots(), from, end(rota))
	return whole
}

// inForce reports whether a rota says who answers, now or later.
func inForce(rota *amparov1.Rota, now time.Time) bool {
	return len(rota.GetSlots()) > 0 && end(rota).After(now)
}

func begin(slot *amparov1.RotaSlot) time.Time { return slot.GetFrom().AsTime() }

func end(rota *amparov1.Rota) time.Time {
	return rota.GetSlots()[len(rota.GetSlots())-1].GetUntil().AsTime()
}

// slotAt is the one slot of a rota that holds an instant; nil outside of the rota.
func slotAt(rota *amparov1.Rota, now time.Time) *amparov1.RotaSlot {
	i, _ := slices.BinarySearchFunc(rota.GetSlots(), now, func(slot *amparov1.RotaSlot, now time.Time) int {
		if slot.GetUntil().AsTime().After(now) {
			return 1
		}
		return -1
	})
	if i == len(rota.GetSlots()) || begin(rota.GetSlots()[i]).After(now) {
		return nil
	}
	return rota.GetSlots()[i]
}

// EmptySlot names a slot for which nobody was found, or the end of a rota behind
// which nothing is announced.
type EmptySlot struct {
	Office, Language string
	From             time.Time // UTC
}

// EmptyAhead are the slots that begin soon, or have begun, for which nobody can
// answer, and the ends of rotas behind which nothing is announced, that have not been
// warned of yet.
func (b *Board) EmptyAhead(now time.Time) []EmptySlot {
	var empty []EmptySlot
	note := func(rota *amparov1.Rota, from time.Time) {
		slot := EmptySlot{rota.GetOffice(), rota.GetLanguage(), from}
		known := func(warned EmptySlot) bool {
			return warned.Office == slot.Office && warned.Language == slot.Language && warned.From.Equal(from)
		}
		if !slices.ContainsFunc(b.Warned, known) && from.After(now.Add(-kept)) && !from.After(now.Add(b.Times.WarnBefore)) {
			empty = append(empty, slot)
		}
	}
	for _, rota := range b.Rotas {
		for _, slot := range rota.GetSlots() {
			at := later(now, begin(slot))
			if slot.GetUntil().AsTime().After(now) && len(b.inSlot(rota, at)) == 0 {
				note(rota, begin(slot))
			}
		}
		if len(rota.GetSlots()) > 0 {
			note(rota, end(rota))
		}
	}
	return empty
}

func later(a, b time.Time) time.Time {
	if a.After(b) {
		return a
	}
	return b
}

// ForgetWarned drops what was warned of too long ago to be warned of again.
func ForgetWarned(warned []EmptySlot, now time.Time) []EmptySlot {
	return slices.DeleteFunc(warned, func(slot EmptySlot) bool { return !slot.From.After(now.Add(-kept)) })
}

// ByLanguage orders rotas as they are shown: the one for all languages first.
func ByLanguage(a, b *amparov1.Rota) int {
	return strings.Compare(a.GetOffice()+" "+a.GetLanguage(), b.GetOffice()+" "+b.GetLanguage())
}
