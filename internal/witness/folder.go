package witness

import (
	"crypto/rand"
	"encoding/base64"
	"encoding/hex"
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"

	"github.com/gofrs/flock"
	formats "github.com/transparency-dev/formats/note"
	"golang.org/x/mod/sumdb/note"

	"github.com/amparo-project/amparo/internal/durable"
)

// The files of a witness's folder. The state is written twice: first as what is
// promised, then as what is kept, and only then is it answered for. So a crash leaves
// the second one step behind the first, and nothing but somebody's hand leaves it
// further behind, or the first behind the second.
const (
	fileKey      = "key"
	filePromised = "promised"
	fileKept     = "kept"
	fileLock     = "lock"
)

const stateFirst = "amparo witness state v1\n"

// state is what was cosigned last, of each log.
type state struct {
	generation uint64
	notes      map[string]string // by origin
}

// text is three kinds of lines: the format, the generation, and the notes in base64.
func (s state) text() string {
	var b strings.Builder
	b.WriteString(stateFirst + strconv.FormatUint(s.generation, 10) + "\n")
	for _, origin := range slices.Sorted(maps.Keys(s.notes)) {
		b.WriteString(base64.StdEncoding.EncodeToString([]byte(s.notes[origin])) + "\n")
	}
	return b.String()
}

func readState(text string) (state, error) {
	s := state{notes: map[string]string{}}
	rest, known := strings.CutPrefix(text, stateFirst)
	number, rest, whole := strings.Cut(rest, "\n")
	var err error
	if s.generation, err = readSize(number); err != nil || !known || !whole {
		return s, fmt.Errorf("%w: its state is of another form", ErrDamaged)
	}
	for line := range strings.Lines(rest) {
		signed, err := base64.StdEncoding.DecodeString(strings.TrimSuffix(line, "\n"))
		if err != nil {
			return s, fmt.Errorf("%w: its state is of another form", ErrDamaged)
		}
		s.notes[submission{checkpoint: string(signed)}.origin()] = string(signed)
	}
	return s, nil
}

// folder is the state on disk, with the key that signs it and cosigns checkpoints.
type folder struct {
	dir      string
	lock     *flock.Flock
	public   string        // verifies cosignatures
	own      note.Signer   // signs the state
	verifier note.Verifier // of the state
	cosigner note.Signer
	state    state
	failed   error // what the disk holds is not known any more
}

func openFolder(dir string) (*folder, error) {
	if err := os.Mkdir(dir, 0o700); err != nil && !errors.Is(err, fs.ErrExist) {
		return nil, fmt.Errorf("make folder: %w", err)
	}
	if info, err := os.Stat(dir); err != nil || info.Mode().Perm()&0o077 != 0 {
		return nil, errors.Join(err, errors.New("witness: other users of this machine can look into the folder; chmod 700 it"))
	}
	f := &folder{dir: dir, lock: flock.New(filepath.Join(dir, fileLock))}
	taken, err := f.lock.TryLock()
	if err != nil {
		return nil, fmt.Errorf("lock folder: %w", err)
	}
	if !taken {
		return nil, ErrHeld
	}
	if err := f.open(); err != nil {
		return nil, errors.Join(err, f.close())
	}
	return f, nil
}

func (f *folder) open() error {
	keys, err := os.ReadFile(f.path(fileKey))
	if errors.Is(err, fs.ErrNotExist) {
		return f.begin()
	}
	if err != nil {
		return fmt.Errorf("read key: %w", err)
	}
	if err := f.useKeys(string(keys)); err != nil {
		return err
	}
	return f.load()
}

func (f *folder) path(name string) string { return filepath.Join(f.dir, name) }

func (f *folder) close() error { return f.lock.Close() }

