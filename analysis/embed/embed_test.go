package embed

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"math"
	"os"
	"path/filepath"
	"reflect"
	"slices"
	"strings"
	"testing"

	"github.com/seed-516990b0/golxmert/internal/half"
	"github.com/seed-516990b0/golxmert/lxmert"
)

// small has two heads, and a fine-tuned head about so many pictures.
func small(pictures int) lxmert.Config {
	return lxmert.Config{
		Vocab: 9, Hidden: 4, Heads: 2, Intermediate: 3, MaxPositions: 8, TokenTypes: 2, Activation: "gelu", LangLayers: 1, RegionLayers: 1, CrossLayers: 1,
		FeatDim: 2, BoxDim: 4, TaskClasses: 2, TaskImages: pictures,
	}
}

// someBatch has texts of 3 and 2 words and pictures of 1 and 2 regions, all shorter than the batch; the first text has
// something masked in its middle. Row r is texts[r%2] about picture (r+1)%2.
func someBatch(rows int) *lxmert.Batch {
	b := &lxmert.Batch{
		IDs: [][]int32{{1, 5, 6, 2, 0}, {1, 2, 0, 0, 0}}, TextMask: [][]float32{{1, 0, 1, 1, 0}, {1, 1, 0, 0, 0}},
		Feats: lxmert.NewTensor(2, 3, 2), Boxes: lxmert.NewTensor(2, 3, 4), RegionMask: [][]float32{{0, 1, 0}, {1, 1, 0}},
		Words: []lxmert.Words{{Pieces: []string{"[CLS]", "a", "b", "[SEP]", "[PAD]"}}, {Pieces: []string{"[CLS]", "[SEP]", "[PAD]", "[PAD]", "[PAD]"}}},
	}
	for r := range rows {
		b.Pairs = append(b.Pairs, [2]int{r % 2, (r + 1) % 2})
	}
	return b
}

var (
	wordsOf   = [][]int{{0, 2, 3}, {0, 1}} // of texts
	regionsOf = [][]int{{1}, {0, 1}}       // of pictures
)

// number is what a trace has at a place of an activation: another for every place.
func number(name string, at ...int) float32 {
	x := float32(len(name))
	for _, i := range at {
		x = 7*x + float32(i)
	}
	return x / 8
}

// traced has every activation of a batch.
func traced(c lxmert.Config, b *lxmert.Batch) *lxmert.Trace {
	t := &lxmert.Trace{Values: map[string]lxmert.Tensor{}, Provenance: lxmert.Provenance{Weights: "w.pth", Hash: "sha256:12", DType: "float32", Backend: "go"}}
	for _, a := range c.Names() {
		rows := map[lxmert.Rows]int{lxmert.TextRows: len(b.IDs), lxmert.ImageRows: b.Feats.Shape[0], lxmert.PairRows: b.Rows(), lxmert.TaskRows: b.Rows() / 2}[c.Rows(a.Name)]
		x := lxmert.NewTensor(append([]int{rows}, a.Dims(c, b.T(), b.V())...)...)
		for i := range x.Data {
			at := make([]int, len(x.Shape))
			for axis, rest := len(at)-1, i; axis >= 0; axis-- {
				at[axis], rest = rest%x.Shape[axis], rest/x.Shape[axis]
			}
			x.Data[i] = number(a.Name, at...)
		}
		t.Values[a.Name] = x
	}
	return t
}

