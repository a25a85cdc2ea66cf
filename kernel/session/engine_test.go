package session_test

import (
	"maps"
	"math"
	"os"
	"path/filepath"
	"reflect"
	"slices"
	"strings"
	"testing"

	"github.com/seed-516990b0/golxmert/analysis"
	"github.com/seed-516990b0/golxmert/analysis/relevance"
	"github.com/seed-516990b0/golxmert/kernel/client"
	"github.com/seed-516990b0/golxmert/lxmert"
	"github.com/seed-516990b0/golxmert/lxmert/backend"
	"github.com/seed-516990b0/golxmert/lxmert/lxrt"
)

// home is the folder of this package, wherever a test has gone.
var home, _ = os.Getwd()

// goldens are the folders of golden models.
func goldens(t *testing.T) []string {
	t.Helper()
	dir := os.Getenv("LXMERT_GOLDEN")
	if dir == "" {
		dir = filepath.Join(home, "..", "..", "lxmert", "testdata", "golden")
	}
	found, err := filepath.Glob(filepath.Join(dir, "model-*"))
	if err != nil || len(found) == 0 {
		t.Fatalf("no golden models in %s: %v", dir, err)
	}
	return found
}

// both opens a golden model here and in the session.
func both(t *testing.T, c *client.Client, golden string) (here *lxrt.Model, there *client.Model, b *lxmert.Batch) {
	t.Helper()
	back, err := backend.Open(t.Context(), "go", nil)
	if err != nil {
		t.Fatal(err)
	}
	weights := filepath.Join(golden, "tiny", "weights")
	if here, err = lxrt.Open(back, weights, "", lxrt.Options{Backend: "go"}); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { here.Close(); back.Finalize() })
	if there, err = c.Open(t.Context(), client.Spec{Weights: weights}); err != nil {
		t.Fatal(err)
	}
	if b, err = lxrt.ReadBatch(filepath.Join(golden, "tiny", "forward.safetensors")); err != nil {
		t.Fatal(err)
	}
	return here, there, b
}

// same compares two traces bit for bit.
func same(t *testing.T, what string, got, want *lxmert.Trace) {
	t.Helper()
	bits := func(x lxmert.Tensor) (out []uint32) {
		for _, d := range x.Shape {
			out = append(out, uint32(d))
		}
		for _, v := range x.Data {
			out = append(out, math.Float32bits(v))
		}
		return out
	}
	equal := func(a, b lxmert.Tensor) bool { return slices.Equal(bits(a), bits(b)) }
	if !maps.EqualFunc(got.Values, want.Values, equal) {
		t.Errorf("%s: values differ", what)
	}
	if !maps.EqualFunc(got.Grads, want.Grads, equal) {
		t.Errorf("%s: gradients differ", what)
	}
	if !maps.EqualFunc(got.Top, want.Top, func(a, b lxmert.TopK) bool { return equal(a.Values, b.Values) && slices.Equal(a.Index, b.Index) }) {
		t.Errorf("%s: the largest values differ", what)
	}
	if !equal(lxmert.Tensor{Data: got.Score}, lxmert.Tensor{Data: want.Score}) {
		t.Errorf("%s: scores differ", what)
	}
	if got.Batch != want.Batch {
		t.Errorf("%s: another batch comes back", what)
	}
	a, b := got.Provenance, want.Provenance
	a.Version, b.Version = "", "" // two programs
	if a != b {
		t.Errorf("%s: it comes from %+v, not %+v", what, a, b)
	}
}

