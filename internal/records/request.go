package records

import (
	"context"
	"errors"
	"fmt"

	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/reflect/protoreflect"
	"google.golang.org/protobuf/reflect/protoregistry"

	amparov1 "github.com/amparo-project/amparo/api/amparo/v1"
	"github.com/amparo-project/amparo/internal/access"
	"github.com/amparo-project/amparo/internal/fault"
	"github.com/amparo-project/amparo/internal/lookup"
	"github.com/amparo-project/amparo/internal/seal"
	"github.com/amparo-project/amparo/internal/store"
	"github.com/amparo-project/amparo/internal/store/storepb"
)

// requestName is where a request record lies. The name is a keyed hash of person
// and request id, so the disk tells neither.
type requestName struct {
	name [16]byte
	day  uint16
}

// addRequest adds the record that lets a repetition be answered. It is sealed
// under the key of the file that the request wrote: a file that is erased takes
// the answers about it along. The record's key must be absent on this day and on
// both beside it, so that of two calls with one id around midnight one loses,
// whichever commits first; older days are known from the index.
func (c *commit) addRequest(r *Records, work *Work, file *File, request Request, answer proto.Message) error {
	response, err := proto.Marshal(answer)
	if err != nil {
		return fmt.Errorf("marshal answer: %w", err)
	}
	plaintext, err := proto.Marshal(&storepb.RequestRecord{
		RequestHash:  request.Hash[:],
		ResponseType: string(answer.ProtoReflect().Descriptor().FullName()),
		Response:     response,
	})
	if err != nil {
		return fmt.Errorf("marshal request record: %w", err)
	}
	name := r.cfg.Keyring.RequestName(request.by(work.grant), request.ID)
	today := day(work.Now)
	envelope := file.key.Seal(requestPlace(name), plaintext)
	c.requests = append(c.requests, requestName{name, today})
	c.conditions = append(c.conditions,
		store.Condition{Key: requestKey(today, name)},
		store.Condition{Key: requestKey(today-1, name)},
		store.Condition{Key: requestKey(today+1, name)},
	)
	c.writes = append(c.writes, store.Write{
		Key:   requestKey(today, name),
		Value: append(file.locator[:], envelope...),
	})
	return nil
}

func requestPlace(name [16]byte) seal.Context {
	return seal.Context{RecordKind: uint32(recordRequest), RecordID: name[:], Version: 1}
}

func (r *Records) remember(name [16]byte, day uint16) {
	r.requestMu.Lock()
	defer r.requestMu.Unlock()
	r.requests[name] = day
}

// all are the request that a call carries, if any, and its own, if it has an id.
func (q Request) all() []Request {
	var all []Request
	if q.Carried != nil {
		all = append(all, *q.Carried)
	}
	if q.ID != "" {
		all = append(all, q)
	}
	return all
}

func (q Request) by(grant access.Grant) string {
	if q.By != "" {
		return q.By
	}
	return grant.StaffID()
}

// repeated returns the first answer to a request that was made before, or nil. The
// record's name is keyed by the person, so nobody is given another's answer, unless
// they bring the other's whole request; an answer holds ids and states and nothing
// of a person. The repetition leaves a leaf like any reading.
func (r *Records) repeated(ctx context.Context, grant access.Grant, request Request) (proto.Message, error) {
	for _, named := range request.all() {
		if answer, err := r.answered(ctx, grant, named); answer != nil || err != nil {
			return answer, err
		}
	}
	return nil, nil
}

// Answered returns the first answer to a request that was made before, or nil. A
// call of several acts asks it before the first of them.
func (r *Records) Answered(ctx context.Context, grant access.Grant, request Request) (proto.Message, error) {
	if !grant.Valid() {
		return nil, errUngranted
	}
	return r.repeated(ctx, grant, request)
}

