package server

import (
	"context"
	"slices"
	"sync"
	"time"

	"google.golang.org/protobuf/proto"

	amparov1 "github.com/amparo-project/amparo/api/amparo/v1"
	"github.com/amparo-project/amparo/internal/access"
	"github.com/amparo-project/amparo/internal/casefile"
	"github.com/amparo-project/amparo/internal/fault"
	"github.com/amparo-project/amparo/internal/intake"
	"github.com/amparo-project/amparo/internal/records"
	"github.com/amparo-project/amparo/internal/spelling"
)

// CreateIntake opens a case for a request for help. The owners of cases that may be
// about the same person are told in the same commit.
func (h *cases) CreateIntake(ctx context.Context, req *amparov1.CreateIntakeRequest) (*amparov1.CreateIntakeResponse, error) {
	c := callOf(ctx)
	request := c.request(req.GetRequestId())
	request.Begins = true
	// The intake is a copy of what came in: the gate puts it into its one form.
	return h.s.takeIn(ctx, request, taker{c.grant.StaffID(), c.grant.Offices()}, req.GetIntake())
}

// taker is who took a request for help, and need not be who brings it.
type taker struct {
	staffID string
	offices []string
}

// takeIn opens a case for an intake that is in its one form.
func (s *Server) takeIn(
	ctx context.Context, request records.Request, by taker, asked *amparov1.Intake,
) (*amparov1.CreateIntakeResponse, error) {
	c := callOf(ctx)
	if err := fault.Fields(intake.Check(asked, s.records.Now())); err != nil {
		return nil, err
	}
	if asked.GetOffice() == "" && len(by.offices) == 1 {
		asked.Office = by.offices[0]
	}
	permit, err := c.grant.PermitIntake(asked.GetOffice())
	if err != nil {
		return nil, err
	}
	tokens, strong := s.tokens(asked)
	others, err := s.records.Duplicates(ctx, tokens[:strong])
	if err != nil {
		return nil, err
	}
	targets := make([]records.Target, len(others))
	for i, id := range others {
		targets[i] = records.Target{ID: id, Grant: access.Service(amparov1.LeafAction_LEAF_ACTION_DUPLICATE_TOLD)}
	}
	identity := asked.GetIdentity()
	asked.Identity = nil // it is a record of its own; what is left are the facts
	answer, err := s.records.Update(ctx, c.grant, request, targets,
		func(w *records.Work) (proto.Message, error) {
			act := casefile.Act{StaffID: by.staffID, Now: w.Now, Book: w.Book()}
			file, err := open(w, act, permit, asked, identity)
			if err != nil {
				return nil, err
			}
			file.SetTokens(tokens, strong)
			for i := range others {
				other := w.File(i)
				other.Append(act.MarkDuplicate(other.Case(), by.staffID))
			}
			// The owner is told in any case; the one who took the request is told a
			// limited number of times, or intakes would be a search of all offices.
			told := len(others) > 0 && s.hints.allow(c.grant.StaffID(), request.ID, hintsPerHour(w), w.Now)
			return &amparov1.CreateIntakeResponse{Case: receipt(file), PossibleDuplicate: told}, nil
		})
	if err != nil {
		return nil, err
	}
	return as[*amparov1.CreateIntakeResponse](answer)
}

// open begins the file of a case: the request as it was taken and the identity are
// records of their own, and the head holds neither.
func open(w *records.Work, act casefile.Act, permit access.Permit, facts *amparov1.Intake, identity *amparov1.Identity) (*records.File, error) {
	id, pseudonym := records.NewID(), records.NewID()
	c, entry, err := act.Open(facts, id, pseudonym, facts.GetOffice())
	if err != nil {
		return nil, err
	}
	file, err := w.CreateCase(permit, c, facts, identity)
	if err != nil {
		return nil, err
	}
	file.Append(entry)
	return file, nil
}

// tokens are the keyed hashes of what the subject can be found by, and how many of
// them, the first ones, suggest a duplicate by themselves.
func (s *Server) tokens(asked *amparov1.Intake, more ...*amparov1.SafeContact) (tokens []uint64, strong int) {
	keys := intake.Keys(asked.GetIdentity(), asked.GetSafeContact(), asked.GetSubmitter(), more...)
	strong = slices.IndexFunc(keys, func(k spelling.Key) bool { return !spelling.Strong(k) })
	if strong < 0 {
		strong = len(keys)
	}
	return s.records.Tokens(keys), strong
}

// hintsPerHour is how many possible duplicates a person is told of in an hour.
func hintsPerHour(w *records.Work) int {
	return int(w.Policy().GetLimits().GetDuplicateHintsAnHour().GetCount())
}

// hints counts what each person was told of possible duplicates.
type hints struct {
	mu   sync.Mutex
	told map[string][]hint
}

type hint struct {
	at      time.Time
	request string
}

// allow reports whether a person may be told once more, and counts it. A request
// that is tried again is counted once.
func (h *hints) allow(staffID, request string, most int, now time.Time) bool {
	h.mu.Lock()
	defer h.mu.Unlock()
	recent := slices.DeleteFunc(h.told[staffID], func(t hint) bool { return now.Sub(t.at) >= time.Hour })
	allowed := len(recent) < most
	again := slices.ContainsFunc(recent, func(t hint) bool { return t.request == request })
	if allowed && !again {
		recent = append(recent, hint{now, request})
	}
	h.told[staffID] = recent
	return allowed || again
}
