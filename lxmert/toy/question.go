package toy

import (
	"math/rand/v2"
	"slices"
	"strconv"
)

// question is a question about a scene.
type question struct {
	kind   string // one of Kinds
	text   string
	answer string // one of Answers
	rois   []int  // see Truth
	novel  bool
}

const (
	pairMargin  = 0.1  // least distance of two centres along the axis that is asked about, in picture sides
	whereMargin = 0.05 // least distance of a centre from the middle
)

// countWeights say which of the answers that a picture offers to "how many" is asked for, from 0 to 4: rare ones more often.
var countWeights = [5]int{12, 10, 20, 40, 80}

// apartShare is the share of the questions to which there is no such object that are about a colour and a shape that the
// picture has, on different objects: finding one of the two is not enough.
const apartShare = 0.6

// ask draws questions of each kind, in the order of Kinds, as many as the recipe says, and fewer where the picture does not
// offer them. Where novel pictures are wanted, questions may name combinations that are never trained.
func ask(rng *rand.Rand, s *Scene, r recipe) []question {
	a := &asker{rng: rng, objects: s.Objects, novel: r.novel, have: countAttributes(s.Objects)}
	var out []question
	for i, draw := range []func() (question, bool){a.color, a.shape, a.exist, a.count, a.position, a.compare, a.side, a.where} {
		var texts []string
		for range a.number(r.asked, i) {
			q, ok := draw()
			if !ok || slices.Contains(texts, q.text) {
				continue
			}
			texts = append(texts, q.text)
			q.kind = Kinds[i]
			q.novel = q.novel || slices.ContainsFunc(s.Objects, func(o Object) bool {
				return slices.Contains(q.rois, o.ROI) && !trained(o.Shape, o.Color)
			})
			out = append(out, q)
		}
	}
	return out
}

// number is how many questions of a kind to draw: what is left of ten tenths is the chance of one more.
func (a *asker) number(asked *[8]int, kind int) int {
	if asked == nil {
		return 1
	}
	n := asked[kind] / 10
	if a.rng.IntN(10) < asked[kind]%10 {
		n++
	}
	return n
}

// countAttributes counts the objects of each shape and of each colour.
func countAttributes(objects []Object) map[string]int {
	have := map[string]int{}
	for _, o := range objects {
		have[o.Shape]++
		have[o.Color]++
	}
	return have
}

type asker struct {
	rng     *rand.Rand
	objects []Object
	novel   bool
	have    map[string]int // objects of a shape or colour
}

// flip is a fair coin.
func (a *asker) flip() bool { return a.rng.IntN(2) == 0 }

func (a *asker) color() (question, bool) {
	i, ok := a.one(func(o Object) bool { return a.have[o.Shape] == 1 })
	if !ok {
		return question{}, false
	}
	o := a.objects[i]
	return question{text: "what color is the " + o.Shape + "?", answer: o.Color, rois: []int{o.ROI}}, true
}

func (a *asker) shape() (question, bool) {
	i, ok := a.one(func(o Object) bool { return a.have[o.Color] == 1 })
	if !ok {
		return question{}, false
	}
	o := a.objects[i]
	return question{text: "what shape is the " + o.Color + " thing?", answer: o.Shape, rois: []int{o.ROI}}, true
}

func (a *asker) exist() (question, bool) {
	var c Combination
	if a.flip() {
		o := pick(a.rng, a.objects)
		c = Combination{o.Shape, o.Color}
	} else {
		var apart, rest []Combination
		for _, shape := range Shapes {
			for _, color := range Colors {
				absent := Combination{shape, color}
				switch {
				case len(a.showing(absent)) > 0, !a.novel && !trained(shape, color):
				case a.have[shape] > 0 && a.have[color] > 0:
					apart = append(apart, absent)
				default:
					rest = append(rest, absent)
				}
			}
		}
		if len(rest) == 0 || len(apart) > 0 && a.rng.Float64() < apartShare {
			rest = apart
		}
		c = pick(a.rng, rest)
	}
	q := question{text: "is there a " + c.Color + " " + c.Shape + "?", answer: "no", rois: a.showing(c), novel: !trained(c.Shape, c.Color)}
	if len(q.rois) > 0 {
		q.answer = "yes"
	}
	return q, true
}

func (a *asker) count() (question, bool) {
	var offers [len(countWeights)][]string
	total := 0
	for _, attribute := range slices.Concat(Colors, Shapes) {
		if n := a.have[attribute]; n < len(offers) {
			if offers[n] == nil {
				total += countWeights[n]
			}
			offers[n] = append(offers[n], attribute)
		}
	}
	at, n := a.rng.IntN(total), 0
	for i, weight := range countWeights {
		if offers[i] == nil {
			continue
		}
		n = i
		if at -= weight; at < 0 {
			break
		}
	}
	attribute := pick(a.rng, offers[n])
	return question{text: "how many " + plural(attribute) + " are there?", answer: strconv.Itoa(n), rois: a.with(attribute)}, true
}

// relations are what the first of two objects can be to the second. The one at i^1 is its opposite.
var relations = [4]string{"left", "right", "above", "below"}

// related says which two relations hold between two objects, with margins; -1 where none does.
func related(a, b Object) (horizontal, vertical int) {
	ax, ay := center(a.Box)
	bx, by := center(b.Box)
	direction := func(d float32) int {
		switch {
		case d <= -pairMargin:
			return 0
		case d >= pairMargin:
			return 1
		}
		return -1
	}
	horizontal, vertical = direction(ax-bx), direction(ay-by)
	if vertical >= 0 {
		vertical += 2
	}
	return horizontal, vertical
}

