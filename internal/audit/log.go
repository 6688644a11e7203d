package audit

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"sync/atomic"
	"time"

	"golang.org/x/mod/sumdb/note"

	"github.com/amparo-project/amparo/internal/store"
)

// Config is what a log is made of. All of it is needed.
type Config struct {
	Engine store.Engine
	Sealer Sealer
	// Key is the secret key of the log, from GenerateKey. Whoever has it can sign
	// a forged log, so it is in no backup.
	Key string
}

// State is how far the log has come, as its newest checkpoint says.
type State struct {
	// Size is the number of leaves.
	Size uint64
	// Revision is the engine's revision up to which all leaves are in.
	Revision store.Revision
	// Fold is the XOR, over all files, of Sealer.Fold of their newest version.
	Fold [32]byte
	// Checkpoint is the signed note.
	Checkpoint string
}

// Log is the audit log of one store. Its methods are safe for concurrent use.
type Log struct {
	config Config
	signer note.Signer
	public string
	reader *chunks

	// sequencing is held by whoever moves the log forward, from reading where it
	// stands until the engine has answered.
	sequencing sync.Mutex
	attempt    *attempt // a commit without an answer yet; see settle

	// at is what readers see. Only the holder of sequencing replaces it, after
	// the commit that leads there is durable.
	at atomic.Pointer[position]
	// cosigned is what Cosign was given last; see there.
	cosigned atomic.Pointer[cosigned]
	// highWater is ahead of at by the leaves that wait.
	highWater atomic.Int64 // nanoseconds since 1970

	failure sync.Mutex // guards err, and the closing of failed
	err     error
	failed  chan struct{}
}

// Create begins an empty log in a store that has none. It fails with ErrBroken
// when the store holds a log, or any part of one.
func Create(ctx context.Context, config Config) error {
	signer, _, err := keyPair(config.Key)
	if err != nil {
		return err
	}
	first, writes, err := emptyPosition().advance(&config, signer, nil, 0)
	if err != nil {
		return err
	}
	conditions := []store.Condition{{Key: stateKey}, {Key: first.hashes.key(0)}, {Key: first.locators.key(0)}}
	if _, err := config.Engine.Commit(ctx, conditions, writes); err != nil {
		if errors.Is(err, store.ErrConflict) {
			return fmt.Errorf("%w: begin a log where there is one", ErrBroken)
		}
		return fmt.Errorf("begin log: %w", err)
	}
	return nil
}

// Open loads a log and verifies its newest checkpoint against what is stored: that
// this key signed it, and that the stored hashes lead to its root. An error that
// wraps ErrBroken says that they do not. Leaves that were recorded since are taken
// in by CatchUp or Run.
func Open(ctx context.Context, config Config) (*Log, error) {
	signer, public, err := keyPair(config.Key)
	if err != nil {
		return nil, err
	}
	l := &Log{config: config, signer: signer, public: public, reader: newChunks(config.Engine), failed: make(chan struct{})}
	p, err := loadPosition(ctx, &l.config, public)
	if err != nil {
		return nil, err
	}
	l.at.Store(p)
	l.raise(p.highWater)
	return l, nil
}

// State returns how far the log has come.
func (l *Log) State() State {
	p := l.at.Load()
	return State{Size: uint64(p.edge.size), Revision: p.revision, Fold: p.fold, Checkpoint: p.signed}
}

// Checkpoint returns the newest checkpoint: a note that any C2SP tool reads.
func (l *Log) Checkpoint() string { return l.at.Load().signed }

// PublicKey returns the key that verifies the log's checkpoints.
func (l *Log) PublicKey() string { return l.public }

// HighWater returns the newest time (UTC) that any leaf bears, or the zero time.
// No new leaf may be older: the next start looks for leaves that are not in the
// tree yet only from the day before this time on.
func (l *Log) HighWater() time.Time {
	if mark := l.highWater.Load(); mark != 0 {
		return time.Unix(0, mark).UTC()
	}
	return time.Time{}
}

func (l *Log) raise(t time.Time) {
	if t.IsZero() {
		return
	}
	for mark := t.UnixNano(); ; {
		old := l.highWater.Load()
		if mark <= old || l.highWater.CompareAndSwap(old, mark) {
			return
		}
	}
}

// Failed is closed when the log can vouch for nothing any more, by then with Err
// set: the service seals itself.
func (l *Log) Failed() <-chan struct{} { return l.failed }

// Err returns why the log failed, or nil.
func (l *Log) Err() error {
	l.failure.Lock()
	defer l.failure.Unlock()
	return l.err
}

// fail latches err, unless all that happened is that ctx ended or that there was
// no room, neither of which says anything about the log.
func (l *Log) fail(ctx context.Context, err error) error {
	if err == nil || errors.Is(err, store.ErrFull) || (ctx.Err() != nil && errors.Is(err, ctx.Err())) {
		return err
	}
	l.failure.Lock()
	defer l.failure.Unlock()
	if l.err == nil {
		l.err = err
		close(l.failed)
	}
	return err
}
