package main

import (
	"errors"
	"fmt"
	"io"
	"os"
	"strings"
	"time"

	"go.yaml.in/yaml/v3"

	"github.com/amparo-project/amparo/internal/notify"
	"github.com/amparo-project/amparo/internal/server"
	"github.com/amparo-project/amparo/internal/witness"
)

// Config is what serve --config reads. Every field may be left out; unknown ones
// are refused, so that a misspelt limit does not pass for a set one. The sample in
// deploy/ names them all.
type Config struct {
	// Listen is HOST:PORT to listen on; --listen wins. Empty means the address
	// that invitations carry.
	Listen string `yaml:"listen"`
	// LogLevel is debug, info, warn or error; empty means info.
	LogLevel string `yaml:"log_level"`
	// Limits bound what callers can make the service do.
	Limits Limits `yaml:"limits"`
	// TimeZone is the IANA name of the zone by whose calendar days are counted;
	// empty means Europe/Brussels.
	TimeZone string `yaml:"time_zone"`
	// Notify says by which ways notices go out.
	Notify notify.Config `yaml:"notify"`
	// LastAlarmTo are the mail addresses that are told when the service seals
	// itself; the webhook is told too. They stand here because nothing that is
	// sealed can be read any more when they are needed.
	LastAlarmTo []string `yaml:"last_alarm_to"`
	// Witnesses cosign the checkpoints of the audit log. One that has seen a larger
	// log, or another, ends the service: its store is not the one that it was.
	Witnesses []witness.Peer `yaml:"witnesses"`
}

// defaultZone is where the mechanism's secretariat sits unless it says otherwise.
const defaultZone = "Europe/Brussels"

// Limits override the defaults where they are not zero.
type Limits struct {
	// CallsPerSecond is how many calls a device may make on average.
	CallsPerSecond float64 `yaml:"calls_per_second"`
	// CallBurst is how many calls a device may make at once.
	CallBurst int `yaml:"call_burst"`
	// ConnectionsPerDevice is how many connections a device may hold open.
	ConnectionsPerDevice int `yaml:"connections_per_device"`
	// Connections is how many connections may be open in all.
	Connections int `yaml:"connections"`
	// EnrolmentConnections is how many of them may be enrolments.
	EnrolmentConnections int `yaml:"enrolment_connections"`
	// EnrolmentsPerSecond is how many enrolments may be attempted in all.
	EnrolmentsPerSecond float64 `yaml:"enrolments_per_second"`
	// CallTimeout ends a call that takes longer, such as "30s".
	CallTimeout time.Duration `yaml:"call_timeout"`
}

func readConfig(path string) (Config, error) {
	var config Config
	if path == "" {
		return config, nil
	}
	if err := readYAML(path, &config); err != nil {
		return config, err
	}
	return config, config.check()
}

// readYAML reads one document strictly. An empty file leaves every default.
func readYAML(path string, into any) error {
	file, err := os.Open(path)
	if err != nil {
		return err
	}
	defer func() { _ = file.Close() }()
	decoder := yaml.NewDecoder(file)
	decoder.KnownFields(true)
	if err := decoder.Decode(into); err != nil && !errors.Is(err, io.EOF) {
		return &failure{code: exitUsage, text: "read " + path, err: plain(err)}
	}
	if err := decoder.Decode(&struct{}{}); !errors.Is(err, io.EOF) {
		return &failure{code: exitUsage, text: "read " + path + ": more than one document"}
	}
	return nil
}

// plain takes out of a YAML error what only its programmers understand: the names
// of Go types.
func plain(err error) error {
	broken, ok := errors.AsType[*yaml.TypeError](err)
	if !ok {
		return err
	}
	var texts []string
	for _, text := range broken.Errors {
		text, _, _ = strings.Cut(text, " in type ")
		texts = append(texts, text)
	}
	return errors.New(strings.Join(texts, "; "))
}

func (c Config) check() error {
	l := c.Limits
	for name, value := range map[string]float64{
		"calls_per_second": l.CallsPerSecond, "call_burst": float64(l.CallBurst),
		"connections_per_device": float64(l.ConnectionsPerDevice), "connections": float64(l.Connections),
		"enrolment_connections": float64(l.EnrolmentConnections), "enrolments_per_second": l.EnrolmentsPerSecond,
		"call_timeout": l.CallTimeout.Seconds(),
	} {
		if value < 0 {
			return &failure{code: exitUsage, text: fmt.Sprintf("limits.%s must not be negative", name)}
		}
	}
	if len(c.LastAlarmTo) > 0 && c.Notify.SMTP == (notify.SMTP{}) {
		return &failure{code: exitUsage, text: "last_alarm_to needs notify.smtp"}
	}
	for _, address := range c.LastAlarmTo {
		if err := notify.CheckAddress(address); err != nil {
			return &failure{code: exitUsage, text: "last_alarm_to", err: err}
		}
	}
	_, err := c.zone()
	return err
}

// zone is the mechanism's own.
func (c Config) zone() (*time.Location, error) {
	name := c.TimeZone
	if name == "" {
		name = defaultZone
	}
	zone, err := time.LoadLocation(name)
	if err != nil || zone == time.Local { // the machine's zone would change with the machine
		return nil, &failure{code: exitUsage, text: "time_zone is no name of the IANA time zone database", next: "write it as Europe/Brussels"}
	}
	return zone, nil
}

// newSender makes what carries notices out, and reads its secrets.
func newSender(config notify.Config) (*notify.Sender, error) {
	sender, err := notify.New(config, time.Now)
	if err != nil {
		return nil, &failure{code: exitUsage, text: "read the configuration", err: err}
	}
	return sender, nil
}

// limits are the defaults, with what the configuration sets.
func (c Config) limits() server.Limits {
	limits := server.DefaultLimits()
	set(&limits.CallsPerSecond, c.Limits.CallsPerSecond)
	set(&limits.CallBurst, c.Limits.CallBurst)
	set(&limits.ConnectionsPerDevice, c.Limits.ConnectionsPerDevice)
	set(&limits.Connections, c.Limits.Connections)
	set(&limits.EnrolmentConnections, c.Limits.EnrolmentConnections)
	set(&limits.EnrolmentsPerSecond, c.Limits.EnrolmentsPerSecond)
	set(&limits.CallTimeout, c.Limits.CallTimeout)
	return limits
}

func set[T comparable](limit *T, configured T) {
	var zero T
	if configured != zero {
		*limit = configured
	}
}
