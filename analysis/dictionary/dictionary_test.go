package dictionary

import (
	"bytes"
	"encoding/binary"
	"errors"
	"maps"
	"math"
	"os"
	"os/exec"
	"path/filepath"
	"reflect"
	"slices"
	"strings"
	"testing"

	"github.com/seed-516990b0/golxmert/internal/goldentest"
	"github.com/seed-516990b0/golxmert/internal/safetensors"
	"github.com/seed-516990b0/golxmert/lxmert"
)

// tensor is an item of a file in float32.
func tensor(name string, shape []int, values ...float32) safetensors.Item {
	var raw []byte
	for _, v := range values {
		raw = binary.LittleEndian.AppendUint32(raw, math.Float32bits(v))
	}
	return safetensors.Item{Name: name, DType: "F32", Shape: shape, Values: safetensors.Raw(raw)}
}

// written are the bytes of a file.
func written(t *testing.T, meta map[string]string, items ...safetensors.Item) []byte {
	t.Helper()
	var b bytes.Buffer
	if err := safetensors.Write(&b, items, meta); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

// byHand reads two numbers into three features and writes two numbers.
func byHand() []safetensors.Item {
	return []safetensors.Item{
		tensor("W_enc", []int{2, 3}, 1, 0, 2, 0, 1, -1), tensor("b_enc", []int{3}, 0, -1, 0.5),
		tensor("W_dec", []int{3, 2}, 1, 0, 0, 2, 1, 1), tensor("b_dec", []int{2}, 10, 20),
	}
}

func read(t *testing.T, meta map[string]string, items ...safetensors.Item) *Dictionary {
	t.Helper()
	data := written(t, meta, items...)
	d, err := Read(bytes.NewReader(data), int64(len(data)))
	if err != nil {
		t.Fatal(err)
	}
	return d
}

// TestFeaturesAreThoseOfTheFormula: of x = (3, 2) the encoder makes z = (3, 1, 4.5); of (11, 23), less b_dec, z = (1, 2, -0.5).
func TestFeaturesAreThoseOfTheFormula(t *testing.T) {
	threshold := tensor("threshold", []int{3}, 3, 0.5, 4)
	for name, c := range map[string]struct {
		meta     map[string]string
		items    []safetensors.Item
		x        []float32
		features []float64
		decoded  []float64
	}{
		"relu":                    {nil, byHand(), []float32{3, 2}, []float64{3, 1, 4.5}, []float64{17.5, 26.5}},
		"relu of a negative":      {map[string]string{"activation": "relu"}, byHand(), []float32{-1, 2}, []float64{0, 1, 0}, []float64{10, 22}},
		"top 1":                   {map[string]string{"activation": "topk", "k": "1"}, byHand(), []float32{3, 2}, []float64{0, 0, 4.5}, []float64{14.5, 24.5}},
		"top 2":                   {map[string]string{"activation": "topk", "k": "2"}, byHand(), []float32{3, 2}, []float64{3, 0, 4.5}, []float64{17.5, 24.5}},
		"top 3 are not negative":  {map[string]string{"activation": "topk", "k": "3"}, byHand(), []float32{-1, 2}, []float64{0, 1, 0}, []float64{10, 22}},
		"of equal ones the first": {map[string]string{"activation": "topk", "k": "1"}, byHand(), []float32{1, 2}, []float64{1, 0, 0}, []float64{11, 20}},
		"jumprelu":                {map[string]string{"activation": "jumprelu"}, append(byHand(), threshold), []float32{3, 2}, []float64{0, 1, 4.5}, []float64{14.5, 26.5}},
		"jumprelu by threshold":   {nil, append(byHand(), threshold), []float32{3, 2}, []float64{0, 1, 4.5}, []float64{14.5, 26.5}},
		"b_dec first":             {map[string]string{"apply_b_dec_to_input": "True"}, byHand(), []float32{11, 23}, []float64{1, 2, 0}, []float64{11, 24}},
	} {
		d := read(t, c.meta, c.items...)
		f := d.Encode(c.x)
		if !slices.Equal(f, c.features) || !slices.Equal(d.Decode(f), c.decoded) {
			t.Errorf("%s: features %v, decoded %v, want %v and %v", name, f, d.Decode(f), c.features, c.decoded)
		}
	}
}

func TestChangesOfFeatures(t *testing.T) {
	d := read(t, nil, byHand()...)
	x := []float32{3, 2}
	changes, err := ParseChanges("0=0, 1=3,2*2")
	if err != nil || !reflect.DeepEqual(changes, []Change{Off(0), Set(1, 3), Scale(2, 2)}) {
		t.Fatalf("%v, %v", changes, err)
	}
	// Features become 0, 3 and 9: by -3, 2 and 4.5 of (1,0), (0,2) and (1,1).
	if got := d.Difference(x, changes); !slices.Equal(got, []float32{1.5, 8.5}) {
		t.Errorf("they add %v", got)
	}
	if got := d.Reconstruct(x, changes); !slices.Equal(got, []float32{19, 35}) {
		t.Errorf("they make %v", got)
	}
	if got := d.Difference(x, nil); !slices.Equal(got, []float32{0, 0}) {
		t.Errorf("no change adds %v", got)
	}
	for text, want := range map[string]string{
		"": "must be a feature", "12": "must be a feature", "a=1": "is not the number of a feature", "-1=1": "is not the number of a feature",
		"1=x": `"x" is not a number`, "1*": `"" is not a number`, "1=NaN": `"NaN" is not a number`, "1=2,": "must be a feature",
	} {
		if _, err := ParseChanges(text); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%q: %v, want %q", text, err, want)
		}
	}
	for text, want := range map[string]string{"3=0": "has no feature 3, it has 0 to 2", "1=0,1=2": "feature 1 is changed twice"} {
		changes, err := ParseChanges(text)
		if err == nil {
			err = d.Check(changes)
		}
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%q: %v, want %q", text, err, want)
		}
	}
	if text := Set(4, 2.5).String() + " " + Off(1).String() + " " + Scale(2, 0.5).String(); text != "4=2.5 1=0 2*0.5" {
		t.Errorf("changes are written %s", text)
	}
}

