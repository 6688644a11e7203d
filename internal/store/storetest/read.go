package storetest

import (
	"bytes"
	"context"
	"fmt"
	"sync"
	"testing"

	"github.com/amparo-project/amparo/internal/store"
)

func testGet(t *testing.T, e store.Engine) {
	_, err := e.Get(context.Background(), []byte("k"))
	wantErr(t, "Get of nothing", err, store.ErrNotFound)

	first := commit(t, e, put("k", "one"), put("empty", ""))
	second := commit(t, e, put("k", "two"))
	if second <= first {
		t.Errorf("revisions %d, then %d: want them to grow", first, second)
	}
	if got := mustGet(t, e, "k"); string(got.Key) != "k" || string(got.Value) != "two" || got.Revision != second {
		t.Errorf("Get = %q %q at %d, want k two at %d", got.Key, got.Value, got.Revision, second)
	}
	if got := mustGet(t, e, "empty"); len(got.Value) != 0 || got.Revision != first {
		t.Errorf("empty value = %q at %d, want nothing at %d", got.Value, got.Revision, first)
	}

	commit(t, e, remove("k"), remove("never there"))
	_, err = e.Get(context.Background(), []byte("k"))
	wantErr(t, "Get of a removed key", err, store.ErrNotFound)
	for _, key := range [][]byte{nil, {}, bytes.Repeat([]byte{'k'}, store.MaxKeyBytes+1)} {
		_, err = e.Get(context.Background(), key)
		wantErr(t, "Get of a key that cannot be", err, store.ErrNotFound)
	}
}

func testSlices(t *testing.T, e store.Engine) {
	key, value := []byte("key"), []byte("value")
	commit(t, e, store.Write{Key: key, Value: value})
	copy(key, "XXX")
	copy(value, "XXXXX")
	got := mustGet(t, e, "key")
	if string(got.Value) != "value" {
		t.Fatalf("a slice passed in was kept: Get = %q", got.Value)
	}
	copy(got.Key, "XXX")
	copy(got.Value, "XXXXX")
	_ = append(got.Key, "XXXXX"...)
	page, err := e.Scan(context.Background(), nil, nil, 10)
	if err != nil || len(page) != 1 || string(page[0].Key) != "key" || string(page[0].Value) != "value" {
		t.Fatalf("a returned slice was shared: Scan = %v, %v", page, err)
	}
	copy(page[0].Value, "XXXXX")
	if got := mustGet(t, e, "key"); string(got.Value) != "value" {
		t.Errorf("a scanned slice was shared: Get = %q", got.Value)
	}
}

func testScanPages(t *testing.T, e store.Engine) {
	const n = 250
	for i := range n {
		commit(t, e, put(fmt.Sprintf("p/%04d", (i*7)%n), fmt.Sprint(i)))
	}
	commit(t, e, put("o/zzz", ""), put("q", ""))
	for _, limit := range []int{1, 3, 100, n - 1, n, n + 1} {
		var after []byte
		seen := 0
		for {
			page, err := e.Scan(context.Background(), []byte("p/"), after, limit)
			if err != nil {
				t.Fatalf("Scan by %d: %v", limit, err)
			}
			for _, f := range page {
				if want := fmt.Sprintf("p/%04d", seen); string(f.Key) != want {
					t.Fatalf("Scan by %d: got %q, want %q", limit, f.Key, want)
				}
				if f.Revision == 0 {
					t.Fatalf("Scan by %d: %q without a revision", limit, f.Key)
				}
				seen++
			}
			if len(page) < limit {
				break
			}
			after = page[len(page)-1].Key
		}
		if seen != n {
			t.Errorf("Scan by %d: %d entries, want %d", limit, seen, n)
		}
	}
}

func testScanBorders(t *testing.T, e store.Engine) {
	commit(t, e, put("a", ""), put("b", ""), put("b\x00", ""), put("b/1", ""), put("b/2", ""), put("c", ""), put("\xff\xff", ""), put("\xff\xff1", ""))
	for _, c := range []struct {
		prefix, after string
		limit         int
		want          string
	}{
		{"", "", 99, "a b b\x00 b/1 b/2 c \xff\xff \xff\xff1"},
		{"b", "", 99, "b b\x00 b/1 b/2"},
		{"b", "b", 99, "b\x00 b/1 b/2"},
		{"b", "b\x00", 1, "b/1"},
		{"b/", "", 99, "b/1 b/2"},
		{"b/", "a", 99, "b/1 b/2"},
		{"b/", "b/1", 99, "b/2"},
		{"b/", "b/10", 99, "b/2"},
		{"b/", "b/2", 99, ""},
		{"b/", "c", 99, ""},
		{"x", "", 99, ""},
		{"\xff\xff", "", 99, "\xff\xff \xff\xff1"},
	} {
		if got := keys(t, e, c.prefix, c.after, c.limit); got != c.want {
			t.Errorf("Scan(%q, after %q, %d) = %q, want %q", c.prefix, c.after, c.limit, got, c.want)
		}
	}
	for _, limit := range []int{0, -1} {
		_, err := e.Scan(context.Background(), nil, nil, limit)
		wantErr(t, fmt.Sprintf("Scan of %d entries", limit), err, store.ErrLimit)
	}
}

// testOneMoment moves a token along keys that scans see in one direction: a
// scan that saw two moments would see it twice or not at all.
func testOneMoment(t *testing.T, e store.Engine) {
	const places, rounds = 40, 300
	place := func(i int) string { return fmt.Sprintf("place/%02d", i%places) }
	commit(t, e, put(place(0), ""))
	ctx, cancel := context.WithCancel(context.Background())
	var readers sync.WaitGroup
	for range 3 {
		readers.Go(func() {
			for ctx.Err() == nil {
				page, err := e.Scan(context.Background(), []byte("place/"), nil, 2*places)
				if err != nil || len(page) != 1 {
					t.Errorf("Scan saw %d tokens, %v; want 1", len(page), err)
					return
				}
			}
		})
	}
	for i := range rounds {
		commit(t, e, remove(place(i)), put(place(i+1), ""))
	}
	cancel()
	readers.Wait()
}
