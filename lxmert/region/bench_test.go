package region

import (
	"bytes"
	"math/rand/v2"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"

	"github.com/seed-516990b0/golxmert/internal/half"
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

// features are as many as 36 boxes have, half of them zeros.
func features() []float32 {
	rng := rand.New(rand.NewPCG(1, 2))
	return randomRegions(rng, "x", 36, 2048).Features
}

func BenchmarkToHalf(b *testing.B) {
	from := features()
	to := make([]byte, 2*len(from))
	b.SetBytes(int64(4 * len(from)))
	for b.Loop() {
		half.Encode(to, from)
	}
}

func BenchmarkFromHalf(b *testing.B) {
	to := features()
	from := make([]byte, 2*len(to))
	half.Encode(from, to)
	b.SetBytes(int64(4 * len(to)))
	for b.Loop() {
		half.Decode(to, from)
	}
}

func BenchmarkMeasure(b *testing.B) {
	r := randomRegions(rand.New(rand.NewPCG(1, 2)), "x", 36, 2048)
	b.SetBytes(int64(4 * len(r.Features)))
	for b.Loop() {
		measure(r)
	}
}

// BenchmarkPack packs a TSV as published, or one in a zip. The disk counts.
func BenchmarkPack(b *testing.B) {
	path := filepath.Join(b.TempDir(), "x.tsv")
	rng := rand.New(rand.NewPCG(1, 2))
	var text strings.Builder
	for i := range 300 {
		text.WriteString(asRow(b, randomRegions(rng, strconv.Itoa(i), 36, 2048)) + "\r\n")
	}
	if err := os.WriteFile(path, []byte(text.String()), 0o666); err != nil {
		b.Fatal(err)
	}
	zipped := filepath.Join(b.TempDir(), "x.zip")
	writeZip(b, zipped, map[string]string{"x.tsv": path})
	for name, c := range map[string]struct {
		src string
		opt PackOptions
	}{"TSV": {path, PackOptions{}}, "TSV to float16": {path, PackOptions{F16: true}}, "zip": {zipped, PackOptions{}}} {
		b.Run(name, func(b *testing.B) {
			b.SetBytes(int64(text.Len()))
			for b.Loop() {
				dst := filepath.Join(b.TempDir(), "x.store")
				if _, err := Pack(b.Context(), c.src, dst, c.opt); err != nil {
					b.Fatal(err)
				}
				if err := os.RemoveAll(dst); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}

func BenchmarkRead(b *testing.B) {
	path := filepath.Join(b.TempDir(), "x.tsv")
	if err := os.WriteFile(path, published(50), 0o666); err != nil {
		b.Fatal(err)
	}
	s := packed(b, path, PackOptions{})
	var r Regions
	i := 0
	for b.Loop() {
		if err := s.Read(i%s.Rows(), &r); err != nil {
			b.Fatal(err)
		}
		i++
	}
	b.SetBytes(int64(4 * len(r.Features)))
}
