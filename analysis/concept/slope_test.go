package concept_test

import (
	"context"
	"testing"

	"github.com/seed-516990b0/golxmert/analysis"
	"github.com/seed-516990b0/golxmert/internal/roundingtest"
	"github.com/seed-516990b0/golxmert/lxmert"
)

// slopesOf are those of the logit of answer 1 if the valid states of a level move in a direction, and how far each may be off.
func slopesOf(t *testing.T, eng lxmert.Engine, b *lxmert.Batch, level string, direction []float64) (slopes, within []float64) {
	t.Helper()
	shape := []int{b.Rows(), b.T(), len(direction)}
	if level[4] == 'i' {
		shape[1] = b.V()
	}
	return roundingtest.Slopes(func(h float64) []float64 {
		step := lxmert.NewTensor(shape...)
		for n := range b.Rows() {
			valid := analysis.ValidWords(b, n)
			if level[4] == 'i' {
				valid = analysis.ValidRegions(b, n)
			}
			for i, there := range valid {
				if there {
					for j, v := range direction {
						step.Row(n).Row(i).Data[j] = float32(h * v)
					}
				}
			}
		}
		trace, err := eng.Run(context.Background(), b, lxmert.Request{Want: lxmert.All("out.qa"), Edits: []lxmert.Edit{{Name: level, Op: lxmert.Add, Value: step}}})
		if err != nil {
			t.Fatal(err)
		}
		var logits []float64
		for n := range b.Rows() {
			logits = append(logits, float64(trace.Values["out.qa"].At(n, 1)))
		}
		return logits
	})
}

func floatsOf(x []int) (out []float64) {
	for _, v := range x {
		out = append(out, float64(v))
	}
	return out
}
