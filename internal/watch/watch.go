// Package watch notices that a service does not answer, and says so: after a
// while, again and again until it answers, and once when it does.
//
// Call Run with how to ask the service and how to tell people. It knows neither
// network nor mail, so that its rule can be tested against a clock. It keeps
// nothing on disk: a watch that is started anew waits for its while again, and
// gives no all-clear for an alarm of its former life. Who watches the watch is
// left to whatever started it.
package watch

import (
	"context"
	"time"

	"github.com/amparo-project/amparo/internal/notify"
)

// Config is what Run needs; all fields are required but Seen.
type Config struct {
	// Probe asks the service once and returns nil when it answered as itself.
	Probe func(ctx context.Context) error
	// Tell sends notify.Silent or notify.Answers, and returns nil when anybody was
	// reached.
	Tell func(ctx context.Context, kind notify.Kind) error
	// Every is the time from one question to the next.
	Every time.Duration
	// Timeout ends a question that is not answered.
	Timeout time.Duration
	// AlarmAfter is how long no question may have been answered.
	AlarmAfter time.Duration
	// Repeat is the time from one alarm to the next, as an alarm inside the service
	// passes to the next person.
	Repeat time.Duration
	// Now is a clock whose differences are true also when somebody sets the time,
	// as those of time.Now are.
	Now func() time.Time
	// Seen is told the outcome of every question, for a log; may be nil.
	Seen func(err error)
}

// watch is what Run remembers.
type watch struct {
	Config
	answered time.Time // the last answer, or the beginning
	alarmed  bool      // somebody was told of the silence and of no answer since
	told     time.Time // the last alarm that went out
}

// Run watches until ctx ends, and returns its error.
func Run(ctx context.Context, config Config) error {
	w := &watch{Config: config, answered: config.Now()}
	ticker := time.NewTicker(config.Every)
	defer ticker.Stop()
	for {
		w.once(ctx)
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-ticker.C:
		}
	}
}

// once asks, and tells what is to be told. What could not be told is owed and
// tried again with the next question.
func (w *watch) once(ctx context.Context) {
	asking, cancel := context.WithTimeout(ctx, w.Timeout)
	err := w.Probe(asking)
	cancel()
	if ctx.Err() != nil {
		return // whoever ends the watch is not a service that is silent
	}
	if w.Seen != nil {
		w.Seen(err)
	}
	now := w.Now()
	switch {
	case err == nil:
		w.answered = now
		if w.alarmed && w.Tell(ctx, notify.Answers) == nil {
			w.alarmed = false
		}
	case now.Sub(w.answered) < w.AlarmAfter:
	case w.alarmed && now.Sub(w.told) < w.Repeat:
	default:
		if w.Tell(ctx, notify.Silent) == nil {
			w.alarmed, w.told = true, now
		}
	}
}
