package internal_test

import (
	"go/ast"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

// layer says which general bans a package is under.
type layer int

const (
	contract layer = iota // messages, or an interface: nothing to do
	rule                  // pure
	storage               // bytes and their safety
	joint                 // rules and storage meet
	edge                  // the network, the terminal
)

// room is one package with all that it may import from this module. Its reason is
// the answer to whoever wants one edge more.
type room struct {
	name   string
	layer  layer
	may    []string
	reason string
}

var house = []room{
	{"internal", contract, nil, "the map is prose"},
	{"api/amparo/v1", contract, nil, "generated from proto/ and nothing else, so that any client can use it"},

	{"fault", rule, []string{"api/amparo/v1"}, "every rule speaks of faults, so a fault knows none of them"},
	{"calendar", rule, nil, "a day is counted without knowing what for"},
	{"deadline", rule, []string{"api/amparo/v1", "fault", "calendar"}, "a term is counted without knowing whose it is"},
	{"spelling", rule, nil, "folds text; what the text names is the business of its caller"},
	{"vocabulary", rule, nil, "codes and their labels, for whoever shows or checks one"},
	{"risk", rule, []string{"api/amparo/v1", "fault", "deadline"}, "a level follows from an assessment alone, not from a case's state or from who asks"},
	{"intake", rule, []string{"api/amparo/v1", "fault", "spelling", "vocabulary"}, "a request is read before there is a case"},
	{"interpreters", rule, []string{"api/amparo/v1", "fault", "intake"}, "somebody is vetted without a case in mind"},
	{"safety", rule, []string{"api/amparo/v1", "fault", "intake", "spelling"}, "whom it is safe to call follows from what befell them, not from where their case stands"},
	{"casefile", rule, []string{"api/amparo/v1", "fault", "calendar", "deadline", "risk", "intake"}, "who may make a transition is decided by access before a rule runs"},
	{"linkage", rule, []string{"api/amparo/v1", "fault", "casefile", "risk"}, "what a merge does to two heads follows from the heads; both are opened, and permitted, before"},
	{"handover", rule, []string{"api/amparo/v1", "fault", "deadline"}, "what is offered and signed follows from the list; whether somebody may be on a team is handed in"},
	{"access", rule, []string{"api/amparo/v1", "fault"}, "a permit depends on people and relations, never on what a case says"},
	{"duty", rule, []string{"api/amparo/v1", "fault", "access"}, "who is called follows from rota and roles; what for, and by which way, is not its business"},
	{"policy", rule, []string{"api/amparo/v1", "fault", "calendar", "deadline"}, "says how long and how many, and neither for whom nor by whom"},
	{"staffing", rule, []string{"api/amparo/v1", "access", "policy"}, "counts people at gates, whatever happens there"},

	{"seal", storage, []string{"store/storepb"}, "seals any bytes: it must not be able to tell a case from a complaint"},
	{"audit", storage, []string{"api/amparo/v1", "seal", "store", "store/storepb"}, "a leaf is recorded as it is given; an auditor verifies it without any rule"},
	{"audit/audittest", storage, []string{"audit"}, "makes what must be noticed, by other means than those who notice; only the words for it are theirs"},
	{"store", contract, nil, "an engine is untrusted: its contract has keys and sealed bytes and no message"},
	{"durable", storage, nil, "a file is written whole, whatever it is"},
	{"anchor", storage, []string{"audit", "durable"}, "a checkpoint lies elsewhere; what it means that it does not fit is for whoever serves"},
	{"store/recent", storage, []string{"store"}, "remembers what an engine committed, and nothing about it"},
	{"store/bolt", storage, []string{"store", "store/recent"}, "an engine sees sealed bytes only"},
	{"store/memory", storage, []string{"store", "store/recent"}, "an engine sees sealed bytes only"},
	{"store/storetest", storage, []string{"store"}, "the suite asks for what the contract says, of every engine alike"},
	{"store/storepb", contract, []string{"api/amparo/v1"}, "generated from proto/ and nothing else"},
	{"lookup", storage, nil, "holds the sort keys and tokens that records hands it; it never opens anything"},

	{
		"records", joint,
		[]string{
			"api/amparo/v1", "fault", "calendar", "deadline", "policy", "casefile", "risk", "safety", "access", "duty", "spelling",
			"seal", "audit", "store", "store/storepb", "lookup",
		},
		"the one way in and out works with every engine and for every caller, so it names none",
	},

	{"written", contract, nil, "client and service must read a text alike, so it belongs to neither; it decodes any message and knows none"},
	{"capsule", contract, []string{"api/amparo/v1", "written"}, "client and service must agree on what is in a capsule, so it belongs to neither"},
	{"enrolment", contract, []string{"api/amparo/v1"}, "client and server must agree on what is signed, so it belongs to neither"},
	{
		"server", edge,
		[]string{
			"api/amparo/v1", "fault", "deadline", "policy", "staffing", "intake", "casefile", "risk", "safety", "interpreters", "access", "duty",
			"spelling", "vocabulary", "records", "audit", "enrolment", "written", "capsule", "handover", "linkage",
		},
		"sealed content is reached through records alone, where the permit is checked and the leaf is written",
	},
	{"dispatch", edge, []string{"api/amparo/v1", "duty", "records"}, "it waits and sends; whom to call is a rule, and how a message travels is another package's"},
	{
		"servertest", edge,
		[]string{"api/amparo/v1", "enrolment", "seal", "audit", "store", "store/bolt", "records", "server"},
		"puts the whole service together for tests, as cmd/amparod does for operators; nothing that ships links it",
	},
	{"notify", edge, nil, "a notice has a fixed text: what could name a person or a case has no way in"},
	{"watch", edge, []string{"notify"}, "when an outage becomes an alarm is decided without a network, so that a clock alone can test it"},
	{"witness", edge, []string{"audit", "durable"}, "vouches for a log without knowing whose it is; what it means when it does not is for whoever serves"},
	{"notifytest", edge, []string{"notify"}, "stands at the other end of a notice in tests; nothing that ships links it"},
	{"client", edge, []string{"api/amparo/v1", "fault", "intake", "vocabulary", "audit", "durable", "enrolment", "written", "capsule", "handover"}, "an operator's laptop must not hold the server's code"},
	{
		"cmd/amparod", edge,
		[]string{"api/amparo/v1", "fault", "access", "seal", "audit", "store", "store/bolt", "anchor", "records", "lookup", "server", "dispatch", "notify", "watch", "witness", "client"},
		"puts the server together; what decides anything belongs in a package that can be tested without it; its watch runs on another machine, where it is a client like any other",
	},
	{"cmd/amparo", edge, []string{"api/amparo/v1", "fault", "vocabulary", "audit", "client", "written", "handover"}, "the command is thin: what a desk will need too belongs in client"},

	{"bench", edge, nil, "sets the service against its ceiling; it has tests only"},
	{"test/readme", edge, nil, "runs what a newcomer would copy; it has tests only"},
	{"test/badline", edge, nil, "puts a bad line between the client and the service; it has tests only"},
	{"test/year", edge, nil, "steps the clock of a service that it kills; it has tests only"},
	{"test/night", edge, nil, "runs the real programs on real input; it has tests only"},
}

// planned packages stand in the table before they stand in the tree.
var planned []string

// outside is who may import what this module did not write. A path stands for
// itself and all below it.
var outside = []struct {
	path   string
	may    []string
	reason string
}{
	{"google.golang.org/grpc", []string{"server", "servertest", "client"}, "a status code is the edge's word; inside, a fault says what happened"},
	{"google.golang.org/genproto", []string{"server", "client"}, "error details are made from faults in one place"},
	{"buf.build/go/protovalidate", []string{"server", "client"}, "a message is validated once, where it comes in"},
	{"go.etcd.io/bbolt", []string{"store/bolt"}, "an engine can be exchanged"},
	{"github.com/rs/zerolog", []string{"server", "servertest", "cmd/amparod"}, "a log line is an operator's; a record of what was done is an audit leaf"},
	{"filippo.io/age", []string{"seal", "client", "servertest", "cmd/amparod", "cmd/amparo"}, "keys are handled where they are kept"},
	{"golang.org/x/crypto", []string{"seal"}, "one package to read for how content is sealed"},
	{"golang.org/x/mod/sumdb", []string{"audit", "audit/audittest", "witness"}, "one package to read for how the log is built and verified; a witness signs notes, and leaves trees to it"},
	{"github.com/tidwall/btree", []string{"lookup", "store/memory"}, "a sorted index in memory is theirs; what must last is in an engine"},
	{"github.com/mozillazg/go-unidecode", []string{"spelling"}, "two places that fold differently never meet"},
	{"golang.org/x/text", []string{"spelling", "intake"}, "two places that fold differently never meet; an intake is composed and its codes are looked up in one place"},
	{"golang.org/x/time/rate", []string{"server"}, "callers are slowed down where they come in"},
	{"github.com/wneessen/go-mail", []string{"notify"}, "mail leaves the house by one door, where its text is fixed"},
	{"net/smtp", nil, "it is frozen, and knows no deadline; mail leaves by notify"},
	{"net/http", []string{"notify", "notifytest", "witness", "cmd/amparo"}, "nothing here is fetched, and nothing posted but notices, which the demo takes, and checkpoints, which the protocol of witnesses has so"},
	{"github.com/transparency-dev/formats", []string{"witness"}, "the log signs for itself; who signs beside it is another's business"},
	{"github.com/cenkalti/backoff", []string{"notify"}, "a writing call is repeated by its request id, in client; only a notice is simply sent again"},
	{"github.com/gofrs/flock", []string{"anchor", "witness", "client"}, "what keeps two processes apart stands beside what they would both write; an engine holds its own file"},
	{"github.com/emersion/go-smtp", []string{"notifytest"}, "this service receives no mail"},
	{"golang.org/x/term", []string{"client", "cmd/amparo", "cmd/amparod"}, "only the edge talks to a person"},
	{"github.com/spf13/cobra", []string{"cmd/amparo", "cmd/amparod"}, "only a command has flags"},
	{"go.yaml.in/yaml/v3", []string{"written", "client", "cmd/amparo", "cmd/amparod"}, "YAML is for people, at the edge"},
	{"google.golang.org/protobuf/encoding/protojson", []string{"client", "capsule", "cmd/amparo"}, "it writes every field, those that endanger somebody too: for the person who may read them"},
	{"google.golang.org/protobuf/encoding/prototext", nil, "it writes every field, and into logs first of all"},
	{"log", []string{"witness"}, "zerolog, through Config.Log, and only at the edge; a witness needs one to keep net/http silent"},
	{"math/rand", nil, "a random number here is an id, a nonce or a key: crypto/rand"},
	{"testing", []string{"store/storetest", "audit/audittest", "servertest", "notifytest"}, "what ships does not test itself"},
	{"pgregory.net/rapid", []string{"store/storetest"}, "what ships does not test itself"},
	{"github.com/google/go-cmp", []string{"store/storetest"}, "it panics where it cannot compare: for tests"},
	{"unsafe", nil, "nothing here is worth it"},
}

// neverInRules holds what would make a rule's answer depend on anything but its
// arguments.
var neverInRules = []struct{ path, reason string }{
	{"context", "a rule does not wait, so nothing can be cancelled"},
	{"os", "a rule reads no file and no environment"},
	{"io", "a rule takes values, not streams"},
	{"net", "a rule knows no network"},
	{"syscall", "a rule knows no machine"},
	{"sync", "a rule shares nothing"},
	{"crypto/rand", "a rule draws no lot: two people must get the same answer"},
	{"database", "a rule is handed what it judges"},
}

// clockNames are the names of package time that read the clock or wait for it.
var clockNames = []string{"Now", "Since", "Until", "Sleep", "After", "AfterFunc", "Tick", "NewTimer", "NewTicker"}

func below(path, prefix string) bool {
	return path == prefix || strings.HasPrefix(path, prefix+"/")
}

func TestEveryPackageHasAPlace(t *testing.T) {
	inTree := map[string]bool{}
	for _, p := range packages(t) {
		inTree[p.name] = true
		if !slices.ContainsFunc(house, func(row room) bool { return row.name == p.name }) {
			t.Errorf("package %q has no row in the table of internal/arch_test.go", p.name)
		}
	}
	for _, row := range house {
		isPlanned := slices.Contains(planned, row.name)
		if !inTree[row.name] && !isPlanned {
			t.Errorf("the table names %q, which does not exist: take its row out", row.name)
		}
		if inTree[row.name] && isPlanned {
			t.Errorf("%q exists: take it out of planned", row.name)
		}
	}
}

func TestTheMapNamesEveryPackage(t *testing.T) {
	doc, err := os.ReadFile(filepath.Join(root, "internal", "doc.go"))
	if err != nil {
		t.Fatal(err)
	}
	for _, row := range house {
		if row.name == "internal" || strings.Contains(row.name, "cmd/") || strings.Contains(row.name, "api/") {
			continue
		}
		if !strings.Contains(string(doc), "//   - "+row.name+": ") {
			t.Errorf("internal/doc.go does not say what %s is for", row.name)
		}
	}
}

func TestImports(t *testing.T) {
	tree := map[string]sourcePackage{}
	for _, p := range packages(t) {
		tree[p.name] = p
	}
	for _, row := range house {
		for _, file := range tree[row.name].code() {
			for _, path := range file.imports() {
				if below(path, modulePath) {
					if !slices.Contains(row.may, packageName(path)) {
						t.Errorf("%s imports %s: %s", file.path, packageName(path), row.reason)
					}
					continue
				}
				for _, ban := range outside {
					if below(path, ban.path) && !slices.Contains(ban.may, row.name) {
						t.Errorf("%s imports %s: %s", file.path, path, ban.reason)
					}
				}
				for _, ban := range neverInRules {
					if row.layer == rule && below(path, ban.path) {
						t.Errorf("%s imports %s: %s", file.path, path, ban.reason)
					}
				}
			}
		}
	}
}

// TestLayers holds the table itself to the one sentence behind it: storage never
// imports rules, rules never import storage, and only the joint has both.
func TestLayers(t *testing.T) {
	of := map[string]layer{}
	for _, row := range house {
		of[row.name] = row.layer
	}
	for _, row := range house {
		for _, name := range row.may {
			to, known := of[name]
			switch {
			case !known:
				t.Errorf("%s may import %q, which has no row", row.name, name)
			case row.layer == rule && to != rule && name != "api/amparo/v1":
				t.Errorf("%s is a rule and may import %s, which is none", row.name, name)
			case row.layer == storage && (to == rule || to == joint):
				t.Errorf("%s is storage and may import %s", row.name, name)
			case row.layer == joint && to == edge:
				t.Errorf("%s may import %s, which is above it", row.name, name)
			}
		}
		onlyCommandsChoose(t, row.name, row.may)
	}
}

func onlyCommandsChoose(t *testing.T, name string, may []string) {
	t.Helper()
	for _, engine := range []string{"store/bolt", "store/memory"} {
		if slices.Contains(may, engine) && !strings.HasPrefix(name, "cmd/") && name != "servertest" {
			t.Errorf("%s may import %s: only a command chooses an engine", name, engine)
		}
	}
}

func TestRulesStandStill(t *testing.T) {
	tree := map[string]sourcePackage{}
	for _, p := range packages(t) {
		tree[p.name] = p
	}
	for _, row := range house {
		if row.layer != rule {
			continue
		}
		for _, file := range tree[row.name].code() {
			clock := file.importedAs("time")
			ast.Inspect(file.syntax, func(node ast.Node) bool {
				switch node := node.(type) {
				case *ast.GoStmt:
					t.Errorf("%s: a goroutine in a rule", at(node))
				case *ast.ChanType:
					t.Errorf("%s: a channel in a rule", at(node))
				case *ast.SelectorExpr:
					pkg, ok := node.X.(*ast.Ident)
					if ok && clock != "" && pkg.Name == clock && slices.Contains(clockNames, node.Sel.Name) {
						t.Errorf("%s: time.%s in a rule: take the time as an argument", at(node), node.Sel.Name)
					}
				}
				return true
			})
		}
	}
}
