package lookup

import (
	"slices"

	"github.com/tidwall/btree"
)

// tokens finds the entries that bear a token. What is known at unseal, which is
// nearly everything, lies in one sorted slice: a tree's nodes are half empty after
// they were split, and would take twice the memory. What comes later is in a tree.
type tokens struct {
	loaded []uint64 // sorted, as pack makes them; never changed after load
	added  *btree.BTreeG[uint64]
}

func newTokens() tokens {
	return tokens{added: btree.NewBTreeGOptions(func(a, b uint64) bool { return a < b }, btree.Options{NoLocks: true, Degree: 64})}
}

// load takes in all that is known at unseal; it is called once.
func (t *tokens) load(packed []uint64) {
	slices.Sort(packed)
	t.loaded = packed
}

// add says that an entry bears a token, as it may have before.
func (t *tokens) add(token uint64, index uint32) {
	packed := pack(token, index)
	if _, known := slices.BinarySearch(t.loaded, packed); !known {
		t.added.Set(packed)
	}
}

// bearers returns the indexes of the entries of any of the tokens, ascending.
func (t *tokens) bearers(asked []uint64) []uint32 {
	var out []uint32
	for _, token := range asked {
		take := func(packed uint64) bool {
			if packed>>32 != token>>32 {
				return false
			}
			out = append(out, uint32(packed))
			return true
		}
		first, _ := slices.BinarySearch(t.loaded, pack(token, 0))
		for _, packed := range t.loaded[first:] {
			if !take(packed) {
				break
			}
		}
		t.added.Ascend(pack(token, 0), take)
	}
	slices.Sort(out)
	return slices.Compact(out)
}

// pack keeps the upper half of a token: enough that a wrong hit is rare, and half
// the memory.
func pack(token uint64, index uint32) uint64 {
	return token&^uint64(0xffffffff) | uint64(index)
}
