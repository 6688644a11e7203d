package handover

import (
	"crypto/ed25519"
	"crypto/sha256"
	"encoding/base32"
	"encoding/binary"
	"strings"

	amparov1 "github.com/amparo-project/amparo/api/amparo/v1"
)

// What is signed begins with its purpose, so that a signature for one never serves
// for the other nor for anything else that the key signs, and is length-prefixed
// part by part, so that no two lists read alike.
const (
	offerPurpose  = "amparo hand-over offer 1\n"
	answerPurpose = "amparo hand-over answer 1\n"
	codePurpose   = "amparo signing key code 1\n"
)

// Offer is what the giver's device signs: who gives what to whom, from which device,
// each item with the version that was seen and the hash of its note.
func Offer(h *amparov1.Handover, deviceID string) []byte {
	out := parts([]byte(offerPurpose), h.GetId(), h.GetFromId(), deviceID, h.GetToId())
	out = binary.BigEndian.AppendUint32(out, uint32(len(h.GetItems())))
	for _, item := range h.GetItems() {
		entry := item.GetEntry()
		out = parts(out, entry.GetCaseId(), entry.GetAlarmId())
		out = binary.BigEndian.AppendUint64(out, entry.GetCaseVersion())
		out = hashed(out, entry.GetNote())
	}
	return out
}

// Answer is what the receiver's device signs: its answers, and the very offer that
// they are answers to, with the giver's signature.
func Answer(h *amparov1.Handover, deviceID string, decisions []*amparov1.HandoverDecision) []byte {
	offer := sha256.Sum256(Offer(h, h.GetOffer().GetDeviceId()))
	out := parts([]byte(answerPurpose), deviceID, string(offer[:]), string(h.GetOffer().GetSignature()))
	out = binary.BigEndian.AppendUint32(out, uint32(len(decisions)))
	for _, d := range decisions {
		out = binary.BigEndian.AppendUint32(out, d.GetItem())
		accepted := byte(0)
		if d.GetAccepted() {
			accepted = 1
		}
		out = hashed(append(out, accepted), d.GetRefusal())
	}
	return out
}

func parts(out []byte, texts ...string) []byte {
	for _, text := range texts {
		out = binary.BigEndian.AppendUint32(out, uint32(len(text)))
		out = append(out, text...)
	}
	return out
}

func hashed(out []byte, text string) []byte {
	sum := sha256.Sum256([]byte(text))
	return append(out, sum[:]...)
}

// Verify reports whether a signature over a message is of the key.
func Verify(key, message, signature []byte) bool {
	return len(key) == ed25519.PublicKeySize && ed25519.Verify(key, message, signature)
}

// Verified reports whether every signature of a hand-over is of the key that stands
// beside it, and whether what became of each item is what was answered: nothing is
// taken or refused that the receiver's device has not signed for. An item may have
// lapsed after any answer.
func Verified(h *amparov1.Handover) bool {
	offer := h.GetOffer()
	if h.GetWithheld() > 0 || !Verify(offer.GetSigningKey(), Offer(h, offer.GetDeviceId()), offer.GetSignature()) {
		return false
	}
	answered := map[uint32]*amparov1.HandoverDecision{}
	for _, answer := range h.GetAnswers() {
		s := answer.GetSignature()
		if !Verify(s.GetSigningKey(), Answer(h, s.GetDeviceId(), answer.GetDecisions()), s.GetSignature()) {
			return false
		}
		for _, d := range answer.GetDecisions() {
			answered[d.GetItem()] = d
		}
	}
	for i, item := range h.GetItems() {
		d, said := answered[uint32(i)]
		switch item.GetStanding() {
		case accepted:
			said = said && d.GetAccepted()
		case refused:
			said = said && !d.GetAccepted() && d.GetRefusal() == item.GetRefusal()
		case lapsed:
			said = true
		default:
			said = !said
		}
		if !said {
			return false
		}
	}
	return true
}

// KeyCode is a short code of a signing key, which two people can compare by voice:
// 40 bits of its hash, eight letters and digits.
func KeyCode(key []byte) string {
	sum := sha256.Sum256(append([]byte(codePurpose), key...))
	return strings.ToLower(base32.StdEncoding.EncodeToString(sum[:5]))
}
