package records_test

import (
	"bufio"
	"errors"
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"

	"google.golang.org/protobuf/proto"

	amparov1 "github.com/amparo-project/amparo/api/amparo/v1"
	"github.com/amparo-project/amparo/internal/access"
	"github.com/amparo-project/amparo/internal/fault"
	"github.com/amparo-project/amparo/internal/records"
	"github.com/amparo-project/amparo/internal/store"
	"github.com/amparo-project/amparo/internal/store/bolt"
)

// What a reader may get from a damaged image, from the best to the worst.
const (
	untouched = "no effect"
	refusing  = "refused"          // a file, or more, says that it is damaged
	shutUp    = "refused to start" // with a reason
	told      = "told by check"    // reads are exact, and check finds the damage
	wrong     = "WRONG"            // a wrong value, or one missing without a word
)

// TestDamagedImages flips bits of the database and writes garbage over its pages.
// Whatever comes of it, a read is exact or refused; nothing goes missing unsaid.
func TestDamagedImages(t *testing.T) {
	flips, pages := 150, 30
	if *long {
		flips, pages = 10_000, 1_000
	}
	dir := fastFolder(t)
	writeStore(t, dir)
	tally := map[string]int{}
	workers := 2
	type line struct{ verdict, detail string }
	lines := make(chan line)
	for w := range workers {
		go func() {
			for next := w; next < flips+pages; {
				next = readImages(t, dir, next, workers, flips, pages, func(verdict, detail string) { lines <- line{verdict, detail} })
			}
			lines <- line{}
		}()
	}
	for ended := 0; ended < workers; {
		l := <-lines
		if l.verdict == "" {
			ended++
			continue
		}
		tally[l.verdict]++
		if l.verdict == wrong || strings.HasPrefix(l.verdict, "crash") {
			t.Errorf("%s: %s", l.verdict, l.detail)
		}
	}
	total := 0
	for _, n := range tally {
		total += n
	}
	if total != flips+pages || tally[untouched] == total {
		t.Errorf("%d images were judged, want %d", total, flips+pages)
	}
	t.Logf("%d flips and %d pages: %v", flips, pages, tally)
}

// readImages runs a process over images until it ends, by itself or not, and
// returns the image to go on with.
func readImages(t *testing.T, dir string, from, step, flips, pages int, judged func(verdict, detail string)) (next int) {
	child := process(t, "read damaged images", dir, strconv.Itoa(from), strconv.Itoa(step), strconv.Itoa(flips), strconv.Itoa(pages))
	out, err := child.StdoutPipe()
	if err != nil {
		t.Error(err)
		return flips + pages
	}
	var last strings.Builder
	child.Stderr = &last
	if err := child.Start(); err != nil {
		t.Error(err)
		return flips + pages
	}
	watchdog := time.AfterFunc(time.Hour, func() { child.Process.Kill() })
	defer watchdog.Stop()
	next = from
	for scanner := bufio.NewScanner(out); scanner.Scan(); {
		watchdog.Reset(10 * time.Second) // of one image: longer is a hang
		if scanner.Text() == "next" {
			continue
		}
		verdict, detail, _ := strings.Cut(scanner.Text(), "\t")
		judged(verdict, detail)
		next += step
	}
	if err := child.Wait(); err != nil {
		text := last.String()
		judged("crash or hang", fmt.Sprintf("image %d: %v: %s", next, err, text[:min(len(text), 600)]))
		next += step
	}
	return next
}

