package policy

import (
	"fmt"
	"slices"
	"time"

	amparov1 "github.com/amparo-project/amparo/api/amparo/v1"
)

const (
	notAssessed = amparov1.RiskLevel_RISK_LEVEL_NOT_ASSESSED
	high        = amparov1.RiskLevel_RISK_LEVEL_HIGH
	extreme     = amparov1.RiskLevel_RISK_LEVEL_EXTREME

	office = amparov1.SearchReach_SEARCH_REACH_OFFICE
)

// risingLevels are the levels in the order in which they demand more, which is that of the
// queue: what nobody has assessed may be anything, and stands above medium.
var risingLevels = []amparov1.RiskLevel{
	amparov1.RiskLevel_RISK_LEVEL_LOW, amparov1.RiskLevel_RISK_LEVEL_MEDIUM, notAssessed, high, extreme,
}

// defaultLevels is what each level demands before anything leaves, and who finds a
// case of it.
func defaultLevels() []*amparov1.LevelPolicy {
	shielded := []amparov1.ContactChannel{
		amparov1.ContactChannel_CONTACT_CHANNEL_SIGNAL, amparov1.ContactChannel_CONTACT_CHANNEL_ENCRYPTED_EMAIL,
		amparov1.ContactChannel_CONTACT_CHANNEL_IN_PERSON, amparov1.ContactChannel_CONTACT_CHANNEL_INTERMEDIARY,
	}
	place := []amparov1.DataCategory{amparov1.DataCategory_DATA_CATEGORY_LOCATION}
	return []*amparov1.LevelPolicy{
		{
			Level: notAssessed, Approvals: 1, Channels: shielded, HeldBack: place, Search: office, ReassessAfterIncident: "24h",
			Source: "Amparo's own: what nobody has assessed may be anything, and is treated as at a high risk",
		},
		{
			Level: amparov1.RiskLevel_RISK_LEVEL_LOW, Search: office, ReassessAfterIncident: "168h",
			Source: "Amparo's own. Front Line Defenders, workbook on security: risk is dynamic, and is assessed again after every change",
		},
		{
			Level: amparov1.RiskLevel_RISK_LEVEL_MEDIUM, Search: office, ReassessAfterIncident: "72h",
			Source: "Amparo's own; for the new assessment as at a low risk",
		},
		{
			Level: high, Approvals: 1, Channels: shielded, HeldBack: place, Search: office, ReassessAfterIncident: "24h",
			Source: "A second person for a do-no-harm check from a high risk on: Amparo's own, after Voices at Risk, whose first value after " +
				"the rights themselves is to do no harm. Nothing goes where a carrier can read it, and nobody's place is told without need",
		},
		{
			Level: extreme, Approvals: 1, Channels: shielded,
			HeldBack: append(place, amparov1.DataCategory_DATA_CATEGORY_FAMILY, amparov1.DataCategory_DATA_CATEGORY_IMAGE),
			Search:   amparov1.SearchReach_SEARCH_REACH_SHIFT, ReassessAfterIncident: "4h",
			Source: "Amparo's own. Whoever is on shift still finds somebody who calls again at night; the rest of the office has no need to",
		},
	}
}

// demand is the least that a level must demand.
type demand struct {
	approvals uint32
	// never are ways by which nothing may leave; with any of them the ways must be named.
	never    []amparov1.ContactChannel
	heldBack []amparov1.DataCategory
	reassess string // at the latest
}

// demands are the bounds of what levels demand; they are Amparo's own.
//
// The ways: from a high risk on, nothing is written where it lies open at a carrier for
// as long as that likes. At an extreme risk, neither is anything said in a call, which is
// listened to, nor sent by Telegram, which is not sealed from end to end unless both
// sides have seen to it, nor by WhatsApp, which is, and tells its owner who writes to
// whom and when; copies of it lie in clouds. No condition would make those safe for
// somebody who is looked for, so there is none: what a mechanism has instead, such as
// another sealed messenger, it can allow as another way.
//
// Where somebody is, is what finds them: it is never sent along out of habit.
var demands = map[amparov1.RiskLevel]demand{
	notAssessed:                          {reassess: "72h"},
	amparov1.RiskLevel_RISK_LEVEL_LOW:    {reassess: "336h"},
	amparov1.RiskLevel_RISK_LEVEL_MEDIUM: {reassess: "168h"},
	high: {
		approvals: 1, reassess: "72h",
		never: []amparov1.ContactChannel{
			amparov1.ContactChannel_CONTACT_CHANNEL_SMS, amparov1.ContactChannel_CONTACT_CHANNEL_EMAIL,
		},
		heldBack: []amparov1.DataCategory{amparov1.DataCategory_DATA_CATEGORY_LOCATION},
	},
	extreme: {
		approvals: 1, reassess: "24h",
		never: []amparov1.ContactChannel{
			amparov1.ContactChannel_CONTACT_CHANNEL_SMS, amparov1.ContactChannel_CONTACT_CHANNEL_EMAIL,
			amparov1.ContactChannel_CONTACT_CHANNEL_PHONE, amparov1.ContactChannel_CONTACT_CHANNEL_TELEGRAM,
			amparov1.ContactChannel_CONTACT_CHANNEL_WHATSAPP,
		},
		heldBack: []amparov1.DataCategory{amparov1.DataCategory_DATA_CATEGORY_LOCATION},
	},
}

