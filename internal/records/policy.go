package records

import (
	"bytes"
	"context"
	"fmt"
	"strconv"
	"time"

	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/types/known/timestamppb"

	amparov1 "github.com/amparo-project/amparo/api/amparo/v1"
	"github.com/amparo-project/amparo/internal/access"
	"github.com/amparo-project/amparo/internal/deadline"
	"github.com/amparo-project/amparo/internal/policy"
	"github.com/amparo-project/amparo/internal/store/storepb"
)

// policies is the policy's file as it was read last. It is never changed; a new one
// replaces it.
type policies struct {
	revision uint64 // of the head that it was read from; zero for the built-in one
	policy   *amparov1.Policy
	hash     []byte
	zone     string
	books    []*deadline.Book // of every version, the oldest first
}

// Book is the book of terms in force: how long each term may take, what its people
// are told, and where days are counted. It is the same pointer until the policy
// changes.
func (r *Records) Book() *deadline.Book {
	books := r.policies.Load().books
	return books[len(books)-1]
}

// Books are the books of every version of the policy, the oldest first, for replaying
// a history.
func (r *Records) Books() []*deadline.Book { return r.policies.Load().books }

// Policy is the policy in force. It must not be changed.
func (r *Records) Policy() *amparov1.Policy { return r.policies.Load().policy }

// Book is the book of terms that was in force when the act began.
func (w *Work) Book() *deadline.Book { return w.policy.books[len(w.policy.books)-1] }

// Policy is the policy that was in force when the act began: its hash stands in the
// act's leaf. It must not be changed.
func (w *Work) Policy() *amparov1.Policy { return w.policy.policy }

// PolicyFile names the file of the policy, for a call that shows or changes it.
func (r *Records) PolicyFile() Target { return Target{ID: r.Directory().singles[kindPolicy]} }

// PolicyVersions are all versions that have been in force, the oldest first.
func (f *File) PolicyVersions() []*amparov1.PolicyVersion { return f.head.GetPolicy().GetVersions() }

// Proposal is the policy that waits for its confirmation, or nil. It may be changed
// before Touch.
func (f *File) Proposal() *amparov1.PolicyProposal { return f.head.GetPolicy().GetProposal() }

// proposedText is the name of the record that holds the proposal; those of versions
// go by their numbers.
const proposedText = "proposal"

// PolicyText reads a policy as it is stored: that of a version, or of the proposal
// for version 0. Bytes that do not have the hash that the head names are refused.
func (f *File) PolicyText(version uint32) (*amparov1.Policy, []byte, error) {
	name, hash := proposedText, f.Proposal().GetHash()
	if version > 0 {
		name, hash = strconv.FormatUint(uint64(version), 10), nil
		for _, v := range f.PolicyVersions() {
			if v.GetVersion() == version {
				hash = v.GetHash()
			}
		}
	}
	text, p := &storepb.PolicyText{}, &amparov1.Policy{}
	found, err := f.Get(recordPolicy, name, text)
	if err != nil {
		return nil, nil, err
	}
	if !found || hash == nil {
		return nil, nil, errNotFound
	}
	if !bytes.Equal(policy.Hash(text.GetPolicy()), hash) {
		return nil, nil, fmt.Errorf("%w: policy is not the one that its head names", errProof)
	}
	if err := proto.Unmarshal(text.GetPolicy(), p); err != nil {
		return nil, nil, fmt.Errorf("%w: policy does not parse", errProof)
	}
	return p, text.GetPolicy(), nil
}

// Propose keeps a proposal in the place of the one before.
func (f *File) Propose(proposal *amparov1.PolicyProposal, raw []byte) {
	f.head.GetPolicy().Proposal = proposal
	f.Put(recordPolicy, proposedText, &storepb.PolicyText{Policy: raw})
}

// PutInForce makes a stored policy the next version, from the act on. Terms that run
// keep their due time until something counts them again.
func (w *Work) PutInForce(f *File, raw []byte, proposal *amparov1.PolicyProposal) *amparov1.PolicyVersion {
	held := f.head.GetPolicy()
	v := &amparov1.PolicyVersion{
		Version: uint32(len(held.GetVersions()) + 1), Hash: policy.Hash(raw), InForceSince: timestamppb.New(w.Now),
		ProposedById: proposal.GetProposedById(), ConfirmedByIds: proposal.GetConfirmedByIds(), Zone: w.records.zone().String(),
	}
	held.Versions, held.Proposal = append(held.GetVersions(), v), nil
	f.Put(recordPolicy, strconv.FormatUint(uint64(v.GetVersion()), 10), &storepb.PolicyText{Policy: raw})
	return v
}

