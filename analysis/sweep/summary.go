package sweep

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"

	"github.com/seed-516990b0/golxmert/analysis"
	"github.com/seed-516990b0/golxmert/analysis/relevance"
	"github.com/seed-516990b0/golxmert/lxmert"
)

// level and resamples of bootstrap intervals over examples.
const (
	level     = 0.95
	resamples = 1000
)

// topRegions is how many regions count as the largest when methods are compared.
const topRegions = 5

// Summary is what a sweep found.
type Summary struct {
	Settings Settings
	Examples int // that are done, of Settings.Examples
	Tables   []Named[analysis.Table]
	Curves   []Named[analysis.Curve]
	Matrices []Named[analysis.Matrix]
	Steps    []Named[analysis.Table] // of clusterings; long, and not on the page
	Scatters []Named[analysis.Scatter]
	Shown    []analysis.Explanation // the first examples

	// Without says which methods have no result of these examples, and why: a line each.
	Without []string

	means []number // of methods that measure examples
}

// Named is a result and the name of its files.
type Named[R analysis.Result] struct {
	Name   string
	Result R
}

// collector goes through the examples and sums up; its memory does not grow with their number.
type collector struct {
	settings Settings
	scoring  []string // methods that score words and regions
	n        int
	models   []lxmert.Provenance // where the parts were computed

	right  analysis.Running
	hits   map[string]*analysis.Running // by method: 1 if the largest region is a right one
	chance analysis.Running             // that a random region is

	agreement map[[2]string]map[string]*agreed // by pair of methods and modality
	trials    map[string]*relevance.Tally
	heads     map[string]*headSums
	pairs     map[string]*pairSums
	looks     []*looksSum
	values    map[string]*means // by method
	shown     []analysis.Explanation
	drawn     *analysis.Resamples
}

// agreed are coefficients of examples, see relevance.Agreement.
type agreed struct {
	examples                   int
	spearman, kendall, overlap analysis.Running
}

func newCollector(s Settings) *collector {
	c := &collector{
		settings: s, hits: map[string]*analysis.Running{}, agreement: map[[2]string]map[string]*agreed{},
		trials: map[string]*relevance.Tally{}, heads: map[string]*headSums{}, pairs: map[string]*pairSums{},
		values: map[string]*means{},
	}
	for _, name := range s.Methods {
		if scores(name) {
			c.scoring = append(c.scoring, name)
		}
		if s.Config == nil { // of no method that needs it
			continue
		}
		if _, ok := findMeasuring(name); ok {
			c.values[name] = &means{c: c, units: map[string]string{}, over: map[string]string{}, of: map[string]*analysis.Running{}, kept: map[string][]float64{}}
		}
	}
	return c
}

// computed notes where results come from.
func (c *collector) computed(m lxmert.Provenance) {
	if !slices.Contains(c.models, m) {
		c.models = append(c.models, m)
	}
}

func (c *collector) add(l *line) error {
	if l.Model != nil {
		c.computed(*l.Model)
	}
	if err := c.addPairs(l); err != nil {
		return err
	}
	if err := c.addLooks(l); err != nil {
		return err
	}
	if err := c.addValues(l); err != nil {
		return err
	}
	for name, sums := range l.Heads {
		if !sums.fits(len(c.settings.Maps), c.settings.Heads+1) {
			return fmt.Errorf("sweep: the batch of example %d has sums of another model's heads", l.First)
		}
		if c.heads[name] == nil {
			c.heads[name] = newHeadSums(len(c.settings.Maps), c.settings.Heads+1)
		}
		c.heads[name].merge(sums)
	}
	for i := range l.Examples {
		e := &l.Examples[i]
		for _, m := range c.scoring {
			if len(e.Results[m]) != c.settings.Rows || len(e.Regions) != c.settings.Rows {
				return fmt.Errorf("sweep: example %s has %d results of %s, want %d", e.ID, len(e.Results[m]), m, c.settings.Rows)
			}
		}
		if e.Right != nil {
			c.right.Add(c.n, *e.Right)
		}
		c.addHits(e)
		c.addAgreement(e)
		for m, trials := range e.Trials {
			if err := c.addTrials(m, trials); err != nil {
				return fmt.Errorf("sweep: example %s: %w", e.ID, err)
			}
		}
		c.addShown(e)
		c.n++
	}
	return nil
}

