package server_test

import (
	"bytes"
	"crypto/sha256"
	"slices"
	"testing"

	amparov1 "github.com/amparo-project/amparo/api/amparo/v1"
	"github.com/amparo-project/amparo/internal/servertest"
)

// TestTextsAreShownAsTheyAre: what is listed can be had, in the very bytes that its
// hash is of, and the filters leave out what they say.
func TestTextsAreShownAsTheyAre(t *testing.T) {
	w := &world{Service: servertest.Start(t, servertest.Options{})}
	operator := w.Enrol(t, "operator", []amparov1.Role{amparov1.Role_ROLE_HOTLINE_OPERATOR}, []string{"north"})
	client := amparov1.NewTextServiceClient(operator.Conn)
	list := func(request *amparov1.ListTextsRequest) []*amparov1.TextVersion {
		t.Helper()
		answer, err := client.ListTexts(t.Context(), request)
		if err != nil {
			t.Fatal(err)
		}
		return answer.GetTexts()
	}
	all := list(&amparov1.ListTextsRequest{})
	if len(all) < 23*4 {
		t.Errorf("%d texts are listed", len(all))
	}
	for _, want := range all {
		before := w.size(t)
		got, err := client.GetText(t.Context(), &amparov1.GetTextRequest{Text: want.GetId(), Number: want.GetVersion(), Language: want.GetLanguage()})
		if err != nil {
			t.Fatal(err)
		}
		sum := sha256.Sum256([]byte(got.GetBody()))
		if !bytes.Equal(sum[:], want.GetHash()) || !bytes.Equal(want.GetHash(), got.GetText().GetHash()) || got.GetText().GetId() != want.GetId() {
			t.Errorf("%s %d %s is not what was listed", want.GetId(), want.GetVersion(), want.GetLanguage())
		}
		leaves := w.since(t, before)
		if len(leaves) != 1 || leaves[0].GetAction() != amparov1.LeafAction_LEAF_ACTION_TEXT_READ || leaves[0].GetStaffId() != operator.StaffID {
			t.Errorf("%s left %d leaves", want.GetId(), len(leaves))
		}
	}
	refusals := list(&amparov1.ListTextsRequest{Kind: amparov1.TextKind_TEXT_KIND_REFUSAL, Language: "ar-SY"})
	if len(refusals) < 8 || slices.ContainsFunc(refusals, func(v *amparov1.TextVersion) bool {
		return v.GetKind() != amparov1.TextKind_TEXT_KIND_REFUSAL || v.GetLanguage() != "ar" || v.GetExplains() == 0
	}) {
		t.Errorf("%d refusals are listed in Arabic, or what is none", len(refusals))
	}
	for _, request := range []*amparov1.GetTextRequest{
		{Text: "consent-release", Language: "de"}, {Text: "consent-release", Language: "fr", Number: 999}, {Text: "no-such-text", Language: "fr"},
	} {
		if _, err := client.GetText(t.Context(), request); reason(err) != "NOT_FOUND" {
			t.Errorf("%s %d %s: %v", request.GetText(), request.GetNumber(), request.GetLanguage(), err)
		}
	}
	for field, request := range map[string]*amparov1.GetTextRequest{
		"language": {Text: "consent-release"}, "text": {Text: "../consent", Language: "fr"},
	} {
		if _, err := client.GetText(t.Context(), request); !violated(err, field, "FIELD_INVALID") {
			t.Errorf("%s: %v", field, err)
		}
	}
}
