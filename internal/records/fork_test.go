package records_test

import (
	"bytes"
	"fmt"
	"slices"
	"strings"
	"testing"

	"google.golang.org/protobuf/proto"

	amparov1 "github.com/amparo-project/amparo/api/amparo/v1"
	"github.com/amparo-project/amparo/internal/access"
	"github.com/amparo-project/amparo/internal/records"
	"github.com/amparo-project/amparo/internal/store"
	"github.com/amparo-project/amparo/internal/store/memory"
)

// everything is what the engine holds, by key.
func (a *archive) everything() map[string][]byte {
	a.t.Helper()
	entries, err := a.engine.Scan(ctx, nil, nil, 100_000)
	a.must(err)
	all := map[string][]byte{}
	for _, e := range entries {
		all[string(e.Key)] = e.Value
	}
	return all
}

// restore puts the engine back to an earlier state, touching only what differs.
func (a *archive) restore(earlier map[string][]byte) {
	a.t.Helper()
	var writes []store.Write
	for key, value := range a.everything() {
		if old, was := earlier[key]; !was {
			writes = append(writes, store.Write{Key: []byte(key), Delete: true})
		} else if !bytes.Equal(old, value) {
			writes = append(writes, store.Write{Key: []byte(key), Value: old})
		}
	}
	_, err := a.engine.Commit(ctx, nil, writes)
	a.must(err)
	a.reopen()
}

// branch writes once more to every file, with words of its own.
func (a *archive) branch(words string) map[string][]byte {
	a.t.Helper()
	for name, id := range a.cases {
		_, err := a.change(a.reader, records.Request{}, id, func(f *records.File) {
			f.Append(&amparov1.TimelineEntry{Text: words})
			f.Put(records.RecordIdentity, "", identity(words+" "+name))
			f.SetAssessments([]*amparov1.RiskAssessment{{AssessedById: words}})
		})
		a.must(err)
	}
	grant := access.Service(amparov1.LeafAction_LEAF_ACTION_STAFF_LIST)
	for _, id := range []string{a.Directory().FileID, a.invitation} {
		_, err := a.Update(ctx, grant, records.Request{}, records.Targets(id), func(w *records.Work) (proto.Message, error) {
			if invitation := w.File(0).Invitation(); invitation != nil {
				invitation.WrongProofs = uint32(len(words))
				w.File(0).Touch()
				return nil, nil
			}
			for _, colleague := range colleagues {
				w.File(0).Put(records.RecordStaff, colleague, &amparov1.StaffMember{Name: words + colleague})
			}
			return nil, nil
		})
		a.must(err)
	}
	return a.everything()
}

// TestForkedRecords lays down what was written under the same key, in the same
// place and with the same version, in another history of the store: only hashes
// tell the two apart.
func TestForkedRecords(t *testing.T) {
	a := newArchive(t, memory.New(memory.Limits{}))
	a.wantClean()
	before := a.everything()
	lost := a.branch("words that were taken back")
	a.restore(before)
	a.branch("other words")
	a.reopen()
	a.wantClean()
	for _, f := range a.probe() {
		a.must(f.err)
		a.truth[f.file] = f.answer
	}
	if text := fmt.Sprint(a.truth); strings.Contains(text, "taken back") || !strings.Contains(text, "other words") {
		t.Fatal("the store is not of the second history")
	}
	moves := 0
	whole := map[string]*laid{}
	for _, c := range a.cells() {
		other, was := lost[string(c.key)]
		if !was || bytes.Equal(other, c.value) {
			continue
		}
		moves++
		a.play(laid{"fork of " + c.name, []cell{c}, [][]byte{other}})
		if whole[c.of] == nil {
			whole[c.of] = &laid{name: "fork of the whole of " + c.of}
		}
		whole[c.of].cells, whole[c.of].values = append(whole[c.of].cells, c), append(whole[c.of].values, other)
	}
	for _, move := range whole {
		a.play(*move)
	}
	if want := 2*4 + 3 + 1; moves != want {
		t.Errorf("%d records of the other history, want %d", moves, want)
	}
	a.wantClean()
}

// TestTruthIsSharp: what the grids compare with would not pass for another answer.
func TestTruthIsSharp(t *testing.T) {
	a := newArchive(t, memory.New(memory.Limits{}))
	files := make([]string, 0, len(a.truth))
	for file, answer := range a.truth {
		files = append(files, file)
		if text := fmt.Sprint(answer); len(text) < 4 {
			t.Errorf("%s answers only %q", file, text)
		}
	}
	slices.Sort(files)
	if got, want := strings.Join(files, ", "), "case a, case b, directory, duty, hand-overs, interpreters, invitation, policy, request open a, request open b"; got != want {
		t.Errorf("the grids compare %s, want %s", got, want)
	}
}
