package client

import (
	"os"
	"time"
)

const (
	// unseenAfter is for how long a service may answer everything else and show no
	// checkpoint: longer than any mishap, and than a day's work on a bad line.
	unseenAfter = 24 * time.Hour
	// rememberEvery spares the disk a write at each command.
	rememberEvery = time.Hour
)

// lastSeen is when the log was last shown to hold all that this device had seen, or when
// the device first asked in vain; zero where neither is known.
func (p *Profile) lastSeen() time.Time {
	raw, err := os.ReadFile(p.path(fileLogSeen))
	if err != nil {
		return time.Time{}
	}
	at, err := time.Parse(time.RFC3339+"\n", string(raw))
	if err != nil {
		return time.Time{} // counted anew
	}
	return at
}

// rememberSeen keeps that the log was shown, and fits. A profile that cannot be written
// keeps what it knew, and warns too early rather than not at all.
func (p *Profile) rememberSeen(now time.Time) {
	// A time to come was written by a clock that was wrong, and would silence every warning.
	if last := p.lastSeen(); last.After(now) || now.Sub(last) > rememberEvery {
		_ = writeFile(p.path(fileLogSeen), []byte(now.UTC().Format(time.RFC3339)+"\n"))
	}
}

// unseen is for a service that answers, and does not show its log: it returns since when,
// and whether that is too long. A service can hide a log that was cut or forked from one
// device by refusing this one call, and no single refusal proves anything.
func (p *Profile) unseen(why *Failure, now time.Time) (since time.Time, tooLong bool) {
	since = p.lastSeen()
	if since.IsZero() && why.Reason == "ROLE_PENDING" {
		return since, false // nobody has let the person in yet
	}
	if since.IsZero() || since.After(now) {
		p.rememberSeen(now)
		return now, false
	}
	return since, now.Sub(since) > unseenAfter
}
