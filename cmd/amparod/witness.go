package main

import (
	"context"
	"crypto/tls"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"time"

	"github.com/rs/zerolog"
	"github.com/spf13/cobra"

	"github.com/amparo-project/amparo/internal/witness"
)

// witnessFlags say whom to vouch for, and where.
type witnessFlags struct {
	data, listen, cert, key string
	logKeys                 []string
}

func witnessCommand() *cobra.Command {
	var flags witnessFlags
	cmd := &cobra.Command{
		Use:   "witness",
		Short: "Cosign the log of a service, on a machine of somebody else",
		Long: `Cosigns each checkpoint of a service's audit log that is proven to extend the one
before, by the C2SP tlog-witness protocol, and remembers the last. A service whose
store was put back or copied is refused, and tells its operators. A witness sees how
many leaves a log has and when it grows, and nothing of what is in it.

DIR is made when it is absent, with a key. The first line on standard output names
that key, for the service's configuration:

  witnesses:
    - url: https://witness.example.org
      key: witness/...

The log's key stands in every enrolled profile, as log_key in profile.yaml. Keep DIR
where nobody puts it back to an older state: a witness that forgot may be asked to
cosign something else.`,
		Example: `  amparod witness --data witness --listen 127.0.0.1:7380 --log-key "$KEY"
  amparod witness --data witness --listen :443 --tls-cert cert.pem --tls-key key.pem --log-key "$KEY"`,
		Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			if flags.data == "" || flags.listen == "" || len(flags.logKeys) == 0 {
				return &failure{code: exitUsage, text: "--data, --listen and --log-key are needed", next: "see amparod witness --help"}
			}
			if (flags.cert == "") != (flags.key == "") {
				return &failure{code: exitUsage, text: "--tls-cert and --tls-key go together"}
			}
			return runWitness(cmd.Context(), flags, cmd.OutOrStdout())
		},
	}
	cmd.Flags().StringVar(&flags.data, "data", "", "folder of the witness (required)")
	cmd.Flags().StringVar(&flags.listen, "listen", "", "HOST:PORT to listen on (required)")
	cmd.Flags().StringArrayVar(&flags.logKeys, "log-key", nil, "public key of a log to cosign (required, repeatable)")
	cmd.Flags().StringVar(&flags.cert, "tls-cert", "", "certificate in PEM; without one, put a server with TLS before it")
	cmd.Flags().StringVar(&flags.key, "tls-key", "", "its private key in PEM")
	return cmd
}

func runWitness(ctx context.Context, flags witnessFlags, out io.Writer) (err error) {
	log, err := newLog("")
	if err != nil {
		return err
	}
	w, err := witness.Open(flags.data, flags.logKeys, func(s witness.Suspicion) { suspect(log, s) })
	if err != nil {
		return witnessFailure(err)
	}
	defer func() { err = errors.Join(err, w.Close()) }()
	listener, err := listenWith(ctx, flags)
	if err != nil {
		return err
	}
	line, err := json.Marshal(map[string]string{"listening": listener.Addr().String(), "witness_key": w.Key()})
	if err != nil {
		return err
	}
	if _, err := fmt.Fprintf(out, "%s\n", line); err != nil {
		return err
	}
	if err := w.Serve(ctx, listener); err != nil {
		log.Error().Err(err).Msg("the witness cannot keep what it signs, and signs nothing more")
		return &failure{code: exitUnavailable, text: "the witness stopped", err: err, next: "see to its disk, then start it again"}
	}
	log.Info().Msg("stopping")
	return nil
}

// suspect says what may be evidence, with both notes: they name nobody.
func suspect(log zerolog.Logger, s witness.Suspicion) {
	log.Error().Err(s.Err).Str("held", s.Held).Str("shown", s.Shown).
		Msg("A LOG SHOWS SOMETHING ELSE THAN IT HAS SHOWN BEFORE, or a submission was wrong: keep both notes and ask its operator")
}

func listenWith(ctx context.Context, flags witnessFlags) (net.Listener, error) {
	var config *tls.Config
	if flags.cert != "" {
		pair, err := tls.LoadX509KeyPair(flags.cert, flags.key)
		if err != nil {
			return nil, &failure{code: exitUsage, text: "read the certificate", err: err}
		}
		config = &tls.Config{MinVersion: tls.VersionTLS12, Certificates: []tls.Certificate{pair}}
	}
	listening := net.ListenConfig{}
	listening.SetMultipathTCP(false)
	listener, err := listening.Listen(ctx, "tcp", flags.listen)
	if err != nil {
		return nil, &failure{code: exitUnavailable, text: "listen", err: err}
	}
	if config != nil {
		listener = tls.NewListener(listener, config)
	}
	return listener, nil
}

func witnessFailure(err error) error {
	switch {
	case errors.Is(err, witness.ErrHeld):
		return &failure{code: exitUnavailable, text: "the witness's folder is in use by another process"}
	case errors.Is(err, witness.ErrKey):
		return &failure{code: exitUsage, text: "--log-key", err: err, next: "copy log_key from an enrolled profile's profile.yaml"}
	case errors.Is(err, witness.ErrDamaged):
		return &failure{
			code: exitBroken, text: "what the witness has signed is not known any more", err: err,
			next: "begin a new witness in another folder, and name its key in the service's configuration",
		}
	default:
		return &failure{code: exitUnavailable, text: "open the witness's folder", err: err}
	}
}

// newCosigner prepares what has the log cosigned by the witnesses of a configuration.
// doubt is called when one of them contradicts the log.
func newCosigner(peers []witness.Peer, log zerolog.Logger, doubt func()) (*witness.Cosigner, error) {
	c, err := witness.NewCosigner(peers, func(name string, err error) {
		switch {
		case errors.Is(err, witness.ErrAhead), errors.Is(err, witness.ErrForked):
			log.Error().Str("witness", name).Err(err).
				Msg("A WITNESS HAS SEEN WHAT THIS STORE DOES NOT HOLD, or is wrong: the service goes on; compare with the devices and with what it was restored from")
			doubt()
		case err != nil:
			log.Warn().Str("witness", name).Err(err).Msg("a witness does not cosign; the service goes on and asks it again")
		default:
			log.Info().Str("witness", name).Msg("the witness cosigns again")
		}
	})
	if err != nil {
		return nil, &failure{code: exitUsage, text: "read the configuration", err: err}
	}
	return c, nil
}

// lastCosigning is for how long a service that stops waits for its witnesses.
const lastCosigning = 5 * time.Second

// cosignLast has cosigned what a service that stops has done since. That no witness
// answers is no failure.
func (u *unsealed) cosignLast(ctx context.Context, log zerolog.Logger) {
	ctx, cancel := context.WithTimeout(ctx, lastCosigning)
	defer cancel()
	if err := u.cosigner.Last(ctx, u.log); err != nil {
		log.Warn().Err(err).Msg("the last checkpoint was not cosigned")
	}
}
