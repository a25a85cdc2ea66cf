package session

import (
	"slices"

	"github.com/seed-516990b0/golxmert/kernel/client"
	"github.com/seed-516990b0/golxmert/lxmert/toy"
)

// expandToy puts the built-in world's files in the place of "toy".
func expandToy(s client.Spec) (client.Spec, error) {
	whole := toy.IsWeights(s.Weights)
	if !whole && !slices.Contains([]string{s.Config, s.Vocab, s.Answers, s.Images}, client.Toy) && !slices.Contains(s.Regions, client.Toy) {
		return s, nil // Objects and Attributes need no files
	}
	world, err := toy.FindWeights(s.Weights)
	if err != nil {
		return s, err
	}
	if whole {
		s.Weights = world.Weights
		for _, name := range []*string{&s.Config, &s.Vocab, &s.Answers, &s.Objects, &s.Attributes, &s.Images} {
			if *name == "" {
				*name = client.Toy
			}
		}
		if len(s.Regions) == 0 {
			s.Regions = []string{client.Toy}
		}
	}
	for name, path := range map[*string]string{&s.Config: world.Config, &s.Vocab: world.Vocab, &s.Answers: world.Answers, &s.Images: world.Images} {
		if *name == client.Toy {
			*name = path
		}
	}
	var regions []string
	for _, r := range s.Regions {
		if r == client.Toy {
			regions = append(regions, world.Regions...)
		} else {
			regions = append(regions, r)
		}
	}
	s.Regions = regions
	return s, nil
}
