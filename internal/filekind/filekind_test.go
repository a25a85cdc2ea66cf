package filekind

import (
	"archive/zip"
	"bytes"
	"compress/gzip"
	"compress/zlib"
	"encoding/binary"
	"image"
	"image/gif"
	"image/jpeg"
	"image/png"
	"os/exec"
	"strings"
	"testing"
	"unicode/utf16"

	"github.com/seed-516990b0/golxmert/internal/goldentest"
)

// zipped is a zip with one member.
func zipped(t testing.TB, name string) []byte {
	t.Helper()
	var b bytes.Buffer
	z := zip.NewWriter(&b)
	w, err := z.Create(name)
	if err == nil {
		_, err = w.Write([]byte("content"))
	}
	if err == nil {
		err = z.Close()
	}
	if err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

func written(t testing.TB, write func(b *bytes.Buffer) error) []byte {
	t.Helper()
	var b bytes.Buffer
	if err := write(&b); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

func wide(s string, order binary.ByteOrder, mark bool) []byte {
	if mark {
		s = "\ufeff" + s
	}
	var out []byte
	for _, u := range utf16.Encode([]rune(s)) {
		var two [2]byte
		order.PutUint16(two[:], u)
		out = append(out, two[:]...)
	}
	return out
}

// at is text at some place among zeros.
func at(n, size int, text string) []byte {
	b := make([]byte, size)
	copy(b[n:], text)
	return b
}

type sample struct {
	name string
	head []byte
	want Kind
}

func samples(t testing.TB) []sample {
	dot := image.NewGray(image.Rect(0, 0, 2, 2))
	row := "COCO_val2014_000000000042\t480\t640\tAAAAAAAAAAA=\tAAAAAA==\tAAAAAAAAAAA=\tAAAAAA==\t1\tAAAAAA==\tAAAAAA==\n"
	return []sample{
		{"nothing", nil, Empty},
		{"LFS", []byte("version https://git-lfs.github.com/spec/v1\noid sha256:0123\nsize 889\n"), LFSPointer},
		{"page", []byte("\n<!DOCTYPE html><html>"), HTML},
		{"page in capitals", []byte("<HTML><BODY>"), HTML},
		{"XHTML", []byte("<?xml version=\"1.0\"?>\n<!DOCTYPE html PUBLIC \"x\">"), HTML},
		{"a sign-in page", []byte("<head><title>Google Drive - Virus scan warning</title>"), HTML},
		{"S3", []byte("<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<Error><Code>AccessDenied</Code></Error>"), XML},
		{"bare S3", []byte("<Error><Code>NoSuchKey</Code></Error>"), XML},
		{"404", []byte("404: Not Found"), ServerText},
		{"a hub", []byte("Entry not found"), ServerText},
		{"404 pictures", []byte("404.jpg\n405.jpg\n"), Text},

		{"object", []byte(`{"a": 1}`), JSON},
		{"empty object", []byte(`{ }`), JSON},
		{"JSON with a mark", []byte("\xef\xbb\xbf [{}]\n"), JSON},
		{"JSON with tabs", []byte("[\n\t{\n\t\t\"question_id\": 1,\n\t\t\"sent\": \"a\tb\tc\td\te\""), JSON},
		{"lists", []byte("[[1, 2]"), JSON},
		{"Python dict", []byte(`{'a': 1}`), PythonText},
		{"Python list", []byte(`[{'question_id': 1`), PythonText},
		{"Python bytes", []byte("b'AAAA'"), PythonText},
		{"Python array", []byte("array([[0.1, 0.2"), PythonText},
		{"a row", []byte(row), TSV},
		{"a row cut in a rune", []byte("caf\xc3\xa9\t1\t2\t3\xc3"), TSV},
		{"a row in Latin-1", []byte("caf\xe9\t1\t2\t3\n"), TSV},
		{"a row that begins like Parquet", []byte("PAR1" + row), TSV},
		{"a row that begins like gzip's twin", []byte("BZh9" + row), TSV},
		{"a row that begins like JSON", []byte("{\"a\"}" + row), TSV},
		{"two columns", []byte("1\tyes\n"), TSV},
		{"a vocabulary", []byte("[PAD]\n[unused0]\n"), Text},
		{"words", []byte("what colour is it?\n"), Text},
		{"UTF-16 little-endian", wide(`[{"question_id": 1}]`, binary.LittleEndian, true), UTF16},
		{"UTF-16 big-endian", wide(`[{"question_id": 1}]`, binary.BigEndian, true), UTF16},
		{"UTF-16 without a mark", wide(`[{"question_id": 1}]`, binary.LittleEndian, false), UTF16},
		{"UTF-32", []byte("\xff\xfe\x00\x00[\x00\x00\x00"), UTF32},

		{"gzip", written(t, func(b *bytes.Buffer) error { w := gzip.NewWriter(b); w.Write([]byte("a")); return w.Close() }), Gzip},
		{"zlib", written(t, func(b *bytes.Buffer) error { w := zlib.NewWriter(b); w.Write([]byte("a")); return w.Close() }), Zlib},
		{"bzip2", []byte("BZh91AY&SY\x19\x31\x65\x3d\x00"), Bzip2},
		{"xz", []byte("\xfd7zXZ\x00\x00\x04"), XZ},
		{"Zstandard", []byte("\x28\xb5\x2f\xfd\x24\x01"), Zstandard},
		{"LZ4", []byte("\x04\x22\x4d\x18\x64\x40"), LZ4},
		{"7z", []byte("7z\xbc\xaf\x27\x1c\x00\x04"), SevenZip},
		{"RAR", []byte("Rar!\x1a\x07\x01\x00"), RAR},
		{"zip", zipped(t, "train2014_obj36.tsv"), Zip},
		{"a zip of nothing", append([]byte("PK\x05\x06"), make([]byte, 18)...), Zip},
		{"the beginning of a zip", []byte("PK\x03\x04"), Zip},
		{"npz", zipped(t, "features.npy"), NPZ},
		{"torch.save", zipped(t, "archive/data.pkl"), TorchZip},
		{"Excel", zipped(t, "[Content_Types].xml"), Office},
		{"tar", at(257, 512, "ustar\x0000"), Tar},

		{"npy", []byte("\x93NUMPY\x01\x00\x76\x00{'descr': '<f4'"), NPY},
		{"safetensors", append(binary.LittleEndian.AppendUint64(nil, 64), `{"a":{}}`...), Safetensors},
		{"safetensors with a lying length", []byte("\xff\xff\xff\xff\xff\xff\xff\xff{}"), Safetensors},
		{"text whose ninth letter is a brace", []byte("question{}"), Text},
		{"UTF-8 whose ninth letter is a brace", []byte("\xc3\xa9\xc3\xa9\xc3\xa9\xc3\xa9{}"), Text},
		{"pickle", []byte("\x80\x04\x95\x10\x00\x00"), Pickle},
		{"pickle of Python 2", []byte("(dp0\nS'a'\n"), Pickle},
		{"old torch.save", []byte(TorchLegacyStart + "\x80\x02M\xe9\x03."), TorchLegacy},
		{"HDF5", []byte("\x89HDF\r\n\x1a\n\x00"), HDF5},
		{"HDF5 behind a user block", at(512, 600, "\x89HDF\r\n\x1a\n"), HDF5},
		{"MATLAB", at(0, 128, "MATLAB 5.0 MAT-file, Platform: GLNXA64"), MATLAB},
		{"MATLAB of today", append(at(0, 512, "MATLAB 7.3 MAT-file"), "\x89HDF\r\n\x1a\n"...), MATLAB},
		{"LMDB", at(16, 64, "\xde\xc0\xef\xbe\x01\x00\x00\x00"), LMDB},
		{"LMDB's lock", at(0, 64, "\xde\xc0\xef\xbe"), LMDB},
		{"Parquet", []byte("PAR1\x15\x04\x15\x00"), Parquet},
		{"Arrow", []byte("ARROW1\x00\x00\xff\xff\xff\xff"), Arrow},
		{"an Arrow stream", []byte("\xff\xff\xff\xff\x10\x01\x00\x00\x10\x00\x00\x00\x00\x00"), Arrow},
		{"Feather", []byte("FEA1\x00\x00\x00\x00"), Feather},
		{"SQLite", []byte("SQLite format 3\x00\x10\x00"), SQLite},
		{"GGUF", []byte("GGUF\x03\x00\x00\x00"), GGUF},

		{"PNG", written(t, func(b *bytes.Buffer) error { return png.Encode(b, dot) }), PNG},
		{"JPEG", written(t, func(b *bytes.Buffer) error { return jpeg.Encode(b, dot, nil) }), JPEG},
		{"GIF", written(t, func(b *bytes.Buffer) error { return gif.Encode(b, dot, nil) }), GIF},
		{"WebP", []byte("RIFF\x24\x00\x00\x00WEBPVP8 "), WebP},
		{"TIFF", []byte("II*\x00\x08\x00\x00\x00"), TIFF},
		{"PDF", []byte("%PDF-1.5\n%\xd0\xd4\xc5\xd8\n"), PDF},
		{"a program", []byte("\x7fELF\x02\x01\x01\x00"), Program},
		{"noise", []byte("\x01\x02\x03\x04\x05\x06\x07"), Unknown},
	}
}

func TestKindsAreToldFromTheirFirstBytes(t *testing.T) {
	seen := map[Kind]bool{}
	for _, s := range samples(t) {
		if got := Of(s.head); got != s.want {
			t.Errorf("%s: %v, must be %v", s.name, got, s.want)
		}
		if got, err := Read(bytes.NewReader(s.head)); err != nil || got != s.want {
			t.Errorf("%s, read: %v, error %v", s.name, got, err)
		}
		seen[s.want] = true
	}
	for k := range kinds {
		if !seen[k] {
			t.Errorf("no sample is %v", k)
		}
		if k.String() == "" {
			t.Errorf("kind %d has no name", k)
		}
	}
}

func TestTheSentenceSaysWhatItIsAndWhatToDo(t *testing.T) {
	for _, c := range []struct {
		kind         Kind
		advice, want string
	}{
		{LFSPointer, "", "a Git LFS pointer, not weights: the file itself was not downloaded: `git lfs pull` in its folder gets it"},
		{HDF5, "h5py reads it", "an HDF5 file, not weights: h5py reads it"},
		{HDF5, "", "an HDF5 file, not weights"},
		{Gzip, "ignored", "a gzip file, not weights: it is compressed: unpack it first, with gunzip (tar xzf for a .tar.gz)"},
	} {
		if got := c.kind.Not("weights", c.advice); got != c.want {
			t.Errorf("%s\nmust be\n%s", got, c.want)
		}
	}
}

func TestJSONTextIsWithoutItsMark(t *testing.T) {
	for _, c := range []struct{ text, want, err string }{
		{`{"a": 1}`, `{"a": 1}`, ""},
		{"\ufeff[1]", "[1]", ""},
		{"\ufeff", "", ""},
		{"[", "[", ""},
		{string(wide(`{"a": 1}`, binary.LittleEndian, true)), "", "text in UTF-16, not JSON: save it as UTF-8"},
		{string(wide(`{"a": 1}`, binary.BigEndian, false)), "", "text in UTF-16, not JSON"},
		{"{'a': 1}", "", "text that Python printed, not JSON"},
		{"", "", "an empty file, not JSON"},
	} {
		got, err := JSONText([]byte(c.text))
		if (err == nil) != (c.err == "") || err != nil && !strings.HasPrefix(err.Error(), c.err) || err == nil && string(got) != c.want {
			t.Errorf("%q: %q, error %v; must be %q, %q", c.text, got, err, c.want, c.err)
		}
	}
}

// TestWhatPythonWrites looks at files of the programs that write them.
func TestWhatPythonWrites(t *testing.T) {
	python := goldentest.Python(t)
	for _, c := range []struct {
		code string
		want Kind
	}{
		{"import numpy as np; np.savez(out, x=np.zeros(3))", NPZ},
		{"import numpy as np; np.savez_compressed(out, x=np.zeros(3))", NPZ},
		{"import numpy as np; np.save(out, np.zeros(3))", NPY},
		{"import pickle; pickle.dump({'a': 1}, out)", Pickle},
		{"import pickle; pickle.dump({'a': 1}, out, 0)", Pickle},
		{"import pickle; pickle.dump({'a': 1}, out, 2)", Pickle},
		{"import torch; torch.save({'a': torch.zeros(2)}, out)", TorchZip},
		{"import torch; torch.save({'a': torch.zeros(2)}, out, _use_new_zipfile_serialization=False)", TorchLegacy},
		{"import bz2; out.write(bz2.compress(b'a'))", Bzip2},
		{"import lzma; out.write(lzma.compress(b'a'))", XZ},
		{"import gzip; out.write(gzip.compress(b'a'))", Gzip},
		{"import zlib; out.write(zlib.compress(b'a'))", Zlib},
		{"import tarfile; t = tarfile.open(fileobj=out, mode='w'); t.add('.'); t.close()", Tar},
		{"import json; out.write(json.dumps([{'a': 1}]).encode('utf-16'))", UTF16},
		{"import json; out.write(json.dumps([{'a': 1}]).encode('utf-8-sig'))", JSON},
		{"out.write(str([{'a': 1}]).encode())", PythonText},
	} {
		cmd := exec.Command(python, "-c", "import io, sys; out = io.BytesIO()\n"+c.code+"\nsys.stdout.buffer.write(out.getvalue())")
		cmd.Dir = t.TempDir()
		out, err := cmd.Output()
		if err != nil {
			t.Fatalf("%s: %v", c.code, err)
		}
		if got := Of(out[:min(len(out), HeadSize)]); got != c.want {
			t.Errorf("%s: %v, must be %v", c.code, got, c.want)
		}
	}
}

// FuzzOf: any bytes have a kind with a name, and the first HeadSize of them decide.
func FuzzOf(f *testing.F) {
	for _, s := range samples(f) {
		f.Add(s.head)
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		kind, err := Read(bytes.NewReader(data))
		if err != nil || kind < 0 || kind >= kinds || strings.TrimSpace(kind.String()) == "" {
			t.Fatalf("%v, error %v", kind, err)
		}
		if (kind == Empty) != (len(data) == 0) {
			t.Fatalf("%d bytes are %v", len(data), kind)
		}
	})
}
