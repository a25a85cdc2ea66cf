package session

import (
	"context"
	"fmt"
	"net/http"
	"slices"
	"strings"

	"github.com/seed-516990b0/golxmert/analysis"
	"github.com/seed-516990b0/golxmert/analysis/align"
	"github.com/seed-516990b0/golxmert/analysis/concept"
	"github.com/seed-516990b0/golxmert/analysis/lens"
	"github.com/seed-516990b0/golxmert/analysis/lens/tune"
	"github.com/seed-516990b0/golxmert/analysis/modality/hide"
	"github.com/seed-516990b0/golxmert/analysis/probe"
	"github.com/seed-516990b0/golxmert/internal/excerpt"
	"github.com/seed-516990b0/golxmert/kernel/client"
	"github.com/seed-516990b0/golxmert/kernel/internal/wire"
	"github.com/seed-516990b0/golxmert/lxmert"
	"github.com/seed-516990b0/golxmert/lxmert/lxrt"
	"github.com/seed-516990b0/golxmert/lxmert/question"
)

// This file runs analyses over questions that take more than a cell should link: linear algebra, or many states of a model.

// studiedTogether is how many questions of a study are in a batch.
const studiedTogether = 32

// study is what an analysis is given.
type study struct {
	*lent    // the model
	settings client.StudySettings
	random   func() (m *lxrt.Model, discard func(), err error)      // the same model with random weights; discard must follow
	other    func(client.Spec) (m *lent, release func(), err error) // a second model; release must follow
	asked    []lxmert.Question
	batches  probe.Batches
	part     func(from, to int) probe.Batches // of some of the questions
	progress func(what string, done, total int)
}

// lent is a model that a study uses, and its asker.
type lent struct {
	eng   takingTurns
	asker *question.Asker
}

// reading reports how many rows were read.
func (s *study) reading(done int) {
	s.progress("reading states", min(done, len(s.asked)), len(s.asked))
}

// target is what a target's name stands for, of a question or of many; see [analysis.ReadTarget].
func (s *study) target(b *lxmert.Batch) (analysis.Target, error) {
	if s.settings.Target == "" {
		return analysis.Predicted(), nil
	}
	return analysis.ReadTarget(s.settings.Target, s.asker.Head(), b)
}

// tunedLens fits a lens to the questions and reads another question through it.
func (s *study) tunedLens(ctx context.Context) (analysis.Result, error) {
	if s.settings.About == nil {
		return nil, &wire.Fault{Kind: wire.Usage, Message: "session: a lens reads one question after it was fitted to the others: say which"}
	}
	about, err := s.asker.Batch(ctx, []lxmert.Question{*s.settings.About})
	if err != nil {
		return nil, err
	}
	target, err := s.target(about.Batch)
	if err != nil {
		return nil, err
	}
	bound, err := target.Prepare(s.eng.Config(), about.Batch)
	if err != nil {
		return nil, err
	}
	place, err := bound.Place()
	if err != nil {
		return nil, err
	}
	tuned, err := tune.Fit(ctx, s.eng, place.Stream, s.batches, s.settings.Data, s.reading)
	if err != nil {
		return nil, err
	}
	readings, err := lens.Read(ctx, s.eng, about.Batch, target, tuned)
	if err != nil {
		return nil, err
	}
	if s.settings.Target == "" {
		readings[0].Target = "answer " + s.asker.Head().Answer(readings[0].Class)
	}
	return readings[0].Collection(s.names(bound)), nil
}

// erase takes a concept out of every level: fitted to the first half of the questions, tried on the second.
func (s *study) erase(ctx context.Context) (analysis.Result, error) {
	n := len(s.asked)
	if n < 2 || len(s.settings.Tasks) != 1 {
		return nil, &wire.Fault{Kind: wire.Usage, Message: "session: erasing needs one concept, such as \"attribute\" or \"attribute=red\", and questions of which one half is for fitting"}
	}
	task, label, _ := strings.Cut(s.settings.Tasks[0], "=")
	opt := concept.Options{Task: task, Label: label, Seed: s.settings.Seed, Progress: s.progress}
	if s.settings.Target != "" {
		var err error
		if opt.Target, err = s.target(nil); err != nil {
			return nil, err
		}
	}
	return concept.Run(ctx, s.eng, s.part(0, n/2), s.part(n/2, n), opt)
}

// names are those of the classes that a target chooses from, as far as somebody has named them.
func (s *study) names(bound *analysis.Bound) []string {
	if bound.Terms[0].Output == s.asker.Head().Output {
		return s.asker.Head().Answers
	}
	return nil
}