func TestTheSessionsEngineIsTheModelBitForBit(t *testing.T) {
	c := newResident(t).dial("a")
	for _, golden := range goldens(t) {
		here, there, b := both(t, c, golden)
		if !reflect.DeepEqual(here.Config(), there.Config()) {
			t.Errorf("the session says %+v, the model is %+v", there.Config(), here.Config())
		}
		n := b.Rows()
		heads := here.Config().Heads
		gate := lxmert.NewTensor(n, heads, 1, 1)
		mask := lxmert.NewTensor(n, heads, 1, 1)
		for i := range gate.Data {
			gate.Data[i], mask.Data[i] = float32(i)/7, 1
		}
		keep := lxmert.NewTensor(1, 1, 1, b.V())
		keep.Data[1] = 1
		positions := make([][]int, n)
		class, weight, first := make([]int, n), make([]float32, n), make([]int, n)
		for i := range positions {
			positions[i] = []int{0, 1}
			class[i], weight[i] = i, 0.1+float32(i)/3
		}
		for name, r := range map[string]lxmert.Request{
			"everything": {Want: lxmert.All("*")},
			"no regions": {Want: lxmert.All("out.qa"), NoRegions: lxmert.AttendNothing},
			"positions":  {Want: []lxmert.Read{{Name: "out.mlm", Positions: positions, Top: 3, As: "guess"}, {Name: "x.0.ti", Positions: positions}}},
			"edits": {Want: lxmert.All("out.qa"), Edits: []lxmert.Edit{
				{Name: "x.0.ti", Op: lxmert.Multiply, Value: gate}, {Name: "x.1.ti", Op: lxmert.Set, Value: gate, Mask: mask}, {Name: "x.1.it", Op: lxmert.Add, Value: gate},
			}},
			"cuts": {Want: lxmert.All("out.qa", "x.*.ti", "x.0.it.score", "x.1.t.ffn", "r.0.ffn.out"), Edits: []lxmert.Edit{
				{Name: "x.*.ti", Op: lxmert.Cut, Value: keep}, {Name: "x.0.ti", Op: lxmert.Multiply, Value: gate}, {Name: "l.0.ffn", Op: lxmert.Add, Value: lxmert.NewTensor(1, 1, 1)},
			}},
			"gradients": {Grad: &lxmert.Grad{Names: []string{"x.*.ti", "in.feat"}, Of: []lxmert.Term{
				{Output: "out.qa", Kind: lxmert.LogProb, Class: class, Weight: weight}, {Output: "out.mlm", Kind: lxmert.Probability, Position: first, Class: class},
				{Output: "out.qa"},
			}}},
		} {
			want, err := here.Run(t.Context(), b, r)
			if err != nil {
				t.Fatalf("%s: %v", name, err)
			}
			got, err := there.Run(t.Context(), b, r)
			if err != nil {
				t.Fatalf("%s: %v", name, err)
			}
			same(t, name, got, want)
		}
		want, err := relevance.BiModal(t.Context(), here, b, analysis.Predicted(), relevance.Options{})
		if err != nil {
			t.Fatal(err)
		}
		got, err := relevance.BiModal(t.Context(), there, b, analysis.Predicted(), relevance.Options{})
		if err != nil {
			t.Fatal(err)
		}
		for i := range want {
			if !reflect.DeepEqual(got[i].Words, want[i].Words) || !reflect.DeepEqual(got[i].Regions, want[i].Regions) {
				t.Errorf("relevance of row %d: %+v, in this process %+v", i, got[i], want[i])
			}
		}
	}
}

func TestErrorsAreTheModels(t *testing.T) {
	c := newResident(t).dial("a")
	here, there, b := both(t, c, goldens(t)[0])
	long := *b
	long.IDs = slices.Clone(b.IDs)
	long.IDs[0] = make([]int32, 10_000)
	for name, x := range map[string]struct {
		b *lxmert.Batch
		r lxmert.Request
	}{
		"a batch that does not fit": {&long, lxmert.Request{Want: lxmert.All("out.qa")}},
		"no such name":              {b, lxmert.Request{Want: lxmert.All("x.99.ti")}},
		"nothing wanted":            {b, lxmert.Request{}},
		"an edit of another shape":  {b, lxmert.Request{Want: lxmert.All("out.qa"), Edits: []lxmert.Edit{{Name: "x.0.ti", Value: lxmert.NewTensor(3)}}}},
	} {
		_, want := here.Run(t.Context(), x.b, x.r)
		_, got := there.Run(t.Context(), x.b, x.r)
		if got == nil || want == nil {
			t.Errorf("%s: %v, in this process %v", name, got, want)
			continue
		}
		if a, b := strings.TrimPrefix(got.Error(), "session: "), strings.TrimPrefix(want.Error(), "lxrt: "); a != b && !strings.HasSuffix(a, b) {
			t.Errorf("%s: %q, in this process %q", name, a, b)
		}
	}
}
