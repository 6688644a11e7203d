package casefile

import (
	amparov1 "github.com/amparo-project/amparo/api/amparo/v1"
)

// Befall notes in a case what befell its person, and what that does to its terms in
// the entry that tells of it. A death ends the check-ins, since nobody can be late
// with them any more; if it turns out to be untrue they begin again in a case that is
// being worked.
func (a Act) Befall(c *amparov1.Case, status amparov1.PersonStatus, entry *amparov1.TimelineEntry) error {
	wasDead := died(c)
	c.PersonStatus = status
	switch {
	case died(c):
		return a.Record(c, entry, meets(checkIn))
	case wasDead && beingWorked(c):
		return a.Record(c, entry, startsCheckIn(c, a.Now)...)
	}
	return nil
}

func died(c *amparov1.Case) bool {
	return c.GetPersonStatus() == amparov1.PersonStatus_PERSON_STATUS_DECEASED
}
