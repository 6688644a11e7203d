package server

import (
	"google.golang.org/grpc/encoding"
	_ "google.golang.org/grpc/encoding/proto" // registers the codec that codec wraps
	"google.golang.org/grpc/mem"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/protoadapt"
)

// codec is gRPC's own for protobuf, except that bytes which do not parse reach the
// gate as a message with an unknown field. gRPC would answer them with INTERNAL
// before any interceptor is asked, and a malformed request is the caller's fault,
// refused and logged like any other.
type codec struct {
	encoding.CodecV2
}

// malformed is a field that no message of ours has: number 536870911, a varint.
var malformed = []byte{0xf8, 0xff, 0xff, 0xff, 0x0f, 0x01}

func newCodec() codec { return codec{encoding.GetCodecV2("proto")} }

// Unmarshal parses data into v and never fails.
func (c codec) Unmarshal(data mem.BufferSlice, v any) error {
	err := c.CodecV2.Unmarshal(data, v)
	if err == nil {
		return nil
	}
	var m proto.Message
	switch v := v.(type) {
	case proto.Message:
		m = v
	case protoadapt.MessageV1:
		m = protoadapt.MessageV2Of(v)
	default:
		return err
	}
	proto.Reset(m)
	m.ProtoReflect().SetUnknown(malformed)
	return nil
}
