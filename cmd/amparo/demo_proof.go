package main

import (
	"bytes"
	"context"
	"crypto/tls"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	amparov1 "github.com/amparo-project/amparo/api/amparo/v1"
	"github.com/amparo-project/amparo/internal/audit"
	"github.com/amparo-project/amparo/internal/client"
)

// provePinned shows that nothing older than TLS 1.3 is answered.
func (d *demo) provePinned(ctx context.Context) error {
	old := tls.Dialer{Config: &tls.Config{
		MinVersion: tls.VersionTLS12, MaxVersion: tls.VersionTLS12,
		InsecureSkipVerify: true, //nolint:gosec // G402: the point is that even so it is refused
	}}
	conn, err := old.DialContext(ctx, "tcp", d.service.address)
	if err == nil {
		return errors.Join(errors.New("TLS 1.2 was answered"), conn.Close())
	}
	if !strings.Contains(err.Error(), "protocol version") {
		return fmt.Errorf("TLS 1.2 was not refused for its version: %w", err)
	}
	return nil
}

// powerCut ends the service without a word and starts it again.
func (d *demo) powerCut(ctx context.Context) (string, error) {
	before := &amparov1.GetCaseResponse{}
	if err := d.send(ctx, "officer", "", before, "case", "show", d.first); err != nil {
		return "", err
	}
	if err := d.service.kill(); err != nil {
		return "", err
	}
	begun := d.now()
	if err := d.service.start(ctx, d.path("data"), d.path("identity.age")); err != nil {
		return "", err
	}
	took := d.now().Sub(begun)
	after := &amparov1.GetCaseResponse{}
	if err := d.send(ctx, "officer", "", after, "case", "show", d.first); err != nil {
		return "", err
	}
	was, err := jsonLine(before)
	if err != nil {
		return "", err
	}
	is, err := jsonLine(after)
	if err != nil {
		return "", err
	}
	if !bytes.Equal(was, is) {
		return "", errors.New("the case differs after the restart")
	}
	return fmt.Sprintf("killed and started again in %d ms: all that was acknowledged is there", took.Milliseconds()), nil
}

// auditLog takes the log away, verifies it by the key of the enrolment, and shows
// that a single changed byte is noticed.
func (d *demo) auditLog(ctx context.Context) (string, error) {
	profile, err := client.OpenProfile(d.path("profiles"), "auditor")
	if err != nil {
		return "", err
	}
	// A checkpoint may be a second behind what was acknowledged.
	time.Sleep(1200 * time.Millisecond)
	export := filepath.Join(d.work, "log.amparo")
	if err := d.send(ctx, "auditor", "", nil, "audit", "export", "--to", export); err != nil {
		return "", err
	}
	report, err := verifyFile(export, profile.LogKey)
	if err != nil {
		return "", err
	}
	for act, least := range map[amparov1.LeafAction]uint64{
		amparov1.LeafAction_LEAF_ACTION_INTAKE: 2, amparov1.LeafAction_LEAF_ACTION_SEARCH: 1, amparov1.LeafAction_LEAF_ACTION_TRIAGE: 1,
		amparov1.LeafAction_LEAF_ACTION_CONTACT: 2, amparov1.LeafAction_LEAF_ACTION_STAFF_SUSPEND: 1, amparov1.LeafAction_LEAF_ACTION_CLOSE: 1,
	} {
		if report.Acts[act] < least {
			return "", fmt.Errorf("the log shows %d of at least %d acts of %s", report.Acts[act], least, word(act))
		}
	}
	d.leaves = report.Size
	changed, err := d.changeBytes(ctx, export, profile.LogKey)
	if err != nil {
		return "", err
	}
	return fmt.Sprintf("%d leaves verify without the service, %d refusals among them; each of %d copies with one byte changed is refused",
		report.Size, report.Refused, changed), nil
}

// proveElsewhere verifies the export as somebody does who has nothing else: a folder with
// the file in it, no profile, and the key on paper.
func (d *demo) proveElsewhere(ctx context.Context) (string, error) {
	profile, err := client.OpenProfile(d.path("profiles"), "auditor")
	if err != nil {
		return "", err
	}
	elsewhere := filepath.Join(d.work, "elsewhere")
	if err := os.Mkdir(elsewhere, 0o700); err != nil {
		return "", fmt.Errorf("make folder: %w", err)
	}
	raw, err := os.ReadFile(filepath.Join(d.work, "log.amparo"))
	if err != nil {
		return "", fmt.Errorf("read export: %w", err)
	}
	path := filepath.Join(elsewhere, "log.amparo")
	if err := client.WriteFile(path, raw); err != nil {
		return "", err
	}
	var out, errs bytes.Buffer
	auditor := d.command(&terminal{in: eof{}, out: &out, err: &errs})
	auditor.home = filepath.Join(elsewhere, "nothing")
	if code := auditor.execute(ctx, []string{"--output", "json", "audit", "verify", path, "--log-key", profile.LogKey}); code != 0 {
		return "", fmt.Errorf("the export was refused with exit code %d: %s", code, strings.TrimSpace(errs.String()))
	}
	report := verifiedJSON{}
	if err := json.Unmarshal(out.Bytes(), &report); err != nil {
		return "", fmt.Errorf("read report: %w", err)
	}
	if !report.Sound || report.Classes["URGENT_COMPLETED"] != 1 || report.Classes["UNCOVERED"] != 0 {
		return "", fmt.Errorf("the log does not prove that one act left, and on what: %v", report.Classes)
	}
	for _, canary := range canaries {
		if bytes.Contains(raw, []byte(canary)) || bytes.Contains(out.Bytes(), []byte(canary)) {
			return "", fmt.Errorf("%q stands in what the auditor reads", canary)
		}
	}
	return "in a fresh folder, without a profile: one thing left, on the urgent track, on a consent and a check, with its second signature; nothing else, and no name", nil
}

