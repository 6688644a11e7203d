package seal

// What the leaf key and the cursor key seal is told apart by the first field of
// the associated data.
const (
	purposeLeaf     = "leaf"
	purposeLogState = "log state"
	purposeCursor   = "cursor"
)

// SealLeaf returns the envelope of an audit leaf that is stored under a locator.
func (r *Keyring) SealLeaf(locator, plaintext []byte) []byte {
	return r.leaf.sealFor(purposeLeaf, locator, plaintext)
}

// OpenLeaf returns what SealLeaf was given for the same locator, or ErrOpen.
func (r *Keyring) OpenLeaf(locator, envelope []byte) ([]byte, error) {
	return r.leaf.openFor(purposeLeaf, locator, envelope)
}

// SealLogState returns the envelope of what the log remembers about itself under a
// locator. No leaf opens as such a state, nor a state as a leaf.
func (r *Keyring) SealLogState(locator, plaintext []byte) []byte {
	return r.leaf.sealFor(purposeLogState, locator, plaintext)
}

// OpenLogState returns what SealLogState was given for the same locator, or
// ErrOpen.
func (r *Keyring) OpenLogState(locator, envelope []byte) ([]byte, error) {
	return r.leaf.openFor(purposeLogState, locator, envelope)
}

// SealCursor makes a page token of a caller's place in a list. The purpose says
// everything that the token is good for: the call, its filters, the staff member.
func (r *Keyring) SealCursor(purpose string, place []byte) []byte {
	return r.cursor.sealFor(purposeCursor, []byte(purpose), place)
}

// OpenCursor returns what SealCursor was given for the same purpose, or ErrOpen.
func (r *Keyring) OpenCursor(purpose string, token []byte) ([]byte, error) {
	return r.cursor.openFor(purposeCursor, []byte(purpose), token)
}

func (k *envelopeKey) sealFor(purpose string, place, plaintext []byte) []byte {
	scratch := borrow()
	defer scratch.giveBack()
	return k.seal(k.associatedFor(scratch, purpose, place), plaintext)
}

func (k *envelopeKey) openFor(purpose string, place, envelope []byte) ([]byte, error) {
	scratch := borrow()
	defer scratch.giveBack()
	return k.open(k.associatedFor(scratch, purpose, place), envelope)
}

func (k *envelopeKey) associatedFor(s *scratch, purpose string, place []byte) []byte {
	b := appendField(s.bytes, purpose)
	b = append(b, 1, envelopeFormat)
	b = appendField(b, place)
	b = appendField(b, k.id[:])
	s.bytes = b
	return b
}
