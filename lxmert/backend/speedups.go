package backend

import (
	"fmt"
	"strings"

	"github.com/seed-516990b0/golxmert/lxmert/internal/speedup"
)

// speedups says of the parts that make a CPU plugin faster why one is off, by its name.
type speedups map[string]string

// newSpeedups asks the parts that this program has.
func newSpeedups() speedups {
	s := speedups{}
	for _, p := range speedup.Parts() {
		if off := p.Off(); off != "" {
			s[p.Name] = off
		}
	}
	return s
}

// on lists the parts that are on.
func (s speedups) on() string {
	var names []string
	for _, p := range speedup.Parts() {
		if s[p.Name] == "" {
			names = append(names, p.Name)
		}
	}
	return strings.Join(names, ", ")
}

// off lists those that are not, and why.
func (s speedups) off() string {
	if len(speedup.Parts()) == 0 {
		return "plain XLA, which package speed makes faster in programs that import it"
	}
	var reasons []string
	for _, p := range speedup.Parts() {
		if why := s[p.Name]; why != "" {
			reasons = append(reasons, fmt.Sprintf("without %s (%s)", p.Name, why))
		}
	}
	return strings.Join(reasons, "; ")
}

// note says both.
func (s speedups) note() string {
	on, off := s.on(), s.off()
	switch {
	case on == "":
		return off
	case off == "":
		return "with " + on
	}
	return "with " + on + "; " + off
}
