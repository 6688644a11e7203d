package records_test

import (
	"bytes"
	"encoding/base64"
	"encoding/binary"
	"encoding/hex"
	"fmt"
	"os"
	"strings"
	"testing"
	"unicode/utf16"

	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/reflect/protoreflect"

	amparov1 "github.com/amparo-project/amparo/api/amparo/v1"
	"github.com/amparo-project/amparo/internal/access"
	"github.com/amparo-project/amparo/internal/lookup"
	"github.com/amparo-project/amparo/internal/records"
	"github.com/amparo-project/amparo/internal/spelling"
	"github.com/amparo-project/amparo/internal/store/storepb"
)

// canaries hands out texts that occur nowhere else.
type canaries struct{ all []string }

func (c *canaries) next() string {
	text := fmt.Sprintf("canary-%03d-Ñandú", len(c.all))
	c.all = append(c.all, text)
	return text
}

// fill puts a canary into every text of a message, down to the last.
func (c *canaries) fill(m protoreflect.Message) {
	fields := m.Descriptor().Fields()
	for i := range fields.Len() {
		f := fields.Get(i)
		switch {
		case f.IsMap() || f.ContainingOneof() != nil && m.WhichOneof(f.ContainingOneof()) != nil:
		case f.IsList() && f.Kind() == protoreflect.StringKind:
			m.Mutable(f).List().Append(protoreflect.ValueOfString(c.next()))
		case f.IsList() && f.Kind() == protoreflect.MessageKind:
			c.fill(m.Mutable(f).List().AppendMutable().Message())
		case f.IsList():
		case f.Kind() == protoreflect.StringKind:
			m.Set(f, protoreflect.ValueOfString(c.next()))
		case f.Kind() == protoreflect.MessageKind && f.Message().ParentFile().Package() == "amparo.v1":
			c.fill(m.Mutable(f).Message())
		}
	}
}

// page is a page of a ledger with an entry of every kind.
func (c *canaries) page() *storepb.LedgerPage {
	page := &storepb.LedgerPage{}
	kinds := (&amparov1.LedgerEntry{}).ProtoReflect().Descriptor().Oneofs().ByName("entry").Fields()
	for i := range kinds.Len() {
		entry := &amparov1.LedgerEntry{}
		c.fill(entry.ProtoReflect().Mutable(kinds.Get(i)).Message())
		page.Entries = append(page.GetEntries(), entry)
	}
	return page
}

// dump is a closed store as somebody finds it who carries the disk away, with all
// that must not be in it.
type dump struct {
	raw    []byte
	values map[string][]byte // key to value
	texts  []string
	bytes  map[string][]byte // what it is, and the bytes
}

const sameName = "Inés Apaza de los Andes"

func newDump(t *testing.T) *dump {
	t.Helper()
	h, d := beginOnDisk(t, fastFolder(t))
	p := newPerson()
	c := &canaries{}
	out := &dump{values: map[string][]byte{}, bytes: map[string][]byte{"staff id": raw(p.staff.GetId()), "device id": raw(p.device.GetId())}}
	for i := range 12 { // twelve cases of one name, one request each
		id, err := h.create(p, asked(fmt.Sprint("request-canary-", i), "x"), intake{name: sameName, notes: []string{sameName}})
		if err != nil {
			t.Fatal(err)
		}
		facts, who, entry := &amparov1.Intake{}, &amparov1.Identity{}, &amparov1.TimelineEntry{}
		c.fill(facts.ProtoReflect())
		c.fill(who.ProtoReflect())
		c.fill(entry.ProtoReflect())
		_, err = h.change(p, records.Request{}, id, func(f *records.File) {
			f.Put(records.RecordIntake, "", facts)
			f.Put(records.RecordIdentity, "", who)
			if i == 0 { // so many words that one case is enough
				f.Put(records.RecordLedger, "1", c.page())
			}
			f.Append(entry, &amparov1.TimelineEntry{Text: sameName})
			out.bytes[fmt.Sprint("pseudonym ", i)] = raw(f.Pseudonym())
		})
		if err != nil {
			t.Fatal(err)
		}
		out.bytes[fmt.Sprint("case id ", i)] = raw(id)
	}
	h.writeMember(c, p.staff.GetId())
	if _, _, err := h.Search(ctx, p.grant(t, "QueueService/SearchCases"), "search-canary", 5); err != nil {
		t.Fatal(err)
	}
	for i, token := range h.Tokens(spelling.NameKeys(sameName)) {
		out.bytes[fmt.Sprint("token ", i)] = binary.BigEndian.AppendUint64(nil, token)
		out.bytes[fmt.Sprint("token, turned, ", i)] = binary.LittleEndian.AppendUint64(nil, token)
	}
	out.texts = append(c.all, sameName, "request-canary-", "search-canary", p.staff.GetId())
	h.wantClean()
	out.read(t, h, d)
	return out
}

// writeMember adds somebody to the staff directory.
func (h *house) writeMember(c *canaries, id string) {
	grant := access.Service(amparov1.LeafAction_LEAF_ACTION_STAFF_INVITE)
	member := &amparov1.StaffMember{}
	c.fill(member.ProtoReflect())
	member.Id = id
	_, err := h.Update(ctx, grant, records.Request{}, records.Targets(h.Directory().FileID), func(w *records.Work) (proto.Message, error) {
		w.File(0).AddOffice(c.next())
		w.File(0).Put(records.RecordStaff, id, member)
		return nil, nil
	})
	if err != nil {
		h.t.Fatal(err)
	}
}

