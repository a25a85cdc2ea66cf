package probe_test

import (
	"math"
	"slices"
	"strings"
	"testing"

	"github.com/seed-516990b0/golxmert/analysis/probe"
	"github.com/seed-516990b0/golxmert/lxmert"
)

// kinds are how the sentences of varied scenes begin.
var kinds = []string{"what", "does", "how many"}

// kindOf is which of them a sentence is.
func kindOf(text string) int {
	return slices.IndexFunc(kinds, func(k string) bool { return strings.HasPrefix(text, k+" ") })
}

// varied are scenes whose sentences begin in three ways, and of every other picture one object has no name.
func varied(n int) probe.Batches {
	return func(yield func(*lxmert.Batch, error) bool) {
		at := 0
		for b, err := range scenes(n) {
			if err != nil {
				yield(nil, err)
				return
			}
			for row := range b.Rows() {
				b.Words[row].Text = strings.Replace(b.Words[row].Text, "what", kinds[(at+row)%3], 1)
				if picture := (at + row) / 2; picture%2 == 0 {
					b.Images[row].Objects = slices.Clone(b.Images[row].Objects)
					b.Images[row].Objects[0] = ""
				}
			}
			at += b.Rows()
			if !yield(b, nil) {
				return
			}
		}
	}
}

// TestTasksOfWholeSentencesAndPicturesReadTheMeans: each word says a little of how its sentence begins, and each region a little of how
// many objects there are, from level 1 on.
func TestTasksOfWholeSentencesAndPicturesReadTheMeans(t *testing.T) {
	eng := planted{cfg: config(), seed: 1,
		words: func(b *lxmert.Batch, row, level, position int, state []float32) {
			if level >= 1 {
				state[kindOf(b.Words[row].Text)] += 6
			}
		},
		boxes: func(b *lxmert.Batch, row, level, region int, state []float32) {
			if level >= 1 && !slices.Contains(b.Images[row].Objects, "") {
				state[0] += 6
			}
		},
	}
	out, err := probe.Run(t.Context(), eng, varied(600), probe.Options{Tasks: []string{"question-type", "object-count"}, Random: planted{cfg: config(), seed: 2}, Seed: 3})
	if err != nil {
		t.Fatal(err)
	}
	// The test part has 90 of the 300 pictures: at most 5 standard deviations of a share of them.
	for task, c := range map[string]struct {
		classes, chance string
		share           float64
		n               string
	}{
		"question-type": {"3", "a third", 1.0 / 3, "420 of the training part, 180 of the test part"},
		"object-count":  {"2", "a half", 0.5, "210 of the training part, 90 of the test part"},
	} {
		probed, _, _, weights, curve := series(t, out, task)
		off := 5 * math.Sqrt(c.share*(1-c.share)/90)
		if curve.Params["classes"] != c.classes || curve.Params["rows"] != c.n {
			t.Errorf("%s: %v", task, curve.Params)
		}
		for k, accuracy := range probed {
			switch {
			case k >= 1 && accuracy < 0.95:
				t.Errorf("%s: level %d has it and the probe reads %g", task, k, accuracy)
			case k < 1 && math.Abs(accuracy-c.share) > off:
				t.Errorf("%s: level %d has nothing and the probe reads %g, chance is %s", task, k, accuracy, c.chance)
			case math.Abs(weights[k]-c.share) > off:
				t.Errorf("%s: at level %d random weights give %g, chance is %s", task, k, weights[k], c.chance)
			}
		}
		if majority := curve.Levels["most frequent label"]; math.Abs(majority-c.share) > off {
			t.Errorf("%s: the most frequent label gives %g", task, majority)
		}
	}
}

