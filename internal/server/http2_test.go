package server_test

import (
	"bytes"
	"context"
	"crypto/tls"
	"encoding/binary"
	"errors"
	"runtime"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"golang.org/x/net/http2"
	"golang.org/x/net/http2/hpack"
	"google.golang.org/protobuf/proto"

	amparov1 "github.com/amparo-project/amparo/api/amparo/v1"
	"github.com/amparo-project/amparo/internal/enrolment"
	"github.com/amparo-project/amparo/internal/servertest"
)

// wire is a connection on which a test writes its own frames.
type wire struct {
	*http2.Framer
	conn *tls.Conn
	text bytes.Buffer
	pack *hpack.Encoder
	next uint32
}

func (w *world) wire(t testing.TB, device *servertest.Device) *wire {
	t.Helper()
	conn, err := tls.Dial("tcp", w.Address, w.TLS(device.Certificate, enrolment.ServiceName(w.Pin)))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = conn.Close() })
	_ = conn.SetDeadline(time.Now().Add(20 * time.Second))
	if _, err := conn.Write([]byte(http2.ClientPreface)); err != nil {
		t.Fatal(err)
	}
	r := &wire{Framer: http2.NewFramer(conn, conn), conn: conn, next: 1}
	r.ReadMetaHeaders = hpack.NewDecoder(4096, nil)
	r.pack = hpack.NewEncoder(&r.text)
	if err := r.WriteSettings(); err != nil {
		t.Fatal(err)
	}
	return r
}

// headers writes a request without its body and returns its stream. More are fields
// that follow the usual ones.
func (r *wire) headers(path string, ended bool, more ...string) (uint32, error) {
	r.text.Reset()
	fields := append([]string{":method", "POST", ":scheme", "https", ":path", path, ":authority", "h", "content-type", "application/grpc", "te", "trailers"}, more...)
	for i := 0; i < len(fields); i += 2 {
		if err := r.pack.WriteField(hpack.HeaderField{Name: fields[i], Value: fields[i+1]}); err != nil {
			return 0, err
		}
	}
	stream := r.next
	r.next += 2
	return stream, r.WriteHeaders(http2.HeadersFrameParam{StreamID: stream, BlockFragment: r.text.Bytes(), EndHeaders: true, EndStream: ended})
}

// ask makes a whole call and returns what the service says to it: the code, or how
// else it ended, and the text.
func (r *wire) ask(t testing.TB, path string, flag byte, request proto.Message, more ...string) (code, text string) {
	t.Helper()
	body, err := proto.Marshal(request)
	if err != nil {
		t.Fatal(err)
	}
	stream, err := r.headers(path, false, more...)
	if err == nil {
		frame := binary.BigEndian.AppendUint32([]byte{flag}, uint32(len(body)))
		err = r.WriteData(stream, true, append(frame, body...))
	}
	for err == nil {
		var frame http2.Frame
		if frame, err = r.ReadFrame(); err != nil || frame.Header().StreamID != stream {
			continue
		}
		switch frame := frame.(type) {
		case *http2.MetaHeadersFrame:
			for _, field := range frame.Fields {
				text += field.Name + ": " + field.Value + "\n"
				if field.Name == "grpc-status" {
					code = field.Value
				}
			}
			if code != "" {
				return code, text
			}
		case *http2.RSTStreamFrame:
			return "reset " + frame.ErrCode.String(), text
		}
	}
	return "closed", text
}

const whoAmI = "/amparo.v1.StaffService/WhoAmI"