// addHits counts for each picture of which something is asked whether a method's largest region is one that shows it.
func (c *collector) addHits(e *Example) {
	for g, gold := range e.Gold {
		if len(gold) == 0 || g >= len(e.Regions) {
			continue
		}
		c.chance.Add(c.n, float64(len(gold))/float64(e.Regions[g]))
		for _, m := range c.scoring {
			hit := 0.0
			if right, _ := e.Hit(m, g); right {
				hit = 1
			}
			if c.hits[m] == nil {
				c.hits[m] = &analysis.Running{}
			}
			c.hits[m].Add(c.n, hit)
		}
	}
}

func (c *collector) addAgreement(e *Example) {
	for i, a := range c.scoring {
		for _, b := range c.scoring[:i] {
			pair := [2]string{b, a}
			if c.agreement[pair] == nil {
				c.agreement[pair] = map[string]*agreed{"words": {}, "regions": {}}
			}
			for g := range e.Results[a] {
				for modality, lists := range map[string][2][]float64{
					"words":   {e.Results[b][g].Words, e.Results[a][g].Words},
					"regions": {e.Results[b][g].Regions, e.Results[a][g].Regions},
				} {
					x, y := lists[0], lists[1]
					if len(x) != len(y) || len(x) < 2 {
						continue
					}
					to := c.agreement[pair][modality]
					to.examples++
					to.spearman.Add(c.n, relevance.Spearman(x, y))
					to.kendall.Add(c.n, relevance.Kendall(x, y))
					to.overlap.Add(c.n, relevance.TopOverlap(x, y, topRegions))
				}
			}
		}
	}
}

// addTrials counts the trials of one example.
func (c *collector) addTrials(method string, trials []relevance.Trial) error {
	if c.trials[method] == nil {
		c.trials[method] = relevance.NewTally(c.settings.Every)
	}
	return c.trials[method].Add(trials)
}

func (c *collector) addShown(e *Example) {
	if len(e.Shown) == 0 {
		return
	}
	for g := range c.settings.Rows {
		var x analysis.Explanation
		for _, m := range c.scoring {
			if g >= len(e.Shown[m]) {
				continue
			}
			if x.Scores.Method == "" {
				x.Scores = e.Shown[m][g]
			} else {
				x.Methods = append(x.Methods, e.Shown[m][g])
			}
		}
		x.Answers = []analysis.Candidate{{Text: e.Answer, Probability: e.Probability}}
		c.shown = append(c.shown, x)
	}
}

// meta is what all results have in common.
func (c *collector) meta(method string) analysis.Meta {
	m := analysis.Meta{
		Method: method, Model: c.settings.Model, Features: c.settings.Features, N: c.n, Seed: c.settings.Seed,
		Params: map[string]string{"data": c.settings.Data, "explained": c.settings.Target},
	}
	if c.settings.Probability != "" {
		m.Params["probability of answers"] = c.settings.Probability
	}
	if len(c.models) > 1 {
		var places []string
		for _, p := range c.models {
			places = append(places, strings.TrimSpace(p.Weights+" by "+p.Backend+" "+p.Version))
		}
		m.Notes = append(m.Notes, "Parts were computed in different places: "+strings.Join(places, "; ")+".")
	}
	if c.n > analysis.Groups {
		m.Notes = append(m.Notes, fmt.Sprintf("Bootstrap intervals draw %d groups of examples.", analysis.Groups))
	}
	if c.n < c.settings.Examples {
		m.Notes = append(m.Notes, fmt.Sprintf("Only %d of %d examples are done.", c.n, c.settings.Examples))
	}
	return m
}

func (c *collector) summary() (*Summary, error) {
	s := &Summary{Settings: c.settings, Examples: c.n, Shown: c.shown}
	c.answersTable(s)
	c.looksTable(s)
	c.hitsTable(s)
	c.agreementTable(s)
	if err := c.perturbation(s); err != nil {
		return nil, err
	}
	if err := c.headResults(s); err != nil {
		return nil, err
	}
	c.drawMeasures(s)
	return s, nil
}

// interval is drawn for all results alike, so that none depends on which others there are.
func (c *collector) interval(r *analysis.Running) (low, high float64) {
	if c.drawn == nil {
		c.drawn = analysis.NewResamples(c.n, resamples, level, rand.New(rand.NewPCG(c.settings.Seed, 7)))
	}
	return c.drawn.Interval(r)
}

