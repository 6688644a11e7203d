package server

import (
	"context"
	"time"

	"github.com/rs/zerolog"

	"github.com/amparo-project/amparo/internal/records"
)

const (
	// sweepAtMost is how long the sweeper sleeps at most. Nothing that is due waits
	// for it: it bounds how late a clock that was set, or another book of terms, is
	// noticed.
	sweepAtMost = 30 * time.Second
	// sweepAgain is when a sweep is repeated in which a case failed.
	sweepAgain = 5 * time.Second
	// sweepPause keeps the sweeper from turning without a rest.
	sweepPause = 50 * time.Millisecond
)

// Sweep keeps the terms of all cases until ctx ends: it sleeps until the first of
// them has something to tell, and wakes early when a case with an earlier one comes.
// There is one sweeper of a store. What fails is logged and tried again.
func Sweep(ctx context.Context, r *records.Records, log zerolog.Logger) {
	frozen := false
	for {
		was := frozen
		var failure error
		if frozen, failure = r.KeepTime(ctx); frozen && !was {
			log.Error().Msg("THE CLOCK LEAPT by more than a day, or the service stood still for as long: nothing is destroyed until somebody runs amparo clock confirm")
		}
		if _, err := r.Sweep(ctx); err != nil {
			failure = err
		}
		if err := r.TellOfWork(ctx); err != nil {
			failure = err
		}
		if ctx.Err() != nil {
			return
		}
		pause := sweepAtMost
		if failure != nil {
			log.Error().Err(failure).Msg("what is due could not all be recorded and is tried again")
			pause = sweepAgain
		} else if next, ok := r.NextSweep(); ok {
			pause = min(pause, max(next.Sub(r.Now()), sweepPause))
		}
		timer := time.NewTimer(pause)
		select {
		case <-ctx.Done():
		case <-r.Index().Sooner():
		case <-timer.C:
		}
		timer.Stop()
		if ctx.Err() != nil {
			return
		}
	}
}
