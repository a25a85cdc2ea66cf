package bench

import (
	"bytes"
	"context"
	"errors"
	"math"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/seed-516990b0/golxmert/internal/goldentest"
	"github.com/seed-516990b0/golxmert/lxmert"
)

// tinyTraining trains a tiny model on the Go backend.
func tinyTraining(t *testing.T) TrainOptions {
	t.Helper()
	o := TrainOptions{Options: tiny(t)}
	o.Batches = []int{2, 4}
	return o
}

func trainedReport(t *testing.T, o TrainOptions) *TrainReport {
	t.Helper()
	r, err := Train(context.Background(), o)
	if err != nil {
		t.Fatal(err)
	}
	for i, row := range r.Ours.Rows {
		if row.Batch != o.Batches[i] || !(row.BestMS > 0) || row.MedianMS < row.BestMS || !(row.GFLOPS > 0) || !(row.Share > 0) || !(row.CompileS > 0) {
			t.Errorf("row %+v", row)
		}
	}
	left, err := os.ReadDir(os.TempDir())
	if err != nil || len(left) > 0 {
		t.Errorf("left behind: %v %v", left, err)
	}
	return r
}

func TestTrainCountsWhatFineTuningHas(t *testing.T) {
	o := tinyTraining(t)
	var log bytes.Buffer
	o.Log = &log
	r := trainedReport(t, o)
	if len(r.Ours.Rows) != 2 || r.Ours.Rows[0].Runs != 2 || r.Ours.Rows[0].Processes != 1 || r.Torch != nil || r.LossDifference != nil {
		t.Errorf("report %+v", r)
	}
	if want := 3 * lxmert.FLOPs(tinySizes(), 6, 4, "out.task"); r.Model.FLOPs != want {
		t.Errorf("%g operations, want %g", r.Model.FLOPs, want)
	}
	sizes := tinySizes()
	sizes.LM, sizes.Match = false, false
	if want := sizes.NumParams(); r.Model.Parameters != want {
		t.Errorf("%d parameters, want %d: the heads of pre-training do not count", r.Model.Parameters, want)
	}
	if strings.Count(log.String(), "backend: go:ops_sequential") != 1 || !strings.Contains(log.String(), "round 1 of 1, batch 4, golxmert") {
		t.Errorf("log %q", log.String())
	}
}

// TestTrainAgreesWithTorch: PyTorch's gradients, clipping and optimizer lead to the same losses.
func TestTrainAgreesWithTorch(t *testing.T) {
	o := tinyTraining(t)
	o.Peer, o.Rounds, o.Threads = goldentest.Python(t), 1, 1
	r := trainedReport(t, o)
	if r.LossDifference == nil || !(*r.LossDifference < 1e-5) {
		t.Errorf("losses differ by %v", r.LossDifference)
	}
	if len(r.Losses) != comparedLoss || r.Losses[0] == r.Losses[1] || r.Losses[1] == r.Losses[2] {
		t.Errorf("losses %v: nothing was learnt", r.Losses)
	}
	if len(r.Torch) != 2 || len(r.Versus) != 2 || r.Ours.Rows[0].Processes != 2 || r.Torch[0].Rows[1].Processes != 1 || r.Torch[0].Threads != 1 {
		t.Errorf("report %+v", r)
	}
	for i, v := range r.Versus {
		if v.Batch != o.Batches[i] || !(v.RatioBest > 0) || !(v.RatioMedian > 0) {
			t.Errorf("%+v", v)
		}
	}
}

// TestTrainInPartsLearnsTheSame: what our side does to save memory leaves the losses as they are.
func TestTrainInPartsLearnsTheSame(t *testing.T) {
	o := tinyTraining(t)
	o.Peer, o.Rounds, o.Threads, o.Batches = goldentest.Python(t), 1, 1, []int{4}
	o.Accumulate, o.Rematerialize = 2, true
	r := trainedReport(t, o)
	if r.LossDifference == nil || !(*r.LossDifference < 1e-5) {
		t.Errorf("losses differ by %v", r.LossDifference)
	}
	var out bytes.Buffer
	if err := r.Print(&out); err != nil || !strings.Contains(out.String(), "activations computed twice, batches in 2 parts\n") {
		t.Errorf("printed %s", &out)
	}
}

