package night_test

import (
	"bufio"
	"encoding/json"
	"io"
	"os"
	"path/filepath"
	"testing"
)

// act is one writing call: what somebody intends, and what became of it. All of its
// content follows from these fields, so the ledger holds everything that a later
// look at the store needs.
type act struct {
	ID     string `json:"id"` // the request id, which also marks the act's content
	Kind   string `json:"kind"`
	Writer int    `json:"writer"`
	Case   string `json:"case,omitempty"` // of an intake only once it is acknowledged
	SHA256 string `json:"sha256"`         // of the request
	Acked  bool   `json:"acked,omitempty"`
	// Version that the receipt named; zero where the answer shows nothing of the case.
	Version uint64 `json:"version,omitempty"`
	// Entry of the case's ledger that the answer named.
	Entry uint32 `json:"entry,omitempty"`
	// Of is the entry that a signature is for.
	Of uint32 `json:"of,omitempty"`
}

// ledger is the file that knows what was promised: an act is in it, on the disk,
// before the call is made, and once more when the answer has come.
type ledger struct {
	t     testing.TB
	path  string
	lines chan ledgerLine
	ended chan struct{}
	read  int64 // so many bytes of the file have been read back
	acts  map[string]*act
	order []*act
}

type ledgerLine struct {
	raw  []byte
	done chan error
}

func newLedger(t testing.TB) *ledger {
	t.Helper()
	l := &ledger{
		t: t, path: filepath.Join(t.TempDir(), "ledger"), lines: make(chan ledgerLine, 64),
		ended: make(chan struct{}), acts: map[string]*act{},
	}
	file, err := os.OpenFile(l.path, os.O_CREATE|os.O_EXCL|os.O_APPEND|os.O_WRONLY, 0o600)
	if err != nil {
		t.Fatal(err)
	}
	go l.writeAll(file)
	t.Cleanup(func() {
		close(l.lines)
		<-l.ended
	})
	return l
}

// writeAll writes what waits and syncs it at once, as long as lines come.
func (l *ledger) writeAll(file *os.File) {
	defer close(l.ended)
	defer file.Close()
	for line := range l.lines {
		waiting := []ledgerLine{line}
		raw := line.raw
		for len(l.lines) > 0 {
			next := <-l.lines
			waiting, raw = append(waiting, next), append(raw, next.raw...)
		}
		_, err := file.Write(raw)
		if err == nil {
			err = file.Sync()
		}
		for _, w := range waiting {
			w.done <- err
		}
	}
}

// note writes an act down; it is durable when the method returns.
func (l *ledger) note(a act) {
	raw, err := json.Marshal(a)
	if err != nil {
		l.t.Error(err)
		return
	}
	line := ledgerLine{append(raw, '\n'), make(chan error, 1)}
	l.lines <- line
	if err := <-line.done; err != nil {
		l.t.Errorf("write ledger: %v", err)
	}
}

// readBack reads what was written since the last time, from the file.
func (l *ledger) readBack() {
	l.t.Helper()
	file, err := os.Open(l.path)
	if err != nil {
		l.t.Fatal(err)
	}
	defer file.Close()
	if _, err := file.Seek(l.read, io.SeekStart); err != nil {
		l.t.Fatal(err)
	}
	lines := bufio.NewReader(file)
	for {
		raw, err := lines.ReadBytes('\n')
		if err == io.EOF {
			return
		}
		if err != nil {
			l.t.Fatal(err)
		}
		l.read += int64(len(raw))
		var said act
		if err := json.Unmarshal(raw, &said); err != nil {
			l.t.Fatal(err)
		}
		if known := l.acts[said.ID]; known != nil {
			*known = said
			continue
		}
		l.acts[said.ID] = &said
		l.order = append(l.order, &said)
	}
}

// byCase groups acts by the case that they are about. Intakes that were never
// answered belong to none.
func byCase(acts []*act) map[string][]*act {
	cases := map[string][]*act{}
	for _, a := range acts {
		if a.Case != "" {
			cases[a.Case] = append(cases[a.Case], a)
		}
	}
	return cases
}
