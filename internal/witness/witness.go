// Package witness cosigns the checkpoints of a log, so that a service that was put
// back to an older state, or that shows two logs, does not get away with it even
// while no client looks. It holds both sides of the C2SP tlog-witness protocol.
//
// A witness runs on a machine of somebody else. Open opens its folder, Serve answers:
// it cosigns a checkpoint that is proven to extend the last one that it cosigned, and
// never two that do not extend one another. It keeps one checkpoint for each log and
// learns nothing of what is in the log.
//
// The service's side is the Cosigner: it submits each new checkpoint, and has the
// cosigned ones shown to clients. A witness that does not answer holds nothing up. Of one
// that has seen more than the service has, or something else, people are told: the
// service's store is not the one that it was.
//
// A witness whose whole folder is put back to an older state does not notice that by
// itself; the service that it cosigns for does. It cosigns logs of Amparo, whose
// checkpoints have three lines, and signs with Ed25519.
package witness

import (
	"errors"
	"fmt"
	"strings"
	"sync"

	"golang.org/x/mod/sumdb/note"

	"github.com/amparo-project/amparo/internal/audit"
)

// What a caller may conclude from an error of Open.
var (
	// ErrHeld: another process has the folder.
	ErrHeld = errors.New("witness: folder is in use by another process")
	// ErrDamaged: what the witness has signed cannot be read from the folder any
	// more. A witness that forgot could sign something else, so it signs nothing.
	ErrDamaged = errors.New("witness: folder is damaged")
	// ErrKey: a key is not of the form that is needed.
	ErrKey = errors.New("witness: key cannot be used")
)

// Witness answers submissions. Its methods are safe for concurrent use.
type Witness struct {
	logs    map[string]logKey // by origin
	suspect func(Suspicion)

	// mu is held from looking at what was cosigned last until what is cosigned next
	// is durable: between the two nobody else may do the same.
	mu       sync.Mutex
	folder   *folder
	broken   chan error // takes the first failure of the folder
	reported map[string]bool
}

type logKey struct {
	public   string
	verifier note.Verifier
}

// Suspicion is a checkpoint that a log has signed and that is not shown to extend the
// one that was cosigned last. With two roots for one size it is proven that there are
// two logs; else the submission may only have been a wrong one.
type Suspicion struct {
	// Origin names the log.
	Origin string
	// Held is the note that was cosigned last, Shown the one that was refused.
	Held, Shown string
	// Err is audit.ErrFork, or audit.ErrInvalid for a proof of a wrong form.
	Err error
}

// maxReported is how many suspicions are passed on: whoever has a log's notes can send
// them again and again.
const maxReported = 64

// Open opens a witness's folder, or makes it with a new key, for the logs with these
// public keys. suspect is told of each Suspicion, once.
func Open(dir string, logKeys []string, suspect func(Suspicion)) (*Witness, error) {
	w := &Witness{logs: map[string]logKey{}, suspect: suspect, broken: make(chan error, 1), reported: map[string]bool{}}
	for _, key := range logKeys {
		key = strings.TrimSpace(key)
		verifier, err := note.NewVerifier(key)
		if err != nil {
			return nil, fmt.Errorf("%w: a log's key", ErrKey)
		}
		if _, twice := w.logs[verifier.Name()]; twice {
			return nil, fmt.Errorf("%w: two keys of one log", ErrKey)
		}
		w.logs[verifier.Name()] = logKey{key, verifier}
	}
	var err error
	if w.folder, err = openFolder(dir); err != nil {
		return nil, err
	}
	for origin, signed := range w.folder.state.notes {
		log, known := w.logs[origin]
		if !known {
			continue // it is kept for the day on which it is one of the logs again
		}
		if _, err := audit.CheckpointSize(log.public, signed); err != nil {
			return nil, errors.Join(fmt.Errorf("%w: what was cosigned is not by the key of its log", ErrDamaged), w.folder.close())
		}
	}
	return w, nil
}

// Key verifies the witness's cosignatures. It is what a service's configuration names.
func (w *Witness) Key() string { return w.folder.public }

// Close lets another process open the folder.
func (w *Witness) Close() error { return w.folder.close() }

// refusal is an answer other than a cosignature. The codes are those of the protocol.
type refusal struct {
	code int
	text string
	size *uint64 // of what was cosigned last, where the protocol wants it said
}

// cosign judges a submission. It returns the line that cosigns it, once that it was
// cosigned is durable, or why not.
func (w *Witness) cosign(s submission) (line string, no *refusal) {
	log, known := w.logs[s.origin()]
	if !known {
		return "", &refusal{code: codeUnknown, text: "unknown log"}
	}
	opened, err := note.Open([]byte(s.checkpoint), note.VerifierList(log.verifier))
	if unsigned, badlySigned := new(note.UnverifiedNoteError), new(note.InvalidSignatureError); errors.As(err, &unsigned) || errors.As(err, &badlySigned) {
		return "", &refusal{code: codeForbidden, text: "not signed by the log"}
	}
	size, sizeErr := audit.CheckpointSize(log.public, s.checkpoint)
	switch {
	case err != nil || sizeErr != nil:
		return "", &refusal{code: codeMalformed, text: "not a checkpoint"}
	case s.oldSize > size:
		return "", &refusal{code: codeMalformed, text: "the old size is beyond the checkpoint's"}
	}
	w.mu.Lock()
	defer w.mu.Unlock()
	if no := w.extends(log.public, s, size); no != nil {
		return "", no
	}
	// What others have signed is theirs to keep.
	line, signed, err := w.folder.sign(&note.Note{Text: opened.Text, Sigs: opened.Sigs})
	if err == nil {
		err = w.folder.keep(s.origin(), signed)
	}
	if err != nil {
		select {
		case w.broken <- err:
		default:
		}
		return "", &refusal{code: codeBroken, text: "the witness cannot keep what it signs"}
	}
	return line, nil
}

// extends compares a submission with what was cosigned last. Its caller holds mu.
func (w *Witness) extends(public string, s submission, size uint64) *refusal {
	held, heldSize := w.folder.state.notes[s.origin()], uint64(0)
	if held != "" {
		var err error
		if heldSize, err = audit.CheckpointSize(public, held); err != nil {
			return &refusal{code: codeBroken, text: "the witness cannot read what it signed"}
		}
	}
	if s.oldSize != heldSize {
		return &refusal{code: codeConflict, size: &heldSize}
	}
	err := audit.CheckConsistency(public, held, s.checkpoint, s.proof)
	if err == nil && heldSize == 0 && len(s.proof) > 0 {
		return &refusal{code: codeUnproven, text: "proof where none is needed"}
	}
	if err == nil {
		return nil
	}
	w.tell(Suspicion{Origin: s.origin(), Held: held, Shown: s.checkpoint, Err: err})
	if size == heldSize && errors.Is(err, audit.ErrFork) {
		return &refusal{code: codeConflict, size: &heldSize}
	}
	return &refusal{code: codeUnproven, text: "not shown to extend what was cosigned"}
}

func (w *Witness) tell(s Suspicion) {
	if w.reported[s.Shown] || len(w.reported) >= maxReported {
		return
	}
	w.reported[s.Shown] = true
	w.suspect(s)
}
