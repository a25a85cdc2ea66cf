package sweep

import (
	"context"
	"fmt"
	"maps"
	"slices"

	"github.com/seed-516990b0/golxmert/analysis"
	"github.com/seed-516990b0/golxmert/analysis/align"
	"github.com/seed-516990b0/golxmert/analysis/probe"
	"github.com/seed-516990b0/golxmert/lxmert"
)

// This file is methods that look at many examples at once. What they read of the model is kept, of the first questions of the
// data set ([Options.Sample]), by whichever part has them. When results are read, an engine gives it out again, so that the
// methods are those that every other caller has.

// gathering is a method that needs activations of many examples together.
type gathering struct {
	name, about string
	reads       func(lxmert.Config) []string // activations, patterns allowed
	random      bool                         // a model with random weights is read, too
	find        func(ctx context.Context, g *gatheredStates) (analysis.Collection, error)
}

// gatheredStates are what a gathering method looks at.
type gatheredStates struct {
	eng, random lxmert.Engine // they know the batches alone
	batches     probe.Batches
	seed        uint64
	sample      int // questions
	progress    func(what string, done, total int)
}

// reading reports how many rows were read.
func (g *gatheredStates) reading(done int) { g.progress("reading states", done, g.sample) }

// gatherings are all methods that gather states.
func gatherings() []gathering {
	levels := func(lxmert.Config) []string { return []string{"hid.t.*", "hid.i.*"} }
	one := func(r analysis.Result, err error) (analysis.Collection, error) {
		return analysis.Collection{Results: []analysis.Result{r}}, err
	}
	return []gathering{
		{"probe", "what can be read from words and regions at each level, beside a control task and random weights", levels, true,
			func(ctx context.Context, g *gatheredStates) (analysis.Collection, error) {
				return probe.Run(ctx, g.eng, g.batches, probe.Options{Seed: g.seed, Random: g.random, Progress: g.progress})
			}},
		{"cka", "how alike levels are, all with all (debiased linear CKA)", levels, false,
			func(ctx context.Context, g *gatheredStates) (analysis.Collection, error) {
				return one(probe.CKA(ctx, g.eng, g.batches, g.reading))
			}},
		{"align", "whether words and regions share a space: modality gap, mutual nearest neighbours, separability", levels, false,
			func(ctx context.Context, g *gatheredStates) (analysis.Collection, error) {
				spaces, err := align.Gather(ctx, g.eng, firstOfPictures(g.batches), g.reading)
				if err != nil {
					return analysis.Collection{}, err
				}
				spaces.Notes = append(spaces.Notes, "Of each picture the first question alone: several would be neighbours by their picture.")
				return spaces.Collection()
			}},
		{"coreference", "how often cross-attention knows which region a word means", crossMaps, false,
			func(ctx context.Context, g *gatheredStates) (analysis.Collection, error) {
				return one(probe.Coreference(ctx, g.eng, g.batches, g.seed, g.reading))
			}},
		{"pca", "words and regions along their main directions, place by place", func(cfg lxmert.Config) (names []string) {
			_, pairs := probe.FusionPlaces(cfg)
			for _, p := range pairs {
				names = append(names, p[0], p[1])
			}
			return names
		}, false, func(ctx context.Context, g *gatheredStates) (analysis.Collection, error) {
			return probe.Project(ctx, g.eng, g.batches, nil)
		}},
	}
}

// firstOfPictures leaves out questions about pictures that were there before.
func firstOfPictures(batches probe.Batches) probe.Batches {
	seen := map[string]bool{}
	return func(yield func(*lxmert.Batch, error) bool) {
		for b, err := range batches {
			if err != nil {
				yield(nil, err)
				return
			}
			var rows []int
			for row := range b.Rows() {
				if id := b.Images[row].ID; id == "" || !seen[id] {
					seen[id] = true
					rows = append(rows, row)
				}
			}
			if len(rows) > 0 && !yield(b.Part(rows...), nil) {
				return
			}
		}
	}
}

func crossMaps(cfg lxmert.Config) (names []string) {
	for _, name := range cfg.Maps() {
		if lxmert.Match("x.*.ti", name) || lxmert.Match("x.*.it", name) {
			names = append(names, name)
		}
	}
	return names
}

// keptOf are the activations that some methods need, in the order in which their numbers are kept, and after them those of the
// model with random weights.
func keptOf(cfg lxmert.Config, methods []string) (kept, random []lxmert.Activation, err error) {
	needed, needed2 := map[string]bool{}, map[string]bool{}
	for _, name := range methods {
		g, ok := findGathering(name)
		if !ok {
			continue
		}
		for _, pattern := range g.reads(cfg) {
			found, err := cfg.Find(pattern)
			if err != nil {
				return nil, nil, err
			}
			for _, a := range found {
				needed[a.Name] = true
				needed2[a.Name] = needed2[a.Name] || g.random
			}
		}
	}
	for _, a := range cfg.Names() {
		if needed[a.Name] {
			kept = append(kept, a)
		}
		if needed2[a.Name] {
			random = append(random, a)
		}
	}
	return kept, random, nil
}

