package server

import (
	"context"
	"slices"

	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/types/known/timestamppb"

	amparov1 "github.com/amparo-project/amparo/api/amparo/v1"
	"github.com/amparo-project/amparo/internal/access"
	"github.com/amparo-project/amparo/internal/consent"
	"github.com/amparo-project/amparo/internal/disclosure"
	"github.com/amparo-project/amparo/internal/fault"
	"github.com/amparo-project/amparo/internal/ledger"
	"github.com/amparo-project/amparo/internal/records"
	"github.com/amparo-project/amparo/internal/safety"
)

// consents serves ConsentService.
type consents struct {
	amparov1.UnimplementedConsentServiceServer
	s *Server
}

// adding is a step on the ledger of a case.
type adding func(act disclosure.Act, w *records.Work, f *records.File) (disclosure.Added, error)

// enter runs a step on the ledger of the request's case and answers once it is durable.
func enter[T proto.Message](ctx context.Context, s *Server, request writing, run adding, answer func(f *records.File, added disclosure.Added) T) (T, error) {
	return write(ctx, s, request, func(w *records.Work, f *records.File) (T, error) {
		var none T
		act, err := w.LedgerAct(f)
		if err != nil {
			return none, err
		}
		added, err := run(act, w, f)
		if err != nil {
			return none, err
		}
		if err := w.Enter(f, added); err != nil {
			return none, err
		}
		return answer(f, added), nil
	})
}

// RecordConsent records what was said. Where the case was merged into another, a no holds
// there too.
func (h *consents) RecordConsent(ctx context.Context, req *amparov1.RecordConsentRequest) (*amparov1.RecordConsentResponse, error) {
	return enter(ctx, h.s, req, func(act disclosure.Act, w *records.Work, f *records.File) (disclosure.Added, error) {
		identity := &amparov1.Identity{}
		if _, err := f.Get(records.RecordIdentity, "", identity); err != nil {
			return disclosure.Added{}, err
		}
		added, err := act.Consent(req.GetTerms(), identity)
		if err != nil {
			return added, err
		}
		if err := h.carry(ctx, w, f, act, added); err != nil {
			return added, err
		}
		return added, tellOwner(w, f, act.StaffID)
	}, func(f *records.File, added disclosure.Added) *amparov1.RecordConsentResponse {
		entry := added.Entries()[0]
		kept := entry.GetConsent()
		return &amparov1.RecordConsentResponse{
			Case: receipt(f), Number: entry.GetNumber(), Late: kept.GetLate(), Minor: kept.GetMinor(), FormShort: kept.GetFormShort(),
			ExpiresAt: kept.GetTerms().GetExpiresAt(),
		}
	})
}

// WithdrawConsent records that consent was withdrawn. Where the case was merged into
// another, the no holds there too.
func (h *consents) WithdrawConsent(ctx context.Context, req *amparov1.WithdrawConsentRequest) (*amparov1.WithdrawConsentResponse, error) {
	return enter(ctx, h.s, req, func(act disclosure.Act, w *records.Work, f *records.File) (disclosure.Added, error) {
		added, err := act.Withdraw(req.GetWithdrawal())
		if err != nil {
			return added, err
		}
		if err := h.carry(ctx, w, f, act, added); err != nil {
			return added, err
		}
		return added, h.tellOfWithdrawal(w, f, act.StaffID, req.GetWithdrawal().GetSuspectedCoercion())
	}, func(f *records.File, added disclosure.Added) *amparov1.WithdrawConsentResponse {
		return &amparov1.WithdrawConsentResponse{CaseId: f.ID(), Number: added.Entries()[0].GetNumber()}
	})
}

// carry takes what was said in a case that was merged on to the one that goes on in its
// place, as far as it is a no.
func (h *consents) carry(ctx context.Context, w *records.Work, f *records.File, act disclosure.Act, added disclosure.Added) error {
	entries := append(slices.Clone(act.Entries), added.Entries()...)
	for id := f.Case().GetMergedIntoId(); id != ""; {
		into, err := w.Open(records.Target{ID: id, Grant: access.Service(callOf(ctx).grant.Action())})
		if fault.Is(err, fault.Corrupt) || fault.Is(err, fault.NotFound) {
			return nil // nothing can leave a case that nobody can open
		}
		if err != nil {
			return err
		}
		if err := w.Carry(into, entries, len(act.Entries)); err != nil {
			return err
		}
		id = into.Case().GetMergedIntoId()
	}
	return nil
}

