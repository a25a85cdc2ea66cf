package bench

import (
	"bytes"
	"context"
	"errors"
	"strings"
	"testing"
)

func TestEmbeddingIsMeasuredBesideTheForwardPass(t *testing.T) {
	o := tiny(t)
	o.Batches, o.Repeat = []int{2, 3}, 2
	r, err := Embed(context.Background(), o)
	if err != nil {
		t.Fatal(err)
	}
	if len(r.Ours.Rows) != 8 || len(r.Ways) != 8 || r.Ways[0].Share != 1 || r.Ways[2].Share != 1 || r.Ways[4].Share != 1 {
		t.Fatalf("report %+v", r)
	}
	for i, x := range r.Ways {
		if x.Batch != o.Batches[i/4] || !(x.RowsPerS > 0) || !(x.Share > 0) {
			t.Errorf("%+v", x)
		}
	}
	var out bytes.Buffer
	if err := r.Print(&out); err != nil || strings.Count(out.String(), "embed out.pooled") != 2 || !strings.Contains(out.String(), "of the forward pass") {
		t.Errorf("printed %s", &out)
	}
	o.Peer = "python3"
	if _, err := Embed(context.Background(), o); !errors.Is(err, ErrOptions) {
		t.Errorf("with a peer: %v", err)
	}
}