// TestOddPaths: a method is called by its exact name and by no other spelling of
// it, nothing else is served, and no spelling comes back.
func TestOddPaths(t *testing.T) {
	w := &world{Service: servertest.Start(t, servertest.Options{})}
	if code, text := w.wire(t, w.Admin.Device).ask(t, whoAmI, 0, &amparov1.WhoAmIRequest{}); code != "0" {
		t.Fatalf("the exact name: %s %s", code, text)
	}
	before := w.size(t)
	const bare = "amparo.v1.StaffService/WhoAmI"
	paths := []string{
		bare, "//" + bare, "/" + bare + "/", "/" + bare + "?", "/" + bare + "?a=b", "/" + bare + "#", "/" + bare + " ", "/./" + bare, "/x/../" + bare,
		"/amparo.v1.StaffService//WhoAmI", "/amparo.v1.StaffService%2fWhoAmI", "/amparo.v1.StaffService%2FWhoAmI", "/amparo.v1.StaffService/Who%41mI",
		"/%2e/" + bare, "/AMPARO.V1.StaffService/WhoAmI", "/amparo.v1.staffservice/whoami", "/amparo.v1.StaffService/whoAmI", "\\" + bare,
		"/.amparo.v1.StaffService/WhoAmI", "/StaffService/WhoAmI", "/amparo.v1.StaffService.WhoAmI", "/amparo.v1.StaffService", "/", "", "*",
		"/ａmparo.v1.StaffService/WhoAmI", "https://h/" + bare, "/" + strings.Repeat("a", 8000),
		"/grpc.reflection.v1.ServerReflection/ServerReflectionInfo", "/grpc.reflection.v1alpha.ServerReflection/ServerReflectionInfo",
		"/grpc.health.v1.Health/Check", "/grpc.channelz.v1.Channelz/GetServers", "/debug/pprof/heap",
	}
	for _, path := range paths {
		code, text := w.wire(t, w.Admin.Device).ask(t, path, 0, &amparov1.WhoAmIRequest{})
		if code != "12" && !strings.HasPrefix(code, "reset") && code != "closed" {
			t.Errorf("%.60q: code %s", path, code)
		}
		if len(path) > 2 && strings.Contains(text, path) {
			t.Errorf("%.60q comes back in the refusal", path)
		}
	}
	for _, leaf := range w.since(t, before) {
		if leaf.GetOutcome() == amparov1.LeafOutcome_LEAF_OUTCOME_DONE {
			t.Errorf("a handler was reached: %s", leaf.GetAction())
		}
	}
}

// TestOddCalls: what is no gRPC call of ours reaches no handler either.
func TestOddCalls(t *testing.T) {
	w := &world{Service: servertest.Start(t, servertest.Options{})}
	before := w.size(t)
	for name, more := range map[string][]string{
		"compressed": {"grpc-encoding", "gzip"}, "an unknown compression": {"grpc-encoding", "br"},
		"a bad time limit": {"grpc-timeout", "x"}, "two hosts": {"host", "a", "host", "b"}, "a connection header": {"connection", "close"},
		"bad binary metadata": {"a-bin", "%%%"}, "headers of 17 KiB": {"a", strings.Repeat("b", 17<<10)},
	} {
		compressed := byte(0)
		if more[0] == "grpc-encoding" {
			compressed = 1
		}
		if code, _ := w.wire(t, w.Admin.Device).ask(t, whoAmI, compressed, &amparov1.WhoAmIRequest{}, more...); code == "0" || code == "" {
			t.Errorf("%s: code %q", name, code)
		}
	}
	for _, leaf := range w.since(t, before) {
		if leaf.GetOutcome() == amparov1.LeafOutcome_LEAF_OUTCOME_DONE {
			t.Errorf("a handler was reached: %s", leaf.GetAction())
		}
	}
}

// TestStreamsOfAConnection: beyond the limit a stream is refused, and may be tried
// again.
func TestStreamsOfAConnection(t *testing.T) {
	w := &world{Service: servertest.Start(t, servertest.Options{})}
	reader := w.Enrol(t, "operator", []amparov1.Role{amparov1.Role_ROLE_HOTLINE_OPERATOR}, []string{"north"})
	r, refused := w.wire(t, reader.Device), 0
	for range 80 {
		if _, err := r.headers("/amparo.v1.QueueService/WatchQueue", false); err != nil {
			t.Fatal(err)
		}
	}
	for refused < 16 {
		frame, err := r.ReadFrame()
		if err != nil {
			t.Fatalf("%d streams beyond the limit were refused, want 16: %v", refused, err)
		}
		if reset, ok := frame.(*http2.RSTStreamFrame); ok && reset.ErrCode == http2.ErrCodeRefusedStream {
			refused++
		}
	}
}

// honest calls from time to time, as somebody at work would, and keeps how long the
// answers took.
type honest struct {
	sync.Mutex
	took   []time.Duration
	failed []error
}

func (h *honest) work(ctx context.Context, person *servertest.Person) {
	client := amparov1.NewStaffServiceClient(person.Conn)
	for ctx.Err() == nil {
		begin := time.Now()
		_, err := client.WhoAmI(ctx, &amparov1.WhoAmIRequest{})
		h.Lock()
		if err != nil && ctx.Err() == nil {
			h.failed = append(h.failed, err)
		}
		h.took = append(h.took, time.Since(begin))
		h.Unlock()
		time.Sleep(2 * time.Millisecond)
	}
}

