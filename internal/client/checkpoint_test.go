package client_test

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"

	amparov1 "github.com/amparo-project/amparo/api/amparo/v1"
	"github.com/amparo-project/amparo/internal/audit"
	"github.com/amparo-project/amparo/internal/audit/audittest"
	"github.com/amparo-project/amparo/internal/client"
)

// checkpoints answers GetCheckpoint.
type checkpoints func(ctx context.Context, oldSize uint64) (*amparov1.GetCheckpointResponse, error)

func (b *bench) GetCheckpoint(ctx context.Context, request *amparov1.GetCheckpointRequest) (*amparov1.GetCheckpointResponse, error) {
	if answer := b.log.Load(); answer != nil {
		return (*answer)(ctx, request.GetOldSize())
	}
	return nil, status.Error(codes.Unimplemented, "no log")
}

// shows lets the service answer as one with this log does.
func (b *bench) shows(log *audittest.Log) {
	b.answers(func(ctx context.Context, oldSize uint64) (*amparov1.GetCheckpointResponse, error) {
		size := log.Size()
		if oldSize > size {
			return nil, answer(codes.InvalidArgument, "FIELD_INVALID")
		}
		proof, err := log.Extension(ctx, oldSize, size)
		return &amparov1.GetCheckpointResponse{Checkpoint: log.At(size), Proof: proof}, err
	})
}

func (b *bench) answers(answer checkpoints) { b.log.Store(&answer) }

// connected makes a call, closes the connection, and returns what was said of the log.
func connected(t *testing.T, p *client.Profile) *client.Failure {
	t.Helper()
	var told *client.Failure
	calls(t, p, client.Options{Patience: -1, OnLogFault: func(f *client.Failure) { told = f }})
	return told
}

// calls makes a call that is answered, and closes the connection.
func calls(t *testing.T, p *client.Profile, options client.Options) {
	t.Helper()
	conn, err := client.Dial(p, options)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := conn.Staff.WhoAmI(t.Context(), &amparov1.WhoAmIRequest{}); err != nil {
		t.Error(err)
	}
	if err := conn.Close(); err != nil {
		t.Error(err)
	}
}

func kept(t *testing.T, p *client.Profile) string {
	t.Helper()
	note, err := p.OlderCheckpoint()
	if err != nil {
		t.Fatal(err)
	}
	return note
}

// files are those of a profile that have to do with the log.
func files(t *testing.T, p *client.Profile) map[string]string {
	t.Helper()
	paths, err := filepath.Glob(filepath.Join(p.Dir, "checkpoint*"))
	if err != nil {
		t.Fatal(err)
	}
	found := map[string]string{}
	for _, path := range paths {
		info, err := os.Stat(path)
		if err != nil || info.Mode().Perm() != 0o600 {
			t.Errorf("%s: %v, %v", path, info.Mode(), err)
		}
		text, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		found[filepath.Base(path)] = string(text)
	}
	delete(found, "checkpoint.lock")
	return found
}

