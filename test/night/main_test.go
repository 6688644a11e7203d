package night_test

import (
	"flag"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"testing"
)

// long runs TestKill9 for 500 rounds instead of 30, which takes about nine minutes.
var long = flag.Bool("long", false, "run the long forms of the tests")

// The two programs, built once for all tests.
var amparod, amparo string

func TestMain(m *testing.M) {
	flag.Parse()
	os.Exit(buildAndRun(m))
}

func buildAndRun(m *testing.M) int {
	folder, err := os.MkdirTemp("", "amparo-night-")
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 1
	}
	defer os.RemoveAll(folder)
	amparod, amparo = filepath.Join(folder, "amparod"), filepath.Join(folder, "amparo")
	for program, source := range map[string]string{amparod: "../../cmd/amparod", amparo: "../../cmd/amparo"} {
		build := exec.Command("go", "build", "-o", program, source)
		build.Stderr = os.Stderr
		if err := build.Run(); err != nil {
			fmt.Fprintln(os.Stderr, "build", source, err)
			return 1
		}
	}
	return m.Run()
}
