package main

import (
	"bytes"
	"errors"
	"io"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/spf13/cobra"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/reflect/protodesc"
	"google.golang.org/protobuf/reflect/protoreflect"
	"google.golang.org/protobuf/reflect/protoregistry"
	"google.golang.org/protobuf/types/descriptorpb"

	"github.com/amparo-project/amparo/internal/client"
)

func commands() []*cobra.Command {
	a := &app{terminal: &terminal{in: eof{}, out: io.Discard, err: io.Discard}, now: time.Now, zone: time.UTC}
	var all []*cobra.Command
	var gather func(*cobra.Command)
	gather = func(c *cobra.Command) {
		all = append(all, c)
		for _, child := range c.Commands() {
			gather(child)
		}
	}
	gather(a.root())
	return all
}

func TestEveryCommandExplainsItself(t *testing.T) {
	for _, c := range commands() {
		if c.Short == "" || !strings.Contains(c.Example, "amparo ") {
			t.Errorf("%s has no text or no example", c.CommandPath())
		}
		if strings.HasSuffix(c.Short, ".") {
			t.Errorf("%s: its short text ends with a period", c.CommandPath())
		}
	}
}

// The shape of a request in the help of its command is one that can be sent.
func TestTheRequestsInTheHelpCanBeRead(t *testing.T) {
	shape := regexp.MustCompile(`(?s)[Tt]akes an? (\w+Request)[^:]*:\n\n((?:(?:  [^\n]*)?\n)+)`)
	read := 0
	for _, c := range commands() {
		found := shape.FindStringSubmatch(c.Long + "\n")
		if found == nil {
			continue
		}
		kind, err := protoregistry.GlobalTypes.FindMessageByName(protoreflect.FullName("amparo.v1." + found[1]))
		if err != nil {
			t.Errorf("%s: there is no %s", c.CommandPath(), found[1])
			continue
		}
		read++
		if err := client.Decode([]byte(found[2]), kind.New().Interface()); err != nil {
			t.Errorf("%s: %s\n%s", c.CommandPath(), client.Explain(err), found[2])
		}
	}
	if read < 20 {
		t.Errorf("only %d requests were read", read)
	}
}

// What may be about a person never stands on the command line: an example that put
// it there would teach it.
func TestNoExamplePutsPersonalDataInArgv(t *testing.T) {
	given := regexp.MustCompile(`--(text|name|code|recipient)[ =]+[^-\s]|case reopen \S+ --reason[ =]+[^-\s]|amparo search +[^-\s]|enrol +[^-\s]`)
	readme, err := os.ReadFile("../../README.md")
	if err != nil && !errors.Is(err, os.ErrNotExist) {
		t.Fatal(err)
	}
	for _, line := range strings.Split(string(readme), "\n") {
		if strings.Contains(line, "amparo ") && given.MatchString(line) {
			t.Errorf("README: %s", line)
		}
	}
	for _, c := range commands() {
		if found := given.FindString(c.Example + c.Long); found != "" {
			t.Errorf("%s: %q", c.CommandPath(), found)
		}
	}
}

// Each flag for such a text takes its absence, or "-", for stdin.
func TestTextsComeFromStdin(t *testing.T) {
	for given, want := range map[string]string{"": "typed\ntwice", "-": "typed\ntwice", "here": "here"} {
		term := &terminal{in: strings.NewReader("typed\ntwice\n"), err: io.Discard}
		if got, err := term.text(t.Context(), given, "note", true); err != nil || got != want {
			t.Errorf("%q gives %q, %v", given, got, err)
		}
	}
	for _, nothing := range []string{"", "\n", "  \n"} {
		term := &terminal{in: strings.NewReader(nothing), err: io.Discard}
		_, err := term.text(t.Context(), "-", "note", true)
		if failure := client.Explain(err); failure == nil || failure.Exit != 2 {
			t.Errorf("%q: %v", nothing, err)
		}
	}
	asked := &terminal{in: strings.NewReader("one\ntwo\n\nthree\n"), err: io.Discard, inIsPerson: true}
	if got, err := asked.text(t.Context(), "", "note", true); err != nil || got != "one\ntwo" {
		t.Errorf("asked: %q, %v", got, err)
	}
	hidden := &terminal{in: eof{}, err: io.Discard, inIsPerson: true, secret: func() ([]byte, error) { return []byte("amparo1-x"), nil }}
	if got, err := hidden.secretText(t.Context(), "", "invitation"); err != nil || got != "amparo1-x" {
		t.Errorf("hidden: %q, %v", got, err)
	}
}

