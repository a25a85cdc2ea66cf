package layout

import (
	"cmp"
	"fmt"
	"maps"
	"math"
	"slices"
	"strconv"
	"strings"

	"github.com/seed-516990b0/golxmert/analysis"
	"github.com/seed-516990b0/golxmert/lxmert"
)

// Maps is what a picture of all attention maps of an example shows: groups of them, on one logarithmic scale.
type Maps struct {
	analysis.Maps
	Title  string
	Groups []MapGroup // those that have maps
	Heads  int        // most of any map
}

// MapGroup is the maps of one stream, by layer.
type MapGroup struct {
	Title string
	Names []string
	Maps  []lxmert.Tensor // [H,Q,K] without padding
}

// streams are the groups that there are, in the order of a picture.
var streams = [...]struct{ prefix, kind, title string }{
	{"l", "tt", "language: words → words"}, {"r", "ii", "vision: regions → regions"},
	{"x", "ti", "cross: words → regions"}, {"x", "it", "cross: regions → words"},
	{"x", "tt", "cross: words → words"}, {"x", "ii", "cross: regions → regions"},
}

// NewMaps lays out attention maps. The error names one that is not a map.
func NewMaps(m analysis.Maps) (Maps, error) {
	out := Maps{Maps: m, Title: Title(m.Meta)}
	groups := make([]MapGroup, len(streams))
	for _, name := range MapNames(m.Maps) {
		t, err := m.Present(name)
		if err != nil {
			return out, err
		}
		prefix, _, _ := strings.Cut(name, ".")
		kind := name[strings.LastIndex(name, ".")+1:]
		i := 0
		for i < len(streams) && (streams[i].prefix != prefix || streams[i].kind != kind) {
			i++
		}
		if i == len(streams) {
			return out, fmt.Errorf("%s is not an attention map: names are like l.0.tt, r.0.ii, x.0.ti", name)
		}
		g := &groups[i]
		g.Title, g.Names, g.Maps = streams[i].title, append(g.Names, name), append(g.Maps, t)
		out.Heads = max(out.Heads, t.Shape[0])
	}
	for _, g := range groups {
		if g.Names != nil {
			out.Groups = append(out.Groups, g)
		}
	}
	return out, nil
}

// LogShare places a share of attention on a logarithmic scale: 0 for a thousandth and less, 1 for 1. What is not a number
// stays so.
func LogShare(share float64) float64 {
	if math.IsNaN(share) {
		return share
	}
	return math.Max(0, 1+math.Log10(math.Max(share, 1e-9))/3)
}

// MapNames are the names of attention maps, such as x.4.ti, as the model computes them: language, regions, crossing; then
// by layer. Other names come last.
func MapNames[T any](all map[string]T) []string {
	place := func(name string) (stage, layer int, kind string) {
		part := strings.SplitN(name, ".", 3)
		if len(part) < 3 {
			return 3, 0, name
		}
		layer, err := strconv.Atoi(part[1])
		if err != nil {
			return 3, 0, name
		}
		return strings.Index("lrx", part[0]), layer, part[2]
	}
	return slices.SortedFunc(maps.Keys(all), func(a, b string) int {
		stageA, layerA, kindA := place(a)
		stageB, layerB, kindB := place(b)
		return cmp.Or(cmp.Compare(stageA, stageB), cmp.Compare(layerA, layerB), cmp.Compare(kindA, kindB))
	})
}
