package lx

import (
	"errors"
	"fmt"
	"os"
	"slices"

	"github.com/seed-516990b0/golxmert/analysis"
	"github.com/seed-516990b0/golxmert/analysis/datamap"
	"github.com/seed-516990b0/golxmert/analysis/display"
	"github.com/seed-516990b0/golxmert/analysis/relevance"
)

// TrainingMap is the map of the examples that a run was trained on, see package analysis/datamap. [Show] shows it with a table of
// the hardest, [Save] writes it.
type TrainingMap struct {
	*datamap.Map
	// Questions are the hardest examples, the hardest first, each with its sentence and its pictures: see [TrainingMap.Ask].
	Questions []datamap.Question
}

// hardestShown is how many of the hardest examples a map of a cell has.
const hardestShown = 100

// DataMap is the map of what a run of fine-tuning saw of its examples, epoch by epoch: which were easy, ambiguous or hard, and the
// hundred hardest. The run may be under way.
//
//	d := lx.DataMap(run)
//	lx.Show(d)
//	lx.Show(d.Explain(lx.Open(run.Output)))              // each of the hardest a click from its explanation, by the run's own model
//	lx.Show(lx.Explain(d.Ask(lx.Open(run.Output), 0)))   // the hardest of all, with all its attention maps
//
// `lxmert map` writes the page with all explanations.
func DataMap[R AnyRun](run R) *TrainingMap { return must(dataMap(runOf(run))) }

func dataMap(run Run) (*TrainingMap, error) {
	m, err := datamap.Open(run.Output)
	if errors.Is(err, os.ErrNotExist) && run.Output != "" {
		err = fmt.Errorf("run %s has kept nothing of its examples: %w; runs of fine-tuning do from their first step on, without --noDynamics", run.ID, err)
	}
	if err != nil {
		return nil, err
	}
	d := &TrainingMap{Map: m}
	d.Questions, err = m.Questions(cell().ctx, "", m.Hardest(hardestShown))
	return d, err
}

// Ask asks a model one of the hardest examples, 0 being the hardest, to be explained.
func (d *TrainingMap) Ask(m *Model, number int) *Answer {
	q := must(d.question(number))
	return Ask(m, q.Text, q.Images...)
}

// Explain is the map with explanations of its hardest examples, or of those with the given numbers, 0 being the hardest: the row of
// each in the table leads to its own. A notebook keeps what it shows, pictures too, so of photographs explain some.
func (d *TrainingMap) Explain(m *Model, numbers ...int) *TrainingMap {
	if len(numbers) == 0 {
		for i := range d.Questions {
			numbers = append(numbers, i)
		}
	}
	var questions []Question
	for _, n := range numbers {
		questions = append(questions, must(d.question(n)))
	}
	out := &TrainingMap{Map: d.Map, Questions: slices.Clone(d.Questions)}
	progress, done := gauge()
	defer done()
	for i, a := range AskAll(m, questions...) {
		progress("explaining", i, len(questions))
		q := &out.Questions[numbers[i]]
		*q = q.Explained(must(relevance.Explain(cell().ctx, m, a.answer())))
	}
	return out
}

// question is what one of the hardest examples asks.
func (d *TrainingMap) question(number int) (Question, error) {
	if number < 0 || number >= len(d.Questions) {
		return Question{}, fmt.Errorf("there are %d of the hardest examples, 0 to %d, and no %d", len(d.Questions), len(d.Questions)-1, number)
	}
	q := d.Questions[number].Asked
	return Question{Text: q.Text, Images: q.Images}, nil
}

// Collection is all of the map, for [Show] and [Save].
func (d *TrainingMap) Collection() analysis.Collection { return d.Map.Collection(d.Questions) }

// String is the table of the map's regions.
func (d *TrainingMap) String() string { return d.Table().Plain() }

// showTrainingMap shows all of the map; what shows no HTML gets the points.
func showTrainingMap(d *TrainingMap) (shown, error) {
	s, err := ordered(cell().ctx, display.Order{Result: d.Collection(), Page: true})
	if err != nil {
		return shown{}, err
	}
	points, err := drawn(d.Scatter())
	return shown{html: string(s.Page), png: points.png, text: d.String()}, err
}
