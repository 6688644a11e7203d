package bolt_test

import (
	"path/filepath"
	"testing"

	"github.com/amparo-project/amparo/internal/store"
	"github.com/amparo-project/amparo/internal/store/bolt"
	"github.com/amparo-project/amparo/internal/store/storetest"
)

func create(t testing.TB) (*bolt.Engine, string) {
	t.Helper()
	path := filepath.Join(t.TempDir(), "amparo.db")
	e, err := bolt.Create(bolt.Options{Path: path})
	if err != nil {
		t.Fatalf("Create: %v", err)
	}
	t.Cleanup(func() { e.Close() })
	return e, path
}

func open(t *testing.T) store.Engine {
	e, _ := create(t)
	bolt.CheckEveryCommit(e)
	return e
}

func TestContract(t *testing.T) { storetest.Run(t, open) }

func TestBoundedMemory(t *testing.T) {
	storetest.RunBounded(t, func(t *testing.T) store.Engine { e, _ := create(t); return e })
}

func TestDurable(t *testing.T) {
	storetest.RunDurable(t, func(t *testing.T) func() store.Engine {
		first, path := create(t)
		if err := first.Close(); err != nil {
			t.Fatal(err)
		}
		return func() store.Engine { return reopen(t, path) }
	})
}

func reopen(t testing.TB, path string) *bolt.Engine {
	t.Helper()
	e, err := bolt.Open(bolt.Options{Path: path})
	if err != nil {
		t.Fatalf("Open: %v", err)
	}
	t.Cleanup(func() { e.Close() })
	return e
}
