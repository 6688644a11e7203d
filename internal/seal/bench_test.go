package seal_test

import (
	"testing"

	"github.com/amparo-project/amparo/internal/seal"
)

func BenchmarkSeal2KiB(b *testing.B) {
	key := seal.NewFileKey(1, "b3wq6d0zkx8m2c5v7n9r1t4y6a")
	context := seal.Context{RecordKind: 2, RecordID: make([]byte, 16), Version: 9}
	content := make([]byte, 2048)
	b.SetBytes(2048)
	b.ReportAllocs()
	for b.Loop() {
		key.Seal(context, content)
	}
}

func BenchmarkOpen2KiB(b *testing.B) {
	key := seal.NewFileKey(1, "b3wq6d0zkx8m2c5v7n9r1t4y6a")
	context := seal.Context{RecordKind: 2, RecordID: make([]byte, 16), Version: 9}
	envelope := key.Seal(context, make([]byte, 2048))
	b.SetBytes(2048)
	b.ReportAllocs()
	for b.Loop() {
		if _, err := key.Open(context, envelope); err != nil {
			b.Fatal(err)
		}
	}
}

func BenchmarkNewFileKey(b *testing.B) {
	b.ReportAllocs()
	for b.Loop() {
		seal.NewFileKey(1, "b3wq6d0zkx8m2c5v7n9r1t4y6a")
	}
}

func BenchmarkWrap(b *testing.B) {
	ring := drawn(b)
	key := seal.NewFileKey(1, "b3wq6d0zkx8m2c5v7n9r1t4y6a")
	locator := make([]byte, 16)
	b.ReportAllocs()
	for b.Loop() {
		ring.Wrap(key, locator)
	}
}

func BenchmarkUnwrap(b *testing.B) {
	ring := drawn(b)
	locator := make([]byte, 16)
	wrapped := ring.Wrap(seal.NewFileKey(1, "b3wq6d0zkx8m2c5v7n9r1t4y6a"), locator)
	b.ReportAllocs()
	for b.Loop() {
		if _, err := ring.Unwrap(locator, wrapped); err != nil {
			b.Fatal(err)
		}
	}
}

func BenchmarkToken(b *testing.B) {
	ring := drawn(b)
	b.ReportAllocs()
	for b.Loop() {
		ring.Token(3, "a name as it was folded")
	}
}

func BenchmarkFold(b *testing.B) {
	ring := drawn(b)
	hash := make([]byte, 32)
	b.ReportAllocs()
	for b.Loop() {
		ring.Fold("0123456789abcdef", 7, hash)
	}
}
