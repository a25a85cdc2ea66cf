package report

import (
	"fmt"
	"maps"
	"path/filepath"
	"slices"
	"strings"

	"github.com/seed-516990b0/golxmert/analysis"
)

// fact is a line about a result. Full is what Value stands for where that is too long to read: whoever points at the
// value sees it.
type fact struct{ Name, Value, Full string }

// facts are what a reader needs to make a result again; what is not known is left out. Files are called by their names,
// and the hash by its first digits.
func facts(m analysis.Meta) []fact {
	var out []fact
	short := func(name, value, full string) {
		if full == value {
			full = ""
		}
		if value != "" {
			out = append(out, fact{name, value, full})
		}
	}
	add := func(name, value string) {
		if filepath.IsAbs(value) {
			short(name, filepath.Base(value), value)
		} else {
			short(name, value, "")
		}
	}
	add("method", m.Method)
	add("target", m.Target)
	add("unit", m.Unit)
	add("weights", m.Model.Weights)
	short("hash", m.Model.ShortHash(), m.Model.Hash)
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