// tellOfWithdrawal has the owner told; when somebody may have made the person say it,
// also when it was the owner who heard it, and whoever answers for the office.
func (h *consents) tellOfWithdrawal(w *records.Work, f *records.File, staffID string, coerced bool) error {
	if !coerced {
		return tellOwner(w, f, staffID)
	}
	told := []string{f.Case().GetOwnerId()}
	for _, member := range h.s.records.Directory().Staff() {
		if access.Reviews(member.GetRoles()) && slices.Contains(member.GetOffices(), f.Case().GetOffice()) && access.MayKnow(member, f.Case()) {
			told = append(told, member.GetId())
		}
	}
	return w.Tell(told...)
}

// SettleWithdrawal says what follows from a withdrawal.
func (h *consents) SettleWithdrawal(ctx context.Context, req *amparov1.SettleWithdrawalRequest) (*amparov1.SettleWithdrawalResponse, error) {
	return enter(ctx, h.s, req, func(act disclosure.Act, _ *records.Work, f *records.File) (disclosure.Added, error) {
		held, err := f.Safety()
		if err != nil {
			return disclosure.Added{}, err
		}
		return act.Settle(req.GetSettlement(), func(contact uint32, since *timestamppb.Timestamp) bool {
			return safety.Proof{Contact: contact}.Reached(held, since.AsTime(), act.Now)
		})
	}, func(f *records.File, added disclosure.Added) *amparov1.SettleWithdrawalResponse {
		answer := &amparov1.SettleWithdrawalResponse{Case: receipt(f), Number: added.Entries()[0].GetNumber()}
		for _, entry := range added.Entries() {
			if entry.GetReturnRequest() != nil {
				answer.ReturnRequests = append(answer.ReturnRequests, entry.GetNumber())
			}
		}
		return answer
	})
}

// CheckConsent asks the gate without passing it.
func (h *consents) CheckConsent(ctx context.Context, req *amparov1.CheckConsentRequest) (*amparov1.CheckConsentResponse, error) {
	return view(ctx, h.s, records.Targets(req.GetCaseId()), func(w *records.Work) (*amparov1.CheckConsentResponse, error) {
		act, err := w.LedgerAct(w.File(0))
		if err != nil {
			return nil, err
		}
		return &amparov1.CheckConsentResponse{Decision: act.Decide(req.GetDisclosure())}, nil
	})
}

// ListConsents shows the ledger of a case, newest first.
func (h *consents) ListConsents(ctx context.Context, req *amparov1.ListConsentsRequest) (*amparov1.ListConsentsResponse, error) {
	limit := int(req.GetPageSize())
	if limit == 0 {
		limit = defaultPage
	}
	return view(ctx, h.s, records.Targets(req.GetCaseId()), func(w *records.Work) (*amparov1.ListConsentsResponse, error) {
		f := w.File(0)
		entries, err := f.Ledger()
		if err != nil {
			return nil, err
		}
		held, err := f.Safety()
		if err != nil {
			return nil, err
		}
		redacted := !h.named(ctx, f.Case())
		answer := &amparov1.ListConsentsResponse{InForce: consent.InForce(entries, w.Now)}
		for _, entry := range slices.Backward(entries) {
			if req.GetBefore() != 0 && entry.GetNumber() >= req.GetBefore() {
				continue
			}
			if len(answer.GetEntries()) == limit {
				answer.NextBefore = entry.GetNumber() + 1
				break
			}
			answer.Entries = append(answer.Entries, shownEntry(entry, redacted, safety.HidesNames(held)))
		}
		return answer, nil
	})
}

// named reports whether the caller may see the names in the ledger of a case: whoever may
// not see it at all but as data protection officer may not, whatever else they are.
func (h *consents) named(ctx context.Context, c *amparov1.Case) bool {
	caller := callOf(ctx).caller
	caller.Staff = proto.CloneOf(caller.Staff)
	caller.Staff.Roles = slices.DeleteFunc(caller.Staff.GetRoles(), func(role amparov1.Role) bool {
		return role == amparov1.Role_ROLE_DATA_PROTECTION_OFFICER
	})
	grant, err := access.Authorize(h.s.rules, caller, callOf(ctx).grant.Method(), h.s.records.Now())
	if err != nil {
		return false
	}
	_, err = grant.PermitCase(c)
	return err == nil
}

// shownEntry is an entry as its reader may see it.
func shownEntry(entry *amparov1.LedgerEntry, redacted, unnamed bool) *amparov1.LedgerEntry {
	if redacted {
		entry = ledger.Redacted(entry)
	}
	if unnamed {
		entry = ledger.Unnamed(entry)
	}
	return entry
}
