package main

import (
	"os"
	"path/filepath"
	"reflect"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/rs/zerolog"

	"github.com/amparo-project/amparo/internal/server"
)

// The sample is what an operator starts from, so it must load as it stands, name
// every setting, and the values that it calls defaults must be them.
func TestTheSampleLoadsAndHoldsTheDefaults(t *testing.T) {
	sample := filepath.Join("..", "..", "deploy", "amparod.yaml")
	config, err := readConfig(sample)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := newSender(config.Notify); err != nil {
		t.Errorf("as it stands the sample needs files that nobody has: %v", err)
	}
	text, err := os.ReadFile(sample)
	if err != nil {
		t.Fatal(err)
	}
	whole := filepath.Join(t.TempDir(), "amparod.yaml")
	if err := os.WriteFile(whole, setting.ReplaceAll(text, []byte("$1")), 0o600); err != nil {
		t.Fatal(err)
	}
	if config, err = readConfig(whole); err != nil {
		t.Fatal(err)
	}
	if got, want := config.limits(), server.DefaultLimits(); got != want {
		t.Errorf("the sample's limits are %+v, the defaults %+v", got, want)
	}
	everySetting(t, "", reflect.ValueOf(config))
	config.Witnesses[0].CAFile = "" // which may be another on this machine
	if _, err := newCosigner(config.Witnesses, zerolog.Nop(), func() {}); err != nil {
		t.Errorf("the sample's witness cannot be used: %v", err)
	}
}

// setting finds a # that a setting stands behind, and no prose.
var setting = regexp.MustCompile(`(?m)^#([a-z]|  )`)

// everySetting asks for each setting of a sample, at whatever depth.
func everySetting(t *testing.T, path string, settings reflect.Value) {
	t.Helper()
	for i := range settings.NumField() {
		name := path + settings.Type().Field(i).Tag.Get("yaml")
		switch field := settings.Field(i); {
		case field.Kind() == reflect.Struct:
			everySetting(t, name+".", field)
		case field.Kind() == reflect.Slice && field.Len() > 0 && field.Index(0).Kind() == reflect.Struct:
			everySetting(t, name+"[0].", field.Index(0))
		case field.IsZero():
			t.Errorf("the sample does not name %s", name)
		}
	}
}

func TestConfigurationIsReadStrictly(t *testing.T) {
	for name, c := range map[string]struct {
		text string
		says string // empty means that it loads
	}{
		"nothing set":           {"", ""},
		"one limit":             {"limits: {call_timeout: 5s}", ""},
		"a misspelt setting":    {"limits: {call_timout: 5s}", "call_timout"},
		"a negative limit":      {"limits: {call_burst: -1}", "limits.call_burst"},
		"no duration":           {"limits: {call_timeout: soon}", "soon"},
		"two documents":         {"listen: a:1\n---\nlisten: b:2\n", "more than one document"},
		"not a mapping":         {"- listen", "read"},
		"a setting given twice": {"listen: a:1\nlisten: b:2\n", "listen"},
		"a zone":                {"time_zone: Asia/Kabul", ""},
		"no zone":               {"time_zone: Middle/Earth", "time_zone"},
		"the machine's zone":    {"time_zone: Local", "time_zone"},
		"a zone elsewhere":      {"time_zone: ../../etc/localtime", "time_zone"},
		"whom to tell":          {"{last_alarm_to: [a@example.org], notify: {smtp: {server: 'a:465'}}}", ""},
		"whom to tell, but how": {"last_alarm_to: [a@example.org]", "last_alarm_to needs notify.smtp"},
		"nobody to tell":        {"{last_alarm_to: [example.org], notify: {smtp: {server: 'a:465'}}}", "last_alarm_to"},
		"witnesses":             {"witnesses: [{url: 'https://w.example.org', key: w}]", ""},
		"a misspelt witness":    {"witnesses: [{uri: 'https://w.example.org'}]", "uri"},
		"a misspelt way":        {"notify: {smtp: {sever: a:465}}", "sever"},
	} {
		t.Run(name, func(t *testing.T) {
			path := filepath.Join(t.TempDir(), "amparod.yaml")
			if err := os.WriteFile(path, []byte(c.text), 0o600); err != nil {
				t.Fatal(err)
			}
			_, err := readConfig(path)
			if c.says == "" && err != nil {
				t.Fatal(err)
			}
			if c.says != "" && (err == nil || !strings.Contains(err.Error(), c.says) || asFailure(err).code != exitUsage) {
				t.Errorf("got %v, want exit %d and %q", err, exitUsage, c.says)
			}
		})
	}
}

func TestTheZoneIsTheMechanismsOwn(t *testing.T) {
	for name, want := range map[string]string{"": "Europe/Brussels", "America/Port-au-Prince": "America/Port-au-Prince"} {
		if zone, err := (Config{TimeZone: name}).zone(); err != nil || zone.String() != want {
			t.Errorf("time_zone %q is %v (%v), want %s", name, zone, err, want)
		}
	}
}

func TestALimitThatIsSetReplacesTheDefault(t *testing.T) {
	config := Config{Limits: Limits{CallTimeout: 5 * time.Second, CallBurst: 1}}
	limits := config.limits()
	if limits.CallTimeout != 5*time.Second || limits.CallBurst != 1 || limits.Connections != server.DefaultLimits().Connections {
		t.Errorf("got %+v", limits)
	}
}
