package seal

import (
	"errors"
	"fmt"
	"strings"

	"filippo.io/age"
	"filippo.io/age/plugin"
)

// ParseRecipients takes one age recipient, or the name of a file that holds one a
// line, as age -R reads it. Plugins are named, not called. ssh keys are refused:
// they are classic, and this package does not read their identities.
func ParseRecipients(fileOrRecipient string) ([]age.Recipient, error) {
	if strings.HasPrefix(fileOrRecipient, "age1") {
		r, err := parseRecipient(fileOrRecipient)
		if err != nil {
			return nil, err
		}
		return []age.Recipient{r}, nil
	}
	content, err := readFile(fileOrRecipient)
	if err != nil {
		return nil, err
	}
	var recipients []age.Recipient
	err = eachLine(content, func(line string) error {
		r, err := parseRecipient(line)
		recipients = append(recipients, r)
		return err
	})
	if err != nil {
		return nil, fmt.Errorf("read the recipients file: %w", err)
	}
	return recipients, nil
}

// parseRecipient never repeats what it was given, which may be a key in the wrong
// place.
func parseRecipient(text string) (age.Recipient, error) {
	var r age.Recipient
	var err error
	switch {
	case strings.HasPrefix(text, "AGE-"):
		return nil, errors.New("this is an identity, which must stay secret, and no recipient")
	case strings.HasPrefix(text, "ssh-"):
		return nil, errors.New("ssh keys are not taken as recipients")
	case strings.HasPrefix(text, "age1pq1"):
		r, err = age.ParseHybridRecipient(text)
	case strings.HasPrefix(text, "age1") && strings.Count(text, "1") > 1:
		r, err = plugin.NewRecipient(text, Terminal{}.forPlugins())
	default:
		r, err = age.ParseX25519Recipient(text)
	}
	if err != nil {
		return nil, errors.New("this is no age recipient")
	}
	return r, nil
}

// Recipients returns the recipients that go with identities.
func Recipients(identities []age.Identity) ([]age.Recipient, error) {
	var recipients []age.Recipient
	for _, identity := range identities {
		switch i := identity.(type) {
		case *age.HybridIdentity:
			recipients = append(recipients, i.Recipient())
		case *age.X25519Identity:
			recipients = append(recipients, i.Recipient())
		case pluginIdentity:
			recipients = append(recipients, i.Recipient())
		default:
			return nil, errors.New("find the recipient of an identity: its kind has none")
		}
	}
	return recipients, nil
}

// Classic tells whether one of the recipients is not known to resist a quantum
// computer, so that what is copied today may be read in some decades. Of what a
// plugin does, nothing is known.
func Classic(recipients []age.Recipient) bool {
	for _, r := range recipients {
		if _, hybrid := r.(*age.HybridRecipient); !hybrid {
			return true
		}
	}
	return false
}

// names returns the recipients as text that parseRecipient reads.
func names(recipients []age.Recipient) ([]string, error) {
	var all []string
	for _, r := range recipients {
		s, ok := r.(fmt.Stringer)
		if !ok || !strings.HasPrefix(s.String(), "age1") {
			return nil, errors.New("name a recipient: its kind has no name")
		}
		all = append(all, s.String())
	}
	return all, nil
}
