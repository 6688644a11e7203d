package risk

import (
	"slices"

	amparov1 "github.com/amparo-project/amparo/api/amparo/v1"
)

// Unmet says what the demand of a level stands in the way of, when something is to
// leave by a channel: a way that is not safe enough, and data that the level holds
// back unless somebody says why less is not enough. How many must agree is asked of the
// check (see Allows).
func Unmet(demand *amparov1.LevelPolicy, draft *amparov1.DisclosureDraft) []*amparov1.Obstacle {
	var found []*amparov1.Obstacle
	channel := draft.GetAction().GetChannel()
	anyWay := len(demand.GetChannels()) == 0 && channel != amparov1.ContactChannel_CONTACT_CHANNEL_UNSPECIFIED
	if !anyWay && !slices.Contains(demand.GetChannels(), channel) {
		found = append(found, &amparov1.Obstacle{
			Reason: amparov1.Reason_REASON_CHANNEL_UNSAFE, Field: "disclosure.action.channel", Rule: "is a way that the policy allows at this level of risk",
		})
	}
	for _, category := range draft.GetAction().GetCategories() {
		justified := slices.ContainsFunc(draft.GetNecessities(), func(n *amparov1.Necessity) bool { return n.GetCategory() == category })
		if slices.Contains(demand.GetHeldBack(), category) && !justified {
			found = append(found, &amparov1.Obstacle{
				Reason: amparov1.Reason_REASON_REDACTION_NEEDED, Field: "disclosure.necessities",
				Rule: "says why less is not enough for what the level of risk holds back",
			})
			break
		}
	}
	return found
}
