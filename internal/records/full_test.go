package records_test

import (
	"errors"
	"fmt"
	"os"
	"os/signal"
	"strings"
	"syscall"
	"testing"
	"time"

	"golang.org/x/sys/unix"
	"google.golang.org/protobuf/types/known/timestamppb"

	amparov1 "github.com/amparo-project/amparo/api/amparo/v1"
	"github.com/amparo-project/amparo/internal/disclosure"
	"github.com/amparo-project/amparo/internal/fault"
	"github.com/amparo-project/amparo/internal/records"
)

// TestFullDisk fills a small disk, and a file that may not grow, with cases: what
// does not fit is refused as such and leaves nothing behind, and as soon as there
// is room everything goes on.
func TestFullDisk(t *testing.T) {
	t.Run("file size limit", func(t *testing.T) {
		if out, err := process(t, "fill a limited file", fastFolder(t)).CombinedOutput(); err != nil {
			t.Errorf("%v\n%s", err, out)
		}
	})
	t.Run("tmpfs", func(t *testing.T) {
		child := process(t, "fill a mounted tmpfs", t.TempDir())
		// A mount namespace of its own, so that nothing is left mounted; a user
		// namespace as well, so that anybody may.
		child.SysProcAttr = &syscall.SysProcAttr{
			Cloneflags:  syscall.CLONE_NEWUSER | syscall.CLONE_NEWNS,
			UidMappings: []syscall.SysProcIDMap{{ContainerID: 0, HostID: os.Getuid(), Size: 1}},
			GidMappings: []syscall.SysProcIDMap{{ContainerID: 0, HostID: os.Getgid(), Size: 1}},
		}
		out, err := child.CombinedOutput()
		if errors.Is(err, syscall.EPERM) || errors.Is(err, syscall.EACCES) || errors.Is(err, syscall.ENOSPC) {
			t.Logf("no namespaces here (%v): the file size limit above stands in", err)
			return
		}
		if err != nil {
			t.Errorf("%v\n%s", err, out)
		}
	})
}

func fillMountedDisk(args []string) error {
	if err := unix.Mount("tmpfs", args[0], "tmpfs", 0, "size=4m,mode=0700"); err != nil {
		return fmt.Errorf("mount: %w", err)
	}
	return fillStore(args[0], func() error {
		return unix.Mount("tmpfs", args[0], "tmpfs", unix.MS_REMOUNT, "size=32m,mode=0700")
	})
}

func fillLimitedFile(args []string) error {
	signal.Ignore(syscall.SIGXFSZ)
	limit := unix.Rlimit{Cur: 20 << 20, Max: 64 << 20} // bbolt adds 16 MiB at a time
	if err := unix.Setrlimit(unix.RLIMIT_FSIZE, &limit); err != nil {
		return err
	}
	return fillStore(args[0], func() error {
		return unix.Setrlimit(unix.RLIMIT_FSIZE, &unix.Rlimit{Cur: limit.Max, Max: limit.Max})
	})
}

// cleaner gives a script what a test would clean up by.
type cleaner struct {
	script
	after []func()
}

func (c *cleaner) Cleanup(fn func()) { c.after = append(c.after, fn) }

// fillStore opens cases until the disk is full, and goes on when room is made.
func fillStore(dir string, makeRoom func() error) error {
	c := &cleaner{}
	defer func() {
		for _, fn := range c.after {
			fn()
		}
	}()
	return c.run(func() {
		h, _ := beginOnDisk(c, dir)
		p := newPerson()
		acked := map[string]string{} // id to name
		refused := 0
		for i := 0; refused < 10; i++ {
			if i > 2000 {
				c.Fatalf("the disk does not fill")
			}
			name := fmt.Sprint("case ", i)
			id, err := h.create(p, asked(name, "x"), intake{name: name, notes: []string{strings.Repeat("long ", 12_000)}})
			if err == nil {
				acked[id] = name
				continue
			}
			refused++
			if reason := fault.As(err).Reason; reason != amparov1.Reason_REASON_DISK_FULL || !fault.Is(err, fault.Exhausted) {
				c.Fatalf("on a full disk a case is refused with %v", err)
			}
		}
		if len(acked) < 20 {
			c.Fatalf("only %d cases fitted", len(acked))
		}
		began := time.Now()
		if err := makeRoom(); err != nil {
			c.Fatal(err)
		}
		h.verifyFilled(p, acked, refused)
		if took := time.Since(began); took > 5*time.Second {
			c.Errorf("it took %v to go on after there was room", took)
		}
	})
}

