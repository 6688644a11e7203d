//go:build !unix

package durable

// SyncFolder does nothing: these systems sync no folder, and journal its names.
func SyncFolder(string) error { return nil }
