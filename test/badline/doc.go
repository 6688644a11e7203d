// Package badline takes requests for help in over a line as bad as they come: 32
// kbit/s, a second and a half for every round trip, and connections that break at
// any moment, loudly, silently, or in one direction only. The client is the real
// one with its outbox, the service is whole, and between them stands the proxy of
// line_test.go. It holds tests only.
//
// What it proves: each request is answered within a minute or lies in the outbox,
// and when the line is good again each is there exactly once, with the time of its
// call. The short form runs twelve at a twentieth of all times; the flag -long runs
// two hundred as they are: go test ./test/badline -long -timeout 60m -v.
package badline