// builtIn stands in where a policy says nothing.
var builtIn = Default()

// Demands is what a policy demands at a level of risk, and must not be changed. A level
// that is not set counts as not assessed, and one that nobody knows as extreme. Where
// the policy says nothing, what comes with the program is demanded: silence must not
// open a door.
func Demands(p *amparov1.Policy, level amparov1.RiskLevel) *amparov1.LevelPolicy {
	if level == amparov1.RiskLevel_RISK_LEVEL_UNSPECIFIED {
		level = notAssessed
	} else if !slices.Contains(risingLevels, level) {
		level = extreme
	}
	for _, l := range p.GetLevels() {
		if l.GetLevel() == level {
			return l
		}
	}
	return Demands(builtIn, level)
}

// MayLeaveBy reports whether something may leave by a way at a level: any way does
// where the level names none.
func MayLeaveBy(l *amparov1.LevelPolicy, way amparov1.ContactChannel) bool {
	return len(l.GetChannels()) == 0 || slices.Contains(l.GetChannels(), way)
}

// afterIncident is how soon after an act against the person their risk is assessed
// again, by level.
func afterIncident(p *amparov1.Policy) (map[amparov1.RiskLevel]time.Duration, error) {
	all := map[amparov1.RiskLevel]time.Duration{}
	for _, level := range risingLevels {
		wait, err := Span(Demands(p, level).GetReassessAfterIncident())
		if err != nil {
			return nil, err
		}
		all[level] = wait
	}
	return all, nil
}

// levels asks for a row for each level, and holds each to its bounds and to the row of
// the level below it: a higher risk never gets less care.
func (c *checking) levels(p *amparov1.Policy) {
	rows := map[amparov1.RiskLevel]int{}
	for i, l := range p.GetLevels() {
		at := fmt.Sprintf("policy.levels[%d]", i)
		limit, known := demands[l.GetLevel()]
		if _, twice := rows[l.GetLevel()]; !known || twice {
			c.invalid(at+".level", "is a level of risk, once")
			continue
		}
		rows[l.GetLevel()] = i
		c.level(at, l, limit)
	}
	var below *amparov1.LevelPolicy
	for _, level := range risingLevels {
		i, stated := rows[level]
		if !stated {
			c.invalid("policy.levels", "has "+word(level.String(), "RISK_LEVEL_"))
			continue
		}
		l := p.GetLevels()[i]
		if below != nil {
			c.above(fmt.Sprintf("policy.levels[%d]", i), l, below)
		}
		below = l
	}
}

func (c *checking) level(at string, l *amparov1.LevelPolicy, limit demand) {
	if l.GetApprovals() < limit.approvals {
		c.unsafe(at+".approvals", fmt.Sprintf("is at least %d", limit.approvals))
	}
	if l.GetApprovals() > mostApprovals {
		c.invalid(at+".approvals", fmt.Sprintf("is at most %d there", mostApprovals))
	}
	if slices.ContainsFunc(limit.never, func(way amparov1.ContactChannel) bool { return MayLeaveBy(l, way) }) {
		c.unsafe(at+".channels", "are named, and none that others can read or follow")
	}
	if !holds(l.GetHeldBack(), limit.heldBack) {
		c.unsafe(at+".held_back", "hold location")
	}
	if l.GetSearch() == amparov1.SearchReach_SEARCH_REACH_UNSPECIFIED {
		c.invalid(at+".search", "is required")
	}
	c.span(at+".reassess_after_incident", l.GetReassessAfterIncident(), "1s", limit.reassess)
}

// above holds a level to the one below it.
func (c *checking) above(at string, l, below *amparov1.LevelPolicy) {
	if l.GetApprovals() < below.GetApprovals() {
		c.unsafe(at+".approvals", "is no less than at the level below")
	}
	wider := len(l.GetChannels()) == 0 && len(below.GetChannels()) > 0
	if wider || slices.ContainsFunc(l.GetChannels(), func(way amparov1.ContactChannel) bool { return !MayLeaveBy(below, way) }) {
		c.unsafe(at+".channels", "are among those of the level below")
	}
	if !holds(l.GetHeldBack(), below.GetHeldBack()) {
		c.unsafe(at+".held_back", "hold what the level below holds back")
	}
	if l.GetSearch() < below.GetSearch() {
		c.unsafe(at+".search", "reaches no wider than at the level below")
	}
	if longer(l.GetReassessAfterIncident(), below.GetReassessAfterIncident()) {
		c.unsafe(at+".reassess_after_incident", "is no more than at the level below")
	}
}

// holds tells whether all of some kinds of data are among others.
func holds(all, wanted []amparov1.DataCategory) bool {
	return !slices.ContainsFunc(wanted, func(category amparov1.DataCategory) bool { return !slices.Contains(all, category) })
}
