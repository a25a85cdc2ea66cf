package question

import (
	"fmt"
	"strings"
)

// labels are the names of one kind of classes. Nil: they have no names.
type labels struct {
	noun, from string // "object"; where the names are from
	names      []string
	beyond     int32 // the largest class that has no name; -1: all have
}

// labels reads the names of objects and attributes.
func (a *Asker) labels() (objects, attributes *labels, err error) {
	if objects, err = a.labelsOf("Objects", a.opt.Objects, a.opt.ObjectNames); err != nil {
		return nil, nil, err
	}
	attributes, err = a.labelsOf("Attributes", a.opt.Attributes, a.opt.AttributeNames)
	return objects, attributes, err
}

// labelsOf reads the names that an option says.
func (a *Asker) labelsOf(field, path string, names []string) (*labels, error) {
	from := a.opt.call(field)
	if path != "" {
		read, release, err := a.files.Labels(path)
		if err != nil {
			return nil, fmt.Errorf("%s: %w", from, err)
		}
		release()
		names, from = read, path
	}
	if names == nil {
		return nil, nil
	}
	noun := strings.ToLower(strings.TrimSuffix(field, "s"))
	return &labels{noun, from, names, -1}, nil
}

// name names classes; one beyond the names is called by its number.
func (l *labels) name(classes []int32) []string {
	if l == nil {
		return nil
	}
	var out []string
	for _, c := range classes {
		if c >= 0 && int(c) < len(l.names) {
			out = append(out, l.names[c])
			continue
		}
		l.beyond = max(l.beyond, c)
		out = append(out, fmt.Sprintf("%s %d", l.noun, c))
	}
	return out
}

// note says that names are missing.
func (l *labels) note() string {
	if l == nil || l.beyond < 0 {
		return ""
	}
	return fmt.Sprintf("%s names %d %ss, the regions have %s %d: they are those of another detector", l.from, len(l.names), l.noun, l.noun, l.beyond)
}
