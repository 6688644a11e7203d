package storetest

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"strconv"
	"sync"
	"testing"

	"github.com/amparo-project/amparo/internal/store"
)

func testConditions(t *testing.T, e store.Engine) {
	ctx := context.Background()
	first := commit(t, e, put("k", "1"))
	second := commit(t, e, put("k", "2"))
	other := commit(t, e, put("other", "1"))
	for _, c := range []struct {
		name       string
		conditions []store.Condition
		want       error
	}{
		{"current revision", []store.Condition{at("k", second)}, nil},
		{"older revision", []store.Condition{at("k", first)}, store.ErrConflict},
		{"revision of another key", []store.Condition{at("k", other)}, store.ErrConflict},
		{"future revision", []store.Condition{at("k", other+100)}, store.ErrConflict},
		{"must not exist, and does not", []store.Condition{at("none", 0)}, nil},
		{"must not exist, and does", []store.Condition{at("k", 0)}, store.ErrConflict},
		{"must exist, and does not", []store.Condition{at("none", second)}, store.ErrConflict},
		{"one of two fails", []store.Condition{at("k", second), at("other", first)}, store.ErrConflict},
		{"both hold", []store.Condition{at("k", second), at("other", other)}, nil},
	} {
		_, err := e.Commit(ctx, c.conditions, []store.Write{put("scratch", c.name)})
		if !errors.Is(err, c.want) {
			t.Errorf("%s: got error %v, want %v", c.name, err, c.want)
		}
	}
	commit(t, e, remove("k"))
	if _, err := e.Commit(ctx, []store.Condition{at("k", 0)}, []store.Write{put("k", "3")}); err != nil {
		t.Errorf("a removed key must count as absent: %v", err)
	}
	if _, err := e.Commit(ctx, []store.Condition{at("k", second)}, []store.Write{put("k", "4")}); !errors.Is(err, store.ErrConflict) {
		t.Errorf("a key made anew must have a new revision: got error %v, want %v", err, store.ErrConflict)
	}
}

func testAtomic(t *testing.T, e store.Engine) {
	rev := commit(t, e, put("a", "1"), put("b", "1"))
	commit(t, e, put("b", "2"))
	_, err := e.Commit(context.Background(), []store.Condition{at("a", rev), at("b", rev)},
		[]store.Write{put("a", "3"), remove("b"), put("c", "3")})
	wantErr(t, "Commit", err, store.ErrConflict)
	if got := keys(t, e, "", "", 10); got != "a b" {
		t.Errorf("after a conflict the keys are %q, want %q", got, "a b")
	}
	if got := string(mustGet(t, e, "a").Value); got != "1" {
		t.Errorf("after a conflict a = %q, want 1", got)
	}
}

func testLimits(t *testing.T, e store.Engine) {
	many := func(n int) (writes []store.Write) {
		for i := range n {
			writes = append(writes, put("many/"+strconv.Itoa(i), "x"))
		}
		return writes
	}
	longest := bytes.Repeat([]byte{'k'}, store.MaxKeyBytes)
	for _, c := range []struct {
		name       string
		conditions []store.Condition
		writes     []store.Write
		want       error
	}{
		{"most operations", nil, many(store.MaxOps), nil},
		{"one operation too many", nil, many(store.MaxOps + 1), store.ErrLimit},
		{"a condition too many", []store.Condition{at("none", 0)}, many(store.MaxOps), store.ErrLimit},
		{"most bytes", nil, []store.Write{{Key: []byte("k"), Value: make([]byte, store.MaxCommitBytes-1)}}, nil},
		{"one byte too many", nil, []store.Write{{Key: []byte("k"), Value: make([]byte, store.MaxCommitBytes)}}, store.ErrLimit},
		{"too many bytes together", nil, []store.Write{
			{Key: []byte("k"), Value: make([]byte, store.MaxCommitBytes/2)},
			{Key: []byte("l"), Value: make([]byte, store.MaxCommitBytes/2)},
		}, store.ErrLimit},
		{"longest key", nil, []store.Write{{Key: longest}}, nil},
		{"key too long", nil, []store.Write{{Key: append(longest, 'k')}}, store.ErrLimit},
		{"empty key", nil, []store.Write{{Value: []byte("x")}}, store.ErrLimit},
		{"condition on a key too long", []store.Condition{{Key: append(longest, 'k')}}, []store.Write{put("k", "")}, store.ErrLimit},
		{"no writes", []store.Condition{at("none", 0)}, nil, store.ErrLimit},
		{"a key twice", nil, []store.Write{put("k", "1"), remove("k")}, store.ErrLimit},
		{"removal with a value", nil, []store.Write{{Key: []byte("k"), Value: []byte("x"), Delete: true}}, store.ErrLimit},
	} {
		before := keys(t, e, "", "", 1000)
		_, err := e.Commit(context.Background(), c.conditions, c.writes)
		if !errors.Is(err, c.want) {
			t.Errorf("%s: got error %v, want %v", c.name, err, c.want)
		}
		if c.want != nil && keys(t, e, "", "", 1000) != before {
			t.Errorf("%s: refused, but something was written", c.name)
		}
	}
	if got := mustGet(t, e, "k"); len(got.Value) != store.MaxCommitBytes-1 {
		t.Errorf("the largest value came back with %d bytes", len(got.Value))
	}
}

