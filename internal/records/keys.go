package records

import (
	"crypto/rand"
	"encoding/base32"
	"encoding/binary"
	"time"

	"github.com/amparo-project/amparo/internal/lookup"
)

// The engine's key space. Keys show what a locator shows, the day of a file, and
// how many records it has; they show neither what a file is nor its id, and of a
// record neither kind nor id, since its name is a keyed hash of both. Heads and
// wrapped keys lie apart from the rest, so that an unseal reads nothing else.
//
//	f <locator> 0            wrapped data key
//	f <locator> 1            head
//	g <locator> <name>       every other record of the file
//	r <day> <name>           request record
const (
	prefixFile    = 'f'
	prefixRecord  = 'g'
	prefixRequest = 'r'

	slotKey  = 0
	slotHead = 1
)

// The kinds of files. Numbers are on disk: never reuse one.
const (
	kindCase       uint8 = 1
	kindDirectory  uint8 = 2
	kindInvitation uint8 = 3

	kindPolicy       uint8 = 4
	kindDuty         uint8 = 5
	kindInterpreters uint8 = 6
	kindHandovers    uint8 = 7
	kindIncident     uint8 = 8
)

// fileKinds are all kinds of files.
var fileKinds = []uint8{kindCase, kindDirectory, kindInvitation, kindPolicy, kindDuty, kindInterpreters, kindHandovers, kindIncident}

// The kinds of records within a file. Numbers are on disk: never reuse one.
const (
	recordHead     uint8 = 1
	RecordIntake   uint8 = 2
	RecordIdentity uint8 = 3
	recordRisk     uint8 = 4
	RecordStaff    uint8 = 5
	recordTimeline uint8 = 6
	recordRequest  uint8 = 7
	recordSafety   uint8 = 8
	recordPlan     uint8 = 9
	recordDuty     uint8 = 11
	recordHandover uint8 = 13
	recordLinkage  uint8 = 14
	recordPolicy   uint8 = 16
	recordLedger   uint8 = 17

	recordInterpreter uint8 = 12
)

var encoding = base32.NewEncoding("abcdefghijklmnopqrstuvwxyz234567").WithPadding(base32.NoPadding)

// NewID draws a public id or a pseudonym: 128 random bits as 26 letters and
// digits.
func NewID() string {
	var id lookup.ID
	rand.Read(id[:])
	return encoding.EncodeToString(id[:])
}

// textOf writes an id as it appears to people.
func textOf(id lookup.ID) string { return encoding.EncodeToString(id[:]) }

// parseID reads an id. Two spellings of one id do not exist: the unused bits of
// the last letter must be zero.
func parseID(text string) (lookup.ID, bool) {
	var id lookup.ID
	if len(text) != 26 {
		return id, false
	}
	if n, err := encoding.Decode(id[:], []byte(text)); err != nil || n != len(id) {
		return id, false
	}
	return id, encoding.EncodeToString(id[:]) == text
}

// day is the coarse time in a locator: days since 1970 in UTC.
func day(now time.Time) uint16 { return uint16(now.Unix() / 86400) }

// newLocator draws a place on disk: the day, so that the disk does not tell the
// minute, a count, so that new files lie side by side and fill their pages, and ten
// random bytes, so that two servers never draw the same. The count tells in which
// order the files of a day were made, which the revision beside every value tells
// anyway; drawn at random within the day, a third of every page stays empty.
func (r *Records) newLocator(now time.Time) lookup.ID {
	var locator lookup.ID
	binary.BigEndian.PutUint16(locator[:], day(now))
	binary.BigEndian.PutUint32(locator[2:], r.placed.Add(1))
	_, _ = rand.Read(locator[6:]) // never fails: the runtime ends the process instead
	return locator
}

func fileKey(locator lookup.ID, slot byte) []byte {
	key := make([]byte, 0, 18)
	key = append(key, prefixFile)
	key = append(key, locator[:]...)
	return append(key, slot)
}

func (r *Records) recordKey(locator lookup.ID, kind uint8, id []byte) []byte {
	name := r.cfg.Keyring.RecordName(locator[:], uint32(kind), id)
	key := make([]byte, 0, 33)
	key = append(key, prefixRecord)
	key = append(key, locator[:]...)
	return append(key, name[:]...)
}

// timelineID is the id of an entry as a record of its file.
func timelineID(sequence uint64) []byte {
	return binary.BigEndian.AppendUint64(nil, sequence)
}

func requestKey(day uint16, name [16]byte) []byte {
	key := make([]byte, 0, 19)
	key = append(key, prefixRequest)
	key = binary.BigEndian.AppendUint16(key, day)
	return append(key, name[:]...)
}
