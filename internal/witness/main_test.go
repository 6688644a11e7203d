package witness_test

import (
	"flag"
	"os"
	"testing"
)

// TestMain lets more tests run at once than there are cores: nearly all of them wait for
// somebody who is slow.
func TestMain(m *testing.M) {
	flag.Parse()
	_ = flag.Set("test.parallel", "16")
	os.Exit(m.Run())
}
