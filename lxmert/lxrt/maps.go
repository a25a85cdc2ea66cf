package lxrt

import (
	"strconv"

	"github.com/seed-516990b0/golxmert/lxmert"
)

// MapPlace is an attention map and its place in the model: the block of parameters that makes it, what attends, what is
// attended to, and what comes of that.
type MapPlace struct {
	Name   string
	Params string // the block's, by the prefix that they have in files
	Inner  string // the block's part with the projections of queries, keys and values
	Query  string // the activation that attends
	Keys   string // the activation that is attended to
	Out    string // what becomes of the query: LN(what it gathers + query)
}

// MapPlaces lists a model's attention maps in the order in which they are computed. From left to right a line leads from a
// map's name to its place in the graph, from right to left from a parameter or a level to the maps around it. Both maps of
// the cross-attention read the layer's inputs and share one block of parameters, visual_attention.
func MapPlaces(c lxmert.Config) (all []MapPlace) {
	for k := range c.LangLayers {
		in, params := place("hid.t", k), "bert.encoder.layer."+strconv.Itoa(k)
		all = append(all, MapPlace{place("l", k, "tt"), params + ".attention", "self", in, in, place("l", k, "att")})
	}
	for k := range c.RegionLayers {
		in, params := place("hid.i", k), "bert.encoder.r_layers."+strconv.Itoa(k)
		all = append(all, MapPlace{place("r", k, "ii"), params + ".attention", "self", in, in, place("r", k, "att")})
	}
	for k := range c.CrossLayers {
		words, regions := place("hid.t", c.LangLayers+k), place("hid.i", c.RegionLayers+k)
		x, params := place("x", k), "bert.encoder.x_layers."+strconv.Itoa(k)
		all = append(all,
			MapPlace{x + ".ti", params + ".visual_attention", "att", words, regions, x + ".t.cross"},
			MapPlace{x + ".it", params + ".visual_attention", "att", regions, words, x + ".i.cross"},
			MapPlace{x + ".tt", params + ".lang_self_att", "self", x + ".t.cross", x + ".t.cross", x + ".t.self"},
			MapPlace{x + ".ii", params + ".visn_self_att", "self", x + ".i.cross", x + ".i.cross", x + ".i.self"},
		)
	}
	return all
}
