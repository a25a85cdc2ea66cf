package region

import (
	"archive/zip"
	"bytes"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

// writeZip makes a zip of files, by their names in it.
func writeZip(t testing.TB, path string, files map[string]string) {
	t.Helper()
	var b bytes.Buffer
	z := zip.NewWriter(&b)
	for name, file := range files {
		text, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		w, err := z.Create(name)
		if err == nil {
			_, err = w.Write(text)
		}
		if err != nil {
			t.Fatal(err)
		}
	}
	if err := z.Close(); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(path, b.Bytes(), 0o666); err != nil {
		t.Fatal(err)
	}
}

func TestATSVIsPackedOutOfAZip(t *testing.T) {
	dir := t.TempDir()
	src, note, zipped := filepath.Join(dir, "x.tsv"), filepath.Join(dir, "note.txt"), filepath.Join(dir, "x.zip")
	want := randomTSV(t, src, 40)
	if err := os.WriteFile(note, []byte("note"), 0o666); err != nil {
		t.Fatal(err)
	}
	writeZip(t, zipped, map[string]string{"deep/x.tsv": src, "note.txt": note, "__MACOSX/deep/._x.tsv": note})
	s := packed(t, zipped, PackOptions{})
	for i, got := range collect(t, s.Path()) {
		sameRegions(t, got, want[i])
	}
	if s.about.Source.Member != "deep/x.tsv" {
		t.Errorf("%+v", s.about.Source)
	}

	two := filepath.Join(dir, "two.zip")
	writeZip(t, two, map[string]string{"a.tsv": src, "b.tsv": src})
	if s := packed(t, two, PackOptions{Member: "b.tsv"}); s.Rows() != 40 {
		t.Errorf("%d rows", s.Rows())
	}
	whole, err := os.ReadFile(zipped)
	if err != nil {
		t.Fatal(err)
	}
	write := func(name string, data []byte) string {
		path := filepath.Join(dir, name)
		if err := os.WriteFile(path, data, 0o666); err != nil {
			t.Fatal(err)
		}
		return path
	}
	badSum := slices.Clone(whole)
	entry := bytes.Index(badSum, []byte("PK\x01\x02"))
	for bytes.Contains(badSum[entry+4:], []byte("PK\x01\x02")) && !bytes.HasPrefix(badSum[entry+46:], []byte("deep/x.tsv")) {
		entry += 4 + bytes.Index(badSum[entry+4:], []byte("PK\x01\x02"))
	}
	badSum[entry+16] ^= 1 // CRC-32 in the directory
	flipped := slices.Clone(whole)
	flipped[bytes.Index(flipped, []byte("deep/x.tsv"))+2000] ^= 4
	for _, c := range []struct{ path, member, want string }{
		{two, "", "there are 2 TSVs in the archive"},
		{two, "c.tsv", `there is no "c.tsv" in the archive; it has ["`},
		{src, "x.tsv", "is not a zip"},
		{write("cut.zip", whole[:len(whole)-10]), "", "cut short or is damaged"},
		{write("sum.zip", badSum), "", "checksum error: the archive is damaged, fetch it again"},
		{write("flipped.zip", flipped), "deep/x.tsv", ""},
	} {
		dst := filepath.Join(t.TempDir(), "z.store")
		_, err := Pack(t.Context(), c.path, dst, PackOptions{Member: c.member})
		if err == nil || !strings.Contains(err.Error(), c.want) || !strings.Contains(err.Error(), c.path) {
			t.Errorf("error %v does not say %q", err, c.want)
		}
		if s, err := Open(dst); err == nil {
			t.Errorf("%s: the store of %d rows is whole", c.path, s.(*Store).Rows())
		}
	}
}
