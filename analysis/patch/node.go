package patch

import (
	"fmt"

	"github.com/seed-516990b0/golxmert/lxmert"
)

// All stands for every head, or every position, in a [Node].
const All = -1

// Node is a place inside the model whose numbers one run can take over from another: an activation, or of it one head, one
// position, or one head at one position.
type Node struct {
	Name string // of an activation, such as "x.1.ti.ctx" or "hid.t.3"
	Head int    // of an activation with heads; All: every one
	// Position of the word or region whose row it is, of a map and its scores that of the query; All: every one.
	Position int
}

// Heads are the nodes of all heads: what each head of each map gives to all its queries, before the output projection.
func Heads(cfg lxmert.Config) []Node {
	var nodes []Node
	for _, name := range cfg.Maps() {
		for h := range cfg.Heads {
			nodes = append(nodes, Node{name + ".ctx", h, All})
		}
	}
	return nodes
}

// Levels are the nodes of all levels of both streams at each of t words and v regions.
func Levels(cfg lxmert.Config, t, v int) []Node {
	var nodes []Node
	for _, pattern := range []string{"hid.t.*", "hid.i.*"} {
		for _, a := range cfg.Names() {
			if lxmert.Match(pattern, a.Name) {
				for at := range a.Dims(cfg, t, v)[0] {
					nodes = append(nodes, Node{a.Name, All, at})
				}
			}
		}
	}
	return nodes
}

// String names the node as in "x.1.ti.ctx, head 2" or "hid.t.3, position 4".
func (n Node) String() string {
	s := n.Name
	if n.Head != All {
		s += fmt.Sprintf(", head %d", n.Head)
	}
	if n.Position != All {
		s += fmt.Sprintf(", position %d", n.Position)
	}
	return s
}

// place is a node fitted to a model: the activation's sizes, and the axes of heads and positions; -1: there is none.
type place struct {
	dims           []int
	head, position int
}

// fit finds the node in a model, for texts of t word pieces and images of v regions.
func (n Node) fit(cfg lxmert.Config, t, v int) (place, error) {
	found, err := cfg.Find(n.Name)
	if err != nil {
		return place{}, err
	}
	if len(found) > 1 {
		return place{}, fmt.Errorf("%s stands for %d activations, a node is in one", n.Name, len(found))
	}
	a := found[0]
	if cfg.Rows(a.Name) == lxmert.TaskRows {
		return place{}, fmt.Errorf("%s belongs to two pictures together, a node to one", a.Name)
	}
	p := place{dims: a.Dims(cfg, t, v), head: -1, position: -1}
	for i, x := range a.Axes {
		switch {
		case x == lxmert.AxisHead:
			p.head = i
		case p.position < 0 && (x == lxmert.AxisWord || x == lxmert.AxisRegion):
			p.position = i
		}
	}
	for _, side := range []struct {
		what     string
		at, axis int
	}{{"head", n.Head, p.head}, {"position", n.Position, p.position}} {
		switch {
		case side.at == All:
		case side.axis < 0:
			return p, fmt.Errorf("%s has no %ss", n.Name, side.what)
		case side.at < 0 || side.at >= p.dims[side.axis]:
			return p, fmt.Errorf("%s has no %s %d: there are %d", n.Name, side.what, side.at, p.dims[side.axis])
		}
	}
	return p, nil
}

// maskDims are the sizes of a mask that tells the activation's heads and positions apart.
func (p place) maskDims() []int {
	dims := make([]int, len(p.dims))
	for i := range dims {
		dims[i] = 1
		if i == p.head || i == p.position {
			dims[i] = p.dims[i]
		}
	}
	return dims
}

// mark sets a mask, of one row, to 1 at the node.
func (n Node) mark(p place, mask lxmert.Tensor) {
	heads, positions := 1, 1
	if p.head >= 0 {
		heads = p.dims[p.head]
	}
	if p.position >= 0 {
		positions = p.dims[p.position]
	}
	for h := range heads {
		for q := range positions {
			if (n.Head == All || n.Head == h) && (n.Position == All || n.Position == q) {
				mask.Data[h*positions+q] = 1
			}
		}
	}
}
