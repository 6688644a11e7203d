package storetest

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"
	"testing"

	"pgregory.net/rapid"

	"github.com/amparo-project/amparo/internal/store"
)

// model is what an engine is supposed to be: a sorted map.
type model struct {
	values    map[string]string
	revisions map[string]store.Revision
	last      store.Revision
	history   []string
}

func (m *model) scan(prefix, after string, all bool, limit int) (out []string) {
	for _, k := range slices.Sorted(maps.Keys(m.values)) {
		if strings.HasPrefix(k, prefix) && (all || k > after) && len(out) < limit {
			out = append(out, fmt.Sprintf("%q=%q@%d", k, m.values[k], m.revisions[k]))
		}
	}
	return out
}

// testModel runs random histories on an engine and on a model. One engine
// serves all of them, each under a prefix of its own.
func testModel(t *testing.T, open func(*testing.T) store.Engine) {
	e := open(t)
	defer e.Close()
	run := 0
	rapid.Check(t, func(rt *rapid.T) {
		run++
		h := &history{e: e, prefix: fmt.Sprintf("%06d/", run)}
		h.m = model{values: map[string]string{}, revisions: map[string]store.Revision{}}
		h.start = commit(t, e, put("run", h.prefix))
		h.m.last = h.start
		rt.Repeat(map[string]func(*rapid.T){
			"commit": h.commit,
			"get":    h.get,
			"scan":   h.scan,
		})
		h.watch(t, rt)
	})
}

type history struct {
	e      store.Engine
	m      model
	prefix string
	start  store.Revision
}

// key draws from a few keys, so that histories meet; some are prefixes of others.
func (h *history) key(rt *rapid.T) string {
	return h.prefix + rapid.SampledFrom([]string{"a", "a\x00", "aa", "ab", "b", "b/", "b/x", "\xff"}).Draw(rt, "key")
}

func (h *history) commit(rt *rapid.T) {
	var conditions []store.Condition
	holds := true
	for range rapid.IntRange(0, 2).Draw(rt, "conditions") {
		key := h.key(rt)
		rev := h.m.revisions[key]
		switch rapid.IntRange(0, 3).Draw(rt, "condition") {
		case 0:
			rev = 0
		case 1:
			rev = h.m.last
		}
		holds = holds && rev == h.m.revisions[key]
		conditions = append(conditions, at(key, rev))
	}
	var writes []store.Write
	used := map[string]bool{}
	for range rapid.IntRange(1, 4).Draw(rt, "writes") {
		key := h.key(rt)
		if used[key] {
			continue
		}
		used[key] = true
		if rapid.Bool().Draw(rt, "remove") {
			writes = append(writes, remove(key))
		} else {
			value := bytes.Repeat([]byte{'v'}, rapid.SampledFrom([]int{0, 1, 300, 5000, 40000}).Draw(rt, "size"))
			writes = append(writes, store.Write{Key: []byte(key), Value: append(value, fmt.Sprint(h.m.last)...)})
		}
	}
	rev, err := h.e.Commit(context.Background(), conditions, writes)
	if !holds {
		if !errors.Is(err, store.ErrConflict) {
			rt.Fatalf("Commit: got error %v, want %v", err, store.ErrConflict)
		}
		return
	}
	if err != nil || rev <= h.m.last {
		rt.Fatalf("Commit = %d, %v after revision %d", rev, err, h.m.last)
	}
	h.m.last = rev
	for _, w := range writes {
		if w.Delete {
			delete(h.m.values, string(w.Key))
			delete(h.m.revisions, string(w.Key))
		} else {
			h.m.values[string(w.Key)] = string(w.Value)
			h.m.revisions[string(w.Key)] = rev
		}
	}
	h.m.history = append(h.m.history, show(store.Batch{Revision: rev, Writes: writes}))
}

func (h *history) get(rt *rapid.T) {
	key := h.key(rt)
	got, err := h.e.Get(context.Background(), []byte(key))
	want, ok := h.m.values[key]
	switch {
	case !ok && !errors.Is(err, store.ErrNotFound):
		rt.Fatalf("Get %q: got error %v, want %v", key, err, store.ErrNotFound)
	case ok && (err != nil || string(got.Key) != key || string(got.Value) != want || got.Revision != h.m.revisions[key]):
		rt.Fatalf("Get %q = %q %q at %d, %v; want %q at %d", key, got.Key, got.Value, got.Revision, err, want, h.m.revisions[key])
	}
}

func (h *history) scan(rt *rapid.T) {
	prefix := h.prefix + rapid.SampledFrom([]string{"", "a", "b", "b/", "c"}).Draw(rt, "prefix")
	all := rapid.Bool().Draw(rt, "all")
	after := h.key(rt)
	limit := rapid.IntRange(1, 10).Draw(rt, "limit")
	var from []byte
	if !all {
		from = []byte(after)
	}
	page, err := h.e.Scan(context.Background(), []byte(prefix), from, limit)
	if err != nil {
		rt.Fatalf("Scan: %v", err)
	}
	var got []string
	for _, f := range page {
		got = append(got, fmt.Sprintf("%q=%q@%d", f.Key, f.Value, f.Revision))
	}
	if want := h.m.scan(prefix, after, all, limit); !slices.Equal(got, want) {
		rt.Fatalf("Scan %q after %q (all: %v) by %d:\ngot  %.300q\nwant %.300q", prefix, after, all, limit, got, want)
	}
}

func (h *history) watch(t *testing.T, rt *rapid.T) {
	if len(h.m.history) == 0 {
		return
	}
	for i, b := range watch(t, h.e, h.start, len(h.m.history)) {
		if got := show(b); got != h.m.history[i] {
			rt.Fatalf("Watch shows %.200q, want %.200q", got, h.m.history[i])
		}
	}
}