// made writes a folder of 5 examples, 2 to a file, and returns the model.
func made(t *testing.T, dir string, pictures int, dtype string) lxmert.Config {
	t.Helper()
	c := small(pictures)
	index := NewIndex(c, c.Names(), Index{Data: "d.json", Examples: 5, Pictures: pictures, DType: dtype, Batch: 2, PerFile: 2, Model: traced(c, someBatch(2)).Provenance})
	w, err := Create(dir, c, index, "0-of-1", false)
	if err != nil {
		t.Fatal(err)
	}
	defer w.Close()
	for k := range index.Files {
		if done, err := w.Done(k); err != nil || done {
			t.Fatalf("file %d: %v, %v", k, done, err)
		}
		first, last := index.Share(k)
		b := someBatch((last - first) * pictures)
		f := w.File(k)
		var examples []Example
		for i := first; i < last; i++ {
			examples = append(examples, Example{ID: fmt.Sprint("q", i), Text: "a b", Images: []string{"p"}})
		}
		if err := f.Add(b, traced(c, b), examples); err != nil {
			t.Fatal(err)
		}
		if bad := f.NotFinite(); len(bad) > 0 {
			t.Errorf("not finite: %v", bad)
		}
		if err := f.Write(); err != nil {
			t.Fatal(err)
		}
		if done, err := w.Done(k); err != nil || !done {
			t.Fatalf("file %d after it was written: %v, %v", k, done, err)
		}
	}
	return c
}

func TestEachPairHasItsOwnWordsRegionsAndKeys(t *testing.T) {
	for _, pictures := range []int{1, 2} {
		for _, dtype := range []string{"F32", "F16"} {
			dir := t.TempDir()
			c := made(t, dir, pictures, dtype)
			n := 0
			for row, err := range Read(dir) {
				if err != nil {
					t.Fatal(err)
				}
				if row.Number != n || row.ID != fmt.Sprint("q", n) || len(row.Pairs) != pictures {
					t.Fatalf("example %d is %d, %+v with %d pairs", n, row.Number, row.Example, len(row.Pairs))
				}
				inFile := n % 2
				for p, values := range row.Pairs {
					r := inFile*pictures + p
					text, image := r%2, (r+1)%2
					if want := len(wordsOf[text]); p == 0 && len(row.Pieces) != want {
						t.Errorf("example %d has the pieces %v, want %d", n, row.Pieces, want)
					}
					for _, a := range c.Names() {
						x, ok := values[a.Name]
						if c.Rows(a.Name) == lxmert.TaskRows && p > 0 {
							if ok {
								t.Errorf("%s is there for picture %d", a.Name, p)
							}
							continue
						}
						if want := expected(c, a, inFile, r, text, image, dtype); !reflect.DeepEqual(x, want) {
							t.Fatalf("%d pictures, %s, example %d, %s is\n%v\nwant\n%v", pictures, dtype, n, a.Name, x, want)
						}
					}
				}
				n++
			}
			if n != 5 {
				t.Errorf("%d examples", n)
			}
		}
	}
}

// expected is what a pair has of an activation, by its documented layout.
func expected(c lxmert.Config, a lxmert.Activation, example, row, text, image int, dtype string) lxmert.Tensor {
	at := map[lxmert.Rows]int{lxmert.TextRows: text, lxmert.ImageRows: image, lxmert.PairRows: row, lxmert.TaskRows: example}[c.Rows(a.Name)]
	there := func(x lxmert.Axis, n int) []int {
		switch x {
		case lxmert.AxisWord:
			return wordsOf[text]
		case lxmert.AxisRegion:
			return regionsOf[image]
		}
		all := make([]int, n)
		for i := range all {
			all[i] = i
		}
		return all
	}
	dims := a.Dims(c, 0, 0)
	out := lxmert.Tensor{Shape: []int{}, Data: []float32{}}
	lists := make([][]int, len(dims))
	for i := range dims {
		lists[i] = there(a.Axes[i], dims[i])
	}
	add := func(place ...int) {
		x := number(a.Name, append([]int{at}, place...)...)
		if dtype == "F16" {
			x = half.Widen(half.Round(x))
		}
		out.Data = append(out.Data, x)
	}
	switch len(lists) {
	case 1:
		for _, i := range lists[0] {
			add(i)
		}
		out.Shape = []int{len(lists[0])}
	case 2:
		for _, i := range lists[0] {
			for _, j := range lists[1] {
				add(i, j)
			}
		}
		out.Shape = []int{len(lists[0]), len(lists[1])}
	case 3: // heads come first in the model, words or regions in the file
		for _, i := range lists[1] {
			for _, h := range lists[0] {
				for _, j := range lists[2] {
					add(h, i, j)
				}
			}
		}
		out.Shape = []int{len(lists[1]), len(lists[0]), len(lists[2])}
	}
	return out
}

