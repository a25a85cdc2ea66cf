package synthetic

import (
	"encoding/json"
	"fmt"
	"math"
	"os"
	"path/filepath"
	"reflect"
	"slices"
	"testing"

	"github.com/seed-516990b0/golxmert/internal/goldentest"
	"github.com/seed-516990b0/golxmert/lxmert"
)

func small() lxmert.Config {
	return lxmert.Config{
		Vocab: 50, Hidden: 8, Heads: 2, Intermediate: 16, MaxPositions: 6, TokenTypes: 2, Activation: "gelu",
		LangLayers: 1, RegionLayers: 1, CrossLayers: 1, FeatDim: 3, BoxDim: 4,
		LM: true, Match: true, Objects: 5, Attributes: 4, FeatHead: true, Answers: 7, TaskClasses: 2, TaskImages: 1,
		Special: lxmert.BertSpecialIDs,
	}
}

func read(t *testing.T, w *Weights, name string, transposed bool) []float32 {
	t.Helper()
	x := make([]float32, lxmert.Size(w.Shape(name)))
	if err := w.Read(name, x, transposed); err != nil {
		t.Fatal(err)
	}
	return x
}

// TestWeightsAreThoseOfTheGoldenValues compares the first three values of each parameter of the published size, the last,
// and the sum.
func TestWeightsAreThoseOfTheGoldenValues(t *testing.T) {
	for _, folder := range goldentest.Folders(t, "model") {
		t.Run(filepath.Base(folder), func(t *testing.T) {
			raw, err := os.ReadFile(filepath.Join(folder, "full", "weights_check.json"))
			if err != nil {
				t.Fatal(err)
			}
			var golden struct {
				Seed   int
				Params []struct {
					Name   string
					Shape  []int
					First3 []string `json:"first3_hex"`
					Last   string   `json:"last_hex"`
					Sum    float64  `json:"sum_f64"`
				}
			}
			if err := json.Unmarshal(raw, &golden); err != nil {
				t.Fatal(err)
			}
			c := lxmert.LXR955()
			c.TaskClasses, c.TaskImages = 3129, 1
			w := &Weights{Config: c, Seed: golden.Seed}
			hex := func(x float32) string { return fmt.Sprintf("%08x", math.Float32bits(x)) }
			for _, p := range golden.Params {
				if !slices.Equal(w.Shape(p.Name), p.Shape) {
					t.Fatalf("%s has shape %v, expected %v", p.Name, w.Shape(p.Name), p.Shape)
				}
				x := read(t, w, p.Name, false)
				for i, want := range p.First3 {
					if hex(x[i]) != want {
						t.Errorf("%s: entry %d is %s, expected %s", p.Name, i, hex(x[i]), want)
					}
				}
				if got := hex(x[len(x)-1]); got != p.Last {
					t.Errorf("%s: the last entry is %s, expected %s", p.Name, got, p.Last)
				}
				sum, size := 0.0, 0.0
				for _, v := range x {
					sum += float64(v)
					size += math.Abs(float64(v))
				}
				if math.Abs(sum-p.Sum) > 1e-12*size {
					t.Errorf("%s: the sum is %.15g, expected %.15g", p.Name, sum, p.Sum)
				}
			}
		})
	}
}

func TestWeightsDependOnSeedAndNameAlone(t *testing.T) {
	const name = "bert.pooler.dense.weight"
	a := read(t, &Weights{Config: small(), Seed: 3}, name, false)
	if b := read(t, &Weights{Config: small(), Seed: 3}, name, false); !slices.Equal(a, b) {
		t.Error("two models of one seed differ")
	}
	if b := read(t, &Weights{Config: small(), Seed: 4}, name, false); slices.Equal(a, b) {
		t.Error("another seed gives the same weights")
	}
	if b := read(t, &Weights{Config: small(), Seed: 3}, "cls.predictions.transform.dense.weight", false); slices.Equal(a, b) {
		t.Error("another name gives the same weights")
	}
	file, hash, err := (&Weights{Seed: 3}).Provenance()
	if file != "synthetic, seed 3" || hash != "" || err != nil {
		t.Errorf("provenance %q %q, error %v", file, hash, err)
	}
}

func TestTransposedReadIsTheTranspose(t *testing.T) {
	w := &Weights{Config: small(), Seed: 1}
	for _, p := range small().Params() {
		if len(p.Shape) != 2 {
			continue
		}
		x, y := read(t, w, p.Name, false), read(t, w, p.Name, true)
		rows, cols := p.Shape[0], p.Shape[1]
		for r := range rows {
			for c := range cols {
				if x[r*cols+c] != y[c*rows+r] {
					t.Fatalf("%s: entry [%d,%d] is %g, transposed %g", p.Name, r, c, x[r*cols+c], y[c*rows+r])
				}
			}
		}
	}
}

func TestReadRefusesWhatIsNotThere(t *testing.T) {
	w := &Weights{Config: small()}
	for name, size := range map[string]int{"nothing": 1, "bert.pooler.dense.weight": 63, "bert.pooler.dense.bias": 9} {
		if err := w.Read(name, make([]float32, size), false); err == nil {
			t.Errorf("%s of %d values was read", name, size)
		}
	}
	if w.Shape("nothing") != nil {
		t.Error("there is a shape of nothing")
	}
}

func TestNumbersAreInTheirRange(t *testing.T) {
	s := NewStream(1, "numbers")
	low, high, mean := 1.0, 0.0, 0.0
	const n = 100_000
	for i := range n {
		u, signed := float64(s.Uniform(i)), float64(s.Signed(i))
		if u < 0 || u >= 1 || u*(1<<24) != math.Trunc(u*(1<<24)) || signed != 2*u-1 {
			t.Fatalf("number %d is %g, signed %g", i, u, signed)
		}
		low, high, mean = min(low, u), max(high, u), mean+u/n
	}
	if low > 0.001 || high < 0.999 || math.Abs(mean-0.5) > 0.005 {
		t.Errorf("numbers from %g to %g around %g", low, high, mean)
	}
}

func TestBatchFitsItsModelAndRepeats(t *testing.T) {
	c := small()
	a, b := Batch(c, 1, 3, 6, 5), Batch(c, 1, 3, 6, 5)
	if err := a.Check(c); err != nil {
		t.Fatal(err)
	}
	if a.Rows() != 3 || a.T() != 6 || a.V() != 5 {
		t.Errorf("%d rows, T=%d, V=%d", a.Rows(), a.T(), a.V())
	}
	if !reflect.DeepEqual(a, b) {
		t.Error("two batches of one seed differ")
	}
	if reflect.DeepEqual(a, Batch(c, 2, 3, 6, 5)) {
		t.Error("another seed gives the same batch")
	}
	for i := range 3 * 5 {
		x := a.Boxes.Data[4*i:]
		if x[0] > x[2] || x[1] > x[3] || x[0] < 0 || x[1] < 0 || x[2] > 1 || x[3] > 1 {
			t.Errorf("box %d is %v", i, x[:4])
		}
	}
}