func (r *Records) answered(ctx context.Context, grant access.Grant, request Request) (proto.Message, error) {
	name := r.cfg.Keyring.RequestName(request.by(grant), request.ID)
	file, record, err := r.findRequest(ctx, name)
	if record == nil || err != nil {
		return nil, err
	}
	if [32]byte(record.GetRequestHash()) != request.Hash {
		return nil, fault.New(amparov1.Reason_REASON_REQUEST_ID_REUSED)
	}
	answer, err := newMessage(record.GetResponseType())
	if err != nil {
		return nil, err
	}
	if err := proto.Unmarshal(record.GetResponse(), answer); err != nil {
		return nil, fmt.Errorf("parse first answer: %w", err)
	}
	leaf := complete(grant, &amparov1.AuditLeaf{Shown: []string{file.Pseudonym()}})
	_, err = r.writeLeaf(ctx, leaf)
	return answer, err
}

func (r *Records) findRequest(ctx context.Context, name [16]byte) (*File, *storepb.RequestRecord, error) {
	today := day(r.Now())
	days := []uint16{today, today - 1}
	r.requestMu.RLock()
	known, ok := r.requests[name]
	r.requestMu.RUnlock()
	if ok {
		days = []uint16{known}
	}
	for _, d := range days {
		entry, err := r.cfg.Engine.Get(ctx, requestKey(d, name))
		if errors.Is(err, store.ErrNotFound) {
			if ok && d+requestLife >= today {
				// It was there, and nobody had reason to remove it. To do the
				// act a second time would be worse than to say so.
				return nil, nil, asFault(missing(err))
			}
			continue
		}
		if err != nil {
			return nil, nil, asFault(err)
		}
		return r.openRequest(ctx, name, entry.Value)
	}
	return nil, nil, nil
}

func (r *Records) openRequest(ctx context.Context, name [16]byte, value []byte) (*File, *storepb.RequestRecord, error) {
	broken := fault.New(amparov1.Reason_REASON_INTEGRITY)
	if len(value) < len(lookup.ID{}) {
		return nil, nil, broken
	}
	locator := lookup.ID(value[:16])
	wrapped, err := r.cfg.Engine.Get(ctx, fileKey(locator, slotKey))
	if err != nil {
		return nil, nil, asFault(missing(err))
	}
	stored, err := r.cfg.Engine.Get(ctx, fileKey(locator, slotHead))
	if err != nil {
		return nil, nil, asFault(missing(err))
	}
	file, err := r.openHead(locator, wrapped.Value, stored)
	if err != nil {
		return nil, nil, broken
	}
	plaintext, err := file.key.Open(requestPlace(name), value[16:])
	if err != nil {
		return nil, nil, broken
	}
	record := &storepb.RequestRecord{}
	if err := proto.Unmarshal(plaintext, record); err != nil || len(record.GetRequestHash()) != 32 {
		return nil, nil, broken
	}
	return file, record, nil
}

func newMessage(name string) (proto.Message, error) {
	kind, err := protoregistry.GlobalTypes.FindMessageByName(protoreflect.FullName(name))
	if err != nil {
		return nil, fmt.Errorf("find answer type: %w", err)
	}
	return kind.New().Interface(), nil
}

// ForgetRequests removes request records that are older than 31 days, unless the
// store is frozen. The day more is what a clock may be set forward and nobody asks:
// so none is forgotten before its 30 days are over.
func (r *Records) ForgetRequests(ctx context.Context) error {
	if r.Frozen() {
		return nil
	}
	oldest := day(r.Now().Add(-maxLeap)) - requestLife
	var old [][16]byte
	r.requestMu.RLock()
	for name, d := range r.requests {
		if d < oldest {
			old = append(old, name)
		}
	}
	r.requestMu.RUnlock()
	for _, name := range old {
		r.requestMu.RLock()
		d := r.requests[name]
		r.requestMu.RUnlock()
		if _, err := r.cfg.Engine.Commit(ctx, nil, []store.Write{{Key: requestKey(d, name), Delete: true}}); err != nil {
			return asFault(err)
		}
		r.requestMu.Lock()
		delete(r.requests, name)
		r.requestMu.Unlock()
	}
	return nil
}
