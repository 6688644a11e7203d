package main

import (
	"errors"
	"strings"
	"testing"
	"time"
)

// TestWhateverEndsIsTold: whichever part of the service ends, and however, the service
// learns of it; and what a panic was about stays out of what is said.
func TestWhateverEndsIsTold(t *testing.T) {
	forever := func() error { select {} }
	failed := errors.New("the disk is gone")
	for _, row := range []struct {
		says string
		part func() error
		want error
	}{
		{"it fails", func() error { return failed }, failed},
		{"it returns", func() error { return nil }, errEnded},
		{"it panics", func() error { panic("Amaru, of Quito") }, errEnded},
	} {
		select {
		case err := <-keepRunning(forever, row.part, forever):
			if !errors.Is(err, row.want) || strings.Contains(err.Error(), "Amaru") {
				t.Errorf("%s: %v, want %v", row.says, err, row.want)
			}
		case <-time.After(10 * time.Second):
			t.Errorf("%s, and nobody is told", row.says)
		}
	}
}
