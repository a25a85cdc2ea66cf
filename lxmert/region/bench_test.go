package region

import (
	"bytes"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// published is a TSV like the published ones: 36 boxes of 2048 features, 400 kB per row.
func published(rows int) []byte {
	var b strings.Builder
	for i := range rows {
		b.WriteString(rowText(strings.Repeat("x", 20+i%5), 36, 2048, nil) + "\r\n")
	}
	return []byte(b.String())
}

func BenchmarkDecode(b *testing.B) {
	text := published(1)
	b.SetBytes(int64(len(text)))
	s := NewScanner(bytes.NewReader(text), "x.tsv")
	if !s.Scan() {
		b.Fatal(s.Err())
	}
	var r Regions
	for b.Loop() {
		if err := s.Row().Decode(&r); err != nil {
			b.Fatal(err)
		}
	}
}

// BenchmarkSkip looks for an image that is not there, in a file that the system has in memory.
func BenchmarkSkip(b *testing.B) {
	path := filepath.Join(b.TempDir(), "x.tsv")
	text := published(1000)
	if err := os.WriteFile(path, text, 0o666); err != nil {
		b.Fatal(err)
	}
	b.SetBytes(int64(len(text)))
	for b.Loop() {
		s, err := Open(path)
		if err != nil {
			b.Fatal(err)
		}
		if _, err := s.IDs(b.Context()); err != nil {
			b.Fatal(err)
		}
		s.Close()
	}
}
