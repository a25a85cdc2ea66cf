package task

import (
	"testing"

	"github.com/seed-516990b0/golxmert/lxmert"
)

// TestABlindModelsBatchFits, whatever the detector has said about the regions that it is not shown.
func TestABlindModelsBatchFits(t *testing.T) {
	cfg := lxmert.Config{Vocab: 10, Hidden: 4, Heads: 1, Intermediate: 4, MaxPositions: 8, TokenTypes: 2, Activation: "gelu", FeatDim: 3, BoxDim: 4}
	described := []lxmert.ImageInfo{{ID: "a", Objects: []string{"star", "ring", "star"}, Attributes: []string{"red"}, ObjectIDs: []int32{1, 2, 1}, AttributeIDs: []int32{0, 0, 0}}}
	b := &lxmert.Batch{IDs: [][]int32{{2, 5, 3}}, Feats: lxmert.NewTensor(1, 3, 3), Boxes: lxmert.NewTensor(1, 3, 4), Images: described}
	blind(b)
	if err := b.Check(cfg); err != nil || b.V() != 1 || b.Images[0].ID != "a" {
		t.Errorf("%v, %d regions of %+v", err, b.V(), b.Images)
	}
	if described[0].ObjectIDs == nil {
		t.Error("what others know of the picture is gone as well")
	}
}
