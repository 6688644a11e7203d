package bolt

import (
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"os"

	"github.com/amparo-project/amparo/internal/store"
)

const (
	branchFlag = 0x01
	leafFlag   = 0x02
	bucketFlag = 0x01 // of a leaf's element

	elementSize = 16

	// maxDepth is far beyond any tree: at the least two children a page, and
	// 300 or so in truth.
	maxDepth = 32
)

// inspectPages checks those pages by which bbolt could be led into something
// that no recover catches: a freelist of an absurd length (it would run out of
// memory) and branch pages that lead back to themselves (it would run out of
// stack). Leaf pages are not read, so this takes one page in some hundreds.
func inspectPages(file *os.File, m meta) error {
	w := walker{file: file, pages: m.pages, seen: make([]uint64, m.pages/64+1)}
	root, err := w.bucketRoot(m.root)
	if err != nil {
		return err
	}
	if root != 0 { // 0: so small that it lies within the root page
		if err := w.walk(root); err != nil {
			return err
		}
	}
	return w.freelist(m.freelist)
}

// walker reads pages below a high-water mark and remembers where it was.
type walker struct {
	file  *os.File
	pages uint64
	seen  []uint64 // one bit a page
}

func damaged(part string, id uint64, reason string) error {
	return &DamageError{Part: fmt.Sprintf("%s %d", part, id), Reason: reason}
}

// visit marks a page as used and refuses one that already is.
func (w *walker) visit(part string, id uint64) error {
	if id < 2 || id >= w.pages {
		return damaged(part, id, "does not exist")
	}
	if w.used(id) {
		return damaged(part, id, "used twice")
	}
	w.seen[id/64] |= 1 << (id % 64)
	return nil
}

func (w *walker) used(id uint64) bool { return w.seen[id/64]&(1<<(id%64)) != 0 }

// read returns a page with its overflow, and the flags and count of its header.
func (w *walker) read(part string, id uint64) (page []byte, flags, count uint16, err error) {
	page = make([]byte, pageSize)
	if err := w.readAt(page, id); err != nil {
		return nil, 0, 0, err
	}
	overflow := uint64(binary.NativeEndian.Uint32(page[12:]))
	if binary.NativeEndian.Uint64(page) != id {
		return nil, 0, 0, damaged(part, id, "bears the number of another page")
	}
	if overflow >= w.pages-id {
		return nil, 0, 0, damaged(part, id, "longer than the file")
	}
	if overflow > 0 {
		page = make([]byte, (overflow+1)*pageSize)
		if err := w.readAt(page, id); err != nil {
			return nil, 0, 0, err
		}
	}
	return page, binary.NativeEndian.Uint16(page[8:]), binary.NativeEndian.Uint16(page[10:]), nil
}

func (w *walker) readAt(page []byte, id uint64) error {
	_, err := w.file.ReadAt(page, int64(id)*pageSize)
	if errors.Is(err, io.EOF) {
		return damaged("page", id, "cut short")
	}
	if err != nil {
		return fmt.Errorf("read page %d: %w", id, err)
	}
	return nil
}

// bucketRoot finds the one bucket in the root page, and the page it starts at.
func (w *walker) bucketRoot(id uint64) (uint64, error) {
	const part = "root page"
	if err := w.visit(part, id); err != nil {
		return 0, err
	}
	page, flags, count, err := w.read(part, id)
	if err != nil {
		return 0, err
	}
	if flags != leafFlag || count != 1 {
		return 0, damaged(part, id, "does not hold one bucket")
	}
	word := binary.NativeEndian
	element := page[pageHeader:]
	pos, ksize, vsize := uint64(word.Uint32(element[4:])), uint64(word.Uint32(element[8:])), uint64(word.Uint32(element[12:]))
	if word.Uint32(element) != bucketFlag || vsize < 16 || pos+ksize+vsize > uint64(len(element)) {
		return 0, damaged(part, id, "does not hold a bucket")
	}
	if string(element[pos:pos+ksize]) != string(entriesBucket) {
		return 0, damaged(part, id, "holds another bucket")
	}
	return word.Uint64(element[pos+ksize:]), nil
}

// walk goes through the branch pages level by level. All leaves of a tree are
// at the same depth, so a level that starts with a leaf is not read further.
func (w *walker) walk(root uint64) error {
	level := []uint64{root}
	if err := w.visit("tree page", root); err != nil {
		return err
	}
	for range maxDepth {
		var next []uint64
		for i, id := range level {
			page, flags, count, err := w.read("tree page", id)
			if err != nil {
				return err
			}
			if flags == leafFlag && i == 0 {
				return nil
			}
			if flags == leafFlag {
				continue
			}
			if flags != branchFlag {
				return damaged("tree page", id, "neither branch nor leaf")
			}
			if next, err = w.children(page, id, int(count), next); err != nil {
				return err
			}
		}
		level = next
	}
	return damaged("tree page", root, "tree without an end")
}

// children appends the pages that a branch page leads to.
func (w *walker) children(page []byte, id uint64, count int, to []uint64) ([]uint64, error) {
	const part = "branch page"
	if count == 0 || pageHeader+count*elementSize > len(page) {
		return nil, damaged(part, id, "impossible number of children")
	}
	word := binary.NativeEndian
	var last []byte
	for i := range count {
		element := page[pageHeader+i*elementSize:]
		pos, ksize := uint64(word.Uint32(element)), uint64(word.Uint32(element[4:]))
		if ksize > store.MaxKeyBytes || pos+ksize > uint64(len(element)) {
			return nil, damaged(part, id, "key beyond the page")
		}
		key := element[pos : pos+ksize]
		if i > 0 && string(key) <= string(last) {
			return nil, damaged(part, id, "keys out of order")
		}
		last = key
		child := word.Uint64(element[8:])
		if err := w.visit("tree page", child); err != nil {
			return nil, err
		}
		to = append(to, child)
	}
	return to, nil
}

// freelist checks that the free pages exist, ascend, and are not in use.
func (w *walker) freelist(id uint64) error {
	const part = "freelist"
	if err := w.visit(part, id); err != nil {
		return err
	}
	page, flags, count, err := w.read(part, id)
	if err != nil {
		return err
	}
	if flags != freelistFlag {
		return damaged(part, id, "not marked as a freelist")
	}
	word := binary.NativeEndian
	ids, n := page[pageHeader:], uint64(count)
	if count == 0xFFFF { // the number did not fit and comes first
		n, ids = word.Uint64(ids), ids[8:]
	}
	if n > uint64(len(ids)/8) {
		return damaged(part, id, "longer than its page")
	}
	last := uint64(1)
	for i := range n {
		free := word.Uint64(ids[i*8:])
		if free <= last || free >= w.pages {
			return damaged(part, id, "page numbers out of order")
		}
		if w.used(free) {
			return damaged(part, id, "lists a page that is in use")
		}
		last = free
	}
	return nil
}
