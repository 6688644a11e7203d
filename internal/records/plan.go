package records

import (
	"strconv"

	amparov1 "github.com/amparo-project/amparo/api/amparo/v1"
)

// Plan is a version of the protection plan of a case, or the newest for 0. It is nil
// where the case has no such version.
func (f *File) Plan(version uint32) (*amparov1.ProtectionPlan, error) {
	if version == 0 {
		version = f.Case().GetPlan().GetVersion()
	}
	plan := &amparov1.ProtectionPlan{}
	if found, err := f.Get(recordPlan, planID(version), plan); !found || err != nil {
		return nil, err
	}
	return plan, nil
}

// AddPlan keeps a version of the protection plan of a case beside the earlier ones.
func (f *File) AddPlan(plan *amparov1.ProtectionPlan) {
	f.Put(recordPlan, planID(plan.GetVersion()), plan)
}

func planID(version uint32) string { return strconv.FormatUint(uint64(version), 10) }
