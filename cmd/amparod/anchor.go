package main

import (
	"context"
	"errors"
	"path/filepath"
	"strings"
	"time"

	"github.com/rs/zerolog"

	"github.com/amparo-project/amparo/internal/anchor"
	"github.com/amparo-project/amparo/internal/audit"
)

// takeAnchor takes the anchor of a data folder before its store is opened; nil where
// none is wanted.
func takeAnchor(path, data string) (*anchor.Anchor, error) {
	if path == "" {
		return nil, nil
	}
	inside, err := liesWithin(path, data)
	if err != nil {
		return nil, err
	}
	if inside {
		return nil, &failure{
			code: exitUsage, text: "--anchor lies inside the data folder", next: "name a file on another medium: what is put back with the store shows nothing",
		}
	}
	a, err := anchor.Take(path)
	return a, anchorFailure(err)
}

// liesWithin reports whether a file's folder is, whatever it is called, a folder or
// one below it.
func liesWithin(path, folder string) (bool, error) {
	at, err := realPath(filepath.Dir(path))
	if err != nil {
		return false, err
	}
	top, err := realPath(folder)
	if err != nil {
		return false, err
	}
	return at == top || strings.HasPrefix(at, strings.TrimSuffix(top, string(filepath.Separator))+string(filepath.Separator)), nil
}

func realPath(path string) (string, error) {
	path, err := filepath.EvalSymlinks(path)
	if err != nil {
		return "", err
	}
	return filepath.Abs(path)
}

// holdTo holds the unsealed log to the anchor, where there is one.
func (u *unsealed) holdTo(ctx context.Context, a *anchor.Anchor, log zerolog.Logger) error {
	if a == nil {
		return nil
	}
	if a.Unlocked() {
		log.Warn().Msg("the anchor's file system has no locks: a second service on this anchor is noticed by its content alone")
	}
	made, err := a.Hold(ctx, u.log)
	if err != nil {
		return anchorFailure(err)
	}
	if made {
		log.Warn().Msg("there was no anchor: it was made, and knows nothing of what was before")
	}
	u.anchor = a
	return nil
}

// keepAnchored runs until ctx ends or somebody else has written the anchor.
func (u *unsealed) keepAnchored(ctx context.Context, log zerolog.Logger) error {
	return u.anchor.Keep(ctx, func(err error) {
		if err != nil {
			log.Error().Err(err).Msg("THE ANCHOR CANNOT BE WRITTEN: until it can, the store could be put back to its last state unnoticed")
			return
		}
		log.Info().Msg("the anchor is written again")
	})
}

// lastAnchoring is for how long a service that stops waits for the anchor's medium.
const lastAnchoring = 5 * time.Second

// anchorLast anchors what a service that stops has done since.
func (u *unsealed) anchorLast(log zerolog.Logger) {
	if u.anchor == nil {
		return
	}
	done := make(chan error, 1)
	go func() { done <- u.anchor.Replace() }()
	err := errors.New("the medium does not answer")
	select {
	case err = <-done:
	case <-time.After(lastAnchoring):
	}
	if err != nil {
		log.Error().Err(err).Msg("the last checkpoint could not be anchored")
	}
}

// anchorFailure says what an operator does about an anchor.
func anchorFailure(err error) error {
	const older = "restore the newest backup; an anchor that is deleted can show nothing of this any more"
	switch {
	case err == nil:
		return nil
	case errors.Is(err, anchor.ErrHeld):
		return &failure{code: exitUnavailable, text: "the anchor is in use by another service", next: "of one data folder only one copy may be served"}
	case errors.Is(err, audit.ErrShrunk):
		return &failure{code: exitBroken, text: "the store is older than its anchor", err: err, next: older}
	case errors.Is(err, audit.ErrFork):
		return &failure{code: exitBroken, text: "the store is another than the one that was anchored", err: err, next: older}
	case errors.Is(err, anchor.ErrDamaged):
		return &failure{
			code: exitBroken, text: "the anchor is damaged, or of another data folder", err: err,
			next: "look for the right one; an anchor that is deleted can show nothing any more",
		}
	default:
		return &failure{code: exitUnavailable, text: "the anchor", err: err}
	}
}