func (c *collector) answersTable(s *Summary) {
	if c.right.N() == 0 {
		return
	}
	low, high := c.interval(&c.right)
	t := analysis.Table{Meta: c.meta("accuracy of the model's answers"), Columns: []string{"accuracy", "low", "high", "examples"}}
	t.Level, t.Unit = level, "share"
	t.Rows = [][]any{{c.right.Mean(), low, high, c.right.N()}}
	s.Tables = append(s.Tables, Named[analysis.Table]{"answers", t})
}

func (c *collector) hitsTable(s *Summary) {
	if c.chance.N() == 0 {
		return
	}
	t := analysis.Table{Meta: c.meta("hit rate: how often the largest region is a right one"), Columns: []string{"method", "hit rate", "low", "high", "pictures"}}
	t.Level, t.Unit = level, "share"
	for _, m := range c.scoring {
		low, high := c.interval(c.hits[m])
		t.Rows = append(t.Rows, []any{m, c.hits[m].Mean(), low, high, c.hits[m].N()})
	}
	low, high := c.interval(&c.chance)
	t.Rows = append(t.Rows, []any{"random", c.chance.Mean(), low, high, c.chance.N()})
	t.Notes = append(t.Notes, "A random ranking is not drawn: its rate is the mean share of right regions.")
	s.Tables = append(s.Tables, Named[analysis.Table]{"hits", t})
}

func (c *collector) agreementTable(s *Summary) {
	if len(c.scoring) < 2 {
		return
	}
	overlap := fmt.Sprintf("overlap of %d", topRegions)
	t := analysis.Table{Meta: c.meta("agreement of methods"), Columns: []string{"method", "and", "of", "Spearman", "Kendall", overlap, "examples"}}
	for i, a := range c.scoring {
		for _, b := range c.scoring[i+1:] {
			for _, modality := range []string{"words", "regions"} {
				if x := c.agreement[[2]string{a, b}][modality]; x != nil && x.examples > 0 {
					t.Rows = append(t.Rows, []any{a, b, modality, x.spearman.Mean(), x.kendall.Mean(), x.overlap.Mean(), x.examples})
				}
			}
		}
	}
	t.Notes = append(t.Notes, "Means over examples; examples with a constant list, of which no rank correlation exists, are left out.")
	s.Tables = append(s.Tables, Named[analysis.Table]{"agreement", t})
}

// perturbation makes one table and, for each modality and measure, one curve of all methods.
func (c *collector) perturbation(s *Summary) error {
	if len(c.trials) == 0 {
		return nil
	}
	all := analysis.Table{Meta: c.meta("perturbation test: area under the curve"), Columns: []string{"method", "modality", "measure", "order", "AUC", "low", "high", "examples"}}
	all.Level, all.Unit = level, "share"
	all.Notes = append(all.Notes, "The probability is that of the predicted answer among all (softmax).", relevance.BetterArea)
	curves := map[string]*analysis.Curve{}
	var names []string
	for _, m := range c.scoring {
		p := c.trials[m]
		if p == nil {
			continue
		}
		n := p.N
		p.Meta = c.meta(m)
		p.N = n
		for _, row := range p.Table().Rows {
			method := any(m)
			if row[2] == "random" {
				method = "random"
			}
			all.Rows = append(all.Rows, append([]any{method}, row...))
		}
		for _, measure := range []string{"probability", "accuracy"} {
			for _, modality := range []string{"text", "image", "joint"} {
				curve, err := p.Curve(modality, measure)
				if err != nil {
					continue // not measured
				}
				name := modality + "-" + measure
				to := curves[name]
				if to == nil {
					to = &analysis.Curve{Meta: c.meta("perturbation test: " + modality + ", " + measure), XName: curve.XName, YName: curve.YName, X: curve.X, Levels: curve.Levels}
					to.Level = level
					curves[name] = to
					names = append(names, name)
				}
				for _, series := range curve.Series {
					if series.Name != "random" {
						series.Name = m + ", " + series.Name
					}
					to.Series = append(to.Series, series)
				}
			}
		}
	}
	s.Tables = append(s.Tables, Named[analysis.Table]{"perturbation", all})
	for _, name := range names {
		s.Curves = append(s.Curves, Named[analysis.Curve]{"perturbation-" + name, *curves[name]})
	}
	return nil
}
