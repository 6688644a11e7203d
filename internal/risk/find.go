package risk

import amparov1 "github.com/amparo-project/amparo/api/amparo/v1"

// Finder is how somebody who searches stands to a case that they may know of.
type Finder struct {
	OnTeam  bool
	OnShift bool // for the case's office
	Reviews bool // the cases of its office
	// Oversees what only a team may know of.
	Oversees bool
}

// MayFind reports whether somebody finds a case by a search, given how far it is found at
// its level of risk. A name that is typed in shows who has asked for help, so the more
// hangs on it the fewer can try; the queue, where nobody stands by name, is open to all
// who may know of a case. A reach that nobody has stated is the narrowest.
func MayFind(reach amparov1.SearchReach, f Finder) bool {
	switch reach {
	case amparov1.SearchReach_SEARCH_REACH_OFFICE:
		return true
	case amparov1.SearchReach_SEARCH_REACH_SHIFT:
		return f.OnTeam || f.OnShift || f.Reviews
	default:
		return f.OnTeam || f.Oversees
	}
}