// TestEachConnectionChecksTheLog: what one connection has seen, the next one holds
// the service to, and what does not fit is named by both its notes.
func TestEachConnectionChecksTheLog(t *testing.T) {
	log := audittest.New(t).Grow(7)
	longer, forked, asLong := log.Fork().Grow(4), log.Fork().Grow(9), log.Fork().Grow(4)
	cosigned := audittest.New(t).Sign(log.Checkpoint())
	cosigned = log.Checkpoint() + cosigned[strings.LastIndex(cosigned, "— "):]
	for _, row := range []struct {
		name        string
		seen        string
		shows       *audittest.Log
		says, names []string // what the alarm says, and the two notes; none for no alarm
		keeps       string
	}{
		{name: "the first time", seen: "", shows: log, keeps: log.Checkpoint()},
		{name: "nothing new", seen: log.Checkpoint(), shows: log, keeps: log.Checkpoint()},
		{name: "grown", seen: log.Checkpoint(), shows: longer, keeps: longer.Checkpoint()},
		{name: "others have signed what was seen", seen: cosigned, shows: longer, keeps: longer.Checkpoint()},
		{name: "fewer have signed it", seen: cosigned, shows: log, keeps: cosigned},
		{
			name: "put back", seen: longer.Checkpoint(), shows: log, keeps: longer.Checkpoint(),
			says: []string{"shorter", "11 leaves", "7 leaves"}, names: []string{longer.Checkpoint(), log.Checkpoint()},
		},
		{
			name: "forked, and longer", seen: longer.Checkpoint(), shows: forked, keeps: longer.Checkpoint(),
			says: []string{"not the one", "11 leaves", "16 leaves"}, names: []string{longer.Checkpoint(), forked.Checkpoint()},
		},
		{
			name: "forked, and as long", seen: longer.Checkpoint(), shows: asLong, keeps: longer.Checkpoint(),
			says: []string{"not the one", "11 leaves"}, names: []string{longer.Checkpoint(), asLong.Checkpoint()},
		},
		{
			name: "another log", seen: "", shows: audittest.New(t).Grow(3),
			says: []string{"not the one", "not signed by this log"},
		},
		{
			name: "what is kept is damaged", seen: "log/x\n", shows: log, keeps: "log/x\n",
			says: []string{"damaged"},
		},
	} {
		b := startBench(t)
		p := enrolledProfile(t, b)
		p.LogKey = log.PublicKey()
		b.shows(row.shows)
		if row.seen != "" {
			if err := client.WriteFile(filepath.Join(p.Dir, "checkpoint"), []byte(row.seen)); err != nil {
				t.Fatal(err)
			}
		}
		// Until somebody resolves it, every connection says so.
		for range 2 {
			told := connected(t, p)
			if (told == nil) != (row.says == nil) {
				t.Errorf("%s: told %v", row.name, told)
			}
			if now := kept(t, p); now != row.keeps {
				t.Errorf("%s: kept is\n%s", row.name, now)
			}
			if told == nil {
				continue
			}
			if told.Exit != 7 || told.Reason != "LOG_INCONSISTENT" || strings.Contains(told.Error(), "\n") {
				t.Errorf("%s: %v", row.name, told)
			}
			for _, says := range row.says {
				if !strings.Contains(told.Error(), says) {
					t.Errorf("%s: %q is not in: %s", row.name, says, told)
				}
			}
			names(t, row.name, told, row.names, files(t, p))
		}
	}
}

var refused = regexp.MustCompile(`checkpoint-refused-[0-9a-f]{16}`)

// names holds an alarm to naming the two notes by files in which they lie, and by
// their roots.
func names(t *testing.T, row string, told *client.Failure, notes []string, files map[string]string) {
	t.Helper()
	if notes == nil {
		return
	}
	name := refused.FindString(told.Error())
	if !strings.Contains(told.Error(), " checkpoint (") || files["checkpoint"] != notes[0] || files[name] != notes[1] || len(files) != 2 {
		t.Errorf("%s: %s; beside it lie %d files", row, told, len(files))
	}
	for _, note := range notes {
		if root := strings.Split(note, "\n")[2]; !strings.Contains(told.Error(), "root "+root+")") {
			t.Errorf("%s: the root %s is not in: %s", row, root, told)
		}
	}
}

// TestAnAccusationDoesNotFillTheDisk: a service that goes on shows a new note at each
// connection.
func TestAnAccusationDoesNotFillTheDisk(t *testing.T) {
	log := audittest.New(t).Grow(100)
	b := startBench(t)
	p := enrolledProfile(t, b)
	p.LogKey = log.PublicKey()
	b.shows(log)
	connected(t, p)
	forked := audittest.New(t).Grow(1)
	for range 40 {
		b.shows(forked.Grow(1))
		if connected(t, p) == nil {
			t.Fatal("nothing was said")
		}
	}
	if n := len(files(t, p)); n != 1+32 {
		t.Errorf("%d files", n)
	}
	if kept(t, p) != log.Checkpoint() {
		t.Error("what was seen is gone")
	}
}