// TestTrainMeasuresAdaptersByThemselves, and says so.
func TestTrainMeasuresAdaptersByThemselves(t *testing.T) {
	o := tinyTraining(t)
	o.Rounds, o.Batches, o.Repeat, o.LoRA = 1, []int{2}, 1, 2
	r := trainedReport(t, o)
	var out bytes.Buffer
	if err := r.Print(&out); err != nil || !strings.Contains(out.String(), "adapters of rank 2") {
		t.Errorf("printed %s, %v", &out, err)
	}
}

func TestTrainInBFloat16IsNearTorchsAutocast(t *testing.T) {
	o := tinyTraining(t)
	o.Peer, o.Rounds, o.Threads, o.Batches, o.Repeat, o.BF16 = goldentest.Python(t), 1, 1, []int{4}, 1, true
	r := trainedReport(t, o)
	if r.LossDifference == nil || !(*r.LossDifference > 1e-6 && *r.LossDifference < 1e-2) || r.Model.DType != "bfloat16" {
		t.Errorf("losses differ by %v", r.LossDifference)
	}
}

func TestTrainTakesAFileWithOtherHeads(t *testing.T) {
	o := tinyTraining(t)
	o.Load, o.Batches = filepath.Join(t.TempDir(), "all_heads.pth"), []int{2}
	if err := writeSynthetic(context.Background(), o.Load, tinySizes()); err != nil {
		t.Fatal(err)
	}
	if r := trainedReport(t, o); r.Model.Weights != "all_heads.pth" {
		t.Errorf("weights %s", r.Model.Weights)
	}
}

func TestTrainRefusesWhatItCannotMeasure(t *testing.T) {
	for _, c := range []struct {
		name    string
		change  func(*TrainOptions)
		options bool
		want    string
	}{
		{"no batch", func(o *TrainOptions) { o.Batches = []int{} }, true, "no batch size"},
		{"uneven parts", func(o *TrainOptions) { o.Accumulate = 3 }, true, "a batch of 2 cannot be shared by 3 parts on 1 device"},
		{"negative devices", func(o *TrainOptions) { o.Devices = -1 }, true, "--devices is -1"},
		{"adapters beside PyTorch", func(o *TrainOptions) { o.LoRA, o.Peer = 8, "python3" }, true, "--lora is measured by itself"},
		{"negative adapters", func(o *TrainOptions) { o.LoRA = -1 }, true, "--lora is -1"},
		{"compile alone", func(o *TrainOptions) { o.Compile = true }, true, "--compile is a setting of PyTorch"},
		{"too many devices", func(o *TrainOptions) { o.Devices = 2 }, false, "2 devices were asked for, the backend has 1"},
		{"no file", func(o *TrainOptions) { o.Load = "nothing_here" }, false, "nothing_here"},
	} {
		t.Run(c.name, func(t *testing.T) {
			o := tinyTraining(t)
			c.change(&o)
			_, err := Train(context.Background(), o)
			if err == nil || !strings.Contains(err.Error(), c.want) || errors.Is(err, ErrOptions) != c.options || strings.Contains(err.Error(), "\n") {
				t.Errorf("error %v, want %q", err, c.want)
			}
		})
	}
}

func TestTrainStopsWhenCancelled(t *testing.T) {
	ctx, cancel := context.WithCancel(context.Background())
	cancel()
	if _, err := Train(ctx, tinyTraining(t)); !errors.Is(err, context.Canceled) {
		t.Errorf("error %v", err)
	}
}

// fakeTorch is a PyTorch that prints one thing about itself and, whatever it is to measure, another.
func fakeTorch(t *testing.T, about, result string) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), "python")
	text := "#!/bin/sh\nif [ \"$2\" = --about ]; then echo '" + about + "'; else echo '" + result + "'; fi\n"
	if err := os.WriteFile(path, []byte(text), 0o700); err != nil {
		t.Fatal(err)
	}
	return path
}

