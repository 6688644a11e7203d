package server

import (
	"context"
	"slices"

	"google.golang.org/protobuf/proto"

	amparov1 "github.com/amparo-project/amparo/api/amparo/v1"
	"github.com/amparo-project/amparo/internal/access"
	"github.com/amparo-project/amparo/internal/casefile"
	"github.com/amparo-project/amparo/internal/fault"
	"github.com/amparo-project/amparo/internal/linkage"
	"github.com/amparo-project/amparo/internal/records"
)

// learnAtOnce is how many other cases learn of new facts in one commit: a raid has more
// than an engine takes at once.
const learnAtOnce = 15

// othersLearn lets the next cases that share an incident learn of facts that were added
// by way of one of them, and reports whether there are more. Whoever added them may not
// know of those cases, and is not named in them: it is the service's own act.
func othersLearn(w *records.Work, group *records.File, caseID string, from int) (more bool, err error) {
	others := slices.DeleteFunc(slices.Clone(group.Members()), func(id string) bool { return id == caseID })
	from = min(from, len(others))
	until := min(from+learnAtOnce, len(others))
	for _, id := range others[from:until] {
		file, err := w.Open(records.Target{ID: id, Grant: access.Service(amparov1.LeafAction_LEAF_ACTION_INCIDENT_ADD)})
		if fault.Is(err, fault.Corrupt) || fault.Is(err, fault.NotFound) {
			continue // it has been told of loudly, and the others do not wait for it
		}
		if err != nil {
			return false, err
		}
		entry, err := linkage.Learn(casefile.Act{Now: w.Now, Book: w.Book()}, file.Case())
		if err != nil {
			return false, err
		}
		file.Append(entry)
	}
	return until < len(others), nil
}

// restLearns goes on where the commit of the facts had no room for more cases. Should it
// be interrupted, whoever repeats the request brings it to its end: a case that learns
// twice is brought forward once.
func (h *links) restLearns(ctx context.Context, req *amparov1.AddSharedIncidentRequest) error {
	grant := access.Service(amparov1.LeafAction_LEAF_ACTION_INCIDENT_ADD)
	for from, more := learnAtOnce, true; more; from += learnAtOnce {
		_, err := h.s.records.Update(ctx, grant, records.Request{}, nil, func(w *records.Work) (proto.Message, error) {
			group, err := w.Incident(req.GetIncidentGroupId())
			if err != nil {
				return nil, err
			}
			more, err = othersLearn(w, group, req.GetCaseId(), from)
			return nil, err
		})
		if err != nil {
			return err
		}
	}
	return nil
}
