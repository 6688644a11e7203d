package main

import amparov1 "github.com/amparo-project/amparo/api/amparo/v1"

// card writes a card in the order in which it is needed with somebody on the line:
// how pressing it is, how to reach the person, who is there to help.
func (p *page) card(c *amparov1.Card) {
	p.line(p.risk(c.GetRiskLevel()), word(c.GetState()))
	p.entry("case", c.GetCaseId())
	p.entry("pseudonym", c.GetPseudonym())
	p.entry("emergency plan", c.GetEmergencyPlan()+yes(c.GetEmergencyPlanWithheld(), "not shown: somebody else may be reading"))
	p.advice(c.GetAdvice())
	p.heading("On duty")
	for _, one := range c.GetOnDuty() {
		if one.GetStaffId() == "" {
			p.entry(word(one.GetPart()), "not named: somebody else may be reading")
			continue
		}
		p.entry(word(one.GetPart()), one.GetName()+"  "+one.GetStaffId())
	}
}
