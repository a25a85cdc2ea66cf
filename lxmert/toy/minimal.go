package toy

import (
	"context"
	"fmt"
	"math/rand/v2"
	"slices"

	"github.com/seed-516990b0/golxmert/lxmert/region"
)

// MinimalPair is a picture, the same picture with the colour or the shape of one object changed, and the question that tells them
// apart. All boxes, and the noise of all features, are the same: RoIs that do not show the object are equal in every number.
type MinimalPair struct {
	Clean, Changed *Scene
	Object         int       // its place in Objects
	Attribute      string    // "color" or "shape"
	Question       string    // such as "what color is the star?"
	Answers        [2]string // of both pictures
	Regions        [2]*region.Regions
}

// ROI is the row of the object in the features.
func (p *MinimalPair) ROI() int { return p.Clean.Objects[p.Object].ROI }

// Shows are the RoIs that show the object: its own, and crops of it. No other differs between the pictures.
func (p *MinimalPair) Shows() []int {
	rois := []int{p.ROI()}
	for _, d := range p.Clean.Distractors {
		if d.Of != nil && *d.Of == p.Object {
			rois = append(rois, d.ROI)
		}
	}
	return rois
}

// Find finds the regions of the pair's pictures by their ids, as question.Options take it.
func (p *MinimalPair) Find(_ context.Context, id string) (*region.Regions, error) {
	for _, r := range p.Regions {
		if r.ID == id {
			return r, nil
		}
	}
	return nil, fmt.Errorf("%w: the pair has %s and %s, not %s", region.ErrNotFound, p.Regions[0].ID, p.Regions[1].ID, id)
}

// MinimalPairs makes n pairs of the first pictures of VQA's split that have an object to ask about: one whose shape, or whose
// colour, no other object has. Attributes take turns. Neither picture has a combination that is never trained. It is an error if
// the split has not enough of them.
func (w *World) MinimalPairs(split string, n int) ([]*MinimalPair, error) {
	directions := newDirections(w.Seed)
	var pairs []*MinimalPair
	for s, err := range w.Scenes("vqa", split) {
		if err != nil {
			return nil, err
		}
		if len(pairs) == n {
			break
		}
		index := len(pairs)
		rng := rand.New(stream(w.Seed, "minimal pair "+split, index))
		p := changedScene(rng, s, Kinds[index%2])
		if p == nil {
			continue
		}
		for i, scene := range []*Scene{p.Clean, p.Changed} {
			r := &region.Regions{ID: scene.ID, Width: Side, Height: Side, N: scene.ROIs(), Dim: FeatDim, Source: "toy world, minimal pairs of " + split}
			// The same stream for both pictures is the same noise.
			r.Features = directions.features(rand.New(stream(w.Seed, "minimal pair's noise "+split, index)), scene)
			r.Boxes = make([]float32, 4*scene.ROIs())
			for _, o := range scene.Objects {
				copy(r.Boxes[4*o.ROI:], o.Box[:])
			}
			for _, d := range scene.Distractors {
				copy(r.Boxes[4*d.ROI:], d.Box[:])
			}
			p.Regions[i] = r
		}
		pairs = append(pairs, p)
	}
	if len(pairs) < n {
		return nil, fmt.Errorf("toy: %s has %d pictures of which minimal pairs can be made, not %d", split, len(pairs), n)
	}
	return pairs, nil
}

// changedScene changes an attribute of an object that can be asked about; nil if the scene has none.
func changedScene(rng *rand.Rand, s *Scene, attribute string) *MinimalPair {
	for _, i := range rng.Perm(len(s.Objects)) {
		o := s.Objects[i]
		alike := 0
		for _, other := range s.Objects {
			if attribute == KindColor && other.Shape == o.Shape || attribute == KindShape && other.Color == o.Color {
				alike++
			}
		}
		if alike > 1 {
			continue
		}
		changed := o
		p := &MinimalPair{Clean: s, Object: i, Attribute: attribute}
		values, value := Colors, &changed.Color
		p.Question = "what color is the " + o.Shape + "?"
		if attribute == KindShape {
			values, value = Shapes, &changed.Shape
			p.Question = "what shape is the " + o.Color + " thing?"
		}
		p.Answers[0] = *value
		for _, k := range rng.Perm(len(values)) {
			*value = values[k]
			if *value == p.Answers[0] || !trained(changed.Shape, changed.Color) {
				continue
			}
			p.Answers[1] = *value
			other := *s
			other.ID += "-changed"
			other.Objects = slices.Clone(s.Objects)
			other.Objects[i] = changed
			p.Changed = &other
			return p
		}
	}
	return nil
}