// writeStore makes the store that is going to be damaged, and writes down what is
// in it.
func writeStore(t *testing.T, dir string) {
	t.Helper()
	h, d := beginOnDisk(t, dir)
	p := newPerson()
	d.Staff = p.staff.GetId()
	for i := range 24 {
		c := storedCase{Request: fmt.Sprint("request ", i), Name: fmt.Sprint("Amaru ", i%7)}
		var err error
		if c.ID, err = h.create(p, asked(c.Request, "x"), intake{name: c.Name, risk: amparov1.RiskLevel(i%4 + 1)}); err != nil {
			t.Fatal(err)
		}
		for n := range i % 5 {
			if _, err := h.note(p, records.Request{}, c.ID, strings.Repeat("a long note ", 20*n+1)); err != nil {
				t.Fatal(err)
			}
		}
		if i%4 == 0 {
			if err := h.allows(p, records.Request{}, c.ID, strings.Repeat("she said yes ", i+1), amparov1.ConsentAnswer_CONSENT_ANSWER_GIVEN); err != nil {
				t.Fatal(err)
			}
		}
		s, err := h.read(p, c.ID)
		if err != nil {
			t.Fatal(err)
		}
		c.Text, c.Version = s.String(), s.version
		d.Cases = append(d.Cases, c)
	}
	h.wantClean()
	if err := errors.Join(d.save(), h.engine.Close()); err != nil {
		t.Fatal(err)
	}
}

func (s seen) String() string {
	return fmt.Sprint(s.name, s.facts, s.version, s.risk, s.notes, s.levels, s.ledger)
}

// readDamagedImages is a role. Its arguments: folder, first image, step, number of
// flips, number of pages.
func readDamagedImages(args []string) error {
	var n [4]int
	for i := range n {
		var err error
		if n[i], err = strconv.Atoi(args[i+1]); err != nil {
			return err
		}
	}
	d, k, err := loadOnDisk(args[0])
	if err != nil {
		return err
	}
	whole, err := os.ReadFile(d.database())
	if err != nil {
		return err
	}
	whole = whole[:used(whole)]
	path := filepath.Join(args[0], fmt.Sprintf("image-%d", os.Getpid()))
	defer os.Remove(path)
	for image := n[0]; image < n[2]+n[3]; image += n[1] {
		fmt.Println("next")
		damaged, what := damage(whole, image, n[2])
		if err := os.WriteFile(path, damaged, 0o600); err != nil {
			return err
		}
		verdict, detail := judgeImage(d, k, path)
		fmt.Printf("%s\timage %d (%s): %s\n", verdict, image, what, strings.ReplaceAll(detail, "\n", " "))
	}
	return nil
}

// used returns how many bytes of the database its newer meta page lays claim to.
func used(data []byte) int {
	const page = 16 << 10
	count := max(uint64(data[56])|uint64(data[57])<<8, uint64(data[page+56])|uint64(data[page+57])<<8)
	return min(int(count)*page, len(data))
}

// damage makes an image from its number: first the flips, then the pages.
func damage(whole []byte, image, flips int) (damaged []byte, what string) {
	r := rand.New(rand.NewPCG(7, uint64(image)))
	damaged = append([]byte(nil), whole...)
	if image < flips {
		bit := r.IntN(len(whole) * 8)
		damaged[bit/8] ^= 1 << (bit % 8)
		return damaged, fmt.Sprintf("bit %d of byte %d", bit%8, bit/8)
	}
	const page = 4 << 10
	at := r.IntN(len(whole)/page) * page
	for i := at; i < at+page; i++ {
		if damaged[i] = 0; image%2 == 0 {
			damaged[i] = byte(r.Uint32())
		}
	}
	return damaged, fmt.Sprintf("4 KiB at %d", at)
}

// judgeImage opens an image as the service does, and reads all that there is with
// what the writer knew.
func judgeImage(d *onDisk, k keys, path string) (verdict, detail string) {
	engine, err := bolt.Open(bolt.Options{Path: path})
	if err != nil {
		return startVerdict(err)
	}
	defer engine.Close()
	s := &script{}
	h := &house{t: s, engine: engine, keys: k}
	h.clock.Store(start.UnixNano())
	h.free.Store(1 << 40)
	if err := h.unseal(); err != nil {
		return startVerdict(err)
	}
	verdict = untouched
	if err := s.run(func() { verdict, detail = h.judgeReads(d) }); err != nil {
		return wrong, err.Error()
	}
	return verdict, detail
}

