package main

import (
	"context"
	"fmt"

	"github.com/spf13/cobra"

	amparov1 "github.com/amparo-project/amparo/api/amparo/v1"
	"github.com/amparo-project/amparo/internal/client"
)

func (a *app) planCommand() *cobra.Command {
	c := &cobra.Command{
		Use:   "plan ID",
		Short: "Write the protection plan of a case, or show it",
		Long: `Without --file shows the plan. With it, takes a SetPlanRequest, the whole plan:

  plan:
    measures:
      - {what: a new lock, who: her brother, due_on: 2027-01-15, progress: planned}
    agreement:
      agreed_at: 2027-01-10T18:00:00Z
      channel: signal        # or why_not: not_reached, unsafe_to_speak, no_time, ...
    check_in_hours: 48       # moves a term only where the policy asks less often
    missed_contact:          # after how many missed check-ins in a row
      - {missed: 1, what: call again within the hour, whom: her sister}
      - {missed: 2, what: alert the lawyer, whom: the lawyer}
    review_on: 2027-02-10
    emergency_plan: what whoever answers at night does first

Each writing makes a new version; earlier ones stay readable with --version.`,
		Example: `  amparo case plan ` + exampleCase + ` --file plan.yaml
  amparo case plan ` + exampleCase + `
  amparo case plan ` + exampleCase + ` --version 1`,
		Args: asUsed,
	}
	file := fileFlag(c, "the SetPlanRequest")
	version := c.Flags().Uint32("version", 0, "show this version (default the newest)")
	c.RunE = a.do(func(ctx context.Context, arguments []string) error {
		if *file == "" {
			return a.showPlan(ctx, &amparov1.GetPlanRequest{CaseId: arguments[0], PlanVersion: *version})
		}
		if *version != 0 {
			return usage("--version shows a plan; it does not go with --file")
		}
		request := &amparov1.SetPlanRequest{}
		if err := a.readAbout(*file, arguments[0], request); err != nil {
			return err
		}
		return step(a, func(conn *client.Conn) (*amparov1.SetPlanResponse, error) {
			return conn.Plans.SetPlan(ctx, request)
		}, func(p *page, answer *amparov1.SetPlanResponse) {
			p.entry("plan", fmt.Sprintf("version %d", answer.GetPlanVersion()))
		})
	})
	return c
}

func (a *app) showPlan(ctx context.Context, request *amparov1.GetPlanRequest) error {
	return a.with(func(conn *client.Conn) error {
		answer, err := conn.Plans.GetPlan(ctx, request)
		if err != nil {
			return err
		}
		return a.show(answer, func(p *page) {
			if answer.GetPlan() == nil {
				p.line("There is no protection plan yet.")
				return
			}
			p.plan(answer.GetPlan())
		})
	})
}

// plan writes a protection plan in the order in which somebody needs it: what to do
// in an emergency, whom to call when nobody is heard of, and then the rest.
func (p *page) plan(plan *amparov1.ProtectionPlan) {
	content := plan.GetContent()
	p.line(fmt.Sprintf("version %d", plan.GetVersion()), p.ago(plan.GetWrittenAt()))
	p.entry("by", plan.GetWrittenById())
	if why := word(content.GetAgreement().GetWhyNot()); why != "" {
		p.entry("agreed", "not yet: "+why)
	} else {
		p.entry("agreed", p.at(content.GetAgreement().GetAgreedAt())+", by "+word(content.GetAgreement().GetChannel()))
	}
	p.entry("", content.GetAgreement().GetText())
	p.entry("emergency", content.GetEmergencyPlan())
	p.entry("check-in", fmt.Sprintf("every %d h", content.GetCheckInHours())+
		yes(content.GetCheckInChannel() != 0, ", by "+word(content.GetCheckInChannel())))
	for _, step := range content.GetMissedContact() {
		p.entry(fmt.Sprintf("after %d missed", step.GetMissed()), step.GetWhat()+yes(step.GetWhom() != "", ": "+step.GetWhom()))
	}
	for _, measure := range content.GetMeasures() {
		p.entry("measure", measure.GetWhat()+" ("+measure.GetWho()+yes(measure.GetDueOn() != "", ", by "+measure.GetDueOn())+
			", "+word(measure.GetProgress())+")")
	}
	p.entry("review on", content.GetReviewOn())
}
