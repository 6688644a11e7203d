package bolt_test

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/signal"
	"path/filepath"
	"runtime"
	"strconv"
	"syscall"
	"testing"
	"unsafe"

	"golang.org/x/sys/unix"

	"github.com/amparo-project/amparo/internal/store"
	"github.com/amparo-project/amparo/internal/store/bolt"
)

func wantErr(t testing.TB, what string, got, want error) {
	t.Helper()
	if !errors.Is(got, want) {
		t.Errorf("%s: got error %v, want %v", what, got, want)
	}
}

// runRole runs a role to its end and fails the test with what it printed.
func runRole(t *testing.T, role string, args ...string) {
	t.Helper()
	if out, err := process(t, role, args...).CombinedOutput(); err != nil {
		t.Errorf("%v: %v\n%s", args, err, out)
	}
}

// TestLatch lets a commit fail in ways that leave the disk in doubt. The error
// is put in the place of bbolt's own answer; for the real thing see TestSyscall.
func TestLatch(t *testing.T) {
	for _, c := range []struct {
		name    string
		applied bool
		err     error
	}{
		{"sync of the data fails", false, syscall.EIO},
		{"sync of the data finds the disk full", false, syscall.ENOSPC},
		{"sync of the meta page fails", true, syscall.EIO},
		{"write fails", false, &os.PathError{Op: "write", Err: syscall.EIO}},
		{"write of the meta page finds the disk full", true, &os.PathError{Op: "write", Err: syscall.ENOSPC}},
		{"growing fails to sync", false, errors.New("file sync error: no space left on device")},
	} {
		t.Run(c.name, func(t *testing.T) {
			e, path := create(t)
			broken := false
			bolt.OnCommit(e, func(tx *bolt.Tx, commit func(*bolt.Tx) error) error {
				if !broken {
					return commit(tx)
				}
				step := tx.Rollback
				if c.applied {
					step = func() error { return commit(tx) }
				}
				return errors.Join(step(), c.err)
			})
			ctx := context.Background()
			one := []store.Write{{Key: []byte("one")}}
			rev, err := e.Commit(ctx, nil, one)
			if err != nil {
				t.Fatal(err)
			}
			ended := make(chan error)
			go func() {
				ended <- e.Watch(ctx, rev, func(b store.Batch) error { return fmt.Errorf("shown %d", b.Revision) })
			}()
			broken = true
			_, err = e.Commit(ctx, nil, []store.Write{{Key: []byte("two")}})
			wantErr(t, "the commit that fails", err, store.ErrUnknown)
			broken = false
			_, err = e.Commit(ctx, nil, one)
			wantErr(t, "the next commit", err, store.ErrStopped)
			_, err = e.Get(ctx, []byte("one"))
			wantErr(t, "Get", err, store.ErrStopped)
			_, err = e.Scan(ctx, nil, nil, 1)
			wantErr(t, "Scan", err, store.ErrStopped)
			wantErr(t, "Watch", <-ended, store.ErrStopped)
			wantErr(t, "Close", e.Close(), nil)

			again := reopen(t, path)
			_, err = again.Get(ctx, []byte("one"))
			wantErr(t, "Get after opening again", err, nil)
		})
	}
}

// TestSyscall takes a system call away from a process of its own with a seccomp
// filter, so that the kernel itself refuses what bbolt asks.
func TestSyscall(t *testing.T) {
	for _, c := range []struct {
		name  string
		call  string // which call fails
		errno syscall.Errno
		want  string // of the commit, and of the next one
	}{
		{"fdatasync fails", "fdatasync", syscall.EIO, "unknown"},
		{"fdatasync finds the disk full", "fdatasync", syscall.ENOSPC, "unknown"},
		{"no write succeeds", "pwrite", syscall.EIO, "unknown"},
		{"no write finds room", "pwrite", syscall.ENOSPC, "full"},
		{"no write fits the quota", "pwrite", syscall.EDQUOT, "full"},
		{"no meta page finds room", "pwrite meta", syscall.ENOSPC, "full"},
		{"no meta page can be written", "pwrite meta", syscall.EIO, "unknown"},
	} {
		t.Run(c.name, func(t *testing.T) {
			e, path := create(t)
			if err := e.Close(); err != nil {
				t.Fatal(err)
			}
			runRole(t, "lose a system call", path, c.call, strconv.Itoa(int(c.errno)), c.want)
			again := reopen(t, path)
			for _, key := range []string{"a", "b"} {
				_, err := again.Get(context.Background(), []byte(key))
				wantErr(t, "Get after opening again", err, nil)
			}
			_, err := again.Get(context.Background(), []byte("c"))
			wantErr(t, "Get of what was refused", err, store.ErrNotFound)
		})
	}
}

func loseSystemCall(args []string) error {
	errno, err := strconv.Atoi(args[2])
	if err != nil {
		return err
	}
	e, err := bolt.Open(bolt.Options{Path: args[0]})
	if err != nil {
		return err
	}
	ctx := context.Background()
	for _, key := range []string{"a", "b"} {
		if _, err := e.Commit(ctx, nil, []store.Write{{Key: []byte(key)}}); err != nil {
			return err
		}
	}
	if err := refuse(args[1], syscall.Errno(errno)); err != nil {
		return err
	}
	first, second, read := store.ErrUnknown, store.ErrStopped, store.ErrStopped
	if args[3] == "full" {
		first, second, read = store.ErrFull, store.ErrFull, nil
	}
	if _, err := e.Commit(ctx, nil, []store.Write{{Key: []byte("c")}}); !errors.Is(err, first) {
		return fmt.Errorf("commit: got error %v, want %v", err, first)
	}
	if _, err := e.Commit(ctx, nil, []store.Write{{Key: []byte("c")}}); !errors.Is(err, second) {
		return fmt.Errorf("next commit: got error %v, want %v", err, second)
	}
	if _, err := e.Get(ctx, []byte("a")); !errors.Is(err, read) {
		return fmt.Errorf("get: got error %v, want %v", err, read)
	}
	return e.Close()
}

