package main

import (
	"context"
	"strings"
	"testing"
	"time"

	amparov1 "github.com/amparo-project/amparo/api/amparo/v1"
	"github.com/amparo-project/amparo/internal/audit"
	"github.com/amparo-project/amparo/internal/store"
)

// TestServeRefusesAClockThatIsBehind the newest leaf, and says so.
func TestServeRefusesAClockThatIsBehind(t *testing.T) {
	for _, ahead := range []time.Duration{4 * time.Minute, time.Hour, 10 * 365 * 24 * time.Hour} {
		f := newFolder(t)
		f.open(func(u *unsealed) {
			leaf := &amparov1.AuditLeaf{
				Action: amparov1.LeafAction_LEAF_ACTION_CLOCK_TOLD, Outcome: amparov1.LeafOutcome_LEAF_OUTCOME_DONE,
			}
			write, err := audit.NewLeaf(u.keyring, leaf, time.Now().Add(ahead), 0)
			if err == nil {
				_, err = u.engine.Commit(context.Background(), nil, []store.Write{write})
			}
			if err != nil {
				t.Fatal(err)
			}
		})
		started, stop := f.serve()
		ended := stop()
		if let := ahead < 5*time.Minute; started != let || !let && (ended.code != exitUnavailable || !strings.Contains(ended.said, "set the clock")) {
			t.Errorf("with a leaf that is %v ahead serve starts: %v, and ends with %d: %s", ahead, started, ended.code, ended.said)
		}
		if checked := f.check(); checked.code != 0 {
			t.Errorf("check afterwards ends with %d: %s", checked.code, checked.said)
		}
	}
}
