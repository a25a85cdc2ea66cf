package bench

import (
	"bytes"
	"context"
	"errors"
	"strings"
	"testing"

	"github.com/seed-516990b0/golxmert/internal/goldentest"
)

// TestAnalysisAgreesWithTorch: rules written down a second time, in another language, give the same relevance.
func TestAnalysisAgreesWithTorch(t *testing.T) {
	o := tiny(t)
	o.Peer, o.Rounds, o.Threads, o.Batches, o.Repeat = goldentest.Python(t), 1, 1, []int{1, 4}, 2
	r, err := Analysis(context.Background(), o)
	if err != nil {
		t.Fatal(err)
	}
	if r.Difference == nil || !(*r.Difference < 1e-5) {
		t.Errorf("relevance differs by %v", r.Difference)
	}
	if len(r.Torch) != 2 || len(r.TorchMapsOnly) != 2 || len(r.Versus) != 2 {
		t.Fatalf("report %+v", r)
	}
	for i, v := range r.Versus {
		if v.Batch != o.Batches[i] || !(v.OursMS > 0) || !(v.Ratio > 0) || !(v.RatioMapsOnly > 0) {
			t.Errorf("%+v", v)
		}
	}
	var out bytes.Buffer
	if err := r.Print(&out); err != nil || !strings.Contains(out.String(), "maps only") {
		t.Errorf("printed %s", &out)
	}
}

func TestAnalysisWithoutPeer(t *testing.T) {
	o := tiny(t)
	o.Batches, o.Repeat = []int{2}, 1
	r, err := Analysis(context.Background(), o)
	if err != nil {
		t.Fatal(err)
	}
	if len(r.Ours.Rows) != 1 || !(r.Ours.Rows[0].MedianMS > 0) || r.Torch != nil || r.Versus != nil || r.Difference != nil {
		t.Errorf("report %+v", r)
	}
	o.Repeat = -1
	if _, err := Analysis(context.Background(), o); !errors.Is(err, ErrOptions) {
		t.Errorf("--repeat -1: %v", err)
	}
}

// TestPassesAgreeWithTorch: EMAP and exact Shapley values, written down a second time and computed pass by pass, are the same.
func TestPassesAgreeWithTorch(t *testing.T) {
	for method, sizes := range map[string][]int{EMAP: {3, 5}, Shapley: {4, 5}} {
		o := tiny(t)
		o.Method, o.Peer, o.Rounds, o.Threads, o.Batches, o.Repeat = method, goldentest.Python(t), 1, 1, sizes, 2
		r, err := Analysis(context.Background(), o)
		if err != nil {
			t.Fatalf("%s: %v", method, err)
		}
		// Shapley values are differences of logits, and small beside them: Analysis itself checks how far they may be apart.
		if r.Difference == nil {
			t.Errorf("%s was not compared", method)
		}
		if len(r.Torch) != 2 || r.TorchMapsOnly != nil || len(r.Versus) != 2 {
			t.Fatalf("%s: report %+v", method, r)
		}
		for i, v := range r.Versus {
			if v.Batch != passes(method, sizes[i]) || !(v.OursMS > 0) || !(v.Ratio > 0) {
				t.Errorf("%s: %+v", method, v)
			}
		}
		var out bytes.Buffer
		if err := r.Print(&out); err != nil || !strings.Contains(out.String(), "ms per pass") || !strings.Contains(out.String(), aboutMethod[method]) {
			t.Errorf("printed %s", &out)
		}
	}
}

func TestSizesOfMethodsAreChecked(t *testing.T) {
	for want, o := range map[string]Options{
		`no method "magic"`:       {Method: "magic"},
		"emap of 1, must be 2":    {Method: EMAP, Batches: []int{1}},
		"shapley of 15, must be":  {Method: Shapley, Batches: []int{15}},
		"takes 4 words and 8 reg": {Method: Shapley, Batches: []int{12}, Words: 5},
	} {
		if _, err := Analysis(context.Background(), o); !errors.Is(err, ErrOptions) || !strings.Contains(err.Error(), want) {
			t.Errorf("error %v, expected one with %q", err, want)
		}
	}
}
