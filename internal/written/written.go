// Package written reads messages as people write them: YAML or JSON, by the field
// names of the proto, with every fault named by its path and line. The client reads
// requests with it, and the service what comes to it on a stick, so it belongs to
// neither.
//
// Call Decode; ParseEnum and EnumWords are for whoever asks for one value. The
// package bounds no size and checks no rule of the service: it says only that a
// text is, or is not, that message.
package written

import (
	"bytes"
	"encoding/json"
	"errors"
	"io"
	"regexp"
	"strconv"
	"unicode/utf8"

	"go.yaml.in/yaml/v3"
	"google.golang.org/protobuf/proto"
)

// maxFaults is how many faults of one text are reported at once.
const maxFaults = 8

// Fault is one place in a text or in a message that is wrong.
type Fault struct {
	// Path in the message's own names, as intake.identity.person.birth_date.
	Path string
	// Line of the text, from 1; zero when the fault was not found in a text.
	Line int
	// Rule that is broken.
	Rule string
	// Code of the rule, for programs; empty where it has none.
	Code string
}

// Faults are what is wrong with a text, at most eight of them. They repeat no
// value: the values are about people.
type Faults []Fault

func (f Faults) Error() string { return "read a written message: it is not one" }

// Decode reads a message from YAML or JSON. Field names are those of the
// proto, in snake_case or lowerCamelCase; enum values may leave out their prefix,
// in any case; instants are RFC 3339 with a zone; bytes are base64. Whatever the
// message does not know is refused by path and line, as are keys given twice,
// anchors, and several documents. The error is of type Faults.
func Decode(raw []byte, into proto.Message) error {
	if !utf8.Valid(raw) {
		return Faults{{Line: invalidLine(raw), Rule: "the text is not UTF-8"}}
	}
	if json.Valid(raw) {
		raw = plainJSON(raw)
	}
	decoder := yaml.NewDecoder(bytes.NewReader(raw))
	var document, second yaml.Node
	if err := decoder.Decode(&document); err != nil {
		if errors.Is(err, io.EOF) {
			return Faults{{Rule: "the input is empty"}}
		}
		return Faults{syntaxFault(err)}
	}
	if err := decoder.Decode(&second); err == nil {
		return Faults{{Line: second.Line, Rule: "a second document begins; only one is read"}}
	} else if !errors.Is(err, io.EOF) {
		return Faults{syntaxFault(err)}
	}
	w := &walk{}
	if len(document.Content) == 1 {
		w.message(document.Content[0], into.ProtoReflect(), "")
	}
	if len(w.faults) > 0 {
		return w.faults
	}
	return nil
}

var yamlLine = regexp.MustCompile(`line (\d+)`)

// syntaxFault keeps the line of a YAML error and drops its words, which may quote
// the input.
func syntaxFault(err error) Fault {
	fault := Fault{Rule: "neither YAML nor JSON from here on"}
	if match := yamlLine.FindStringSubmatch(err.Error()); match != nil {
		fault.Line, _ = strconv.Atoi(match[1])
	}
	return fault
}

func invalidLine(raw []byte) int {
	line := 1
	for len(raw) > 0 {
		r, size := utf8.DecodeRune(raw)
		if r == utf8.RuneError && size <= 1 {
			break
		}
		if r == '\n' {
			line++
		}
		raw = raw[size:]
	}
	return line
}

// plainJSON turns JSON into the part of it that is YAML as well, and leaves every
// line where it was. YAML takes no tab for indentation, knows no escaped slash, and
// does not know the pairs of \u escapes by which JSON spells characters beyond the
// first 65,536.
func plainJSON(raw []byte) []byte {
	// Within its strings JSON has no tab, so all of them are indentation.
	raw = bytes.ReplaceAll(raw, []byte("\t"), []byte(" "))
	if !bytes.Contains(raw, []byte(`\`)) {
		return raw
	}
	out := make([]byte, 0, len(raw))
	for i := 0; i < len(raw); i++ {
		if raw[i] != '\\' || i+1 >= len(raw) {
			out = append(out, raw[i])
			continue
		}
		if raw[i+1] == '/' {
			out = append(out, '/')
			i++
			continue
		}
		if high, ok := escaped(raw[i:]); ok && high >= 0xd800 && high < 0xdc00 {
			if low, ok := escaped(raw[i+6:]); ok && low >= 0xdc00 && low < 0xe000 {
				out = utf8.AppendRune(out, (high-0xd800)<<10+(low-0xdc00)+0x10000)
				i += 11
				continue
			}
		}
		out = append(out, raw[i], raw[i+1])
		i++
	}
	return out
}

// escaped reads a \u escape at the begin of raw.
func escaped(raw []byte) (rune, bool) {
	if len(raw) < 6 || raw[0] != '\\' || raw[1] != 'u' {
		return 0, false
	}
	value, err := strconv.ParseUint(string(raw[2:6]), 16, 16)
	return rune(value), err == nil
}
