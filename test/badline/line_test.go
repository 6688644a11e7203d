package badline_test

import (
	"context"
	"io"
	"math/rand/v2"
	"net"
	"sync"
	"sync/atomic"
	"testing"
	"time"
)

// line is a bad line between a client and the service. Each direction carries so
// many bytes a second, whatever the number of connections, and takes half a round
// trip; some connections break after a number of bytes that is drawn.
type line struct {
	address string
	to      string
	rate    float64       // bytes a second, each way
	trip    time.Duration // there and back
	sound   bool          // nothing breaks

	carried [2]atomic.Int64 // bytes, each way

	mu   sync.Mutex
	luck *rand.Rand
	free [2]time.Time // when each direction has carried what it was given

	broken [4]int // connections by their fate
}

// fate is how a connection ends.
type fate int

const (
	whole   fate = iota // at the will of its ends
	torn                // both ends learn of it
	silent              // neither end learns of it, as behind a router that forgot
	oneWay              // the request arrives, its answer never
	noFates             // how many there are
)

// newLine opens a line to an address until the test ends.
func newLine(t *testing.T, to string, rate float64, trip time.Duration, seed uint64, sound bool) *line {
	t.Helper()
	listener, err := (&net.ListenConfig{}).Listen(t.Context(), "tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	l := &line{address: listener.Addr().String(), to: to, rate: rate, trip: trip, sound: sound, luck: rand.New(rand.NewPCG(seed, 1))}
	var all sync.WaitGroup
	all.Go(func() {
		for {
			near, err := listener.Accept()
			if err != nil {
				return
			}
			all.Go(func() { l.carry(ctx, near) })
		}
	})
	t.Cleanup(func() {
		cancel()
		_ = listener.Close()
		all.Wait()
	})
	return l
}

// handshake is what a client has sent when it begins to send a request, in bytes, or
// a little more.
const handshake = 2_300

// draw decides how a connection ends, and after how many bytes. A handshake and an
// intake are some five thousand, so each step of them is hit.
func (l *line) draw() (fate, int) {
	l.mu.Lock()
	defer l.mu.Unlock()
	f := []fate{whole, whole, whole, torn, torn, silent, oneWay, oneWay}[l.luck.IntN(8)]
	if l.sound {
		f = whole
	}
	l.broken[f]++
	return f, l.luck.IntN(6_000)
}

// carry joins a connection with one of its own to the service.
func (l *line) carry(ctx context.Context, near net.Conn) {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	defer near.Close()
	pause(ctx, l.trip) // the one that opens a connection
	far, err := (&net.Dialer{}).DialContext(ctx, "tcp", l.to)
	if err != nil {
		return
	}
	defer far.Close()
	c := &carried{line: l}
	c.fate, c.left = l.draw()
	ended := make(chan bool, 2)
	go func() { ended <- c.pump(ctx, 0, far, near) }()
	go func() { ended <- c.pump(ctx, 1, near, far) }()
	if closed := <-ended; closed || c.fate == torn {
		return
	}
	// Neither end is told. Its own patience ends a silence.
	<-ctx.Done()
}

// carried is one connection on the line.
type carried struct {
	line *line
	fate fate
	mu   sync.Mutex
	left int // bytes until the fate
	up   int // bytes that the client has sent
}

// lost counts bytes and reports whether they do not arrive.
func (c *carried) lost(direction, n int) bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.left -= n
	if direction == 0 {
		c.up += n
	}
	switch c.fate {
	case torn, silent:
		return c.left <= 0
	case oneWay:
		return direction == 1 && c.up > handshake
	default:
		return false
	}
}

// piece is what is under way.
type piece struct {
	bytes []byte
	due   time.Time
}

// pump carries one direction, and reports whether its end was told to the other.
func (c *carried) pump(ctx context.Context, direction int, to io.Writer, from io.Reader) bool {
	way := make(chan piece, 256)
	broke := make(chan bool, 1)
	go func() {
		defer close(way)
		for {
			buffer := make([]byte, 512)
			n, err := from.Read(buffer)
			c.line.carried[direction].Add(int64(n))
			if n > 0 && c.lost(direction, n) {
				broke <- true
				return
			}
			if n > 0 {
				select {
				case way <- piece{buffer[:n], c.line.arrival(direction, n)}:
				case <-ctx.Done():
					return
				}
			}
			if err != nil {
				return
			}
		}
	}()
	for p := range way {
		if !pause(ctx, time.Until(p.due)) {
			return true
		}
		if _, err := to.Write(p.bytes); err != nil {
			return true
		}
	}
	select {
	case <-broke:
		return false
	default:
		return true
	}
}

// arrival is when so many bytes that are sent now have arrived.
func (l *line) arrival(direction, n int) time.Time {
	l.mu.Lock()
	defer l.mu.Unlock()
	start := time.Now()
	if l.free[direction].After(start) {
		start = l.free[direction]
	}
	l.free[direction] = start.Add(time.Duration(float64(n) / l.rate * float64(time.Second)))
	return l.free[direction].Add(l.trip / 2)
}

func pause(ctx context.Context, d time.Duration) bool {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-ctx.Done():
		return false
	case <-timer.C:
		return true
	}
}