func TestKeysBeyondAPairsOwnAreFilled(t *testing.T) {
	dir := t.TempDir()
	made(t, dir, 1, "F32")
	x, err := ReadIndex(dir)
	if err != nil {
		t.Fatal(err)
	}
	run, _ := x.run()
	f, err := openFile(x, run, filepath.Join(dir, x.Files[0]), 0)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	for name, fill := range map[string]float32{"l.0.tt": 0, "l.0.tt.score": -10000} {
		e := f.entries[name]
		if !slices.Equal(e.Shape, []int{5, 2, 3}) {
			t.Fatalf("%s is %v", name, e.Shape)
		}
		raw, err := f.bytes(e, 0, e.End-e.Begin)
		if err != nil {
			t.Fatal(err)
		}
		all := lxmert.Tensor{Shape: e.Shape, Data: decode(raw, e.DType)}
		for _, row := range []int{3, 4} { // the second text, which has two words
			for h := range 2 {
				if got := all.At(row, h, 2); got != fill {
					t.Errorf("%s at a key that is not there: %g, want %g", name, got, fill)
				}
			}
		}
	}
}

func TestNamesChooseActivations(t *testing.T) {
	dir := t.TempDir()
	made(t, dir, 1, "F32")
	for row, err := range Read(dir, "hid.t.*", "out.pooled") {
		if err != nil {
			t.Fatal(err)
		}
		if got := len(row.Pairs[0]); got != 4 {
			t.Errorf("%d activations, want hid.t.0 to hid.t.2 and out.pooled", got)
		}
	}
	for _, err := range Read(dir, "hid.t.9") {
		if err == nil || !strings.Contains(err.Error(), `there is no activation "hid.t.9"`) {
			t.Errorf("a name that is not there: %v", err)
		}
	}
}

func TestNumbersThatAreNotFiniteAreCountedAndLargeOnesRefused(t *testing.T) {
	c := small(1)
	for _, dtype := range []string{"F32", "F16"} {
		index := NewIndex(c, c.Names(), Index{Examples: 2, Pictures: 1, DType: dtype, PerFile: 2})
		w, err := Create(t.TempDir(), c, index, "0-of-1", false)
		if err != nil {
			t.Fatal(err)
		}
		defer w.Close()
		b := someBatch(2)
		trace := traced(c, b)
		trace.Values["out.pooled"].Data[0] = float32(math.NaN())
		trace.Values["hid.t.0"].Data[0] = float32(math.Inf(1))
		f, examples := w.File(0), []Example{{ID: "a"}, {ID: "b"}}
		if err := f.Add(b, trace, examples); err != nil {
			t.Fatal(err)
		}
		if got, want := f.NotFinite(), map[string]int{"out.pooled": 1, "hid.t.0": 1}; !reflect.DeepEqual(got, want) {
			t.Errorf("%s: %v, want %v", dtype, got, want)
		}
		trace.Values["out.task"].Data[2] = 70000
		err = w.File(0).Add(b, trace, examples)
		if large := err != nil && strings.Contains(err.Error(), `out.task of example "b": 70000 is too large for float16`); large != (dtype == "F16") {
			t.Errorf("%s: 70000: %v", dtype, err)
		}
	}
}

