//go:build unix

package bolt

import (
	"errors"
	"fmt"
	"os"
	"time"

	"golang.org/x/sys/unix"
)

// lock takes the lock that bbolt takes as well. It belongs to the open file,
// so it ends with the process, however that ends.
func lock(file *os.File) error {
	for try := 1; ; try++ {
		err := unix.Flock(int(file.Fd()), unix.LOCK_EX|unix.LOCK_NB)
		if err == nil {
			return nil
		}
		if !errors.Is(err, unix.EWOULDBLOCK) && !errors.Is(err, unix.EINTR) {
			return fmt.Errorf("lock: %w", err)
		}
		if try == lockTries {
			return ErrHeld
		}
		time.Sleep(lockPause)
	}
}

// letGo unlocks and closes a file that may still be mapped: a mapping keeps the
// open file, and with it the lock, alive after the descriptor is gone.
func letGo(file *os.File) error {
	return errors.Join(unix.Flock(int(file.Fd()), unix.LOCK_UN), file.Close())
}
