package toy

import (
	"math/rand/v2"
	"slices"
)

// statement is a sentence about two pictures, and when it is true.
type statement struct {
	kind, text string
	holds      func(left, right *Scene) bool
	about      Combination // what it counts; an empty part stands for any
}

// pairsInGroup is the number of picture pairs that a statement is made about: true of one half, false of the other, so
// that no word of it gives the answer away. NLVR2's consistency is over such groups.
const pairsInGroup = 4

// group is four pairs of pictures and statements about all of them.
type group struct {
	pairs      [pairsInGroup][2]*Scene
	statements []statement
}

// drawGroup draws pairs until enough statements divide them into halves. name gives a picture its id.
func drawGroup(rng *rand.Rand, r recipe, statements int, name func(pair, picture int) string) *group {
	for {
		g := &group{}
		for pair := range g.pairs {
			for picture := range g.pairs[pair] {
				g.pairs[pair][picture] = drawScene(rng, name(pair, picture), r)
			}
		}
		for try := 0; try < 200 && len(g.statements) < statements; try++ {
			s := drawStatement(rng)
			known := slices.ContainsFunc(g.statements, func(other statement) bool { return other.text == s.text })
			if !known && g.divides(s) {
				g.statements = append(g.statements, s)
			}
		}
		if len(g.statements) == statements {
			return g
		}
	}
}

// divides says whether a statement is true of exactly half of the pairs.
func (g *group) divides(s statement) bool {
	n := 0
	for _, p := range g.pairs {
		if s.holds(p[0], p[1]) {
			n++
		}
	}
	return 2*n == len(g.pairs)
}

// drawStatement draws one of any kind, on a trained combination or a single shape or colour.
func drawStatement(rng *rand.Rand) statement {
	s := statement{kind: pick(rng, PairKinds)}
	if rng.IntN(2) == 0 {
		s.about.Shape = pick(rng, Shapes)
	} else {
		s.about.Color = pick(rng, Colors)
	}
	onLeft := rng.IntN(2) == 0
	side, otherSide := "left", "right"
	chosen := func(left, right *Scene) (*Scene, *Scene) { return left, right }
	if !onLeft {
		side, otherSide = otherSide, side
		chosen = func(left, right *Scene) (*Scene, *Scene) { return right, left }
	}
	switch s.kind {
	case PairCount:
		n := 1 + rng.IntN(3)
		there := "there are exactly " + numbers[n] + " " + plural(s.about.Shape+s.about.Color)
		if n == 1 {
			there = "there is exactly one " + s.about.noun()
		}
		s.text = there + " in the " + side + " picture."
		s.holds = func(left, right *Scene) bool { one, _ := chosen(left, right); return len(s.about.in(one)) == n }
	case PairMore:
		s.text = "the " + side + " picture has more " + plural(s.about.Shape+s.about.Color) + " than the " + otherSide + " picture."
		s.holds = func(left, right *Scene) bool {
			one, other := chosen(left, right)
			return len(s.about.in(one)) > len(s.about.in(other))
		}
	default:
		if rng.IntN(3) > 0 {
			s.about = drawCombination(rng, Combination{})
		}
		switch s.kind {
		case PairOne:
			s.text = "there is a " + s.about.noun() + " in the " + side + " picture."
			s.holds = func(left, right *Scene) bool { one, _ := chosen(left, right); return len(s.about.in(one)) > 0 }
		case PairBoth:
			s.text = "there is a " + s.about.noun() + " in both pictures."
			s.holds = func(left, right *Scene) bool { return len(s.about.in(left)) > 0 && len(s.about.in(right)) > 0 }
		case PairSingle:
			s.text = "exactly one picture has a " + s.about.noun() + "."
			s.holds = func(left, right *Scene) bool { return (len(s.about.in(left)) > 0) != (len(s.about.in(right)) > 0) }
		}
	}
	return s
}

// noun is "circle", "red thing" or "red circle".
func (c Combination) noun() string {
	switch {
	case c.Color == "":
		return c.Shape
	case c.Shape == "":
		return c.Color + " thing"
	}
	return c.Color + " " + c.Shape
}

// in lists the RoIs of a scene that show such an object.
func (c Combination) in(s *Scene) []int {
	rois := []int{}
	for _, o := range s.Objects {
		if (c.Shape == "" || c.Shape == o.Shape) && (c.Color == "" || c.Color == o.Color) {
			rois = append(rois, o.ROI)
		}
	}
	return rois
}
