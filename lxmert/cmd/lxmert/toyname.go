package main

import (
	"cmp"

	"github.com/seed-516990b0/golxmert/lxmert/question"
	"github.com/seed-516990b0/golxmert/lxmert/toy"
	"github.com/seed-516990b0/golxmert/lxmert/weights"
)

// findToy puts the toy world's files in the place of --load toy or toy-pretrained, unless there are weights of that name. Nil:
// other weights are named.
func (f *modelFlags) findToy() (*toy.Named, error) {
	if !toy.IsWeights(f.load) {
		return nil, nil
	}
	if _, err := weights.Resolve(f.load); err == nil {
		return nil, nil
	}
	world, err := toy.FindWeights(f.load)
	if err != nil {
		return nil, err
	}
	f.load, f.config = world.Weights, cmp.Or(f.config, world.Config)
	return world, nil
}

// fillToy names the toy world's files where nothing else is named.
func fillToy(opt *question.Options, world *toy.Named) {
	if world == nil {
		return
	}
	if len(opt.Regions) == 0 && opt.Find == nil {
		opt.Regions = world.Regions
	}
	opt.Vocab, opt.Answers, opt.Images = cmp.Or(opt.Vocab, world.Vocab), cmp.Or(opt.Answers, world.Answers), cmp.Or(opt.Images, world.Images)
	if opt.Objects == "" {
		opt.ObjectNames = world.Objects
	}
	if opt.Attributes == "" {
		opt.AttributeNames = world.Attributes
	}
}
