package main

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"os/signal"
	"runtime/debug"
	"strings"
	"syscall"

	"github.com/spf13/cobra"

	"github.com/amparo-project/amparo/internal/audit"
	"github.com/amparo-project/amparo/internal/seal"
	"github.com/amparo-project/amparo/internal/store"
	"github.com/amparo-project/amparo/internal/store/bolt"
)

// Exit codes, as both programs use them.
const (
	exitUnavailable = 1
	exitUsage       = 2
	exitDenied      = 3
	exitBroken      = 7
)

// failure is an error with its exit code and what the operator can do about it.
type failure struct {
	code int
	text string
	next string
	err  error
}

func (f *failure) Error() string {
	text := f.text
	if f.err != nil {
		text += ": " + f.err.Error()
	}
	if f.next != "" {
		text += "; " + f.next
	}
	return text
}

func (f *failure) Unwrap() error { return f.err }

func run(args []string) int {
	ctx, stop := signal.NotifyContext(context.Background(), syscall.SIGTERM, os.Interrupt)
	defer stop()
	root := rootCommand()
	root.SetArgs(args)
	err := harden()
	if err == nil {
		err = root.ExecuteContext(ctx)
	}
	if err == nil {
		return 0
	}
	f := asFailure(err)
	// One line, whatever a library wrote into its error.
	fmt.Fprintln(os.Stderr, "amparod: "+strings.Join(strings.Fields(f.Error()), " "))
	return f.code
}

func rootCommand() *cobra.Command {
	root := &cobra.Command{
		Use:           "amparod",
		Short:         "Amparo, the service",
		Version:       version(),
		SilenceUsage:  true,
		SilenceErrors: true,
		Example:       "  amparod init --data data --identity identity.age --recovery-recipient recovery.pub --address localhost:7443\n  amparod serve --data data --identity identity.age",
	}
	root.SetFlagErrorFunc(func(_ *cobra.Command, err error) error {
		return &failure{code: exitUsage, text: "read the flags", err: err, next: "see amparod --help"}
	})
	root.AddCommand(initCommand(), inviteCommand(), serveCommand(), checkCommand(), watchCommand(), witnessCommand())
	return root
}

// asFailure gives an error the exit code that the programs' contract names.
func asFailure(err error) *failure {
	if f, ok := errors.AsType[*failure](err); ok {
		return f
	}
	damage, damaged := errors.AsType[*bolt.DamageError](err)
	switch {
	case errors.Is(err, bolt.ErrHeld):
		return &failure{code: exitUnavailable, text: "the data folder is in use by another process"}
	case damaged && damage.OtherMetaWhole:
		return &failure{
			code: exitBroken, text: "the database is damaged", err: err,
			next: "serve --accept-lost-commit starts from the commit before: what was acknowledged last may be lost",
		}
	case errors.Is(err, store.ErrCorrupt), errors.Is(err, audit.ErrBroken), errors.Is(err, seal.ErrDamaged):
		return &failure{code: exitBroken, text: "stored data failed its proof", err: err, next: "restore a backup"}
	case errors.Is(err, seal.ErrWrongIdentity):
		return &failure{code: exitDenied, text: "the identity does not open this data folder", next: "use the identity of this folder"}
	case errors.Is(err, seal.ErrFormat):
		return &failure{code: exitUsage, text: "the data folder is of a later version", next: "use the version that wrote it"}
	case errors.Is(err, fs.ErrNotExist), errors.Is(err, fs.ErrExist):
		return &failure{code: exitUsage, text: "find the files", err: err}
	default:
		return &failure{code: exitUnavailable, text: "failed", err: err}
	}
}

// version is the module's version, or the commit that it was built from.
func version() string {
	info, ok := debug.ReadBuildInfo()
	if !ok {
		return "unknown"
	}
	for _, setting := range info.Settings {
		if setting.Key == "vcs.revision" {
			return setting.Value
		}
	}
	return info.Main.Version
}
