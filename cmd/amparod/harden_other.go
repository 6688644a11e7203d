//go:build unix && !linux

package main

import "golang.org/x/sys/unix"

// harden keeps the process's memory out of core files, and what it writes from
// everybody else whatever the umask was.
func harden() error {
	unix.Umask(0o077)
	return unix.Setrlimit(unix.RLIMIT_CORE, &unix.Rlimit{})
}
