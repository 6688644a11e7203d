// Package night tests the two programs as they are used: amparod as a process of
// its own on a temporary data folder, people enrolled through package client, and
// real input. It holds tests only.
//
// TestIncidents takes a night of requests in, TestKill9 kills the service again and
// again under load, TestCanary looks for what people said in all the places where
// it must not be, and the tests in start_test.go hold both programs to the exit
// codes of their contract. Begin to read at newService, which every test calls.
//
// What can be tested in one process (the gate, each refusal, tampering with single
// records) is tested beside the package that does it. The flag -long runs 500 kills
// instead of 30, in about nine minutes: go test ./test/night -run Kill9 -long -timeout 60m.
package night
