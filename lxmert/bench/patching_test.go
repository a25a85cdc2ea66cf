package bench

import (
	"bytes"
	"context"
	"strings"
	"testing"

	"github.com/seed-516990b0/golxmert/internal/goldentest"
)

// TestPatchingAgreesWithTorch: heads and levels patched in another library, one to a pass, change the answer's logit by as much.
func TestPatchingAgreesWithTorch(t *testing.T) {
	o := tiny(t)
	o.Peer, o.Rounds, o.Threads, o.Repeat = goldentest.Python(t), 1, 1, 2
	r, err := Patching(context.Background(), o)
	if err != nil {
		t.Fatal(err)
	}
	if r.Difference == nil || !(*r.Difference < 1e-3) {
		t.Errorf("what patching changes differs by %v", r.Difference)
	}
	if len(r.Torch) != 2 || len(r.Versus) != 2 || r.Versus[0].Way != "exact" || r.Versus[1].Nodes <= 0 {
		t.Fatalf("report %+v", r)
	}
	for _, v := range r.Versus {
		if !(v.OursMS > 0) || !(v.TorchMS > 0) || !(v.Ratio > 0) {
			t.Errorf("%+v", v)
		}
	}
	var out bytes.Buffer
	if err := r.Print(&out); err != nil || !strings.Contains(out.String(), "golxmert, attribution") || !strings.Contains(out.String(), "torch/golxmert") {
		t.Errorf("printed %s", &out)
	}
}

func TestPatchingWithoutPeer(t *testing.T) {
	o := tiny(t)
	o.Repeat = 1
	r, err := Patching(context.Background(), o)
	if err != nil {
		t.Fatal(err)
	}
	if len(r.Ours.Rows) != 2 || !(r.Ours.Rows[1].MedianMS > 0) || r.Torch != nil || r.Versus != nil || r.Difference != nil {
		t.Errorf("report %+v", r)
	}
}
