package store

import "fmt"

// CheckCommit returns an error that wraps ErrLimit when a commit is one that
// every engine has to refuse. Engines call it before anything else, so that
// all of them draw the line in the same place.
func CheckCommit(conditions []Condition, writes []Write) error {
	if len(writes) == 0 {
		return fmt.Errorf("%w: commit without writes", ErrLimit)
	}
	if n := len(conditions) + len(writes); n > MaxOps {
		return fmt.Errorf("%w: %d operations, at most %d", ErrLimit, n, MaxOps)
	}
	for _, c := range conditions {
		if err := checkKey(c.Key); err != nil {
			return err
		}
	}
	size := 0
	for _, w := range writes {
		if err := checkKey(w.Key); err != nil {
			return err
		}
		if w.Delete && len(w.Value) != 0 {
			return fmt.Errorf("%w: removal with a value", ErrLimit)
		}
		size += len(w.Key) + len(w.Value)
	}
	if size > MaxCommitBytes {
		return fmt.Errorf("%w: %d bytes, at most %d", ErrLimit, size, MaxCommitBytes)
	}
	return checkWrittenOnce(writes)
}

func checkKey(key []byte) error {
	if len(key) == 0 || len(key) > MaxKeyBytes {
		return fmt.Errorf("%w: key of %d bytes, 1 to %d allowed", ErrLimit, len(key), MaxKeyBytes)
	}
	return nil
}

func checkWrittenOnce(writes []Write) error {
	if len(writes) == 1 {
		return nil
	}
	seen := make(map[string]bool, len(writes))
	for _, w := range writes {
		if seen[string(w.Key)] {
			return fmt.Errorf("%w: key written twice", ErrLimit)
		}
		seen[string(w.Key)] = true
	}
	return nil
}
