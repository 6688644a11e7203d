package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"runtime/debug"
	"time"

	"github.com/rs/zerolog"
	"github.com/spf13/cobra"

	"github.com/amparo-project/amparo/internal/dispatch"
	"github.com/amparo-project/amparo/internal/notify"
	"github.com/amparo-project/amparo/internal/server"
	"github.com/amparo-project/amparo/internal/store"
	"github.com/amparo-project/amparo/internal/witness"
)

// serveFlags say what to serve.
type serveFlags struct {
	data, identity, listen, config, anchor string
	acceptLostCommit                       bool
}

func serveCommand() *cobra.Command {
	var flags serveFlags
	cmd := &cobra.Command{
		Use:     "serve",
		Short:   "Unseal a data folder and serve it until SIGTERM",
		Example: "  amparod serve --data data --identity identity.age --config amparod.yaml",
		Args:    cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			if flags.data == "" || flags.identity == "" {
				return &failure{code: exitUsage, text: "--data and --identity are needed", next: "see amparod serve --help"}
			}
			return serve(cmd.Context(), flags, cmd.OutOrStdout())
		},
	}
	cmd.Flags().StringVar(&flags.data, "data", "", "data folder (required)")
	cmd.Flags().StringVar(&flags.identity, "identity", "", "unseal identity file (required)")
	cmd.Flags().StringVar(&flags.listen, "listen", "", "HOST:PORT to listen on; default: the address that invitations carry")
	cmd.Flags().StringVar(&flags.config, "config", "", "YAML file with limits and addresses")
	cmd.Flags().StringVar(&flags.anchor, "anchor", "",
		"file on another medium that keeps the newest checkpoint; made when absent, and a store that is older than it is not served")
	cmd.Flags().BoolVar(&flags.acceptLostCommit, "accept-lost-commit", false,
		"start from the commit before when the last one is damaged; what was acknowledged last may be lost")
	return cmd
}

func serve(ctx context.Context, flags serveFlags, out io.Writer) (err error) {
	config, err := readConfig(flags.config)
	if err != nil {
		return err
	}
	log, err := newLog(config.LogLevel)
	if err != nil {
		return err
	}
	others, err := prepare(config, log)
	if err != nil {
		return err
	}
	f, err := openFolder(flags.data, flags.identity)
	if err != nil {
		return err
	}
	if f.zone, err = config.zone(); err != nil {
		return err
	}
	anchored, err := takeAnchor(flags.anchor, flags.data)
	if err != nil {
		return err
	}
	if anchored != nil {
		defer func() { err = errors.Join(err, anchored.Release()) }()
	}
	engine, err := f.openStore(flags.acceptLostCommit)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, engine.Close()) }()
	begun := time.Now()
	u, err := f.unseal(ctx, engine, func(pseudonym string) {
		log.Error().Str("pseudonym", pseudonym).Msg("a file failed its integrity check and is shut")
	})
	if err != nil {
		return err
	}
	u.outside = others
	if err := u.holdTo(ctx, anchored, log); err != nil {
		return err
	}
	from, err := u.records.Started(ctx, engine.LostCommit())
	if err != nil {
		return err
	}
	if engine.LostCommit() {
		log.Error().Msg("THE LAST COMMIT WAS LOST: started from the one before, as ordered")
	}
	log.Info().Dur("took", time.Since(begun)).Int("files", u.records.Index().Len()).Msg("unsealed")
	return u.serve(ctx, log, from, config, listenOn(flags, config, f), out)
}

// outside is what the service has to do with anybody but its callers.
type outside struct {
	sender   *notify.Sender
	ways     []dispatch.Way
	cosigner *witness.Cosigner
	doubts   chan struct{} // a witness contradicts the log
}

// prepare makes it of a configuration, before anything is unsealed.
func prepare(config Config, log zerolog.Logger) (o outside, err error) {
	if o.sender, err = newSender(config.Notify); err != nil {
		return o, err
	}
	if o.ways, err = newWays(config.Notify); err != nil {
		return o, err
	}
	o.doubts = make(chan struct{}, 1)
	o.cosigner, err = newCosigner(config.Witnesses, log, func() {
		select {
		case o.doubts <- struct{}{}:
		default: // somebody is about to be told
		}
	})
	return o, err
}

