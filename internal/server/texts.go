package server

import (
	"context"

	amparov1 "github.com/amparo-project/amparo/api/amparo/v1"
	"github.com/amparo-project/amparo/internal/fault"
	"github.com/amparo-project/amparo/internal/texts"
)

// reading serves TextService.
type reading struct {
	amparov1.UnimplementedTextServiceServer
	s *Server
}

// ListTexts names the texts.
func (h *reading) ListTexts(ctx context.Context, req *amparov1.ListTextsRequest) (*amparov1.ListTextsResponse, error) {
	answer := &amparov1.ListTextsResponse{}
	for _, t := range texts.All() {
		anyKind := req.GetKind() == amparov1.TextKind_TEXT_KIND_UNSPECIFIED
		if (anyKind || t.Kind == req.GetKind()) && (req.GetLanguage() == "" || t.In(req.GetLanguage())) {
			answer.Texts = append(answer.Texts, versionOf(t))
		}
	}
	return answer, h.s.records.Note(ctx, callOf(ctx).grant, &amparov1.AuditLeaf{})
}

// GetText shows one.
func (h *reading) GetText(ctx context.Context, req *amparov1.GetTextRequest) (*amparov1.GetTextResponse, error) {
	t, ok := texts.Find(req.GetText(), req.GetNumber(), req.GetLanguage())
	if !ok {
		return nil, fault.New(amparov1.Reason_REASON_NOT_FOUND)
	}
	answer := &amparov1.GetTextResponse{Text: versionOf(t), Body: t.Body}
	return answer, h.s.records.Note(ctx, callOf(ctx).grant, &amparov1.AuditLeaf{})
}

func versionOf(t texts.Text) *amparov1.TextVersion {
	return &amparov1.TextVersion{
		Id: t.ID, Kind: t.Kind, Version: t.Version, Language: t.Language, Hash: t.Hash[:], Explains: t.Explains,
	}
}
