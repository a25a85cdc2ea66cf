package probe_test

import (
	"errors"
	"math"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"

	"github.com/seed-516990b0/golxmert/analysis"
	"github.com/seed-516990b0/golxmert/analysis/probe"
	"github.com/seed-516990b0/golxmert/lxmert"
)

// series are the lines of a task's curve by the end of their names.
func series(t *testing.T, c analysis.Collection, task string) (probed, control, selectivity, weights []float64, curve analysis.Curve) {
	t.Helper()
	for _, r := range c.Results {
		curve, ok := r.(analysis.Curve)
		if !ok || curve.Params["task"] != task {
			continue
		}
		by := map[string][]float64{}
		for _, s := range curve.Series {
			by[strings.TrimPrefix(s.Name, task+", ")] = s.Y
		}
		return by["probe"], by["control task"], by["selectivity"], by["random weights"], curve
	}
	t.Fatalf("there is no curve of %s", task)
	return
}

// knows is an engine that holds the attribute of a region from level 1 on, and that of the region that a word names after the
// first cross-modality layer.
func knows(seed uint64) planted {
	return planted{cfg: config(), seed: seed,
		boxes: func(b *lxmert.Batch, row, level, region int, state []float32) {
			if level >= 1 {
				state[slices.Index(paints, b.Images[row].Attributes[region])] += 6
			}
		},
		words: func(b *lxmert.Batch, row, level, position int, state []float32) {
			if at := slices.Index(b.Images[row].Objects, b.Words[row].Pieces[position]); level >= 2 && at >= 0 {
				state[slices.Index(paints, b.Images[row].Attributes[at])] += 6
			}
		},
	}
}

func TestProbesFindWhatIsThereAndNothingElse(t *testing.T) {
	out, err := probe.Run(t.Context(), knows(1), scenes(600), probe.Options{Random: planted{cfg: config(), seed: 2}, Seed: 3})
	if err != nil {
		t.Fatal(err)
	}
	if err := out.Check(); err != nil {
		t.Fatal(err)
	}
	// Chance is a quarter. A test part of some 90 pictures moves by at most 5 standard deviations, sqrt(1/4*3/4/90) each.
	const chance, off = 0.25, 5 * 0.046
	for _, c := range []struct {
		task  string
		first int // level that has it
	}{{"attribute", 1}, {"named-attribute", 2}} {
		probed, control, selectivity, weights, curve := series(t, out, c.task)
		if len(probed) != 4 {
			t.Fatalf("%s: %d levels", c.task, len(probed))
		}
		for k, accuracy := range probed {
			switch {
			case k >= c.first && (accuracy < 0.95 || selectivity[k] < 0.2):
				t.Errorf("%s: level %d has it and the probe reads %g of it, %g more than the control task", c.task, k, accuracy, selectivity[k])
			case k < c.first && math.Abs(accuracy-chance) > off:
				t.Errorf("%s: level %d has none of it and the probe reads %g", c.task, k, accuracy)
			case math.Abs(weights[k]-chance) > off:
				t.Errorf("%s: at level %d random weights give %g", c.task, k, weights[k])
			case math.Abs(selectivity[k]-(accuracy-control[k])) > 1e-12:
				t.Errorf("%s: selectivity %g is not %g - %g", c.task, selectivity[k], accuracy, control[k])
			}
			if low, high := curve.Series[0].Low[k], curve.Series[0].High[k]; !(low <= accuracy && accuracy <= high) {
				t.Errorf("%s: level %d: %g is not in its interval, %g to %g", c.task, k, accuracy, low, high)
			}
		}
		if curve.Rules["cross layers"] != 1.5 || curve.N == 0 || curve.Seed != 3 || curve.Model.Weights != "planted" || curve.Features != "drawn" {
			t.Errorf("%s does not say what it is: %+v", c.task, curve.Meta)
		}
	}
	table, ok := analysis.First[analysis.Table](out)
	usual, err := probe.FindTasks()
	if err != nil {
		t.Fatal(err)
	}
	if !ok || len(table.Rows) != 4*(len(usual)-3) || !strings.Contains(strings.Join(table.Notes, " "), "no labels for present, question-type, object-count.") {
		t.Fatalf("the table has %d rows and the notes %q; every picture has every object, every sentence begins alike", len(table.Rows), table.Notes)
	}
	at := slices.Index(table.Columns, "compression")
	for _, row := range table.Rows {
		if row[0] == "attribute" {
			if has, x := row[1] != "hid.i.0", row[at].(float64); has != (x > 2) {
				t.Errorf("%s: the labels are compressed %g times", row[1], x)
			}
		}
	}
}

