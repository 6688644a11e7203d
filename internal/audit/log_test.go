package audit_test

import (
	"errors"
	"testing"

	"github.com/amparo-project/amparo/internal/audit"
)

func TestCatchUpTakesInWhatWasRecorded(t *testing.T) {
	config := newLog(t)
	l := open(t, config)
	record(t, config, evening, read())
	record(t, config, evening, read(), read())
	if got := l.State().Size; got != 0 {
		t.Errorf("before: %d leaves, want 0", got)
	}
	if err := l.CatchUp(t.Context()); err != nil {
		t.Fatal(err)
	}
	if got := l.State().Size; got != 3 {
		t.Errorf("after: %d leaves, want 3", got)
	}
	if got := open(t, config).State().Size; got != 3 {
		t.Errorf("after a restart: %d leaves, want 3", got)
	}
	if got := l.HighWater(); !got.Equal(evening) {
		t.Errorf("high water %v, want %v", got, evening)
	}
}

func TestTwoSequencers(t *testing.T) {
	config := newLog(t)
	a, b := open(t, config), open(t, config)
	record(t, config, evening, read())
	if err := a.CatchUp(t.Context()); err != nil {
		t.Fatal(err)
	}
	if err := b.CatchUp(t.Context()); !errors.Is(err, audit.ErrForeign) {
		t.Fatalf("second sequencer: %v, want ErrForeign", err)
	}
	select {
	case <-b.Failed():
	default:
		t.Error("the second sequencer goes on")
	}
	if err := a.CatchUp(t.Context()); err != nil {
		t.Errorf("the first one was disturbed: %v", err)
	}
}
