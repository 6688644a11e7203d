package main

// What the people of the demo type and send. Nobody in it is real; the numbers are
// of ranges that are given to nobody.

const demoIntake = `# A first call, at night, from the person herself.
intake:
  channel: hotline
  safe_contact:
    channel: signal
    address: "+41790000017"
    language: uk
    time_zone: Europe/Kyiv
    windows:
      - {from: "20:00", until: "23:30"}
    code_word: nightheronlantern
    do_not_leave_message: true
    do_not_name_organisation: true
    instructions: Never call the landline at the grandmotherhouse.
  submitter: {kind: self}
  identity:
    person:
      legal_name: Зоряна Канарейченко
      latin_alias: Zoriana Kanareichenko
      aliases: [Zirka Canaria]
      birth_date: 1984-03~
      sex: female
      nationalities: [UA]
      current_country: UA
      identifiers:
        - {kind: number, value: "+41790000018"}
        - {kind: handle, value: "@zirka_canaria"}
      rights_work:
        sectors: [environment, anti_corruption]
        role: spokesperson of a village
  situation: |
    Since Monday two men in a greyvolgaseventeen wait before the house.
    Last night they slipped a note under the door: canarysituationtext.
  incidents:
    - act_code: "020103020000"
      date: 2026-03
      country: UA
      place: canaryvillage
      description: A note with a funeral ribbon, canaryincidenttext.
  urgency_self_assessed: hours
  needs:
    - {code: urgent_relocation, description: canaryneedtext}
    - {code: physical_security}
  beneficiaries:
    - {sex: female, age_group: 18_59, count: 1}
    - {sex: female, age_group: 6_11, count: 1, family: true}
`

const demoDuplicate = `# An hour later: a friend calls another desk, and spells the name as she hears it.
intake:
  channel: partner
  submitter:
    kind: third_party
    name: Pavlo Canaryfriend
    relation: friend
    may_contact_subject_directly: true
  identity:
    person:
      legal_name: ZORYANA KANAREYCHENKO
      current_country: UA
      identifiers:
        - {kind: number, value: "0041 79 000 00 18"}
  situation: She does not answer since noon, canaryduplicatetext.
  urgency_self_assessed: days
`

const demoTriage = `priority_class: hrd_at_risk
outcome: accepted
programme: emergency_support
risk:
  level: extreme
  reasons: The same men beat a neighbour last year, canaryreasonstext.
  threats: [a note with a funeral ribbon, men before the house]
  vulnerabilities: [lives alone with a child]
  capacities: [a sister abroad]
  threat_rating: 5
  vulnerability_rating: 4
  capacity_rating: 2
  capable_death_threat: true
text: canarytriagetext
`

const demoNoAnswer = `contact:
  channel: signal
  outcome: no_answer
  text: Rang twice and left no message, canaryfirstattempt.
`

const demoReached = `contact:
  channel: signal
  outcome: reached
  language: uk
  text: She gave the code word and is at her sister's, canarysecondattempt.
`

const demoHoldText = "She travels and asks not to be called, canaryholdtext."

const demoNote = "The bus leaves at six from the yard behind the school, canarynotetext."

const demoClosing = `closing:
  reason: needs_met
  retention_wish: erase_early
  outcome: She and the child are in a safe place, canaryoutcometext.
  follow_up: A call in thirty days by the case officer, canaryfollowup.
`

const demoReturning = `# Somebody whom the office knows; only the team may know of the case.
intake:
  channel: hotline
  restricted: true
  safe_contact:
    channel: phone
    address: "+41790000019"
    language: es
    time_zone: America/Bogota
    windows:
      - {from: "19:00", until: "22:00"}
    code_word: canarycountersign
    duress_word: canaryduressword
  submitter: {kind: self}
  identity:
    person:
      legal_name: Marisol Canaryvoice
      age_group: 18_59
      current_country: CO
  situation: Her union is being watched again, canaryreturningtext.
  urgency_self_assessed: days
`

const demoProxy = `answer: canarycountersign
change:
  contact:
    kind: proxy
    name: Abril Canaryproxy
    relation: sister
    way: {channel: signal, address: "+41790000020", time_zone: America/Bogota}
    may_tell: [case_exists, well_being, legal]
  text: She gave it over the known number, canaryproxytext.
`

const demoWishes = `instructions:
  - event: detained
    text: Call the lawyers' collective, and nobody at her work, canarywishestext.
`

const demoArrest = `report:
  status: detained
  source: family
  device_seized: true
  text: Her sister saw two men put her into a car, canaryarresttext.
`

const demoPlainCall = `contact:
  channel: phone
  outcome: reached
  contact_number: 1
  text: A short call from her own number, canaryplaincall.
word: canarycountersign
`

const demoDuressCall = `contact:
  channel: phone
  outcome: reached
  contact_number: 1
  text: A short call from her own number, canaryduresscall.
word: canaryduressword
`

const demoHandoverNote = "Calls again at six, canaryhandovernote."

// demoSearch is the name as somebody else would type it.
const demoSearch = "zoryana kanareychenko"

// canaries are pieces of the inputs above that must lie nowhere in the clear. Each
// must be found among the inputs, so that none can fall out of the search.
var canaries = []string{
	"Зоряна", "Канарейченко", "Kanareichenko", "KANAREYCHENKO", "kanareychenko", "Zirka Canaria", "zirka_canaria",
	"+41790000017", "+41790000018", "0041 79 000 00 18", "nightheronlantern", "grandmotherhouse", "greyvolgaseventeen",
	"canarysituationtext", "canaryvillage", "canaryincidenttext", "canaryneedtext", "Canaryfriend", "canaryduplicatetext",
	"canaryreasonstext", "canarytriagetext", "funeral ribbon", "canaryfirstattempt", "canarysecondattempt", "canaryholdtext",
	"canarynotetext", "canarymeasuretext", "Canarysister", "canaryagreementtext", "canarymissedtext", "canaryemergencytext", "canaryoutcometext", "canaryfollowup", "Olena Canaryoperator", "Ines Canaryofficer",
	"Tomas Canarycolleague", "Aiko Canaryauditor", "Bilal Canaryrelief", "Mara Canaryreviewer", "Ewa Canaryhead",
	"+41790000019", "+41790000020", "canarycountersign", "canaryduressword", "Canaryvoice", "canaryreturningtext", "Canaryproxy",
	"canaryproxytext", "canarywishestext", "canaryarresttext", "canaryplaincall", "canaryduresscall", "Canarycutline", "canarygatetext",
	"canaryhandovernote", "Canaryemployer", "canaryrefusaltext", "Lucía Canarydaughter", "canaryauthoritytext", "Canarylawyer", "canarywitness",
	"canarymitigationtext", "canaryreasonforit", "canarydawntext",
}

// demoPeople are those who enrol after the administrator.
var demoPeople = []struct{ profile, name, role, office string }{
	{"operator", "Olena Canaryoperator", "hotline-operator", "berlin"},
	{"officer", "Ines Canaryofficer", "case-officer", "berlin"},
	{"relief", "Bilal Canaryrelief", "hotline-operator", "berlin"},
	{"reviewer", "Mara Canaryreviewer", "reviewer", "berlin"},
	{"head", "Ewa Canaryhead", "head-of-secretariat", "berlin"},
	{"colleague", "Tomas Canarycolleague", "case-officer", "berlin"},
	{"auditor", "Aiko Canaryauditor", "auditor", ""},
}