// studies are the analyses, by the names that cells give them.
var studies = map[string]func(ctx context.Context, s *study) (analysis.Result, error){
	"probe": func(ctx context.Context, s *study) (analysis.Result, error) {
		opt := probe.Options{Tasks: s.settings.Tasks, Rows: s.settings.Rows, Seed: s.settings.Seed, NoCode: !s.settings.Codes, Progress: s.progress}
		if s.settings.Random {
			random, discard, err := s.random()
			if err != nil {
				return nil, fmt.Errorf("the model with random weights: %w", err)
			}
			defer discard()
			opt.Random = random
		}
		return probe.Run(ctx, s.eng, s.batches, opt)
	},
	"cka": func(ctx context.Context, s *study) (analysis.Result, error) {
		return probe.CKA(ctx, s.eng, s.batches, s.reading)
	},
	"fusion": func(ctx context.Context, s *study) (analysis.Result, error) {
		return probe.Fusion(ctx, s.eng, s.batches, s.settings.Seed, s.reading)
	},
	"coreference": func(ctx context.Context, s *study) (analysis.Result, error) {
		return probe.Coreference(ctx, s.eng, s.batches, s.settings.Seed, s.reading)
	},
	"align": func(ctx context.Context, s *study) (analysis.Result, error) {
		spaces, err := align.Gather(ctx, s.eng, s.batches, s.reading)
		if err != nil {
			return nil, err
		}
		return spaces.Collection()
	},
	"ablation": func(ctx context.Context, s *study) (analysis.Result, error) {
		found, err := hide.Run(ctx, s.eng, s.batches, s.reading)
		if err != nil {
			return nil, err
		}
		return found.Table(), nil
	},
	"compare": func(ctx context.Context, s *study) (analysis.Result, error) { return s.compare(ctx) },
	"erase":   func(ctx context.Context, s *study) (analysis.Result, error) { return s.erase(ctx) },
	"lens":    func(ctx context.Context, s *study) (analysis.Result, error) { return s.tunedLens(ctx) },
	"pca": func(ctx context.Context, s *study) (analysis.Result, error) {
		return probe.Project(ctx, s.eng, s.batches, func(done, total int) { s.progress("reading states", done, total) })
	},
}

// takingTurns is a model whose every batch waits for the notebook's turn.
type takingTurns struct {
	s        *Server
	notebook string
	m        *openModel
}

func (e takingTurns) Config() lxmert.Config { return e.m.model.Config() }

func (e takingTurns) Run(ctx context.Context, b *lxmert.Batch, r lxmert.Request) (*lxmert.Trace, error) {
	return e.s.turn(ctx, e.notebook, e.m, b, r)
}

// answerStudy streams how a study goes, and what it finds: lines of [client.Reply].
func (s *Server) answerStudy(w http.ResponseWriter, r *http.Request) error {
	var call client.StudyCall
	if err := s.readJSON(w, r, &call); err != nil {
		return err
	}
	run, ok := studies[call.Study]
	if !ok {
		var names []string
		for name := range studies {
			names = append(names, name)
		}
		slices.Sort(names)
		return &wire.Fault{Kind: wire.Usage, Message: fmt.Sprintf("session: there is no study %q; there are %s", excerpt.Cut(call.Study, longestEcho), strings.Join(names, ", "))}
	}
	if len(call.Questions) == 0 {
		return &wire.Fault{Kind: wire.Usage, Message: "session: a study needs questions, such as m.Questions(\"heldout\", 200)"}
	}
	lend := func(spec client.Spec) (*lent, func(), error) {
		m, asker, release, err := s.asking(r.Context(), spec)
		if err != nil {
			return nil, nil, err
		}
		return &lent{takingTurns{s, notebook(r), m}, asker}, release, nil
	}
	own, release, err := lend(call.Spec)
	if err != nil {
		return err
	}
	defer release()
	out := newReply(w)
	x := &study{
		lent: own, settings: call.Settings, asked: call.Questions, other: lend,
		random:   func() (*lxrt.Model, func(), error) { return s.models.random(r.Context(), own.eng.m) },
		progress: out.progress,
		part: func(from, to int) probe.Batches {
			return func(yield func(*lxmert.Batch, error) bool) {
				for part := range slices.Chunk(call.Questions[from:to], studiedTogether) {
					b, err := own.asker.Batch(r.Context(), part)
					if err != nil {
						yield(nil, err)
						return
					}
					if !yield(b.Batch, nil) {
						return
					}
				}
			}
		},
	}
	x.batches = x.part(0, len(x.asked))
	found, err := run(r.Context(), x)
	return out.end(r.Context(), analysis.Collection{Results: []analysis.Result{found}}, err)
}
