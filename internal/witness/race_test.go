package witness_test

import (
	"context"
	"encoding/base64"
	"flag"
	"math/rand/v2"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"testing"

	"github.com/amparo-project/amparo/internal/audit"
	"github.com/amparo-project/amparo/internal/audit/audittest"
)

var long = flag.Bool("long", false, "a hundred thousand submissions instead of ten thousand")

// fastFolder is a folder in memory where the machine has one: what is tested here is
// not whether a disk keeps its promise.
func fastFolder(t *testing.T) string {
	t.Helper()
	dir, err := os.MkdirTemp("/dev/shm", "witness-")
	if err != nil {
		return t.TempDir()
	}
	t.Cleanup(func() { os.RemoveAll(dir) })
	return dir
}

// race is what many callers do to one witness of a log and of its fork.
type race struct {
	t     *testing.T
	logs  []*audittest.Log
	luck  *rand.Rand
	steps map[uint64]string // by the old size, to which checkpoint it was extended
	acked uint64            // the largest size that was answered for
	calls map[int]int       // answers by their code
}

// callers is how many submit at once.
const callers = 16

// TestTheRace is the one that the specification warns of: submissions of many sizes and
// of a fork, all at once. What is cosigned is one chain, what is kept never goes back,
// and a start goes on from there.
func TestTheRace(t *testing.T) {
	t.Parallel()
	rounds, storms := 4, 10_000/4/callers
	switch {
	case *long:
		rounds, storms = 20, 100_000/20/callers
	case testing.Short():
		storms /= 5
	}
	log := audittest.New(t).Grow(4)
	r := &race{
		t: t, logs: []*audittest.Log{log, log.Fork().Grow(4 * rounds * storms)}, luck: rand.New(rand.NewPCG(15, 15)),
		steps: map[uint64]string{}, calls: map[int]int{},
	}
	log.Grow(4 * rounds * storms)
	dir := filepath.Join(fastFolder(t), "witness")
	for range rounds {
		w, stop := start(t, dir, log.PublicKey())
		ctx, cancel := context.WithCancel(t.Context())
		watched := make(chan [2]int, 1)
		go func() { watched <- rollbacks(ctx, dir, log.PublicKey()) }()
		for range storms {
			r.storm(w)
		}
		cancel()
		if seen := <-watched; seen[1] != 0 || seen[0] < 3 {
			t.Errorf("of %d states that were seen on the disk, %d went back", seen[0], seen[1])
		}
		stop()
		again, stop := start(t, dir, log.PublicKey())
		if at := again.size(log); at != r.acked {
			t.Errorf("after a start it holds %d leaves, and has answered for %d", at, r.acked)
		}
		stop()
	}
	if r.calls[200] < rounds*storms || r.calls[409] < rounds*storms || r.calls[422] < rounds*storms/10 || len(r.calls) != 3 {
		t.Errorf("the answers were %v", r.calls)
	}
	r.oneChain()
	t.Logf("answers %v, %d leaves", r.calls, r.acked)
}

// storm submits many things at once that each extend what is held, or did a moment
// ago.
func (r *race) storm(w *running) {
	type attempt struct {
		old, size uint64
		log       *audittest.Log
		got       answer
	}
	attempts := make([]attempt, callers)
	ready := make(chan struct{})
	var asking sync.WaitGroup
	for i := range attempts {
		old := r.acked - uint64(r.luck.IntN(8)/7)*min(r.acked, 2)
		a := &attempts[i]
		*a = attempt{old: old, size: old + uint64(r.luck.IntN(4)), log: r.logs[r.luck.IntN(4)/3]}
		body := submission(r.t, a.log, a.old, a.size)
		asking.Go(func() {
			<-ready
			a.got = w.post(body)
		})
	}
	close(ready)
	asking.Wait()
	for _, a := range attempts {
		r.calls[a.got.code]++
		if a.got.code != 200 || a.size == a.old {
			continue
		}
		if other, twice := r.steps[a.old]; twice && other != a.log.At(a.size) {
			r.t.Errorf("what has %d leaves was extended twice", a.old)
		}
		r.steps[a.old] = a.log.At(a.size)
		r.acked = max(r.acked, a.size)
	}
}

// oneChain demands that all that was cosigned is of one log.
func (r *race) oneChain() {
	of := [2]int{}
	for _, checkpoint := range r.steps {
		size, err := audit.CheckpointSize(r.logs[0].PublicKey(), checkpoint)
		if err != nil {
			r.t.Fatal(err)
		}
		for i, log := range r.logs {
			if size > 4 && log.At(size) == checkpoint { // the first four are of both
				of[i]++
			}
		}
	}
	if min(of[0], of[1]) != 0 || max(of[0], of[1]) < 10 {
		r.t.Errorf("%d checkpoints of one log and %d of the other were cosigned", of[0], of[1])
	}
}

// rollbacks reads what is on the disk until ctx ends, and counts how often that
// changed, and how often to something smaller.
func rollbacks(ctx context.Context, dir, key string) (seen [2]int) {
	last := [2]uint64{}
	for ctx.Err() == nil {
		for i, name := range []string{"promised", "kept"} {
			size := heldIn(filepath.Join(dir, name), key)
			if size != last[i] {
				seen[0]++
			}
			if size < last[i] {
				seen[1]++
			}
			last[i] = size
		}
	}
	return seen
}

// heldIn is the size of the one checkpoint in a state file.
func heldIn(path, key string) uint64 {
	text, err := os.ReadFile(path)
	if err != nil {
		return 0
	}
	lines := strings.Split(string(text), "\n")
	if len(lines) < 3 || lines[2] == "" {
		return 0
	}
	note, err := base64.StdEncoding.DecodeString(lines[2])
	if err != nil {
		return 0
	}
	size, err := audit.CheckpointSize(key, string(note))
	if err != nil {
		return 0
	}
	if generation, err := strconv.Atoi(lines[1]); err != nil || generation == 0 {
		return 0
	}
	return size
}