// startVerdict: a refusal to start must say that the store is damaged.
func startVerdict(err error) (verdict, detail string) {
	if !errors.Is(err, store.ErrCorrupt) && !errors.Is(err, store.ErrStopped) && !strings.Contains(err.Error(), "audit: log broken") {
		return wrong, "refused to start with " + err.Error()
	}
	return shutUp, err.Error()
}

func (h *house) judgeReads(d *onDisk) (verdict, detail string) {
	p := newPerson()
	p.staff.Id = d.Staff
	// Check comes first, as at a start after an accident.
	faults := h.check()
	refused, missing := 0, 0
	for _, c := range d.Cases {
		s, err := h.read(p, c.ID)
		switch {
		case err == nil && s.String() != c.Text:
			return wrong, "a case reads another text"
		case fault.Is(err, fault.NotFound):
			missing++
		case err != nil && !fault.Is(err, fault.Corrupt) && !fault.Is(err, fault.Unavailable):
			return wrong, "a case is refused with " + err.Error()
		case err != nil:
			refused++
		}
		again, err := h.repeat(p, c)
		if err == nil && again != "" && again != c.ID && len(faults) == 0 {
			return wrong, "a repetition answers another case"
		}
		if err != nil {
			refused++
		}
	}
	if text := h.judgeLists(p, d, len(faults)+refused+missing > 0); text != "" {
		return wrong, text
	}
	switch {
	case missing > 0 && len(faults) == 0:
		return wrong, fmt.Sprintf("%d cases are missing, and check finds nothing", missing)
	case refused+missing > 0:
		return refusing, ""
	case len(faults) > 0:
		return told, faults[0]
	}
	return untouched, ""
}

// repeat repeats the request that opened a case. It changes nothing where the
// request is not known any more.
func (h *house) repeat(p person, c storedCase) (id string, err error) {
	grant := p.grant(h.t, "CaseService/CreateIntake")
	forgotten := errors.New("forgotten")
	answer, err := h.Update(ctx, grant, asked(c.Request, "x"), nil, func(*records.Work) (proto.Message, error) { return nil, forgotten })
	if errors.Is(err, forgotten) {
		return "", nil
	}
	if receipt, ok := answer.(*amparov1.CaseReceipt); ok {
		id = receipt.GetCaseId()
	}
	return id, err
}

// judgeLists holds queue, search and directory against what the writer knew.
func (h *house) judgeLists(p person, d *onDisk, damaged bool) string {
	rows, _, err := h.Queue(ctx, p.grant(h.t, "QueueService/ListQueue"), records.QueueQuery{Offices: []string{office}, Limit: 100})
	if err == nil && len(rows) != len(d.Cases) && !damaged {
		return fmt.Sprintf("the queue shows %d cases", len(rows))
	}
	known := map[string]bool{}
	for i, c := range d.Cases {
		known[fmt.Sprint(c.ID, amparov1.RiskLevel(i%4+1), c.Version)] = true
	}
	for _, row := range rows {
		if !known[fmt.Sprint(row.GetCaseId(), row.GetRiskLevel(), row.GetVersion())] {
			return "the queue shows a row that is not so"
		}
	}
	found, _, err := h.Search(ctx, p.grant(h.t, "QueueService/SearchCases"), "Amaru 3", 100)
	if err == nil && len(found) != 3 && !damaged {
		return fmt.Sprintf("a search finds %d cases, want 3", len(found))
	}
	_, err = h.View(ctx, access.Service(amparov1.LeafAction_LEAF_ACTION_STAFF_LIST), records.Targets(h.Directory().FileID),
		func(*records.Work) (proto.Message, error) { return nil, nil })
	if err != nil && !fault.Is(err, fault.Corrupt) && !fault.Is(err, fault.Unavailable) {
		return "the directory is refused with " + err.Error()
	}
	return ""
}
