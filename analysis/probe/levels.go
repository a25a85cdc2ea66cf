package probe

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"math"
	"math/rand/v2"
	"runtime"
	"slices"
	"strconv"
	"strings"
	"sync"

	"gonum.org/v1/gonum/mat"

	"github.com/seed-516990b0/golxmert/analysis"
	"github.com/seed-516990b0/golxmert/lxmert"
)

// Options are settings of [Run]. The zero value is good.
type Options struct {
	Tasks   []string // names of [Tasks]; none: all for which the data have labels, but those with foils
	Rows    int      // words and regions that are read at most, of each; 0: 2000
	Classes int      // how many labels count, the most frequent; 0: 20
	C       float64  // weight of the losses against that of the penalty, see [Logistic]; 0: 1
	Seed    uint64   // of the parts, the control tasks and the intervals
	// Random is the same model with random weights, to compare with; nil: none.
	Random lxmert.Engine
	// NoCode leaves out the online codes, which take most of the time.
	NoCode bool
	// Progress is called while states are read and probes fitted.
	Progress func(what string, done, total int)
}

const (
	testShare = 0.3 // of the pictures
	level95   = 0.95
	resamples = 1000
)

// noLabels says why a task may have no labels.
const noLabels = "the data have no two labels for it: regions need the names that the detector gives them (in a file of objects, and one of attributes), words need sentences that name them"

// levelFound is what was found at one level.
type levelFound struct {
	accuracy, low, high           float64
	control                       float64
	selectivity, selLow, selHigh  float64
	random, randomLow, randomHigh float64 // NaN: there is no model with random weights
	code                          Code
}

// Run asks at which level of which stream labels can be read from the states of a data set's words and regions. It returns,
// for each task, a curve over levels of the accuracy in pictures that the probe was not fitted to, beside its control task,
// selectivity and a model with random weights, and a table of everything, online codes included.
//
// The states are held in memory, which [Options].Rows bounds.
func Run(ctx context.Context, eng lxmert.Engine, batches Batches, opt Options) (analysis.Collection, error) {
	tasks, err := FindTasks(opt.Tasks...)
	if err != nil {
		return analysis.Collection{}, err
	}
	opt.Rows, opt.Classes, opt.C = cmp.Or(opt.Rows, 2000), cmp.Or(opt.Classes, 20), cmp.Or(opt.C, 1)
	if opt.Rows < 2 || opt.Classes < 2 || !(opt.C > 0) {
		return analysis.Collection{}, fmt.Errorf("probes of %d rows with %d classes and C %g: there must be at least two rows and classes, and C above 0", opt.Rows, opt.Classes, opt.C)
	}
	if opt.Random != nil && opt.Random.Config() != eng.Config() {
		return analysis.Collection{}, errors.New("the model with random weights has other sizes")
	}
	report := func(what string, done, total int) {
		if opt.Progress != nil {
			opt.Progress(what, done, total)
		}
	}
	streams, from, features, err := gather(ctx, eng, opt.Random, batches, opt.Rows, tasks, opt.Seed, func(done, total int) { report("reading states", done, total) })
	if err != nil {
		return analysis.Collection{}, err
	}
	var problems []*problem
	total := 0
	var without []string
	for _, t := range tasks {
		g := streams[t.rows()]
		// Each task has draws of its own, so that none depends on which others there are.
		p := newProblem(t, g.items, testShare, opt.Classes, drawFor(opt.Seed, t.Name))
		if p == nil {
			without = append(without, t.Name)
			continue
		}
		problems = append(problems, p)
		total += len(g.levels)
	}
	if len(problems) == 0 || len(opt.Tasks) > 0 && len(without) > 0 {
		return analysis.Collection{}, fmt.Errorf("%s: %s, and there must be several pictures", strings.Join(without, ", "), noLabels)
	}
	r := runner{eng: eng, opt: opt, meta: analysis.Meta{Model: from, Features: features, Seed: opt.Seed, Level: level95, Unit: "share"}}
	out := analysis.Collection{Title: "Where what is known"}
	done := 0
	for _, p := range problems {
		g := streams[p.task.rows()]
		found, err := r.levels(ctx, g, p, func() { done++; report("fitting probes", done, total) })
		if err != nil {
			return analysis.Collection{}, fmt.Errorf("probe of %s: %w", p.task.Name, err)
		}
		out.Results = append(out.Results, r.curve(g, p, found))
		r.add(g, p, found)
	}
	r.table.Meta = r.meta
	r.table.Method, r.table.N = "probes of every level", len(streams[rows{stream: analysis.WordStream}].items)+len(streams[rows{stream: analysis.RegionStream}].items)
	r.table.Columns = []string{"task", "level", "accuracy", "low", "high", "control", "selectivity", "low", "high", "random weights", "majority", "bits", "compression"}
	if len(without) > 0 {
		r.table.Notes = append(r.table.Notes, "The data have no labels for "+strings.Join(without, ", ")+".")
	}
	out.Meta = r.table.Meta
	out.Results = append(out.Results, r.table)
	return out, nil
}

