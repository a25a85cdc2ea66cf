package analysis

import (
	"strconv"

	"github.com/seed-516990b0/golxmert/lxmert"
)

// Levels are the names of a stream's levels, from the embedding to the one that the heads read: hid.t.0 and so on of words,
// hid.i.0 and so on of regions.
func Levels(cfg lxmert.Config, stream Stream) []string {
	prefix, tower := "hid.t.", cfg.LangLayers
	if stream == RegionStream {
		prefix, tower = "hid.i.", cfg.RegionLayers
	}
	names := make([]string, tower+cfg.CrossLayers+1)
	for k := range names {
		names[k] = prefix + strconv.Itoa(k)
	}
	return names
}
