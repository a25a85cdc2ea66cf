package lxrt

import (
	"slices"
	"strings"
	"testing"

	"github.com/seed-516990b0/golxmert/lxmert"
)

// TestEveryMapHasItsPlace: maps.go leads from each name to activations of the right shape, and back from each parameter of
// attention to one block.
func TestEveryMapHasItsPlace(t *testing.T) {
	for _, cfg := range []lxmert.Config{smallConfig(), lxmert.LXR955()} {
		var names []string
		blocks := map[string]bool{}
		for _, m := range MapPlaces(cfg) {
			names = append(names, m.Name)
			blocks[m.Params+"."] = true
			acts, err := cfg.Find(m.Name)
			if err != nil {
				t.Fatal(err)
			}
			axes := acts[0].Axes // heads, queries, keys
			for name, axis := range map[string]lxmert.Axis{m.Query: axes[1], m.Keys: axes[2], m.Out: axes[1]} {
				if acts, err = cfg.Find(name); err != nil {
					t.Errorf("%s: %v", m.Name, err)
				} else if want := []lxmert.Axis{axis, lxmert.AxisHidden}; !slices.Equal(acts[0].Axes, want) {
					t.Errorf("%s reads or makes %s %s, want %c", m.Name, name, acts[0].Shape(), want)
				}
			}
		}
		slices.Sort(names)
		if want := slices.Sorted(slices.Values(cfg.Maps())); !slices.Equal(names, want) {
			t.Errorf("places of %v, the model has %v", names, want)
		}
		for _, p := range cfg.Params() {
			inner, isQuery := strings.CutSuffix(p.Name, ".query.weight")
			if !isQuery {
				continue
			}
			block := inner[:strings.LastIndex(inner, ".")+1]
			if !blocks[block] {
				t.Errorf("%s makes no map", p.Name)
			}
			delete(blocks, block)
		}
		for block := range blocks {
			t.Errorf("no parameters begin with %s", block)
		}
	}
}
