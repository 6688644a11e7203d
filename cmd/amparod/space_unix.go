//go:build unix

package main

import "golang.org/x/sys/unix"

// freeSpace says how much room there is where the data folder lies, for a process
// that is not root.
func freeSpace(path string) func() (uint64, error) {
	return func() (uint64, error) {
		var stat unix.Statfs_t
		if err := unix.Statfs(path, &stat); err != nil {
			return 0, err
		}
		return uint64(stat.Bavail) * uint64(stat.Bsize), nil //nolint:unconvert // signed on some systems
	}
}
