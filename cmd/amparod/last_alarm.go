package main

import (
	"context"
	"errors"
	"time"

	"github.com/rs/zerolog"

	"github.com/amparo-project/amparo/internal/notify"
)

const (
	// lastAlarmTime is for how long a service that sealed itself tries to say so.
	lastAlarmTime = 10 * time.Second
	// lastAlarmPause lies between two attempts.
	lastAlarmPause = time.Second
)

// doubtPause lies between two rounds of telling that a witness contradicts the log.
const doubtPause = 10 * time.Minute

// lastAlarm tells the addresses of the configuration and the webhook that the
// service sealed itself. Nobody acknowledges it, and nothing can be recorded any
// more, so it is sent until one way at least has taken it or the time is up.
func (u *unsealed) lastAlarm(ctx context.Context, log zerolog.Logger, addresses []string) {
	u.tellOperators(ctx, log, notify.Sealed, addresses)
}

// tellDoubts tells the same people that a witness contradicts the log, until somebody has
// been told. The service goes on: somebody may be calling it.
func (u *unsealed) tellDoubts(ctx context.Context, log zerolog.Logger, addresses []string) error {
	for {
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-u.doubts:
		}
		for !u.tellOperators(ctx, log, notify.Doubted, addresses) {
			select {
			case <-ctx.Done():
				return ctx.Err()
			case <-time.After(doubtPause):
			}
		}
	}
}

// tellOperators tries for a while to tell those who run the service, and reports whether
// anybody was told, or there is no way to tell anybody.
func (u *unsealed) tellOperators(ctx context.Context, log zerolog.Logger, kind notify.Kind, addresses []string) bool {
	ctx, cancel := context.WithTimeout(ctx, lastAlarmTime)
	defer cancel()
	message := notify.Message{Kind: kind}
	for _, address := range addresses {
		message.To = append(message.To, notify.Recipient{Mail: address})
	}
	for {
		receipt := u.sender.Send(ctx, message)
		err := receipt.Err()
		if err != nil {
			log.Error().Err(err).Bool("somebody_told", receipt.Any()).Msg("an alarm to the operators did not go out by every way")
		}
		if receipt.Any() || errors.Is(err, notify.ErrNoWay) {
			return true
		}
		select {
		case <-ctx.Done():
			return false
		case <-time.After(lastAlarmPause):
		}
	}
}
