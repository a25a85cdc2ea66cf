package modality_test

import (
	"context"
	"math"
	"testing"

	"github.com/seed-516990b0/golxmert/analysis/modality"
	"github.com/seed-516990b0/golxmert/lxmert"
)

func length(x, less []float32) float64 {
	sum := 0.0
	for i := range x {
		sum += (float64(x[i]) - float64(less[i])) * (float64(x[i]) - float64(less[i]))
	}
	return math.Sqrt(sum)
}

// TestValueWeightedAttentionIsWhatOneEntryOfAMapGives: of a map of which one entry is left, .out less the bias has that norm.
func TestValueWeightedAttentionIsWhatOneEntryOfAMapGives(t *testing.T) {
	onGo(t, func(t *testing.T, eng lxmert.Engine, b *lxmert.Batch, _ string) {
		ctx, cfg := context.Background(), eng.Config()
		for _, name := range []string{"x.0.ti", "x.1.it", "l.0.tt", "r.1.ii"} {
			found, err := modality.ValueWeighted(ctx, eng, b, name)
			if err != nil {
				t.Fatal(err)
			}
			a, err := cfg.Find(name)
			if err != nil {
				t.Fatal(err)
			}
			dims := a[0].Dims(cfg, b.T(), b.V())
			without := func(head, query, key int) lxmert.Tensor {
				one := lxmert.NewTensor(append([]int{1}, dims...)...)
				if head >= 0 {
					one.Row(0).Row(head).Row(query).Data[key] = 1
				}
				trace, err := eng.Run(ctx, b, lxmert.Request{Want: lxmert.All(name + ".out"), Edits: []lxmert.Edit{{Name: name, Op: lxmert.Multiply, Value: one}}})
				if err != nil {
					t.Fatal(err)
				}
				return trace.Values[name+".out"]
			}
			bias, shown := without(-1, 0, 0), false
			for head := range dims[0] {
				query, key := (head+1)%3, (2*head+1)%3
				left := without(head, query, key)
				for row, m := range found {
					want := length(left.Row(row).Row(query).Data, bias.Row(row).Row(query).Data)
					// The norm of a difference of float32 that are as large as the bias.
					if got := m.Panels[head].Values[query][key]; math.Abs(got-want) > 1e-5*(1+want) {
						t.Errorf("%s, row %d, head %d, query %d, key %d: %g, expected %g", name, row, head, query, key, got, want)
					}
					shown = shown || want > 1e-2
				}
			}
			if !shown {
				t.Errorf("no entry of %s gives anything, so this shows nothing", name)
			}
		}
		if _, err := modality.ValueWeighted(ctx, eng, b, "hid.t.0"); err == nil {
			t.Error("a level was taken for a map")
		}
	})
}

func TestNormsOfCrossLayersAreThoseOfWhatTheyAdd(t *testing.T) {
	onGo(t, func(t *testing.T, eng lxmert.Engine, b *lxmert.Batch, _ string) {
		ctx := context.Background()
		c, err := modality.CrossNorms(ctx, eng, b)
		if err != nil {
			t.Fatal(err)
		}
		cfg := eng.Config()
		trace, err := eng.Run(ctx, b, lxmert.Request{Want: lxmert.All("x.*.ti.out", "hid.t.*")})
		if err != nil {
			t.Fatal(err)
		}
		zero := make([]float32, cfg.Hidden)
		sum := 0.0
		for row := range b.Rows() {
			sum += length(trace.Values["x.0.ti.out"].Row(row).Row(0).Data, zero) / length(trace.Values["hid.t.3"].Row(row).Row(0).Data, zero)
		}
		s := c.Series[1]
		if got, want := s.Y[0], sum/float64(b.Rows()); cfg.LangLayers != 3 || math.Abs(got-want) > 1e-6 || len(s.Y) != cfg.CrossLayers {
			t.Errorf("[CLS] in the first cross layer: %g, expected %g", got, want)
		}
		for _, s := range c.Series {
			for k := range s.Y {
				if !(s.Low[k] <= s.Y[k] && s.Y[k] <= s.High[k] && s.Low[k] > 0) {
					t.Errorf("%s, layer %d: %g in %g to %g", s.Name, k, s.Y[k], s.Low[k], s.High[k])
				}
			}
		}
	})
}
