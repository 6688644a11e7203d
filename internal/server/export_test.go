package server

import (
	"google.golang.org/grpc/status"

	"github.com/amparo-project/amparo/internal/fault"
)

// StatusOf is what a caller sees of a fault.
func StatusOf(f *fault.Error) *status.Status { return statusOf(f, newCorrelation()) }
