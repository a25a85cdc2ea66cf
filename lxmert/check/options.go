package check

import (
	"errors"
	"fmt"
	"io"
	"strings"

	"github.com/seed-516990b0/golxmert/lxmert"
)

// ErrOptions is wrapped by errors that say that options make no sense.
var ErrOptions = errors.New("cannot compare that")

// Options say what is compared. The zero value of a field but Load and Self is its default.
type Options struct {
	Load, Config string // weights, and a file with what they do not tell, as lxrt.Open takes them
	AllowUnused  bool   // tensors that are not part of the model are left alone

	// Batch is the inputs, and Inputs says what they are. nil: random ones, always the same.
	Batch  *lxmert.Batch
	Inputs string
	// Want are patterns of activations. Nil: maps, levels and heads.
	Want []string

	// Backend is what this project computes on, as backend.Open takes it. "": all that this machine has.
	Backend string
	// Python is the user's, with PyTorch; "": it is not compared with. Original is a copy of the original code for it.
	// Transformers says to compare with transformers' LXMERT, which is the default where Original is "".
	Python, Original string
	Transformers     bool
	// Script is a TorchScript module, with its signature beside it (see package torch); "": there is none.
	Script string

	// Tolerance is how far two engines may be apart, relative to the largest entry of an activation. 0: what rounding explains.
	Tolerance float64

	// Self is a command line of this project's program, to which `trace` and its flags are added.
	Self []string
	// Log is told of progress. Nil: nobody is.
	Log io.Writer
}

func (o Options) withDefaults() Options {
	if o.Want == nil {
		o.Want = []string{"*.*.tt", "*.*.ii", "x.*.ti", "x.*.it", "hid.*.*", "out.*"}
	}
	if o.Log == nil {
		o.Log = io.Discard
	}
	return o
}

func (o Options) check() error {
	switch {
	case o.Load == "":
		return fmt.Errorf("%w: --load is needed: which weights?", ErrOptions)
	case o.Python == "" && (o.Original != "" || o.Transformers):
		return fmt.Errorf("%w: --lxmert and --hf are for --python, which names a Python with PyTorch", ErrOptions)
	case !(o.Tolerance >= 0) || o.Tolerance > 1:
		return fmt.Errorf("%w: --tolerance is %g, must be from 0 (what rounding explains) to 1 (the largest entry)", ErrOptions, o.Tolerance)
	}
	return nil
}

// wanted lists the names that patterns stand for in a model, in the order in which they are computed. Patterns that are the
// default may stand for nothing, as models without some layers or heads have it.
func (o Options) wanted(cfg lxmert.Config, byDefault bool) ([]lxmert.Activation, error) {
	asked := map[string]bool{}
	for _, p := range o.Want {
		found, err := cfg.Find(strings.TrimSpace(p))
		if err != nil && !byDefault {
			return nil, fmt.Errorf("%w: --want: %w", ErrOptions, err)
		}
		for _, a := range found {
			asked[a.Name] = true
		}
	}
	var names []lxmert.Activation
	for _, a := range cfg.Names() {
		if asked[a.Name] {
			names = append(names, a)
		}
	}
	return names, nil
}
