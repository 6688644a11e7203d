package seal

import (
	"strings"

	"filippo.io/age"
)

// IsRecipient reports whether the text is exactly one age recipient, without
// comment or space. Unlike ParseRecipients it never takes the text for a file's
// name, so it may come from anybody.
func IsRecipient(text string) bool {
	if strings.ContainsAny(text, " \t\r\n#") {
		return false
	}
	recipients, err := age.ParseRecipients(strings.NewReader(text + "\n"))
	return err == nil && len(recipients) == 1
}
