package cite

import (
	_ "embed"
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/seed-516990b0/golxmert/analysis"
	"github.com/seed-516990b0/golxmert/lxmert"
)

//go:embed references.bib
var references string

// lxmertKey is the entry of the model that everything here is about; ownKey that of this library, which has the version in it.
const (
	lxmertKey = "tan2019lxmert"
	ownKey    = "golxmert"
)

// Citation is what a paper says about results.
type Citation struct {
	// Said is what was computed, with what, a line each.
	Said []string
	// Keys are those of the entries in BibTeX: this library's, LXMERT's, and those of the methods in the order in which they were
	// used.
	Keys   []string
	BibTeX string
}

// String is a file for BibTeX, with what was computed above the entries. No sign in there begins an entry.
func (c Citation) String() string {
	text := strings.Join(c.Said, "\n") + "\n\nCite as \\cite{" + strings.Join(c.Keys, ",") + "}.\n"
	return strings.ReplaceAll(text, "@", "(at)") + "\n" + c.BibTeX
}

// Of says how to cite results. Names are further methods that were used, as commands name them.
func Of(results []analysis.Result, names ...string) Citation {
	s := &statement{cite: Citation{Keys: []string{ownKey, lxmertKey}}}
	for _, r := range results {
		s.add(r)
	}
	for _, name := range names {
		s.use(keysOf(name, true))
	}
	s.finish()
	return s.cite
}

// statement collects what results say about themselves, each thing once.
type statement struct {
	cite     Citation
	models   []lxmert.Provenance
	features []string
}

func (s *statement) add(r analysis.Result) {
	r, err := analysis.Value(r)
	if err != nil {
		return
	}
	if c, ok := r.(analysis.Collection); ok {
		for _, part := range c.Results {
			s.add(part)
		}
		s.describe(c.Meta)
		return
	}
	s.describe(r.About())
	switch r := r.(type) {
	case analysis.Explanation:
		for _, m := range r.Methods {
			s.describe(m.Meta)
		}
	case analysis.Table: // of several methods
		at := slices.Index(r.Columns, "method")
		if at < 0 {
			return
		}
		for _, row := range r.Rows {
			if name, ok := row[at].(string); ok {
				s.use(keysOf(name, true))
				s.use(keysOf(name, false))
			}
		}
	}
}

// describe adds what a result is and where it comes from.
func (s *statement) describe(m analysis.Meta) {
	s.use(keysOf(m.Method, false))
	if m.Model != (lxmert.Provenance{}) && !slices.Contains(s.models, m.Model) {
		s.models = append(s.models, m.Model)
	}
	if m.Features != "" && !slices.Contains(s.features, m.Features) {
		s.features = append(s.features, m.Features)
	}
	if m.Method == "" {
		return
	}
	parts := []string{m.Method}
	add := func(ok bool, format string, args ...any) {
		if ok {
			parts = append(parts, fmt.Sprintf(format, args...))
		}
	}
	add(m.Target != "", "of %s", m.Target)
	add(m.Unit != "", "unit %s", m.Unit)
	add(m.N > 0, "n = %d", m.N)
	add(m.Level > 0, "%g %% intervals", 100*m.Level)
	add(true, "seed %d", m.Seed)
	for _, name := range slices.Sorted(maps.Keys(m.Params)) {
		add(true, "%s = %s", name, m.Params[name])
	}
	s.say(strings.Join(parts, "; "))
	for _, note := range m.Notes {
		s.say("  " + note)
	}
}

// say adds a line that is not there.
func (s *statement) say(line string) {
	line = strings.Join(strings.Fields(line), " ")
	if !slices.Contains(s.cite.Said, line) {
		s.cite.Said = append(s.cite.Said, line)
	}
}

func (s *statement) use(keys []string) {
	for _, key := range keys {
		if !slices.Contains(s.cite.Keys, key) {
			s.cite.Keys = append(s.cite.Keys, key)
		}
	}
}

// finish says with what it was computed, and writes the entries.
func (s *statement) finish() {
	version := ""
	for _, m := range s.models {
		s.say(sentence(m))
		if version == "" {
			version = m.Version
		}
	}
	for _, f := range s.features {
		s.say("features of regions: " + f)
	}
	entries := Entries()
	var text strings.Builder
	for _, key := range s.cite.Keys {
		if key == ownKey {
			text.WriteString(own(version))
		} else {
			text.WriteString(entries[key])
		}
		text.WriteString("\n")
	}
	s.cite.BibTeX = text.String()
}

// sentence says which model it was, and what computed it.
func sentence(m lxmert.Provenance) string {
	var parts []string
	add := func(what, value string) {
		if value != "" {
			parts = append(parts, strings.TrimSpace(what+" "+value))
		}
	}
	add("weights", m.Weights)
	add("hash", m.Hash)
	add("", m.Sizes)
	add("computed by", strings.TrimSpace(m.Backend+" "+m.DType))
	add("with golxmert", m.Version)
	add("with", m.Libraries)
	return strings.Join(parts, "; ")
}

// own is the entry of this library.
func own(version string) string {
	if version != "" {
		version = "  note = {Version " + strings.NewReplacer(`\`, "", "{", "", "}", "", "@", "", "_", `\_`, "%", "", "#", "").Replace(version) + "},\n"
	}
	return "@misc{" + ownKey + ",\n  author = {{The golxmert authors}},\n  title = {golxmert: {LXMERT} in {Go}},\n  howpublished = {\\url{https://github.com/seed-516990b0/golxmert}},\n" + version + "}\n"
}

// Entries are all BibTeX entries of references, by their keys.
func Entries() map[string]string {
	out := map[string]string{}
	for _, entry := range strings.Split(references, "\n@")[1:] {
		_, rest, _ := strings.Cut(entry, "{")
		key, _, _ := strings.Cut(rest, ",")
		out[key] = "@" + strings.TrimRight(entry, "\n") + "\n"
	}
	return out
}
