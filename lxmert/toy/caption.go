package toy

import (
	"math/rand/v2"
	"slices"
	"strings"
)

// captions draws sentences that are true of a scene, for pre-training: what is in it, how two objects lie, and how many
// there are of a colour or shape.
func captions(rng *rand.Rand, s *Scene) []string {
	a := &asker{rng: rng, objects: s.Objects, have: countAttributes(s.Objects)}
	out := []string{"a picture with " + a.list() + "."}
	if i, j, relation := a.pair(); relation >= 0 {
		how := relations[relation]
		if relation < 2 {
			how += " of"
		}
		out = append(out, a.describe(i)+" "+how+" "+a.describe(j)+".")
	}
	var several []string
	for _, attribute := range slices.Concat(Colors, Shapes) {
		if n := a.have[attribute]; n > 1 && n < len(numbers) {
			several = append(several, "there are "+numbers[n]+" "+plural(attribute)+".")
		}
	}
	if len(several) > 0 {
		out = append(out, pick(rng, several))
	}
	return out
}

// rounds is how often a picture's captions are drawn, so that it has as many of them as questions.
const rounds = 3

// tell adds captions to some of a scene, each once.
func tell(rng *rand.Rand, s *Scene, sentences []string) []string {
	for range rounds {
		for _, text := range captions(rng, s) {
			if !slices.Contains(sentences, text) {
				sentences = append(sentences, text)
			}
		}
	}
	return sentences
}

// numbers are words for how many there are; 0 has none.
var numbers = [...]string{"", "one", "two", "three", "four"}

// list describes up to three objects, as many as fit into the 18 word pieces that the model reads.
func (a *asker) list() string {
	order := a.rng.Perm(len(a.objects))
	order = order[:min(3, len(order))]
	var parts []string
	for _, i := range order {
		parts = append(parts, "a "+a.objects[i].Color+" "+a.objects[i].Shape)
	}
	last := len(parts) - 1
	if last == 0 {
		return parts[0]
	}
	return strings.Join(parts[:last], ", ") + " and " + parts[last]
}

// describe says size, colour and shape.
func (a *asker) describe(i int) string {
	o := a.objects[i]
	return "a " + o.Size + " " + o.Color + " " + o.Shape
}
