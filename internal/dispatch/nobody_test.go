package dispatch_test

import (
	"testing"
	"testing/synctest"
	"time"
)

// TestWhereNobodyIsLeftTheDispatcherRests: with an alarm that is for nobody, and
// somebody to take it later.
func TestWhereNobodyIsLeftTheDispatcherRests(t *testing.T) {
	live(t, func(n *night) {
		suspend(t, n.Records, "ana", "ben", "eva", "rut", "hal")
		raise(t, n.Records, duress)
		time.Sleep(time.Hour)
		synctest.Wait()
		n.want()
		hire(t, n.Records)
		time.Sleep(time.Minute)
		n.wantHas("mail ana")
	}, good("mail"))
}
