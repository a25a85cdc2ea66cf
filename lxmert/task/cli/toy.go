package cli

import (
	"cmp"
	"maps"
	"os"
	"slices"
	"strings"

	"github.com/spf13/pflag"

	"github.com/seed-516990b0/golxmert/lxmert/dataset"
	"github.com/seed-516990b0/golxmert/lxmert/task"
	"github.com/seed-516990b0/golxmert/lxmert/toy"
	"github.com/seed-516990b0/golxmert/lxmert/weights"
)

// toyFlags are the flags whose value may be "toy", and what that is.
func toyFlags(world *toy.Named) map[string]string {
	return map[string]string{
		"--load": world.Weights, "--loadLXMERT": world.Weights, "--loadLXMERTQA": world.Weights, "--config": world.Config, "--vocab": world.Vocab, "--data": world.Data,
	}
}

// isWeights says whether a flag names weights.
func isWeights(flag string) bool { return strings.HasPrefix(flag, "--load") }

// worldOf is the built-in world that a flag's value stands for; nil: it stands for itself.
func worldOf(flag, value string) (*toy.Named, error) {
	if value != toy.Name && !(isWeights(flag) && value == toy.Pretrained) {
		return nil, nil
	}
	return toy.FindWeights(value)
}

// fillToy does with a command line that was read what [ExpandToy] does with its text, but for values that are the names of
// files, which they then stand for.
func (l *Line) fillToy() error {
	o := &l.Options
	values := map[string]*string{"--load": &o.Load, "--loadLXMERT": &o.LoadLXMERT, "--loadLXMERTQA": &o.LoadLXMERTQA, "--config": &o.Config, "--vocab": &o.Vocab, "--data": &o.Root}
	var loaded *toy.Named
	for _, flag := range slices.Sorted(maps.Keys(values)) {
		value := values[flag]
		world, err := worldOf(flag, *value)
		switch {
		case world == nil && err == nil:
			continue
		case isWeights(flag):
			if _, none := weights.Resolve(*value); none == nil {
				continue
			}
		default:
			if _, none := os.Stat(*value); none == nil {
				continue
			}
		}
		if err != nil {
			return err
		}
		*value = toyFlags(world)[flag]
		if isWeights(flag) {
			loaded = world
		}
	}
	if loaded == nil {
		return nil
	}
	o.Config = cmp.Or(o.Config, loaded.Config)
	if o.Root == task.DefaultOptions().Root {
		o.Root = loaded.Data
	}
	return nil
}

// ExpandToy puts the built-in world's files in the place of "toy", so that the command line works anywhere. Weights
// that are the world's bring its data and its configuration, unless these are given.
func ExpandToy(args []string) ([]string, error) {
	set := pflag.NewFlagSet("", pflag.ContinueOnError)
	New(dataset.VQA).Add(set) // all tasks have the same flags
	expanded := Expand(args, set)
	given := map[string]bool{}
	var loaded *toy.Named // of which some are weights
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
		world, err := worldOf(name, value)
		if err != nil {
			return nil, err
		}
		if world == nil {
			continue
		}
		found = true
		expanded[at] = strings.TrimSuffix(expanded[at], value) + toyFlags(world)[name]
		if isWeights(name) {
			loaded = world
		}
	}
	switch {
	case !found:
		return args, nil
	case loaded == nil:
		return expanded, nil
	}
	for _, name := range []string{"--data", "--config"} {
		if !given[name] {
			expanded = append(expanded, name, toyFlags(loaded)[name])
		}
	}
	return expanded, nil
}
