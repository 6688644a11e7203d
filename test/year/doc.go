// Package year lets a service live through a year in minutes and kills it on the
// way. It holds tests only.
//
// TestYear starts this test's own program again as a service of its own process, on
// a data folder with the real engine and a clock that it steps; kills it with SIGKILL
// at any moment, more than fifty times, and lets some of the stops be long; and then
// reads the timelines: every warning, every breach and every rung of the ladder is
// there exactly once, as a plain model makes them of what happened in each case.
// Begin to read at TestYear; the service is in life_test.go, the model in
// model_test.go.
//
// Nothing that ships can step its clock. The short form is two months and six kills;
// the whole year: go test ./test/year -long -timeout 30m.
package year
