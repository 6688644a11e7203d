package main

import (
	"bufio"
	"context"
	"os"
	"strings"

	"github.com/spf13/cobra"

	amparov1 "github.com/amparo-project/amparo/api/amparo/v1"
	"github.com/amparo-project/amparo/internal/audit"
	"github.com/amparo-project/amparo/internal/client"
	"github.com/amparo-project/amparo/internal/proof"
)

// judged is what a log says of itself, and what its ledgers come to.
type judged struct {
	log   audit.Report
	proof *proof.Report
}

// judge joins the two packages: one verifies that the leaves are those that the log
// signed, and hands them to the other, which judges what they say. What it says is
// worth nothing before the first has come to the end.
func judge(verify func(audit.VerifyOptions) (audit.Report, error), options audit.VerifyOptions) (judged, error) {
	p := proof.New()
	options.Leaf = func(index uint64, leaf *amparov1.AuditLeaf) error {
		p.Leaf(index, leaf)
		return nil
	}
	report, err := verify(options)
	if err != nil {
		return judged{}, unverified(err)
	}
	return judged{report, p.Finish()}, nil
}

// verdict is the failure of a log that verifies and in which something is not as it
// should be; nil where all is.
func (j judged) verdict() error {
	switch {
	case j.proof.Sound():
		return nil
	case j.proof.Classes[proof.Uncovered] > 0:
		return &client.Failure{
			Exit: exitVerification, Reason: "DISCLOSURE_UNCOVERED", Text: "something left that nothing allowed; the report says what",
			Next: "ask whoever answers for the office, with the numbers of the entries",
		}
	default:
		return &client.Failure{
			Exit: exitVerification, Reason: "LEDGER_UNSOUND", Text: "a ledger holds what cannot be as it stands; the report says what",
			Next: "keep the file, and ask whoever runs the service",
		}
	}
}

func (a *app) exportCommand() *cobra.Command {
	c := &cobra.Command{
		Use:   "export",
		Short: "Take the whole log away, in a file that verifies without the service",
		Long: `Writes every leaf up to the newest checkpoint into a file, and verifies it with
the log's key that this device was enrolled with, and against the newest
checkpoint that it has seen: a log that was rolled back or forked since is exit
code 7, and so is a disclosure that nothing allowed. Anybody can verify the file
again with amparo audit verify, without the service and without a profile.`,
		Example: "  amparo audit export --to log.amparo",
		Args:    noSuchCommand,
	}
	to := c.Flags().String("to", "", "file to write")
	c.RunE = a.do(func(ctx context.Context, _ []string) error {
		if *to == "" {
			return usage("--to FILE is needed")
		}
		options := audit.VerifyOptions{}
		if err := a.withLog(ctx, &options, func(conn *client.Conn) error { return conn.ExportLog(ctx, *to) }); err != nil {
			return err
		}
		return a.verify(*to, options)
	})
	return c
}

// withLog hands a connection over once the service has shown a checkpoint that holds
// all that this device has seen, and fills in what the log must be verified against:
// first the promise, then the log that must keep it.
func (a *app) withLog(ctx context.Context, options *audit.VerifyOptions, take func(*client.Conn) error) error {
	profile, conn, err := a.connect()
	if err != nil {
		return err
	}
	defer conn.Close() //nolint:errcheck // nothing is left to lose
	if err := conn.KeepCheckpoint(ctx); err != nil {
		return err
	}
	options.LogKey = profile.LogKey
	if options.OlderCheckpoint, err = profile.OlderCheckpoint(); err != nil {
		return err
	}
	return take(conn)
}

func (a *app) verifyCommand() *cobra.Command {
	c := &cobra.Command{
		Use:   "verify FILE",
		Short: "Verify an exported log, and everything that left, without the service",
		Long: `Verifies the signature, the tree, every leaf and every proof of an export, and
then judges each disclosure in it: on a consent in force and a check that allowed
it at that time, on a listed basis, or as an urgent act or one for vital interests.
Without --log-key the key is the file's own, and the file proves no more than that
it agrees with itself; the first line says so. With --checkpoint nothing was left
out since that checkpoint. Exit code 7 says that the file does not verify, or that
something left which nothing allowed: then the report comes first, whole.

FILE - is stdin.`,
		Example: `  amparo audit verify log.amparo --log-key "$(cat log.key)"
  amparo audit verify log.amparo --checkpoint older.note
  amparo audit verify - < log.amparo`,
		Args: asUsed,
	}
	known := knownFlags(c)
	c.RunE = a.do(func(_ context.Context, arguments []string) error {
		options, err := known()
		if err != nil {
			return err
		}
		return a.verify(arguments[0], options)
	})
	return c
}

// knownFlags adds the flags with what an auditor knows from elsewhere.
func knownFlags(c *cobra.Command) func() (audit.VerifyOptions, error) {
	key := c.Flags().String("log-key", "", "key of the log, from a profile's log_key or another safe place")
	seen := c.Flags().String("checkpoint", "", "file with a checkpoint that was seen before: the log must hold all that it covered")
	return func() (audit.VerifyOptions, error) {
		options := audit.VerifyOptions{LogKey: *key, OlderCheckpoint: *seen}
		if *seen != "" && !strings.Contains(*seen, "\n") {
			note, err := readUpTo(*seen, 64<<10)
			if err != nil {
				return options, &client.Failure{Exit: exitUsage, Reason: "FILE_UNREADABLE", Text: "the checkpoint's file cannot be read", Next: "check its name and its mode"}
			}
			options.OlderCheckpoint = string(note)
		}
		// A command that failed to find the one or the other must not pass for an
		// auditor who has none.
		switch {
		case c.Flags().Changed("log-key") && strings.TrimSpace(*key) == "":
			return options, usage("--log-key is given and empty")
		case c.Flags().Changed("checkpoint") && *seen == "":
			return options, usage("--checkpoint is given and empty")
		case *seen != "" && strings.TrimSpace(options.OlderCheckpoint) == "":
			return options, usage("the file of --checkpoint is empty")
		}
		return options, checkKnown(options)
	}
}

// verify shows what an export comes to, and fails afterwards where it should.
func (a *app) verify(path string, options audit.VerifyOptions) error {
	j, err := a.judgeFile(path, options)
	if err != nil {
		return err
	}
	if err := a.showJudged(j); err != nil {
		return err
	}
	return j.verdict()
}

// judgeFile judges an export that lies in a file, or comes on stdin.
func (a *app) judgeFile(path string, options audit.VerifyOptions) (judged, error) {
	in := a.in
	if path != "-" {
		file, err := os.Open(path)
		if err != nil {
			return judged{}, unreadable(err)
		}
		defer file.Close() //nolint:errcheck // it is only read
		in = file
	}
	reader := bufio.NewReader(in)
	if err := later(reader); err != nil {
		return judged{}, err
	}
	j, err := judge(func(options audit.VerifyOptions) (audit.Report, error) {
		return audit.VerifyExport(reader, options)
	}, options)
	return j, unreadable(err)
}
