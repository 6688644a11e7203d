package records

import (
	"cmp"
	"context"
	"errors"
	"slices"

	"google.golang.org/protobuf/proto"

	amparov1 "github.com/amparo-project/amparo/api/amparo/v1"
	"github.com/amparo-project/amparo/internal/access"
	"github.com/amparo-project/amparo/internal/fault"
	"github.com/amparo-project/amparo/internal/lookup"
	"github.com/amparo-project/amparo/internal/store/storepb"
)

// Directory is the staff directory as it was read last: what each call is checked
// against. It is never changed; a new one replaces it.
type Directory struct {
	FileID   string // of the file that holds it
	Offices  []string
	revision uint64
	staff    []*amparov1.StaffMember
	byID     map[string]*amparov1.StaffMember
	byPin    map[[32]byte]access.Caller
	singles  map[uint8]string // kind to id
}

// Staff lists the people by name. They must not be changed.
func (d *Directory) Staff() []*amparov1.StaffMember { return d.staff }

// ByID returns a person, or nil.
func (d *Directory) ByID(id string) *amparov1.StaffMember { return d.byID[id] }

// ByPin returns the caller whose device has the TLS key with this SHA-256; the
// zero Caller is nobody.
func (d *Directory) ByPin(pin [32]byte) access.Caller { return d.byPin[pin] }

// Directory is the newest staff directory.
func (r *Records) Directory() *Directory { return r.directory.Load() }

// readDirectory reads the directory's file and puts it in place, unless a newer
// one has come in meanwhile.
func (r *Records) readDirectory(ctx context.Context) error {
	var known lookup.Head
	found := false
	r.index.All(kindDirectory, func(head lookup.Head) bool {
		known, found = head, true
		return false
	})
	if !found {
		return errNoDirectory
	}
	return r.reread(ctx, known, func(file *File) error {
		directory, err := readStaff(file)
		if err != nil {
			return err
		}
		r.replaceDirectory(directory)
		r.countPresent()
		return nil
	})
}

// reread loads a file that is kept in memory. A record that is not the one that its
// head names was replaced meanwhile if the head is another by now.
func (r *Records) reread(ctx context.Context, known lookup.Head, read func(*File) error) error {
	for range tries {
		file, err := r.loadKnown(ctx, known)
		if err != nil {
			return r.judge(ctx, known, err)
		}
		err = read(file)
		if errors.Is(err, errProof) {
			if newer, ok := r.index.Find(known.ID); ok && newer.Revision != known.Revision {
				known = newer
				continue
			}
			return r.judge(ctx, known, err)
		}
		return asFault(err)
	}
	return fault.New(amparov1.Reason_REASON_BUSY_FILE)
}

func (r *Records) replaceDirectory(directory *Directory) {
	r.directoryMu.Lock()
	defer r.directoryMu.Unlock()
	if held := r.directory.Load(); held == nil || held.revision < directory.revision {
		r.directory.Store(directory)
	}
}

var errNoDirectory = errors.New("records: there is no staff directory; was the data folder begun with init?")

func readStaff(file *File) (*Directory, error) {
	d := &Directory{
		FileID: file.id, Offices: file.Offices(), revision: uint64(file.revision),
		byID: map[string]*amparov1.StaffMember{}, byPin: map[[32]byte]access.Caller{}, singles: map[uint8]string{},
	}
	for _, single := range file.head.GetDirectory().GetSingles() {
		d.singles[uint8(single.GetKind())] = single.GetId()
	}
	for _, id := range file.Children(RecordStaff) {
		member := &amparov1.StaffMember{}
		if _, err := file.Get(RecordStaff, id, member); err != nil {
			return nil, err
		}
		d.staff = append(d.staff, member)
		d.byID[member.GetId()] = member
		for _, device := range member.GetDevices() {
			if len(device.GetTlsPin()) == 32 {
				d.byPin[[32]byte(device.GetTlsPin())] = access.Caller{Staff: member, Device: device}
			}
		}
	}
	slices.SortFunc(d.staff, func(a, b *amparov1.StaffMember) int {
		return cmp.Or(cmp.Compare(a.GetName(), b.GetName()), cmp.Compare(a.GetId(), b.GetId()))
	})
	return d, nil
}

// Begin creates the staff directory of a new store. It is called once, by init.
func Begin(ctx context.Context, r *Records) error {
	if r.index.Len() != 0 {
		return errors.New("records: the store has begun already")
	}
	grant := access.Service(amparov1.LeafAction_LEAF_ACTION_LOG_BEGUN)
	_, err := r.Update(ctx, grant, Request{}, nil, func(w *Work) (proto.Message, error) {
		permit, err := grant.PermitDirectory()
		if err != nil {
			return nil, err
		}
		head := &storepb.Head{Content: &storepb.Head_Directory{Directory: &storepb.Directory{}}}
		_, err = w.create(permit, kindDirectory, NewID(), head)
		return nil, err
	})
	if err != nil {
		return err
	}
	return r.beginSingles(ctx)
}