// TestASentenceShownWithAFoilIsToldFromOneWithItsOwnPicture, from the level on where the states of its words know, and not before; what is
// read of all other tasks stays what it is without foils.
func TestASentenceShownWithAFoilIsToldFromOneWithItsOwnPicture(t *testing.T) {
	named := func(yield func(*lxmert.Batch, error) bool) { // each sentence says which picture is its own
		for b, err := range scenes(600) {
			if err == nil {
				for row := range b.Rows() {
					b.Words[row].Text += " of " + b.Images[row].ID
				}
			}
			if !yield(b, err) {
				return
			}
		}
	}
	eng := planted{cfg: config(), seed: 1, words: func(b *lxmert.Batch, row, level, position int, state []float32) {
		if level >= 2 && !strings.HasSuffix(b.Words[row].Text, " of "+b.Images[row].ID) {
			state[0] += 6
		}
	}}
	opt := probe.Options{Tasks: []string{"matched", "position"}, Random: planted{cfg: config(), seed: 2}, Seed: 3, NoCode: true}
	out, err := probe.Run(t.Context(), eng, named, opt)
	if err != nil {
		t.Fatal(err)
	}
	probed, _, _, weights, curve := series(t, out, "matched")
	// The test part has sentences of 90 pictures, two of each: at most 5 standard deviations of a share of 180, and as much again
	// because the most frequent label of the training part need not be that of the test part.
	off := 10 * math.Sqrt(0.25/180)
	if curve.Params["classes"] != "2" {
		t.Errorf("%v", curve.Params)
	}
	for k, accuracy := range probed {
		switch {
		case k >= 2 && accuracy < 0.95:
			t.Errorf("level %d knows foils and the probe reads %g", k, accuracy)
		case k < 2 && math.Abs(accuracy-0.5) > off:
			t.Errorf("level %d knows nothing and the probe reads %g", k, accuracy)
		case math.Abs(weights[k]-0.5) > off:
			t.Errorf("at level %d random weights give %g", k, weights[k])
		}
	}
	opt.Tasks = []string{"position"}
	alone, err := probe.Run(t.Context(), eng, named, opt)
	if err != nil {
		t.Fatal(err)
	}
	with, _, _, _, _ := series(t, out, "position")
	without, _, _, _, _ := series(t, alone, "position")
	if !slices.Equal(with, without) {
		t.Errorf("beside foils position is read as %v, without %v", with, without)
	}
	if all, err := probe.FindTasks(); err != nil || slices.ContainsFunc(all, func(t probe.Task) bool { return t.Foils }) {
		t.Errorf("without names there are tasks with foils, %v", err)
	}
}

// TestAFoilIsNotAPictureThatTheSameSentenceIsAskedAbout: in a batch there are three sentences about five pictures, and
// the pairs that the data have are asked as often as they are there.
func TestAFoilIsNotAPictureThatTheSameSentenceIsAskedAbout(t *testing.T) {
	const batches = 20
	pair := func(b *lxmert.Batch, row int) string { return b.Words[row].Text + " of " + b.Images[row].ID }
	there, asked, foiled := map[string]int{}, map[string]int{}, 0.
	for b, err := range scenes(10 * batches) {
		if err != nil {
			t.Fatal(err)
		}
		for row := range b.Rows() {
			there[pair(b, row)]++
		}
		for row := range b.Rows() {
			if slices.ContainsFunc(b.Images, func(x lxmert.ImageInfo) bool { return there[b.Words[row].Text+" of "+x.ID] == 0 }) {
				foiled++ // it may be
			}
		}
	}
	// Of the first state of each sentence the engine is asked once, for one level.
	eng := planted{cfg: config(), seed: 1, words: func(b *lxmert.Batch, row, level, position int, _ []float32) {
		if level == 0 && position == 0 {
			asked[pair(b, row)]++
		}
	}}
	if _, err := probe.Run(t.Context(), eng, scenes(10*batches), probe.Options{Tasks: []string{"matched"}, NoCode: true}); err != nil {
		t.Fatal(err)
	}
	foils := 0
	for name, n := range asked {
		if want, own := there[name]; own && n != want {
			t.Errorf("%s is asked %d times, and is there %d times", name, n, want)
		} else if !own {
			foils += n
		}
	}
	// Each of the sentences for which there is a foil gets one with probability 1/2, independently: within 6 standard deviations.
	if math.Abs(float64(foils)-foiled/2) > 6*math.Sqrt(foiled/4) {
		t.Errorf("%d foils of %g sentences", foils, foiled)
	}
}

// TestConceptsAreOfSingleWordsAndRegions: what is said of a whole sentence cannot be erased from its words.
func TestConceptsAreOfSingleWordsAndRegions(t *testing.T) {
	tasks, err := probe.FindTasks("question-type")
	if err != nil {
		t.Fatal(err)
	}
	if _, err := probe.ReadLabelled(t.Context(), planted{cfg: config()}, varied(20), tasks[0], 100, 20); err == nil || !strings.Contains(err.Error(), "take another one") {
		t.Errorf("%v", err)
	}
}
