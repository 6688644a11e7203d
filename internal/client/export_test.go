package client

import "context"

// Verdicts lets a test be the service and the person that a connection's verdict on
// the log lies between.
func Verdicts(check func(context.Context) error, tell, vain func(*Failure)) (contact func(context.Context), finish func()) {
	v := &verdict{check: check, tell: tell, vain: vain}
	return v.contact, v.finish
}

// LogFault is what a checkpoint that does not fit comes to.
func LogFault() error { return logFault("a fault", nil) }
