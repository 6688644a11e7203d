package ledger_test

import (
	"testing"

	"google.golang.org/protobuf/types/known/timestamppb"

	amparov1 "github.com/amparo-project/amparo/api/amparo/v1"
	"github.com/amparo-project/amparo/internal/ledger"
)

// TestAnActForVitalInterestsStandsOnItsTrackAlone: a verifier must not find one where
// something left on a consent, whatever else was sent with it.
func TestAnActForVitalInterestsStandsOnItsTrackAlone(t *testing.T) {
	for track := range amparov1.DisclosureTrack(5) {
		fact := ledger.Fact(&amparov1.LedgerEntry{Entry: &amparov1.LedgerEntry_Disclosure{Disclosure: &amparov1.Disclosure{
			Draft: &amparov1.DisclosureDraft{Track: track, Vital: &amparov1.VitalInterests{Under: 7, ExpiresAt: timestamppb.Now()}},
		}}}, "pseudonym").GetDisclosure()
		vital := track == amparov1.DisclosureTrack_DISCLOSURE_TRACK_VITAL_INTERESTS
		if (fact.GetUnder() == 7) != vital || (fact.GetActExpiresAt() != nil) != vital {
			t.Errorf("%v: under %d until %v", track, fact.GetUnder(), fact.GetActExpiresAt())
		}
	}
}