// begin makes a new witness. The key comes last: a folder without one has signed
// nothing, and a folder with one that has no state has lost it.
func (f *folder) begin() error {
	for _, name := range []string{filePromised, fileKept} {
		if text, err := os.ReadFile(f.path(name)); err == nil && !strings.HasPrefix(string(text), state{}.text()+"\n") {
			return fmt.Errorf("%w: its key is gone", ErrDamaged)
		}
	}
	id := make([]byte, 16)
	_, _ = rand.Read(id)
	secret, public, err := note.GenerateKey(rand.Reader, "witness/"+hex.EncodeToString(id))
	if err != nil {
		return fmt.Errorf("generate key: %w", err)
	}
	keys := secret + "\n" + public + "\n"
	if err := f.useKeys(keys); err != nil {
		return err
	}
	if err := errors.Join(f.write(filePromised, state{}), f.write(fileKept, state{})); err != nil {
		return err
	}
	f.state.notes = map[string]string{}
	if err := durable.ReplaceWith(f.path(fileKey), []byte(keys)); err != nil {
		return err
	}
	return durable.SyncFolder(filepath.Dir(f.dir))
}

// useKeys reads the file of the key: the secret one, and the public one to it. The same
// key signs the state, as plain Ed25519, and cosigns checkpoints; what is signed begins
// differently.
func (f *folder) useKeys(keys string) (err error) {
	damaged := fmt.Errorf("%w: its key", ErrDamaged)
	secret, public, _ := strings.Cut(strings.TrimSuffix(keys, "\n"), "\n")
	if f.own, err = note.NewSigner(secret); err != nil {
		return damaged
	}
	if f.verifier, err = note.NewVerifier(public); err != nil {
		return damaged
	}
	if f.cosigner, err = formats.NewSignerForCosignatureV1(secret); err != nil {
		return damaged
	}
	if f.public, err = formats.VKeyToCosignatureV1(public); err != nil {
		return damaged
	}
	const text = "a key that fits\n"
	signature, err := f.own.Sign([]byte(text))
	if err != nil || f.own.KeyHash() != f.verifier.KeyHash() || !f.verifier.Verify([]byte(text), signature) {
		return damaged
	}
	return nil
}

// load reads both states and refuses whatever a crash does not explain.
func (f *folder) load() error {
	promised, err := f.read(filePromised)
	if err != nil {
		return err
	}
	kept, err := f.read(fileKept)
	if err != nil {
		return err
	}
	switch {
	case promised.text() == kept.text():
	case promised.generation == kept.generation+1:
		// Nobody may have been answered yet, and nobody has been answered anything
		// that it does not extend.
		if err := f.write(fileKept, promised); err != nil {
			return err
		}
	default:
		return fmt.Errorf("%w: %s and %s are not of one moment", ErrDamaged, filePromised, fileKept)
	}
	f.state = promised
	return nil
}

func (f *folder) read(name string) (state, error) {
	signed, err := os.ReadFile(f.path(name))
	if err != nil {
		return state{}, fmt.Errorf("%w: read %s: %w", ErrDamaged, name, err)
	}
	opened, err := note.Open(signed, note.VerifierList(f.verifier))
	if err != nil {
		return state{}, fmt.Errorf("%w: %s is not signed by its key", ErrDamaged, name)
	}
	return readState(opened.Text)
}

func (f *folder) write(name string, s state) error {
	signed, err := note.Sign(&note.Note{Text: s.text()}, f.own)
	if err != nil {
		return fmt.Errorf("sign state: %w", err)
	}
	return durable.ReplaceWith(f.path(name), signed)
}

// sign returns the line that cosigns a checkpoint, and the note with that line below
// its other signatures.
func (f *folder) sign(n *note.Note) (line, signed string, err error) {
	whole, err := note.Sign(n, f.cosigner)
	if err != nil {
		return "", "", fmt.Errorf("cosign: %w", err)
	}
	signed = string(whole)
	start := strings.LastIndex(strings.TrimSuffix(signed, "\n"), "\n") + 1
	return signed[start:], signed, nil
}

// keep makes it durable that a checkpoint was cosigned. After an error it always
// fails: the disk may hold this step or the one before, until it is read again.
func (f *folder) keep(origin, signed string) error {
	if f.failed != nil {
		return f.failed
	}
	next := state{generation: f.state.generation + 1, notes: maps.Clone(f.state.notes)}
	next.notes[origin] = signed
	for _, name := range []string{filePromised, fileKept} {
		if f.failed = f.write(name, next); f.failed != nil {
			return f.failed
		}
	}
	f.state = next
	return nil
}
