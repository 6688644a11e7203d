// Package vocabulary holds the codes for acts and perpetrators that an intake may
// use, each with a short English label. ActLabel and PerpetratorLabel explain one
// code; Acts and Perpetrators list them in the order in which a form would.
//
// The twelve-digit codes are those of the HURIDOCS micro-thesauri (Events Standard
// Formats; list 4 for acts, list 24 for perpetrators), two digits a level, padded
// with zeros; 90 stands for another, 99 for not known. The labels are Amparo's. The
// thesauri have no digital attacks, so those have codes of Amparo's own, AMP-D01
// and on, after the sixteen kinds that CiviCDR tells apart. This is a working
// selection of the 532 acts of list 4 and holds no translations.
package vocabulary

import "slices"

// Entry is one code with its label.
type Entry struct {
	Code  string
	Label string
}

var acts = []Entry{
	{"010101000000", "deliberate killing"},
	{"010101020000", "extra-judicial execution"},
	{"010109000000", "attempted killing"},
	{"020101000000", "physical assault"},
	{"020102000000", "sexual violence"},
	{"020103010000", "threats"},
	{"020103020000", "death threats"},
	{"020103020100", "death threats against the person"},
	{"020103020200", "death threats against the family"},
	{"020103020300", "death threats against friends or colleagues"},
	{"020103030000", "surveillance"},
	{"020103040000", "stalking"},
	{"020103050000", "sexual harassment"},
	{"020111110000", "torture"},
	{"030101000000", "arrest"},
	{"030102000000", "detention"},
	{"030103000000", "disappearance"},
	{"030104000000", "abduction"},
	{"030105000000", "house arrest"},
	{"040101000000", "illegal search or raid of a home"},
	{"050104000000", "displacement"},
	{"050106000000", "travel ban"},
	{"120101000000", "closure of an office"},
	{"120102000000", "raid of an office"},
	{"120103000000", "ban of a group"},
	{"120105000000", "limits on gatherings"},
	{"140101000000", "defamation"},
	{"350114000000", "denial of a fair trial"},
	{"AMP-D01", "account taken over"},
	{"AMP-D02", "service flooded until it fails"},
	{"AMP-D03", "data destroyed or lost"},
	{"AMP-D04", "messaging or calling app disrupted"},
	{"AMP-D05", "private information leaked"},
	{"AMP-D06", "network shut down"},
	{"AMP-D07", "attempt to break in"},
	{"AMP-D08", "known weakness left open"},
	{"AMP-D09", "device or system fails for no clear cause"},
	{"AMP-D10", "website that does harm to visitors"},
	{"AMP-D11", "malicious software or spyware"},
	{"AMP-D12", "deceived into giving access"},
	{"AMP-D13", "content blocked or taken down"},
	{"AMP-D14", "device stolen or confiscated"},
	{"AMP-D15", "phone or computer broken into"},
	{"AMP-D16", "website or server broken into"},
	{"900000000000", "another act"},
	{"990000000000", "not known"},
}

var perpetrators = []Entry{
	{"010103000000", "armed forces"},
	{"010104000000", "police"},
	{"010105000000", "prison staff"},
	{"010106000000", "intelligence services"},
	{"010300000000", "judges and prosecutors"},
	{"020101000000", "paramilitary group"},
	{"020102000000", "vigilantes or death squad"},
	{"020201000000", "armed opposition group"},
	{"020400000000", "private guards"},
	{"020500000000", "mob"},
	{"110100000000", "family or household"},
	{"110300000000", "people at the place of work"},
	{"210100000000", "company"},
	{"210102000000", "transnational company"},
	{"210200000000", "landowners"},
	{"900000000000", "another"},
	{"990000000000", "not known"},
}

var (
	actLabels         = labels(acts)
	perpetratorLabels = labels(perpetrators)
)

func labels(entries []Entry) map[string]string {
	byCode := make(map[string]string, len(entries))
	for _, e := range entries {
		byCode[e.Code] = e.Label
	}
	return byCode
}

// Acts returns the acts.
func Acts() []Entry { return slices.Clone(acts) }

// Perpetrators returns the kinds of perpetrator.
func Perpetrators() []Entry { return slices.Clone(perpetrators) }

// ActLabel returns the label of an act, and whether the code is known.
func ActLabel(code string) (string, bool) {
	label, known := actLabels[code]
	return label, known
}

// PerpetratorLabel returns the label of a kind of perpetrator, and whether the code
// is known. The same digits may mean something else among the acts.
func PerpetratorLabel(code string) (string, bool) {
	label, known := perpetratorLabels[code]
	return label, known
}
