package toy

import (
	"math/rand/v2"
	"slices"
)

// Side is the width and the height of a picture, in pixels.
const Side = 160

// Object is a shape in a picture.
type Object struct {
	Shape string     `json:"shape"` // one of Shapes
	Color string     `json:"color"` // one of Colors
	Size  string     `json:"size"`  // one of Sizes
	Box   [4]float32 `json:"box"`   // x0 y0 x1 y1, pixels; multiples of 1/8
	ROI   int        `json:"roi"`   // its row in the feature file
}

// Distractor is a RoI that shows no object as a whole.
type Distractor struct {
	Kind string     `json:"kind"`         // "background", "loose" (an object and much around it) or "half" (of an object)
	Of   *int       `json:"of,omitempty"` // place in Objects; nil for background
	Box  [4]float32 `json:"box"`
	ROI  int        `json:"roi"`
}

// Scene is what is in a picture, and which RoI shows it.
type Scene struct {
	ID          string       `json:"img_id"`
	Width       int          `json:"width"`
	Height      int          `json:"height"`
	Objects     []Object     `json:"objects"`
	Distractors []Distractor `json:"distractors"`
}

// ROIs is the number of rows that the picture has in the feature file.
func (s *Scene) ROIs() int { return len(s.Objects) + len(s.Distractors) }

// recipe says what pictures of a set look like.
type recipe struct {
	least, most int  // objects
	rois        int  // objects and distractors
	novel       bool // one object has a combination that is never trained
	// asked is how many questions of each of Kinds there are about a picture, in tenths; nil: one of each.
	asked *[8]int
}

// Sides and distances are in eighths of a pixel, so that everything is exact in float32.
const (
	grid          = 8
	span          = Side * grid
	gap           = 2 * grid // between objects
	favouredShare = 0.4      // share of pictures with a favoured colour, and with a favoured shape; counts of 2 to 4 need them
	followedShare = 0.5      // share of objects that follow the favour
)

// sides are the least and the most of an object's side by size: 0.13 and 0.25 of the picture, 12 % more or less.
var sides = map[string][2]int{"small": {146, 186}, "large": {282, 358}}

// drawScene draws a scene. The order of objects means nothing, nor does that of RoIs.
func drawScene(rng *rand.Rand, id string, r recipe) *Scene {
	s := &Scene{ID: id, Width: Side, Height: Side}
	for !s.place(rng, r) {
	}
	for len(s.Objects)+len(s.Distractors) < r.rois {
		s.distract(rng)
	}
	for i, roi := range rng.Perm(s.ROIs()) {
		if i < len(s.Objects) {
			s.Objects[i].ROI = roi
		} else {
			s.Distractors[i-len(s.Objects)].ROI = roi
		}
	}
	return s
}

// place draws objects that do not overlap; false if one found no room.
func (s *Scene) place(rng *rand.Rand, r recipe) bool {
	s.Objects = s.Objects[:0]
	n := r.least + rng.IntN(r.most-r.least+1)
	var favour Combination
	if rng.Float64() < favouredShare {
		favour.Color = pick(rng, Colors)
	}
	if rng.Float64() < favouredShare {
		favour.Shape = pick(rng, Shapes)
	}
	for i := range n {
		c := drawCombination(rng, favour)
		if r.novel && i == 0 {
			c = pick(rng, Combinations)
		}
		o := Object{Shape: c.Shape, Color: c.Color, Size: pick(rng, Sizes)}
		for try := 0; ; try++ {
			if try == 100 {
				return false
			}
			limits := sides[o.Size]
			side := limits[0] + rng.IntN(limits[1]-limits[0]+1)
			x, y := rng.IntN(span-side+1), rng.IntN(span-side+1)
			o.Box = pixels(x, y, x+side, y+side)
			room := pixels(x-gap, y-gap, x+side+gap, y+side+gap)
			if !slices.ContainsFunc(s.Objects, func(other Object) bool { return overlap(room, other.Box) > 0 }) {
				break
			}
		}
		s.Objects = append(s.Objects, o)
	}
	return true
}

// drawCombination draws a combination that may be trained; an empty favour is none.
func drawCombination(rng *rand.Rand, favour Combination) Combination {
	for {
		c := Combination{pick(rng, Shapes), pick(rng, Colors)}
		if favour.Shape != "" && rng.Float64() < followedShare {
			c.Shape = favour.Shape
		}
		if favour.Color != "" && rng.Float64() < followedShare {
			c.Color = favour.Color
		}
		if trained(c.Shape, c.Color) {
			return c
		}
	}
}

// distract adds a distractor: half are background, the rest show an object badly.
func (s *Scene) distract(rng *rand.Rand) {
	if rng.IntN(2) == 0 {
		s.Distractors = append(s.Distractors, Distractor{Kind: "background", Box: s.background(rng)})
		return
	}
	of := rng.IntN(len(s.Objects))
	box := s.Objects[of].Box
	d := Distractor{Kind: "loose", Of: &of}
	if rng.IntN(2) == 0 {
		d.Kind, d.Box = "half", half(box, rng.IntN(4))
	} else {
		side := int((box[2] - box[0]) * grid)
		for i := range d.Box { // each edge moves out by 15 to 45 % of the side
			out := float32(side*(15+rng.IntN(31))/100) / grid
			if i < 2 {
				d.Box[i] = max(0, box[i]-out)
			} else {
				d.Box[i] = min(Side, box[i]+out)
			}
		}
	}
	s.Distractors = append(s.Distractors, d)
}

// background draws a box that shows little of any object: a fifth of it at most, or the least of 30 tries.
func (s *Scene) background(rng *rand.Rand) [4]float32 {
	var best [4]float32
	least := float32(2)
	for range 30 {
		w, h := 160+rng.IntN(321), 160+rng.IntN(321)
		x, y := rng.IntN(span-w+1), rng.IntN(span-h+1)
		box := pixels(x, y, x+w, y+h)
		covered := float32(0)
		for _, o := range s.Objects {
			covered += overlap(box, o.Box)
		}
		if covered /= overlap(box, box); covered < least {
			best, least = box, covered
		}
		if least <= 0.2 {
			break
		}
	}
	return best
}

// half returns the left, upper, right or lower half of a box, to an eighth of a pixel.
func half(box [4]float32, which int) [4]float32 {
	from, to := which%2, which%2+2
	middle := float32(int((box[from]+box[to])*grid)/2) / grid
	if which < 2 {
		box[to] = middle
	} else {
		box[from] = middle
	}
	return box
}

// center is the middle of a box, from 0 to 1.
func center(box [4]float32) (x, y float32) {
	return (box[0] + box[2]) / (2 * Side), (box[1] + box[3]) / (2 * Side)
}

// overlap is the area that two boxes share, in square pixels.
func overlap(a, b [4]float32) float32 {
	w := min(a[2], b[2]) - max(a[0], b[0])
	h := min(a[3], b[3]) - max(a[1], b[1])
	return max(0, w) * max(0, h)
}

// pixels turns eighths of a pixel into a box.
func pixels(x0, y0, x1, y1 int) [4]float32 {
	return [4]float32{float32(x0) / grid, float32(y0) / grid, float32(x1) / grid, float32(y1) / grid}
}

// pick draws an element.
func pick[T any](rng *rand.Rand, from []T) T { return from[rng.IntN(len(from))] }