// TestPicturesAreNotInBothParts: whoever recognises a picture could tell the labels of its other regions. Here all regions of
// a picture have one label, drawn for the picture, and the states say which picture it is; parted by rows a probe would read
// the label, parted by picture it reads nothing.
func TestPicturesAreNotInBothParts(t *testing.T) {
	random := rand.New(rand.NewPCG(8, 8))
	var all []*lxmert.Batch
	for _, b := range collected(t, scenes(600)) {
		for row := range b.Images {
			if row%2 == 0 {
				paint := paints[random.IntN(4)]
				b.Images[row].Attributes = []string{paint, paint, paint}
			} else {
				b.Images[row] = b.Images[row-1]
			}
		}
		all = append(all, b)
	}
	cfg := config()
	cfg.Hidden = 200
	eng := planted{cfg: cfg, seed: 1, boxes: func(b *lxmert.Batch, row, _, _ int, state []float32) {
		mark := rand.New(rand.NewPCG(uint64(b.IDs[row][1]), uint64(row/2)))
		for i := range state {
			state[i] = 10*float32(mark.NormFloat64()) + 0.1*state[i]
		}
	}}
	out, err := probe.Run(t.Context(), eng, func(yield func(*lxmert.Batch, error) bool) {
		for _, b := range all {
			if !yield(b, nil) {
				return
			}
		}
	}, probe.Options{Tasks: []string{"attribute"}, NoCode: true})
	if err != nil {
		t.Fatal(err)
	}
	probed, _, _, _, _ := series(t, out, "attribute")
	for k, accuracy := range probed {
		if accuracy > 0.25+5*0.046 {
			t.Errorf("level %d: the probe reads %g from states that only say which picture it is", k, accuracy)
		}
	}
}

func TestProbesOfTheSameSeedAreTheSame(t *testing.T) {
	run := func(seed uint64, tasks ...string) string {
		out, err := probe.Run(t.Context(), knows(1), scenes(200), probe.Options{Seed: seed, Tasks: tasks})
		if err != nil {
			t.Fatal(err)
		}
		_, _, _, _, curve := series(t, out, "size")
		return strings.Join([]string{curve.Method, plain(curve.Series[0].Y), plain(curve.Series[1].Y), plain(curve.Series[0].Low)}, " ")
	}
	if a, b := run(1), run(1, "size"); a != b {
		t.Errorf("with other tasks beside it a probe finds\n%s, alone\n%s", a, b)
	}
	if run(1) == run(2) {
		t.Error("another seed changes nothing")
	}
}

func plain(values []float64) string {
	return analysis.Table{Columns: []string{"x"}, Rows: [][]any{{values}}}.Plain()
}

// TestProbesOfWhatIsNotThere are errors that say what to do.
func TestProbesOfWhatIsNotThere(t *testing.T) {
	unnamed := func(yield func(*lxmert.Batch, error) bool) {
		for b := range scenes(20) {
			for i := range b.Images {
				b.Images[i] = lxmert.ImageInfo{ID: b.Images[i].ID}
			}
			if !yield(b, nil) {
				return
			}
		}
	}
	broken := errors.New("the disk is gone")
	for part, err := range map[string]error{
		"no probing task \"colour\"": second(probe.Run(t.Context(), knows(1), scenes(20), probe.Options{Tasks: []string{"colour"}})),
		"a file of objects":          second(probe.Run(t.Context(), planted{cfg: config()}, unnamed, probe.Options{Tasks: []string{"object"}})),
		"no questions":               second(probe.Run(t.Context(), knows(1), scenes(0), probe.Options{})),
		"the disk is gone":           second(probe.Run(t.Context(), knows(1), probe.One(nil, broken), probe.Options{})),
		"at least two rows":          second(probe.Run(t.Context(), knows(1), scenes(20), probe.Options{Rows: -1})),
		"other sizes":                second(probe.Run(t.Context(), knows(1), scenes(20), probe.Options{Random: planted{}})),
		"at least 4":                 second(probe.CKA(t.Context(), knows(1), probe.One(collected(t, scenes(10))[0].Part(0, 2), nil), nil)),
		"exactly one region":         second(probe.Coreference(t.Context(), attends(1), unnamed, 0, nil)),
	} {
		if err == nil || !strings.Contains(err.Error(), part) {
			t.Errorf("the error is %v, it should say %q", err, part)
		}
	}
}

// attends is an engine of which one head looks at the region that a word means.
func attends(seed uint64) planted {
	e := knows(seed)
	e.maps = func(name string, row int, m lxmert.Tensor, b *lxmert.Batch) {
		if name != "x.1.ti" {
			return
		}
		for t, piece := range b.Words[row].Pieces {
			if at := slices.Index(b.Images[row].Objects, piece); at >= 0 {
				m.Row(1).Row(t).Data[at] += 8
			}
		}
	}
	return e
}

