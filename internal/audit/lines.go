package audit

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"strings"
)

// maxExportLine is the longest line there can be: a leaf in base64.
const maxExportLine = (maxLeafBytes + 2) / 3 * 4

// lineReader reads a file of lines that end in "\n" and nothing else.
type lineReader struct {
	r      *bufio.Reader
	number int
}

func newLineReader(r io.Reader) *lineReader {
	return &lineReader{r: bufio.NewReaderSize(r, maxExportLine+1)}
}

// slice returns the next line without its end, until the next call.
func (l *lineReader) slice() ([]byte, error) {
	l.number++
	line, err := l.r.ReadSlice('\n')
	switch {
	case err == nil:
		return line[:len(line)-1], nil
	case errors.Is(err, bufio.ErrBufferFull):
		return nil, fmt.Errorf("%w: line %d of the export is too long", ErrInvalid, l.number)
	case errors.Is(err, io.EOF):
		return nil, fmt.Errorf("%w: export ends in line %d", ErrInvalid, l.number)
	}
	return nil, fmt.Errorf("read export: %w", err)
}

func (l *lineReader) next() (string, error) {
	line, err := l.slice()
	return string(line), err
}

func (l *lineReader) expect(want string) error {
	line, err := l.slice()
	if err == nil && string(line) != want {
		err = fmt.Errorf("%w: line %d of the export is not %q", ErrInvalid, l.number, want)
	}
	return err
}

// end makes sure that nothing follows.
func (l *lineReader) end() error {
	if err := l.expect(exportLast); err != nil {
		return err
	}
	switch _, err := l.r.ReadByte(); {
	case err == nil:
		return fmt.Errorf("%w: export goes on after its end", ErrInvalid)
	case !errors.Is(err, io.EOF):
		return fmt.Errorf("read export: %w", err)
	}
	return nil
}

// header is what stands before the leaves.
type header struct {
	version int
	public  string
	signed  string
}

func (l *lineReader) header() (header, error) {
	h := header{version: 2}
	first, err := l.next()
	if err != nil {
		return header{}, err
	}
	switch first {
	case exportFirst:
	case exportFirstV1:
		h.version = 1
	default:
		return header{}, fmt.Errorf("%w: line 1 of the export is not %q", ErrInvalid, exportFirst)
	}
	if h.public, err = l.next(); err != nil {
		return header{}, err
	}
	var text strings.Builder
	for range 5 {
		line, err := l.next()
		if err != nil {
			return header{}, err
		}
		text.WriteString(line + "\n")
	}
	h.signed = text.String()
	return h, nil
}
