package audit_test

import (
	"bytes"
	"context"
	"encoding/binary"
	"errors"
	"strings"
	"testing"

	"golang.org/x/mod/sumdb/tlog"
	"google.golang.org/protobuf/proto"

	"github.com/amparo-project/amparo/internal/audit"
	"github.com/amparo-project/amparo/internal/store"
	"github.com/amparo-project/amparo/internal/store/storepb"
)

// grown returns a log of n leaves, three to a commit, all taken in.
func grown(t testing.TB, n int) (audit.Config, *audit.Log) {
	t.Helper()
	config := newLog(t)
	l := open(t, config)
	for i := range n {
		record(t, config, evening, read())
		if i%3 == 2 {
			catchUp(t, l)
		}
	}
	catchUp(t, l)
	return config, l
}

func catchUp(t testing.TB, l *audit.Log) {
	t.Helper()
	if err := l.CatchUp(t.Context()); err != nil {
		t.Fatal(err)
	}
}

func chunkKey(prefix byte, n uint64) []byte {
	return binary.BigEndian.AppendUint64([]byte{prefix}, n)
}

func put(t testing.TB, engine store.Engine, key, value []byte) {
	t.Helper()
	if _, err := engine.Commit(t.Context(), nil, []store.Write{{Key: key, Value: value}}); err != nil {
		t.Fatal(err)
	}
}

func remove(t testing.TB, engine store.Engine, key []byte) {
	t.Helper()
	if _, err := engine.Commit(t.Context(), nil, []store.Write{{Key: key, Delete: true}}); err != nil {
		t.Fatal(err)
	}
}

func get(t testing.TB, engine store.Engine, key []byte) []byte {
	t.Helper()
	e, err := engine.Get(t.Context(), key)
	if err != nil {
		t.Fatal(err)
	}
	return e.Value
}

func leafKey(t testing.TB, engine store.Engine, index int) []byte {
	t.Helper()
	chunk := get(t, engine, chunkKey('i', uint64(index/256)))
	return append([]byte{'l'}, chunk[index%256*16:][:16]...)
}

// everything opens the log, reads every leaf of it, and checks it; it returns what
// each of the three said.
func everything(ctx context.Context, config audit.Config) (opened, reading, checked error) {
	l, err := audit.Open(ctx, config)
	if err != nil {
		return err, nil, nil
	}
	reading = l.Leaves(ctx, 0, l.State().Size, func([]byte) error { return nil })
	return nil, reading, l.Check(ctx)
}

const damaged = 600 // two chunks of leaves under one node, and a part of one

var lastHash = tlog.StoredHashCount(damaged) - 1

