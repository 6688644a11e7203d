package main

import (
	"strings"
	"testing"
	"time"

	amparov1 "github.com/amparo-project/amparo/api/amparo/v1"
)

// arrested is what is read of somebody who was arrested last night, whose telephone is
// at own, and whose sister is asked instead.
func arrested(own *amparov1.SafeContact) *amparov1.SafetyAdvice {
	return &amparov1.SafetyAdvice{
		Status: amparov1.PersonStatus_PERSON_STATUS_DETAINED, StatusAt: in(-9 * time.Hour),
		Warnings:    []amparov1.SafetyWarning{amparov1.SafetyWarning_SAFETY_WARNING_STATUS_UNCONFIRMED},
		Instruction: &amparov1.AdvanceInstruction{Event: amparov1.PersonStatus_PERSON_STATUS_DETAINED, Proxy: 3, Text: "Call my lawyer, not the press."},
		Contacts: []*amparov1.ContactAdvice{{
			LocalTime: "Tue 03:12", SafeHours: amparov1.SafeHours_SAFE_HOURS_NOT_NOW, SafeFrom: in(5 * time.Hour),
			Warnings: []amparov1.SafetyWarning{amparov1.SafetyWarning_SAFETY_WARNING_OUTSIDE_SAFE_HOURS},
			Contact: &amparov1.SafetyContact{
				Number: 3, Use: amparov1.ContactUse_CONTACT_USE_USABLE, Verification: amparov1.ContactVerification_CONTACT_VERIFICATION_VERIFIED,
				Contact: &amparov1.ContactDraft{
					Kind: amparov1.ContactKind_CONTACT_KIND_PROXY, Name: "Hermana", Relation: "sister",
					Way:     &amparov1.SafeContact{Channel: amparov1.ContactChannel_CONTACT_CHANNEL_PHONE, Address: "+573005550102"},
					MayTell: []amparov1.ContactTopic{amparov1.ContactTopic_CONTACT_TOPIC_WELL_BEING},
				},
			},
		}, {
			LocalTime: "Tue 03:12", SafeHours: amparov1.SafeHours_SAFE_HOURS_ANY,
			Warnings: []amparov1.SafetyWarning{amparov1.SafetyWarning_SAFETY_WARNING_DO_NOT_USE},
			Contact: &amparov1.SafetyContact{
				Number: 1, Use: amparov1.ContactUse_CONTACT_USE_DO_NOT_USE, WhyNot: amparov1.DoNotUseReason_DO_NOT_USE_REASON_DETAINED,
				NotSince: in(-9 * time.Hour), Verification: amparov1.ContactVerification_CONTACT_VERIFICATION_UNVERIFIED,
				Contact: &amparov1.ContactDraft{Kind: amparov1.ContactKind_CONTACT_KIND_OWN, Way: own},
			},
		}},
	}
}

// A warning without a text would be a line that warns of nothing: neither one of ours,
// nor one that a newer service sends.
func TestEveryWarningSaysWhatItIs(t *testing.T) {
	all := []amparov1.SafetyWarning{99}
	for number := range amparov1.SafetyWarning_name {
		if number != 0 {
			all = append(all, amparov1.SafetyWarning(number))
		}
	}
	for _, w := range all {
		p := &page{now: testNow, zone: time.UTC}
		p.minding([]amparov1.SafetyWarning{w})
		if got := strings.TrimSpace(strings.TrimPrefix(string(p.bytes()), "mind")); got == "" {
			t.Errorf("warning %d says nothing", w)
		}
	}
}
