package bench_test

import (
	"bytes"
	"context"
	"crypto/cipher"
	"crypto/rand"
	"crypto/tls"
	"errors"
	"net"
	"path/filepath"
	"runtime"
	"slices"
	"testing"

	"buf.build/go/protovalidate"
	bbolt "go.etcd.io/bbolt"
	"golang.org/x/crypto/chacha20poly1305"
	"google.golang.org/grpc"
	"google.golang.org/grpc/credentials"
	"google.golang.org/protobuf/proto"

	amparov1 "github.com/amparo-project/amparo/api/amparo/v1"
	"github.com/amparo-project/amparo/internal/server"
	"github.com/amparo-project/amparo/internal/servertest"
	"github.com/amparo-project/amparo/internal/store"
)

var errWrong = errors.New("the answer is not what was asked for")

// revisionBytes is what the engine stores before each value.
const revisionBytes = 8

// ceiling is the least that can take an intake durably and show a case: no access
// rules, no audit log, no index, no repeated requests, no possible duplicates, one
// record instead of four for a reading. What it stores has the sizes and the key
// space of what the service stores.
type ceiling struct {
	amparov1.UnimplementedCaseServiceServer
	limits protovalidate.Validator
	shared cipher.AEAD
	store  *grouped
	writes []store.Write // of one intake, as the service makes them
	facts  int           // which of them holds what was told
	person int           // and which of them holds of whom
	answer *amparov1.CreateIntakeResponse
	leaf   store.Write

	cases []amparov1.CaseServiceClient
	shown string // the id of the case that is read
}

// ceilingOf begins a ceiling that does what the house was seen to write.
func ceilingOf(tb testing.TB, h *house) *ceiling {
	tb.Helper()
	limits, err := protovalidate.New(protovalidate.WithMessages(&amparov1.CreateIntakeRequest{}), protovalidate.WithDisableLazy())
	check(tb, err)
	c := &ceiling{limits: limits, shared: cipherOf(freshKey()), store: openGrouped(tb), shown: "abcdefghijklmnopqrstuvwxyz"}
	c.answer, c.writes = h.footprint(tb)
	c.facts, c.person = -1, -1
	for i, write := range c.writes {
		// The keys of records tell nothing of what is in them; the sizes do.
		switch size := len(write.Value); {
		case write.Key[0] == 'l':
			c.leaf = write
		case write.Key[0] != 'g':
		case c.facts < 0:
			c.facts, c.person = i, i
		case size > len(c.writes[c.facts].Value):
			c.facts = i
		case size < len(c.writes[c.person].Value):
			c.person = i
		}
	}
	c.serve(tb)
	return c
}

// serve listens with the same kind of keys as the service.
func (c *ceiling) serve(tb testing.TB) {
	tb.Helper()
	pair, err := server.NewCertificate("127.0.0.1:0")
	check(tb, err)
	own, err := tls.X509KeyPair(pair, pair)
	check(tb, err)
	listener, err := (&net.ListenConfig{}).Listen(tb.Context(), "tcp", "127.0.0.1:0")
	check(tb, err)
	s := grpc.NewServer(grpc.Creds(credentials.NewTLS(&tls.Config{
		MinVersion: tls.VersionTLS13, Certificates: []tls.Certificate{own},
		ClientAuth: tls.RequireAnyClientCert, SessionTicketsDisabled: true,
	})))
	amparov1.RegisterCaseServiceServer(s, c)
	go func() { _ = s.Serve(listener) }()
	tb.Cleanup(s.Stop)
	config := &tls.Config{
		MinVersion: tls.VersionTLS13, Certificates: []tls.Certificate{servertest.NewDevice(tb).Certificate},
		InsecureSkipVerify: true, // a stranger on this loopback address would only spoil the measure
	}
	for range connections {
		conn, err := grpc.NewClient(listener.Addr().String(), grpc.WithTransportCredentials(credentials.NewTLS(config)))
		check(tb, err)
		tb.Cleanup(func() { _ = conn.Close() })
		c.cases = append(c.cases, amparov1.NewCaseServiceClient(conn))
	}
}

// CreateIntake validates, marshals, seals under a fresh key, and commits.
func (c *ceiling) CreateIntake(_ context.Context, req *amparov1.CreateIntakeRequest) (*amparov1.CreateIntakeResponse, error) {
	if err := c.limits.Validate(req); err != nil {
		return nil, err
	}
	identity, err := proto.Marshal(req.GetIntake().GetIdentity())
	if err != nil {
		return nil, err
	}
	req.Intake.Identity = nil
	facts, err := proto.Marshal(req.GetIntake())
	if err != nil {
		return nil, err
	}
	key := cipherOf(freshKey())
	var locator [14]byte
	_, _ = rand.Read(locator[:])
	writes := make([]store.Write, len(c.writes))
	for i, like := range c.writes {
		plaintext := make([]byte, max(0, len(like.Value)-sealedBytes))
		switch i {
		case c.facts:
			copy(plaintext, facts)
		case c.person:
			copy(plaintext, identity)
		}
		writes[i] = store.Write{Key: keyLike(like.Key, locator), Value: seal(key, plaintext)}
	}
	return c.answer, c.store.commit(writes)
}

// keyLike is a key of the same kind and day: of this file, or with random bytes of
// its own where the service's has such.
func keyLike(key []byte, locator [14]byte) []byte {
	fresh := bytes.Clone(key)
	switch key[0] {
	case 'f', 'g':
		copy(fresh[3:17], locator[:])
	default:
		_, _ = rand.Read(fresh[3:])
	}
	return fresh
}

