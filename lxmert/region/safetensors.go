package region

import (
	"encoding/json"
	"fmt"
	"io"
	"os"

	"github.com/seed-516990b0/golxmert/internal/safetensors"
)

// elements are the types of safetensors files, as NumPy would name them.
var elements = map[string]element{
	"F64": {'f', 8}, "F32": {'f', 4}, "F16": {'f', 2}, "BF16": {'B', 2},
	"I64": {'i', 8}, "I32": {'i', 4}, "I16": {'i', 2}, "I8": {'i', 1},
	"U64": {'u', 8}, "U32": {'u', 4}, "U16": {'u', 2}, "U8": {'u', 1}, "BOOL": {'b', 1},
}

// openSafetensors reads the header of a .safetensors file.
func openSafetensors(f *os.File, path string, size int64) (Source, error) {
	entries, metadata, start, err := safetensors.ReadHeader(f, size)
	if err != nil {
		return nil, fmt.Errorf("%w: %s: %w", ErrFormat, path, err)
	}
	arrays := map[string]*array{}
	for _, e := range entries {
		body := io.NewSectionReader(f, start+e.Begin, e.End-e.Begin)
		arrays[e.Name] = &array{
			name: e.Name, elem: elements[e.DType], shape: e.Shape, limit: size,
			open: func(off int64) (io.ReadCloser, error) {
				return io.NopCloser(io.NewSectionReader(body, off, body.Size()-off)), nil
			},
		}
	}
	var ids []string
	if text, ok := metadata["ids"]; ok {
		if err := json.Unmarshal([]byte(text), &ids); err != nil || ids == nil {
			return nil, fmt.Errorf("%w: %s: metadata \"ids\" must be a JSON list of strings", ErrFormat, path)
		}
	}
	return asSource(newSet(path, f, arrays, ids))
}
