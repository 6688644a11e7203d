// Package audit keeps the log of what the service did, so that it can prove it
// afterwards to somebody who trusts neither the disk nor its operator.
//
// Every act is a leaf. NewLeaf turns one into a write that its caller puts into
// the very commit that the leaf is about (or, for a read, commits by itself
// before it answers); from then on the leaf exists. A Log follows the engine's
// commits and takes their leaves into an RFC 6962 Merkle tree, in the order of
// commit and key, and signs the tree's root as a C2SP checkpoint. The tree is a
// function of the stored leaves alone: whichever moment a crash falls on, the
// next start takes in the same leaves in the same order and comes to the same
// roots.
//
// The service calls Create once and Open at every start, then Log.CatchUp before
// it answers anybody, and runs Log.Run beside its work. A client keeps the newest
// checkpoint that it saw and calls CheckConsistency for each new one; an auditor
// calls VerifyExport on a file.
//
// The package does not decide what has to be recorded, nor who may read it. It
// cannot notice that a leaf was removed in the second before a checkpoint covers
// it. Leaves and the log's state are sealed; the tree's hashes and the leaves'
// places are not, as they say nothing (a leaf holds 16 random bytes) and are
// believed only as far as a signed root bears them out.
package audit

import (
	"encoding/binary"
	"errors"
	"time"
)

// Prefixes are the first bytes of the keys that the log owns in the engine:
// leaves, tree hashes, the places of leaves, and the state.
const Prefixes = "lhis"

const (
	prefixLeaf     = 'l' // then the locator: a sealed leaf
	prefixHashes   = 'h' // then the number of a chunk: tree hashes, in tlog's stored order
	prefixLocators = 'i' // then the number of a chunk: locators, in the order of the log
)

// stateKey holds the sealed LogState.
var stateKey = []byte{'s'}

// statePlace is the associated data of the state. The number in it is the version
// of all the log's keys and values, those in the clear included.
var statePlace = []byte("s1")

// What a caller may conclude from an error.
var (
	// ErrBroken: what is stored is not what this log wrote. The service must
	// seal itself; a backup is the way back.
	ErrBroken = errors.New("audit: log broken")
	// ErrForeign: somebody else sequences the same store. Whoever gets it stops.
	ErrForeign = errors.New("audit: another sequencer is at work")
	// ErrFork: two checkpoints, of which the newer is not shown to hold all that
	// the older one held. The two notes are the evidence: keep both.
	ErrFork = errors.New("audit: checkpoints do not agree")
	// ErrShrunk: the newer of two checkpoints is of a smaller log.
	ErrShrunk = errors.New("audit: log shrunk")
	// ErrInvalid: a leaf, checkpoint, key or export is not of the form that this
	// version knows, or its parts contradict one another.
	ErrInvalid = errors.New("audit: invalid")
)

// Sealer seals under the keys of the log. The seal package's keyring is one.
type Sealer interface {
	// SealLeaf seals a leaf so that it opens under the same locator only.
	SealLeaf(locator, plaintext []byte) []byte
	// OpenLeaf opens what SealLeaf made for the same locator, or fails.
	OpenLeaf(locator, envelope []byte) ([]byte, error)
	// SealLogState seals the log's state, so that no leaf opens in its stead.
	SealLogState(locator, plaintext []byte) []byte
	// OpenLogState opens what SealLogState made for the same locator, or fails.
	OpenLogState(locator, envelope []byte) ([]byte, error)
	// Fold is a keyed hash of one version of one file.
	Fold(pseudonym string, version uint64, headHash []byte) [32]byte
}

// locator says where a leaf lies: the day, a count, then random bytes. Leaves of a
// day lie side by side, and the disk tells nothing finer than the day.
type locator [locatorBytes]byte

const (
	dayBytes     = 2 // days since 1970-01-01 UTC, big-endian
	countBytes   = 4 // ascending within a day, so that pages fill
	locatorBytes = 16
)

func dayOf(t time.Time) [dayBytes]byte {
	var day [dayBytes]byte
	binary.BigEndian.PutUint16(day[:], uint16(t.Unix()/(24*60*60)))
	return day
}

func (l locator) key() []byte { return append([]byte{prefixLeaf}, l[:]...) }

func isLeafKey(key []byte) bool { return len(key) > 0 && key[0] == prefixLeaf }

// locatorOf refuses a key that no leaf of this version has.
func locatorOf(key []byte) (locator, bool) {
	if len(key) != 1+locatorBytes || key[0] != prefixLeaf {
		return locator{}, false
	}
	return locator(key[1:]), true
}
