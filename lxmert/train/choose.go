package train

import (
	"cmp"
	"errors"
	"fmt"
	"math"
	"path"
	"slices"
	"strings"

	"github.com/seed-516990b0/golxmert/internal/excerpt"
	"github.com/seed-516990b0/golxmert/lxmert"
	"github.com/seed-516990b0/golxmert/lxmert/weights"
)

// This file chooses parameters by their names: those that stay as they are, and those with learning rates of their own.

// Rate is the peak learning rate of the parameters whose names match a pattern, see [Options].Freeze.
type Rate struct {
	Pattern string
	LR      float64
}

// choose freezes parameters and gives the others their learning rates.
func (t *Trainer) choose() error {
	names := make([]string, len(t.vars.list))
	for i, v := range t.vars.list {
		names[i] = v.Name
	}
	frozen, err := frozenOf(names, t.adapters, t.opt.Freeze)
	if err != nil {
		return err
	}
	for _, v := range t.vars.list {
		v.frozen = frozen[v.Name]
	}
	if !slices.ContainsFunc(t.vars.list, func(v *variable) bool { return !v.frozen }) {
		return errors.New("train: all parameters are frozen, so there is nothing to train")
	}
	t.rates = []float64{t.opt.LR}
	for _, r := range t.opt.Rates {
		if !(r.LR >= 0) || math.IsInf(r.LR, 0) {
			return fmt.Errorf("train: the learning rate of %s is %g, must be 0 or more", r.Pattern, r.LR)
		}
		chosen, err := t.vars.match(r.Pattern)
		if err != nil {
			return fmt.Errorf("train: learning rate %g: %w", r.LR, err)
		}
		if !slices.ContainsFunc(chosen, func(v *variable) bool { return !v.frozen }) {
			return fmt.Errorf("train: learning rate %g: all parameters called %s are frozen", r.LR, r.Pattern)
		}
		at := slices.Index(t.rates, r.LR)
		if at < 0 {
			at = len(t.rates)
			t.rates = append(t.rates, r.LR)
		}
		for _, v := range chosen {
			v.rate = at
		}
	}
	return nil
}

// frozenOf says which of a model's parameters stay as they are: those that patterns name and, beside adapters, the body. A pattern
// that names none is an error, beside what the others name.
func frozenOf(names []string, a *adapters, patterns []string) (frozen map[string]bool, err error) {
	frozen = map[string]bool{}
	for _, name := range names {
		_, adapts := a.adapter(name)
		frozen[name] = a != nil && isBody(name) && !adapts
	}
	for _, pattern := range patterns {
		chosen, e := matchNames(pattern, names, "parameter")
		if e != nil {
			err = cmp.Or(err, fmt.Errorf("train: freezing: %w", e))
		}
		for _, name := range chosen {
			frozen[name] = true
		}
	}
	return frozen, err
}

// match finds the parameters that a pattern names; one that names none is an error.
func (vs *variables) match(pattern string) (chosen []*variable, err error) {
	var names []string
	for _, v := range vs.list {
		names = append(names, v.Name)
	}
	found, err := matchNames(pattern, names, "parameter")
	for _, name := range found {
		chosen = append(chosen, vs.byName[name])
	}
	return chosen, err
}

// matchNames finds the names that a pattern stands for; what they are names of is for the error that there is none.
func matchNames(pattern string, names []string, what string) (chosen []string, err error) {
	plain := strings.NewReplacer("module.", "", "_orig_mod.", "").Replace(pattern)
	within := 0 // names below the pattern
	for _, canonical := range names {
		for _, name := range weights.Spellings(canonical) {
			ok, err := path.Match(plain, name)
			if err != nil {
				return nil, fmt.Errorf("%s is not a pattern: a [ is not closed; in a pattern * stands for any characters, ? for one, [0-3] for one of some", excerpt.Quote(pattern))
			}
			if ok {
				chosen = append(chosen, canonical)
				break
			}
			if ok, _ := path.Match(plain+".*", name); ok {
				within++
				break
			}
		}
	}
	switch {
	case len(chosen) > 0:
		return chosen, nil
	case within > 0:
		return nil, fmt.Errorf("no %s is called %s; \"%s.*\" names the %d below it", what, excerpt.Quote(pattern), pattern, within)
	}
	return nil, fmt.Errorf("no %s is called %s; * stands for any characters, as in \"bert.encoder.layer.0.*\"; similar are %s", what, excerpt.Quote(pattern), excerpt.Like(pattern, names, 4))
}

// Trained is what a trainer may move.
type Trained struct {
	Parameters, Values int      // that are moved if the loss depends on them
	All, AllValues     int      // of the model
	Frozen             []string // names of those that stay as they are
}

// Trained says which parameters the trainer may move.
func (t *Trainer) Trained() (r Trained) {
	for _, v := range t.vars.list {
		r.add(v.Name, v.shape.Size(), v.frozen)
	}
	return r
}

// TrainedOf says what a trainer of a model may move with these adapters and patterns of frozen parameters, before there is one:
// to estimate what it takes. What [NewTrainer] refuses, such as a pattern that names no parameter, counts as not asked for.
func TrainedOf(cfg lxmert.Config, l LoRA, freeze []string) (r Trained) {
	params := cfg.Params()
	a, err := newAdapters(cfg, l)
	if err == nil && a != nil {
		params = append(params, a.params...)
	}
	names := make([]string, len(params))
	for i, p := range params {
		names[i] = p.Name
	}
	frozen, _ := frozenOf(names, a, freeze)
	for _, p := range params {
		r.add(p.Name, lxmert.Size(p.Shape), frozen[p.Name])
	}
	return r
}

func (r *Trained) add(name string, values int, frozen bool) {
	r.All++
	r.AllValues += values
	if frozen {
		r.Frozen = append(r.Frozen, name)
		return
	}
	r.Parameters++
	r.Values += values
}
