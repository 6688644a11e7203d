package year_test

import (
	"context"
	"encoding/base32"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"google.golang.org/protobuf/proto"

	amparov1 "github.com/amparo-project/amparo/api/amparo/v1"
	"github.com/amparo-project/amparo/internal/access"
	"github.com/amparo-project/amparo/internal/lookup"
	"github.com/amparo-project/amparo/internal/records"
)

// all lists the ids of all cases.
func (s *service) all() []string {
	text := base32.NewEncoding("abcdefghijklmnopqrstuvwxyz234567").WithPadding(base32.NoPadding)
	var ids []string
	s.Index().All(1, func(head lookup.Head) bool {
		ids = append(ids, text.EncodeToString(head.ID[:]))
		return true
	})
	return ids
}

// judge reads what is left of the year, and holds it against the model.
func judge(t *testing.T, folder string, end time.Time) string {
	t.Helper()
	s, err := unseal(t.Context(), folder)
	if err != nil {
		t.Fatal(err)
	}
	defer s.engine.Close()
	report, err := s.Check(t.Context(), "")
	if err != nil || len(report.Faults) > 0 {
		t.Errorf("check: %v, %v", err, report.Faults)
	}
	open := s.openAlarms(t)
	events, notices, sweeps := 0, 0, 0
	for _, id := range s.all() {
		told, s, model := s.hold(t, id, end)
		if !slices.Equal(told, model.told) {
			t.Errorf("case %s: %s", id, difference(told, model.told))
		}
		if slices.Sort(model.alarms); !slices.Equal(open[id], model.alarms) {
			t.Errorf("case %s: open alarms are %v, want %v", id, open[id], model.alarms)
		}
		delete(open, id)
		notices, sweeps, events = notices+len(told), sweeps+s, events+len(model.clocks)
	}
	if len(open) > 0 {
		t.Errorf("%d cases have alarms that they have no reason for", len(open))
	}
	if leaves := s.sweepLeaves(t); leaves != sweeps {
		t.Errorf("%d leaves of %d entries in timelines", leaves, sweeps)
	}
	if notices == 0 {
		t.Error("nothing was ever told")
	}
	return fmt.Sprintf("%d cases with %d clocks, %d notices in %d commits", len(s.all()), events, notices, sweeps)
}

// hold reads a case's timeline: what its people were told, in how many entries, and
// the model of what else happened in it.
func (s *service) hold(t *testing.T, id string, end time.Time) (told []string, sweeps int, model *story) {
	t.Helper()
	model = &story{}
	for i, entry := range s.timeline(t, id) {
		if entry.GetKind() != amparov1.TimelineKind_TIMELINE_KIND_TERM {
			if i > 0 {
				model.tell(entry.GetAt().AsTime())
			}
			model.live(entry)
			continue
		}
		sweeps++
		var last time.Time
		for _, event := range entry.GetTermEvents() {
			n := event.GetNotice()
			at := n.GetAt().AsTime()
			if at.Before(last) || at.After(entry.GetAt().AsTime()) {
				t.Errorf("case %s: a notice of %v is recorded after one of %v, at %v", id, at, last, entry.GetAt().AsTime())
			}
			last = at
			what := fmt.Sprint(strings.ToLower(strings.TrimPrefix(n.GetStep().String(), "TERM_STEP_")), " ", n.GetNumber())
			told = append(told, line(event.GetKind(), event.GetBase().AsTime(), what, at))
		}
	}
	model.tell(end)
	// What was due at one instant may stand in either order.
	slices.Sort(told)
	slices.Sort(model.told)
	return told, sweeps, model
}

func (s *service) timeline(t *testing.T, id string) (all []*amparov1.TimelineEntry) {
	t.Helper()
	grant := access.Service(amparov1.LeafAction_LEAF_ACTION_TIMELINE_READ)
	_, err := s.View(context.WithoutCancel(t.Context()), grant, records.Targets(id), func(w *records.Work) (proto.Message, error) {
		var err error
		all, _, err = w.File(0).Timeline(0, nil, 1<<20)
		slices.Reverse(all)
		return nil, err
	})
	if err != nil {
		t.Fatal(err)
	}
	return all
}

// openAlarms are the alarms by case.
func (s *service) openAlarms(t *testing.T) map[string][]string {
	t.Helper()
	open := map[string][]string{}
	for _, alarm := range s.Board().Alarms {
		kind := strings.ToLower(strings.TrimPrefix(alarm.GetKind().String(), "ALARM_KIND_"))
		kind = strings.Replace(strings.Replace(kind, "check_in", "check-in", 1), "_", " ", 1)
		open[alarm.GetCaseId()] = append(open[alarm.GetCaseId()], kind)
	}
	for _, kinds := range open {
		slices.Sort(kinds)
	}
	return open
}

// sweepLeaves counts the leaves of sweeps, and demands that the log's time never goes
// back.
func (s *service) sweepLeaves(t *testing.T) int {
	t.Helper()
	if err := s.log.CatchUp(t.Context()); err != nil {
		t.Fatal(err)
	}
	count := 0
	var last time.Time
	err := s.EachLeaf(t.Context(), s.LogSize(), func(raw []byte) error {
		leaf := &amparov1.AuditLeaf{}
		if err := proto.Unmarshal(raw, leaf); err != nil {
			return err
		}
		if at := leaf.GetRecordedAt().AsTime(); at.Before(last) {
			t.Errorf("a leaf of %v stands behind one of %v", at, last)
		} else {
			last = at
		}
		if leaf.GetAction() == amparov1.LeafAction_LEAF_ACTION_TERMS_REACHED && len(leaf.GetChanges()) > 0 {
			count++
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	return count
}

// difference says what is missing, and what is too much.
func difference(got, want []string) string {
	var b strings.Builder
	for _, text := range got {
		if i := slices.Index(want, text); i >= 0 {
			want = slices.Delete(slices.Clone(want), i, i+1)
		} else {
			fmt.Fprintf(&b, "\n\ttoo much: %s", text)
		}
	}
	for _, text := range want {
		fmt.Fprintf(&b, "\n\tmissing: %s", text)
	}
	return b.String()
}