// pair draws two objects that can be named, and a relation between them; -1 if there are none.
func (a *asker) pair() (i, j, relation int) {
	var from [][3]int
	for i, one := range a.objects {
		for j, other := range a.objects {
			if i == j || !a.nameable(one) || !a.nameable(other) {
				continue
			}
			h, v := related(one, other)
			for _, r := range []int{h, v} {
				if r >= 0 {
					from = append(from, [3]int{i, j, r})
				}
			}
		}
	}
	if len(from) == 0 {
		return 0, 0, -1
	}
	drawn := pick(a.rng, from)
	return drawn[0], drawn[1], drawn[2]
}

func (a *asker) position() (question, bool) {
	i, j, relation := a.pair()
	if relation < 0 {
		return question{}, false
	}
	answer := "yes"
	if a.flip() {
		answer, relation = "no", relation^1
	}
	how := relations[relation]
	if relation < 2 {
		how += " of"
	}
	text := "is " + a.name(i) + " " + how + " " + a.name(j) + "?"
	return question{text: text, answer: answer, rois: []int{a.objects[i].ROI, a.objects[j].ROI}}, true
}

func (a *asker) side() (question, bool) {
	i, j, relation := a.pair()
	if relation < 0 {
		return question{}, false
	}
	how := " left or right of "
	if relation >= 2 {
		how = " above or below "
	}
	text := "is " + a.name(i) + how + a.name(j) + "?"
	return question{text: text, answer: relations[relation], rois: []int{a.objects[i].ROI, a.objects[j].ROI}}, true
}

func (a *asker) compare() (question, bool) {
	family := Colors
	if a.flip() {
		family = Shapes
	}
	var more, rest [][2]string
	for _, x := range family {
		for _, y := range family {
			switch {
			case x == y || a.have[x]+a.have[y] == 0:
			case a.have[x] > a.have[y]:
				more = append(more, [2]string{x, y})
			default:
				rest = append(rest, [2]string{x, y})
			}
		}
	}
	if len(more) == 0 { // one of each: the only answer would be no
		return question{}, false
	}
	from, answer := more, "yes"
	if a.flip() {
		from, answer = rest, "no"
	}
	drawn := pick(a.rng, from)
	q := question{text: "are there more " + plural(drawn[0]) + " than " + plural(drawn[1]) + "?", answer: answer}
	q.rois = append(a.with(drawn[0]), a.with(drawn[1])...)
	return q, true
}

func (a *asker) where() (question, bool) {
	type place struct {
		object int
		answer string
	}
	var from []place
	for i, o := range a.objects {
		if !a.nameable(o) {
			continue
		}
		x, y := center(o.Box)
		for _, axis := range []struct {
			at       float32
			low, top string
		}{{x, "left", "right"}, {y, "top", "bottom"}} {
			switch {
			case axis.at <= 0.5-whereMargin:
				from = append(from, place{i, axis.low})
			case axis.at >= 0.5+whereMargin:
				from = append(from, place{i, axis.top})
			}
		}
	}
	if len(from) == 0 {
		return question{}, false
	}
	drawn := pick(a.rng, from)
	how := "top or bottom"
	if drawn.answer == "left" || drawn.answer == "right" {
		how = "left or right"
	}
	return question{text: "is " + a.name(drawn.object) + " on the " + how + "?", answer: drawn.answer,
		rois: []int{a.objects[drawn.object].ROI}}, true
}

// one draws the place of an object that fits.
func (a *asker) one(fits func(Object) bool) (int, bool) {
	var from []int
	for i, o := range a.objects {
		if fits(o) {
			from = append(from, i)
		}
	}
	if len(from) == 0 {
		return 0, false
	}
	return pick(a.rng, from), true
}

// showing lists the RoIs of a combination.
func (a *asker) showing(c Combination) []int {
	rois := []int{}
	for _, o := range a.objects {
		if o.Shape == c.Shape && o.Color == c.Color {
			rois = append(rois, o.ROI)
		}
	}
	return rois
}

// with lists the RoIs of a colour or shape.
func (a *asker) with(attribute string) []int {
	rois := []int{}
	for _, o := range a.objects {
		if o.Color == attribute || o.Shape == attribute {
			rois = append(rois, o.ROI)
		}
	}
	return rois
}

// nameable says whether words tell an object from the others.
func (a *asker) nameable(o Object) bool {
	return a.have[o.Shape] == 1 || a.have[o.Color] == 1 || len(a.showing(Combination{o.Shape, o.Color})) == 1
}

// name calls an object by its shape or its colour, at random where both tell it from the others, by both where neither
// does alone.
func (a *asker) name(i int) string {
	o := a.objects[i]
	byShape, byColor := a.have[o.Shape] == 1, a.have[o.Color] == 1
	if byShape && byColor {
		byShape = a.flip()
	}
	switch {
	case byShape:
		return "the " + o.Shape
	case byColor:
		return "the " + o.Color + " thing"
	}
	return "the " + o.Color + " " + o.Shape
}

// plural is the name of many objects of a shape or colour.
func plural(attribute string) string {
	switch {
	case slices.Contains(Colors, attribute):
		return attribute + " things"
	case attribute == "cross":
		return "crosses"
	}
	return attribute + "s"
}
