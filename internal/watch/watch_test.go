package watch_test

import (
	"context"
	"errors"
	"slices"
	"testing"
	"testing/synctest"
	"time"

	"github.com/amparo-project/amparo/internal/notify"
	"github.com/amparo-project/amparo/internal/watch"
)

// span is a time from the beginning of a watch to another.
type span struct{ from, to time.Duration }

func (s span) holds(at time.Duration) bool { return at >= s.from && at < s.to }

var errNothing = errors.New("nothing there")

// told is what a watch of two hours sends, when the service is silent, hangs, and
// nobody can be told, at the times given. It asks every 30 seconds, waits for 5,
// and gives the alarm after 2 minutes.
func told(t *testing.T, silent, hanging, mute []span) (sent []string) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) {
		began := time.Now()
		at := func(spans []span) bool {
			return slices.ContainsFunc(spans, func(s span) bool { return s.holds(time.Since(began)) })
		}
		ctx, cancel := context.WithTimeout(t.Context(), 2*time.Hour)
		defer cancel()
		err := watch.Run(ctx, watch.Config{
			Every: 30 * time.Second, Timeout: 5 * time.Second, AlarmAfter: 2 * time.Minute, Repeat: 15 * time.Minute, Now: time.Now,
			Probe: func(ctx context.Context) error {
				if at(hanging) {
					<-ctx.Done()
					return ctx.Err()
				}
				if at(silent) {
					return errNothing
				}
				return nil
			},
			Tell: func(_ context.Context, kind notify.Kind) error {
				if at(mute) {
					return errNothing
				}
				word := map[notify.Kind]string{notify.Silent: "silent ", notify.Answers: "answers "}[kind]
				sent = append(sent, word+time.Since(began).String())
				return nil
			},
		})
		if !errors.Is(err, context.DeadlineExceeded) {
			t.Errorf("the watch ended with %v", err)
		}
	})
	return sent
}

// TestWhenPeopleAreTold: a row is an outage and the whole of what is sent for it.
func TestWhenPeopleAreTold(t *testing.T) {
	const m, s = time.Minute, time.Second
	for name, c := range map[string]struct {
		silent, hanging, mute []span
		want                  []string
	}{
		"all is well":           {},
		"a short outage":        {silent: []span{{10*m + s, 11*m + 59*s}}},
		"a flapping line":       {silent: []span{{10*m + s, 11 * m}, {11*m + s, 13 * m}, {13*m + s, 14 * m}}},
		"an outage":             {silent: []span{{10*m + s, 20 * m}}, want: []string{"silent 12m0s", "answers 20m0s"}},
		"a long outage":         {silent: []span{{10*m + s, 50 * m}}, want: []string{"silent 12m0s", "silent 27m0s", "silent 42m0s", "answers 50m0s"}},
		"two outages":           {silent: []span{{10*m + s, 15 * m}, {16*m + s, 20 * m}}, want: []string{"silent 12m0s", "answers 15m0s", "silent 18m0s", "answers 20m0s"}},
		"silent from the start": {silent: []span{{0, 3 * m}}, want: []string{"silent 2m0s", "answers 3m0s"}},
		"it hangs":              {hanging: []span{{10*m + s, 14 * m}}, want: []string{"silent 12m5s", "answers 14m0s"}},
		"nobody can be told": {
			silent: []span{{10*m + s, 30 * m}}, mute: []span{{11 * m, 20 * m}},
			want: []string{"silent 20m0s", "answers 30m0s"},
		},
		"nobody can be told that it answers": {
			silent: []span{{10*m + s, 14 * m}}, mute: []span{{13 * m, 15 * m}},
			want: []string{"silent 12m0s", "answers 15m0s"},
		},
		"the line is cut for the watch too": {silent: []span{{10*m + s, 20 * m}}, mute: []span{{10 * m, 20 * m}}},
	} {
		if got := told(t, c.silent, c.hanging, c.mute); !slices.Equal(got, c.want) {
			t.Errorf("%s: sent %v, want %v", name, got, c.want)
		}
	}
}

// TestEndIsNoOutage: a watch that is ended while it asks tells nobody.
func TestEndIsNoOutage(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		ctx, cancel := context.WithTimeout(t.Context(), 150*time.Second)
		defer cancel()
		err := watch.Run(ctx, watch.Config{
			Every: time.Second, Timeout: time.Hour, AlarmAfter: time.Minute, Repeat: time.Minute, Now: time.Now,
			Probe: func(ctx context.Context) error { <-ctx.Done(); return ctx.Err() },
			Tell:  func(context.Context, notify.Kind) error { t.Error("told"); return nil },
		})
		if !errors.Is(err, context.DeadlineExceeded) {
			t.Error(err)
		}
	})
}
