package main

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/spf13/cobra"
	"google.golang.org/protobuf/encoding/protojson"
	"google.golang.org/protobuf/proto"

	"github.com/amparo-project/amparo/internal/client"
)

func (a *app) demoCommand() *cobra.Command {
	c := &cobra.Command{
		Use:   "demo",
		Short: "Play one night against a real service, and prove each step",
		Long: `Starts a real amparod on a new store, with real TLS, enrols an administrator, an
operator with a relief, a case officer, a reviewer, a head of secretariat and an
auditor, and works through a night: a case from the first call to the closed file,
somebody who calls again, an arrest, a word for duress, an alarm that passes to the
second on call, what may leave her case and what may not, a cut line, and the morning.
Each step says in one line what was proven; the first proof that fails ends the demo
with exit code 1.

With --keep everything stays: data/ and identity.age of the service, recovery.age,
profiles/ (an AMPARO_HOME) and input/ with every file and text that was sent.`,
		Example: `  amparo demo
  amparo demo --keep night`,
		Args: noSuchCommand,
	}
	keep := c.Flags().String("keep", "", "folder to make and to leave everything in")
	c.RunE = a.do(func(ctx context.Context, _ []string) error { return a.demo(ctx, *keep) })
	return c
}

func (a *app) demo(ctx context.Context, keep string) (err error) {
	dir, err := demoFolder(keep)
	if err != nil {
		return err
	}
	if keep == "" {
		defer func() { err = errors.Join(err, os.RemoveAll(dir)) }()
	}
	work, err := os.MkdirTemp("", "amparo-demo-*") // 0700 by contract of MkdirTemp
	if err != nil {
		return fmt.Errorf("make folder: %w", err)
	}
	defer func() { err = errors.Join(err, os.RemoveAll(work)) }()
	d := &demo{app: a, dir: dir, work: work, begun: a.now()}
	if err := os.Mkdir(d.path("input"), 0o700); err != nil {
		return fmt.Errorf("make folder: %w", err)
	}
	// However the demo ends, its service ends with it.
	defer func() { err = errors.Join(err, d.service.stop(), d.pager.stop()) }()
	for _, part := range d.story() {
		proof, err := part.play(ctx)
		if err != nil {
			return &client.Failure{
				Exit: exitLocal, Reason: "DEMO_FAILED",
				Text: fmt.Sprintf("step %d (%s) failed: %s", d.steps+1, part.name, client.Explain(err)),
				Next: "run it again with --keep DIR and look at what is there",
			}
		}
		if err := d.say(part.name, proof); err != nil {
			return err
		}
	}
	if keep != "" {
		return d.sayKept()
	}
	return nil
}

// demoFolder makes the folder to work in: that of --keep, which must be new or
// empty, or a temporary one.
func demoFolder(keep string) (string, error) {
	if keep == "" {
		dir, err := os.MkdirTemp("", "amparo-demo-*") // 0700 by contract of MkdirTemp
		if err != nil {
			return "", fmt.Errorf("make folder: %w", err)
		}
		return dir, nil
	}
	dir, err := filepath.Abs(keep)
	if err != nil {
		return "", fmt.Errorf("make folder: %w", err)
	}
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return "", fmt.Errorf("make folder: %w", err)
	}
	entries, err := os.ReadDir(dir)
	if err != nil {
		return "", fmt.Errorf("read folder: %w", err)
	}
	if len(entries) > 0 {
		return "", usage("--keep needs a new or an empty folder")
	}
	return dir, nil
}

// demo is one night.
type demo struct {
	*app
	dir     string // what --keep leaves
	work    string // what goes in any case
	begun   time.Time
	steps   int
	service service
	people  map[string]string // id by profile
	secrets []string          // invitations, which must lie nowhere
	first   string            // the case of the night
	second  string            // the case that stays open
	third   string            // the case of somebody who calls again
	fourth  string            // the case of the call over a cut line
	alarm   string
	pager   *pager
	leaves  uint64
}

// part is one step of the story, and what it proved.
type part struct {
	name string
	play func(ctx context.Context) (proof string, err error)
}

func (d *demo) path(name ...string) string { return filepath.Join(append([]string{d.dir}, name...)...) }

// say writes one step.
func (d *demo) say(name, proof string) error {
	d.steps++
	if d.output == "json" {
		raw, err := json.Marshal(map[string]any{"step": d.steps, "name": name, "proof": proof})
		if err != nil {
			return fmt.Errorf("write step: %w", err)
		}
		return d.write(append(raw, '\n'))
	}
	return d.write(fmt.Appendf(nil, "%2d  %-14s %s\n", d.steps, name, proof))
}

func (d *demo) sayKept() error {
	d.tell(`
kept in %[1]s; go on with:
  amparod serve --data %[1]s/data --identity %[1]s/identity.age --listen %[2]s
  AMPARO_HOME=%[1]s/profiles amparo queue --profile operator
`, d.dir, d.service.address)
	return nil
}

// send runs one command of amparo as the person of a profile, with a text on stdin,
// and reads its answer. What is sent goes over the network as it always does.
func (d *demo) send(ctx context.Context, profile, stdin string, answer proto.Message, arguments ...string) error {
	out, failure := d.run(ctx, profile, stdin, arguments...)
	if failure != nil {
		return failure
	}
	if answer == nil {
		return nil
	}
	if err := (protojson.UnmarshalOptions{DiscardUnknown: true}).Unmarshal(out, answer); err != nil {
		return fmt.Errorf("read the answer of %s: %w", strings.Join(arguments[:1], " "), err)
	}
	return nil
}

// run runs one command and returns its output, or how it failed.
func (d *demo) run(ctx context.Context, profile, stdin string, arguments ...string) ([]byte, *client.Failure) {
	var out, errs bytes.Buffer
	code := d.command(&terminal{in: strings.NewReader(stdin), out: &out, err: &errs}).
		execute(ctx, append([]string{"--output", "json", "--profile", profile}, arguments...))
	if code == 0 {
		return out.Bytes(), nil
	}
	return out.Bytes(), &client.Failure{Exit: code, Text: strings.TrimSpace(errs.String())}
}

func (d *demo) command(t *terminal) *app {
	return &app{terminal: t, now: d.now, zone: d.zone, home: d.path("profiles")}
}

// refused runs a command that must fail, with the given exit code and reason.
func (d *demo) refused(ctx context.Context, code int, reason, profile, stdin string, arguments ...string) error {
	_, failure := d.run(ctx, profile, stdin, arguments...)
	switch {
	case failure == nil:
		return fmt.Errorf("%s was not refused", strings.Join(arguments[:1], " "))
	case failure.Exit != code || !strings.Contains(failure.Text, "("+reason+")"):
		return fmt.Errorf("refused with exit code %d and not %d (%s): %s", failure.Exit, code, reason, failure.Text)
	}
	return nil
}

// file keeps a file that is sent, and returns its path.
func (d *demo) file(name, content string) (string, error) {
	path := d.path("input", name)
	return path, client.WriteFile(path, []byte(content))
}

// sendFile sends a request from a file.
func (d *demo) sendFile(ctx context.Context, profile, name, content string, answer proto.Message, arguments ...string) error {
	path, err := d.file(name, content)
	if err != nil {
		return err
	}
	return d.send(ctx, profile, "", answer, append(arguments, "--file", path)...)
}

// sendText sends a text on stdin, and keeps it among the inputs.
func (d *demo) sendText(ctx context.Context, profile, name, content string, answer proto.Message, arguments ...string) error {
	if _, err := d.file(name, content); err != nil {
		return err
	}
	return d.send(ctx, profile, content, answer, arguments...)
}