func TestAnotherRunIsNotMixedIn(t *testing.T) {
	c := small(1)
	about := Index{Data: "d.json", Examples: 5, Pictures: 1, DType: "F32", Batch: 2, PerFile: 2, Model: traced(c, someBatch(2)).Provenance}
	for want, change := range map[string]func(*Index){
		"with dtype F32, now it is F16":           func(x *Index) { x.DType = "F16" },
		"with examples 5, now it is 4":            func(x *Index) { x.Examples = 4 },
		"with weights sha256:12, now it is sha:1": func(x *Index) { x.Model.Hash = "sha:1" },
		"with examples_per_file 2, now it is 3":   func(x *Index) { x.PerFile = 3 },
		"with data d.json, now it is e.json":      func(x *Index) { x.Data = "e.json" },
		"":                                        func(x *Index) { x.Model.Backend = "xla:cuda" }, // where it is computed changes rounding only
		"is being written by this process":        nil,
	} {
		dir := t.TempDir()
		made(t, dir, 1, "F32")
		if change == nil {
			w, err := Create(dir, c, NewIndex(c, c.Names(), about), "0-of-1", false)
			if err != nil {
				t.Fatal(err)
			}
			defer w.Close()
			change = func(*Index) {}
		}
		other := about
		change(&other)
		w, err := Create(dir, c, NewIndex(c, c.Names(), other), "0-of-1", false)
		if err == nil {
			w.Close()
		}
		if (err == nil) != (want == "") || err != nil && !strings.Contains(err.Error(), want) {
			t.Errorf("%v, want %q", err, want)
		}
		if want == "" || strings.HasPrefix(want, "is being") {
			continue
		}
		if w, err = Create(dir, c, NewIndex(c, c.Names(), other), "0-of-1", true); err != nil {
			t.Fatal(err)
		}
		if files, _ := filepath.Glob(filepath.Join(dir, "*.safetensors")); len(files) > 0 {
			t.Errorf("overwriting leaves %v", files)
		}
		w.Close()
	}
}

// TestAnIndexWithoutFilesStandsInNobodysWay: a run that ended before its first file, such as by a wrong flag, is begun anew.
func TestAnIndexWithoutFilesStandsInNobodysWay(t *testing.T) {
	dir, c := t.TempDir(), small(1)
	for _, dtype := range []string{"F32", "F16"} {
		w, err := Create(dir, c, NewIndex(c, c.Names(), Index{Examples: 2, Pictures: 1, DType: dtype, PerFile: 2}), "0-of-1", false)
		if err != nil {
			t.Fatal(err)
		}
		w.Close()
	}
	if x, err := ReadIndex(dir); err != nil || x.DType != "F16" {
		t.Errorf("%+v, %v", x, err)
	}
}