func TestWhatIsNoDictionaryIsOneClearLine(t *testing.T) {
	with := func(items ...safetensors.Item) []safetensors.Item {
		var all []safetensors.Item
		for _, old := range byHand() {
			if !slices.ContainsFunc(items, func(i safetensors.Item) bool { return i.Name == old.Name }) {
				all = append(all, old)
			}
		}
		return append(all, items...)
	}
	for want, c := range map[string]struct {
		meta  map[string]string
		items []safetensors.Item
	}{
		"b_dec is missing":                                     {nil, byHand()[:3]},
		`there is a tensor "scale"`:                            {nil, with(tensor("scale", []int{1}, 1))},
		"W_enc is [6], must be [width, features]":              {nil, with(tensor("W_enc", []int{6}, make([]float32, 6)...))},
		"W_dec is [2 3], beside W_enc [2 3] it must be [3":     {nil, with(tensor("W_dec", []int{2, 3}, make([]float32, 6)...))},
		"b_enc is [2], must be [3]":                            {nil, with(tensor("b_enc", []int{2}, 1, 2))},
		"b_dec is [1 2], must be [2]":                          {nil, with(tensor("b_dec", []int{1, 2}, 1, 2))},
		"W_enc is [0 3]":                                       {nil, with(tensor("W_enc", []int{0, 3}))},
		"b_enc has NaN at 1":                                   {nil, with(tensor("b_enc", []int{3}, 1, float32(math.NaN()), 2))},
		`its activation is "tanh"; there are relu, topk`:       {map[string]string{"activation": "tanh"}, byHand()},
		`k of topk is "", must be from 1 to 3`:                 {map[string]string{"activation": "topk"}, byHand()},
		`k of topk is "4", must be from 1 to 3`:                {map[string]string{"activation": "topk", "k": "4"}, byHand()},
		"it has k, which is for activation topk":               {map[string]string{"k": "2"}, byHand()},
		"activation jumprelu, and threshold there: false":      {map[string]string{"activation": "jumprelu"}, byHand()},
		"activation relu, and threshold there: true":           {map[string]string{"activation": "relu"}, with(tensor("threshold", []int{3}, 1, 2, 3))},
		`apply_b_dec_to_input is "yes", must be true or false`: {map[string]string{"apply_b_dec_to_input": "yes"}, byHand()},
		"but b_dec has 1 numbers and W_enc reads 2":            {map[string]string{"apply_b_dec_to_input": "true"}, with(tensor("W_dec", []int{3, 1}, 1, 2, 3), tensor("b_dec", []int{1}, 1))},
		"W_enc has type I32, must be F64, F32, F16 or BF16":    {nil, with(safetensors.Item{Name: "W_enc", DType: "I32", Shape: []int{2, 3}, Values: safetensors.Raw(make([]byte, 24))})},
		"threshold is [2], must be [3]":                        {nil, with(tensor("threshold", []int{2}, 1, 2))},
	} {
		data := written(t, c.meta, c.items...)
		if _, err := Read(bytes.NewReader(data), int64(len(data))); !errors.Is(err, ErrFormat) || !strings.Contains(err.Error(), want) || strings.Contains(err.Error(), "\n") {
			t.Errorf("%v, want a line with %q", err, want)
		}
	}
	whole := written(t, map[string]string{"at": "hid.t.1"}, byHand()...)
	for n := range whole {
		if _, err := Read(bytes.NewReader(whole[:n]), int64(n)); !errors.Is(err, ErrFormat) {
			t.Fatalf("cut after %d bytes: %v", n, err)
		}
	}
}

