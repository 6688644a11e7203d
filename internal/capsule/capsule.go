// Package capsule is what the two ends of a capsule agree on: how the content is
// written, what a service is called in it, and which id a content has that names
// none. A client seals with Write, a service opens and calls Read; a person with
// stock age writes the same by hand.
//
// Sealing and opening are not here but where the keys are, in client and seal.
// Whether a content makes a case is for the rules of an intake to say.
package capsule

import (
	"bytes"
	"crypto/sha256"
	"encoding/base32"
	"errors"
	"fmt"
	"strings"

	"google.golang.org/protobuf/encoding/protojson"
	"google.golang.org/protobuf/proto"

	amparov1 "github.com/amparo-project/amparo/api/amparo/v1"
	"github.com/amparo-project/amparo/internal/written"
)

// MaxSize is the largest sealed capsule that a service takes, in bytes.
const MaxSize = 256 << 10

// ServiceID is what a service is called in a capsule: the first 26 characters of
// the SHA-256 of its age recipient, in a-z and 2-7.
func ServiceID(recipient string) string { return hashed([]byte(recipient)) }

func hashed(content []byte) string {
	sum := sha256.Sum256(content)
	return strings.ToLower(base32.StdEncoding.EncodeToString(sum[:]))[:26]
}

// Write is the content of a capsule as it is sealed: JSON, by the names that stand
// in the proto. It fails where Read would not read the same: what is sealed cannot
// be looked at again.
func Write(c *amparov1.Capsule) ([]byte, error) {
	content, err := protojson.MarshalOptions{UseProtoNames: true}.Marshal(c)
	if err != nil {
		return nil, fmt.Errorf("write capsule: %w", err)
	}
	content = escaped(content)
	back, err := Read(content)
	if err != nil {
		return nil, fmt.Errorf("write capsule: %w", err)
	}
	if c.GetRequestId() == "" {
		back.RequestId = ""
	}
	if !proto.Equal(back, c) {
		return nil, errors.New("write capsule: its text would be read as another one")
	}
	return content, nil
}

// escaped spells out the characters that JSON takes as they are and YAML does not.
func escaped(content []byte) []byte {
	if !bytes.ContainsFunc(content, notYAML) {
		return content
	}
	var out bytes.Buffer
	for _, r := range string(content) {
		if notYAML(r) {
			fmt.Fprintf(&out, `\u%04x`, r)
		} else {
			out.WriteRune(r)
		}
	}
	return out.Bytes()
}

func notYAML(r rune) bool {
	return r >= 0x7f && r <= 0x9f || r == 0x2028 || r == 0x2029 || r == 0xfeff || r == 0xfffe || r == 0xffff
}

// Read reads the content of a capsule, YAML or JSON. What it does not know it
// refuses: a field that was left out in silence might be the one that keeps
// somebody safe. A content without a request id gets one from itself, so that the
// same text, sealed anew, is the same request. The error is of type written.Faults.
func Read(content []byte) (*amparov1.Capsule, error) {
	c := &amparov1.Capsule{}
	if err := written.Decode(content, c); err != nil {
		return nil, err
	}
	if c.GetIntake() == nil {
		return nil, written.Faults{{Path: "intake", Rule: "is required"}}
	}
	if c.GetRequestId() == "" {
		raw, err := proto.MarshalOptions{Deterministic: true}.Marshal(c)
		if err != nil {
			return nil, errors.Join(written.Faults{{Rule: "cannot be carried over"}}, err)
		}
		c.RequestId = hashed(raw)
	}
	return c, nil
}
