package bolt

import (
	"encoding/binary"
	"errors"
	"fmt"
	"hash/fnv"
	"os"

	"github.com/amparo-project/amparo/internal/store"
)

// What bbolt writes, format version 2, in the byte order of the machine. A page
// starts with its id (8 bytes), flags (2), count (2) and the number of pages
// that follow it as overflow (4).
const (
	pageHeader = 16

	metaFlag     = 0x04
	freelistFlag = 0x10

	metaMagic   = 0xED0CDAED
	metaVersion = 2
	metaSummed  = 56 // bytes of a meta before its checksum
	metaSize    = metaSummed + 8
)

// DamageError says which part of a database file is not what was written. It
// wraps store.ErrCorrupt.
type DamageError struct {
	Part   string // "file", "meta page 0", "freelist", ...
	Reason string

	// OtherMetaWhole: one meta page is damaged and the other one describes a
	// sound database, which may be one group of commits older. Opening with
	// Options.AcceptLostCommit goes on from there.
	OtherMetaWhole bool
}

func (e *DamageError) Error() string {
	return fmt.Sprintf("%v: %s: %s", store.ErrCorrupt, e.Part, e.Reason)
}

// Unwrap returns store.ErrCorrupt.
func (e *DamageError) Unwrap() error { return store.ErrCorrupt }

// meta is what a meta page says.
type meta struct {
	root     uint64 // page of the root bucket
	freelist uint64
	pages    uint64 // high-water mark: every page in use has a lower id
	txid     uint64
}

// inspect checks what bbolt takes on trust, before bbolt acts on it: both meta
// pages (a meta fits into one sector, so a power cut leaves the old one or the
// new one), that their transactions follow each other (bbolt uses the
// two in turn, and the one that it would pass over is then the older one), that
// the file is as long
// as they say, the freelist, and the upper levels of the tree. It reports
// whether it accepted the loss of the last commit.
func inspect(file *os.File, acceptLost bool) (lost bool, err error) {
	info, err := file.Stat()
	if err != nil {
		return false, err
	}
	if info.Size() == 0 {
		return false, &DamageError{Part: "file", Reason: "empty"}
	}
	if info.Size() < 2*pageSize {
		return false, &DamageError{Part: "file", Reason: "cut short within the meta pages"}
	}
	newest, damage, err := newestMeta(file)
	if err != nil {
		return false, err
	}
	// In bytes, but without the overflow of a multiplication.
	if have := uint64(info.Size()) / pageSize; newest.pages > have {
		return false, &DamageError{
			Part:   "file",
			Reason: fmt.Sprintf("cut short: %d whole pages of %d", have, newest.pages),
		}
	}
	if err := inspectPages(file, newest); err != nil {
		return false, err
	}
	if damage == nil {
		return false, nil
	}
	if !acceptLost {
		damage.OtherMetaWhole = true
		return false, damage
	}
	return labelMeta(file, 1-newest.txid%2)
}

// labelMeta writes the page header of a damaged meta page anew, since bbolt
// wants both to look like meta pages. The meta itself is left as it is: bbolt
// passes over it for its checksum, and whoever opens the file next finds the
// damage again unless this opening came to its end. If the header was all that
// was wrong, nothing is lost.
func labelMeta(file *os.File, slot uint64) (lost bool, err error) {
	header := binary.NativeEndian.AppendUint64(nil, slot)
	header = binary.NativeEndian.AppendUint16(header, metaFlag)
	header = append(header, make([]byte, pageHeader-len(header))...)
	if _, err := file.WriteAt(header, int64(slot)*pageSize); err != nil {
		return false, err
	}
	if err := file.Sync(); err != nil {
		return false, err
	}
	_, err = readMeta(file, slot, pageSize)
	if errors.Is(err, store.ErrCorrupt) {
		return true, nil
	}
	return false, err
}

// newestMeta returns the meta to go on from, and the damage of the other one.
func newestMeta(file *os.File) (newest meta, damage *DamageError, err error) {
	m0, err0 := readMeta(file, 0, pageSize)
	m1, err1 := readMeta(file, 1, pageSize)
	for _, err := range []error{err0, err1} {
		if err != nil && !errors.Is(err, store.ErrCorrupt) {
			return meta{}, nil, err
		}
	}
	switch {
	case err0 != nil && err1 != nil:
		return meta{}, nil, errors.Join(err0, err1)
	case err0 == nil && m0.txid%2 != 0, err1 == nil && m1.txid%2 != 1:
		return meta{}, nil, &DamageError{Part: "meta pages", Reason: "written in each other's place"}
	case err0 != nil:
		errors.As(err0, &damage)
		return m1, damage, nil
	case err1 != nil:
		errors.As(err1, &damage)
		return m0, damage, nil
	case m0.txid == m1.txid+1:
		return m0, nil, nil
	case m1.txid == m0.txid+1:
		return m1, nil, nil
	}
	return meta{}, nil, &DamageError{
		Part:   "meta pages",
		Reason: fmt.Sprintf("transactions %d and %d do not follow each other", m0.txid, m1.txid),
	}
}

// readMeta reads and checks the meta in the given slot.
func readMeta(file *os.File, slot uint64, pageSize int64) (meta, error) {
	var page [pageHeader + metaSize]byte
	if _, err := file.ReadAt(page[:], int64(slot)*pageSize); err != nil {
		return meta{}, fmt.Errorf("read meta page %d: %w", slot, err)
	}
	word := binary.NativeEndian
	body := page[pageHeader:]
	sum := fnv.New64a()
	sum.Write(body[:metaSummed])
	m := meta{
		root:     word.Uint64(body[16:]),
		freelist: word.Uint64(body[32:]),
		pages:    word.Uint64(body[40:]),
		txid:     word.Uint64(body[48:]),
	}
	var reason string
	switch {
	case word.Uint32(body[0:]) != metaMagic:
		reason = "not a database (magic number)"
	case word.Uint32(body[4:]) != metaVersion:
		reason = "unknown format version"
	case int64(word.Uint32(body[8:])) != pageSize:
		reason = "another page size"
	case word.Uint64(body[metaSummed:]) != sum.Sum64():
		reason = "checksum does not match"
	case word.Uint64(page[0:]) != slot:
		reason = "bears the number of another page"
	case word.Uint16(page[8:]) != metaFlag:
		reason = "not marked as a meta page"
	case m.root < 2 || m.root >= m.pages || m.freelist < 2 || m.freelist >= m.pages:
		reason = "refers to a page that does not exist"
	default:
		return m, nil
	}
	return meta{}, &DamageError{Part: fmt.Sprintf("meta page %d", slot), Reason: reason}
}