// refuse makes the kernel answer errno to a system call of all threads.
func refuse(call string, errno syscall.Errno) error {
	load := func(offset uint32) unix.SockFilter {
		return unix.SockFilter{Code: unix.BPF_LD | unix.BPF_W | unix.BPF_ABS, K: offset}
	}
	jump := func(value uint32, yes, no uint8) unix.SockFilter {
		return unix.SockFilter{Code: unix.BPF_JMP | unix.BPF_JEQ | unix.BPF_K, K: value, Jt: yes, Jf: no}
	}
	ret := func(action uint32) unix.SockFilter {
		return unix.SockFilter{Code: unix.BPF_RET | unix.BPF_K, K: action}
	}
	const number, lowOfFourth = 0, 16 + 3*8 // in struct seccomp_data, little-endian
	fail, allow := ret(unix.SECCOMP_RET_ERRNO|uint32(errno)), ret(unix.SECCOMP_RET_ALLOW)
	filter := map[string][]unix.SockFilter{
		"fdatasync": {load(number), jump(unix.SYS_FDATASYNC, 0, 1), fail, allow},
		"pwrite":    {load(number), jump(unix.SYS_PWRITE64, 0, 1), fail, allow},
		"pwrite meta": {
			load(number), jump(unix.SYS_PWRITE64, 0, 4),
			load(lowOfFourth), jump(0, 1, 0), jump(bolt.PageSize, 0, 1), fail, allow,
		},
	}[call]
	runtime.LockOSThread() // both calls are about one thread; TSYNC takes the others along
	defer runtime.UnlockOSThread()
	if err := unix.Prctl(unix.PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0); err != nil {
		return err
	}
	program := unix.SockFprog{Len: uint16(len(filter)), Filter: &filter[0]}
	_, _, failed := unix.Syscall(unix.SYS_SECCOMP, unix.SECCOMP_SET_MODE_FILTER,
		unix.SECCOMP_FILTER_FLAG_TSYNC, uintptr(unsafe.Pointer(&program)))
	if failed != 0 {
		return failed
	}
	return nil
}

// TestFullDisk fills a small disk, and a file that may not grow: what does not
// fit is refused, all else stays, and removing things makes room.
func TestFullDisk(t *testing.T) {
	t.Run("file size limit", func(t *testing.T) {
		runRole(t, "fill a limited file", t.TempDir())
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
	if err := unix.Mount("tmpfs", args[0], "tmpfs", 0, "size=3m,mode=0700"); err != nil {
		return fmt.Errorf("mount: %w", err)
	}
	return fill(args[0])
}

func fillLimitedFile(args []string) error {
	signal.Ignore(syscall.SIGXFSZ)
	const limit = 20 << 20 // bbolt adds 16 MiB at a time
	if err := unix.Setrlimit(unix.RLIMIT_FSIZE, &unix.Rlimit{Cur: limit, Max: limit}); err != nil {
		return err
	}
	return fill(args[0])
}

func fill(dir string) error {
	path := filepath.Join(dir, "amparo.db")
	e, err := bolt.Create(bolt.Options{Path: path})
	if err != nil {
		return err
	}
	ctx := context.Background()
	name := func(i int) []byte { return fmt.Appendf(nil, "%08d", i) }
	record := make([]byte, 20_000)
	n := 0
	for ; n < 5000; n++ {
		if _, err = e.Commit(ctx, nil, []store.Write{{Key: name(n), Value: record}}); err != nil {
			break
		}
	}
	if !errors.Is(err, store.ErrFull) || n < 100 {
		return fmt.Errorf("after %d records: got error %v, want %v", n, err, store.ErrFull)
	}
	for range 20 { // it stays full, and stays calm
		if _, err := e.Commit(ctx, nil, []store.Write{{Key: name(n), Value: make([]byte, 1<<19)}}); !errors.Is(err, store.ErrFull) {
			return fmt.Errorf("on a full disk: got error %v, want %v", err, store.ErrFull)
		}
	}
	for round := range 2 {
		found, err := e.Scan(ctx, nil, nil, 5000)
		if err != nil || len(found) != n {
			return fmt.Errorf("round %d: %d records, %v; want %d", round, len(found), err, n)
		}
		if err := e.Close(); err != nil {
			return err
		}
		if e, err = bolt.Open(bolt.Options{Path: path}); err != nil {
			return err
		}
	}
	for i := range n / 2 {
		if _, err := e.Commit(ctx, nil, []store.Write{{Key: name(i), Delete: true}}); err != nil {
			return fmt.Errorf("removing record %d from a full disk: %v", i, err)
		}
	}
	for i := range n / 4 {
		if _, err := e.Commit(ctx, nil, []store.Write{{Key: name(i), Value: record}}); err != nil {
			return fmt.Errorf("writing record %d after making room: %v", i, err)
		}
	}
	return e.Close()
}
