package client

import (
	"bytes"
	"context"
	"crypto/ed25519"
	"encoding/base64"
	"errors"
	"fmt"
	"io/fs"
	"os"

	"go.yaml.in/yaml/v3"

	amparov1 "github.com/amparo-project/amparo/api/amparo/v1"
	"github.com/amparo-project/amparo/internal/handover"
)

// fileSigners keeps the signing key of each device that has signed something for this
// profile, as it was seen first: a service that is taken over later cannot sign with
// a key of its own in that device's name.
const fileSigners = "signers.yaml"

// Handovers are the calls about hand-overs. Those that sign or must be verified have
// methods of Conn, which are to be called instead.
func (c *Conn) Handovers() amparov1.HandoverServiceClient {
	return amparov1.NewHandoverServiceClient(c.ClientConn)
}

// BeginHandover signs a list with this device's key and offers it. An empty requestID
// is drawn.
func (c *Conn) BeginHandover(ctx context.Context, toID string, entries []*amparov1.HandoverEntry, requestID string) (*amparov1.BeginHandoverResponse, error) {
	if requestID == "" {
		requestID = NewRequestID()
	}
	h := &amparov1.Handover{Id: requestID, FromId: c.profile.StaffID, ToId: toID}
	for _, entry := range entries {
		h.Items = append(h.Items, &amparov1.HandoverItem{Entry: entry})
	}
	return c.Handovers().BeginHandover(ctx, &amparov1.BeginHandoverRequest{
		RequestId: requestID, ToStaffId: toID, Entries: entries,
		Signature: ed25519.Sign(c.profile.signing, handover.Offer(h, c.profile.DeviceID)),
	})
}

// ShowHandover fetches a hand-over and believes it only if both devices have signed
// it with the keys that this profile knows as theirs. One of which something is
// withheld cannot be verified, and says so in Withheld.
func (c *Conn) ShowHandover(ctx context.Context, id string) (*amparov1.Handover, error) {
	answer, err := c.Handovers().ShowHandover(ctx, &amparov1.ShowHandoverRequest{HandoverId: id})
	if err != nil {
		return nil, err
	}
	h := answer.GetHandover()
	if h.GetWithheld() > 0 {
		return h, nil
	}
	if h.GetId() != id || !handover.Verified(h) {
		return nil, unsigned(nil)
	}
	signatures := []*amparov1.HandoverSignature{h.GetOffer()}
	for _, a := range h.GetAnswers() {
		signatures = append(signatures, a.GetSignature())
	}
	return h, c.profile.knowSigners(signatures)
}

// AcceptHandover verifies a hand-over, signs the answers with this device's key and
// sends them. Without decisions it takes everything that waits. An empty requestID is
// drawn.
func (c *Conn) AcceptHandover(ctx context.Context, id string, decisions []*amparov1.HandoverDecision, requestID string) (*amparov1.AcceptHandoverResponse, error) {
	h, err := c.ShowHandover(ctx, id)
	if err != nil {
		return nil, err
	}
	if h.GetWithheld() > 0 {
		return nil, unsigned(nil)
	}
	if len(decisions) == 0 {
		decisions = takeAll(h)
	}
	if len(decisions) == 0 {
		return nil, &Failure{Exit: exitRefused, Reason: "HANDOVER_CHANGED", Text: "nothing of it waits for an answer", Next: "amparo handover show " + id}
	}
	return c.Handovers().AcceptHandover(ctx, &amparov1.AcceptHandoverRequest{
		RequestId: requestID, HandoverId: id, Decisions: decisions,
		Signature: ed25519.Sign(c.profile.signing, handover.Answer(h, c.profile.DeviceID, decisions)),
	})
}

func takeAll(h *amparov1.Handover) []*amparov1.HandoverDecision {
	var all []*amparov1.HandoverDecision
	for i, item := range h.GetItems() {
		if item.GetStanding() == amparov1.HandoverItemStanding_HANDOVER_ITEM_STANDING_WAITS {
			all = append(all, &amparov1.HandoverDecision{Item: uint32(i), Accepted: true})
		}
	}
	return all
}

func unsigned(cause error) error {
	return &Failure{
		Exit: exitVerification, Reason: "SIGNATURE_WRONG",
		Text:  "the hand-over is not signed, item by item, by the devices that it names; nothing was sent",
		Next:  "speak to the colleague by another way, and tell the service's operator",
		cause: cause,
	}
}

// knowSigners holds keys against those that the profile has seen, and keeps new ones.
// This device's own key it knows for itself.
func (p *Profile) knowSigners(signatures []*amparov1.HandoverSignature) error {
	known := map[string]string{}
	raw, err := os.ReadFile(p.path(fileSigners))
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return fmt.Errorf("read signers: %w", err)
	}
	if err := yaml.Unmarshal(raw, &known); err != nil {
		return fmt.Errorf("read signers: %w", err)
	}
	own, _ := p.signing.Public().(ed25519.PublicKey)
	news := false
	for _, s := range signatures {
		key, device := base64.StdEncoding.EncodeToString(s.GetSigningKey()), s.GetDeviceId()
		if device == p.DeviceID && !bytes.Equal(own, s.GetSigningKey()) || known[device] != "" && known[device] != key {
			return unsigned(errors.New("check signers: a device has another key than before"))
		}
		news = news || known[device] == ""
		known[device] = key
	}
	if !news {
		return nil
	}
	if raw, err = yaml.Marshal(known); err != nil {
		return fmt.Errorf("write signers: %w", err)
	}
	return writeFile(p.path(fileSigners), raw)
}