func listenOn(flags serveFlags, config Config, f *folder) string {
	for _, address := range []string{flags.listen, config.Listen} {
		if address != "" {
			return address
		}
	}
	return f.door.Address
}

// serve answers until ctx ends or the store can vouch for nothing any more.
func (u *unsealed) serve(ctx context.Context, log zerolog.Logger, from store.Revision, config Config, address string, out io.Writer) error {
	s, err := server.New(server.Config{
		Records: u.records, Certificate: u.certificate, Door: u.door,
		Limits: config.limits(), Log: log, Version: version(),
	})
	if err != nil {
		return err
	}
	// Plain TCP: multipath connections would pass by a sandbox's rules for ports.
	listening := net.ListenConfig{}
	listening.SetMultipathTCP(false)
	listener, err := listening.Listen(ctx, "tcp", address)
	if err != nil {
		return &failure{code: exitUnavailable, text: "listen", err: err}
	}
	work, stopWork := context.WithCancel(context.Background())
	defer stopWork()
	parts := []func() error{
		func() error { return u.log.Run(work) },
		func() error { return u.records.Follow(work, from) },
		func() error { u.forgetRequests(work, log); return nil },
		func() error { server.Sweep(work, u.records, log); return nil },
		func() error { return u.wake(work, log, u.ways) },
		func() error { return s.Serve(listener) },
		func() error { return u.cosigner.Run(work, u.log) },
		func() error { return u.tellDoubts(work, log, config.LastAlarmTo) },
	}
	if u.anchor != nil {
		parts = append(parts, func() error { return u.keepAnchored(work, log) })
	}
	broken := keepRunning(parts...)
	if err := announce(out, listener.Addr().String()); err != nil {
		return err
	}
	select {
	case <-ctx.Done():
		log.Info().Msg("stopping")
		s.Stop()
		stopWork()
		if err := u.log.CatchUp(context.WithoutCancel(ctx)); err != nil {
			return err
		}
		u.anchorLast(log)
		u.cosignLast(context.WithoutCancel(ctx), log)
		return nil
	case err := <-broken:
		log.Error().Err(err).Msg("SEALED: the store can vouch for nothing any more")
		s.Seal()
		u.lastAlarm(ctx, log, config.LastAlarmTo)
		return &failure{code: exitUnavailable, text: "the service sealed itself", err: err}
	}
}

// errEnded says that a part of the service came to an end before the service did.
var errEnded = errors.New("a part of the service ended")

// keepRunning starts the parts without which the service must not go on, and returns
// where it is told when one of them has ended, in whatever way: a sweeper that fell
// over in silence would let terms pass that somebody relies on. What a panic says is
// not passed on, since it may hold what was being worked on.
func keepRunning(parts ...func() error) <-chan error {
	broken := make(chan error, len(parts))
	for _, part := range parts {
		go func() {
			err := errEnded
			defer func() {
				if p := recover(); p != nil {
					err = fmt.Errorf("%w: it panicked (%T)\n%s", errEnded, p, debug.Stack())
				}
				broken <- err
			}()
			if failed := part(); failed != nil {
				err = failed
			}
		}()
	}
	return broken
}

// announce says on standard output that the service answers, and where.
func announce(out io.Writer, address string) error {
	line, err := json.Marshal(map[string]string{"listening": address})
	if err != nil {
		return err
	}
	_, err = fmt.Fprintf(out, "%s\n", line)
	return err
}

// forgetRequests removes old request records, once an hour.
func (u *unsealed) forgetRequests(ctx context.Context, log zerolog.Logger) {
	ticker := time.NewTicker(time.Hour)
	defer ticker.Stop()
	for {
		if err := u.records.ForgetRequests(ctx); err != nil && ctx.Err() == nil {
			log.Error().Err(err).Msg("old request records could not be removed")
		}
		select {
		case <-ctx.Done():
			return
		case <-ticker.C:
		}
	}
}

func newLog(level string) (zerolog.Logger, error) {
	if level == "" {
		level = "info"
	}
	parsed, err := zerolog.ParseLevel(level)
	if err != nil {
		return zerolog.Nop(), &failure{code: exitUsage, text: "log_level must be debug, info, warn or error"}
	}
	return zerolog.New(os.Stderr).Level(parsed).With().Timestamp().Logger(), nil
}
