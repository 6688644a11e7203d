package records

import (
	"crypto/sha256"
	"encoding/binary"
	"math"
)

// drawing sets the hashes of a draw apart from all others.
const drawing = "amparo sample draw 1"

// draw draws count of population entries, none twice, and returns their indexes in the
// order of the draw; all of them where there are no more.
//
// Number k, from 0 on, is SHA-256 over the words above, the root and the nonce, each
// behind its length, and k; lengths and k in eight bytes, big-endian. Its first eight
// bytes, modulo the population, are an index, unless they lie past the last multiple of
// the population, where some entries would come up more often than others, or the index
// was drawn before.
func draw(root, nonce []byte, population uint64, count int) []uint64 {
	if population == 0 {
		return nil
	}
	var fixed []byte
	for _, part := range [][]byte{[]byte(drawing), root, nonce} {
		fixed = binary.BigEndian.AppendUint64(fixed, uint64(len(part)))
		fixed = append(fixed, part...)
	}
	past := math.MaxUint64 - math.MaxUint64%population
	var drawn []uint64
	known := map[uint64]bool{}
	for k := uint64(0); len(drawn) < count && uint64(len(drawn)) < population; k++ {
		hash := sha256.Sum256(binary.BigEndian.AppendUint64(fixed[:len(fixed):len(fixed)], k))
		number := binary.BigEndian.Uint64(hash[:8])
		if index := number % population; number < past && !known[index] {
			known[index] = true
			drawn = append(drawn, index)
		}
	}
	return drawn
}