func (d *dump) read(t *testing.T, h *house, disk *onDisk) {
	t.Helper()
	h.Index().All(caseKind, func(head lookup.Head) bool {
		for i, token := range head.Tokens {
			d.bytes[fmt.Sprint("stored token ", i)] = binary.BigEndian.AppendUint64(nil, token)
		}
		return true
	})
	entries, err := h.engine.Scan(ctx, nil, nil, 10_000)
	if err != nil {
		t.Fatal(err)
	}
	for _, e := range entries {
		d.values[string(e.Key)] = e.Value
	}
	if err := h.engine.Close(); err != nil {
		t.Fatal(err)
	}
	if d.raw, err = os.ReadFile(disk.database()); err != nil {
		t.Fatal(err)
	}
	d.raw = d.raw[:used(d.raw)] // the rest was never written
}

// forms are the ways in which bytes may stand in a file.
func forms(b []byte) map[string][]byte {
	all := map[string][]byte{"as it is": b}
	if len(b) < 8 {
		return all
	}
	all["in hex"] = []byte(hex.EncodeToString(b))
	all["in capital hex"] = []byte(strings.ToUpper(hex.EncodeToString(b)))
	for shift := range 3 { // whatever stood before it
		padded := append(make([]byte, shift), b...)
		for name, encoding := range map[string]*base64.Encoding{"base64": base64.RawStdEncoding, "base64 for URLs": base64.RawURLEncoding} {
			text := encoding.EncodeToString(padded)
			all[fmt.Sprint("in ", name, " shifted by ", shift)] = []byte(text[(shift*8+5)/6 : len(text)-1])
		}
	}
	wide := utf16.Encode([]rune(string(b)))
	var little []byte
	for _, unit := range wide {
		little = binary.LittleEndian.AppendUint16(little, unit)
	}
	all["in UTF-16"] = little
	return all
}

// TestNothingReadableOnDisk looks for every text, id and token in the file.
func TestNothingReadableOnDisk(t *testing.T) {
	d := newDump(t)
	if len(d.texts) < 200 {
		t.Fatalf("only %d texts were put into the store", len(d.texts))
	}
	search := func(what string, b []byte) {
		for form, needle := range forms(b) {
			if bytes.Contains(d.raw, needle) {
				t.Errorf("%s lies on the disk %s", what, form)
			}
		}
	}
	for _, text := range d.texts {
		search("the text "+text, []byte(text))
	}
	for what, b := range d.bytes {
		search("the "+what, b)
		search("the text of the "+what, []byte(ids.EncodeToString(b)))
	}
	if !bytes.Contains(d.raw, []byte("entries")) {
		t.Error("the file is not the one that was looked for: its bucket has no name")
	}
	t.Logf("%d texts and %d ids and tokens, none in %d KiB", len(d.texts), len(d.bytes), len(d.raw)>>10)
}

// TestNoEqualityOnDisk: the same name, written again and again, leaves no two
// stored values with eight equal bytes in a row, beyond what stands in front of
// each ciphertext: format and key id, and for wrapped keys the shard's commitment.
func TestNoEqualityOnDisk(t *testing.T) {
	d := newDump(t)
	const envelope = 1 + 8
	front := map[byte]int{'l': envelope, 's': envelope, 'g': envelope, 'r': 16 + envelope}
	where := map[[8]byte]string{}
	windows := 0
	lengths := map[byte]map[int]bool{}
	for key, value := range d.values {
		if lengths[key[0]] == nil {
			lengths[key[0]] = map[int]bool{}
		}
		lengths[key[0]][len(key)] = true
		skip, sealed := front[key[0]]
		switch {
		case key[0] == 'f' && key[17] == 0:
			skip = 1 + 1 + 4 + 32
		case key[0] == 'f':
			skip = 8 + envelope
		case !sealed:
			continue // hashes and places, in the clear and none of a text's
		}
		for i := skip; i+8 <= len(value); i++ {
			window := [8]byte(value[i:])
			if before, twice := where[window]; twice {
				t.Errorf("the values under %x and %x have eight bytes in common", before, key)
			}
			where[window] = key
			windows++
		}
	}
	for prefix, found := range lengths {
		if len(found) != 1 {
			t.Errorf("keys of the prefix %c are of %d lengths", prefix, len(found))
		}
	}
	if windows < 30_000 {
		t.Errorf("only %d windows were compared", windows)
	}
}

// TestNeedlesAreFound: the search above finds what is there.
func TestNeedlesAreFound(t *testing.T) {
	for form, needle := range forms([]byte("canary-000-Ñandú")) {
		if len(needle) < 8 {
			t.Errorf("%s: a needle of %d bytes", form, len(needle))
		}
	}
	for shift := range 3 {
		text := base64.StdEncoding.EncodeToString([]byte(strings.Repeat("-", shift) + "canary-000-Ñandú and more"))
		found := false
		for _, needle := range forms([]byte("canary-000-Ñandú")) {
			found = found || strings.Contains(text, string(needle))
		}
		if !found {
			t.Errorf("a canary in base64, %d bytes in, is not found", shift)
		}
	}
}
