package internal_test

import (
	"strings"
	"testing"

	"google.golang.org/protobuf/reflect/protoreflect"
	"google.golang.org/protobuf/reflect/protoregistry"
	"google.golang.org/protobuf/types/descriptorpb"

	_ "github.com/amparo-project/amparo/api/amparo/v1"
)

// harmless are the texts and bytes of the api that say nothing about a person, by
// their names, each with its reason. Everything else is marked
// debug_redact, or lies in a message that is.
var harmless = map[string]string{
	"id":                      "random",
	"_id":                     "random",
	"_ids":                    "random",
	"pseudonym":               "random",
	"shown":                   "pseudonyms",
	"about":                   "a pseudonym",
	"page_token":              "sealed",
	"next_page_token":         "sealed",
	"salt":                    "random",
	"query_hash":              "keyed hash",
	"head_hash":               "hash of sealed bytes",
	"previous_head_hash":      "hash of sealed bytes",
	"tls_pin":                 "public key's hash",
	"server_pin":              "public key's hash",
	"age_recipient":           "public key",
	"service_recipient":       "public key",
	"signing_key":             "public key",
	"log_key":                 "public key",
	"signature":               "a device's signature",
	"checkpoint":              "signed root of the log",
	"proof":                   "hashes of the log",
	"leaves":                  "leaves hold ids and enums only",
	"raw":                     "a leaf, or a policy",
	"office":                  "code of an office of the mechanism",
	"offices":                 "codes of offices of the mechanism",
	"languages":               "what a member of staff speaks",
	"Rota.language":           "what its people speak",
	"Alarm.language":          "what whoever is called must speak",
	"Invitation.address":      "the service's own",
	"enrolment_name":          "derived from the service's public key",
	"server_name":             "derived from the service's public key",
	"service_version":         "of the program",
	"quote":                   "text of a programme's rule",
	"rule":                    "name of a rule in the policy",
	"act_code":                "code of a public vocabulary",
	"perpetrator_codes":       "codes of a public vocabulary",
	"capsule":                 "sealed",
	"statement_hash":          "of a text that everybody is read",
	"StatementReference.hash": "of a text that everybody is read",
	"nonce":                   "random",
	"Obstacle.field":          "where a value stands in a request",
	"currency":                "ISO 4217",

	// Texts for the person are public, and about nobody.
	"TextVersion.id":            "name of a public text",
	"TextVersion.language":      "of a public text",
	"TextVersion.hash":          "of a public text",
	"GetTextResponse.body":      "a public text",
	"GetTextRequest.text":       "name of a public text",
	"GetTextRequest.language":   "of a public text",
	"ListTextsRequest.language": "of public texts",

	// What a policy says is the mechanism's own and about nobody.
	"TermPolicy.source":         "where a value of the policy comes from",
	"DayPolicy.source":          "where a value of the policy comes from",
	"WarningPolicy.source":      "where a value of the policy comes from",
	"LegalWarningPolicy.source": "where a value of the policy comes from",
	"LadderPolicy.source":       "where a value of the policy comes from",
	"ApprovalPolicy.source":     "where a value of the policy comes from",
	"PolicyLength.source":       "where a value of the policy comes from",
	"PolicyCount.source":        "where a value of the policy comes from",
	"LevelPolicy.source":        "where a value of the policy comes from",
	"PurposeList.source":        "where a value of the policy comes from",
	"LegalBasisPolicy.source":   "where a value of the policy comes from",
	"CategoryList.source":       "where a value of the policy comes from",
	"BasisPolicy.source":        "where a value of the policy comes from",
	"ChildPolicy.source":        "where a value of the policy comes from",
	"legal_basis":               "article of a law, as the policy names it",
	"ChildPolicy.country":       "for which the policy has rows of its own",
	"reassess_after_incident":   "a length",
	"PolicyLength.length":       "a length",
	"every_level":               "a length",
	"not_assessed":              "a length",
	"LengthByLevel.low":         "a length",
	"LengthByLevel.medium":      "a length",
	"LengthByLevel.high":        "a length",
	"LengthByLevel.extreme":     "a length",
	"LadderPolicy.after":        "lengths",
	"holidays":                  "public",
	"PolicyVersion.hash":        "of a policy",
	"PolicyProposal.hash":       "of a policy",
	"policy_hash":               "of a policy",
	"PolicyVersion.zone":        "of the service's days",
	"PolicyDifference.path":     "where a value stands in the policy",
	"PolicyDifference.before":   "a value of the policy",
	"PolicyDifference.after":    "a value of the policy",
}

// TestEveryTextIsMarkedOrHarmless asks of each string and bytes field of the api
// whether it can say who somebody is, where, or what befell them. A new field is a
// failure until somebody has answered that in the proto or in the table above.
func TestEveryTextIsMarkedOrHarmless(t *testing.T) {
	used := map[string]bool{}
	texts := 0
	protoregistry.GlobalFiles.RangeFilesByPackage("amparo.v1", func(file protoreflect.FileDescriptor) bool {
		messages := file.Messages()
		for i := range messages.Len() {
			fields := messages.Get(i).Fields()
			for j := range fields.Len() {
				field := fields.Get(j)
				if field.Kind() != protoreflect.StringKind && field.Kind() != protoreflect.BytesKind {
					continue
				}
				texts++
				options, _ := field.Options().(*descriptorpb.FieldOptions)
				key := harmlessAs(string(field.Parent().Name()), string(field.Name()))
				switch {
				case options.GetDebugRedact():
				case key == "":
					t.Errorf("%s is neither marked debug_redact nor known to be harmless", field.FullName())
				default:
					used[key] = true
				}
			}
		}
		return true
	})
	if texts < 100 {
		t.Errorf("only %d texts were looked at", texts)
	}
	for key := range harmless {
		if !used[key] {
			t.Errorf("no field is called %q any more: take it out of the table", key)
		}
	}
}

func harmlessAs(message, name string) string {
	if _, ok := harmless[message+"."+name]; ok {
		return message + "." + name
	}
	if _, ok := harmless[name]; ok {
		return name
	}
	for _, suffix := range []string{"_ids", "_id"} {
		if strings.HasSuffix(name, suffix) {
			return suffix
		}
	}
	return ""
}
