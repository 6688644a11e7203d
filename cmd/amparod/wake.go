package main

import (
	"context"
	"errors"

	"github.com/rs/zerolog"

	"github.com/amparo-project/amparo/internal/dispatch"
	"github.com/amparo-project/amparo/internal/notify"
)

// wake calls people for alarms, and tells them of their tasks, until ctx ends.
func (u *unsealed) wake(ctx context.Context, log zerolog.Logger, ways []dispatch.Way) error {
	if len(ways) == 0 {
		log.Warn().Msg("no mail server and no webhook is configured: an alarm wakes only those who watch a screen")
	}
	return dispatch.Run(ctx, dispatch.Config{
		Records: u.records, Ways: ways,
		Failed: func(way string, err error) {
			if way == "" {
				log.Error().Err(err).Msg("what was done for an alarm could not be recorded yet; trying again")
				return
			}
			log.Error().Str("way", way).Err(err).Msg("a message to somebody on call did not leave; trying again")
		},
	})
}

// newWays makes the ways that are configured, each with a sender of its own: what
// holds one up is nothing to the other.
func newWays(config notify.Config) ([]dispatch.Way, error) {
	var ways []dispatch.Way
	for name, one := range map[string]notify.Config{"mail": {SMTP: config.SMTP}, "webhook": {Webhook: config.Webhook}} {
		if one == (notify.Config{}) {
			continue
		}
		sender, err := newSender(one)
		if err != nil {
			return nil, err
		}
		ways = append(ways, dispatch.Way{Name: name, Send: func(ctx context.Context, m dispatch.Message) error {
			return sendBy(ctx, sender, m)
		}})
	}
	return ways, nil
}

func sendBy(ctx context.Context, sender *notify.Sender, m dispatch.Message) error {
	kind := notify.Alarm
	if m.Alarm == "" {
		kind = notify.Task
	}
	receipt := sender.Send(ctx, notify.Message{
		Kind: kind, Ref: m.Alarm, To: []notify.Recipient{{Mail: m.Mail, PersonID: m.StaffID}},
	})
	if receipt.Reached(0) {
		return nil
	}
	if err := receipt.Err(); !errors.Is(err, notify.ErrNoWay) {
		return err
	}
	return dispatch.ErrNoWay
}
