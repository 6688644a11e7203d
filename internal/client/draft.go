package client

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"

	"filippo.io/age"

	"github.com/amparo-project/amparo/internal/durable"
)

// maxDraft bounds what is read back: a request and a little around it.
const maxDraft = 2 * MaxMessage

// SaveDraft keeps an unfinished intake in the profile's folder, sealed to the
// profile's own key, in place of the one kept before. It is durable when the
// method returns.
func (p *Profile) SaveDraft(content []byte) error {
	sealed, err := sealTo(content, p.identity.Recipient())
	if err != nil {
		return fmt.Errorf("seal draft: %w", err)
	}
	return writeFile(p.path(fileDraft), sealed)
}

// sealTo is an age file for the recipients.
func sealTo(content []byte, recipients ...age.Recipient) ([]byte, error) {
	var sealed bytes.Buffer
	writer, err := age.Encrypt(&sealed, recipients...)
	if err != nil {
		return nil, err
	}
	_, err = writer.Write(content)
	if err := errors.Join(err, writer.Close()); err != nil {
		return nil, err
	}
	return sealed.Bytes(), nil
}

// Draft opens the unfinished intake, or returns nil when there is none.
func (p *Profile) Draft() ([]byte, error) {
	sealed, err := os.ReadFile(p.path(fileDraft))
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	if err != nil {
		return nil, fmt.Errorf("open draft: %w", err)
	}
	reader, err := age.Decrypt(bytes.NewReader(sealed), p.identity)
	if err == nil {
		var content []byte
		if content, err = io.ReadAll(io.LimitReader(reader, maxDraft)); err == nil {
			return content, nil
		}
	}
	return nil, &Failure{
		Exit: exitVerification, Reason: "DRAFT_DAMAGED", Text: "the kept draft cannot be opened",
		Next: "begin anew with: amparo intake --discard-draft", cause: err,
	}
}

// DropDraft takes the unfinished intake away. What the disk may still hold of it
// is sealed.
func (p *Profile) DropDraft() error {
	if err := os.Remove(p.path(fileDraft)); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return fmt.Errorf("drop draft: %w", err)
	}
	return durable.SyncFolder(p.Dir)
}
