// Package lookup is the index that a sealed store cannot have on disk: which
// files there are, where they lie, in what order cases wait, and which of them a
// searched name may belong to. It lives in memory only, is built from the opened
// heads at unseal, and is lost when the service stops, as it should be.
//
// Build it with New and Load, keep it true with Apply, ask it with Find, Page,
// Candidates and Due. It knows no rule and no message: records hands it sort keys and
// tokens ready made, and it hands back what it was given. What it says about a
// name is a hint, since it keeps half of a token; records opens the head and
// looks.
//
// A case costs it about 280 bytes (see the benchmark), so a million cases fit a
// small machine.
package lookup

import (
	"bytes"
	"encoding/binary"
	"slices"
	"sync"

	"github.com/tidwall/btree"
)

// ID is a public id, a pseudonym or a locator: 128 bits.
type ID [16]byte

// Head is what the index holds of a file. Row is used for cases only.
type Head struct {
	Kind      uint8
	ID        ID
	Locator   ID
	Pseudonym ID
	Revision  uint64 // of the engine; an older one never replaces a newer one
	Version   uint64 // of the head
	Hash      ID     // first half of the SHA-256 of the stored head
	Wake      uint32 // Unix seconds at which the file asks for something; zero for never
	Row       Row
	Tokens    []uint64 // keyed hashes of what the file can be found by
}

// Row is a case in the queue. Order is its place: the lowest comes first.
type Row struct {
	Order     uint64
	Due       uint32 // Unix seconds; zero when no term runs
	Received  uint32 // Unix seconds
	State     uint8
	Class     uint8
	Risk      uint8
	Programme uint8
	NextTerm  uint8
	Flags     uint8
	Office    string
	Owner     ID
	Team      []ID // shared between rows; must not be changed
	Excluded  []ID // shared between rows; must not be changed
}

// Flags of a Row.
const (
	Restricted uint8 = 1 << iota
	PossibleDuplicate
	ConfirmationWaits
	Queued // the file is a case and stands in its office's queue

	// Breach says that something has left the case that should not have.
	Breach uint8 = 1 << 5
	// OwnerAbsent says that nobody active answers for the case.
	OwnerAbsent uint8 = 1 << 7
)

// entry is Head without what can be shared or looked up, so that it stays small.
type entry struct {
	id, locator, pseudonym, hash ID
	revision, version, order     uint64
	due, received, wake          uint32
	crew                         uint32
	office                       uint16
	kind, state, class, risk     uint8
	programme, nextTerm, flags   uint8
}

// crew is who stands around a case. Few different ones exist, so cases share.
type crew struct {
	owner          ID
	team, excluded []ID
}

type place struct {
	order uint64
	index uint32
}

// Index is the index. All methods are safe for concurrent use.
type Index struct {
	mu      sync.RWMutex
	entries []entry       // [0] is nobody: its zero id sorts before every other
	byID    map[ID]uint32 // id to index in entries
	queues  map[uint16]*btree.BTreeG[place]
	wakes   *btree.BTreeG[uint64] // wake and index of the files that ask for something
	sooner  chan struct{}
	tokens  tokens

	offices   []string
	officeIDs map[string]uint16
	crews     []crew
	crewIDs   map[string]uint32

	watchers map[*Watcher]struct{}
}

// New returns an empty index.
func New() *Index {
	return &Index{
		wakes:     newWakes(),
		sooner:    make(chan struct{}, 1),
		entries:   make([]entry, 1),
		byID:      map[ID]uint32{},
		queues:    map[uint16]*btree.BTreeG[place]{},
		tokens:    newTokens(),
		officeIDs: map[string]uint16{},
		crewIDs:   map[string]uint32{},
		watchers:  map[*Watcher]struct{}{},
	}
}

// newQueue orders places by their sort key and then by id, which unlike an index
// in memory is the same after a restart: a cursor survives one.
func (x *Index) newQueue() *btree.BTreeG[place] {
	less := func(a, b place) bool {
		if a.order != b.order {
			return a.order < b.order
		}
		return bytes.Compare(x.entries[a.index].id[:], x.entries[b.index].id[:]) < 0
	}
	return btree.NewBTreeGOptions(less, btree.Options{NoLocks: true, Degree: 64})
}

