package main

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"strings"

	"golang.org/x/term"

	"github.com/amparo-project/amparo/internal/client"
)

// terminal is what a command reads and writes, and which of its ends is a person.
type terminal struct {
	in          io.Reader
	out, err    io.Writer
	inIsPerson  bool
	outIsPerson bool
	colour      bool
	width       int                    // of the screen, in characters; 0 when not known
	secret      func() ([]byte, error) // reads a line that does not show

	lines     chan line     // what pump has read
	requested chan struct{} // asks pump for one line more
}

type line struct {
	text string
	err  error
}

func processTerminal() *terminal {
	in, out := int(os.Stdin.Fd()), int(os.Stdout.Fd())
	t := &terminal{in: os.Stdin, out: os.Stdout, err: os.Stderr, inIsPerson: term.IsTerminal(in), outIsPerson: term.IsTerminal(out)}
	t.secret = func() ([]byte, error) { return term.ReadPassword(in) }
	t.colour = t.outIsPerson && os.Getenv("NO_COLOR") == "" && os.Getenv("TERM") != "dumb"
	if width, _, err := term.GetSize(out); err == nil {
		t.width = width
	}
	return t
}

// readLine waits for one line from the person, or for the end of ctx. The end of
// the input is io.EOF.
func (t *terminal) readLine(ctx context.Context) (string, error) {
	if t.lines == nil {
		t.lines, t.requested = make(chan line), make(chan struct{}, 1)
		// The goroutine ends with the process: a read from a terminal cannot be
		// called back. It reads one line at a time, when asked.
		go t.pump(bufio.NewReader(t.in))
	}
	t.requested <- struct{}{}
	select {
	case <-ctx.Done():
		return "", ctx.Err()
	case got := <-t.lines:
		return got.text, got.err
	}
}

func (t *terminal) pump(reader *bufio.Reader) {
	for range t.requested {
		text, err := reader.ReadString('\n')
		if errors.Is(err, io.EOF) && text != "" {
			err = nil
		}
		t.lines <- line{strings.TrimRight(text, "\r\n"), err}
	}
}

// tell writes to stderr. An error there has nobody left to be told to.
func (t *terminal) tell(format string, values ...any) {
	_, _ = fmt.Fprintf(t.err, format, values...)
}

// maxText is the longest text that is read for a flag; the service takes less.
const maxText = client.MaxMessage

// text gives the value of a flag that may hold something about a person: the
// flag's own value, or, where that is absent or "-", what is typed at the question
// or stands on stdin. One trailing line break is taken off.
func (t *terminal) text(ctx context.Context, value, question string, multiline bool) (string, error) {
	if value != "" && value != "-" {
		return value, nil
	}
	var text string
	var err error
	switch {
	case !t.inIsPerson:
		text, err = t.readAll()
	case multiline:
		text, err = t.askLines(ctx, question)
	default:
		t.tell("%s: ", question)
		text, err = t.readLine(ctx)
	}
	if err != nil && !errors.Is(err, io.EOF) {
		return "", err
	}
	text = strings.TrimSuffix(strings.TrimSuffix(text, "\n"), "\r")
	if strings.TrimSpace(text) == "" {
		return "", usage("%s is needed: type it when asked, or give it on stdin", question)
	}
	return text, nil
}

func (t *terminal) askLines(ctx context.Context, question string) (string, error) {
	t.tell("%s (end with an empty line):\n", question)
	var lines []string
	for {
		text, err := t.readLine(ctx)
		if err != nil || text == "" {
			return strings.Join(lines, "\n"), err
		}
		lines = append(lines, text)
	}
}

// secretText is text for what must not show on the screen.
func (t *terminal) secretText(ctx context.Context, value, question string) (string, error) {
	if value != "" && value != "-" || !t.inIsPerson || t.secret == nil {
		return t.text(ctx, value, question, false)
	}
	t.tell("%s (it does not show): ", question)
	raw, err := t.secret()
	t.tell("\n")
	if err != nil {
		return "", fmt.Errorf("read %s: %w", question, err)
	}
	if len(raw) == 0 {
		return "", usage("%s is needed: type it when asked, or give it on stdin", question)
	}
	return string(raw), nil
}

func (t *terminal) readAll() (string, error) {
	raw, err := io.ReadAll(io.LimitReader(t.in, maxText+1))
	if err != nil {
		return "", fmt.Errorf("read stdin: %w", err)
	}
	if len(raw) > maxText {
		return "", &client.Failure{Exit: exitUsage, Reason: "TOO_LARGE", Text: "the text on stdin is larger than 1 MiB", Next: "shorten it"}
	}
	return string(raw), nil
}
