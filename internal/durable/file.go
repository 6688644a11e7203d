// Package durable writes files that a power cut leaves either as they were or as
// they were to be. Replace writes one, SyncFolder makes the other changes in a
// folder last.
//
// It locks nothing: of two who write at once, one is the last.
package durable

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
)

// Replace puts what fill writes into a file of mode 0600, in the place of one that
// may be there. When it returns without an error the new content is durable; after an
// error the file has either content, and the old one unless its folder could not be
// synced. A file that cannot be created is a *fs.PathError that names path; what
// fill returns is passed on.
func Replace(path string, fill func(w io.Writer) error) error {
	dir := filepath.Dir(path)
	file, err := os.CreateTemp(dir, ".new-*") // 0600 by contract of CreateTemp
	if err != nil {
		return &fs.PathError{Op: "create", Path: path, Err: bare(err)}
	}
	err = fill(file)
	err = errors.Join(err, file.Sync(), file.Close())
	if err == nil {
		err = os.Rename(file.Name(), path)
	}
	if err != nil {
		_ = os.Remove(file.Name())
		return fmt.Errorf("write file: %w", err)
	}
	return SyncFolder(dir)
}

// bare is an error without the name of the temporary file, which tells nobody anything.
func bare(err error) error {
	if known, ok := errors.AsType[*fs.PathError](err); ok {
		return known.Err
	}
	return err
}

// ReplaceWith is Replace for content that is at hand.
func ReplaceWith(path string, data []byte) error {
	return Replace(path, func(w io.Writer) error {
		_, err := w.Write(data)
		return err
	})
}
