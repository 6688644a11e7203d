// Package anchor keeps the newest checkpoint of a service's log outside of its data
// folder, on another medium. A store that is put back to an older state, or of which
// a copy is served elsewhere, does not fit what is there.
//
// Take comes first, before the store is opened: one service at a time has an anchor.
// Hold compares the unsealed log with it, and refuses a log that does not hold all
// that the anchor covers. From then on Keep puts each newer checkpoint in the place
// of the one before, by compare-and-swap.
//
// It does not help against whoever puts back the anchor together with the store:
// that is for clients and witnesses.
package anchor

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"slices"
	"sync"
	"syscall"
	"time"

	"github.com/gofrs/flock"

	"github.com/amparo-project/amparo/internal/audit"
	"github.com/amparo-project/amparo/internal/durable"
)

// What a caller may conclude from an error. Any other is the medium's: what is
// anchored is neither less nor more than before.
var (
	// ErrHeld: another service has the anchor.
	ErrHeld = errors.New("anchor: in use by another service")
	// ErrOvertaken: somebody else has written the anchor since, so there may be two
	// services with one log. Whoever gets it stops.
	ErrOvertaken = errors.New("anchor: overtaken by another service")
	// ErrDamaged: what is there is not a checkpoint of this log.
	ErrDamaged = errors.New("anchor: not a checkpoint of this log")
)

const (
	// pace is the time between two looks at the anchor, and so between two
	// checkpoints that are anchored.
	pace = time.Second
	// silence is after how many looks an outage is reported again.
	silence = 600
)

// Log is what is anchored; audit.Log is one.
type Log interface {
	// PublicKey verifies the checkpoints.
	PublicKey() string
	// Checkpoint returns the newest one, which is durable.
	Checkpoint() string
	// ConsistencyProof returns it with the proof that it extends an older one.
	ConsistencyProof(ctx context.Context, oldSize uint64) (signed string, proof [][]byte, err error)
}

// Anchor is a file with one checkpoint.
type Anchor struct {
	path     string
	lock     *flock.Flock
	unlocked bool
	log      Log

	mu sync.Mutex
	// mine is what this service has written: the last that is known to be there, and
	// the one of an attempt that failed, which may be.
	mine []string
}

// Take opens an anchor for this service alone. The file need not be there yet, its
// folder must. Where the file system has no locks, Unlocked says so, and only the
// comparing keeps two services apart.
func Take(path string) (*Anchor, error) {
	if info, err := os.Lstat(path); err == nil && !info.Mode().IsRegular() {
		return nil, fmt.Errorf("take anchor: %w: it is no regular file", ErrDamaged)
	}
	a := &Anchor{path: path, lock: flock.New(path + ".lock")}
	taken, err := a.lock.TryLock()
	switch {
	case errors.Is(err, errors.ErrUnsupported), errors.Is(err, syscall.ENOLCK):
		a.unlocked = true
	case err != nil:
		return nil, fmt.Errorf("take anchor: %w", err)
	case !taken:
		return nil, ErrHeld
	}
	return a, nil
}

// Unlocked reports that the file system has no locks.
func (a *Anchor) Unlocked() bool { return a.unlocked }

// Release lets another service take the anchor.
func (a *Anchor) Release() error { return a.lock.Close() }

// Hold holds a log to the anchor, and from then on the anchor to that log. It reports
// whether there was no anchor, so that this one was made. The error wraps
// audit.ErrShrunk or audit.ErrFork when the log does not hold what the anchor covers,
// and ErrDamaged when it covers nothing of this log; then nothing is written.
func (a *Anchor) Hold(ctx context.Context, log Log) (made bool, err error) {
	older, err := a.read()
	made = errors.Is(err, fs.ErrNotExist)
	if err != nil && !made {
		return false, err
	}
	if !made {
		if err := a.compare(ctx, log, older); err != nil {
			return false, err
		}
	}
	a.log = log
	newest := log.Checkpoint()
	a.mine = []string{newest}
	if older == newest {
		return false, nil
	}
	return made, durable.ReplaceWith(a.path, []byte(newest))
}

func (a *Anchor) compare(ctx context.Context, log Log, older string) error {
	size, err := audit.CheckpointSize(log.PublicKey(), older)
	if err != nil {
		return fmt.Errorf("%w: %w", ErrDamaged, err)
	}
	newest, proof, err := log.ConsistencyProof(ctx, size)
	if errors.Is(err, audit.ErrInvalid) { // it has no log of that size
		newest, proof, err = log.Checkpoint(), nil, nil
	}
	if err != nil {
		return err
	}
	return audit.CheckConsistency(log.PublicKey(), older, newest, proof)
}

// maxNote is more than any checkpoint has, with whatever signatures.
const maxNote = 64 << 10

func (a *Anchor) read() (string, error) {
	info, err := os.Stat(a.path)
	if err != nil {
		return "", fmt.Errorf("read anchor: %w", err)
	}
	if info.Size() > maxNote {
		return "", fmt.Errorf("read anchor: %w", ErrDamaged)
	}
	note, err := os.ReadFile(a.path)
	if err != nil {
		return "", fmt.Errorf("read anchor: %w", err)
	}
	return string(note), nil
}

// Replace puts the log's newest checkpoint in the place of the one that this service
// wrote before. ErrOvertaken: somebody else has written there. After any other error
// it may be called again, and must be: what is anchored is older than the log.
//
// It makes no file where there is none, since a medium that was taken out leaves an
// empty folder behind.
func (a *Anchor) Replace() error {
	a.mu.Lock()
	defer a.mu.Unlock()
	newest := a.log.Checkpoint()
	there, err := a.read()
	if err != nil {
		return err
	}
	if !slices.Contains(a.mine, there) {
		// A medium that was torn out in the middle of a write holds anything; only
		// who has the log's key can have written another checkpoint.
		if _, err := audit.CheckpointSize(a.log.PublicKey(), there); err != nil {
			return fmt.Errorf("%w: %w", ErrDamaged, err)
		}
		return ErrOvertaken
	}
	if there == newest {
		return nil
	}
	a.mine = []string{there, newest}
	if err := durable.ReplaceWith(a.path, []byte(newest)); err != nil {
		return fmt.Errorf("write anchor: %w", err)
	}
	a.mine = []string{newest}
	return nil
}

// Keep calls Replace about once a second, until ctx ends or the anchor is overtaken.
// report is told of every outage of the medium, again from time to time while it
// lasts, and with nil when it is over.
func (a *Anchor) Keep(ctx context.Context, report func(error)) error {
	ticker := time.NewTicker(pace)
	defer ticker.Stop()
	for failures := 0; ; {
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-ticker.C:
		}
		err := a.Replace()
		switch {
		case errors.Is(err, ErrOvertaken):
			return err
		case err == nil && failures > 0:
			failures = 0
			report(nil)
		case err != nil:
			if failures%silence == 0 {
				report(err)
			}
			failures++
		}
	}
}
