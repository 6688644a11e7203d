package proof

import (
	"crypto/sha256"
	"encoding/binary"
	"math"
)

// drawing sets the hashes of a draw apart from all others.
const drawing = "amparo sample draw 1"

// Draw draws count of population entries, none of them twice, and returns their
// indexes in the order in which they were drawn; all of them where there are no more.
//
// It follows from the root of the tree and the nonce alone: the service knew the root
// before the nonce was drawn, and whoever drew the nonce knew neither entries nor
// root, so that neither chooses. Number k, from 0 on, is SHA-256 over the words
// "amparo sample draw 1", root and nonce, each behind its length, and k, all numbers
// in eight bytes, big-endian. The first eight bytes of it are a number too; from
// the last multiple of population below 1<<64-1 on it is passed over, so that each entry is as
// likely as any other, and so is one that was drawn before.
func Draw(root, nonce []byte, population uint64, count int) []uint64 {
	var drawn []uint64
	seen := make(map[uint64]bool)
	if population == 0 {
		return nil
	}
	beyond := math.MaxUint64 - math.MaxUint64%population
	for k := uint64(0); len(drawn) < count && uint64(len(drawn)) < population; k++ {
		var input []byte
		for _, part := range [][]byte{[]byte(drawing), root, nonce} {
			input = append(binary.BigEndian.AppendUint64(input, uint64(len(part))), part...)
		}
		hash := sha256.Sum256(binary.BigEndian.AppendUint64(input, k))
		number := binary.BigEndian.Uint64(hash[:])
		if index := number % population; number < beyond && !seen[index] {
			seen[index] = true
			drawn = append(drawn, index)
		}
	}
	return drawn
}
