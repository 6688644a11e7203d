package client

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"strings"
	"time"

	"github.com/gofrs/flock"

	amparov1 "github.com/amparo-project/amparo/api/amparo/v1"
	"github.com/amparo-project/amparo/internal/audit"
)

const (
	// refusedPrefix begins the name of each checkpoint that was refused.
	refusedPrefix = "checkpoint-refused-"
	// maxRefused is how many of them a profile keeps. The first proves what all of
	// them prove, and a service that goes on shows a new one at every connection.
	maxRefused = 32
	// maxNote is how much of a refused one is kept: it may be anything.
	maxNote = 64 << 10
	// lockPause is the time between two attempts to be the one who checks.
	lockPause = 50 * time.Millisecond
)

// reasonLog is the reason of every failure that is about the log itself.
const reasonLog = "LOG_INCONSISTENT"

// KeepCheckpoint asks the service for a checkpoint of the audit log that covers all
// that was acknowledged until now, and keeps it in the profile once it is proven to hold
// all that the one kept before held. A service whose log was rolled back or forked is a Failure with exit code
// 7 that names two files of the profile: the older checkpoint, which stays as it is,
// and the newer one, which is kept beside it. Together they are the evidence.
func (c *Conn) KeepCheckpoint(ctx context.Context) error {
	c.verdict.begun()
	return c.replaceKept(ctx, true)
}

// keepCheckpoint is KeepCheckpoint with the newest one that there is, for which nobody
// waits.
func (c *Conn) keepCheckpoint(ctx context.Context) error { return c.replaceKept(ctx, false) }

// replaceKept is done by one process of a profile at a time, from reading the
// older checkpoint until the newer one is in its place: so none is ever replaced by
// one that was asked for before it.
func (c *Conn) replaceKept(ctx context.Context, upToDate bool) error {
	p := c.profile
	lock := flock.New(p.path(fileCheckpointLock))
	if _, err := lock.TryLockContext(ctx, lockPause); err != nil && ctx.Err() != nil {
		return err
	}
	// Where there are no locks, what replaceCheckpoint compares must do.
	defer lock.Close() //nolint:errcheck // it ends with the process at the latest
	older, err := p.OlderCheckpoint()
	if err != nil {
		return err
	}
	var size uint64
	if older != "" {
		if size, err = audit.CheckpointSize(p.LogKey, older); err != nil {
			return logFault("ALARM: the checkpoint kept in the profile's file "+fileCheckpoint+" is damaged, or of another log", err)
		}
	}
	answer, err := c.Audit.GetCheckpoint(ctx, &amparov1.GetCheckpointRequest{OldSize: size, UpToDate: upToDate})
	if err != nil {
		if size > 0 && Explain(err).Exit == exitInvalid {
			return c.shrunk(ctx, older, err)
		}
		return err
	}
	newer := answer.GetCheckpoint()
	if err := audit.CheckConsistency(p.LogKey, older, newer, answer.GetProof()); err != nil {
		return p.accuse(older, newer, err)
	}
	if err := p.replaceCheckpoint(older, newer); err != nil {
		return err
	}
	if c.now != nil {
		p.rememberSeen(c.now())
	}
	return nil
}

// shrunk is for a service that says that it has no log as long as the one that was
// seen: what it has instead is the evidence.
func (c *Conn) shrunk(ctx context.Context, older string, cause error) error {
	cause = fmt.Errorf("%w: %w", audit.ErrShrunk, cause)
	answer, err := c.Audit.GetCheckpoint(ctx, &amparov1.GetCheckpointRequest{})
	if err != nil {
		return c.profile.accuse(older, "", cause)
	}
	return c.profile.accuse(older, answer.GetCheckpoint(), cause)
}

// replaceCheckpoint keeps the newer one, which is proven to extend the older, where
// that is still the one that is kept.
func (p *Profile) replaceCheckpoint(older, newer string) error {
	kept, err := p.OlderCheckpoint()
	if err != nil || kept != older {
		return err
	}
	if older != "" {
		before, err := audit.CheckpointSize(p.LogKey, older)
		if err != nil {
			return err
		}
		// Of two about the same leaves, the one that more have signed is worth more.
		if after, err := audit.CheckpointSize(p.LogKey, newer); err != nil || after == before && len(newer) <= len(older) {
			return err
		}
	}
	return writeFile(p.path(fileCheckpoint), []byte(newer))
}

// OlderCheckpoint is the newest checkpoint of the audit log that this device has
// seen, or "" when it has seen none.
func (p *Profile) OlderCheckpoint() (string, error) {
	note, err := os.ReadFile(p.path(fileCheckpoint))
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return "", fmt.Errorf("read checkpoint: %w", err)
	}
	return string(note), nil
}

// accuse keeps the newer checkpoint beside the older and names both.
func (p *Profile) accuse(older, newer string, cause error) error {
	text := "ALARM: the service's audit log is not the one that this device has seen"
	if errors.Is(cause, audit.ErrShrunk) {
		text = "ALARM: the service's audit log is shorter than this device has seen it"
	}
	if older != "" {
		text += ": seen was " + p.described(fileCheckpoint, older)
	}
	if newer != "" {
		text += ", shown now is " + p.described(p.keepRefused(newer), newer)
	}
	return logFault(text, cause)
}

// keepRefused keeps a checkpoint under a name that follows from it, and returns that
// name. No file that is there is touched.
func (p *Profile) keepRefused(note string) string {
	note = note[:min(len(note), maxNote)]
	sum := sha256.Sum256([]byte(note))
	name := refusedPrefix + hex.EncodeToString(sum[:8])
	if _, err := os.Lstat(p.path(name)); err == nil {
		return name
	}
	if p.refused() >= maxRefused || writeFile(p.path(name), []byte(note)) != nil {
		return "one that could not be kept"
	}
	return name
}

// refused counts the checkpoints that were refused and kept.
func (p *Profile) refused() (n int) {
	entries, _ := os.ReadDir(p.Dir) // a folder that cannot be read takes no file either
	for _, entry := range entries {
		if strings.HasPrefix(entry.Name(), refusedPrefix) {
			n++
		}
	}
	return n
}

// described names a checkpoint by its file and says what is in it.
func (p *Profile) described(name, note string) string {
	size, err := audit.CheckpointSize(p.LogKey, note)
	if err != nil {
		return name + " (not signed by this log)"
	}
	return fmt.Sprintf("%s (%d leaves, root %s)", name, size, strings.Split(note, "\n")[2])
}

func logFault(text string, cause error) error {
	return &Failure{
		Exit: exitVerification, Reason: reasonLog, Text: text,
		Next: "keep the profile's folder as it is and tell the auditor by another way", cause: cause,
	}
}
