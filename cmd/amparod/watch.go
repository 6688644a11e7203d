package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"path/filepath"
	"time"

	"github.com/rs/zerolog"
	"github.com/spf13/cobra"

	amparov1 "github.com/amparo-project/amparo/api/amparo/v1"
	"github.com/amparo-project/amparo/internal/client"
	"github.com/amparo-project/amparo/internal/notify"
	"github.com/amparo-project/amparo/internal/watch"
)

// WatchConfig is what watch --config reads, as strictly as Config is read. The
// sample in deploy/ names every setting.
type WatchConfig struct {
	// Service is HOST:PORT of the service; empty means the address in the profile.
	Service string `yaml:"service"`
	// Profile is the folder of an enrolled device, made by amparo enrol. Required.
	// The service's key is pinned in it, so nobody else can answer in its place.
	Profile string `yaml:"profile"`
	// LogLevel is debug, info, warn or error; empty means info.
	LogLevel string `yaml:"log_level"`
	// Every is the time between two questions; zero means 1m. Each question that
	// is answered leaves one leaf in the audit log, which is the proof that the
	// service can still write.
	Every time.Duration `yaml:"every"`
	// AlarmAfter is how long no question may have been answered; zero means 3m.
	AlarmAfter time.Duration `yaml:"alarm_after"`
	// Repeat is the time between two alarms of one outage; zero means 15m.
	Repeat time.Duration `yaml:"repeat"`
	// AlarmTo are the mail addresses that are told, beside the webhook.
	AlarmTo []string `yaml:"alarm_to"`
	// Notify says by which ways.
	Notify notify.Config `yaml:"notify"`
}

// defaultWatch is what holds where a setting is left out.
func defaultWatch() WatchConfig {
	return WatchConfig{Every: time.Minute, AlarmAfter: 3 * time.Minute, Repeat: 15 * time.Minute}
}

const (
	// shortest is the least time between two questions: below it somebody has
	// written a number without its unit.
	shortest = 100 * time.Millisecond
	// longestAnswer is for how long an answer is waited for on a bad line.
	longestAnswer = 10 * time.Second
)

func watchCommand() *cobra.Command {
	var path string
	cmd := &cobra.Command{
		Use:   "watch",
		Short: "Notice, from another machine, that the service does not answer",
		Long: `Asks the service from time to time whether it answers, as an enrolled device with
the role watch. When nothing has been answered for a while it tells the addresses
and the webhook of its configuration, again every quarter of an hour, and once when
the service answers again. It runs until SIGTERM, on another machine than the
service and best in another place.`,
		Example: "  amparod watch --config watch.yaml",
		Args:    cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			if path == "" {
				return &failure{code: exitUsage, text: "--config is needed", next: "see amparod watch --help"}
			}
			return runWatch(cmd.Context(), path, cmd.OutOrStdout())
		},
	}
	cmd.Flags().StringVar(&path, "config", "", "YAML file with what to watch and whom to tell (required)")
	return cmd
}

func readWatch(path string) (WatchConfig, error) {
	config := defaultWatch()
	if err := readYAML(path, &config); err != nil {
		return config, err
	}
	return config, config.check()
}

func (c WatchConfig) check() error {
	says := func(text string) error { return &failure{code: exitUsage, text: text} }
	switch {
	case c.Profile == "":
		return says("profile is needed: the folder that amparo enrol made")
	case c.Every < shortest, c.AlarmAfter < c.Every, c.Repeat < c.Every:
		return says(fmt.Sprintf("every must be at least %v, and neither alarm_after nor repeat shorter; write them as 30s or 2m", shortest))
	case c.Notify == (notify.Config{}):
		return says("notify is needed: a watch that can tell nobody is none")
	case (c.Notify.SMTP == notify.SMTP{}) != (len(c.AlarmTo) == 0):
		return says("alarm_to and notify.smtp go together")
	}
	for _, address := range c.AlarmTo {
		if err := notify.CheckAddress(address); err != nil {
			return &failure{code: exitUsage, text: "alarm_to", err: err}
		}
	}
	return nil
}

func runWatch(ctx context.Context, path string, out io.Writer) error {
	config, err := readWatch(path)
	if err != nil {
		return err
	}
	log, err := newLog(config.LogLevel)
	if err != nil {
		return err
	}
	sender, err := newSender(config.Notify)
	if err != nil {
		return err
	}
	folder := filepath.Clean(config.Profile)
	profile, err := client.OpenProfile(filepath.Dir(folder), filepath.Base(folder))
	if err != nil {
		return &failure{code: exitUsage, text: "open the profile", err: err}
	}
	if config.Service != "" {
		profile.Address = config.Service
	}
	line, err := json.Marshal(map[string]string{"watching": profile.Address})
	if err != nil {
		return err
	}
	if _, err := fmt.Fprintf(out, "%s\n", line); err != nil {
		return err
	}
	w := &watcher{profile: profile, sender: sender, to: config.AlarmTo, log: log}
	err = watch.Run(ctx, watch.Config{
		Probe: w.probe, Tell: w.tell, Seen: w.seen, Now: time.Now,
		Every: config.Every, Timeout: min(longestAnswer, config.AlarmAfter/2),
		AlarmAfter: config.AlarmAfter, Repeat: config.Repeat,
	})
	if errors.Is(err, context.Canceled) {
		log.Info().Msg("stopping")
		return nil
	}
	return err
}

// watcher asks and tells.
type watcher struct {
	profile *client.Profile
	sender  *notify.Sender
	to      []string
	log     zerolog.Logger

	// Only the goroutine of watch.Run uses these.
	silence string // why the last question was not answered; empty when it was
	warned  bool   // of a device that may do more than watch
}

// probe connects anew each time: a line that is still open would hide that nobody
// new is let in. The answer proves more than a process that listens, since the
// service answers nothing before the call's leaf is written.
func (w *watcher) probe(ctx context.Context) error {
	conn, err := client.Dial(w.profile, client.Options{Timeout: longestAnswer, Patience: -1, Version: version()})
	if err != nil {
		return err
	}
	defer conn.Close() //nolint:errcheck // nothing is left to lose
	answer, err := conn.Staff.WhoAmI(ctx, &amparov1.WhoAmIRequest{})
	if err != nil {
		return err
	}
	if roles := answer.GetStaff().GetRoles(); !w.warned && (len(roles) != 1 || roles[0] != amparov1.Role_ROLE_WATCH) {
		w.warned = true
		w.log.Warn().Msg("the device of this watch may do more than watch: whoever takes this machine may, too")
	}
	return nil
}

// seen logs the changes: what an outage was says more than how often it was met.
func (w *watcher) seen(err error) {
	why := ""
	if err != nil {
		why = client.Explain(err).Reason
	}
	if why == w.silence {
		return
	}
	w.silence = why
	if why == "" {
		w.log.Info().Msg("the service answers")
		return
	}
	w.log.Warn().Str("reason", why).Msg("the service does not answer")
}

func (w *watcher) tell(ctx context.Context, kind notify.Kind) error {
	message := notify.Message{Kind: kind}
	for _, address := range w.to {
		message.To = append(message.To, notify.Recipient{Mail: address})
	}
	receipt := w.sender.Send(ctx, message)
	if err := receipt.Err(); err != nil {
		w.log.Error().Err(err).Bool("somebody_told", receipt.Any()).Msg("a notice did not go out by every way")
	}
	if !receipt.Any() {
		return receipt.Err()
	}
	w.log.Info().Bool("outage", kind == notify.Silent).Msg("people were told")
	return nil
}
