package client

import (
	"context"
	"crypto/rand"

	amparov1 "github.com/amparo-project/amparo/api/amparo/v1"
	"github.com/amparo-project/amparo/internal/audit"
)

// nonceBytes are as many as nobody guesses.
const nonceBytes = 16

// DrawSample draws count entries of ledgers at random from the log of which this device
// keeps a checkpoint. The nonce is drawn after that, so that the service can choose
// neither the log nor the entries.
func (c *Conn) DrawSample(ctx context.Context, count uint32) (*amparov1.DrawSampleResponse, error) {
	if err := c.KeepCheckpoint(ctx); err != nil {
		return nil, err
	}
	kept, err := c.profile.OlderCheckpoint()
	if err != nil {
		return nil, err
	}
	size, err := audit.CheckpointSize(c.profile.LogKey, kept)
	if err != nil {
		return nil, logFault("the checkpoint kept in the profile's file "+fileCheckpoint+" is damaged, or of another log", err)
	}
	nonce := make([]byte, nonceBytes)
	if _, err := rand.Read(nonce); err != nil {
		return nil, err
	}
	answer, err := c.Audit.DrawSample(ctx, &amparov1.DrawSampleRequest{Count: count, Nonce: nonce, Size: size})
	if err == nil && answer.GetSize() != size {
		return nil, logFault("the sample was drawn from another log than the one that was asked for", nil)
	}
	return answer, err
}
