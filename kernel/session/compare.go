package session

import (
	"context"
	"fmt"

	"github.com/seed-516990b0/golxmert/analysis"
	"github.com/seed-516990b0/golxmert/analysis/compare"
	"github.com/seed-516990b0/golxmert/kernel/internal/wire"
	"github.com/seed-516990b0/golxmert/lxmert/weights"
)

// compare asks two models the same questions.
func (s *study) compare(ctx context.Context) (analysis.Result, error) {
	if s.settings.With == nil {
		return nil, &wire.Fault{Kind: wire.Usage, Message: "session: a comparison is of two models: say which is the second"}
	}
	other, release, err := s.other(*s.settings.With)
	if err != nil {
		return nil, err
	}
	defer release()
	of := len(s.asked)
	names := s.settings.Names
	if len(names) == 0 {
		names = compare.ShortNames(s.eng.m.key.weights, other.eng.m.key.weights)
	}
	if len(names) != 2 {
		return nil, &wire.Fault{Kind: wire.Usage, Message: fmt.Sprintf("session: %d names for two models", len(names))}
	}
	if n := len(s.settings.Right); n > 0 && n != of {
		return nil, &wire.Fault{Kind: wire.Usage, Message: fmt.Sprintf("session: right answers of %d questions, and there are %d", n, of)}
	}
	opt := compare.Options{Seed: s.settings.Seed, Show: comparedShown, Progress: func(done int) { s.progress("comparing", done, of) }}
	var models [2]compare.Model
	for i, m := range [2]*lent{s.lent, other} {
		classes, err := m.asker.Names()
		if err != nil {
			return nil, err
		}
		models[i] = compare.Model{Name: names[i], Engine: m.eng, Head: m.asker.Head(), Words: classes.Words}
		key := m.eng.m.key
		file, err := weights.OpenModel(key.weights, key.config)
		if err != nil {
			return nil, err
		}
		defer file.Close()
		opt.Weights[i] = file
	}
	found, err := compare.Run(ctx, models[0], models[1], compare.Data{Questions: s.asked, Right: s.settings.Right}.Ask(ctx, s.asker, studiedTogether), opt)
	if err != nil {
		return nil, err
	}
	return found.Collection(), nil
}

// comparedShown is how many questions whose answers changed a cell shows explained in both models.
const comparedShown = 4
