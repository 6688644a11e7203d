package main

import (
	"context"
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

// lastAlarm tells the addresses of the configuration and the webhook that the
// service sealed itself. Nobody acknowledges it, and nothing can be recorded any
// more, so it is sent until one way at least has taken it or the time is up.
func (u *unsealed) lastAlarm(ctx context.Context, log zerolog.Logger, addresses []string) {
	ctx, cancel := context.WithTimeout(ctx, lastAlarmTime)
	defer cancel()
	message := notify.Message{Kind: notify.Sealed}
	for _, address := range addresses {
		message.To = append(message.To, notify.Recipient{Mail: address})
	}
	for {
		receipt := u.sender.Send(ctx, message)
		if err := receipt.Err(); err != nil {
			log.Error().Err(err).Bool("somebody_told", receipt.Any()).Msg("the last alarm did not go out by every way")
		}
		if receipt.Any() {
			return
		}
		select {
		case <-ctx.Done():
			return
		case <-time.After(lastAlarmPause):
		}
	}
}