// drawFor is a source of randomness of its own for a name.
func drawFor(seed uint64, name string) *rand.Rand {
	mixed := uint64(14695981039346656037) // FNV-1a
	for _, c := range []byte(name) {
		mixed = (mixed ^ uint64(c)) * 1099511628211
	}
	return rand.New(rand.NewPCG(seed, mixed))
}

type runner struct {
	eng   lxmert.Engine
	opt   Options
	meta  analysis.Meta
	table analysis.Table
}

// levels fits the probes of a task at all levels, several at a time.
func (r *runner) levels(ctx context.Context, g *gathered, p *problem, each func()) ([]levelFound, error) {
	draw := drawFor(r.opt.Seed, "control of "+p.task.Name)
	control := Control(p.kinds, slices.Concat(p.yTrain, p.yTest), draw)
	groups := picturesOf(p.pictures[len(p.train):])
	found, errs := make([]levelFound, len(g.levels)), make([]error, len(g.levels))
	var wait sync.WaitGroup
	var mutex sync.Mutex
	places := make(chan struct{}, runtime.GOMAXPROCS(0))
	for k, name := range g.levels {
		wait.Go(func() {
			places <- struct{}{}
			defer func() { <-places }()
			if errs[k] = ctx.Err(); errs[k] == nil {
				found[k], errs[k] = r.level(ctx, g, p, name, control, groups)
			}
			if errs[k] != nil {
				errs[k] = fmt.Errorf("%s: %w", name, errs[k])
			}
			mutex.Lock()
			defer mutex.Unlock()
			each()
		})
	}
	wait.Wait()
	return found, errors.Join(errs...)
}

// level fits the probes of one level.
func (r *runner) level(ctx context.Context, g *gathered, p *problem, name string, control []int, groups [][]int) (levelFound, error) {
	train, test := g.states(name, p.train), g.states(name, p.test)
	standardised(train, test)
	right, err := r.right(train, test, p.yTrain, p.yTest, len(p.classes))
	if err != nil {
		return levelFound{}, err
	}
	n := len(p.train)
	rightControl, err := r.right(train, test, control[:n], control[n:], len(p.classes))
	if err != nil {
		return levelFound{}, err
	}
	f := levelFound{accuracy: analysis.Mean(right), control: analysis.Mean(rightControl), random: math.NaN(), randomLow: math.NaN(), randomHigh: math.NaN()}
	f.selectivity = f.accuracy - f.control
	f.low, f.high = interval(right, groups, r.opt.Seed)
	difference := slices.Clone(right)
	for i := range difference {
		difference[i] -= rightControl[i]
	}
	f.selLow, f.selHigh = interval(difference, groups, r.opt.Seed)
	if r.opt.Random != nil {
		train, test := g.states(random+name, p.train), g.states(random+name, p.test)
		standardised(train, test)
		rightRandom, err := r.right(train, test, p.yTrain, p.yTest, len(p.classes))
		if err != nil {
			return levelFound{}, err
		}
		f.random = analysis.Mean(rightRandom)
		f.randomLow, f.randomHigh = interval(rightRandom, groups, r.opt.Seed)
	}
	if !r.opt.NoCode {
		if err := ctx.Err(); err != nil {
			return levelFound{}, err
		}
		f.code, err = OnlineCode(train, p.yTrain, len(p.classes), Cuts(n, p.pictures[:n]), r.opt.C)
	}
	return f, err
}

// right says of each row of the test part whether a probe of the training part is right: 1 or 0.
func (r *runner) right(train, test *mat.Dense, yTrain, yTest []int, classes int) ([]float64, error) {
	fitted, err := Logistic(train, yTrain, classes, r.opt.C)
	if err != nil {
		return nil, err
	}
	out := make([]float64, len(yTest))
	for i, label := range fitted.Predict(test) {
		if label == yTest[i] {
			out[i] = 1
		}
	}
	return out, nil
}

