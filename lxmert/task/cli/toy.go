package cli

import (
	"strings"

	"github.com/spf13/pflag"

	"github.com/seed-516990b0/golxmert/lxmert/dataset"
	"github.com/seed-516990b0/golxmert/lxmert/toy"
)

// toyFlags are the flags whose value may be "toy", and what that is.
func toyFlags(world *toy.Named) map[string]string {
	return map[string]string{
		"--load": world.Weights, "--loadLXMERT": world.Weights, "--loadLXMERTQA": world.Weights, "--config": world.Config, "--vocab": world.Vocab, "--data": world.Data,
	}
}

// ExpandToy puts the built-in world's files in the place of "toy", so that the command line works anywhere. Weights
// that are the world's bring its data and its configuration, unless these are given.
func ExpandToy(args []string) ([]string, error) {
	set := pflag.NewFlagSet("", pflag.ContinueOnError)
	New(dataset.VQA).Add(set) // all tasks have the same flags
	expanded := Expand(args, set)
	given := map[string]bool{}
	var weights *toy.Named // of which some are weights
	found := false
	for i := range expanded {
		name, value, joined := strings.Cut(expanded[i], "=")
		if _, known := toyFlags(&toy.Named{})[name]; !known {
			continue
		}
		given[name] = true
		at := i
		if !joined && i+1 < len(expanded) {
			at, value = i+1, expanded[i+1]
		}
		loads := strings.HasPrefix(name, "--load")
		if value != toy.Name && !(loads && value == toy.Pretrained) {
			continue
		}
		world, err := toy.FindWeights(value)
		if err != nil {
			return nil, err
		}
		found = true
		expanded[at] = strings.TrimSuffix(expanded[at], value) + toyFlags(world)[name]
		if loads {
			weights = world
		}
	}
	switch {
	case !found:
		return args, nil
	case weights == nil:
		return expanded, nil
	}
	for _, name := range []string{"--data", "--config"} {
		if !given[name] {
			expanded = append(expanded, name, toyFlags(weights)[name])
		}
	}
	return expanded, nil
}
