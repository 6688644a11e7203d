package server

import (
	"sync"
	"time"
)

// zones are the time zones that were asked for, each read once: to read one takes
// longer than all else of an answer. They are those of the contacts, of which an
// intake is held to the IANA list.
var zones sync.Map

// zone finds a time zone by its IANA name.
func zone(name string) (*time.Location, error) {
	known, _ := zones.Load(name)
	if location, ok := known.(*time.Location); ok {
		return location, nil
	}
	read, err := time.LoadLocation(name)
	if err == nil {
		zones.Store(name, read)
	}
	return read, err
}
