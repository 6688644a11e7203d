package records

import (
	"context"
	"slices"

	"google.golang.org/protobuf/proto"

	amparov1 "github.com/amparo-project/amparo/api/amparo/v1"
	"github.com/amparo-project/amparo/internal/access"
	"github.com/amparo-project/amparo/internal/fault"
	"github.com/amparo-project/amparo/internal/store/storepb"
)

// singles are the kinds of files of which a store has exactly one besides the staff
// directory, and how each begins. They are begun before anything is served, so no
// two callers can begin one twice.
var singles = []struct {
	kind  uint8
	begin func() *storepb.Head
	// first writes what stands in the file from its beginning; nil for nothing.
	first func(*Work, *File) error
}{
	{kindPolicy, func() *storepb.Head {
		return &storepb.Head{Content: &storepb.Head_Policy{Policy: &storepb.PolicyFile{}}}
	}, (*Work).firstPolicy},
	{kindDuty, func() *storepb.Head {
		return &storepb.Head{Content: &storepb.Head_Duty{Duty: &storepb.Duty{}}}
	}, nil},
	{kindInterpreters, func() *storepb.Head {
		return &storepb.Head{Content: &storepb.Head_Interpreters{Interpreters: &storepb.Interpreters{}}}
	}, nil},
	{kindHandovers, func() *storepb.Head {
		return &storepb.Head{Content: &storepb.Head_Handovers{Handovers: &storepb.Handovers{}}}
	}, nil},
}

// beginSingles begins the files of which a store must have one and has none yet: a
// store of an earlier release has fewer of them.
func (r *Records) beginSingles(ctx context.Context) error {
	directory := r.Directory()
	if directory == nil || len(directory.singles) == len(singles) {
		return nil
	}
	grant := access.Service(amparov1.LeafAction_LEAF_ACTION_STORE_EXTENDED)
	_, err := r.Update(ctx, grant, Request{}, Targets(directory.FileID), func(w *Work) (proto.Message, error) {
		permit, err := grant.PermitDirectory()
		if err != nil {
			return nil, err
		}
		held := w.File(0).head.GetDirectory()
		for _, s := range singles {
			if slices.ContainsFunc(held.GetSingles(), func(begun *storepb.Single) bool { return begun.GetKind() == uint32(s.kind) }) {
				continue
			}
			file, err := w.create(permit, s.kind, NewID(), s.begin())
			if err != nil {
				return nil, err
			}
			if s.first != nil {
				if err := s.first(w, file); err != nil {
					return nil, err
				}
			}
			held.Singles = append(held.GetSingles(), &storepb.Single{Kind: uint32(s.kind), Id: file.id})
			w.File(0).Touch()
		}
		return nil, nil
	})
	return err
}

// Open opens one more file within an act; a file that the act has opened before is
// returned as it is. What the closure changes in it is part of the same commit.
func (w *Work) Open(target Target) (*File, error) {
	for _, file := range w.files {
		if file.id == target.ID {
			return file, nil
		}
	}
	return w.open(target)
}

// takeTurn makes a writing act wait for every other one that touches a file of which
// there is one. Many acts meet there, on different cases: by trying anew alone, the
// unlucky among them would give up with what they had to record.
func (w *Work) takeTurn(id string) {
	directory := w.records.Directory()
	if w.turn == nil || w.hasTurn || directory == nil {
		return
	}
	for _, single := range directory.singles {
		if single == id {
			w.turn.Lock()
			w.hasTurn = true
			return
		}
	}
}

func (w *Work) giveTurn() {
	if w.hasTurn {
		w.turn.Unlock()
		w.hasTurn = false
	}
}

// openSingle opens the one file of a kind on the service's own behalf: whoever acts
// on a case need not be somebody who may read the whole of it.
func (w *Work) openSingle(kind uint8, action amparov1.LeafAction) (*File, error) {
	file, err := w.Open(Target{ID: w.records.Directory().singles[kind], Grant: access.Service(action)})
	if fault.Is(err, fault.NotFound) {
		// The directory names it, so that it is not there is no absence.
		return nil, fault.Wrap(amparov1.Reason_REASON_INTEGRITY, errProof)
	}
	return file, err
}
