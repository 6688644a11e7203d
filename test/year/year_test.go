package year_test

import (
	"bufio"
	"context"
	"flag"
	"math/rand/v2"
	"os"
	"os/exec"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"
)

var long = flag.Bool("long", false, "live through a whole year, with 60 kills, instead of two months with six")

// form is how long a life is, and what happens in it. There are fewer cases than half
// of the alarms that may be open at once: behind that, one stands for many.
type form struct {
	days, kills, cases int
	pace               time.Duration // between two steps of the clock, on average
}

var (
	short = form{days: 60, kills: 6, cases: 25, pace: 8 * time.Hour}
	whole = form{days: 365, kills: 60, cases: 95, pace: 2 * time.Hour}
)

// begun is when the service was founded.
var begun = time.Date(2027, 3, 9, 22, 40, 0, 0, time.UTC)

// Where a process learns that it is the service, and what it is to live through.
const (
	folderVariable = "AMPARO_YEAR_FOLDER"
	formVariable   = "AMPARO_YEAR_LONG"
	seedVariable   = "AMPARO_YEAR_SEED"
)

func TestMain(m *testing.M) {
	flag.Parse()
	if folder := os.Getenv(folderVariable); folder != "" {
		os.Exit(live(folder))
	}
	os.Exit(m.Run())
}

func chosen() form {
	if *long || os.Getenv(formVariable) != "" {
		return whole
	}
	return short
}

// TestYear is the whole story: live, be killed, go on, and be judged.
func TestYear(t *testing.T) {
	f, folder := chosen(), t.TempDir()
	makeFolder(t, folder)
	r := rand.New(rand.NewPCG(2027, 1))
	start, runs := time.Now(), 0
	var end time.Time
	for kill := 0; ; runs++ {
		// Every other kill comes at once, while the service catches up with its stop.
		var until time.Time // when the kill comes; none after the last
		if kill < f.kills {
			until = begun.Add(time.Duration(kill%2*(kill+1)) * time.Duration(f.days) * 24 * time.Hour / time.Duration(f.kills+1))
		}
		var killed bool
		end, killed = lifeOf(t, folder, uint64(runs), until, time.Duration(r.IntN(30_000))*time.Microsecond)
		if !killed {
			break
		}
		kill++
	}
	if runs != f.kills {
		t.Errorf("%d kills, want %d", runs, f.kills)
	}
	lived := time.Since(start)
	judged := judge(t, folder, end)
	t.Logf("%d days, %d kills, lived in %v; %s", f.days, runs, lived.Round(time.Second), judged)
}

// lifeOf runs the service until its year is over, or kills it a moment after its
// clock has come to an instant. It returns to where its clock came.
func lifeOf(t *testing.T, folder string, seed uint64, until time.Time, moment time.Duration) (last time.Time, killed bool) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), 20*time.Minute)
	defer cancel()
	cmd := exec.CommandContext(ctx, os.Args[0])
	cmd.Env = append(os.Environ(), folderVariable+"="+folder, seedVariable+"="+strconv.FormatUint(seed, 10))
	if *long {
		cmd.Env = append(cmd.Env, formVariable+"=1")
	}
	said := &strings.Builder{}
	cmd.Stderr = said
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	// Its start is a line, and each step of its clock.
	for lines := bufio.NewScanner(out); lines.Scan() && !killed; {
		at, err := strconv.ParseInt(lines.Text(), 10, 64)
		if err != nil {
			t.Fatalf("the service says %q", lines.Text())
		}
		last = time.Unix(0, at)
		if !until.IsZero() && !last.Before(until) {
			time.Sleep(moment)
			killed = cmd.Process.Signal(syscall.SIGKILL) == nil
		}
	}
	if err := cmd.Wait(); err != nil && !killed {
		t.Fatalf("the service ends with %v: %s", err, said)
	}
	return last, killed
}