func (h *honest) calls() int {
	h.Lock()
	defer h.Unlock()
	return len(h.took)
}

// TestFloods sends floods of frames, by a stranger and by somebody known. Those at
// work are served meanwhile, and the service does not grow.
func TestFloods(t *testing.T) {
	w := &world{Service: servertest.Start(t, servertest.Options{})}
	worker := w.Enrol(t, "worker", auditor, nil)
	known := w.Enrol(t, "known", auditor, nil)
	frames := 10_000
	if *long {
		frames = 100_000
	}
	for name, flood := range map[string]func(*wire) error{
		"continuation": func(r *wire) error { return continuations(r, frames) },
		"rapid reset":  func(r *wire) error { return resets(r, frames) },
		"ping": func(r *wire) error {
			return repeat(frames, func() error { return r.WritePing(false, [8]byte{1}) })
		},
		"settings": func(r *wire) error {
			return repeat(frames, func() error { return r.WriteSettings(http2.Setting{ID: http2.SettingInitialWindowSize, Val: 65535}) })
		},
		"priority and windows": func(r *wire) error {
			return repeat(frames, func() error {
				return errors.Join(r.WriteWindowUpdate(0, 1), r.writeUnknown())
			})
		},
	} {
		for who, device := range map[string]*servertest.Device{"a stranger": servertest.NewDevice(t), "somebody known": known.Device} {
			t.Run(name+" by "+who, func(t *testing.T) { w.flood(t, worker, device, flood) })
		}
	}
}

func (w *world) flood(t *testing.T, worker *servertest.Person, device *servertest.Device, flood func(*wire) error) {
	before := memoryInUse()
	ctx, cancel := context.WithCancel(t.Context())
	at := &honest{}
	var working sync.WaitGroup
	working.Go(func() { at.work(ctx, worker) })
	r := w.wire(t, device)
	_ = r.conn.SetDeadline(time.Now().Add(3 * time.Second)) // who floods does not read: writing may block
	err := flood(r)
	grown := int64(memoryInUse()) - int64(before)
	_ = r.conn.Close()
	for begin := time.Now(); at.calls() < 10 && time.Since(begin) < 5*time.Second; {
		time.Sleep(time.Millisecond)
	}
	cancel()
	working.Wait()
	slices.Sort(at.took)
	slowest := at.took[len(at.took)*99/100]
	t.Logf("ended with %v; %d honest calls, 99 of 100 within %v; grown by %d KiB", err, len(at.took), slowest, grown>>10)
	if len(at.failed) > 0 || len(at.took) < 10 || slowest > time.Second {
		t.Errorf("honest calls: %d, of which %d failed, 99 of 100 within %v", len(at.took), len(at.failed), slowest)
	}
	if grown > 64<<20 {
		t.Errorf("the service grew by %d MiB", grown>>20)
	}
}

func memoryInUse() uint64 {
	runtime.GC()
	var stats runtime.MemStats
	runtime.ReadMemStats(&stats)
	return stats.HeapInuse + stats.StackInuse
}

func repeat(times int, write func() error) error {
	for range times {
		if err := write(); err != nil {
			return err
		}
	}
	return nil
}

// writeUnknown writes a frame that HTTP/2 says to ignore.
func (r *wire) writeUnknown() error { return r.WriteRawFrame(0x2a, 0, 0, []byte("ignored")) }

// continuations is one request whose headers never end: 16 KiB a frame.
func continuations(r *wire, frames int) error {
	if _, err := r.headers(whoAmI, false); err != nil {
		return err
	}
	r.text.Reset()
	_ = r.pack.WriteField(hpack.HeaderField{Name: ":method", Value: "POST"})
	if err := r.WriteHeaders(http2.HeadersFrameParam{StreamID: r.next, BlockFragment: r.text.Bytes()}); err != nil {
		return err
	}
	return repeat(min(frames, 1024*(frames/1000)), func() error { // 160 MiB, in the short form
		r.text.Reset()
		_ = r.pack.WriteField(hpack.HeaderField{Name: "x" + strconv.Itoa(frames), Value: strings.Repeat("y", 16000), Sensitive: true})
		return r.WriteContinuation(r.next, false, r.text.Bytes())
	})
}

// resets are calls that are taken back as soon as they are made.
func resets(r *wire, times int) error {
	return repeat(times, func() error {
		stream, err := r.headers(whoAmI, true)
		return errors.Join(err, r.WriteRSTStream(stream, http2.ErrCodeCancel))
	})
}
