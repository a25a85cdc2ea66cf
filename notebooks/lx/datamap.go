package lx

import (
	"errors"
	"fmt"
	"os"

	"github.com/seed-516990b0/golxmert/analysis"
	"github.com/seed-516990b0/golxmert/analysis/datamap"
	"github.com/seed-516990b0/golxmert/analysis/display"
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
//	lx.Show(lx.Explain(d.Ask(lx.Open(run.Output), 0)))   // the hardest of all, by the run's own model
//
// `lxmert map` writes the same with an explanation of each of the hardest.
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
	if number < 0 || number >= len(d.Questions) {
		fail(fmt.Errorf("there are %d of the hardest examples, 0 to %d, and no %d", len(d.Questions), len(d.Questions)-1, number))
		return nil
	}
	q := d.Questions[number]
	return Ask(m, q.Asked.Text, q.Asked.Images...)
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
