package lxmert

import (
	"bytes"
	"encoding/binary"
	"errors"
	"io"
	"math/rand/v2"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"testing"

	"github.com/seed-516990b0/golxmert/internal/safetensors"
)

// traceParts are the items and the metadata of a file, to be changed one by one.
type traceParts struct {
	items []safetensors.Item
	meta  map[string]string
}

func (p *traceParts) set(name, dtype string, shape []int, words ...uint32) {
	var raw []byte
	for _, w := range words {
		raw = binary.LittleEndian.AppendUint32(raw, w)
	}
	p.remove(name)
	p.items = append(p.items, safetensors.Item{Name: name, DType: dtype, Shape: shape, Values: safetensors.Raw(raw)})
}

func partsOf(t *testing.T, trace *Trace) (p traceParts) {
	t.Helper()
	var err error
	if p.items, p.meta, err = trace.contents(); err != nil {
		t.Fatal(err)
	}
	return p
}

func (p *traceParts) file(t *testing.T) []byte {
	t.Helper()
	var b bytes.Buffer
	if err := safetensors.Write(&b, p.items, p.meta); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

func (p *traceParts) remove(name string) {
	p.items = slices.DeleteFunc(p.items, func(it safetensors.Item) bool { return it.Name == name })
}

func TestReadTraceRefusesFilesThatLie(t *testing.T) {
	const one, nan = 0x3f800000, 0x7fc00000
	noRegions := func(p *traceParts, images int) {
		p.set("input.feats", "F32", []int{images, 0, 3})
		p.set("input.boxes", "F32", []int{images, 0, 4})
		p.remove("input.visual_mask")
		delete(p.meta, "images")
	}
	for _, c := range []struct {
		change func(*traceParts)
		want   string
	}{
		{func(p *traceParts) { delete(p.meta, "format") }, `its format is ""`},
		{func(p *traceParts) { p.meta["format"] = "lxmert-trace 2" }, `its format is "lxmert-trace 2", expected "lxmert-trace 1"`},
		{func(p *traceParts) { p.set("x", "I32", []int{1}, 1) }, `"x" has type I32, must be F32`},
		{func(p *traceParts) { p.set("x", "F64", []int{1}, 1, 1) }, `"x" has type F64, must be F32`},
		{func(p *traceParts) { p.set("x", "U8", []int{4}, 1) }, `"x" has type U8`},
		{func(p *traceParts) { p.set("grad.x", "I32", []int{1}, 1) }, `"grad.x" has type I32`},
		{func(p *traceParts) { p.set("score", "I32", []int{1}, 1) }, `"score" has type I32`},
		{func(p *traceParts) { p.set("score", "F32", []int{1, 1}, 1) }, "score has shape [1 1]"},
		{func(p *traceParts) { p.set("input.feats", "I32", []int{2, 2, 3}, make([]uint32, 12)...) }, `"input.feats" has type I32`},
		{func(p *traceParts) { p.set("input.lengths", "F32", []int{2}, 4, 2) }, `"input.lengths" has type F32, must be I32`},
		{func(p *traceParts) { p.set("x", "F32", []int{1 << 40, 0}) }, "impossible shape [1099511627776 0]"},

		{func(p *traceParts) { p.set("top.x", "F32", []int{1}, 1) }, `"top.x" has no indices`},
		{func(p *traceParts) { p.set("top.x.values", "F32", []int{1}, 1) }, `"top.x.values" has no indices`},
		{func(p *traceParts) { p.set("top.x.values", "F32", []int{0}) }, `"top.x.values" has no indices`},
		{func(p *traceParts) { p.set("top.x.index", "I32", []int{0}) }, `"top.x.index" has no values`},
		{func(p *traceParts) { p.set("top.a.index", "I32", []int{2, 1}, 1, 2) }, `"top.a.values" has no indices of the same shape`},
		{func(p *traceParts) { p.set("top.out.mlm.index", "I32", []int{4}, 1, 2, 3, 4) }, "no indices of the same shape"},

		{func(p *traceParts) { p.remove("input.input_ids") }, "input_ids have shape []"},
		{func(p *traceParts) { p.set("input.input_ids", "I32", []int{8}, make([]uint32, 8)...) }, "input_ids have shape [8]"},
		{func(p *traceParts) { p.remove("input.segment_ids") }, "0 segment_ids"},
		{func(p *traceParts) { p.remove("input.input_mask") }, "0 values of input_mask"},
		{func(p *traceParts) { p.remove("input.lengths") }, "0 lengths"},
		{func(p *traceParts) { p.set("input.lengths", "I32", []int{3}, 4, 2, 1) }, "3 lengths"},
		{func(p *traceParts) { p.set("input.lengths", "I32", []int{2}, 5, 2) }, "text 0 has length 5 of 4"},
		{func(p *traceParts) { p.set("input.lengths", "I32", []int{2}, 4, 0) }, "text 1 has length 0 of 4"},
		{func(p *traceParts) { p.set("input.lengths", "I32", []int{2}, 4, 1<<32-1) }, "text 1 has length -1 of 4"},
		{func(p *traceParts) { p.set("input.lengths", "I32", []int{2}, 3, 2) }, "text 0: 3 word pieces but words with 4"},
		{func(p *traceParts) { p.remove("input.feats") }, "visual_mask has shape [2 2], the features have []"},
		{func(p *traceParts) { p.remove("input.feats"); p.remove("input.visual_mask"); delete(p.meta, "images") }, "region features have shape []"},
		{func(p *traceParts) { p.set("input.feats", "F32", []int{2, 2, 1}, one, one, one, nan) }, "entry [1 1 0] is NaN"},
		{func(p *traceParts) { p.set("input.feats", "F32", []int{2}, one, one) }, "visual_mask has shape [2 2], the features have [2]"},
		{func(p *traceParts) { p.remove("input.boxes") }, "boxes have shape []"},
		{func(p *traceParts) { p.set("input.visual_mask", "F32", []int{4}, one, one, one, one) }, "visual_mask has shape [4]"},
		{func(p *traceParts) { p.set("input.visual_mask", "F32", []int{1, 2}, one, one) }, "visual_mask has shape [1 2]"},
		{func(p *traceParts) { p.set("input.visual_mask", "F32", []int{2, 2}, one, one, one, nan) }, "image 1: mask value 1 is NaN"},
		{func(p *traceParts) { p.set("input.pairs", "I32", []int{2}, 0, 0) }, "pairs have shape [2], must be [rows, 2]"},
		{func(p *traceParts) { p.set("input.pairs", "I32", []int{1, 3}, 0, 0, 0) }, "pairs have shape [1 3]"},
		{func(p *traceParts) { p.set("input.pairs", "I32", []int{1, 2}, 0, 2) }, "pair 0 is text 0 and image 2"},
		{func(p *traceParts) { p.set("input.pairs", "I32", []int{0, 2}) }, "there is no pair"},
		{func(p *traceParts) { p.set("input.other", "F32", []int{1}, one) }, `there is no input "input.other"`},
		{func(p *traceParts) { noRegions(p, 1000) }, "1000 images without features for 2 texts"},
		{func(p *traceParts) { noRegions(p, 1); p.remove("input.pairs") }, "2 texts and 1 images"},

		{func(p *traceParts) { p.meta["provenance"] = "[]" }, "provenance: json"},
		{func(p *traceParts) { p.meta["provenance"] = "" }, "provenance: unexpected end of JSON"},
		{func(p *traceParts) { p.meta["words"] = "[{}" }, `metadata "words" is not JSON`},
		{func(p *traceParts) { p.meta["words"] = "null" }, `metadata "words" is not a list`},
		{func(p *traceParts) { p.meta["words"] = "{}" }, `metadata "words" is not a list`},
		{func(p *traceParts) { p.meta["words"] = "[]" }, "2 texts but 0 rows of words"},
		{func(p *traceParts) { p.meta["words"] = "[{},{}]" }, "text 0: 4 word pieces but words with 0"},
		{func(p *traceParts) { p.meta["words"] = "[1,2]" }, `metadata "words", entry 0: json`},
		{func(p *traceParts) { p.meta["words"] = "[" + strings.Repeat("{},", 99) + "{}]" }, `metadata "words" has more than 2 entries`},
		{func(p *traceParts) { p.meta["images"] = "[{},{},{}]" }, `metadata "images" has more than 2 entries`},
		{func(p *traceParts) { p.meta["images"] = "[{}]" }, "2 images but 1 descriptions"},
		{func(p *traceParts) { p.meta["images"] = `[{},{"objects":["","",""]}]` }, "image 1 has 2 regions but 3 objects"},
	} {
		p := partsOf(t, fullTrace())
		c.change(&p)
		_, err := readBack(p.file(t))
		if !errors.Is(err, ErrTrace) || !strings.Contains(err.Error(), c.want) || strings.Contains(err.Error(), "\n") {
			t.Errorf("error %v does not say %q", err, c.want)
		}
	}
}

// oddReader gives io.EOF with the last bytes of a file, as readers may, and fails after them.
type oddReader struct {
	data []byte
	err  error
}

func (r oddReader) ReadAt(p []byte, at int64) (int, error) {
	n := copy(p, r.data[min(at, int64(len(r.data))):])
	switch {
	case n < len(p):
		return n, r.err
	case at+int64(n) == int64(len(r.data)):
		return n, io.EOF
	}
	return n, nil
}

func TestReadErrorsAreTheReadersOwn(t *testing.T) {
	data, broken := written(t, fullTrace()), errors.New("broken disk")
	if _, err := ReadTrace(oddReader{data, broken}, int64(len(data))); err != nil {
		t.Errorf("io.EOF with the last bytes is taken for an error: %v", err)
	}
	_, err := ReadTrace(oddReader{data[:len(data)-10], broken}, int64(len(data)))
	if !errors.Is(err, broken) || errors.Is(err, ErrTrace) {
		t.Errorf("error %v", err)
	}
}

// checkRead reads what may be anything: the result is a trace that can be written and read again, or an error that wraps
// ErrTrace.
func checkRead(t testing.TB, data []byte) (ok bool) {
	t.Helper()
	trace, err := readBack(data)
	if err != nil {
		if trace != nil || !errors.Is(err, ErrTrace) {
			t.Errorf("error %v is not an ErrTrace", err)
		}
		return false
	}
	first := written(t, trace)
	again, err := readBack(first)
	if err != nil {
		t.Errorf("a trace that was read cannot be written and read: %v", err)
	} else if !bytes.Equal(first, written(t, again)) {
		t.Errorf("%+v became %+v", trace, again)
	}
	return true
}

// checkMemory reads a file and holds it to a small multiple of the file's size.
func checkMemory(t *testing.T, data []byte) {
	t.Helper()
	var before, after runtime.MemStats
	runtime.ReadMemStats(&before)
	trace, err := readBack(data)
	runtime.ReadMemStats(&after)
	if used := after.TotalAlloc - before.TotalAlloc; used > 64*uint64(len(data))+1<<16 {
		t.Errorf("%d bytes of memory for a file of %d (trace %v, error %v)", used, len(data), trace, err)
	}
}

func TestLyingSizesTakeNoMemory(t *testing.T) {
	many := strings.Repeat("{},", 1<<20) + "{}"
	for name, change := range map[string]func(*traceParts){
		"none": func(*traceParts) {},
		"images without regions": func(p *traceParts) {
			p.set("input.feats", "F32", []int{1 << 40, 0, 3})
			p.set("input.boxes", "F32", []int{1 << 40, 0, 4})
			p.set("input.visual_mask", "F32", []int{1 << 40, 0})
		},
		"texts without words": func(p *traceParts) { p.set("input.input_ids", "I32", []int{1 << 40, 0}) },
		"pairs of nothing":    func(p *traceParts) { p.set("input.pairs", "I32", []int{1 << 40, 0}) },
		"words of no text":    func(p *traceParts) { p.meta["words"] = "[" + many + "]" },
		"images of nothing":   func(p *traceParts) { p.meta["images"] = "[" + many + "]" },
		"deep JSON":           func(p *traceParts) { p.meta["words"] = strings.Repeat("[", 1<<20) },
	} {
		t.Run(name, func(t *testing.T) {
			p := partsOf(t, fullTrace())
			change(&p)
			checkMemory(t, p.file(t))
		})
	}
}

func TestEveryCutTraceIsAnError(t *testing.T) {
	data := written(t, fullTrace())
	for n := range len(data) {
		if checkRead(t, data[:n]) {
			t.Errorf("the first %d of %d bytes are a trace", n, len(data))
		}
	}
	if checkRead(t, append(slices.Clone(data), 0)) {
		t.Error("a byte too many goes unnoticed")
	}
}

func TestDamagedTracesAreErrorsOrTraces(t *testing.T) {
	original := written(t, fullTrace())
	header := 8 + int(binary.LittleEndian.Uint64(original))
	rng := rand.New(rand.NewPCG(3, 4))
	refused := 0
	const rounds = 2000
	for range rounds {
		data := slices.Clone(original)
		for range 1 + rng.IntN(3) {
			at := rng.IntN(len(data))
			if rng.IntN(2) == 0 {
				at = rng.IntN(header)
			}
			switch rng.IntN(5) {
			case 0:
				data[at] ^= 1 << rng.IntN(8)
			case 1:
				data[at] = byte('0' + rng.IntN(10))
			case 2:
				data[at] = byte(rng.UintN(256))
			case 3:
				to := min(at+1+rng.IntN(40), len(data))
				data = slices.Delete(data, at, max(at, to-1))
			case 4:
				from := rng.IntN(len(data))
				copy(data[at:], original[min(from, len(original)-1):min(from+8, len(original))])
			}
		}
		if !checkRead(t, data) {
			refused++
		}
		checkMemory(t, data)
		if t.Failed() {
			path := filepath.Join(os.TempDir(), "golxmert-damaged.trace")
			if err := os.WriteFile(path, data, 0o666); err != nil {
				t.Error(err)
			}
			t.Fatalf("the file is kept as %s", path)
		}
	}
	if refused < rounds/3 || refused == rounds {
		t.Errorf("%d of %d damaged files are refused", refused, rounds)
	}
}

func FuzzReadTrace(f *testing.F) {
	f.Add(written(f, fullTrace()))
	f.Add(written(f, &Trace{}))
	f.Add([]byte("\x02\x00\x00\x00\x00\x00\x00\x00{}"))
	f.Fuzz(func(t *testing.T, data []byte) { checkRead(t, data) })
}
