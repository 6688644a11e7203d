package readme

import (
	"bytes"
	"flag"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"
)

// The blocks marked "peers" fetch other people's programs, so they are run where
// that is wanted: go test ./test/readme -peers
var peers = flag.Bool("peers", false, "also run the README's commands that use grpcurl and ghz")

// address is where the README's service answers.
const address = "127.0.0.1:7443"

// witnessAddress is where its witness does.
const witnessAddress = "127.0.0.1:7380"

// elsewhere are the README's two commands: the first is run by the tests of
// cmd/amparo, the second is what runs this one.
var elsewhere = []string{"go run ./cmd/amparo demo", "go test ./..."}

var fence = regexp.MustCompile("(?ms)^```(sh|sh peers|yaml)\n(.*?)^```$")

// TestEveryCommandOfTheReadmeRuns makes one script of all blocks: a block of YAML
// is the file that its first line names. The script stops at the first command that
// fails, in a pipe too.
func TestEveryCommandOfTheReadmeRuns(t *testing.T) {
	root, err := filepath.Abs(filepath.Join("..", ".."))
	if err != nil {
		t.Fatal(err)
	}
	text, err := os.ReadFile(filepath.Join(root, "README.md"))
	if err != nil {
		t.Fatal(err)
	}
	work := t.TempDir()
	script, files := compile(t, string(text))
	for name, content := range files {
		if err := os.WriteFile(filepath.Join(work, name), []byte(content), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	here := freeAddress(t)
	script = strings.ReplaceAll(script, address, here)
	script = strings.ReplaceAll(script, "go build -o bin/ ./cmd/...", "(cd "+root+" && go build -o "+work+"/bin/ ./cmd/...)")
	script = strings.ReplaceAll(script, "go run filippo.io", "go -C "+root+" run filippo.io")
	script = strings.ReplaceAll(script, "-o recovery.age", "-o "+work+"/recovery.age")
	script = strings.ReplaceAll(script, "--config deploy/amparod.yaml &", "--listen "+here+" --config "+root+"/deploy/amparod.yaml 2> service.log &\n"+waitForService)
	script = strings.ReplaceAll(script, witnessAddress, freeAddress(t))
	script = strings.ReplaceAll(script, "> witness.line &\n", "> witness.line 2> witness.log &\n"+waitForWitness)
	out := run(t, work, script)
	if *peers && !strings.Contains(out, "[OK]   100 responses") {
		t.Errorf("ghz did not get its hundred answers:\n%s", lastLines(out))
	}
}

// waitForService stands where a newcomer waits for the line on standard output.
const waitForService = `SERVICE=$!
trap 'kill $SERVICE; wait $SERVICE || true' EXIT
for i in $(seq 100); do grep -q unsealed service.log && break; sleep 0.1; done
sleep 0.2`

// waitForWitness stands where a partner reads the line that the witness prints.
const waitForWitness = `WITNESS=$!
trap 'kill $SERVICE $WITNESS; wait || true' EXIT
for i in $(seq 100); do grep -q '"witness_key":"witness/' witness.line && break; sleep 0.1; done
grep -q '"witness_key":"witness/' witness.line
`

// compile makes a script and files of the README's blocks.
func compile(t *testing.T, text string) (script string, files map[string]string) {
	t.Helper()
	files = map[string]string{}
	var b strings.Builder
	for _, block := range fence.FindAllStringSubmatch(text, -1) {
		kind, body := block[1], block[2]
		switch {
		case kind == "yaml":
			name, _, ok := strings.Cut(strings.TrimPrefix(body, "# "), "\n")
			if !ok || !strings.HasPrefix(body, "# ") {
				t.Fatalf("a block of YAML does not begin with the name of its file: %.40q", body)
			}
			files[name] = body
		case kind == "sh peers" && !*peers:
		case strings.TrimSpace(body) == elsewhere[0], strings.TrimSpace(body) == elsewhere[1]:
		default:
			b.WriteString(body)
		}
	}
	if len(files) < 4 || strings.Count(b.String(), "amparo ") < 20 {
		t.Fatal("the README's commands were not found")
	}
	return b.String(), files
}

func freeAddress(t *testing.T) string {
	t.Helper()
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = listener.Close() }()
	return listener.Addr().String()
}

func run(t *testing.T, work, script string) string {
	t.Helper()
	cmd := exec.Command("bash", "-euxo", "pipefail", "-c", script)
	cmd.Dir = work
	cmd.Env = append(os.Environ(), "NO_COLOR=1", "TZ=UTC")
	cmd.WaitDelay = 10 * time.Second
	var out bytes.Buffer
	cmd.Stdout, cmd.Stderr = &out, &out
	if err := cmd.Run(); err != nil {
		t.Fatalf("%v after:\n%s", err, lastLines(out.String()))
	}
	return out.String()
}

func lastLines(text string) string {
	lines := strings.Split(strings.TrimSpace(text), "\n")
	return strings.Join(lines[max(0, len(lines)-25):], "\n")
}
