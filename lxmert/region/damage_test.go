package region

import (
	"bytes"
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"io/fs"
	"math"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

// TestAFlippedBitIsNoticed flips one bit at a time: whatever it hits, reading everything fails, and so does verifying.
func TestAFlippedBitIsNoticed(t *testing.T) {
	src := filepath.Join(t.TempDir(), "x.tsv")
	randomTSV(t, src, 5)
	dir := packed(t, src, PackOptions{}).Path()
	path := filepath.Join(dir, shardName(0))
	good, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	rng := rand.New(rand.NewPCG(3, 4))
	for at := range good {
		bad := slices.Clone(good)
		bad[at] ^= 1 << rng.IntN(8)
		if err := os.WriteFile(path, bad, 0o666); err != nil {
			t.Fatal(err)
		}
		report, err := Verify(t.Context(), dir, VerifyOptions{})
		if err != nil || report.OK() || !strings.Contains(report.Problems[0], path) {
			t.Fatalf("byte %d of %d: %+v, %v", at, len(good), report, err)
		}
		err = readAll(t.Context(), dir)
		padding := err == nil && strings.Contains(report.Problems[0], "after it is not 0")
		if !padding && (!errors.Is(err, ErrFormat) || !strings.Contains(err.Error(), path) || strings.Contains(err.Error(), "\n")) {
			t.Fatalf("byte %d of %d: %v", at, len(good), err)
		}
	}
}

func readAll(ctx context.Context, path string) error {
	s, err := Open(path)
	if err != nil {
		return err
	}
	defer s.Close()
	ids, err := s.IDs(ctx)
	for _, id := range ids {
		if _, e := s.Find(ctx, id); e != nil && err == nil {
			err = e
		}
	}
	return err
}

// TestDamagedStoresAreNamedErrors cuts, swaps, removes and invents.
func TestDamagedStoresAreNamedErrors(t *testing.T) {
	src := filepath.Join(t.TempDir(), "x.tsv")
	randomTSV(t, src, 1030)
	edit := func(old, changed string) func(t *testing.T, dir string) {
		return func(t *testing.T, dir string) {
			path := filepath.Join(dir, manifestName)
			text, err := os.ReadFile(path)
			if err != nil || !strings.Contains(string(text), old) {
				t.Fatalf("no %q in %s, %v", old, text, err)
			}
			if err := os.WriteFile(path, []byte(strings.Replace(string(text), old, changed, 1)), 0o666); err != nil {
				t.Fatal(err)
			}
		}
	}
	for _, c := range []struct {
		name, want string
		damage     func(t *testing.T, dir string)
	}{
		{"no manifest", "no such file", func(t *testing.T, dir string) { remove(t, filepath.Join(dir, manifestName)) }},
		{"an empty manifest", "not the manifest of a store", func(t *testing.T, dir string) { truncate(t, filepath.Join(dir, manifestName), 0) }},
		{"a cut manifest", "not the manifest of a store", func(t *testing.T, dir string) { truncate(t, filepath.Join(dir, manifestName), 100) }},
		{"another manifest", `its format is "something else"`, edit(manifestFormat, "something else")},
		{"a later version", "version 2; this program reads version 1", edit(`"version": 1`, `"version": 2`)},
		{"an unknown type", `dtype "float8"`, edit("float32", "float8")},
		{"not complete", "was interrupted", edit(`"complete": true`, `"complete": false`)},
		{"more rows than there are", "2030 in its manifest", edit(`"rows": 1030`, `"rows": 2030`)},
		{"huge numbers of records", "the manifest says 2000000000", edit(`"records": 1024`, `"records": 2000000000`)},
		{"a negative number of records", "the manifest says -1", edit(`"records": 1024`, `"records": -1`)},
		{"a number that is a string", "not the manifest of a store", edit(`"rows": 1030`, `"rows": "1030"`)},
		{"another size", "the manifest says 17", edit(fmt.Sprintf(`"size": %d`, shardSize(t, src)), `"size": 17`)},
		{"another width", "it belongs to another store", edit(`"dim": 3`, `"dim": 4`)},
		{"another source", "it belongs to another store", edit(`"file": "x.tsv"`, `"file": "y.tsv"`)},
		{"a missing shard", "no such file", func(t *testing.T, dir string) { remove(t, filepath.Join(dir, shardName(1))) }},
		{"a cut shard", "the manifest says", func(t *testing.T, dir string) { truncate(t, filepath.Join(dir, shardName(1)), 300) }},
		{"shards swapped", "the manifest says", func(t *testing.T, dir string) {
			a, b := filepath.Join(dir, shardName(0)), filepath.Join(dir, shardName(1))
			for _, move := range [][2]string{{a, a + "x"}, {b, a}, {a + "x", b}} {
				if err := os.Rename(move[0], move[1]); err != nil {
					t.Fatal(err)
				}
			}
		}},
	} {
		t.Run(c.name, func(t *testing.T) {
			dir := packed(t, src, PackOptions{}).Path()
			c.damage(t, dir)
			err := readAll(t.Context(), dir)
			if err == nil || !errors.Is(err, ErrFormat) && !errors.Is(err, fs.ErrNotExist) || !strings.Contains(err.Error(), c.want) || !strings.Contains(err.Error(), dir) || strings.Contains(err.Error(), "\n") {
				t.Errorf("error %v does not say %q", err, c.want)
			}
			report, err := Verify(t.Context(), dir, VerifyOptions{})
			if err != nil || report.OK() {
				t.Errorf("%+v, %v", report, err)
			}
			if _, err := Pack(t.Context(), src, dir, PackOptions{}); err != nil && c.name != "another source" {
				t.Errorf("packing again: %v", err)
			}
			if report, err := Verify(t.Context(), dir, VerifyOptions{}); c.name != "another source" && (err != nil || !report.OK() || report.Rows != 1030) {
				t.Errorf("after packing again: %+v, %v", report, err)
			}
		})
	}
}

// shardSize is the size of the first shard of a packed file.
func shardSize(t *testing.T, src string) int64 {
	t.Helper()
	return packed(t, src, PackOptions{}).about.Shards[0].Size
}

func remove(t *testing.T, path string) {
	t.Helper()
	if err := os.Remove(path); err != nil {
		t.Fatal(err)
	}
}

func truncate(t *testing.T, path string, size int64) {
	t.Helper()
	if err := os.Truncate(path, size); err != nil {
		t.Fatal(err)
	}
}

// someTable is the table of two records.
func someTable() *table {
	return &table{
		layout: layout{dim: 3}, boxes: 2, next: place{100, 3}, identity: 7,
		entries: []entry{{id: "a", n: 1, width: 640, height: 480, labels: allLabels}, {id: "bc", n: 2, width: 1, height: maxPixels, stat: stat{sum: 1, farthest: 2}}},
	}
}

// FuzzTable: a table that is read is written as it was, and allocates no more than a small multiple of it.
func FuzzTable(f *testing.F) {
	whole := someTable().encode()
	f.Add(whole[:len(whole)-tableEnd], int64(2*128))
	f.Add(whole[:tableHead], int64(0))
	huge := slices.Clone(whole[:len(whole)-tableEnd])
	binary.LittleEndian.PutUint32(huge, math.MaxUint32)
	f.Add(huge, int64(math.MaxInt64))
	f.Fuzz(func(t *testing.T, b []byte, records int64) {
		if len(b) < tableHead || records < 0 {
			return
		}
		table, err := parseTable(b, records)
		if err != nil {
			return
		}
		if len(table.entries)*entrySize > len(b) || int64(len(table.entries))*table.stride(table.boxes) != records {
			t.Fatalf("%d records in a table of %d bytes behind %d", len(table.entries), len(b), records)
		}
		if again := table.encode(); !bytes.Equal(again[:len(again)-tableEnd], b) {
			t.Fatalf("%x is written as %x", b, again)
		}
	})
}

func TestTablesSayWhatIsWrong(t *testing.T) {
	put := func(at int, v uint32) func(b []byte) []byte {
		return func(b []byte) []byte {
			binary.LittleEndian.PutUint32(b[at:], v)
			return b
		}
	}
	const records = 2 * 128
	for _, c := range []struct {
		name, want string
		change     func(b []byte) []byte
	}{
		{"nothing", "", func(b []byte) []byte { return b }},
		{"many records", "are not 4294967295 of 128", put(0, math.MaxUint32)},
		{"no record", "are not 0 of 128", put(0, 0)},
		{"many boxes", "impossible", put(4, math.MaxUint32)},
		{"many features", "impossible", put(8, math.MaxUint32)},
		{"another width", "2 boxes with 4 features have 128", put(16, 64)},
		{"unknown flags", "flags 9", put(12, 9)},
		{"a long id", "an id of 5000 bytes", put(tableHead, 5000)},
		{"no id", "an id of 0 bytes", put(tableHead, 0)},
		{"more boxes than fit", "with 3 boxes: impossible", put(tableHead+4, 3)},
		{"no width", "a picture of 0 x 480", put(tableHead+8, 0)},
		{"unknown labels", "impossible", put(tableHead+16, 1<<10)},
		{"something more", "1 bytes too many", func(b []byte) []byte { return append(b, 'x') }},
		{"a cut table", "too short for 2 records", func(b []byte) []byte { return b[:tableHead+entrySize] }},
	} {
		t.Run(c.name, func(t *testing.T) {
			whole := someTable().encode()
			if c.name == "another width" {
				binary.LittleEndian.PutUint32(whole[8:], 4)
			}
			_, err := parseTable(c.change(whole[:len(whole)-tableEnd:len(whole)-tableEnd]), records)
			if c.want == "" && err != nil || c.want != "" && (err == nil || !strings.Contains(err.Error(), c.want)) {
				t.Errorf("error %v does not say %q", err, c.want)
			}
		})
	}
}
