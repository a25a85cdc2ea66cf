package report

import (
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/seed-516990b0/golxmert/analysis"
)

// facts are what a reader needs to make a result again; what is not known is left out.
func facts(m analysis.Meta) []fact {
	var out []fact
	add := func(name, value string) {
		if value != "" {
			out = append(out, fact{name, value})
		}
	}
	add("method", m.Method)
	add("target", m.Target)
	add("unit", m.Unit)
	add("weights", m.Model.Weights)
	add("hash", m.Model.Hash)
	add("features", m.Features)
	add("computed by", strings.TrimSpace(m.Model.Backend+" "+m.Model.DType))
	add("version", m.Model.Version)
	if m.N > 0 {
		add("examples", fmt.Sprint(m.N))
	}
	if m.Level > 0 {
		add("intervals", fmt.Sprintf("%g %%", 100*m.Level))
	}
	if m.Seed != 0 {
		add("seed", fmt.Sprint(m.Seed))
	}
	for _, name := range slices.Sorted(maps.Keys(m.Params)) {
		add(name, m.Params[name])
	}
	add("note", strings.Join(m.Notes, " "))
	return out
}