func TestDaysInstantsAndSpans(t *testing.T) {
	a := &app{now: func() time.Time { return testNow }, zone: time.FixedZone("here", 3600)}
	last, err := a.lastDay("valid-until", "2027-06-30")
	if err != nil || last.AsTime().Format(time.RFC3339) != "2027-06-30T23:00:00Z" {
		t.Errorf("the last day ends at %v, %v", last.AsTime(), err)
	}
	for text, want := range map[string]string{
		"72h": "2026-03-12T21:40:00Z", "2026-03-10": "2026-03-09T23:00:00Z", "2026-03-10T10:00:00+02:00": "2026-03-10T08:00:00Z",
	} {
		got, err := a.instant("due-before", text, +1)
		if err != nil || got.AsTime().Format(time.RFC3339) != want {
			t.Errorf("%s is %v, %v", text, got.AsTime(), err)
		}
	}
	if back, err := a.instant("since", "24h", -1); err != nil || back.AsTime().Format(time.RFC3339) != "2026-03-08T21:40:00Z" {
		t.Errorf("since = %v, %v", back.AsTime(), err)
	}
	for _, text := range []string{"tomorrow", "-3h", "2026-02-30", "10:00"} {
		if _, err := a.instant("since", text, -1); client.Explain(err) == nil {
			t.Errorf("%s was taken", text)
		}
	}
}

func TestCompletionKnowsTheWords(t *testing.T) {
	for line, want := range map[string]string{
		"staff invite --role ho": "hotline-operator", "queue --at-least ext": "extreme", "case hold x --reason lost": "lost_contact",
		"case advance x --to mon": "monitoring", "queue --state rec": "received", "queue --output j": "json",
		"texts list --kind ack": "acknowledgement", "texts show consent-u": "consent-urgent", "texts show --language a": "ar",
		"consent check x --purpose leg": "legal_assistance", "consent check x --data loc": "location", "consent answer x 1 --outcome conf": "confirmed_deleted",
	} {
		var out bytes.Buffer
		a := &app{terminal: &terminal{in: eof{}, out: &out, err: io.Discard}, now: time.Now, zone: time.UTC}
		if code := a.execute(t.Context(), append([]string{"__complete"}, strings.Fields(line)...)); code != 0 || !strings.Contains(out.String(), want) {
			t.Errorf("%s: code %d, %q", line, code, out.String())
		}
	}
}

// What other clients read must hold everything that it refers to, in its order.
func TestTheProtosetIsWhole(t *testing.T) {
	path := filepath.Join(t.TempDir(), "amparo.protoset")
	a := &app{terminal: &terminal{in: eof{}, out: io.Discard, err: io.Discard}, now: time.Now, zone: time.UTC}
	if code := a.execute(t.Context(), []string{"protoset", "--to", path}); code != 0 {
		t.Fatalf("code %d", code)
	}
	raw, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	set := &descriptorpb.FileDescriptorSet{}
	if err := proto.Unmarshal(raw, set); err != nil {
		t.Fatal(err)
	}
	files, err := protodesc.NewFiles(set)
	if err != nil {
		t.Fatal(err)
	}
	services := 0
	protoregistry.GlobalFiles.RangeFilesByPackage("amparo.v1", func(file protoreflect.FileDescriptor) bool {
		for i := range file.Services().Len() {
			services++
			if name := file.Services().Get(i).FullName(); !known(files, name) {
				t.Errorf("%s is missing", name)
			}
		}
		return true
	})
	if services < 10 {
		t.Errorf("only %d services were looked for", services)
	}
	for _, name := range []protoreflect.FullName{
		"amparo.v1.CaseService.CreateIntake", "amparo.v1.QueueService.WatchQueue", "amparo.v1.RiskService.AssessRisk",
		"amparo.v1.StaffService.InviteStaff", "amparo.v1.AuditService.ExportLog", "amparo.v1.EnrolmentService.Enrol",
	} {
		if !known(files, name) {
			t.Errorf("%s is missing", name)
		}
	}
}

func known(files *protoregistry.Files, name protoreflect.FullName) bool {
	_, err := files.FindDescriptorByName(name)
	return err == nil
}
