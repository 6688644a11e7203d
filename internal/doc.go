// Package internal is the map of the house. It holds no code; the tests beside
// this file keep the house in the shape described here.
//
// # One vocabulary
//
// The messages of proto/amparo/v1 (generated into api/amparo/v1) are the types of
// the domain. Rules work on them, the server answers with them, and a stored
// record is one of them inside an envelope. There are no mirror structs and no
// converters. What only the disk sees stands in proto/amparo/store/v1 and is
// generated into store/storepb.
//
// # Rules
//
// Rules are pure: they take messages and a time, and return messages, refusals and
// reasons. They import only other rules and the api messages. They know no
// context, no file, no network, no log, no goroutine and no clock.
//
//   - fault: the few kinds of error
//   - calendar: days, working days and months of one zone, and when a length ends
//   - deadline: terms and clocks: how long each may take, what is due, what was missed
//   - risk: an assessment's level and reasons, and what a level demands
//   - intake: what a request for help must hold, and by what it is found again
//   - interpreters: who was vetted to interpret, and who may for one person
//   - safety: how the person of a case can be reached without harm, and what befell them
//   - casefile: the states of a case, its transitions, its order in the queue
//   - linkage: links, shared incidents, and the merge of two cases
//   - handover: open items, what both sides sign, and what becomes of a case
//   - access: roles, relations, and who may make which call
//   - duty: who is on call, who is called next, and who may take an alarm
//   - policy: what a mechanism decides for itself, its bounds, and how it is changed
//   - staffing: which gates fail, or would with one person absent
//   - vocabulary: the codes for acts and perpetrators, with their labels
//   - spelling: names, numbers and handles folded so that two spellings meet
//
// # Sealed storage
//
// Nothing here knows a rule, not even fault: a storage package says what happened
// to bytes, and records says what that means.
//
//   - seal: the keyring and the envelopes
//   - audit: the Merkle log; leaves, checkpoints, proofs, verification offline
//   - audit/audittest: logs that are put back and forked, for tests
//   - anchor: the newest checkpoint, kept on another medium
//   - durable: files that a power cut leaves whole
//   - store: what an engine promises; an engine is untrusted and sees sealed bytes
//   - store/recent: the last commits, for those who watch an engine
//   - store/bolt: the engine for one machine
//   - store/memory: the engine for tests, with faults on demand
//   - store/storetest: the suite that each engine passes
//   - store/storepb: the messages that only the disk sees
//   - lookup: the index in memory, for the queue and the search
//
// # The joint
//
//   - records: the one way in and out. Load, apply a rule, seal, and write with
//     the audit leaf in one commit. It alone imports both rules and storage.
//
// # The edge
//
//   - written: messages as people write them, for both ends
//   - capsule: what is in a request that was sealed away from the service
//   - enrolment: what is signed when a device is let in; both ends call it
//   - server: the gRPC service; one file for each of its services
//   - dispatch: wakes those whom the rules of duty name, and gathers notices
//   - servertest: a whole service inside a test, and people enrolled with it
//   - notify: what leaves by mail and webhook, and cannot say what it is about
//   - watch: when a service that does not answer becomes an alarm
//   - witness: who cosigns a log from outside, and how the service has itself cosigned
//   - notifytest: a mail server and a webhook inside a test
//   - client: profiles, enrolment and dialling, for the command and for a desk
//
// The commands are cmd/amparod, which alone chooses an engine, and cmd/amparo,
// which never links the server.
//
// # The tests of whole programs
//
//   - bench: the whole service against what the machine could do without it
//   - test/readme: every command of the README, as a newcomer would run it
//   - test/badline: requests for help over a line that breaks
//   - test/year: a service that lives through a year in minutes and is killed on the way
//   - test/night: the real programs on real input, killed in the middle of it
//
// # One call
//
// A call takes four steps with fixed names: server/<service>.go asks
// access.Authorize for a Grant, hands it to records.Update or records.View with a
// closure over a rule, and answers with what the rule returned.
//
// The exact edges stand in arch_test.go, with the reason for each; sizes and
// comments are held by ratchet_test.go, and what may never be printed by
// printing_test.go.
package internal