// TestDamage says of each way to tamper with the store who notices.
func TestDamage(t *testing.T) {
	flip := func(t *testing.T, engine store.Engine, key []byte, at int) {
		value := get(t, engine, key)
		value[at] ^= 1
		put(t, engine, key, value)
	}
	for _, c := range []struct {
		name                    string
		tamper                  func(t *testing.T, engine store.Engine)
		opened, reading, checks bool // who notices
	}{
		{"nothing happens", func(*testing.T, store.Engine) {}, false, false, false},
		{"a leaf is removed", func(t *testing.T, e store.Engine) {
			remove(t, e, leafKey(t, e, 17))
		}, false, true, true},
		{"the last leaf is removed", func(t *testing.T, e store.Engine) {
			remove(t, e, leafKey(t, e, damaged-1))
		}, false, true, true},
		{"a leaf is altered", func(t *testing.T, e store.Engine) {
			flip(t, e, leafKey(t, e, 17), 20)
		}, false, true, true},
		{"two leaves are swapped", func(t *testing.T, e store.Engine) {
			a, b := leafKey(t, e, 17), leafKey(t, e, 18)
			va, vb := get(t, e, a), get(t, e, b)
			put(t, e, a, vb)
			put(t, e, b, va)
		}, false, true, true},
		{"the places of two leaves are swapped", func(t *testing.T, e store.Engine) {
			chunk := get(t, e, chunkKey('i', 0))
			swapped := bytes.Clone(chunk)
			copy(swapped[16:32], chunk[32:48])
			copy(swapped[32:48], chunk[16:32])
			put(t, e, chunkKey('i', 0), swapped)
		}, false, true, true},
		{"a leaf stands in two places", func(t *testing.T, e store.Engine) {
			chunk := get(t, e, chunkKey('i', 0))
			copy(chunk[16:32], chunk[32:48])
			put(t, e, chunkKey('i', 0), chunk)
		}, false, true, true},
		{"a chunk of places is removed", func(t *testing.T, e store.Engine) {
			remove(t, e, chunkKey('i', 0))
		}, false, true, true},
		{"the last chunk of places is cut", func(t *testing.T, e store.Engine) {
			chunk := get(t, e, chunkKey('i', damaged/256))
			put(t, e, chunkKey('i', damaged/256), chunk[:len(chunk)-16])
		}, true, false, false},
		{"a hash in the middle of the tree is altered", func(t *testing.T, e store.Engine) {
			flip(t, e, chunkKey('h', 0), 5*32) // the leaves are proven by the node above
		}, false, false, true},
		{"the node over a chunk is altered", func(t *testing.T, e store.Engine) {
			flip(t, e, chunkKey('h', 510/256), 510%256*32)
		}, false, true, true},
		{"a hash at the tree's edge is altered", func(t *testing.T, e store.Engine) {
			last := uint64(lastHash) / 256
			flip(t, e, chunkKey('h', last), len(get(t, e, chunkKey('h', last)))-1)
		}, true, false, false},
		{"a chunk of hashes is removed", func(t *testing.T, e store.Engine) {
			remove(t, e, chunkKey('h', 1)) // the one with the node over a chunk
		}, false, true, true},
		{"the last chunk of hashes is removed", func(t *testing.T, e store.Engine) {
			remove(t, e, chunkKey('h', uint64(lastHash)/256))
		}, true, false, false},
		{"hashes go on beyond the end", func(t *testing.T, e store.Engine) {
			put(t, e, chunkKey('h', uint64(lastHash)/256+1), make([]byte, 32))
		}, true, false, false},
		{"the state is removed", func(t *testing.T, e store.Engine) {
			remove(t, e, []byte{'s'})
		}, true, false, false},
		{"the state is altered", func(t *testing.T, e store.Engine) {
			flip(t, e, []byte{'s'}, 30)
		}, true, false, false},
		{"a leaf is put where the state lies", func(t *testing.T, e store.Engine) {
			put(t, e, []byte{'s'}, get(t, e, leafKey(t, e, 3)))
		}, true, false, false},
		{"a leaf's key is of another form", func(t *testing.T, e store.Engine) {
			put(t, e, []byte("lxx"), []byte("x"))
		}, false, false, true},
		{"an old leaf is stored again", func(t *testing.T, e store.Engine) {
			key := leafKey(t, e, 17)
			put(t, e, key, get(t, e, key))
		}, false, false, true},
	} {
		t.Run(c.name, func(t *testing.T) {
			config, _ := grown(t, damaged)
			c.tamper(t, config.Engine)
			opened, reading, checked := everything(t.Context(), config)
			for _, got := range []struct {
				who     string
				err     error
				notices bool
			}{{"Open", opened, c.opened}, {"Leaves", reading, c.reading}, {"Check", checked, c.checks}} {
				if got.notices && !errors.Is(got.err, audit.ErrBroken) {
					t.Errorf("%s: %v, want ErrBroken", got.who, got.err)
				}
				if !got.notices && got.err != nil {
					t.Errorf("%s: %v, want nothing", got.who, got.err)
				}
			}
		})
	}
}

// TestRolledBackState puts an older state back, alone and with the chunks of its
// day.
func TestRolledBackState(t *testing.T) {
	config, l := grown(t, 30)
	keys := [][]byte{{'s'}, chunkKey('h', 0), chunkKey('i', 0)}
	old := make(map[string][]byte)
	for _, key := range keys {
		old[string(key)] = get(t, config.Engine, key)
	}
	record(t, config, evening, read())
	catchUp(t, l)
	newest := l.Checkpoint()

	put(t, config.Engine, keys[0], old[string(keys[0])])
	if _, err := audit.Open(t.Context(), config); !errors.Is(err, audit.ErrBroken) {
		t.Errorf("the state alone: %v, want ErrBroken", err)
	}
	if err := l.Check(t.Context()); !errors.Is(err, audit.ErrBroken) {
		t.Errorf("the state alone, while the log is open: %v, want ErrBroken", err)
	}
	if err := l.CatchUp(t.Context()); !errors.Is(err, audit.ErrForeign) {
		t.Errorf("sequencing on top of it: %v, want ErrForeign", err)
	}

	// With the chunks the log is as it was that day, and takes in the same leaves
	// in the same order again: the newest checkpoint is the same tree.
	for _, key := range keys {
		put(t, config.Engine, key, old[string(key)])
	}
	again := open(t, config)
	catchUp(t, again)
	if err := audit.CheckConsistency(l.PublicKey(), newest, again.Checkpoint(), nil); err != nil {
		t.Errorf("taken in again: %v", err)
	}

	// Unless a leaf has gone in between: then whoever saw the newer checkpoint knows.
	remove(t, config.Engine, leafKey(t, config.Engine, 30))
	for _, key := range keys {
		put(t, config.Engine, key, old[string(key)])
	}
	shorter := open(t, config)
	catchUp(t, shorter)
	if err := audit.CheckConsistency(l.PublicKey(), newest, shorter.Checkpoint(), nil); !errors.Is(err, audit.ErrShrunk) {
		t.Errorf("without the last leaf: %v, want ErrShrunk", err)
	}
	record(t, config, evening, read())
	catchUp(t, shorter)
	if err := audit.CheckConsistency(l.PublicKey(), newest, shorter.Checkpoint(), nil); !errors.Is(err, audit.ErrFork) {
		t.Errorf("with another leaf in its place: %v, want ErrFork", err)
	}
}

