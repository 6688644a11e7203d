// Package bench measures the whole service against what the same machine can do
// without it. It holds nothing but tests.
//
// Each benchmark runs the service in this process, over mTLS on a loopback address
// and on a bolt file, in turn with a ceiling: a bare mTLS handler that does only
// what cannot be left out. Their slices alternate within one run, because the rates
// of a shared machine move by half from one minute to the next; what counts is the
// ratio, the median over the rounds. Callers and service share the machine's cores.
//
// The rows of the table in the README are printed by
//
//	go test ./internal/bench -run '^$' -bench 'Intake|GetCase|Decision|Scale|Index|Sweep|Audit' -timeout 30m | grep '^|'
//
// in about a minute and a half, with 100,000 cases. With -million they are a
// million: it takes several minutes, nearly all of them to fill the store, and 6 GB
// of temporary space (TMPDIR says where). Without the grep, go test adds what the
// rows leave out, such as the processor time of one call on either side.
//
// Where the time goes, of 64 callers that take intakes; Profile/read is the other one:
//
//	go test ./internal/bench -run '^$' -bench Profile/intake -cpuprofile cpu.out -o bench.test
//	go tool pprof -top bench.test cpu.out
//
// What is left out: other stores, whose numbers come from other runs, and the
// network, which is the same for everybody.
package bench
