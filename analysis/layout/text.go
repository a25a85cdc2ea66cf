package layout

import (
	"fmt"
	"maps"
	"path/filepath"
	"slices"
	"strings"

	"github.com/seed-516990b0/golxmert/analysis"
)

// Provenance says in one line where numbers come from.
func Provenance(m analysis.Meta) string {
	var parts []string
	add := func(format string, args ...any) { parts = append(parts, fmt.Sprintf(format, args...)) }
	if m.Model.Weights != "" || m.Model.Hash != "" {
		weights := filepath.Base(m.Model.Weights)
		if m.Model.Weights == "" {
			weights = "unnamed"
		}
		if m.Model.Hash != "" {
			weights += " (" + m.Model.ShortHash() + ")"
		}
		add("weights %s", weights)
	}
	if m.Features != "" {
		add("features %s", filepath.Base(m.Features))
	}
	if m.Model.Backend != "" {
		add("%s", strings.TrimSpace(m.Model.Backend+" "+m.Model.DType))
	}
	if m.N > 0 {
		add("n = %d", m.N)
	}
	if m.Level > 0 {
		add("%g %% intervals", 100*m.Level)
	}
	if m.Seed != 0 {
		add("seed %d", m.Seed)
	}
	if m.Model.Version != "" {
		add("golxmert %s", m.Model.Version)
	}
	return strings.Join(append(parts, m.Notes...), " · ")
}

// Title names method, target and unit.
func Title(m analysis.Meta) string {
	s := m.Method
	if m.Target != "" {
		s += " of " + m.Target
	}
	if m.Unit != "" {
		s += " (" + m.Unit + ")"
	}
	return strings.TrimSpace(s)
}

// Fact is a line about a result. Full is what Value stands for where that is too long to read: whoever points at the
// value sees it.
type Fact struct{ Name, Value, Full string }

// Facts are what a reader needs to make a result again; what is not known is left out. Files are called by their names,
// and the hash by its first digits.
func Facts(m analysis.Meta) []Fact {
	var out []Fact
	short := func(name, value, full string) {
		if full == value {
			full = ""
		}
		if value != "" {
			out = append(out, Fact{name, value, full})
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
