package lxrt

import (
	"fmt"
	"maps"
	"slices"
	"strings"
)

// key identifies the plan's graph: two plans of one model with the same key have the same graph, and the one is fed by the
// inputs that the other's graph has. It holds bucketed sizes, names and operations; what else is in a request are numbers,
// which are fed, or concerns the trace.
func (p *plan) key() string {
	var key strings.Builder
	s := p.sizes
	fmt.Fprintf(&key, "%d %d %d %d %d pairs=%v any=%v\n", s.texts[1], s.images[1], s.rows[1], s.words[1], s.regions[1], p.paired, p.anyRegion)
	for _, name := range slices.Sorted(maps.Keys(p.edits)) {
		for _, e := range p.edits[name] {
			fmt.Fprintf(&key, "edit %s %d %v", name, e.op, e.value.padded)
			if e.mask != nil {
				fmt.Fprintf(&key, " %v", e.mask.padded)
			}
			fmt.Fprintln(&key)
		}
	}
	for _, t := range p.terms {
		fmt.Fprintf(&key, "term %s %d class=%v\n", t.Output, t.Kind, t.Class != nil)
	}
	for _, a := range p.grads {
		fmt.Fprintf(&key, "grad %s %d\n", a.Name, p.rule)
	}
	for _, r := range p.reads {
		fmt.Fprintf(&key, "read %s %d\n", r.act.Name, r.count()[1])
	}
	return key.String()
}
