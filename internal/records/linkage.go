package records

import (
	"slices"

	amparov1 "github.com/amparo-project/amparo/api/amparo/v1"
	"github.com/amparo-project/amparo/internal/access"
	"github.com/amparo-project/amparo/internal/fault"
	"github.com/amparo-project/amparo/internal/lookup"
	"github.com/amparo-project/amparo/internal/store/storepb"
)

// CreateIncident begins the file of an incident that cases share, on the strength of
// the caller's right to one of them.
func (w *Work) CreateIncident(by *File) (*File, error) {
	permit, err := w.grant.PermitCase(by.Case())
	if err != nil {
		return nil, err
	}
	return w.create(permit, kindIncident, NewID(), &storepb.Head{Content: &storepb.Head_Incident{Incident: &storepb.IncidentFile{}}})
}

// Incident opens a shared incident. Whether the caller may know of it follows from
// the cases that share it, which whoever opens it must look at; what is written in it
// is the caller's act like any other.
func (w *Work) Incident(id string) (*File, error) {
	file, err := w.Open(Target{ID: id, Grant: access.Service(w.grant.Action())})
	if err != nil {
		return nil, err
	}
	if file.kind != kindIncident {
		return nil, fault.New(amparov1.Reason_REASON_NOT_FOUND)
	}
	w.asOther[slices.Index(w.files, file)] = w.own
	return file, nil
}

// Members are the cases that share an incident.
func (f *File) Members() []string { return f.head.GetIncident().GetCaseIds() }

// SetMembers sets the cases that share an incident.
func (f *File) SetMembers(caseIDs []string) {
	f.head.GetIncident().CaseIds = caseIDs
	f.Touch()
}

// SwapMember puts a case in another's place among those that share an incident, or
// beside it where the other is not among them.
func (f *File) SwapMember(out, in string) {
	members := slices.DeleteFunc(slices.Clone(f.Members()), func(id string) bool { return id == out || id == in })
	f.SetMembers(append(members, in))
}

// Shared is what happened, of a shared incident.
func (f *File) Shared() (*amparov1.SharedIncident, error) {
	shared := &amparov1.SharedIncident{}
	_, err := f.Get(recordLinkage, "", shared)
	return shared, err
}

// SetShared replaces what happened.
func (f *File) SetShared(shared *amparov1.SharedIncident) { f.Put(recordLinkage, "", shared) }

// BeforeMerge is a case as it was before it was merged into another; empty where it
// was not.
func (f *File) BeforeMerge() (*amparov1.CaseBeforeMerge, error) {
	before := &amparov1.CaseBeforeMerge{}
	_, err := f.Get(recordLinkage, "", before)
	return before, err
}

// SetBeforeMerge keeps a case as it was.
func (f *File) SetBeforeMerge(before *amparov1.CaseBeforeMerge) { f.Put(recordLinkage, "", before) }

// OwnerOf is who owns a case, by the index: empty for nobody and for a case that
// does not exist.
func (r *Records) OwnerOf(caseID string) string {
	id, _ := parseID(caseID)
	head, found := r.index.Find(id)
	if !found || head.Row.Owner == (lookup.ID{}) {
		return ""
	}
	return textOf(head.Row.Owner)
}