// testCounting lets many goroutines raise the same counters, each reading and
// writing under a condition: a lost update would make a counter too small.
func testCounting(t *testing.T, e store.Engine) {
	const workers, each = 16, 20
	var wg sync.WaitGroup
	for w := range workers {
		wg.Go(func() {
			for i := range each {
				if err := raise(e, fmt.Sprintf("mine/%02d/%02d", w, i)); err != nil {
					t.Error(err)
					return
				}
			}
		})
	}
	wg.Wait()
	if got := string(mustGet(t, e, "total").Value); got != strconv.Itoa(workers*each) {
		t.Errorf("total = %s, want %d", got, workers*each)
	}
	page, err := e.Scan(context.Background(), []byte("mine/"), nil, 2*workers*each)
	if err != nil || len(page) != workers*each {
		t.Fatalf("%d keys of single commits, %v; want %d", len(page), err, workers*each)
	}
	seen := make(map[store.Revision]bool)
	for _, f := range page {
		if seen[f.Revision] {
			t.Fatalf("revision %d given to two commits", f.Revision)
		}
		seen[f.Revision] = true
	}
}

// raise adds one to "total" and writes mark, in one commit.
func raise(e store.Engine, mark string) error {
	ctx := context.Background()
	for {
		now, err := e.Get(ctx, []byte("total"))
		if err != nil && !errors.Is(err, store.ErrNotFound) {
			return err
		}
		n, _ := strconv.Atoi(string(now.Value)) // nothing yet counts as 0
		rev, err := e.Commit(ctx, []store.Condition{at("total", now.Revision)},
			[]store.Write{put("total", strconv.Itoa(n+1)), put(mark, "")})
		if errors.Is(err, store.ErrConflict) {
			continue
		}
		if err != nil {
			return err
		}
		if rev <= now.Revision {
			return fmt.Errorf("revision %d after %d", rev, now.Revision)
		}
		return nil
	}
}

// testLastWins lets goroutines write and remove one key without conditions:
// what stays is what the commit with the highest revision said.
func testLastWins(t *testing.T, e store.Engine) {
	const workers, rounds = 16, 20
	for round := range rounds {
		revisions := make([]store.Revision, workers)
		var wg sync.WaitGroup
		for w := range workers {
			wg.Go(func() {
				write := put("k", strconv.Itoa(w))
				if w%4 == 0 {
					write = remove("k")
				}
				rev, err := e.Commit(context.Background(), nil, []store.Write{write})
				if err != nil {
					t.Error(err)
				}
				revisions[w] = rev
			})
		}
		wg.Wait()
		last := 0
		for w, rev := range revisions {
			if rev > revisions[last] {
				last = w
			}
		}
		got, err := e.Get(context.Background(), []byte("k"))
		if last%4 == 0 {
			wantErr(t, "Get after a removal", err, store.ErrNotFound)
		} else if err != nil || string(got.Value) != strconv.Itoa(last) || got.Revision != revisions[last] {
			t.Errorf("round %d: k = %q at %d, %v; want %d at %d", round, got.Value, got.Revision, err, last, revisions[last])
		}
	}
}
