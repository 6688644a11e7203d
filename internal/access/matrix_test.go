package access_test

import (
	"flag"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/reflect/protodesc"
	"google.golang.org/protobuf/reflect/protoregistry"
	"google.golang.org/protobuf/types/descriptorpb"

	amparov1 "github.com/amparo-project/amparo/api/amparo/v1"
	"github.com/amparo-project/amparo/internal/access"
)

// go test ./internal/access -update writes the matrix anew; whoever knows the work
// reads the difference before it is committed.
var update = flag.Bool("update", false, "write testdata/matrix.txt anew")

const golden = "testdata/matrix.txt"

func TestTheMatrixIsTheOneThatWasRead(t *testing.T) {
	rules, err := access.LoadV1()
	if err != nil {
		t.Fatal(err)
	}
	if *update {
		if err := os.WriteFile(golden, []byte(rules.Matrix()), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(golden)
	if err != nil {
		t.Fatal(err)
	}
	if got := rules.Matrix(); got != string(want) {
		t.Errorf("who may do what has changed; read it, then run with -update. It is now:\n%s", got)
	}
}

// TestEveryMethodIsRead compares the rules with the services of the vocabulary: a
// file that LoadV1 forgets would leave its methods without a rule.
func TestEveryMethodIsRead(t *testing.T) {
	rules, err := access.LoadV1()
	if err != nil {
		t.Fatal(err)
	}
	for path, comment := range commentsOfMethods(t) {
		if rules[path] == nil {
			t.Errorf("%s has no rule", path)
		}
		if !strings.Contains(comment, "The caller must ") {
			t.Errorf("the comment of %s does not say who may call it (\"The caller must ...\")", path)
		}
		if !strings.Contains(comment, "Errors: ") {
			t.Errorf("the comment of %s does not say its errors (\"Errors: ...\")", path)
		}
	}
	if got, want := len(rules), len(commentsOfMethods(t)); got != want {
		t.Errorf("%d rules for %d methods", got, want)
	}
}

var (
	service = regexp.MustCompile(`^service (\w+) `)
	method  = regexp.MustCompile(`^  rpc (\w+)\(`)
)

// commentsOfMethods reads the sources, since descriptors carry no comments.
func commentsOfMethods(t *testing.T) map[string]string {
	t.Helper()
	files, err := filepath.Glob("../../proto/amparo/v1/*.proto")
	if err != nil || len(files) == 0 {
		t.Fatalf("the sources of the vocabulary are not there: %v", err)
	}
	found := map[string]string{}
	for _, file := range files {
		source, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		in, comment := "", ""
		for line := range strings.Lines(string(source)) {
			text, isComment := strings.CutPrefix(strings.TrimSpace(line), "//")
			switch {
			case isComment:
				comment += text
				continue
			case service.MatchString(line):
				in = service.FindStringSubmatch(line)[1]
			case method.MatchString(line):
				found["/amparo.v1."+in+"/"+method.FindStringSubmatch(line)[1]] = comment
			}
			comment = ""
		}
	}
	return found
}

func TestAHalfDeclaredMethodStopsTheService(t *testing.T) {
	whole := func() *amparov1.AccessRule {
		return &amparov1.AccessRule{
			Caller: amparov1.Caller_CALLER_ENROLLED, Action: amparov1.LeafAction_LEAF_ACTION_NOTE,
			Allow: []*amparov1.Allowance{{
				Roles: []amparov1.Role{amparov1.Role_ROLE_REVIEWER}, Relation: amparov1.Relation_RELATION_OFFICE,
			}},
		}
	}
	for _, row := range []struct {
		name  string
		spoil func(*amparov1.AccessRule) *amparov1.AccessRule
		fits  bool
	}{
		{"whole", func(r *amparov1.AccessRule) *amparov1.AccessRule { return r }, true},
		{"no option", func(*amparov1.AccessRule) *amparov1.AccessRule { return nil }, false},
		{"no caller", func(r *amparov1.AccessRule) *amparov1.AccessRule { r.Caller = 0; return r }, false},
		{"no action", func(r *amparov1.AccessRule) *amparov1.AccessRule { r.Action = 0; return r }, false},
		{"no relation", func(r *amparov1.AccessRule) *amparov1.AccessRule { r.Allow[0].Relation = 0; return r }, false},
		{"no roles", func(r *amparov1.AccessRule) *amparov1.AccessRule { r.Allow[0].Roles = nil; return r }, false},
		{"granted twice", func(r *amparov1.AccessRule) *amparov1.AccessRule {
			r.Allow = append(r.Allow, r.Allow[0])
			return r
		}, false},
		{"role zero", func(r *amparov1.AccessRule) *amparov1.AccessRule { r.Allow[0].Roles[0] = 0; return r }, false},
	} {
		options := &descriptorpb.MethodOptions{}
		if rule := row.spoil(whole()); rule != nil {
			proto.SetExtension(options, amparov1.E_Access, rule)
		}
		file := protodesc.ToFileDescriptorProto(amparov1.File_amparo_v1_risk_proto)
		file.Service[0].Method[1].Options = options
		descriptor, err := protodesc.NewFile(file, protoregistry.GlobalFiles)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := access.Load(descriptor); (err == nil) != row.fits {
			t.Errorf("%s: error %v, want fits = %v", row.name, err, row.fits)
		}
	}
}
