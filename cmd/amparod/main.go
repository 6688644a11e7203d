// Amparod is the service: it keeps case files sealed and answers the client,
// amparo. See amparod --help, and the README for a service operator's day.
//
// Standard error is JSON lines for the operator's log; none of them holds anything
// about a person. SIGTERM and SIGINT drain and stop.
package main

import (
	"os"
	_ "time/tzdata" // safe hours are in the person's zone, also where the machine knows no zones
)

func main() {
	os.Exit(run(os.Args[1:]))
}