func TestTrainComparesNothingWithAnEngineThatTrainsDifferently(t *testing.T) {
	for _, c := range []struct{ name, result, want string }{
		{"other losses", `{"losses":[9,8,7]}`, "golxmert and torch train differently"},
		{"not a number", `{"losses":[9,8,null]}`, "golxmert and torch train differently"},
		{"no losses", `{}`, "torch answered with no losses"},
		{"nonsense", `?`, "torch answered with no measurement"},
	} {
		t.Run(c.name, func(t *testing.T) {
			o := tinyTraining(t)
			o.Peer = fakeTorch(t, `{"torch":"0"}`, c.result)
			_, err := Train(context.Background(), o)
			if err == nil || !strings.Contains(err.Error(), c.want) {
				t.Errorf("error %v, want %q", err, c.want)
			}
		})
	}
}

func TestTrainSaysThatPyTorchIsTooOldToCompile(t *testing.T) {
	o := tinyTraining(t)
	o.Peer, o.Compile = fakeTorch(t, `{"torch":"1.13"}`, ""), true
	_, err := Train(context.Background(), o)
	if err == nil || !strings.Contains(err.Error(), "this PyTorch (1.13) has no torch.compile") {
		t.Errorf("error %v", err)
	}
}

func TestRelativeDifferenceOfLosses(t *testing.T) {
	nan := math.NaN()
	for _, c := range []struct {
		name string
		a, b []float64
		want float64
	}{
		{"equal", []float64{3, 0}, []float64{3, 0}, 0},
		{"each to its own", []float64{100, 3}, []float64{100, 2}, 0.5},
		{"to zero", []float64{1}, []float64{0}, math.Inf(1)},
		{"none", nil, nil, nan},
		{"other lengths", []float64{1, 2}, []float64{1}, nan},
		{"not a number", []float64{nan, 1}, []float64{1, 1}, nan},
	} {
		if got := relative(c.a, c.b); got != c.want && !(math.IsNaN(got) && math.IsNaN(c.want)) {
			t.Errorf("%s: %g, want %g", c.name, got, c.want)
		}
	}
}

// tinyPretraining pre-trains a tiny model on the Go backend.
func tinyPretraining(t *testing.T) TrainOptions {
	t.Helper()
	o := tinyTraining(t)
	o.Pretrain = true
	o.Sizes.Objects, o.Sizes.Attributes, o.Sizes.FeatHead, o.Sizes.Answers = 7, 5, true, 9
	return o
}

// TestPretrainingAgreesWithTorch: the six losses, with the masked-word head at masked words only and in parts, and their
// gradients lead to the losses of the published code, which has it at every word and takes batches whole.
func TestPretrainingAgreesWithTorch(t *testing.T) {
	for _, parts := range []int{1, 2} {
		o := tinyPretraining(t)
		o.Peer, o.Rounds, o.Threads, o.Batches, o.Accumulate = goldentest.Python(t), 1, 1, []int{8}, parts
		o.Words = 12 // more than the places that masked words have
		r := trainedReport(t, o)
		if r.LossDifference == nil || !(*r.LossDifference < 1e-5) {
			t.Errorf("in %d parts: losses differ by %v", parts, r.LossDifference)
		}
		if len(r.Losses) != comparedLoss || r.Losses[0] == r.Losses[1] || !r.Pretrain {
			t.Errorf("losses %v: nothing was learnt", r.Losses)
		}
		var out bytes.Buffer
		if err := r.Print(&out); err != nil || !strings.HasPrefix(out.String(), "step of pre-training: ") {
			t.Errorf("printed %s", &out)
		}
	}
}

func TestPretrainingNeedsAllHeads(t *testing.T) {
	o := tinyPretraining(t)
	o.Load = filepath.Join(t.TempDir(), "some_heads.pth")
	if err := writeSynthetic(context.Background(), o.Load, tinySizes()); err != nil {
		t.Fatal(err)
	}
	if _, err := Train(context.Background(), o); err == nil || !strings.Contains(err.Error(), "lacks heads of pre-training") {
		t.Errorf("error %v", err)
	}
}
