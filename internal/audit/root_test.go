package audit_test

import (
	"errors"
	"testing"

	"github.com/amparo-project/amparo/internal/audit"
)

// TestRootOfEverySize: the root of each smaller tree is that of its leaves, across the
// ends of chunks, and there is none of a larger one.
func TestRootOfEverySize(t *testing.T) {
	_, l := grown(t, 300)
	var leaves [][]byte
	for raw, err := range all(t.Context(), l) {
		if err != nil {
			t.Fatal(err)
		}
		leaves = append(leaves, raw)
		root, err := l.Root(t.Context(), uint64(len(leaves)))
		if want := merkle(leaves); err != nil || string(root) != string(want[:]) {
			t.Fatalf("the root of %d leaves is another: %v", len(leaves), err)
		}
	}
	if _, err := l.Root(t.Context(), uint64(len(leaves))+1); !errors.Is(err, audit.ErrInvalid) {
		t.Errorf("the root of more leaves than there are: %v", err)
	}
}