// verifyFilled demands that every acknowledged case is there and nothing else, and
// that the store works.
func (h *house) verifyFilled(p person, acked map[string]string, refused int) {
	if _, err := h.create(p, asked("after", "x"), intake{name: "after"}); err != nil {
		h.t.Fatalf("with room again: %v", err)
	}
	for _, restart := range []bool{false, true} {
		if restart {
			h.reopen()
		}
		h.wantClean()
		for id, name := range acked {
			if s, err := h.read(p, id); err != nil || s.name != name || len(s.notes) != 1 {
				h.t.Fatalf("an acknowledged case reads %q, %v", s.name, err)
			}
		}
		rows, _, err := h.Queue(ctx, p.grant(h.t, "QueueService/ListQueue"), records.QueueQuery{Offices: []string{office}, Limit: 5000})
		if err != nil || len(rows) != len(acked)+1 {
			h.t.Fatalf("%d cases, %v; want %d: %d were refused", len(rows), err, len(acked)+1, refused)
		}
	}
	intakes := 0
	for _, leaf := range h.leaves() {
		if leaf.GetAction() == amparov1.LeafAction_LEAF_ACTION_INTAKE {
			intakes++
		}
	}
	if intakes != len(acked)+1 {
		h.t.Fatalf("%d leaves of intakes, want %d", intakes, len(acked)+1)
	}
}

// TestANoIsTakenWhenTheDiskIsNearlyFull: room is kept for what protects somebody. A
// withdrawal, what follows from it, and a breach are written; a consent and what leaves
// on it wait until there is room again.
func TestANoIsTakenWhenTheDiskIsNearlyFull(t *testing.T) {
	h, _ := inMemory(t)
	p := newPerson()
	id := h.mustCreate(p, intake{name: "Amaru", risk: amparov1.RiskLevel_RISK_LEVEL_LOW})
	if err := h.allows(p, records.Request{}, id, "yes", amparov1.ConsentAnswer_CONSENT_ANSWER_GIVEN); err != nil {
		t.Fatal(err)
	}
	enters := func(method string, step func(disclosure.Act) (disclosure.Added, error)) error {
		_, err := h.adds(p, records.Request{}, id, method, step)
		return err
	}
	h.free.Store(255 << 20)
	for _, row := range []struct {
		says  string
		err   error
		taken bool
	}{
		{"a consent", h.allows(p, records.Request{}, id, "yes", amparov1.ConsentAnswer_CONSENT_ANSWER_GIVEN), false},
		{"a check", enters("DisclosureService/CheckHarm", func(a disclosure.Act) (disclosure.Added, error) { return a.CheckHarm(&amparov1.HarmDraft{}) }), false},
		{"a withdrawal", h.withdraws(p, records.Request{}, id, "no more"), true},
		{"what follows from it", enters("ConsentService/SettleWithdrawal", func(a disclosure.Act) (disclosure.Added, error) {
			return a.Settle(&amparov1.SettlementDraft{Withdrawal: 2, Stands: true}, func(uint32, *timestamppb.Timestamp) bool { return true })
		}), true},
		{"a breach", enters("DisclosureService/ReportBreach", func(a disclosure.Act) (disclosure.Added, error) { return a.Breach(&amparov1.BreachDraft{Text: "x"}) }), true},
	} {
		if row.taken && row.err != nil {
			t.Errorf("%s: %v", row.says, row.err)
		}
		if !row.taken {
			wantReason(t, row.says, row.err, amparov1.Reason_REASON_DISK_FULL)
		}
	}
	h.free.Store(1 << 40)
	if entries, err := h.ledger(p, id); err != nil || len(entries) != 4 {
		t.Errorf("%d entries, want the consent and the three that were taken: %v", len(entries), err)
	}
	h.wantClean()
}