func TestADictionaryMustFitTheModel(t *testing.T) {
	c := lxmert.LXR955()
	c.Hidden, c.Heads, c.Intermediate = 2, 2, 3
	for at, want := range map[string]string{
		"hid.t.3": "", "out.pooled": "", "r.0.ii.out": "",
		"":        `its metadata needs "at", such as hid.t.9`,
		"hid.t.*": "stands for 15 activations", "hid.t.99": `no activation is called "hid.t.99"`, "x.1.ti": "x.1.ti is [H,T,V]", "l.0.tt.q": "l.0.tt.q is [H,T,d]",
		"l.0.ffn": "W_enc is [2 3], of l.0.ffn it must be [3, features]",
	} {
		d := read(t, map[string]string{"at": at, "into": at}, byHand()...)
		if err := d.Fits(c); (err == nil) != (want == "") || err != nil && !strings.Contains(err.Error(), want) {
			t.Errorf("%q: %v, want %q", at, err, want)
		}
	}
	for into, want := range map[string]string{"l.0.ffn.out": "", "r.0.ffn.out": "do not have the same positions", "out.pooled": "do not have the same positions", "l.0.ffn": "W_dec is [3 2], of l.0.ffn it must be [features, 3]"} {
		d := read(t, map[string]string{"at": "l.0.att", "into": into}, byHand()...)
		if err := d.Fits(c); (err == nil) != (want == "") || err != nil && !strings.Contains(err.Error(), want) {
			t.Errorf("l.0.att into %s: %v, want %q", into, err, want)
		}
	}
}

// TestDictionariesThatPythonWrites takes the lines of the package comment, in each type of numbers.
func TestDictionariesThatPythonWrites(t *testing.T) {
	python := goldentest.Transformers(t) // which come with safetensors
	for _, dtype := range []string{"float64", "float32", "float16", "bfloat16"} {
		path := filepath.Join(t.TempDir(), "sae.safetensors")
		script := `
import sys, torch, safetensors.torch
W_enc, b_enc = torch.tensor([[1, 0, 2], [0, 1, -1]]), torch.tensor([0, -1, 0.5])
W_dec, b_dec = torch.tensor([[1, 0], [0, 2], [1, 1]]), torch.tensor([10, 20])
tensors = {"W_enc": W_enc, "b_enc": b_enc, "W_dec": W_dec, "b_dec": b_dec}
tensors = {name: x.to(getattr(torch, sys.argv[2])) for name, x in tensors.items()}
safetensors.torch.save_file(tensors, sys.argv[1], metadata={"at": "hid.t.9", "activation": "topk", "k": "2"})
`
		if out, err := exec.Command(python, "-c", script, path, dtype).CombinedOutput(); err != nil {
			t.Fatalf("%v\n%s", err, out)
		}
		d, err := Open(path, "")
		if err != nil {
			t.Fatal(err)
		}
		if got := d.Encode([]float32{3, 2}); !slices.Equal(got, []float64{3, 0, 4.5}) || d.At != "hid.t.9" || d.Into != "hid.t.9" || d.Name != "sae.safetensors" {
			t.Errorf("%s: features %v of %+v", dtype, got, d)
		}
	}
}

func TestOpenNamesTheFileAndWhereItBelongs(t *testing.T) {
	path := filepath.Join(t.TempDir(), "sae.safetensors")
	for _, meta := range []map[string]string{nil, {"at": "hid.t.1"}} {
		if err := os.WriteFile(path, written(t, maps.Clone(meta), byHand()...), 0o666); err != nil {
			t.Fatal(err)
		}
		d, err := Open(path, "hid.t.1")
		if err != nil || d.At != "hid.t.1" || d.Into != "hid.t.1" {
			t.Errorf("%v: %+v, %v", meta, d, err)
		}
	}
	if _, err := Open(path, "hid.t.2"); err == nil || !strings.Contains(err.Error(), path+": it is of hid.t.1, as its metadata says, not of hid.t.2") {
		t.Errorf("another activation: %v", err)
	}
	if err := os.WriteFile(path, []byte("nonsense"), 0o666); err != nil {
		t.Fatal(err)
	}
	if _, err := Open(path, ""); !errors.Is(err, ErrFormat) || !strings.Contains(err.Error(), path) {
		t.Errorf("nonsense: %v", err)
	}
}