func verifyFile(path, key string) (audit.Report, error) {
	file, err := os.Open(path)
	if err != nil {
		return audit.Report{}, fmt.Errorf("open export: %w", err)
	}
	defer file.Close() //nolint:errcheck // it is only read
	report, err := audit.VerifyExport(file, audit.VerifyOptions{LogKey: key})
	if err != nil {
		return audit.Report{}, fmt.Errorf("verify export: %w", err)
	}
	return report, nil
}

// changeBytes changes one byte of the export at a time, from its begin to its end,
// and counts the copies that amparo refuses, which must be all.
func (d *demo) changeBytes(ctx context.Context, export, key string) (int, error) {
	raw, err := os.ReadFile(export)
	if err != nil {
		return 0, fmt.Errorf("read export: %w", err)
	}
	const copies = 40
	for n := range copies {
		at := n * (len(raw) - 1) / (copies - 1)
		raw[at] ^= 1
		path := filepath.Join(d.work, "changed.amparo")
		if err := client.WriteFile(path, raw); err != nil {
			return 0, err
		}
		if err := d.refused(ctx, 7, "EXPORT_UNVERIFIED", "auditor", "", "audit", "verify", path, "--log-key", key); err != nil {
			return 0, fmt.Errorf("byte %d: %w", at, err)
		}
		raw[at] ^= 1
	}
	return copies, nil
}

func (d *demo) stillOpen(ctx context.Context) (string, error) {
	queue := &amparov1.ListQueueResponse{}
	if err := d.send(ctx, "officer", "", queue, "queue"); err != nil {
		return "", err
	}
	rows := queue.GetRows()
	at := slices.IndexFunc(rows, func(r *amparov1.QueueRow) bool { return r.GetCaseId() == d.second })
	if at < 0 || len(rows) != 3 || rows[at].GetDue() == nil {
		return "", errors.New("three cases are not left open, the second with a term running")
	}
	return fmt.Sprintf("three cases wait; the second one: %s, %s due in %s", word(rows[at].GetState()), word(rows[at].GetNextTerm()),
		span(rows[at].GetDue().AsTime().Sub(d.now()))), nil
}

// atRest stops the service, lets it check itself, and looks for the canaries in
// every byte that it left.
func (d *demo) atRest(ctx context.Context) (string, error) {
	if err := d.service.stop(); err != nil {
		return "", err
	}
	if _, err := d.service.order(ctx, "check", "--data", d.path("data"), "--identity", d.path("identity.age")); err != nil {
		return "", err
	}
	sent, err := filesOf(d.path("input"))
	if err != nil {
		return "", err
	}
	stored, err := filesOf(d.path("data"))
	if err != nil {
		return "", err
	}
	stored["the service's log"] = []byte(d.service.log.text())
	if err := d.nowhere(sent, stored); err != nil {
		return "", err
	}
	return fmt.Sprintf("every record opens and every chain holds; %d names, numbers and words of the inputs are in no byte of the store or the log",
		len(canaries)), nil
}

// nowhere fails when a canary or an invitation lies in what is stored, and when a
// canary was not even sent.
func (d *demo) nowhere(sent, stored map[string][]byte) error {
	for _, canary := range canaries {
		if len(holding(sent, canary)) == 0 {
			return fmt.Errorf("%q was never sent: the search proves nothing", canary)
		}
		if where := holding(stored, canary); len(where) > 0 {
			return fmt.Errorf("%q lies in the clear in %s", canary, strings.Join(where, ", "))
		}
	}
	for _, secret := range d.secrets {
		if where := holding(stored, secret); len(where) > 0 {
			return fmt.Errorf("an invitation lies in the clear in %s", strings.Join(where, ", "))
		}
	}
	return nil
}

func filesOf(dir string) (map[string][]byte, error) {
	files := map[string][]byte{}
	err := filepath.WalkDir(dir, func(path string, entry fs.DirEntry, err error) error {
		if err != nil || !entry.Type().IsRegular() {
			return err
		}
		files[path], err = os.ReadFile(path)
		return err
	})
	if err != nil {
		return nil, fmt.Errorf("read folder: %w", err)
	}
	return files, nil
}

func holding(files map[string][]byte, text string) []string {
	var names []string
	for name, content := range files {
		if bytes.Contains(content, []byte(text)) {
			names = append(names, name)
		}
	}
	return names
}

func (d *demo) sizes(context.Context) (string, error) {
	stored, err := filesOf(d.path("data"))
	if err != nil {
		return "", err
	}
	size := 0
	for _, content := range stored {
		size += len(content)
	}
	return fmt.Sprintf("%d cases, %d leaves, %d KiB in the data folder; the night took %s",
		4, d.leaves, size>>10, d.now().Sub(d.begun).Round(100*time.Millisecond)), nil
}
