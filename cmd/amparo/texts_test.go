package main

import (
	"bytes"
	"crypto/sha256"
	"testing"
	"time"

	amparov1 "github.com/amparo-project/amparo/api/amparo/v1"
	"github.com/amparo-project/amparo/internal/client"
)

// TestATextIsTheOneThatItsHashIsOf: what is read aloud is what the record of the
// consent will name, or not a word of it is shown, in either output.
func TestATextIsTheOneThatItsHashIsOf(t *testing.T) {
	const body = "هل لدينا موافقتك؟\n\nنسجل جوابك.\n"
	right := sha256.Sum256([]byte(body))
	for _, output := range []string{"text", "json"} {
		for _, hash := range [][]byte{right[:], right[:31], nil, make([]byte, 32)} {
			var out, errs bytes.Buffer
			a := &app{terminal: &terminal{out: &out, err: &errs}, output: output, now: time.Now, zone: time.UTC}
			err := a.showText(&amparov1.GetTextResponse{Text: &amparov1.TextVersion{Id: "consent-urgent", Version: 1, Language: "ar", Hash: hash}, Body: body})
			if failure := client.Explain(err); !bytes.Equal(hash, right[:]) {
				if failure == nil || failure.Exit != exitVerification || out.Len()+errs.Len() > 0 {
					t.Errorf("%s, hash %x: %v after %q", output, hash, err, out.String())
				}
				continue
			}
			if err != nil || output == "text" && (out.String() != body || errs.Len() == 0) || output == "json" && errs.Len() > 0 {
				t.Errorf("%s: %v after %q and %q", output, err, out.String(), errs.String())
			}
		}
	}
}
