package seal_test

import (
	"strings"
	"testing"

	"filippo.io/age"
	"github.com/amparo-project/amparo/internal/seal"
)

func TestRecipientsAreReadFromTextOrFile(t *testing.T) {
	pq, x := hybrid(t).Recipient().String(), classic(t).Recipient().String()
	tests := []struct {
		name, from string
		count      int
	}{
		{"a recipient", pq, 1},
		{"a classic recipient", x, 1},
		{"a file", write(t, "# the two of us\n"+pq+"\n\n"+hybrid(t).Recipient().String()+"\r\n"), 2},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			got, err := seal.ParseRecipients(test.from)
			if err != nil || len(got) != test.count {
				t.Errorf("read %d recipients, %v; want %d", len(got), err, test.count)
			}
		})
	}
}

func TestRecipientsThatAreNone(t *testing.T) {
	secret := hybrid(t).String()
	pq := hybrid(t).Recipient().String()
	tests := []struct {
		name, from, says string
	}{
		{"a changed recipient", pq[:40] + "qqqq" + pq[44:], "no age recipient"},
		{"a file with an identity", write(t, "# mine\n"+secret+"\n"), "line 2: this is an identity"},
		{"a file with an ssh key", write(t, "ssh-ed25519 AAAA me\n"), "line 1: ssh keys"},
		{"an empty file", write(t, ""), "empty"},
		{"a word", write(t, "hello\n"), "line 1: this is no age recipient"},
		{"no file", "nowhere/recovery.txt", "no such file"},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			_, err := seal.ParseRecipients(test.from)
			if err == nil || !strings.Contains(err.Error(), test.says) {
				t.Fatalf("got %v, want %q", err, test.says)
			}
			if strings.Contains(err.Error(), secret[20:30]) {
				t.Errorf("the error shows the identity: %v", err)
			}
		})
	}
}

func TestClassicRecipientsAreTold(t *testing.T) {
	_, ofPlugin := installPlugin(t)
	byPlugin, err := seal.ParseRecipients(ofPlugin)
	if err != nil {
		t.Fatal(err)
	}
	pq := recipients(hybrid(t), hybrid(t))
	tests := []struct {
		name       string
		recipients []age.Recipient
		classic    bool
	}{
		{"post-quantum", pq, false},
		{"one classic", []age.Recipient{pq[0], classic(t).Recipient()}, true},
		{"a plugin's", byPlugin, true},
	}
	for _, test := range tests {
		if got := seal.Classic(test.recipients); got != test.classic {
			t.Errorf("%s: %t, want %t", test.name, got, test.classic)
		}
	}
}
