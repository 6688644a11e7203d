package client

import (
	"errors"
	"io/fs"
	"os"

	"github.com/amparo-project/amparo/internal/durable"
)

// WriteFile puts data into a file of mode 0600 so that a power cut leaves either
// the old content or the new, never a part. An existing file is replaced. The path is
// one that somebody gave: that it cannot be written is a mistake in the call.
func WriteFile(path string, data []byte) error { return unwritable(writeFile(path, data)) }

// writeFile is WriteFile for the files of a profile.
func writeFile(path string, data []byte) error { return durable.ReplaceWith(path, data) }

// unwritable says of a file or its folder that it cannot be written, without its name:
// whoever gave it knows it, and it may be that of a person.
func unwritable(err error) error {
	cause := systemError(err)
	if cause == nil {
		return err
	}
	return &Failure{
		Exit: exitInvalid, Reason: "FILE_UNWRITABLE", Text: "the file cannot be written there: " + cause.Error(),
		Next: "see that its folder exists, that you may write into it, and that it has room", cause: err,
	}
}

// systemError is what the system says of a file, without any name; nil where the error
// is about something else.
func systemError(err error) error {
	if at, ok := errors.AsType[*fs.PathError](err); ok {
		return at.Err
	}
	if at, ok := errors.AsType[*os.LinkError](err); ok {
		return at.Err
	}
	return nil
}
