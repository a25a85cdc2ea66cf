package task

import (
	"testing"

	"github.com/seed-516990b0/golxmert/lxmert"
	"github.com/seed-516990b0/golxmert/lxmert/dataset"
)

// The peaks that were measured of the published model include the process and its files, so an estimate is a little less.
func TestTheEstimateOfTrainingIsThatOfTheMeasuredPeaks(t *testing.T) {
	c, err := trainedSizes(dataset.VQA, &Options{LangLayers: -1, CrossLayers: -1, RegionLayers: -1})
	if err != nil {
		t.Fatal(err)
	}
	c.TaskClasses, c.TaskImages = 3129, 1
	of := func(batch int) float64 {
		return float64(trainingBytes(c, &Options{BatchSize: batch}, 1)) / 1e9
	}
	for batch, peak := range map[int]float64{8: 5.9, 32: 6.4} {
		if n := of(batch); n < 0.7*peak || n > peak {
			t.Errorf("at batch %d it is %.2f GB, measured are %.1f", batch, n, peak)
		}
	}
	if more := of(32) - of(8); more < 0.4 || more > 0.7 {
		t.Errorf("24 rows more are %.2f GB more, measured are 0.5", more)
	}
}

func TestWhatSavesMemoryIsInTheEstimate(t *testing.T) {
	c := lxmert.LXR955()
	whole := trainingBytes(c, &Options{BatchSize: 256}, 1)
	for name, o := range map[string]Options{
		"smaller batch": {BatchSize: 64}, "parts": {BatchSize: 256, Accumulate: 4}, "rematerialization": {BatchSize: 256, Rematerialize: true}, "bfloat16": {BatchSize: 256, BF16: true},
	} {
		if n := trainingBytes(c, &o, 1); n >= whole {
			t.Errorf("%s: %d bytes, without it %d", name, n, whole)
		}
	}
	if n := trainingBytes(c, &Options{BatchSize: 256}, 2); n <= whole {
		t.Error("two pictures take no more than one")
	}
}
