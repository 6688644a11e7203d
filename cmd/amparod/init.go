package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"path/filepath"

	"filippo.io/age"
	"github.com/spf13/cobra"

	"github.com/amparo-project/amparo/internal/audit"
	"github.com/amparo-project/amparo/internal/records"
	"github.com/amparo-project/amparo/internal/seal"
	"github.com/amparo-project/amparo/internal/server"
	"github.com/amparo-project/amparo/internal/store/bolt"
)

// initFlags say what a new data folder is made of.
type initFlags struct {
	data, identity, address string
	recovery                []string
}

func initCommand() *cobra.Command {
	var flags initFlags
	cmd := &cobra.Command{
		Use:   "init",
		Short: "Make a data folder and its keys, and print the first administrator's invitation, once",
		Long: "Make a data folder and its keys, and print the first administrator's invitation, once.\n\n" +
			"The identity file unseals the service; it is made when there is none. Keep it on another\n" +
			"medium than the data folder. The recovery recipients can open the keyring when it is lost:\n" +
			"their identities belong offline, in other places.",
		Example: "  amparod init --data data --identity identity.age --recovery-recipient recovery.pub --address desk.example.org:7443",
		Args:    cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			return initFolder(cmd.Context(), flags, cmd.OutOrStdout(), cmd.ErrOrStderr())
		},
	}
	cmd.Flags().StringVar(&flags.data, "data", "", "data folder to make (required)")
	cmd.Flags().StringVar(&flags.identity, "identity", "", "unseal identity file; made when absent (required)")
	cmd.Flags().StringArrayVar(&flags.recovery, "recovery-recipient", nil, "age recipient, or a file with one a line (required, repeatable)")
	cmd.Flags().StringVar(&flags.address, "address", "", "HOST:PORT under which clients reach the service (required)")
	return cmd
}

func (f initFlags) check() error {
	if f.data == "" || f.identity == "" || f.address == "" {
		return &failure{code: exitUsage, text: "--data, --identity and --address are needed", next: "see amparod init --help"}
	}
	if len(f.recovery) == 0 {
		return &failure{
			code: exitUsage, text: "at least one --recovery-recipient is needed",
			next: "without one a lost identity file would be the end of every case",
		}
	}
	if _, port, err := net.SplitHostPort(f.address); err != nil || port == "" {
		return &failure{code: exitUsage, text: "--address must be HOST:PORT"}
	}
	if _, err := os.Lstat(f.data); err == nil {
		return &failure{code: exitUsage, text: "--data: " + errFolderExists.Error(), next: "name another folder"}
	}
	return nil
}

func initFolder(ctx context.Context, flags initFlags, out, notes io.Writer) (err error) {
	if err := flags.check(); err != nil {
		return err
	}
	var recovery []age.Recipient
	for _, text := range flags.recovery {
		recipients, err := seal.ParseRecipients(text)
		if err != nil {
			return &failure{code: exitUsage, text: "--recovery-recipient", err: err}
		}
		recovery = append(recovery, recipients...)
	}
	own, err := ownRecipients(flags.identity)
	if err != nil {
		return err
	}
	if seal.Classic(own) || seal.Classic(recovery) {
		_, _ = fmt.Fprintln(notes, "warning: a recipient is not post-quantum: what is recorded today could be opened by a machine of later years")
	}
	// The folder is made under another name and renamed when it is whole, so that
	// an init that was interrupted leaves nothing that looks like a data folder.
	parent := filepath.Dir(filepath.Clean(flags.data))
	making, err := os.MkdirTemp(parent, ".amparo-init-")
	if err != nil {
		return err
	}
	defer func() {
		if err != nil {
			_ = os.RemoveAll(making)
		}
	}()
	if err := makeFolder(making, flags.address, own, recovery); err != nil {
		return err
	}
	invitation, err := beginStore(ctx, making, flags.identity)
	if err != nil {
		return err
	}
	if err := os.Rename(making, flags.data); err != nil {
		return err
	}
	_, err = fmt.Fprintln(out, invitation)
	return err
}

// ownRecipients are those of the unseal identity, which is made when there is none.
func ownRecipients(path string) ([]age.Recipient, error) {
	_, err := os.Lstat(path)
	if errors.Is(err, os.ErrNotExist) {
		_, err = seal.GenerateIdentity(path)
	}
	if err != nil {
		return nil, err
	}
	identities, err := seal.LoadIdentities(path, terminal())
	if err != nil {
		return nil, err
	}
	return seal.Recipients(identities)
}

// beginStore makes the empty store with its log and its staff directory.
func beginStore(ctx context.Context, path, identity string) (invitation string, err error) {
	f, err := openFolder(path, identity)
	if err != nil {
		return "", err
	}
	engine, err := bolt.Create(bolt.Options{Path: filepath.Join(path, storeFile)})
	if err != nil {
		return "", err
	}
	defer func() { err = errors.Join(err, engine.Close()) }()
	if err := audit.Create(ctx, audit.Config{Engine: engine, Sealer: f.keyring, Key: f.logKey}); err != nil {
		return "", err
	}
	u, err := f.unseal(ctx, engine, nil)
	if err != nil {
		return "", err
	}
	if err := records.Begin(ctx, u.records); err != nil {
		return "", err
	}
	if invitation, err = server.InviteAdministrator(ctx, u.records, f.door); err != nil {
		return "", err
	}
	return invitation, u.log.CatchUp(ctx)
}

func inviteCommand() *cobra.Command {
	var data, identity string
	cmd := &cobra.Command{
		Use:     "invite-administrator",
		Short:   "Print a new invitation for an administrator, on the machine itself",
		Example: "  amparod invite-administrator --data data --identity identity.age",
		Args:    cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) (err error) {
			if data == "" || identity == "" {
				return &failure{code: exitUsage, text: "--data and --identity are needed"}
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
			u, err := f.unseal(cmd.Context(), engine, nil)
			if err != nil {
				return err
			}
			invitation, err := server.InviteAdministrator(cmd.Context(), u.records, f.door)
			if err != nil {
				return err
			}
			if err := u.log.CatchUp(cmd.Context()); err != nil {
				return err
			}
			_, err = fmt.Fprintln(cmd.OutOrStdout(), invitation)
			return err
		},
	}
	cmd.Flags().StringVar(&data, "data", "", "data folder (required)")
	cmd.Flags().StringVar(&identity, "identity", "", "unseal identity file (required)")
	return cmd
}
