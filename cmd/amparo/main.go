// Command amparo is the client of the service: for operators at a hotline, case
// officers, reviewers, administrators and auditors, and for scripts.
//
// main.go only starts it; root.go holds what all commands share, and each group of
// commands has a file. What decides anything is in the service, and what a desk
// would need too is in internal/client.
package main

import (
	"context"
	"os"
	"os/signal"
	"syscall"
)

func main() {
	os.Exit(start())
}

// start is apart from main so that what was deferred runs before the exit.
func start() int {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	return run(ctx, processTerminal(), os.Args[1:])
}
