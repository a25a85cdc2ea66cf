package attention_test

import (
	"context"
	"math"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/seed-516990b0/golxmert/analysis"
	"github.com/seed-516990b0/golxmert/analysis/attention"
	"github.com/seed-516990b0/golxmert/analysis/internal/goldencase"
	"github.com/seed-516990b0/golxmert/lxmert"
)

func read(t *testing.T, eng lxmert.Engine, b *lxmert.Batch) *attention.Maps {
	t.Helper()
	m, err := attention.Read(context.Background(), eng, b)
	if err != nil {
		t.Fatal(err)
	}
	return m
}

func TestMapsEqualReference(t *testing.T) {
	eachGolden(t, func(t *testing.T, eng lxmert.Engine, b *lxmert.Batch, folder string) {
		golden := goldencase.Open(t, folder, "forward")
		m := read(t, eng, b)
		for _, name := range golden.Names() {
			key, isMap := strings.CutPrefix(name, "att.")
			if !isMap {
				golden.Use(name)
				continue
			}
			var got []float64
			for row := range b.Rows() {
				a, err := m.Of(key, row)
				if err != nil {
					t.Fatal(err)
				}
				got = append(got, a.Float64s()...)
			}
			golden.Compare(name, got)
		}
	})
}

func TestStatisticsEqualReference(t *testing.T) {
	eachGolden(t, func(t *testing.T, eng lxmert.Engine, b *lxmert.Batch, folder string) {
		golden := goldencase.Open(t, folder, "stat")
		golden.Use("stat.head_importance.") // of package relevance
		m := read(t, eng, b)
		for _, name := range golden.Names() {
			part := strings.SplitN(name, ".", 3)
			var got []float64
			for row := range b.Rows() {
				switch part[1] {
				case "entropy":
					h, err := m.Entropies(part[2], row)
					if err != nil {
						t.Fatal(err)
					}
					got = append(got, slices.Concat(h...)...)
				case "head_jsd":
					d, err := m.Divergence(part[2], row)
					if err != nil {
						t.Fatal(err)
					}
					got = append(got, d)
				case "cls_to_image":
					a, err := m.Of(part[2], row)
					if err != nil {
						t.Fatal(err)
					}
					for h := range a.Shape[0] {
						for _, x := range a.Row(h).Row(0).Data {
							got = append(got, float64(x))
						}
					}
				case "head_importance":
				default:
					all, err := m.Measure(part[2], row)
					if err != nil {
						t.Fatal(err)
					}
					for _, s := range all {
						switch part[1] {
						case "entropy_mean":
							got = append(got, s.Entropy)
						case "entropy_norm":
							got = append(got, s.Normalized)
						case "max_mean":
							got = append(got, s.Max)
						}
					}
				}
			}
			if part[1] != "head_importance" {
				golden.Compare(name, got)
			}
		}
	})
}

type method = func(context.Context, lxmert.Engine, *lxmert.Batch, analysis.Target) ([]analysis.Scores, error)

func explain(t *testing.T, run method, eng lxmert.Engine, b *lxmert.Batch) []analysis.Scores {
	t.Helper()
	scores, err := run(context.Background(), eng, b, analysis.Predicted())
	if err != nil {
		t.Fatal(err)
	}
	return scores
}

func TestBaselinesEqualReference(t *testing.T) {
	eachGolden(t, func(t *testing.T, eng lxmert.Engine, b *lxmert.Batch, folder string) {
		golden := goldencase.Open(t, folder, "base")
		for name, run := range map[string]method{
			"base.raw": attention.Raw, "base.gradcam": attention.GradCAM, "base.rollout_unimodal": attention.Rollout,
		} {
			var words, regions []float64
			for _, s := range explain(t, run, eng, b) {
				words = append(words, s.Words...)
				words = append(words, make([]float64, b.T()-len(s.Words))...)
				regions = append(regions, s.Regions...)
			}
			golden.Compare(name+".words", words)
			golden.Compare(name+".rois", regions)
		}
		joint, err := attention.JointProducts(context.Background(), eng, b)
		if err != nil {
			t.Fatal(err)
		}
		var got []float64
		for _, m := range joint {
			got = append(got, slices.Concat(m...)...)
		}
		golden.Compare("base.rollout_joint", got)
	})
}

func TestFlowEqualsReference(t *testing.T) {
	eachGolden(t, func(t *testing.T, eng lxmert.Engine, b *lxmert.Batch, folder string) {
		golden := goldencase.Open(t, folder, "flow")
		joint, err := attention.JointProducts(context.Background(), eng, b)
		if err != nil {
			t.Fatal(err)
		}
		for n, s := range explain(t, attention.Flow, eng, b) {
			words := append(slices.Clone(s.Words), make([]float64, b.T()-len(s.Words))...)
			values := slices.Concat(words, s.Regions)
			if name := "flow.sample" + strconv.Itoa(n); slices.Contains(golden.Names(), name) {
				golden.Compare(name, values)
			}
			for i, x := range values {
				if x < joint[n][0][i]-1e-6 || x > 1 {
					t.Errorf("row %d: flow to input %d is %g, joint rollout sends %g there", n, i, x, joint[n][0][i])
				}
			}
		}
	})
}

func TestJointRolloutPutsHalfItsMassOnEachModality(t *testing.T) {
	onGo(t, func(t *testing.T, eng lxmert.Engine, b *lxmert.Batch, _ string) {
		joint, err := attention.JointProducts(context.Background(), eng, b)
		if err != nil {
			t.Fatal(err)
		}
		for n, m := range joint {
			for i, row := range m {
				words, regions := 0.0, 0.0
				for j, x := range row {
					if x < 0 {
						t.Fatalf("row %d: entry %d, %d is %g", n, i, j, x)
					}
					if j < b.T() {
						words += x
					} else {
						regions += x
					}
				}
				if math.Abs(words-0.5) > 1e-5 || math.Abs(regions-0.5) > 1e-5 {
					t.Errorf("row %d: output %d puts %g on words and %g on regions", n, i, words, regions)
				}
			}
		}
		for _, s := range explain(t, attention.JointRollout, eng, b) {
			if sum(s.Words) < 1-1e-9 || sum(s.Regions) < 1-1e-9 || len(s.Notes) == 0 {
				t.Errorf("scaled to %g of words and %g of regions, notes %q", sum(s.Words), sum(s.Regions), s.Notes)
			}
		}
	})
}

func sum(values []float64) float64 {
	s := 0.0
	for _, x := range values {
		s += x
	}
	return s
}