func TestCoreferenceFindsTheHead(t *testing.T) {
	table, err := probe.Coreference(t.Context(), attends(5), scenes(400), 1, nil)
	if err != nil {
		t.Fatal(err)
	}
	for i, row := range table.Rows {
		name, right := row[0].(string), row[1].(float64)
		switch {
		case i == 0 && right < 0.95:
			t.Errorf("the probe of all heads is right in %g", right)
		case i == 1 && (name != "best head, x.1.ti head 1" || right < 0.95):
			t.Errorf("%s is right in %g", name, right)
		case i == 2 && math.Abs(right-1.0/3) > 1e-12:
			t.Errorf("chance among three regions is %g", right)
		}
	}
	blind := attends(5)
	blind.maps = func(string, int, lxmert.Tensor, *lxmert.Batch) {}
	if table, err = probe.Coreference(t.Context(), blind, scenes(400), 1, nil); err != nil {
		t.Fatal(err)
	}
	// 60 pictures with two words each at most: five standard deviations of sqrt(1/3*2/3/60).
	if right := table.Rows[0][1].(float64); math.Abs(right-1.0/3) > 5*0.061 {
		t.Errorf("attention that means nothing tells %g of the regions", right)
	}
}

// TestTowersNeverMix in a real model: before the cross-modality layers words and regions are apart, in these goldens as in
// theory nothing has been exchanged; and every number is between 0 and 1.
func TestFusionIsBetweenApartAndFused(t *testing.T) {
	eachGolden(t, func(t *testing.T, eng lxmert.Engine, b *lxmert.Batch, folder string) {
		c, err := probe.Fusion(t.Context(), eng, probe.One(b, nil), 1, nil)
		if err != nil || c.Check() != nil {
			t.Fatal(err, c.Check())
		}
		names, pairs := probe.FusionPlaces(eng.Config())
		if len(names) != len(c.X) || len(pairs) != len(c.X) || c.N != b.Rows() {
			t.Errorf("%d places, %d names, N %d", len(c.X), len(names), c.N)
		}
		for k, y := range c.Series[0].Y {
			if !(y >= 0 && y <= 1 && c.Series[0].Low[k] <= y && y <= c.Series[0].High[k]) {
				t.Errorf("%s: %g in %g to %g", names[k], y, c.Series[0].Low[k], c.Series[0].High[k])
			}
		}
	})
}

// TestFusionOfStatesThatAreApartAndFused: two clouds far from each other are apart, one cloud is not.
func TestFusionOfStatesThatAreApartAndFused(t *testing.T) {
	eng := knows(3)
	eng.words = func(_ *lxmert.Batch, _, level, _ int, state []float32) {
		if level < 2 {
			state[7] += 50
		}
	}
	eng.boxes = nil
	c, err := probe.Fusion(t.Context(), eng, scenes(100), 1, nil)
	if err != nil {
		t.Fatal(err)
	}
	for k, y := range c.Series[0].Y {
		if apart := k < 2; apart != (y > 0.999) || !apart && y > 0.5 {
			t.Errorf("place %d: %g", k, y)
		}
	}
}

// TestAlignmentOverADataSet takes each picture once and does not depend on how questions are batched.
func TestAlignmentOverADataSet(t *testing.T) {
	eachGolden(t, func(t *testing.T, eng lxmert.Engine, b *lxmert.Batch, folder string) {
		one, err := probe.CKA(t.Context(), eng, probe.One(b, nil), nil)
		if err != nil || one.Check() != nil {
			t.Fatal(err, one.Check())
		}
		if n := len(one.Rows.Labels); n != len(analysis.Levels(eng.Config(), analysis.WordStream))+len(analysis.Levels(eng.Config(), analysis.RegionStream)) || one.N != b.Rows() {
			t.Errorf("%d levels of %d examples", n, one.N)
		}
		parts, err := probe.CKA(t.Context(), eng, func(yield func(*lxmert.Batch, error) bool) {
			_ = yield(b.Part(0, 1, 2), nil) && yield(b.Part(3, 4, 5, 6, 7), nil)
		}, nil)
		if err != nil {
			t.Fatal(err)
		}
		off := reach(t, folder, func(eng lxmert.Engine) map[string][]float64 {
			m, err := probe.CKA(t.Context(), eng, probe.One(b, nil), nil)
			if err != nil {
				t.Fatal(err)
			}
			return map[string][]float64{"CKA": slices.Concat(m.Panels[0].Values...)}
		})["CKA"]
		for i, row := range one.Panels[0].Values {
			for j, x := range row {
				if y := parts.Panels[0].Values[i][j]; !(math.Abs(x-y) <= max(off, 1e-5)) {
					t.Errorf("%s and %s: %g, in parts %g", one.Rows.Labels[i], one.Cols.Labels[j], x, y)
				}
			}
		}
	})
	m, err := probe.CKA(t.Context(), knows(1), scenes(100), nil)
	if err != nil || m.N != 50 {
		t.Errorf("100 questions about 50 pictures are %d examples, error %v", m.N, err)
	}
}
