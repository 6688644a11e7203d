package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"strings"

	"github.com/spf13/cobra"

	amparov1 "github.com/amparo-project/amparo/api/amparo/v1"
	"github.com/amparo-project/amparo/internal/audit"
	"github.com/amparo-project/amparo/internal/client"
)

func (a *app) auditCommand() *cobra.Command {
	return group("audit", "Read, take away and verify the audit log", "  amparo audit log --since 24h",
		a.logCommand(), a.exportCommand(), a.verifyCommand())
}

func (a *app) logCommand() *cobra.Command {
	c := &cobra.Command{
		Use: "log", Short: "Show what was done, newest first",
		Example: `  amparo audit log --since 24h
  amparo audit log --output json`,
		Args: noSuchCommand,
	}
	since := c.Flags().String("since", "", "only from then on: a span back from now as 24h, a day, or an instant")
	size := c.Flags().Uint32("page-size", 0, "leaves a page, at most 200 (default 50)")
	token := c.Flags().String("page-token", "", "go on from the page before")
	c.RunE = a.do(func(ctx context.Context, _ []string) error {
		from, err := a.instant("since", *since, -1)
		if err != nil {
			return err
		}
		return a.with(func(conn *client.Conn) error {
			answer, err := conn.Audit.ListLeaves(ctx, &amparov1.ListLeavesRequest{Since: from, PageSize: *size, PageToken: *token})
			if err != nil {
				return err
			}
			return a.show(answer, func(p *page) {
				p.leaves(answer.GetLeaves())
				p.line(fmt.Sprintf("%d leaves stand under the newest checkpoint", answer.GetSize()))
				if token := answer.GetNextPageToken(); token != "" {
					p.line("more with: --page-token " + client.Printable(token))
				}
			})
		})
	})
	return c
}

// leaves writes one line a leaf: when, what, how it ended, who, about which files.
func (p *page) leaves(leaves []*amparov1.LoggedLeaf) {
	columns := []column{{title: "LEAF"}, {title: "TIME"}, {title: "ACT"}, {title: "OUTCOME"}, {title: "STAFF"}, {title: "ABOUT"}}
	for _, logged := range leaves {
		leaf := logged.GetLeaf()
		act := word(leaf.GetAction())
		if n := leaf.GetCount(); n > 1 {
			act += fmt.Sprintf(" x%d", n)
		}
		outcome := word(leaf.GetOutcome())
		if reason := word(leaf.GetReason()); reason != "" {
			outcome += ": " + reason
		}
		cells := []string{
			fmt.Sprint(logged.GetIndex()), leaf.GetRecordedAt().AsTime().In(p.zone).Format("2006-01-02 15:04:05"),
			act, outcome, leaf.GetStaffId(), about(leaf),
		}
		for i, cell := range cells {
			columns[i].cells = append(columns[i].cells, client.Printable(cell))
		}
	}
	p.table(columns)
}

func about(leaf *amparov1.AuditLeaf) string {
	var out []string
	for _, change := range leaf.GetChanges() {
		out = append(out, fmt.Sprintf("%s v%d", change.GetPseudonym(), change.GetVersion()))
	}
	out = append(out, leaf.GetShown()...)
	for _, id := range []string{leaf.GetTargetStaffId(), leaf.GetTargetDeviceId(), leaf.GetInvitationId()} {
		if id != "" {
			out = append(out, id)
		}
	}
	return strings.Join(out, " ")
}

func (a *app) exportCommand() *cobra.Command {
	c := &cobra.Command{
		Use:   "export",
		Short: "Take the whole log away, in a file that verifies without the service",
		Long: `Writes every leaf up to the newest checkpoint into a file, and verifies it with
the log's key that this device was enrolled with, and against the newest
checkpoint that it has seen: a log that was rolled back or forked since is exit
code 7. Anybody can verify the file again with amparo audit verify, without the
service and without a profile.`,
		Example: "  amparo audit export --to log.amparo",
		Args:    noSuchCommand,
	}
	to := c.Flags().String("to", "", "file to write")
	c.RunE = a.do(func(ctx context.Context, _ []string) error {
		if *to == "" {
			return usage("--to FILE is needed")
		}
		profile, conn, err := a.connect()
		if err != nil {
			return err
		}
		defer conn.Close() //nolint:errcheck // nothing is left to lose
		// First the promise, then the file that must keep it.
		if err := conn.KeepCheckpoint(ctx); err != nil {
			return err
		}
		if err := conn.ExportLog(ctx, *to); err != nil {
			return err
		}
		older, err := profile.OlderCheckpoint()
		if err != nil {
			return err
		}
		return a.verify(*to, audit.VerifyOptions{LogKey: profile.LogKey, OlderCheckpoint: older})
	})
	return c
}

