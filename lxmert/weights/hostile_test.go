package weights

import (
	"archive/zip"
	"bytes"
	"encoding/binary"
	"fmt"
	"io"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/seed-516990b0/golxmert/internal/filekind"
	"github.com/seed-516990b0/golxmert/internal/goldentest"
)

// zipOf is a torch file with the given pickle and one storage "0" of 16 bytes.
func zipOf(t testing.TB, program string) []byte {
	t.Helper()
	return zipWith(t, zip.Store, "a/data.pkl", program, "a/data/0", strings.Repeat("\x00\x00\x80\x3f", 4), "a/version", "3\n")
}

func zipWith(t testing.TB, method uint16, files ...string) []byte {
	t.Helper()
	var b bytes.Buffer
	z := zip.NewWriter(&b)
	for i := 0; i < len(files); i += 2 {
		w, err := z.CreateHeader(&zip.FileHeader{Name: files[i], Method: method})
		if err == nil {
			_, err = io.WriteString(w, files[i+1])
		}
		if err != nil {
			t.Fatal(err)
		}
	}
	if err := z.Close(); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

// legacyOf is an old torch file with the given object and keys, followed by the storages' bytes.
func legacyOf(object, keys, storages string) []byte {
	return []byte(filekind.TorchLegacyStart + "\x80\x02M\xe9\x03." + "\x80\x02}(X\x0d\x00\x00\x00little_endian\x88u." + object + keys + storages)
}

// tensorProgram is the pickle of {"w": tensor} over storage "0" with count elements.
func tensorProgram(count, offset int64, dims, strides string) string {
	p := &program{}
	p.op("\x80\x02}(")
	p.text("w")
	p.op("ctorch._utils\n_rebuild_tensor_v2\n((")
	p.text("storage")
	p.op("ctorch\nFloatStorage\n")
	p.text("0")
	p.text("cpu")
	p.int(count)
	p.op("tQ")
	p.int(offset)
	p.op(dims + strides + "\x89ccollections\nOrderedDict\n)RtRu.")
	return p.String()
}

// float8Program is a tensor of a type that PyTorch saves with an untyped storage.
const float8Program = "\x80\x02ctorch._utils\n_rebuild_tensor_v3\n((X\x07\x00\x00\x00storagectorch.storage\nUntypedStorage\nX\x01\x00\x00\x000X\x03\x00\x00\x00cpuK\x10tQ" +
	"K\x00K\x10\x85K\x01\x85\x89ccollections\nOrderedDict\n)Rctorch\nfloat8_e4m3fn\ntR."

func dims(ns ...int64) string {
	p := &program{}
	p.tuple(ns)
	return p.String()
}

func TestHostilePTHFilesAreNamedErrors(t *testing.T) {
	tensors := func(count, offset int64, size, stride string) []byte {
		return zipOf(t, tensorProgram(count, offset, size, stride))
	}
	laughs := "\x80\x02]q\x00" + tensorProgram(4, 0, dims(4), dims(1))[2:]
	laughs = laughs[:len(laughs)-1] + "a"
	for i := range 40 { // list i+1 holds list i twice
		laughs += fmt.Sprintf("]q%c(h%ch%ce", i+1, i, i)
	}
	laughs = "\x80\x02(" + laughs[2:] + "t."
	names := &program{}
	names.op("\x80\x02]q\x00")
	for i := range 25 { // dicts with a long key around lists that hold the one before a thousand times
		names.op("0}")
		names.text(strings.Repeat("k", 60))
		names.op(fmt.Sprintf("](%s", strings.Repeat(fmt.Sprintf("h%c", i), 1000)) + fmt.Sprintf("esq%c", i+1))
	}
	names.op(".")
	objects := &program{} // each the state of the next, twice, under keys of its own
	objects.op("\x80\x02]q\x00")
	for i := range 40 {
		objects.op(fmt.Sprintf("0ca\nb\n)R}(X\x01\x00\x00\x00xh%cX\x01\x00\x00\x00yh%cubq%c", i, i, i+1))
	}
	objects.op(".")
	okZip := tensors(4, 0, dims(4), dims(1))
	for _, c := range []struct {
		name string
		data []byte
		want string
	}{
		{"a program to run", zipOf(t, "\x80\x02cos\nsystem\nX\x07\x00\x00\x00rm -rf /\x85R."), `names "os.system"`},
		{"a program, protocol 4", zipOf(t, "\x80\x04\x8c\x08builtins\x8c\x04eval\x93."), `names "builtins.eval"`},
		{"a program, old format", legacyOf("\x80\x02cos\nsystem\n.", "", ""), "offset 48"},
		{"a program that would be called later", zipOf(t, "\x80\x02}X\x01\x00\x00\x00acsubprocess\nPopen\ns."), `names "subprocess.Popen"`},
		{"complex numbers", zipOf(t, "\x80\x02ctorch\nComplexFloatStorage\n."), "tensors of type torch.ComplexFloatStorage, which are not read"},
		{"float8", zipOf(t, float8Program), "tensors of type torch.float8_e4m3fn, which are not read; make them float32 in Python first"},
		{"a quantised tensor", zipOf(t, "\x80\x02ctorch._utils\n_rebuild_qtensor\n."), "a tensor of a kind that is not read (torch._utils._rebuild_qtensor)"},
		{"an unknown opcode", zipOf(t, "\x80\x02\x82\x01."), "opcode 0x82"},
		{"no whole number", zipOf(t, "\x80\x02I1x\n."), `"1x" is not a whole number`},
		{"a name of a megabyte", zipOf(t, "\x80\x04\x8c\x01aX\x00\x00\x10\x00"+strings.Repeat("a", 1<<20)+"\x93."), "a name is longer than 200 bytes"},
		{"named arguments that are none", zipOf(t, "\x80\x04\x8c\x01a\x8c\x01b\x93)N\x92."), "with None instead of a dict"},
		{"a call without a function", zipOf(t, "\x80\x02(o."), "a call without a function"},
		{"objects that multiply", zipOf(t, objects.String()), "unfolds to more than its size"},
		{"protocol 0", zipOf(t, "(dp0\n."), "instead of a protocol number"},
		{"protocol 9", zipOf(t, "\x80\x09."), "protocol 9"},
		{"a string of 4 GB", zipOf(t, "\x80\x02X\xff\xff\xff\xffabc."), "4294967295 bytes are announced but 4 are left"},
		{"a string of 2^63 bytes", zipOf(t, "\x80\x04\x8d\x00\x00\x00\x00\x00\x00\x00\x80a."), "are announced"},
		{"an integer of 2 GB", zipOf(t, "\x80\x02\x8b\xff\xff\xff\x7f1."), "an integer of 2147483647 bytes"},
		{"a frame of 2^60 bytes", zipOf(t, "\x80\x04\x95\x00\x00\x00\x00\x00\x00\x00\x10N."), "a frame of"},
		{"a memo never written", zipOf(t, "\x80\x02h\x07."), "memo 7"},
		{"an empty stack", zipOf(t, "\x80\x02R."), "the stack is empty"},
		{"a list that contains itself", zipOf(t, "\x80\x02]q\x00h\x00a."), "contain themselves"},
		{"100,000 nested lists", zipOf(t, "\x80\x02"+strings.Repeat("]", 100_000)+strings.Repeat("a", 99_999)+"."), "deeper than 64"},
		{"2^40 tensors by reference", zipOf(t, laughs), "unfolds to more than its size"},
		{"names that multiply", zipOf(t, names.String()), "unfolds to more than its size"},
		{"too many opcodes", zipOf(t, "\x80\x02"+strings.Repeat("N0", 1_100_000)+"N."), "more than 2000000 opcodes"},
		{"pairs that multiply", zipOf(t, "\x80\x02]q\x00("+strings.Repeat("NN\x86", 10_000)+"e0ccollections\nOrderedDict\nq\x010"+strings.Repeat("h\x01h\x00\x85R0", 200)+"N."), "more than 1000000 pairs"},
		{"a call of a string", zipOf(t, "\x80\x02X\x01\x00\x00\x00a)R."), "which is not a function"},
		{"a key that is a list", zipOf(t, "\x80\x02}]Ns."), "a list is not a key"},
		{"a state on a list", zipOf(t, "\x80\x02]}b."), "a state is set on a list"},
		{"a tensor without storage", zipOf(t, "\x80\x02ctorch._utils\n_rebuild_tensor_v2\n(NK\x00))tR."), "a tensor without a storage"},
		{"a shape of 2^62", tensors(4, 0, dims(1<<62, 4), dims(4, 1)), "impossibly large"},
		{"a shape beyond the storage", tensors(4, 0, dims(5), dims(1)), "does not fit in storage"},
		{"an offset beyond the storage", tensors(4, 4, dims(1), dims(1)), "does not fit in storage"},
		{"a huge offset", tensors(4, 1<<62, dims(1), dims(1)), "does not fit in storage"},
		{"a huge stride", tensors(4, 0, dims(2, 2), dims(1<<61, 1<<61)), "impossibly large"},
		{"a negative stride", tensors(4, 3, dims(2), dims(-1)), "negative"},
		{"a negative size", tensors(4, 0, dims(-2), dims(1)), "negative"},
		{"a repeating view of 4 TB", tensors(4, 0, dims(1<<40), dims(0)), "a repeating view"},
		{"17 axes", tensors(4, 0, dims(make([]int64, 17)...), dims()), "17 axes"},
		{"strides of another rank", tensors(4, 0, dims(2, 2), dims(1)), "1 strides"},
		{"a lying element count", tensors(5, 0, dims(4), dims(1)), "has 16 bytes in the file where its tensors say 20"},
		{"2^60 elements", tensors(1<<60, 0, dims(4), dims(1)), "of 1152921504606846976 elements"},
		{"a missing storage", zipWith(t, zip.Store, "a/data.pkl", tensorProgram(4, 0, dims(4), dims(1))), `storage "0" is not in the file`},
		{"a zip bomb", zipWith(t, zip.Deflate, "a/data.pkl", strings.Repeat("N0", 1<<22)), "is compressed"},
		{"TorchScript", zipWith(t, zip.Store, "a/data.pkl", "\x80\x02N.", "a/constants.pkl", ""), "a TorchScript program"},
		{"big-endian", zipWith(t, zip.Store, "a/data.pkl", "\x80\x02N.", "a/byteorder", "big"), "big-endian"},
		{"another zip", zipWith(t, zip.Store, "a.txt", "hello"), "without data.pkl"},
		{"two members of one name", zipWith(t, zip.Store, "a/data.pkl", "\x80\x02N.", "a/data.pkl", "\x80\x02N."), "occurs twice"},
		{"a zip cut short", okZip[:len(okZip)-60], "was cut short"},
		{"a damaged value", bytes.Replace(okZip, []byte("\x80\x3f\x00\x00"), []byte("\x80\x3e\x00\x00"), 1), "the checksum is"},
		{"a lying size in the directory", patchDirectory(okZip, 1, 24, 17), "is stored, but has"},
		{"overlapping members", patchDirectory(patchDirectory(okZip, 0, 20, 250), 0, 24, 250), "overlap"},
		{"a place beyond the end", patchDirectory(okZip, 1, 42, 1<<30), "outside the file"},
		{"a legacy file without values", legacyOf(tensorProgram(4, 0, dims(4), dims(1)), "\x80\x02](X\x01\x00\x00\x000e.", ""), "is missing"},
		{"a legacy file with a lying count", legacyOf(tensorProgram(4, 0, dims(4), dims(1)), "\x80\x02](X\x01\x00\x00\x000e.", "\xff\xff\xff\xff\xff\xff\xff\x7f"), "elements where its tensors say 4"},
		{"a legacy file cut in its values", legacyOf(tensorProgram(4, 0, dims(4), dims(1)), "\x80\x02](X\x01\x00\x00\x000e.", "\x04\x00\x00\x00\x00\x00\x00\x00aaaa"), "16 bytes but 4 are left"},
		{"a legacy file with a strange key", legacyOf("\x80\x02N.", "\x80\x02](X\x01\x00\x00\x000e.", ""), "that no tensor uses"},
		{"a big-endian legacy file", bytes.Replace(legacyOf("\x80\x02N.", "", ""), []byte("\x88u."), []byte("\x89u."), 1), "big-endian"},
		{"nothing", nil, "an empty file"},
		{"a Git LFS pointer", []byte("version https://git-lfs.example/spec/v1\noid sha256:0\n"), "git lfs pull"},
		{"a web page", []byte("<!DOCTYPE html><html>"), "a web page"},
		{"HDF5", []byte("\x89HDF\r\n\x1a\n\x00"), "an HDF5 file, not weights: TensorFlow and Keras write such files"},
		{"another pickle", []byte("\x80\x02}q\x00."), "a Python pickle, not weights: not one of torch.save either"},
		{"gzip", []byte("\x1f\x8b\x08\x00"), "a gzip file, not weights: it is compressed"},
		{"an index without its files", []byte(`{"weight_map":{"a":"missing.safetensors"}}`), "a part that the index names"},
		{"an index that leaves its folder", []byte(`{"weight_map":{"a":"../x.safetensors"}}`), "not a file beside it"},
		{"other JSON", []byte(`{"a":1}`), "no weight_map"},
	} {
		for _, mapped := range []bool{true, false} {
			f, err := openBytes(c.data, mapped)
			if err == nil {
				for _, name := range f.Names() {
					x, _ := f.Tensor(name)
					if _, err2 := x.Bytes(); err2 != nil {
						err = err2
					}
				}
			}
			if err == nil || !strings.Contains(err.Error(), c.want) || !strings.Contains(err.Error(), "test: ") || strings.Contains(err.Error(), "\n") {
				t.Errorf("%s: error %v\n\tmust name the file and say %q", c.name, err, c.want)
			}
			check(t, c.name, c.data, mapped)
		}
	}
}

// patchDirectory overwrites 32 bits of the nth entry of a zip's directory.
func patchDirectory(data []byte, n, field int, value uint32) []byte {
	out := append([]byte(nil), data...)
	at := 0
	for range n + 1 {
		at += 1 + bytes.Index(out[at:], []byte(zipCentral))
	}
	binary.LittleEndian.PutUint32(out[at-1+field:], value)
	return out
}

// TestZip64 writes sizes and places with 64 bits, as files over 4 GB have them, and reads them here and in Python.
func TestZip64(t *testing.T) {
	path := filepath.Join(t.TempDir(), "x.pth")
	big := make([]float32, 1000)
	for i := range big {
		big[i] = float32(i)
	}
	items := []Item{
		FromFloats("small", []int{2}, []float32{1, 2}, F32), FromFloats("big", []int{1000}, big, F32), FromFloats("last", []int{1}, []float32{3}, F32),
	}
	if err := writePTH(path, items, nil, 2000); err != nil {
		t.Fatal(err)
	}
	if err := readAll(readFile(t, path), true); err != nil {
		t.Fatal(err)
	}
	f, err := Open(path)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	x, _ := f.Tensor("big")
	if v, err := x.Float32s(); err != nil || v[999] != 999 {
		t.Fatal(v, err)
	}
	python := goldentest.Python(t)
	// torch's own reader takes such places in files over 4 GB only.
	out, err := exec.Command(python, "-c", `import sys, zipfile
z = zipfile.ZipFile(sys.argv[1]); assert z.testzip() is None
print(len(z.namelist()), len(z.read("archive/data/1")), z.read("archive/version"))`, path).CombinedOutput()
	if err != nil || strings.TrimSpace(string(out)) != `6 4000 b'3\n'` {
		t.Errorf("%v\n%s", err, out)
	}
}

// TestDataStartsAligned: values start at multiples of 64 bytes, as torch's own.
func TestDataStartsAligned(t *testing.T) {
	path := filepath.Join(t.TempDir(), "x.pth")
	if err := Write(path, []Item{FromFloats("a", []int{3}, make([]float32, 3), F16), FromFloats("b", []int{1}, make([]float32, 1), F32)}, nil); err != nil {
		t.Fatal(err)
	}
	f, err := Open(path)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	for _, x := range f.tensors {
		if x.storage.off%64 != 0 {
			t.Errorf("%s starts at %d", x.Name, x.storage.off)
		}
	}
}
