package proof_test

import (
	"bytes"
	"slices"
	"testing"

	"github.com/amparo-project/amparo/internal/proof"
)

func TestDraw(t *testing.T) {
	root, nonce := bytes.Repeat([]byte{7}, 32), bytes.Repeat([]byte{9}, 16)
	// Whoever draws again must get the same for as long as anybody asks.
	if got, want := proof.Draw(root, nonce, 1000, 5), []uint64{603, 844, 959, 85, 1}; !slices.Equal(got, want) {
		t.Errorf("%v, want %v", got, want)
	}
	for name, other := range map[string][]uint64{
		"another root":                    proof.Draw(append([]byte{8}, root[1:]...), nonce, 1000, 5),
		"another nonce":                   proof.Draw(root, append(slices.Clone(nonce), 0), 1000, 5),
		"a byte of the root in the nonce": proof.Draw(root[:31], append([]byte{7}, nonce...), 1000, 5),
	} {
		if slices.Equal(other, proof.Draw(root, nonce, 1000, 5)) {
			t.Errorf("%s draws the same", name)
		}
	}
	if more := proof.Draw(root, nonce, 1000, 9); !slices.Equal(more[:5], proof.Draw(root, nonce, 1000, 5)) {
		t.Error("a larger sample does not begin with the smaller one")
	}
	for _, population := range []uint64{1, 2, 7, 100} {
		all := proof.Draw(root, nonce, population, 1000)
		slices.Sort(all)
		if uint64(len(slices.Compact(all))) != population || all[len(all)-1] != population-1 {
			t.Errorf("of %d entries %v are drawn, want each once", population, all)
		}
	}
	if none := proof.Draw(root, nonce, 0, 5); none != nil {
		t.Errorf("of nothing %v are drawn", none)
	}
}

// TestDrawIsFair draws one of seven often, and 30 of 1000: each is as likely as any
// other, within five times what chance alone would do.
func TestDrawIsFair(t *testing.T) {
	for _, c := range []struct {
		population uint64
		count      int
		draws      int
		slack      float64
	}{{7, 1, 70_000, 5 * 92.6}, {1000, 30, 20_000, 5 * 24.1}} {
		times := make([]int, c.population)
		for i := range c.draws {
			for _, index := range proof.Draw([]byte("root"), []byte{byte(i), byte(i >> 8), byte(i >> 16)}, c.population, c.count) {
				times[index]++
			}
		}
		want := float64(c.draws*c.count) / float64(c.population)
		for index, n := range times {
			if off := float64(n) - want; off > c.slack || off < -c.slack {
				t.Errorf("of %d, entry %d was drawn %d times, want about %.0f", c.population, index, n, want)
			}
		}
	}
}

// TestDrawPassesOver: three quarters of all numbers are entries; did the others count
// too, a third of the entries would be drawn twice as often as the rest.
func TestDrawPassesOver(t *testing.T) {
	const population = 3 << 62
	low := 0
	for i := range 6000 {
		if proof.Draw([]byte("root"), []byte{byte(i), byte(i >> 8)}, population, 1)[0] < 1<<62 {
			low++
		}
	}
	if low < 1800 || low > 2200 {
		t.Errorf("%d of 6000 are in the first third, want about 2000", low)
	}
}
