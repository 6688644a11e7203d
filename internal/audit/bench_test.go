package audit_test

import (
	"testing"

	"github.com/amparo-project/amparo/internal/audit"
	"github.com/amparo-project/amparo/internal/store"
)

// fill records n writes of a case, 32 leaves to a commit.
func fill(b *testing.B, config audit.Config, n int) {
	b.Helper()
	var writes []store.Write
	for i := range n {
		w, err := audit.NewLeaf(config.Sealer, note1(1), evening, 0)
		if err != nil {
			b.Fatal(err)
		}
		if writes = append(writes, w); len(writes) == 32 || i == n-1 {
			if _, err := config.Engine.Commit(b.Context(), nil, writes); err != nil {
				b.Fatal(err)
			}
			writes = writes[:0]
		}
	}
}

// BenchmarkSequence measures how fast waiting leaves get into the tree: finding,
// opening, hashing and storing them.
func BenchmarkSequence(b *testing.B) {
	config := newLog(b)
	l := open(b, config)
	fill(b, config, b.N)
	b.ReportAllocs()
	b.ResetTimer()
	catchUp(b, l)
	b.ReportMetric(float64(b.N)/b.Elapsed().Seconds(), "leaves/s")
}

// BenchmarkNewLeaf measures what recording an act adds to a call.
func BenchmarkNewLeaf(b *testing.B) {
	config := newLog(b)
	b.ReportAllocs()
	for b.Loop() {
		if _, err := audit.NewLeaf(config.Sealer, note1(1), evening, 0); err != nil {
			b.Fatal(err)
		}
	}
}

// BenchmarkLeaf measures reading one leaf with its proof, of 100,000.
func BenchmarkLeaf(b *testing.B) {
	const size = 100_000
	config := newLog(b)
	l := open(b, config)
	fill(b, config, size)
	catchUp(b, l)
	b.ReportAllocs()
	for i := uint64(0); b.Loop(); i++ {
		if _, err := l.Leaf(b.Context(), i*7919%size); err != nil {
			b.Fatal(err)
		}
	}
}
