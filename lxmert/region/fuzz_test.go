package region

import (
	"bytes"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// FuzzTSV: whatever a TSV holds, scanning ends, and a row that decodes has as many values as it says.
func FuzzTSV(f *testing.F) {
	f.Add([]byte(rowText("a", 3, 4, nil) + "\r\n" + rowText("b", 1, 2, nil)))
	f.Add([]byte(rowText("a", 2, 1, map[int]string{colObjectIDs: "", colObjectConf: ""}) + "\n\n"))
	f.Add([]byte("a\t1\t1\t\t\t\t\t1\tAAAAAAAAAAAAAAAAAAAAAA==\tAAAAAA=="))
	f.Add([]byte(strings.Repeat("\t", 9) + "\n"))
	f.Fuzz(func(t *testing.T, data []byte) {
		s := NewScanner(bytes.NewReader(data), "x.tsv")
		var r Regions
		for s.Scan() {
			row := s.Row()
			if line, _, _ := bytes.Cut(data[row.Offset:], []byte("\n")); !bytes.Contains(line, row.ID) {
				t.Fatalf("line %d is not at %d", row.Line, row.Offset)
			}
			if row.Decode(&r) != nil {
				continue
			}
			if r.N < 1 || r.Dim < 1 || len(r.Boxes) != 4*r.N || len(r.Features) != r.N*r.Dim || r.Width < 1 || r.Height < 1 || r.ID == "" {
				t.Fatalf("%+v", r)
			}
			if 4*len(r.Features) > len(data) || r.ObjectIDs != nil && len(r.ObjectIDs) != r.N {
				t.Fatalf("%d features of %d bytes", len(r.Features), len(data))
			}
			_, _ = r.NormalBoxes(nil)
		}
	})
}

// FuzzNPY: a header that is read describes an array of a possible size.
func FuzzNPY(f *testing.F) {
	f.Add(npy("<f4", "(3, 2)", nil))
	f.Add(npy("|u1", "()", nil))
	f.Add(npy("<U12", "(5,)", nil))
	f.Add([]byte("\x93NUMPY\x02\x00\x10\x00\x00\x00{'shape': (1,)} "))
	f.Fuzz(func(t *testing.T, data []byte) {
		e, shape, _, size, err := readNPYHeader(bytes.NewReader(data))
		if err != nil {
			return
		}
		n, ok := arrayBytes(e, shape)
		if !ok || n < 0 || e.size < 1 || size > int64(len(data)) || size > maxNPYHeader+12 {
			t.Fatalf("%v %v, header of %d bytes", e, shape, size)
		}
	})
}

// FuzzManifest: whatever a manifest says about a shard, the store opens or it does not, and what it shows can be read.
func FuzzManifest(f *testing.F) {
	src := filepath.Join(f.TempDir(), "x.tsv")
	randomTSV(f, src, 2)
	dir := packed(f, src, PackOptions{}).Path()
	path := filepath.Join(dir, manifestName)
	good, err := os.ReadFile(path)
	if err != nil {
		f.Fatal(err)
	}
	f.Add(good)
	f.Add(good[:len(good)/2])
	f.Add(bytes.Replace(good, []byte(`"dim": 3`), []byte(`"dim": 3000000000`), 1))
	f.Add(bytes.Replace(good, []byte(`"rows": 2`), []byte(`"rows": -2`), 1))
	f.Fuzz(func(t *testing.T, text []byte) {
		if err := os.WriteFile(path, text, 0o666); err != nil {
			t.Fatal(err)
		}
		s, err := OpenStore(dir)
		if err != nil {
			return
		}
		defer s.Close()
		for i := range s.Rows() {
			var r Regions
			if err := s.Read(i, &r); err != nil {
				t.Fatal(err)
			}
		}
	})
}