// Load adds many heads at once, into an index that is still empty: what is sorted
// at once takes half the memory of what is added one by one.
func (x *Index) Load(heads []Head) {
	x.mu.Lock()
	defer x.mu.Unlock()
	count := 0
	for i := range heads {
		count += len(heads[i].Tokens)
	}
	packed := make([]uint64, 0, count)
	x.entries = slices.Grow(x.entries, len(heads))
	queues := map[uint16][]place{}
	wakes := make([]uint64, 0, len(heads))
	for i := range heads {
		index := x.add(&heads[i])
		x.entries[index].wake = heads[i].Wake
		for _, token := range heads[i].Tokens {
			packed = append(packed, pack(token, index))
		}
		e := &x.entries[index]
		if e.flags&Queued != 0 {
			queues[e.office] = append(queues[e.office], place{e.order, index})
		}
		if e.wake != 0 {
			wakes = append(wakes, pack(uint64(e.wake)<<32, index))
		}
	}
	x.tokens.load(packed)
	for office, places := range queues {
		x.queues[office] = x.loadQueue(places)
	}
	slices.Sort(wakes)
	for _, waking := range wakes {
		x.wakes.Load(waking)
	}
	x.tellSooner()
}

func (x *Index) loadQueue(places []place) *btree.BTreeG[place] {
	queue := x.newQueue()
	slices.SortFunc(places, func(a, b place) int {
		if queue.Less(a, b) {
			return -1
		}
		return 1
	})
	for _, p := range places {
		queue.Load(p)
	}
	return queue
}

// Apply takes a written head in. It reports whether the head was news: a revision
// that is not newer than the one held is passed over, so that a commit may be
// applied by whoever made it and by whoever watches the engine, in any order.
func (x *Index) Apply(head Head) bool {
	x.mu.Lock()
	defer x.mu.Unlock()
	index, known := x.byID[head.ID]
	if known && x.entries[index].revision >= head.Revision {
		return false
	}
	if known {
		x.unqueue(index)
		x.fill(index, &head)
	} else {
		index = x.add(&head)
	}
	x.setWake(index, head.Wake)
	// Tokens are only ever added. One that no longer holds costs a look at a head
	// that then does not match.
	for _, token := range head.Tokens {
		x.tokens.add(token, index)
	}
	if e := &x.entries[index]; e.flags&Queued != 0 {
		queue := x.queues[e.office]
		if queue == nil {
			queue = x.newQueue()
			x.queues[e.office] = queue
		}
		queue.Set(place{e.order, index})
		for w := range x.watchers {
			w.changed(index)
		}
	}
	return true
}

func (x *Index) unqueue(index uint32) {
	if e := &x.entries[index]; e.flags&Queued != 0 {
		x.queues[e.office].Delete(place{e.order, index})
	}
}

func (x *Index) add(head *Head) uint32 {
	index := uint32(len(x.entries))
	x.entries = append(x.entries, entry{})
	x.byID[head.ID] = index
	x.fill(index, head)
	return index
}

func (x *Index) fill(index uint32, head *Head) {
	row := &head.Row
	x.entries[index] = entry{
		id: head.ID, locator: head.Locator, pseudonym: head.Pseudonym, hash: head.Hash,
		revision: head.Revision, version: head.Version, order: row.Order,
		due: row.Due, received: row.Received,
		wake: x.entries[index].wake, crew: x.crewOf(row), office: x.officeOf(row.Office),
		kind: head.Kind, state: row.State, class: row.Class, risk: row.Risk,
		programme: row.Programme, nextTerm: row.NextTerm, flags: row.Flags,
	}
}

func (x *Index) officeOf(name string) uint16 {
	id, ok := x.officeIDs[name]
	if !ok {
		id = uint16(len(x.offices))
		x.offices = append(x.offices, name)
		x.officeIDs[name] = id
	}
	return id
}

func (x *Index) crewOf(row *Row) uint32 {
	key := make([]byte, 0, 64)
	key = append(key, row.Owner[:]...)
	key = binary.AppendUvarint(key, uint64(len(row.Team)))
	for _, id := range slices.Concat(row.Team, row.Excluded) {
		key = append(key, id[:]...)
	}
	id, ok := x.crewIDs[string(key)]
	if !ok {
		id = uint32(len(x.crews))
		x.crews = append(x.crews, crew{row.Owner, slices.Clone(row.Team), slices.Clone(row.Excluded)})
		x.crewIDs[string(key)] = id
	}
	return id
}