// TestStateOfAnotherMind seals states that this log never came to, as only a fault
// of its own could.
func TestStateOfAnotherMind(t *testing.T) {
	for _, c := range []struct {
		name   string
		change func(*storepb.LogState)
		opens  bool
	}{
		{"nothing", func(*storepb.LogState) {}, true},
		{"another fold", func(s *storepb.LogState) { s.Fold[0] ^= 1 }, true},
		{"a later high-water mark", func(s *storepb.LogState) { s.HighWater.Seconds++ }, true},
		{"another size", func(s *storepb.LogState) { s.Size-- }, false},
		{"an unknown field", func(s *storepb.LogState) { s.ProtoReflect().SetUnknown([]byte{0xf8, 0x7f, 1}) }, false},
	} {
		config, _ := grown(t, 5)
		raw, err := config.Sealer.OpenLogState([]byte("s1"), get(t, config.Engine, []byte{'s'}))
		if err != nil {
			t.Fatal(err)
		}
		state := new(storepb.LogState)
		if err := proto.Unmarshal(raw, state); err != nil {
			t.Fatal(err)
		}
		c.change(state)
		if raw, err = proto.Marshal(state); err != nil {
			t.Fatal(err)
		}
		put(t, config.Engine, []byte{'s'}, config.Sealer.SealLogState([]byte("s1"), raw))
		opened, _, checked := everything(t.Context(), config)
		if c.opens == errors.Is(opened, audit.ErrBroken) {
			t.Errorf("%s: Open: %v", c.name, opened)
		}
		if c.opens && errors.Is(checked, audit.ErrBroken) == (c.name == "nothing") {
			t.Errorf("%s: Check: %v", c.name, checked)
		}
	}
}

func TestOrphan(t *testing.T) {
	config, l := grown(t, 10)
	// A leaf dated far back is a caller's mistake: the next start does not look there.
	record(t, config, evening.AddDate(0, 0, -30), read())
	catchUp(t, l)
	if err := l.Check(t.Context()); err == nil || !strings.Contains(err.Error(), "passed over") {
		t.Errorf("leaf that was passed over: %v", err)
	}
}

func TestWrongKeyAndNoLog(t *testing.T) {
	config, _ := grown(t, 5)
	other, _, err := audit.GenerateKey()
	if err != nil {
		t.Fatal(err)
	}
	foreign := config
	foreign.Key = other
	if _, err := audit.Open(t.Context(), foreign); !errors.Is(err, audit.ErrBroken) {
		t.Errorf("log signed with another key: %v, want ErrBroken", err)
	}
	foreign = config
	foreign.Sealer = newSealer()
	if _, err := audit.Open(t.Context(), foreign); !errors.Is(err, audit.ErrBroken) {
		t.Errorf("another keyring: %v, want ErrBroken", err)
	}
	if err := audit.Create(t.Context(), config); !errors.Is(err, audit.ErrBroken) {
		t.Errorf("a second beginning: %v, want ErrBroken", err)
	}
	remove(t, config.Engine, []byte{'s'})
	if err := audit.Create(t.Context(), config); !errors.Is(err, audit.ErrBroken) {
		t.Errorf("a beginning over the remains of a log: %v, want ErrBroken", err)
	}
	config.Key = "PRIVATE+KEY+nonsense"
	if _, err := audit.Open(t.Context(), config); !errors.Is(err, audit.ErrInvalid) {
		t.Errorf("a key that is none: %v, want ErrInvalid", err)
	}
}
