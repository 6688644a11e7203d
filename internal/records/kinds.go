package records

import (
	amparov1 "github.com/amparo-project/amparo/api/amparo/v1"
	"github.com/amparo-project/amparo/internal/access"
	"github.com/amparo-project/amparo/internal/seal"
	"github.com/amparo-project/amparo/internal/store/storepb"
)

// Invitation is what the service keeps of an invitation.
type Invitation = storepb.InvitationState

// CreateCase begins the file of a case. The identity is a record apart from the
// facts, and the head holds neither.
func (w *Work) CreateCase(permit access.Permit, c *amparov1.Case, facts *amparov1.Intake, identity *amparov1.Identity) (*File, error) {
	head := &storepb.Head{Pseudonym: c.GetPseudonym(), Content: &storepb.Head_Case{Case: c}}
	file, err := w.create(permit, kindCase, c.GetId(), head)
	if err != nil {
		return nil, err
	}
	file.Put(RecordIntake, "", facts)
	file.Put(RecordIdentity, "", identity)
	return file, nil
}

// CreateInvitation begins the file of an invitation.
func (w *Work) CreateInvitation(permit access.Permit, id string, invitation *Invitation) error {
	_, err := w.create(permit, kindInvitation, id, &storepb.Head{Content: &storepb.Head_Invitation{Invitation: invitation}})
	return err
}

// Assessments are the risk assessments of a case, the oldest first.
func (f *File) Assessments() ([]*amparov1.RiskAssessment, error) {
	made := &storepb.RiskFile{}
	_, err := f.Get(recordRisk, "", made)
	return made.GetAssessments(), err
}

// SetAssessments replaces the risk assessments of a case.
func (f *File) SetAssessments(made []*amparov1.RiskAssessment) {
	f.Put(recordRisk, "", &storepb.RiskFile{Assessments: made})
}

// Offices are those that the staff directory knows.
func (f *File) Offices() []string { return f.head.GetDirectory().GetOffices() }

// AddOffice begins an office.
func (f *File) AddOffice(code string) {
	directory := f.head.GetDirectory()
	directory.Offices = append(directory.GetOffices(), code)
	f.touched = true
}

// ValidRecipient reports whether the text is one age recipient.
func ValidRecipient(text string) bool { return seal.IsRecipient(text) }
