package main

import (
	"fmt"
	"os"
	"os/exec"
	"strings"
	"testing"

	"golang.org/x/sys/unix"
)

// TestHardenedProcess asks a process of its own, since none of it can be undone.
func TestHardenedProcess(t *testing.T) {
	if os.Getenv("AMPAROD_HARDEN") != "" {
		unix.Umask(0)
		err := harden()
		dumpable, _ := unix.PrctlRetInt(unix.PR_GET_DUMPABLE, 0, 0, 0, 0)
		var core unix.Rlimit
		_ = unix.Getrlimit(unix.RLIMIT_CORE, &core)
		fmt.Printf("error %v dumpable %d core %d of %d umask %03o\n", err, dumpable, core.Cur, core.Max, unix.Umask(0))
		return
	}
	child := exec.Command(os.Args[0], "-test.run=^TestHardenedProcess$")
	child.Env = append(os.Environ(), "AMPAROD_HARDEN=1")
	out, err := child.CombinedOutput()
	if err != nil {
		t.Fatalf("%v: %s", err, out)
	}
	if want := "error <nil> dumpable 0 core 0 of 0 umask 077"; !strings.Contains(string(out), want) {
		t.Errorf("got %s, want %s", out, want)
	}
}
