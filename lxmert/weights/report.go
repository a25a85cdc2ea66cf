package weights

import (
	"fmt"
	"slices"
	"strconv"
	"strings"

	"github.com/seed-516990b0/golxmert/lxmert"
)

// Report says how a file's parameters fit a model. All lists hold canonical names; a reshaped one is followed by both shapes.
type Report struct {
	File     string
	Loaded   []string // in the file and in the model, with one shape
	Missing  []string // in the model but not in the file
	Unused   []string // in the file but not in the model
	Reshaped []string // in both, with different shapes
}

// Report compares the file with a model of the given configuration, which need not be the file's own.
func (m *Model) Report(cfg lxmert.Config) Report {
	r := Report{File: m.File.Path}
	inModel := map[string]bool{}
	for _, p := range cfg.Params() {
		inModel[p.Name] = true
		t, ok := m.Tensor(p.Name)
		switch {
		case !ok:
			r.Missing = append(r.Missing, p.Name)
		case !slices.Equal(t.Shape, p.Shape):
			r.Reshaped = append(r.Reshaped, fmt.Sprintf("%s %v in the file, %v in the model", p.Name, t.Shape, p.Shape))
		default:
			r.Loaded = append(r.Loaded, p.Name)
		}
	}
	for _, name := range m.order {
		if !inModel[name] {
			r.Unused = append(r.Unused, name)
		}
	}
	return r
}

// Err is nil if file and model have the same parameters. Otherwise it is one line with counts and the first names.
func (r Report) Err() error {
	if len(r.Missing)+len(r.Unused)+len(r.Reshaped) == 0 {
		return nil
	}
	return fmt.Errorf("%s does not fit the model: %s", r.File, r.differences(3, ", ", "; "))
}

// UnusedNote is a line that counts what the file has and the model does not, "" if that is nothing.
func (r Report) UnusedNote() string {
	if len(r.Unused) == 0 {
		return ""
	}
	return fmt.Sprintf("%s: %d tensors are not part of the model and left alone: %s", r.File, len(r.Unused), listed(r.Unused, 3, ", "))
}

// String lists what was not loaded, or says in one line that all was.
func (r Report) String() string {
	s := fmt.Sprintf("%s: %d parameters loaded", r.File, len(r.Loaded))
	if r.Err() == nil {
		return s + ", all that there are"
	}
	return s + "\n  " + r.differences(1<<30, "\n    ", "\n  ")
}

func (r Report) differences(most int, between, groups string) string {
	var parts []string
	for _, g := range []struct {
		what  string
		names []string
	}{
		{"missing in the file", r.Missing}, {"not in the model", r.Unused}, {"of another shape", r.Reshaped},
	} {
		if len(g.names) == 0 {
			continue
		}
		parts = append(parts, fmt.Sprintf("%d %s:%s%s", len(g.names), g.what, strings.TrimPrefix(between, ","), listed(g.names, most, between)))
	}
	return strings.Join(parts, groups)
}

// listed writes the first names, harmless to a terminal.
func listed(all []string, most int, between string) string {
	names := slices.Clone(all[:min(most, len(all))])
	for i, name := range names {
		if strings.ContainsFunc(name, func(r rune) bool { return !strconv.IsPrint(r) }) {
			names[i] = strconv.Quote(short(name))
		}
	}
	text := strings.Join(names, between)
	if len(names) < len(all) {
		text += ", …"
	}
	return text
}