func (a *app) verifyCommand() *cobra.Command {
	c := &cobra.Command{
		Use:   "verify FILE",
		Short: "Verify an exported log, without the service",
		Long: `Verifies the signature, the tree and every leaf of an export. Without --log-key
the key is the file's own, and the file proves no more than that it agrees with
itself. Exit code 7 says that it does not verify.`,
		Example: `  amparo audit verify log.amparo --log-key "$(cat log.key)"
  amparo audit verify log.amparo --checkpoint older.note`,
		Args: cobra.ExactArgs(1),
	}
	key := c.Flags().String("log-key", "", "key of the log, from a profile's log_key or another safe place")
	older := c.Flags().String("checkpoint", "", "file with a checkpoint that was seen before: the log must hold all that it covered")
	c.RunE = a.do(func(_ context.Context, arguments []string) error {
		options := audit.VerifyOptions{LogKey: *key, OlderCheckpoint: *older}
		if *older != "" && !strings.Contains(*older, "\n") {
			note, err := readUpTo(*older, 64<<10)
			if err != nil {
				return &client.Failure{Exit: exitUsage, Reason: "FILE_UNREADABLE", Text: "the checkpoint's file cannot be read", Next: "check its name and its mode"}
			}
			options.OlderCheckpoint = string(note)
		}
		return a.verify(arguments[0], options)
	})
	return c
}

func (a *app) verify(path string, options audit.VerifyOptions) error {
	file, err := os.Open(path)
	if err != nil {
		return &client.Failure{Exit: exitUsage, Reason: "FILE_UNREADABLE", Text: "the file cannot be read", Next: "check its name and its mode"}
	}
	defer file.Close() //nolint:errcheck // it is only read
	report, err := audit.VerifyExport(file, options)
	switch {
	case errors.Is(err, audit.ErrInvalid), errors.Is(err, audit.ErrFork), errors.Is(err, audit.ErrShrunk):
		return &client.Failure{
			Exit: exitVerification, Reason: "EXPORT_UNVERIFIED", Text: "the export does not verify: " + err.Error(),
			Next: "keep the file, and take another export over another way",
		}
	case err != nil:
		return err
	}
	return a.showReport(report)
}

// verified is the JSON of a report.
type verified struct {
	Verified    bool              `json:"verified"`
	Size        uint64            `json:"size"`
	Root        string            `json:"root"`
	LogKey      string            `json:"logKey"`
	KeyFromFile bool              `json:"keyFromFile"`
	Acts        map[string]uint64 `json:"acts"`
	Refused     uint64            `json:"refused"`
	BackInTime  uint64            `json:"backInTime"`
}

func (a *app) showReport(r audit.Report) error {
	if a.output == "json" {
		acts := map[string]uint64{}
		for act, n := range r.Acts {
			acts[act.String()] = n
		}
		raw, err := json.Marshal(verified{
			Verified: true, Size: r.Size, Root: r.Root, LogKey: r.LogKey, KeyFromFile: r.KeyFromFile,
			Acts: acts, Refused: r.Refused, BackInTime: r.BackInTime,
		})
		if err != nil {
			return fmt.Errorf("write report: %w", err)
		}
		return a.write(append(raw, '\n'))
	}
	p := a.newPage()
	p.line(fmt.Sprintf("verified: %d leaves, %d acts refused", r.Size, r.Refused))
	p.entry("root", r.Root)
	p.entry("log key", r.LogKey)
	if r.Size > 0 {
		p.entry("from", r.First.In(p.zone).Format("2006-01-02 15:04:05 MST"))
		p.entry("until", r.Last.In(p.zone).Format("2006-01-02 15:04:05 MST"))
	}
	if r.BackInTime > 0 {
		p.entry("clock", fmt.Sprintf("%d leaves are older than one before them", r.BackInTime))
	}
	if r.KeyFromFile {
		p.line("The key is the file's own: give --log-key to know whose log this is.")
	}
	return a.write(p.bytes())
}
