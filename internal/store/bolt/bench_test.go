package bolt_test

import (
	"context"
	"crypto/rand"
	"fmt"
	"path/filepath"
	"sync"
	"sync/atomic"
	"testing"

	bbolt "go.etcd.io/bbolt"

	"github.com/amparo-project/amparo/internal/store"
	"github.com/amparo-project/amparo/internal/store/bolt"
)

// shapes are a record of 2 KiB by itself, and a call that touches eight keys.
var shapes = []struct {
	writes, bytes int
}{{1, 2048}, {8, 300}}

// BenchmarkCommit measures Commit by several callers. BenchmarkRaw is what it
// is to be read against: the same writes by one loop that hands bbolt full
// groups, so the best that any grouping could reach on this disk.
func BenchmarkCommit(b *testing.B) {
	for _, s := range shapes {
		for _, callers := range []int{1, 16, 64, 256} {
			b.Run(fmt.Sprintf("%dx%d/callers=%d", s.writes, s.bytes, callers), func(b *testing.B) {
				e, _ := create(b)
				var next, groups atomic.Int64
				bolt.OnCommit(e, func(tx *bbolt.Tx, commit func(*bbolt.Tx) error) error {
					groups.Add(1)
					return commit(tx)
				})
				var wg sync.WaitGroup
				b.ResetTimer()
				for range callers {
					wg.Go(func() {
						for next.Add(1) <= int64(b.N) {
							if _, err := e.Commit(context.Background(), nil, writesOf(s.writes, s.bytes)); err != nil {
								b.Error(err)
								return
							}
						}
					})
				}
				wg.Wait()
				b.ReportMetric(float64(b.N)/b.Elapsed().Seconds(), "commits/s")
				b.ReportMetric(float64(b.N)/float64(groups.Load()), "commits/group")
			})
		}
	}
}

// BenchmarkRaw is bbolt without the engine. See BenchmarkCommit.
func BenchmarkRaw(b *testing.B) {
	for _, s := range shapes {
		for _, callers := range []int{1, 16, 64, 256} {
			b.Run(fmt.Sprintf("%dx%d/callers=%d", s.writes, s.bytes, callers), func(b *testing.B) {
				db, err := bbolt.Open(filepath.Join(b.TempDir(), "raw.db"), 0o600,
					&bbolt.Options{PageSize: bolt.PageSize, FreelistType: bbolt.FreelistMapType})
				if err != nil {
					b.Fatal(err)
				}
				defer db.Close()
				b.ResetTimer()
				for done := 0; done < b.N; done += callers {
					err := db.Update(func(tx *bbolt.Tx) error {
						bucket, err := tx.CreateBucketIfNotExists([]byte("raw"))
						for range min(callers, b.N-done) {
							for _, w := range writesOf(s.writes, s.bytes) {
								if err == nil {
									err = bucket.Put(w.Key, w.Value)
								}
							}
						}
						return err
					})
					if err != nil {
						b.Fatal(err)
					}
				}
				b.ReportMetric(float64(b.N)/b.Elapsed().Seconds(), "commits/s")
			})
		}
	}
}

// BenchmarkGet reads one of 10,000 records of 2 KiB.
func BenchmarkGet(b *testing.B) {
	e, _ := create(b)
	var keys [][]byte
	for range 10_000 / 100 {
		writes := writesOf(100, 2048)
		if _, err := e.Commit(context.Background(), nil, writes); err != nil {
			b.Fatal(err)
		}
		for _, w := range writes {
			keys = append(keys, w.Key)
		}
	}
	b.ReportAllocs()
	b.ResetTimer()
	for i := range b.N {
		if _, err := e.Get(context.Background(), keys[i*7919%len(keys)]); err != nil {
			b.Fatal(err)
		}
	}
}

func writesOf(n, size int) []store.Write {
	buf := make([]byte, n*16)
	if _, err := rand.Read(buf); err != nil {
		panic(err)
	}
	writes := make([]store.Write, n)
	for i := range writes {
		writes[i] = store.Write{Key: buf[i*16 : (i+1)*16], Value: make([]byte, size)}
	}
	return writes
}