func TestDamagedFilesAreNamedErrors(t *testing.T) {
	whole := t.TempDir()
	made(t, whole, 1, "F32")
	x, err := ReadIndex(whole)
	if err != nil {
		t.Fatal(err)
	}
	read := func(dir string) (err error) {
		for _, err = range Read(dir) {
			if err != nil {
				return err
			}
		}
		return nil
	}
	change := func(name string, f func([]byte) []byte) error {
		dir := t.TempDir()
		if err := os.CopyFS(dir, os.DirFS(whole)); err != nil {
			t.Fatal(err)
		}
		path := filepath.Join(dir, name)
		old, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		if text := f(old); text == nil {
			err = os.Remove(path)
		} else {
			err = os.WriteFile(path, text, 0o666)
		}
		if err != nil {
			t.Fatal(err)
		}
		return read(dir)
	}
	replaced := func(old, by string) func([]byte) []byte {
		return func(text []byte) []byte {
			if !bytes.Contains(text, []byte(old)) {
				t.Fatalf("there is no %s in %.3000s", old, text)
			}
			return bytes.Replace(text, []byte(old), []byte(by), 1)
		}
	}
	for _, c := range []struct {
		name, want string
		change     func([]byte) []byte
	}{
		{x.Files[1], "file 1 of 3 is not done; the command that makes the folder goes on with it", func([]byte) []byte { return nil }},
		{x.Files[1], "it was made by another run", func(text []byte) []byte {
			at := bytes.Index(text, []byte(`"run":"`)) + len(`"run":"`)
			text[at] ^= 1 // another digit
			return text
		}},
		{x.Files[1], "expected \"lxmert-embed 1\"", replaced(`"format":"lxmert-embed 1"`, `"format":"lxmert-embed 9"`)},
		{x.Files[2], "must have 1 from 4 on", replaced(`"first":"4"`, `"first":"3"`)},
		{x.Files[0], "hid.t.0 is missing", replaced(`"hid.t.0"`, `"hid.t.7"`)},
		{indexName, "its format is", replaced("lxmert-embed 1", "lxmert-embed 2")},
		{indexName, "is not the name of a file in the folder", replaced(x.Files[0], "../"+x.Files[0])},
		{indexName, "is not the name of a file in the folder", replaced(x.Files[0], "/etc/passwd")},
		{indexName, "do not make 9 examples", replaced(`"examples": 5`, `"examples": 9`)},
		{indexName, "do not make -5 examples", replaced(`"examples": 5`, `"examples": -5`)},
		{indexName, "0 examples each do not make", replaced(`"examples_per_file": 2`, `"examples_per_file": 0`)},
		{indexName, "dtype is \"F8\"", replaced(`"F32"`, `"F8"`)},
		{indexName, "rows is \"apples\"", replaced(`"rows": "words"`, `"rows": "apples"`)},
		{indexName, "its shape is [-4]", replaced("        4\n", "        -4\n")},
		{indexName, "whose last axis must be -1", replaced("        -1\n", "        3\n")},
		{indexName, "keys is \"apples\"", replaced(`"keys": "words"`, `"keys": "apples"`)},
		{indexName, "pictures is 0", replaced(`"pictures": 1`, `"pictures": 0`)},
		{indexName, "another run", replaced(`"data": "d.json"`, `"data": "e.json"`)},
	} {
		err := change(c.name, c.change)
		if err == nil || !strings.Contains(err.Error(), c.want) || !strings.Contains(err.Error(), c.name) || strings.Contains(err.Error(), "\n") {
			t.Errorf("%v, want a line about %s with %q", err, c.name, c.want)
		}
	}
	// Offsets that lead elsewhere.
	header := func(text []byte) int { return 8 + int(text[0]) + int(text[1])<<8 + int(text[2])<<16 }
	for i, n := range []byte{9, 255} {
		err := change(x.Files[0], func(text []byte) []byte { text[header(text)+8*i+8] = n; return text })
		if !errors.Is(err, ErrFormat) {
			t.Errorf("an offset of %d: %v", n, err)
		}
	}
	info, err := os.Stat(filepath.Join(whole, x.Files[0]))
	if err != nil {
		t.Fatal(err)
	}
	for n := 0; n < int(info.Size()); n += 97 {
		if err := change(x.Files[0], func(text []byte) []byte { return text[:n] }); !errors.Is(err, ErrFormat) {
			t.Fatalf("cut after %d bytes: %v", n, err)
		}
	}
	if err := read(t.TempDir()); !os.IsNotExist(errors.Unwrap(err)) && !errors.Is(err, os.ErrNotExist) {
		t.Errorf("an empty folder: %v", err)
	}
}

func TestTheIndexSaysWhatRowsAre(t *testing.T) {
	c := lxmert.LXR955()
	c.TaskClasses, c.TaskImages = 2, 2
	got := map[string]string{}
	for _, a := range c.Names() {
		d := Describe(c, a)
		text, err := json.Marshal(d.Shape)
		if err != nil {
			t.Fatal(err)
		}
		got[a.Name] = d.Rows + string(text) + d.Keys
	}
	for name, want := range map[string]string{
		"out.pooled": "pairs[768]", "out.task": "examples[2]", "out.qa": "pairs[9500]", "hid.t.14": "words[768]", "hid.i.3": "regions[768]",
		"l.0.ffn": "words[3072]", "x.4.i.ffn.out": "regions[768]", "l.2.tt.q": "words[12,64]", "x.1.ti.k": "regions[12,64]",
		"x.1.ti": "words[12,-1]regions", "x.1.it.score": "regions[12,-1]words", "in.feat": "regions[2048]", "in.box": "regions[4]", "out.mlm": "words[30522]",
	} {
		if got[name] != want {
			t.Errorf("%s: %s, want %s", name, got[name], want)
		}
	}
}
