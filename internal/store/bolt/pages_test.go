package bolt_test

import (
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"math/rand/v2"
	"os"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/amparo-project/amparo/internal/store"
	"github.com/amparo-project/amparo/internal/store/bolt"
)

// TestBitFlips damages the file all over. Values may be wrong, which the seal
// above them tells; but everything must end, and nothing may end the process.
func TestBitFlips(t *testing.T) {
	whole := database(t, 3000)
	random := rand.New(rand.NewPCG(1, 2))
	refused, failed, served := 0, 0, 0
	path := file(t, whole)
	for round := range 200 {
		data := append([]byte(nil), whole...)
		page := random.IntN(len(data)/bolt.PageSize) * bolt.PageSize
		switch round % 5 {
		case 0: // one bit somewhere
			data[random.IntN(len(data))] ^= 1 << random.IntN(8)
		case 1: // one bit where a page is described
			data[page+random.IntN(64)] ^= 1 << random.IntN(8)
		case 2: // a run of garbage
			for i := range 4096 {
				data[page+i] = byte(random.Uint32())
			}
		case 3: // a blank page
			clear(data[page : page+bolt.PageSize])
		case 4: // one bit of a meta page
			data[round%2*bolt.PageSize+16+random.IntN(64)] ^= 1 << random.IntN(8)
		}
		if err := os.WriteFile(path, data, 0o600); err != nil {
			t.Fatal(err)
		}
		switch outcome(t, path) {
		case "refused":
			refused++
		case "failed":
			failed++
		case "served":
			served++
		}
	}
	t.Logf("%d refused at opening, %d failed later, %d served", refused, failed, served)
	if refused == 0 || failed == 0 || served == 0 {
		t.Error("the damage was not of all kinds")
	}
}

// outcome opens a damaged file and uses all of it, within ten seconds.
func outcome(t *testing.T, path string) string {
	t.Helper()
	ended := make(chan string, 1)
	go func() { ended <- use(t, path) }()
	select {
	case how := <-ended:
		return how
	case <-time.After(10 * time.Second):
		t.Fatal("a damaged file was not done with in ten seconds")
		return ""
	}
}

func use(t *testing.T, path string) string {
	e, err := bolt.Open(bolt.Options{Path: path})
	if err != nil {
		if !errors.Is(err, store.ErrCorrupt) {
			t.Errorf("Open: got error %v, want %v", err, store.ErrCorrupt)
		}
		return "refused"
	}
	defer e.Close()
	ctx := context.Background()
	how := "served"
	note := func(err error) {
		if err == nil || errors.Is(err, store.ErrNotFound) {
			return
		}
		if !errors.Is(err, store.ErrCorrupt) && !errors.Is(err, store.ErrUnknown) && !errors.Is(err, store.ErrStopped) {
			t.Errorf("got error %v", err)
		}
		how = "failed"
	}
	for i := range 3000 {
		if i%10 == 0 {
			_, err := e.Get(ctx, key(i))
			note(err)
		}
	}
	var after []byte
	for {
		page, err := e.Scan(ctx, nil, after, 500)
		note(err)
		if len(page) < 500 {
			break
		}
		after = page[len(page)-1].Key
	}
	for i := 0; i < 3000; i += 300 {
		_, err := e.Commit(ctx, nil, []store.Write{{Key: key(i), Value: value(i + 1)}, {Key: key(i + 50), Delete: true}})
		note(err)
	}
	return how
}

// TestImpossibleLength makes a value longer than any commit could: nothing of
// that length may be allocated, let alone returned.
func TestImpossibleLength(t *testing.T) {
	data := database(t, 3000)
	word := binary.NativeEndian
	for page := 2 * bolt.PageSize; page < len(data); page += bolt.PageSize {
		element := page + 16
		if word.Uint16(data[page+8:]) == 2 && word.Uint32(data[element:]) == 0 { // a leaf with a value
			word.PutUint32(data[element+12:], 2<<20)
		}
	}
	e := reopen(t, file(t, data))
	_, err := e.Scan(context.Background(), nil, nil, 1)
	wantErr(t, "Scan", err, store.ErrCorrupt)
	found := 0
	for i := range 3000 {
		got, err := e.Get(context.Background(), key(i))
		if err == nil && len(got.Value) > 4000 {
			t.Fatalf("Get returned %d bytes", len(got.Value))
		}
		if errors.Is(err, store.ErrCorrupt) {
			found++
		}
	}
	if found == 0 {
		t.Errorf("nobody was told %v", store.ErrCorrupt)
	}
}

// TestCutWhileOpen cuts the file under a running engine, where reading it
// raises a fault.
func TestCutWhileOpen(t *testing.T) {
	whole := database(t, 3000)
	for _, pages := range []int{0, 0, 0, 1, 2, 3, 5, 40} {
		t.Run(fmt.Sprintf("%d pages left", pages), func(t *testing.T) {
			path := file(t, whole)
			e := reopen(t, path)
			var closed error
			ended := make(chan struct{})
			busy := make(chan struct{}, 1)
			go func() {
				defer close(ended)
				hammer(t, e, busy)
				closed = e.Close()
			}()
			<-busy
			if err := os.Truncate(path, int64(pages*bolt.PageSize)); err != nil {
				t.Fatal(err)
			}
			select {
			case <-ended:
			case <-time.After(20 * time.Second):
				t.Fatal("the engine hangs")
			}
			want := store.ErrCorrupt
			if closed != nil {
				want = bolt.ErrHeld // the writer is stuck, and Close said so
			}
			_, err := bolt.Open(bolt.Options{Path: path})
			wantErr(t, fmt.Sprintf("Open after Close said %v", closed), err, want)
		})
	}
}

// hammer reads and writes from many goroutines until each of them is told of
// damage or finds the engine stopped.
func hammer(t *testing.T, e *bolt.Engine, busy chan<- struct{}) {
	const workers = 32
	var wg sync.WaitGroup
	var damage atomic.Bool
	for w := range workers {
		wg.Go(func() {
			for i := w; ; i = (i + workers) % 3000 {
				var err error
				if w == 0 {
					_, err = e.Commit(context.Background(), nil, []store.Write{{Key: key(i), Value: value(i)}})
				} else {
					_, err = e.Get(context.Background(), key(i))
				}
				if i > 50*workers {
					select {
					case busy <- struct{}{}:
					default:
					}
				}
				switch {
				case errors.Is(err, store.ErrCorrupt):
					damage.Store(true)
					return
				case errors.Is(err, store.ErrStopped), errors.Is(err, store.ErrUnknown):
					return
				case err != nil && !errors.Is(err, store.ErrNotFound):
					t.Errorf("got error %v", err)
				}
			}
		})
	}
	wg.Wait()
	if !damage.Load() {
		t.Errorf("nobody was told %v", store.ErrCorrupt)
	}
}