// firstPolicy writes the policy that came with the release under which the store
// began: a later release may know better, and what was decided stays decided.
func (w *Work) firstPolicy(f *File) error {
	raw, err := policy.Marshal(policy.Default())
	if err != nil {
		return err
	}
	w.PutInForce(f, raw, nil)
	return nil
}

// renewPolicy makes a version of its own where the service's days have moved to
// another zone, or where this release has to say what the policy in force does not:
// a version means the same for ever, or no history could be replayed.
func (r *Records) renewPolicy(ctx context.Context) error {
	held := r.policies.Load()
	_, incomplete := policy.Complete(held.policy)
	if held.revision == 0 || !incomplete && held.zone == r.zone().String() {
		return nil
	}
	grant := access.Service(amparov1.LeafAction_LEAF_ACTION_POLICY_RENEW)
	_, err := r.Update(ctx, grant, Request{}, []Target{r.PolicyFile()}, func(w *Work) (proto.Message, error) {
		file := w.File(0)
		versions := file.PolicyVersions()
		p, raw, err := file.PolicyText(versions[len(versions)-1].GetVersion())
		if err != nil {
			return nil, err
		}
		if whole, added := policy.Complete(p); added {
			if raw, err = policy.Marshal(whole); err != nil {
				return nil, err
			}
		}
		proposal := file.Proposal()
		w.PutInForce(file, raw, nil)
		file.head.GetPolicy().Proposal = proposal
		return nil, nil
	})
	return err
}

func (r *Records) zone() *time.Location {
	if r.cfg.Zone == nil {
		return time.UTC
	}
	return r.cfg.Zone
}

// builtInPolicy is what is in force before a store has begun.
func (r *Records) builtInPolicy() error {
	raw, err := policy.Marshal(policy.Default())
	if err != nil {
		return err
	}
	book, err := policy.Book(policy.Default(), 1, r.zone())
	if err != nil {
		return err
	}
	r.policies.Store(&policies{
		policy: policy.Default(), hash: policy.Hash(raw), zone: r.zone().String(), books: []*deadline.Book{book},
	})
	return nil
}

// readPolicy reads the policy's file and puts it in place, unless a newer one has
// come in meanwhile. A store of an earlier release has none until it is begun.
func (r *Records) readPolicy(ctx context.Context) error {
	directory := r.Directory()
	if directory == nil || directory.singles[kindPolicy] == "" {
		return nil
	}
	id, _ := parseID(directory.singles[kindPolicy])
	known, ok := r.index.Find(id)
	if !ok || r.isBroken(id) {
		return fmt.Errorf("%w: the policy is missing or not the newest", errProof)
	}
	return r.reread(ctx, known, func(file *File) error {
		read, err := r.readVersions(file)
		if err != nil {
			return err
		}
		r.directoryMu.Lock()
		defer r.directoryMu.Unlock()
		if r.policies.Load().revision < read.revision {
			r.policies.Store(read)
		}
		return nil
	})
}

// readVersions makes the book of every version. Those that another snapshot has made
// already, the built-in one among them, are not made again: whoever compares pointers
// sees a change only where there is one.
func (r *Records) readVersions(file *File) (*policies, error) {
	read := &policies{revision: uint64(file.revision)}
	held := r.policies.Load()
	for i, v := range file.PolicyVersions() {
		p, _, err := file.PolicyText(v.GetVersion())
		if err != nil {
			return nil, err
		}
		read.policy, read.hash, read.zone = p, v.GetHash(), v.GetZone()
		builtIn := i == 0 && v.GetZone() == held.zone && bytes.Equal(v.GetHash(), held.hash)
		if held.revision > 0 && i < len(held.books) || held.revision == 0 && builtIn {
			read.books = append(read.books, held.books[i])
			continue
		}
		zone, err := r.zoneNamed(v.GetZone())
		if err != nil {
			return nil, err
		}
		book, err := policy.Book(p, v.GetVersion(), zone)
		if err != nil {
			return nil, err
		}
		read.books = append(read.books, book)
	}
	if len(read.books) == 0 {
		return nil, fmt.Errorf("%w: a policy without a version", errProof)
	}
	return read, nil
}

// zoneNamed loads the zone of an older version.
func (r *Records) zoneNamed(name string) (*time.Location, error) {
	if name == r.zone().String() {
		return r.zone(), nil
	}
	zone, err := time.LoadLocation(name)
	if err != nil {
		return nil, fmt.Errorf("load zone of a version of the policy: %w", err)
	}
	return zone, nil
}
