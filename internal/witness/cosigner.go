package witness

import (
	"context"
	"errors"
	"fmt"
	"strconv"
	"strings"
	"sync"
	"time"
)

// What a witness says when the store is not the one that it was.
var (
	// ErrAhead: a witness has cosigned a larger log.
	ErrAhead = errors.New("witness: it has seen more of this log")
	// ErrForked: a witness has cosigned another log.
	ErrForked = errors.New("witness: it has seen another log")
)

// errForgot is for the witness's operator.
var errForgot = errors.New("witness went back")

const (
	// pace is how often a Cosigner looks for a new checkpoint.
	pace = time.Second
	// round is how many looks lie between two submissions at least.
	round = 10
	// maxRest is the longest that a witness which does not answer is left alone, in
	// rounds.
	maxRest = 32
	// stale is after how many rounds without a cosignature the last one is no longer
	// shown: clients then keep what is newer, and nobody has signed but the log.
	stale = 6
	// maxPeers keeps a note within what every reader of one takes.
	maxPeers = 16
)

// Log is what is cosigned; audit.Log is one.
type Log interface {
	// Checkpoint returns the newest checkpoint, which is durable.
	Checkpoint() string
	// Extension proves that newSize leaves begin with the first oldSize.
	Extension(ctx context.Context, oldSize, newSize uint64) ([][]byte, error)
	// Cosign takes a checkpoint with cosignatures, which is shown to clients from
	// then on, or an empty one when there is none any more.
	Cosign(signed string) error
}

// Cosigner has the checkpoints of one log cosigned.
type Cosigner struct {
	report func(witness string, err error)
	pace   time.Duration

	mu     sync.Mutex // held while a checkpoint is submitted
	peers  []*peer
	done   string // the checkpoint that all witnesses have cosigned
	misses int    // rounds in which none has
}

// NewCosigner prepares the cosigning of a log by these witnesses. report is told, by the
// name in a witness's key, when that witness does not do its part, once with ErrAhead or
// ErrForked when it contradicts the log, and with nil when it does its part again.
//
// What a witness says against a log is a number that nobody has signed, from a machine of
// somebody else: it is for a person to judge, and it stops neither the service nor the
// other witnesses.
func NewCosigner(peers []Peer, report func(witness string, err error)) (*Cosigner, error) {
	if len(peers) > maxPeers {
		return nil, fmt.Errorf("%d witnesses, at most %d", len(peers), maxPeers)
	}
	c := &Cosigner{report: report, pace: pace}
	names := map[string]bool{}
	for i, configured := range peers {
		p, err := newPeer(configured)
		if err != nil {
			return nil, fmt.Errorf("witness %d: %w", i+1, err)
		}
		if names[p.verifier.Name()] {
			return nil, fmt.Errorf("witness %d: %w: it is there twice", i+1, ErrKey)
		}
		names[p.verifier.Name()] = true
		c.peers = append(c.peers, p)
	}
	return c, nil
}

// Run submits a log's checkpoints until ctx ends or the log fails.
func (c *Cosigner) Run(ctx context.Context, log Log) error {
	ticker := time.NewTicker(c.pace)
	defer ticker.Stop()
	for waited := round; ; waited++ {
		if waited >= round {
			asked, err := c.submit(ctx, log)
			if err != nil {
				return err
			}
			if asked {
				waited = 0
			}
		}
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-ticker.C:
		}
	}
}

// Last submits what a service that stops has done since. Run may have ended by then.
func (c *Cosigner) Last(ctx context.Context, log Log) error {
	_, err := c.submit(ctx, log)
	return err
}

// submit has the newest checkpoint cosigned by whoever is due, all at once. It reports
// whether that was not done already.
func (c *Cosigner) submit(ctx context.Context, log Log) (asked bool, err error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	checkpoint := log.Checkpoint()
	if checkpoint == c.done {
		return false, nil
	}
	_, rest, _ := strings.Cut(checkpoint, "\n")
	number, _, _ := strings.Cut(rest, "\n")
	size, err := strconv.ParseUint(number, 10, 63)
	if err != nil {
		return false, fmt.Errorf("cosign checkpoint: %w", err)
	}
	errs := make([]error, len(c.peers))
	var asking sync.WaitGroup
	for i, p := range c.peers {
		if p.cosigned == checkpoint {
			continue
		}
		if p.rest > 0 {
			p.rest--
			continue
		}
		asking.Go(func() { errs[i] = p.submit(ctx, log, checkpoint, size) })
	}
	asking.Wait()
	for i, p := range c.peers {
		if ctx.Err() == nil {
			c.note(p, errs[i], checkpoint)
		}
	}
	if ctx.Err() != nil {
		return true, ctx.Err()
	}
	return true, c.show(log, checkpoint)
}

// note counts what a witness does not do, and leaves it alone for longer each time.
func (c *Cosigner) note(p *peer, err error, checkpoint string) {
	contradicts := errors.Is(err, ErrAhead) || errors.Is(err, ErrForked)
	switch {
	case err != nil:
		if p.failures == 0 || errors.Is(err, errForgot) || contradicts && !p.contradicts {
			c.report(p.verifier.Name(), err)
		}
		p.contradicts = p.contradicts || contradicts // until it cosigns again
		p.rest = min(1<<min(p.failures, 8), maxRest) - 1
		p.failures++
	case p.cosigned == checkpoint && p.failures > 0:
		p.failures, p.contradicts = 0, false
		c.report(p.verifier.Name(), nil)
	}
}

// show has the checkpoint shown with all cosignatures that it has.
func (c *Cosigner) show(log Log, checkpoint string) error {
	signed, all := checkpoint, true
	for _, p := range c.peers {
		if p.cosigned == checkpoint {
			signed += p.line
		} else {
			all = false
		}
	}
	if all {
		c.done = checkpoint
	}
	if signed != checkpoint {
		c.misses = 0
		return log.Cosign(signed)
	}
	if c.misses++; c.misses == stale {
		return log.Cosign("")
	}
	return nil
}