// picturesOf are the rows of each picture.
func picturesOf(names []string) [][]int {
	at := map[string]int{}
	var out [][]int
	for i, name := range names {
		k, ok := at[name]
		if !ok {
			k = len(out)
			at[name] = k
			out = append(out, nil)
		}
		out[k] = append(out[k], i)
	}
	return out
}

// interval is that of the mean over rows; pictures are drawn, since rows of one are alike.
func interval(values []float64, groups [][]int, seed uint64) (low, high float64) {
	sums, counts := make([]float64, len(groups)), make([]float64, len(groups))
	for k, group := range groups {
		for _, i := range group {
			sums[k] += values[i]
			counts[k]++
		}
	}
	return analysis.Bootstrap(len(groups), resamples, level95, rand.New(rand.NewPCG(seed, 11)), func(drawn []int) float64 {
		sum, n := 0.0, 0.0
		for _, k := range drawn {
			sum, n = sum+sums[k], n+counts[k]
		}
		return sum / n
	})
}

// describe is the meta of a task's results.
func (r *runner) describe(p *problem) analysis.Meta {
	m := r.meta
	m.Method, m.N = "probe: "+p.task.About, len(p.train)+len(p.test)
	m.Params = map[string]string{
		"task": p.task.Name, "C": strconv.FormatFloat(r.opt.C, 'g', -1, 64), "classes": strconv.Itoa(len(p.classes)),
		"rows": fmt.Sprintf("%d of the training part, %d of the test part", len(p.train), len(p.test)),
	}
	if p.left > 0 {
		m.Notes = append(m.Notes, fmt.Sprintf("%d rows with other labels than the %d most frequent are left out.", p.left, len(p.classes)))
	}
	if p.same {
		m.Notes = append(m.Notes, "Each type of the control task has a label of its own, so that it is the task under other names; its selectivity says nothing.")
	}
	return m
}

// curve draws a task's accuracy over levels.
func (r *runner) curve(g *gathered, p *problem, found []levelFound) analysis.Curve {
	c := analysis.Curve{Meta: r.describe(p), XName: "level of " + map[analysis.Stream]string{analysis.WordStream: "words", analysis.RegionStream: "regions"}[p.task.Stream], YName: "accuracy"}
	tower := r.eng.Config().LangLayers
	if p.task.Stream == analysis.RegionStream {
		tower = r.eng.Config().RegionLayers
	}
	if r.eng.Config().CrossLayers > 0 {
		c.Rules = map[string]float64{"cross layers": float64(tower) + 0.5}
	}
	c.Levels = map[string]float64{"most frequent label": p.majority()}
	name := p.task.Name
	probe, control := analysis.CurveSeries{Name: name + ", probe"}, analysis.CurveSeries{Name: name + ", control task", Style: "dashed"}
	selectivity := analysis.CurveSeries{Name: name + ", selectivity", Style: "area"}
	weights := analysis.CurveSeries{Name: "random weights", Style: "random"}
	for k, f := range found {
		c.X = append(c.X, float64(k))
		probe.Y, probe.Low, probe.High = append(probe.Y, f.accuracy), append(probe.Low, f.low), append(probe.High, f.high)
		control.Y = append(control.Y, f.control)
		selectivity.Y = append(selectivity.Y, f.selectivity)
		weights.Y, weights.Low, weights.High = append(weights.Y, f.random), append(weights.Low, f.randomLow), append(weights.High, f.randomHigh)
	}
	c.Series = []analysis.CurveSeries{probe, control, selectivity}
	if r.opt.Random != nil {
		c.Series = append(c.Series, weights)
	}
	return c
}

// add adds a task's rows to the table.
func (r *runner) add(g *gathered, p *problem, found []levelFound) {
	for k, f := range found {
		bits, compression := f.code.Bits, f.code.Compression
		if r.opt.NoCode {
			bits, compression = math.NaN(), math.NaN()
		}
		r.table.Rows = append(r.table.Rows, []any{p.task.Name, g.levels[k], f.accuracy, f.low, f.high, f.control, f.selectivity, f.selLow, f.selHigh, f.random, p.majority(), bits, compression})
	}
}
