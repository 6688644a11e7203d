package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"

	"github.com/spf13/cobra"

	"github.com/amparo-project/amparo/internal/audit"
	"github.com/amparo-project/amparo/internal/records"
)

// checking is what the flags of check say.
type checking struct {
	data, identity, checkpoint, output string
}

func checkCommand() *cobra.Command {
	c := &checking{}
	cmd := &cobra.Command{
		Use:   "check",
		Short: "Open every record and check every chain, offline",
		Example: `  amparod check --data data --identity identity.age
  amparod check --data data --identity identity.age --checkpoint newest.note --output json`,
		Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			report, err := c.report(cmd.Context())
			if err != nil {
				return err
			}
			return c.show(report, cmd.OutOrStdout(), cmd.ErrOrStderr())
		},
	}
	cmd.Flags().StringVar(&c.data, "data", "", "data folder (required)")
	cmd.Flags().StringVar(&c.identity, "identity", "", "unseal identity file (required)")
	cmd.Flags().StringVar(&c.checkpoint, "checkpoint", "", "file with a checkpoint below which the log must not have shrunk")
	cmd.Flags().StringVarP(&c.output, "output", "o", "text", "text, or json: one document")
	return cmd
}

// report opens the folder and checks all of it.
func (c *checking) report(ctx context.Context) (report *records.Report, err error) {
	switch {
	case c.data == "" || c.identity == "":
		return nil, &failure{code: exitUsage, text: "--data and --identity are needed"}
	case c.output != "text" && c.output != "json":
		return nil, &failure{code: exitUsage, text: "--output must be text or json"}
	}
	note, err := c.note()
	if err != nil {
		return nil, err
	}
	f, err := openFolder(c.data, c.identity)
	if err != nil {
		return nil, err
	}
	engine, err := f.openStore(false)
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, engine.Close()) }()
	u, err := f.unsealToCheck(ctx, engine)
	if err != nil {
		return nil, err
	}
	if err := ofThisLog(u.log.PublicKey(), note); err != nil {
		return nil, err
	}
	return u.records.Check(ctx, note)
}

// note reads the checkpoint that the log must hold; "" where none is given.
func (c *checking) note() (string, error) {
	if c.checkpoint == "" {
		return "", nil
	}
	raw, err := os.ReadFile(c.checkpoint)
	if err != nil {
		return "", &failure{code: exitUsage, text: "the file of --checkpoint cannot be read", next: "check its name and its mode"}
	}
	if len(raw) == 0 {
		return "", &failure{code: exitUsage, text: "the file of --checkpoint is empty", next: "give one that a device or the anchor has kept"}
	}
	return string(raw), nil
}

// ofThisLog refuses a checkpoint that says nothing about this store: that it does not
// fit is no fault of the store, and no backup would help.
func ofThisLog(public, note string) error {
	if note == "" {
		return nil
	}
	if _, err := audit.CheckpointSize(public, note); err != nil {
		return &failure{
			code: exitUsage, text: "the file of --checkpoint holds no checkpoint of this log, or it was changed",
			next: "give one that a device of this service or its anchor has kept",
		}
	}
	return nil
}

// show writes what the check came to, and fails where something is wrong.
func (c *checking) show(report *records.Report, out, told io.Writer) error {
	var err error
	switch {
	case c.output == "json":
		err = showJSON(report, out)
	case len(report.Faults) == 0:
		_, err = fmt.Fprintf(out, "%d files, %d records, %d leaves: every record opens, every chain holds\n",
			report.Files, report.Records, report.Leaves)
	default:
		for _, fault := range report.Faults {
			_, _ = fmt.Fprintln(told, "fault: "+fault)
		}
	}
	switch n := len(report.Faults); {
	case n == 1:
		return &failure{code: exitBroken, text: "1 fault", next: "restore a backup"}
	case n > 1:
		return &failure{code: exitBroken, text: fmt.Sprintf("%d faults", n), next: "restore a backup"}
	}
	return err
}

// showJSON writes one document, with an empty list where there is no fault.
func showJSON(report *records.Report, out io.Writer) error {
	return json.NewEncoder(out).Encode(struct {
		Files   uint64   `json:"files"`
		Records uint64   `json:"records"`
		Leaves  uint64   `json:"leaves"`
		Faults  []string `json:"faults"`
	}{report.Files, report.Records, report.Leaves, append([]string{}, report.Faults...)})
}
