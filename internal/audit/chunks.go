package audit

import (
	"context"
	"errors"
	"fmt"
	"sync"

	"golang.org/x/mod/sumdb/tlog"

	"github.com/amparo-project/amparo/internal/store"
)

// keptChunks bounds the memory of a reader: 256 chunks of 8 KiB.
const keptChunks = 256

// chunks reads columns from the engine and keeps the chunks that were used last.
// What a chunk holds never changes, it only grows, so a kept one is read anew when
// it is too short. Nothing that comes from here is believed by itself.
type chunks struct {
	engine store.Engine

	mu   sync.Mutex
	kept map[string]keptChunk
	uses uint64
}

type keptChunk struct {
	data []byte
	used uint64 // the last of all uses that was of this chunk
}

func newChunks(engine store.Engine) *chunks {
	return &chunks{engine: engine, kept: make(map[string]keptChunk)}
}

// entry returns entry i of a column, of which only prefix and width count.
func (c *chunks) entry(ctx context.Context, column *column, i int64) ([]byte, error) {
	key := column.key(i / perChunk)
	from := int(i%perChunk) * column.width
	data := c.take(string(key))
	if len(data) < from+column.width {
		var err error
		if data, err = c.chunk(ctx, column, i/perChunk); err != nil {
			return nil, err
		}
		c.keep(string(key), data)
	}
	if len(data) < from+column.width {
		return nil, fmt.Errorf("%w: chunk %d of %q is too short", ErrBroken, i/perChunk, column.prefix)
	}
	return data[from : from+column.width], nil
}

// chunk reads a chunk from the engine.
func (c *chunks) chunk(ctx context.Context, column *column, number int64) ([]byte, error) {
	entry, err := c.engine.Get(ctx, column.key(number))
	if errors.Is(err, store.ErrNotFound) {
		return nil, fmt.Errorf("%w: chunk %d of %q is missing", ErrBroken, number, column.prefix)
	}
	if err != nil {
		return nil, fmt.Errorf("read chunk of the log: %w", err)
	}
	if len(entry.Value) > column.chunkBytes() || len(entry.Value)%column.width != 0 {
		return nil, fmt.Errorf("%w: chunk %d of %q has %d bytes", ErrBroken, number, column.prefix, len(entry.Value))
	}
	return entry.Value, nil
}

func (c *chunks) take(key string) []byte {
	c.mu.Lock()
	defer c.mu.Unlock()
	found, ok := c.kept[key]
	if !ok {
		return nil
	}
	c.uses++
	c.kept[key] = keptChunk{found.data, c.uses}
	return found.data
}

func (c *chunks) keep(key string, data []byte) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.uses++
	c.kept[key] = keptChunk{data, c.uses}
	if len(c.kept) <= keptChunks {
		return
	}
	oldest, used := "", c.uses
	for key, k := range c.kept {
		if k.used < used {
			oldest, used = key, k.used
		}
	}
	delete(c.kept, oldest)
}

// hashes reads tree hashes for tlog.
func (c *chunks) hashes(ctx context.Context) tlog.HashReaderFunc {
	column := hashColumn()
	return func(indexes []int64) ([]tlog.Hash, error) {
		hashes := make([]tlog.Hash, len(indexes))
		for i, index := range indexes {
			h, err := c.entry(ctx, &column, index)
			if err != nil {
				return nil, err
			}
			hashes[i] = tlog.Hash(h)
		}
		return hashes, nil
	}
}

func hashColumn() column { return column{prefix: prefixHashes, width: tlog.HashSize} }

func locatorColumn() column { return column{prefix: prefixLocators, width: locatorBytes} }
