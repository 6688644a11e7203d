package access

import (
	"fmt"
	"slices"
	"strings"

	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/reflect/protoreflect"

	amparov1 "github.com/amparo-project/amparo/api/amparo/v1"
)

// Rules holds what each method declares, by its full name with leading slash.
// Only that exact spelling is known: a path that differs in case, slashes or
// escapes is no method.
type Rules map[string]*amparov1.AccessRule

// Load reads the rules from the descriptors of the files given. A method that
// declares nothing, or half of it, is an error: the service must not start with
// a door that nobody thought of.
func Load(files ...protoreflect.FileDescriptor) (Rules, error) {
	rules := Rules{}
	for _, file := range files {
		services := file.Services()
		for i := range services.Len() {
			if err := rules.addService(services.Get(i)); err != nil {
				return nil, err
			}
		}
	}
	return rules, nil
}

// LoadV1 reads the rules of every service of amparo.v1.
func LoadV1() (Rules, error) {
	return Load(
		amparov1.File_amparo_v1_audit_proto,
		amparov1.File_amparo_v1_capsule_proto,
		amparov1.File_amparo_v1_card_proto,
		amparov1.File_amparo_v1_case_proto,
		amparov1.File_amparo_v1_consent_proto,
		amparov1.File_amparo_v1_deadline_proto,
		amparov1.File_amparo_v1_disclosure_proto,
		amparov1.File_amparo_v1_enrolment_proto,
		amparov1.File_amparo_v1_oncall_proto,
		amparov1.File_amparo_v1_handover_proto,
		amparov1.File_amparo_v1_link_proto,
		amparov1.File_amparo_v1_policy_proto,
		amparov1.File_amparo_v1_interpreter_proto,
		amparov1.File_amparo_v1_plan_proto,
		amparov1.File_amparo_v1_queue_proto,
		amparov1.File_amparo_v1_risk_proto,
		amparov1.File_amparo_v1_safety_proto,
		amparov1.File_amparo_v1_staff_proto,
		amparov1.File_amparo_v1_text_proto,
	)
}

func (r Rules) addService(service protoreflect.ServiceDescriptor) error {
	methods := service.Methods()
	for i := range methods.Len() {
		method := methods.Get(i)
		rule, _ := proto.GetExtension(method.Options(), amparov1.E_Access).(*amparov1.AccessRule)
		if err := complete(rule); err != nil {
			return fmt.Errorf("read access rule of %s: %w", method.FullName(), err)
		}
		r["/"+string(service.FullName())+"/"+string(method.Name())] = rule
	}
	return nil
}

func complete(rule *amparov1.AccessRule) error {
	if rule.GetCaller() == amparov1.Caller_CALLER_UNSPECIFIED {
		return fmt.Errorf("no caller is declared")
	}
	if rule.GetAction() == amparov1.LeafAction_LEAF_ACTION_UNSPECIFIED {
		return fmt.Errorf("no audit action is declared")
	}
	type grant struct {
		role     amparov1.Role
		relation amparov1.Relation
	}
	granted := map[grant]bool{}
	for _, allowance := range rule.GetAllow() {
		if len(allowance.GetRoles()) == 0 || allowance.GetRelation() == amparov1.Relation_RELATION_UNSPECIFIED {
			return fmt.Errorf("an allowance lacks roles or relation")
		}
		for _, role := range allowance.GetRoles() {
			if role == amparov1.Role_ROLE_UNSPECIFIED {
				return fmt.Errorf("an allowance names no role")
			}
			g := grant{role, allowance.GetRelation()}
			if granted[g] {
				// What stands in one method twice was meant for another.
				return fmt.Errorf("a role is granted one relation twice")
			}
			granted[g] = true
		}
	}
	return nil
}

// Allows reports whether somebody with the roles may make a call at all, given the
// right relation to what it is about.
func (r Rules) Allows(method string, roles []amparov1.Role) bool {
	return slices.ContainsFunc(r[method].GetAllow(), func(allowance *amparov1.Allowance) bool {
		return intersects(allowance.GetRoles(), roles)
	})
}

// Matrix renders the rules for people: a line a method, sorted, with the roles
// that may call it and on what relation. It is kept as a golden file so that a
// change to who may do what is read by somebody who knows the work.
func (r Rules) Matrix() string {
	var b strings.Builder
	for _, method := range r.sorted() {
		rule := r[method]
		fmt.Fprintf(&b, "%s\n", strings.TrimPrefix(method, "/amparo.v1."))
		switch {
		case rule.GetCaller() == amparov1.Caller_CALLER_INVITED:
			fmt.Fprintf(&b, "    whoever holds an invitation\n")
		case len(rule.GetAllow()) == 0:
			fmt.Fprintf(&b, "    everyone enrolled, confirmed or not\n")
		}
		for _, allowance := range rule.GetAllow() {
			for _, role := range allowance.GetRoles() {
				fmt.Fprintf(&b, "    %-22s %s\n", plain(role.String(), "ROLE_"), plain(allowance.GetRelation().String(), "RELATION_"))
			}
		}
	}
	return b.String()
}

func plain(name, prefix string) string {
	return strings.ReplaceAll(strings.ToLower(strings.TrimPrefix(name, prefix)), "_", "-")
}
