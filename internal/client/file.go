package client

import "github.com/amparo-project/amparo/internal/durable"

// WriteFile puts data into a file of mode 0600 so that a power cut leaves either
// the old content or the new, never a part. An existing file is replaced.
func WriteFile(path string, data []byte) error { return durable.ReplaceWith(path, data) }
