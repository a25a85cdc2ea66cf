package task

import (
	"testing"

	"github.com/seed-516990b0/golxmert/lxmert"
	"github.com/seed-516990b0/golxmert/lxmert/dataset"
	"github.com/seed-516990b0/golxmert/lxmert/train"
)

// The peaks are those measured of the published model, in the table of package bench. They include the process and its files,
// so an estimate is rather less.
func TestTheEstimateOfTrainingIsThatOfTheMeasuredPeaks(t *testing.T) {
	c, err := trainedSizes(dataset.VQA, &Options{LangLayers: -1, CrossLayers: -1, RegionLayers: -1})
	if err != nil {
		t.Fatal(err)
	}
	c.TaskClasses, c.TaskImages = 3129, 1
	of := func(batch int, l train.LoRA) float64 {
		return float64(trainingBytes(c, &Options{BatchSize: batch, LoRA: l}, 1)) / 1e9
	}
	whole, adapters := train.LoRA{}, train.LoRA{Rank: 8}
	for _, x := range []struct {
		batch int
		lora  train.LoRA
		peak  float64
	}{{8, whole, 4.6}, {32, whole, 5.5}, {8, adapters, 1.9}, {32, adapters, 2.7}} {
		if n := of(x.batch, x.lora); n < 0.7*x.peak || n > 1.1*x.peak {
			t.Errorf("at batch %d with adapters of rank %d it is %.2f GB, measured are %.1f", x.batch, x.lora.Rank, n, x.peak)
		}
	}
	if more := of(32, whole) - of(8, whole); more < 0.4 || more > 0.9 {
		t.Errorf("24 rows more are %.2f GB more, measured are 0.5 to 0.9", more)
	}
}

// TestAnEstimateIsForTheRowsOfOneDevice, which has all parameters; devices of the processor share the machine's memory.
func TestAnEstimateIsForTheRowsOfOneDevice(t *testing.T) {
	c := lxmert.LXR955()
	if four, one := trainingBytes(c, &Options{BatchSize: 256, Devices: 4, Accumulate: 2}, 1), trainingBytes(c, &Options{BatchSize: 32}, 1); four != one {
		t.Errorf("a device that gets 32 rows at a time takes %d bytes, one that has these alone %d", four, one)
	}
	o := DefaultOptions()
	o.BatchSize = 64
	one, err := Memory(dataset.VQA, o)
	if err != nil {
		t.Fatal(err)
	}
	o.BatchSize, o.Devices = 192, 3
	if three, err := Memory(dataset.VQA, o); err != nil || three != 3*one {
		t.Errorf("three devices take %d bytes of the machine, one of them takes %d: %v", three, one, err)
	}
}

func TestWhatSavesMemoryIsInTheEstimate(t *testing.T) {
	c := lxmert.LXR955()
	whole := trainingBytes(c, &Options{BatchSize: 256}, 1)
	for name, o := range map[string]Options{
		"smaller batch": {BatchSize: 64}, "parts": {BatchSize: 256, Accumulate: 4}, "rematerialization": {BatchSize: 256, Rematerialize: true}, "bfloat16": {BatchSize: 256, BF16: true},
		"frozen layers": {BatchSize: 256, Freeze: []string{"bert.encoder.layer.*"}},
	} {
		if n := trainingBytes(c, &o, 1); n >= whole {
			t.Errorf("%s: %d bytes, without it %d", name, n, whole)
		}
	}
	if n := trainingBytes(c, &Options{BatchSize: 256}, 2); n <= whole {
		t.Error("two pictures take no more than one")
	}
}
