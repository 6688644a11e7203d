package main

import (
	"errors"
	"fmt"

	"golang.org/x/sys/unix"
)

// harden keeps the process's memory, which holds the keys once the store is
// unsealed, out of core files and from other processes of the same user, and keeps
// what it writes from everybody else whatever the umask was. It does nothing
// against root: nothing does.
func harden() error {
	unix.Umask(0o077)
	err := errors.Join(
		unix.Setrlimit(unix.RLIMIT_CORE, &unix.Rlimit{}),
		unix.Prctl(unix.PR_SET_DUMPABLE, 0, 0, 0, 0),
	)
	if err != nil {
		return fmt.Errorf("keep memory from core files: %w", err)
	}
	return nil
}
