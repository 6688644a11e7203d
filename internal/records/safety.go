package records

import (
	amparov1 "github.com/amparo-project/amparo/api/amparo/v1"
	"github.com/amparo-project/amparo/internal/safety"
)

// Safety is how the person of a case can be reached, with the words for duress in it:
// show it with safety.Shown or safety.Advise only. Until somebody changes it, it is
// what the intake says, in a case of an earlier release as in one of today.
func (f *File) Safety() (*amparov1.Safety, error) {
	held := &amparov1.Safety{}
	if found, err := f.Get(recordSafety, "", held); found || err != nil {
		return held, err
	}
	taken := &amparov1.Intake{}
	if _, err := f.Get(RecordIntake, "", taken); err != nil {
		return nil, err
	}
	return safety.Begin(taken), nil
}

// SetSafety keeps how the person can be reached.
func (f *File) SetSafety(held *amparov1.Safety) { f.Put(recordSafety, "", held) }
