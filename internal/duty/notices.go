package duty

import (
	"slices"
	"time"
)

// Notice says that somebody is to be told that they have a task, or was told of one.
type Notice struct {
	StaffID string
	Since   time.Time // UTC
}

// DueNotices are the notices whose time has come, and when the next one's comes;
// zero where none waits. Somebody with several tasks is told once, when notices have
// been gathered for a while, and no more often in an hour than the policy allows.
func (b *Board) DueNotices(now time.Time) (due []Notice, next time.Time) {
	for _, notice := range b.Notices {
		at := later(notice.Since.Add(b.Times.Digest), b.freeAt(notice.StaffID, now))
		switch {
		case !at.After(now):
			due = append(due, notice)
		case next.IsZero() || at.Before(next):
			next = at
		}
	}
	return due, next
}

// freeAt is when a person may be told of a task again.
func (b *Board) freeAt(staffID string, now time.Time) time.Time {
	var told []time.Time
	for _, notice := range Recent(b.Told, now) {
		if notice.StaffID == staffID {
			told = append(told, notice.Since)
		}
	}
	if len(told) < b.Times.NoticesAnHour {
		return time.Time{}
	}
	slices.SortFunc(told, time.Time.Compare)
	return told[len(told)-b.Times.NoticesAnHour].Add(time.Hour)
}

// Recent are the notices that were sent in the last hour.
func Recent(told []Notice, now time.Time) []Notice {
	return slices.DeleteFunc(slices.Clone(told), func(n Notice) bool { return !n.Since.Add(time.Hour).After(now) })
}
