package main

import (
	"errors"
	"fmt"
	"os"

	"github.com/spf13/cobra"
)

func checkCommand() *cobra.Command {
	var data, identity, checkpoint string
	cmd := &cobra.Command{
		Use:     "check",
		Short:   "Open every record and check every chain, offline",
		Example: "  amparod check --data data --identity identity.age",
		Args:    cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) (err error) {
			if data == "" || identity == "" {
				return &failure{code: exitUsage, text: "--data and --identity are needed"}
			}
			var note string
			if checkpoint != "" {
				raw, err := os.ReadFile(checkpoint)
				if err != nil {
					return err
				}
				note = string(raw)
			}
			f, err := openFolder(data, identity)
			if err != nil {
				return err
			}
			engine, err := f.openStore(false)
			if err != nil {
				return err
			}
			defer func() { err = errors.Join(err, engine.Close()) }()
			u, err := f.unsealToCheck(cmd.Context(), engine)
			if err != nil {
				return err
			}
			report, err := u.records.Check(cmd.Context(), note)
			if err != nil {
				return err
			}
			for _, fault := range report.Faults {
				_, _ = fmt.Fprintln(cmd.ErrOrStderr(), "fault: "+fault)
			}
			if len(report.Faults) > 0 {
				return &failure{code: exitBroken, text: fmt.Sprintf("%d faults", len(report.Faults)), next: "restore a backup"}
			}
			_, err = fmt.Fprintf(cmd.OutOrStdout(), "%d files, %d records, %d leaves: every record opens, every chain holds\n",
				report.Files, report.Records, report.Leaves)
			return err
		},
	}
	cmd.Flags().StringVar(&data, "data", "", "data folder (required)")
	cmd.Flags().StringVar(&identity, "identity", "", "unseal identity file (required)")
	cmd.Flags().StringVar(&checkpoint, "checkpoint", "", "file with a checkpoint below which the log must not have shrunk")
	return cmd
}
