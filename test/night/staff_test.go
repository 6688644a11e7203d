package night_test

import (
	"context"
	"os"
	"testing"
	"time"

	amparov1 "github.com/amparo-project/amparo/api/amparo/v1"
	"github.com/amparo-project/amparo/internal/client"
)

// person is an enrolled member of the staff with a line to the service.
type person struct {
	*client.Conn
	profile *client.Profile
}

func (p *person) id() string { return p.profile.StaffID }

// The roles under short names.
const (
	operator      = amparov1.Role_ROLE_HOTLINE_OPERATOR
	officer       = amparov1.Role_ROLE_CASE_OFFICER
	reviewer      = amparov1.Role_ROLE_REVIEWER
	head          = amparov1.Role_ROLE_HEAD_OF_SECRETARIAT
	auditor       = amparov1.Role_ROLE_AUDITOR
	administrator = amparov1.Role_ROLE_ADMINISTRATOR
	protector     = amparov1.Role_ROLE_DATA_PROTECTION_OFFICER
)

// patient is how staff wait for a service that is being restarted: the client goes
// on with the same request ids by itself.
var patient = client.Options{Timeout: 20 * time.Second, Patience: 30 * time.Second, Version: "night"}

// enrol makes a profile of an invitation and connects it.
func (s *service) enrol(profile, invitation string) (*person, *client.Enrolled) {
	s.t.Helper()
	enrolled, err := client.Enrol(s.t.Context(), client.Enrolment{
		Home: s.home, Name: profile, Invitation: invitation, Now: time.Now, Version: "night",
	})
	if err != nil {
		s.t.Fatalf("enrol %s: %v", profile, client.Explain(err))
	}
	return s.dial(enrolled.Profile, patient), enrolled
}

func (s *service) dial(profile *client.Profile, options client.Options) *person {
	s.t.Helper()
	conn, err := client.Dial(profile, options)
	if err != nil {
		s.t.Fatal(err)
	}
	s.t.Cleanup(func() { conn.Close() })
	return &person{Conn: conn, profile: profile}
}

// administrator enrols the first administrator.
func (s *service) administrator() *person {
	s.t.Helper()
	admin, _ := s.enrol("administrator", s.invitation)
	return admin
}

// hire invites, enrols and confirms a person. As long as nobody else could, the
// administrator who invited confirms too; afterwards that takes a second person.
func (s *service) hire(admin *person, profile string, role amparov1.Role, offices ...string) *person {
	s.t.Helper()
	return s.hireAs(admin, profile, profile, role, offices...)
}

func (s *service) hireAs(admin *person, profile, name string, role amparov1.Role, offices ...string) *person {
	s.t.Helper()
	ctx := s.t.Context()
	invited, err := admin.Staff.InviteStaff(ctx, &amparov1.InviteStaffRequest{
		Name: name, Roles: []amparov1.Role{role}, Offices: offices,
	})
	if err != nil {
		s.t.Fatalf("invite %s: %v", profile, client.Explain(err))
	}
	s.invited = append(s.invited, invited.GetInvitation())
	hired, enrolled := s.enrol(profile, invited.GetInvitation())
	if enrolled.ConfirmationCode != "" {
		confirmer := admin
		if s.second != nil {
			confirmer = s.second
		}
		if _, err := confirmer.Confirm(ctx, hired.id(), enrolled.ConfirmationCode, ""); err != nil {
			s.t.Fatalf("confirm %s: %v", profile, client.Explain(err))
		}
	}
	if s.second == nil && (role == reviewer || role == head) {
		s.second = hired
	}
	return hired
}

// pages walks a whole queue, page by page.
func (p *person) pages(ctx context.Context, t testing.TB, request *amparov1.ListQueueRequest) []*amparov1.QueueRow {
	t.Helper()
	var rows []*amparov1.QueueRow
	request.PageSize = 200
	for {
		page, err := p.Queue.ListQueue(ctx, request)
		if err != nil {
			t.Fatalf("list queue: %v", client.Explain(err))
		}
		rows = append(rows, page.GetRows()...)
		if request.PageToken = page.GetNextPageToken(); request.PageToken == "" {
			return rows
		}
	}
}

// exported takes the audit log away with the real command, which verifies it, and
// verifies it again from the file alone.
func (s *service) exported(who *person) string {
	s.t.Helper()
	path := s.dir + "/log.amparo"
	os.Remove(path)
	taken := s.runClient("", who.profile.Name, "audit", "export", "--to", path)
	if taken.exit != 0 {
		s.t.Fatalf("audit export: exit code %d: %s", taken.exit, taken.stderr)
	}
	verified := s.runClient("", who.profile.Name, "audit", "verify", path, "--log-key", who.profile.LogKey)
	if verified.exit != 0 {
		s.t.Fatalf("audit verify: exit code %d: %s", verified.exit, verified.stderr)
	}
	return path
}
