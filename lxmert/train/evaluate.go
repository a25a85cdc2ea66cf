package train

import (
	"context"
	"errors"
	"fmt"

	"github.com/gomlx/compute/dtypes"
	. "github.com/gomlx/gomlx/core/graph"

	"github.com/seed-516990b0/golxmert/lxmert/internal/program"
)

// Evaluate computes what the objective makes of a part with the parameters as they are, without dropout, on the first device.
// It must not run while [Trainer.Step] does.
func (t *Trainer) Evaluate(ctx context.Context, part Part) (loss float64, outputs []any, err error) {
	if part.Batch == nil {
		return 0, nil, errors.New("train: the part has no batch")
	}
	fed, err := t.feed(part)
	if err != nil {
		return 0, nil, err
	}
	key := "evaluate " + t.gradientKey(fed, part, false)
	g := t.gradients[key]
	if g == nil {
		g = &gradientProgram{}
		g.Program, err = t.compile(program.Options{
			Name: "lxrt evaluation", WeightType: dtypes.Float32, WeightShape: t.vars.shapeOf, Devices: 1,
		}, func(b *program.Builder) []*Node {
			loss, outputs := t.defineLoss(b, fed, part, false)
			g.outputs = len(outputs)
			zero := ScalarZero(loss.Graph(), dtypes.Float32)
			return append([]*Node{loss, loss, zero}, outputs...)
		})
		if err != nil {
			return 0, nil, fmt.Errorf("train: compiling the evaluation: %w", err)
		}
		t.gradients[key] = g
	}
	run, err := t.start(ctx, g, &stepInputs{trainer: t, fed: fed, part: part, parts: 1})
	if err != nil {
		return 0, nil, err
	}
	scalars, outputs, err := run.read()
	return float64(scalars[lossOutput]), outputs, errors.Join(err, run.free())
}
