package seal

import (
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
)

// writeFile makes a file hold the data, durably and as a whole: after a crash it
// holds what it held before, or the data. Only the owner may read it, whatever the
// umask. An error may come after the change was made; who needs to know reads the
// file again. Two calls for one path must not overlap.
func writeFile(path string, data []byte) error {
	// One fixed name, so that no crash leaves more behind than one file, which the
	// next call removes. It may hold what was never put in force, never what is past.
	temporary := path + ".new"
	if err := os.Remove(temporary); err != nil && !errors.Is(err, os.ErrNotExist) {
		return fmt.Errorf("remove what a crash left: %w", err)
	}
	if err := writeNew(temporary, data); err != nil {
		return err
	}
	if err := os.Rename(temporary, path); err != nil {
		return errors.Join(fmt.Errorf("put the new file in force: %w", err), os.Remove(temporary))
	}
	return syncFolder(path)
}

// writeNew writes a file that must not exist yet, and leaves none if it fails.
func writeNew(path string, data []byte) (err error) {
	f, err := os.OpenFile(path, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o600)
	if err != nil {
		return fmt.Errorf("create a file: %w", err)
	}
	defer func() {
		if err != nil {
			err = errors.Join(err, os.Remove(path))
		}
	}()
	if _, err := f.Write(data); err != nil {
		return errors.Join(fmt.Errorf("write a file: %w", err), f.Close())
	}
	if err := f.Sync(); err != nil {
		return errors.Join(fmt.Errorf("make a file durable: %w", err), f.Close())
	}
	if err := f.Close(); err != nil {
		return fmt.Errorf("close a file: %w", err)
	}
	return nil
}

// syncFolder makes the name of a file durable.
func syncFolder(path string) error {
	folder, err := os.Open(filepath.Dir(path))
	if err != nil {
		return fmt.Errorf("open a folder: %w", err)
	}
	if err := folder.Sync(); err != nil {
		return errors.Join(fmt.Errorf("make a folder durable: %w", err), folder.Close())
	}
	if err := folder.Close(); err != nil {
		return fmt.Errorf("close a folder: %w", err)
	}
	return nil
}

// maxFileSize bounds what a damaged or foreign file can make this package read.
// A keyring has some 60 KiB, of which most are its recipients.
const maxFileSize = 4 << 20

func readFile(path string) ([]byte, error) {
	f, err := os.Open(path)
	if err != nil {
		return nil, fmt.Errorf("open a file: %w", err)
	}
	data, err := io.ReadAll(io.LimitReader(f, maxFileSize+1))
	if err := errors.Join(err, f.Close()); err != nil {
		return nil, fmt.Errorf("read a file: %w", err)
	}
	if len(data) > maxFileSize {
		return nil, fmt.Errorf("%w: it is larger than any of its kind", ErrDamaged)
	}
	return data, nil
}