// GetCase reads one sealed record, opens it, and commits one small key.
func (c *ceiling) GetCase(_ context.Context, req *amparov1.GetCaseRequest) (*amparov1.GetCaseResponse, error) {
	envelope, err := c.store.get([]byte(req.GetCaseId()))
	if err != nil {
		return nil, err
	}
	plaintext, err := c.shared.Open(nil, envelope[:c.shared.NonceSize()], envelope[sealedBytes-c.shared.Overhead():], nil)
	if err != nil {
		return nil, err
	}
	answer := &amparov1.GetCaseResponse{}
	if err := proto.Unmarshal(plaintext, answer); err != nil {
		return nil, err
	}
	leaf := seal(c.shared, make([]byte, len(c.leaf.Value)-sealedBytes))
	return answer, c.store.commit([]store.Write{{Key: keyLike(c.leaf.Key, [14]byte{}), Value: leaf}})
}

// hold stores what a reading shows.
func (c *ceiling) hold(tb testing.TB, shown *amparov1.GetCaseResponse) {
	tb.Helper()
	raw, err := proto.Marshal(shown)
	check(tb, err)
	check(tb, c.store.commit([]store.Write{{Key: []byte(c.shown), Value: seal(c.shared, raw)}}))
}

func (c *ceiling) read(ctx context.Context, caller int) error {
	_, err := c.cases[caller%connections].GetCase(ctx, &amparov1.GetCaseRequest{CaseId: c.shown})
	return err
}

// sealedBytes is what the service's envelopes add: format, key id, nonce, tag. Here
// the first two are left as zeros.
const sealedBytes = 9 + chacha20poly1305.NonceSizeX + chacha20poly1305.Overhead

func seal(aead cipher.AEAD, plaintext []byte) []byte {
	envelope := make([]byte, sealedBytes-aead.Overhead(), sealedBytes+len(plaintext))
	_, _ = rand.Read(envelope[:aead.NonceSize()])
	return aead.Seal(envelope, envelope[:aead.NonceSize()], plaintext, nil)
}

func freshKey() []byte {
	key := make([]byte, chacha20poly1305.KeySize)
	_, _ = rand.Read(key)
	return key
}

func cipherOf(key []byte) cipher.AEAD {
	aead, err := chacha20poly1305.NewX(key)
	if err != nil {
		return nil // cannot be: the length is right
	}
	return aead
}

// grouped is bbolt with the plainest group commit: whoever waits shares a
// transaction.
type grouped struct {
	db    *bbolt.DB
	queue chan *waiting
}

type waiting struct {
	writes []store.Write
	done   chan error
}

var bucket = []byte("entries")

func openGrouped(tb testing.TB) *grouped {
	tb.Helper()
	db, err := bbolt.Open(filepath.Join(tb.TempDir(), "ceiling.bolt"), 0o600, &bbolt.Options{
		PageSize: 16 << 10, InitialMmapSize: 64 << 30, FreelistType: bbolt.FreelistMapType, NoStatistics: true,
	})
	check(tb, err)
	check(tb, db.Update(func(tx *bbolt.Tx) error { _, err := tx.CreateBucket(bucket); return err }))
	g := &grouped{db: db, queue: make(chan *waiting, 1024)}
	ended := make(chan struct{})
	go func() { defer close(ended); g.run() }()
	tb.Cleanup(func() { close(g.queue); <-ended; _ = db.Close() })
	return g
}

func (g *grouped) commit(writes []store.Write) error {
	w := &waiting{writes, make(chan error, 1)}
	g.queue <- w
	return <-w.done
}

func (g *grouped) run() {
	for first := range g.queue {
		group := []*waiting{first}
		for before := 0; before < len(group) && len(group) < 1024; { // as long as a turn brings somebody
			before = len(group)
			runtime.Gosched()
			for range len(g.queue) {
				group = append(group, <-g.queue)
			}
		}
		err := g.write(group)
		for _, w := range group {
			w.done <- err
		}
	}
}

func (g *grouped) write(group []*waiting) error {
	var all []store.Write
	for _, w := range group {
		all = append(all, w.writes...)
	}
	slices.SortFunc(all, func(a, b store.Write) int { return bytes.Compare(a.Key, b.Key) })
	return g.db.Update(func(tx *bbolt.Tx) error {
		b := tx.Bucket(bucket)
		for _, write := range all {
			value := make([]byte, revisionBytes, revisionBytes+len(write.Value))
			if err := b.Put(write.Key, append(value, write.Value...)); err != nil {
				return err
			}
		}
		return nil
	})
}

func (g *grouped) get(key []byte) (value []byte, err error) {
	err = g.db.View(func(tx *bbolt.Tx) error {
		stored := tx.Bucket(bucket).Get(key)
		if len(stored) < revisionBytes {
			return errWrong
		}
		value = bytes.Clone(stored[revisionBytes:])
		return nil
	})
	return value, err
}

// stored counts the bytes of all keys and values.
func (c *ceiling) stored(tb testing.TB) (bytes int) {
	tb.Helper()
	check(tb, c.store.db.View(func(tx *bbolt.Tx) error {
		return tx.Bucket(bucket).ForEach(func(key, value []byte) error {
			bytes += len(key) + len(value)
			return nil
		})
	}))
	return bytes
}
