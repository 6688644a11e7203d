package main

import (
	"bufio"
	"errors"
	"fmt"
	"io/fs"
	"regexp"
	"strings"

	"github.com/amparo-project/amparo/internal/audit"
	"github.com/amparo-project/amparo/internal/client"
)

// unverified puts plain words to a log that does not verify, each kind with what helps
// against it; it leaves an error alone that is about something else.
func unverified(err error) error {
	f := &client.Failure{Exit: exitVerification, Reason: "EXPORT_UNVERIFIED"}
	text := plain(err)
	switch {
	case errors.Is(err, audit.ErrShrunk):
		f.Text = "the export does not hold all that the checkpoint covers: " + shrunk(text)
		f.Next = "take a newer export; if that one is as short, keep both files and show them to whoever runs the service: the log was cut"
	case errors.Is(err, audit.ErrFork):
		f.Text = "the export and the checkpoint are of two histories of one log: " + text
		f.Next = "keep both files as they are: together they prove it; docs/witness.md says what to do"
	case !errors.Is(err, audit.ErrInvalid):
		return err
	case strings.HasPrefix(err.Error(), "older checkpoint: "):
		f.Text = "the checkpoint does not belong to the log of the export: " + strings.TrimPrefix(text, "older checkpoint: ")
		f.Next = "see whose it is; with --log-key the export tells which of the two is not of your service"
	case strings.Contains(text, "another key"):
		f.Text = "the export is of a log with another key than --log-key says"
		f.Next = "compare the key over another way; if it is the right one, keep the file: somebody else signed it"
	default:
		f.Text = "the export does not verify: " + text
		f.Next = "keep the file, and take another export over another way"
	}
	return f
}

// plain is an error without what only its package's callers compare it by.
func plain(err error) string {
	text := err.Error()
	for _, kind := range []error{audit.ErrInvalid, audit.ErrFork, audit.ErrShrunk} {
		text = strings.ReplaceAll(text, kind.Error()+": ", "")
	}
	return text
}

// shrunk says by how much a log is too short.
func shrunk(text string) string {
	var older, newer uint64
	if _, err := fmt.Sscanf(text, "from %d to %d leaves", &older, &newer); err != nil {
		return text
	}
	return fmt.Sprintf("that is %s, and the file has %d", count(older, "leaf", "leaves"), newer)
}

// laterFormat is how the first line of every export begins, of whichever version.
var laterFormat = regexp.MustCompile(`\Aamparo audit log v([3-9]|[1-9][0-9]+)\n`)

// later tells an export of a version that is not known yet.
func later(file *bufio.Reader) error {
	first, _ := file.Peek(32) // what is shorter, or cannot be read, is told of by whoever reads on
	if !laterFormat.Match(first) {
		return nil
	}
	return &client.Failure{
		Exit: exitVerification, Reason: "EXPORT_UNVERIFIED", Text: "the export is of a later version than this program knows",
		Next: "use a newer amparo",
	}
}

// unreadable is a file that cannot be read, or the error where it is about something
// else.
func unreadable(err error) error {
	if _, ok := errors.AsType[*fs.PathError](err); !ok {
		return err
	}
	return &client.Failure{
		Exit: exitUsage, Reason: "FILE_UNREADABLE", Text: "the file cannot be read",
		Next: "check its name and its mode, and that it is no folder",
	}
}

// checkKnown refuses what cannot be a key or a checkpoint of any log: verified against it,
// every export would look like a bad one.
func checkKnown(options audit.VerifyOptions) error {
	if key := strings.TrimSpace(options.LogKey); key != "" {
		// Nothing is a checkpoint of no bytes; the question is whether the key is blamed.
		if _, err := audit.CheckpointSize(key, ""); plain(err) == "log key" {
			return usage("--log-key is no key of a log")
		}
	}
	// What the signatures of a note begin with; whose they are is asked later.
	if note := options.OlderCheckpoint; note != "" && !strings.Contains(note, "\n\n\u2014 ") {
		return usage("the file of --checkpoint holds no checkpoint of a log")
	}
	return nil
}
