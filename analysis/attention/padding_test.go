package attention_test

import (
	"context"
	"math"
	"slices"
	"strings"
	"testing"

	"github.com/seed-516990b0/golxmert/analysis"
	"github.com/seed-516990b0/golxmert/analysis/attention"
	"github.com/seed-516990b0/golxmert/lxmert"
)

// withPadding gives texts two positions and pictures a region that are masked.
func withPadding(b *lxmert.Batch) *lxmert.Batch {
	c := *b
	v := b.V()
	c.IDs, c.TextMask, c.RegionMask = nil, nil, nil
	c.Feats, c.Boxes = lxmert.NewTensor(b.Rows(), v+1, b.Feats.Shape[2]), lxmert.NewTensor(b.Rows(), v+1, b.Boxes.Shape[2])
	for n, ids := range b.IDs {
		c.IDs = append(c.IDs, slices.Concat(ids, []int32{5, 6}))
		c.TextMask = append(c.TextMask, slices.Concat(slices.Repeat([]float32{1}, len(ids)), []float32{0, 0}))
		c.RegionMask = append(c.RegionMask, append(slices.Repeat([]float32{1}, v), 0))
		copy(c.Feats.Row(n).Data, b.Feats.Row(n).Data)
		copy(c.Boxes.Row(n).Data, b.Boxes.Row(n).Data)
	}
	return &c
}

func TestPaddingIsInNoResult(t *testing.T) {
	onGo(t, func(t *testing.T, eng lxmert.Engine, b *lxmert.Batch, _ string) {
		plain, padded := read(t, eng, b), read(t, eng, withPadding(b))
		joint, err := attention.JointMatrix(context.Background(), eng, b)
		if err != nil {
			t.Fatal(err)
		}
		jointPadded, err := attention.JointMatrix(context.Background(), eng, withPadding(b))
		if err != nil {
			t.Fatal(err)
		}
		for row := range b.Rows() {
			alike(t, joint[row], jointPadded[row])
			for _, name := range plain.Names {
				for _, of := range []func(m *attention.Maps) (analysis.Matrix, error){
					func(m *attention.Maps) (analysis.Matrix, error) { return m.Matrix(name, row) },
					func(m *attention.Maps) (analysis.Matrix, error) { return m.HeadMean(name, row) },
				} {
					a, err := of(plain)
					if err != nil {
						t.Fatal(err)
					}
					c, err := of(padded)
					if err != nil {
						t.Fatal(err)
					}
					alike(t, a, c)
				}
			}
		}
		for _, statistic := range append(slices.Clone(attention.StatisticNames), attention.DivergenceName) {
			a, err := plain.Layers(statistic)
			if err != nil {
				t.Fatal(err)
			}
			c, err := padded.Layers(statistic)
			if err != nil {
				t.Fatal(err)
			}
			for i, s := range a.Series {
				for x, y := range s.Y {
					if z := c.Series[i].Y[x]; math.IsNaN(y) != math.IsNaN(z) || math.Abs(y-z) > 1e-4 {
						t.Errorf("%s of %s in layer %d is %g, with padding %g", statistic, s.Name, x, y, z)
					}
				}
			}
		}
	})
}

func alike(t *testing.T, a, b analysis.Matrix) {
	t.Helper()
	if !slices.Equal(a.Rows.Labels, b.Rows.Labels) || !slices.Equal(a.Cols.Labels, b.Cols.Labels) {
		t.Fatalf("%s %v: %d x %d, with padding %d x %d", a.Method, a.Params, len(a.Rows.Labels), len(a.Cols.Labels), len(b.Rows.Labels), len(b.Cols.Labels))
	}
	for i, p := range a.Panels {
		c := flat(b.Panels[i])
		for j, x := range flat(p) {
			if math.Abs(x-c[j]) > 1e-5 {
				t.Fatalf("%s %v: entry %d is %g, with padding %g", a.Method, a.Params, j, x, c[j])
			}
		}
	}
}

func TestNothingAttendsToAPictureWithoutRegions(t *testing.T) {
	onGo(t, func(t *testing.T, eng lxmert.Engine, b *lxmert.Batch, _ string) {
		blind := *b
		for n := range b.Rows() {
			mask := slices.Repeat([]float32{1}, b.V())
			if n == 0 {
				clear(mask)
			}
			blind.RegionMask = append(blind.RegionMask, mask)
		}
		m := read(t, eng, &blind)
		for _, name := range m.Names {
			a, err := m.Of(name, 0)
			if err != nil {
				t.Fatal(err)
			}
			nothing := !slices.ContainsFunc(a.Data, func(x float32) bool { return x != 0 })
			toRegions := strings.HasSuffix(name, "i")
			if nothing != toRegions {
				t.Errorf("%s is zero: %v", name, nothing)
			}
			all, err := m.Measure(name, 0)
			if err != nil {
				t.Fatal(err)
			}
			if undefined := math.IsNaN(all[0].Entropy); undefined != (toRegions || strings.HasSuffix(name, "it")) {
				t.Errorf("%s: the entropy of what nothing attends to, or what is not there, is %g", name, all[0].Entropy)
			}
		}
		joint, err := attention.JointMatrix(context.Background(), eng, &blind)
		if err != nil {
			t.Fatal(err)
		}
		for i, row := range joint[0].Panels[0].Values {
			if s := sum(row); math.Abs(s-1) > 1e-5 {
				t.Errorf("output %d has %g", i, s)
			}
		}
	})
}

func TestStatisticsIgnorePadding(t *testing.T) {
	onGo(t, func(t *testing.T, eng lxmert.Engine, b *lxmert.Batch, _ string) {
		m := read(t, eng, b)
		for row := range b.Rows() {
			one := *b
			one.Pairs = [][2]int{{row, row}}
			alone := read(t, eng, analysis.Separate(&one))
			for _, name := range m.Names {
				together, err := m.Measure(name, row)
				if err != nil {
					t.Fatal(err)
				}
				single, err := alone.Measure(name, 0)
				if err != nil {
					t.Fatal(err)
				}
				for h := range together {
					for i, x := range together[h].Values() {
						y := single[h].Values()[i]
						if math.IsNaN(x) != math.IsNaN(y) || math.Abs(x-y) > 1e-4 {
							t.Errorf("%s, row %d, head %d: %s is %g, alone %g", name, row, h, attention.StatisticNames[i], x, y)
						}
					}
				}
			}
		}
	})
}