// TestWhatCannotBeAskedIsNoAlarm: neither a role that may not ask, nor an old service,
// nor a line that breaks, says anything about the log.
func TestWhatCannotBeAskedIsNoAlarm(t *testing.T) {
	log := audittest.New(t).Grow(3)
	b := startBench(t)
	p := enrolledProfile(t, b)
	p.LogKey = log.PublicKey()
	b.shows(log)
	connected(t, p)
	for _, code := range []codes.Code{codes.PermissionDenied, codes.Unauthenticated, codes.Unimplemented, codes.Unavailable, codes.ResourceExhausted, codes.Internal, codes.DataLoss} {
		var asked atomic.Int32
		b.answers(func(context.Context, uint64) (*amparov1.GetCheckpointResponse, error) {
			asked.Add(1)
			return nil, status.Error(code, "no")
		})
		if told := connected(t, p); told != nil || asked.Load() != 1 {
			t.Errorf("%v: asked %d times, told %v", code, asked.Load(), told)
		}
	}
	// A profile that an earlier version made has no key to check by.
	b.shows(audittest.New(t))
	p.LogKey = ""
	if told := connected(t, p); told != nil {
		t.Errorf("without a key: %v", told)
	}
	if len(files(t, p)) != 1 || kept(t, p) != log.Checkpoint() {
		t.Error("what was seen has changed")
	}
}

// atOnce makes n connections of one profile at the same time and counts the alarms.
func atOnce(t *testing.T, p *client.Profile, n int) int {
	t.Helper()
	var told atomic.Int32
	var working sync.WaitGroup
	for range n {
		working.Go(func() {
			conn, err := client.Dial(p, client.Options{OnLogFault: func(*client.Failure) { told.Add(1) }})
			if err != nil {
				t.Error(err)
				return
			}
			_, err = conn.Staff.WhoAmI(t.Context(), &amparov1.WhoAmIRequest{})
			if err := errors.Join(err, conn.Close()); err != nil {
				t.Error(err)
			}
		})
	}
	working.Wait()
	return int(told.Load())
}

// TestWhatIsKeptNeverGoesBack, however many commands of one profile overlap.
func TestWhatIsKeptNeverGoesBack(t *testing.T) {
	log := audittest.New(t).Grow(5)
	b := startBench(t)
	p := enrolledProfile(t, b)
	p.LogKey = log.PublicKey()
	b.shows(log)
	connected(t, p)
	var calls atomic.Int32
	b.answers(func(ctx context.Context, oldSize uint64) (*amparov1.GetCheckpointResponse, error) {
		size := log.Grow(1).Size()
		proof, err := log.Extension(ctx, oldSize, size)
		time.Sleep(time.Duration(calls.Add(1)%3) * 3 * time.Millisecond) // so that answers overtake one another
		return &amparov1.GetCheckpointResponse{Checkpoint: log.At(size), Proof: proof}, err
	})
	watched := make(chan int)
	ctx, stop := context.WithCancel(t.Context())
	go func() { watched <- goesBack(ctx, p) }()
	told := atOnce(t, p, 12)
	stop()
	if back := <-watched; back > 0 || told > 0 || calls.Load() != 12 {
		t.Errorf("what is kept went back %d times; %d alarms in %d checks", back, told, calls.Load())
	}
}

// TestTwoCommandsAreNotShownTwoLogs: each of the two fits what was kept before them,
// so one must wait to see what the other has seen.
func TestTwoCommandsAreNotShownTwoLogs(t *testing.T) {
	log := audittest.New(t).Grow(5)
	shown := []*audittest.Log{log.Fork().Grow(2), log.Fork().Grow(2)}
	b := startBench(t)
	p := enrolledProfile(t, b)
	p.LogKey = log.PublicKey()
	b.shows(log)
	connected(t, p)
	both := make(chan struct{})
	var calls atomic.Int32
	b.answers(func(ctx context.Context, oldSize uint64) (*amparov1.GetCheckpointResponse, error) {
		n := calls.Add(1)
		if n == 2 {
			close(both)
		}
		select {
		case <-both: // they ask at the same time
		case <-time.After(300 * time.Millisecond):
		}
		fork := shown[n%2]
		proof, err := fork.Extension(ctx, oldSize, fork.Size())
		return &amparov1.GetCheckpointResponse{Checkpoint: fork.Checkpoint(), Proof: proof}, err
	})
	if told := atOnce(t, p, 2); told != 1 {
		t.Errorf("%d alarms in %d checks", told, calls.Load())
	}
}

// goesBack counts how often the checkpoint that a profile keeps is replaced by one of
// fewer leaves, until ctx ends.
func goesBack(ctx context.Context, p *client.Profile) (n int) {
	last := uint64(0)
	for ctx.Err() == nil {
		note, err := p.OlderCheckpoint()
		size, sizeErr := audit.CheckpointSize(p.LogKey, note)
		if err != nil || sizeErr != nil || size < last {
			n++
		}
		last = size
	}
	return n
}
