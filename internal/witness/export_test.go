package witness

import "time"

// Hurry lets a test live through a Cosigner's minutes in seconds.
func (c *Cosigner) Hurry(pace time.Duration) { c.pace = pace }