// gather keeps what the gathering methods need of the questions of a batch that are in the sample.
func (r *runner) gather(ctx context.Context, a *asked, l *line) error {
	var rows []int
	for row := range a.Rows() {
		if a.index[row/r.settings.Rows] < r.settings.Sample {
			rows = append(rows, row)
		}
	}
	kept, random, err := keptOf(r.eng.Config(), r.settings.Methods)
	if err != nil || len(kept) == 0 || len(rows) == 0 {
		return err
	}
	b := a.Part(rows...)
	read := func(eng lxmert.Engine, kept []lxmert.Activation) error {
		if len(kept) == 0 {
			return nil
		}
		var names []string
		for _, a := range kept {
			names = append(names, a.Name)
		}
		t, err := eng.Run(ctx, b, lxmert.Request{Want: lxmert.All(names...), NoRegions: b.NoRegions()})
		if err != nil {
			return err
		}
		for row := range b.Rows() {
			words, regions := lastTrue(analysis.ValidWords(b, row)), lastTrue(analysis.ValidRegions(b, row))
			for _, a := range kept {
				l.numbers = appendCorner(l.numbers, t.Values[a.Name].Row(row), a.Dims(eng.Config(), words, regions))
			}
		}
		return nil
	}
	if err := read(r.eng, kept); err != nil {
		return err
	}
	if len(random) > 0 {
		if r.opt.RandomWeights == nil {
			return fmt.Errorf("sweep: there is no model with random weights to compare probes with")
		}
		if err := read(r.opt.RandomWeights, random); err != nil {
			return fmt.Errorf("the model with random weights: %w", err)
		}
	}
	for row := range b.Rows() {
		l.Kept = append(l.Kept, newKeptRow(b, row))
	}
	return nil
}

// lastTrue is how many entries there are up to the last that is true.
func lastTrue(list []bool) int {
	n := len(list)
	for n > 0 && !list[n-1] {
		n--
	}
	return n
}

// appendCorner appends the first entries along each axis of a tensor.
func appendCorner(to []float32, x lxmert.Tensor, dims []int) []float32 {
	if len(dims) == 1 {
		return append(to, x.Data[:dims[0]]...)
	}
	for i := range dims[0] {
		to = appendCorner(to, x.Row(i), dims[1:])
	}
	return to
}

// fillCorner is the reverse: it takes the numbers away from those that are left.
func fillCorner(x lxmert.Tensor, dims []int, left []float32) []float32 {
	if len(dims) == 1 {
		return left[copy(x.Data[:dims[0]], left):]
	}
	for i := range dims[0] {
		left = fillCorner(x.Row(i), dims[1:], left)
	}
	return left
}

// drawGathered adds the results of all methods that gather states.
func (c *collector) drawGathered(ctx context.Context, s *Summary, paths []string, progress func(what string, done, total int)) error {
	for _, name := range c.settings.Methods {
		g, ok := findGathering(name)
		if !ok || c.settings.Config == nil {
			continue
		}
		p, err := newReplay(ctx, c.settings, paths)
		if err != nil {
			return err
		}
		states := &gatheredStates{eng: replayed{p, ""}, batches: p.batches, seed: c.settings.Seed, sample: min(c.settings.Sample, c.n) * c.settings.Rows, progress: func(what string, done, total int) {
			if progress != nil {
				progress(name+": "+what, done, max(done, total))
			}
		}}
		if g.random {
			states.random = replayed{p, randomly}
		}
		found, err := g.find(ctx, states)
		if err != nil {
			if p.err != nil || ctx.Err() != nil { // it is not the method's fault
				return err
			}
			s.Without = append(s.Without, fmt.Sprintf("%s: %v", name, err))
			continue
		}
		for i, r := range found.Results {
			c.file(s, fileOf(name, found.Results, i), r)
		}
	}
	return nil
}

// fileOf is what the file of a method's result is called: as the method, if it is the only one or a table; with the task, or with its
// kind and its number among these.
func fileOf(method string, results []analysis.Result, i int) string {
	kind := analysis.KindOf(results[i])
	if task := results[i].About().Params["task"]; task != "" {
		return method + "-" + task
	}
	if kind == "table" || len(results) == 1 {
		return method
	}
	before, all := 0, 0
	for k, r := range results {
		if analysis.KindOf(r) == kind {
			if all++; k < i {
				before++
			}
		}
	}
	if all == 1 {
		return method + "-" + kind
	}
	return fmt.Sprintf("%s-%d", method, before+1)
}

// file puts a result of a gathering method where the summary has those of its kind.
func (c *collector) file(s *Summary, name string, r analysis.Result) {
	switch r := r.(type) {
	case analysis.Table:
		r.Meta = c.gathered(r.Meta)
		s.Tables = append(s.Tables, Named[analysis.Table]{name, r})
	case analysis.Curve:
		r.Meta = c.gathered(r.Meta)
		s.Curves = append(s.Curves, Named[analysis.Curve]{name, r})
	case analysis.Matrix:
		r.Meta = c.gathered(r.Meta)
		s.Matrices = append(s.Matrices, Named[analysis.Matrix]{name, r})
	case analysis.Scatter:
		r.Meta = c.gathered(r.Meta)
		s.Scatters = append(s.Scatters, Named[analysis.Scatter]{name, r})
	}
}

// gathered is the meta of a method's own result with what is known about the sweep: its method, unit, number of examples,
// level and notes are its own.
func (c *collector) gathered(own analysis.Meta) analysis.Meta {
	m := c.meta(own.Method)
	maps.Copy(m.Params, own.Params)
	delete(m.Params, "explained") // these methods have no target
	m.Params["sample"] = fmt.Sprintf("the first %d questions", min(c.settings.Sample, c.settings.Examples))
	m.Unit, m.N, m.Level = own.Unit, own.N, own.Level
	m.Notes = slices.Concat(own.Notes, m.Notes)
	return m
}
