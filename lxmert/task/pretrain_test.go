package task

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"math"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/seed-516990b0/golxmert/lxmert"
	"github.com/seed-516990b0/golxmert/lxmert/backend"
	"github.com/seed-516990b0/golxmert/lxmert/backend/backendtest"
	"github.com/seed-516990b0/golxmert/lxmert/dataset"
	"github.com/seed-516990b0/golxmert/lxmert/lxrt"
	"github.com/seed-516990b0/golxmert/lxmert/train"
	"github.com/seed-516990b0/golxmert/lxmert/weights"
)

// pretrainOptions are those of short pre-training on the toy world.
func pretrainOptions(t *testing.T) Options {
	t.Helper()
	o := toyOptions(t)
	o.Train, o.Valid = []string{"mscoco_train", "mscoco_nominival", "vgnococo"}, []string{"mscoco_minival"}
	o.BatchSize, o.Epochs, o.LR, o.FromScratch = 32, 2, 1e-3, true
	o.Output = filepath.Join(t.TempDir(), "pretrain")
	return o
}

// newPretraining loads data and sizes without training.
func newPretraining(t *testing.T, b *backend.Backend, o *Options) *pretraining {
	t.Helper()
	o.Pretraining.settle()
	s, err := openSession(b, dataset.Pretraining, o)
	if err != nil {
		t.Fatal(err)
	}
	p := &pretraining{session: s}
	t.Cleanup(func() { p.Close() })
	if err := p.load(t.Context()); err != nil {
		t.Fatal(err)
	}
	begin, err := p.begin()
	if err != nil {
		t.Fatal(err)
	}
	begin.Close()
	p.cfg, p.losses = begin.cfg, p.enabled()
	return p
}

// TestPretrainingLeavesWhatItSays trains all six losses, and fine-tunes what came out.
func TestPretrainingLeavesWhatItSays(t *testing.T) {
	b := backendtest.Open(t, "cpu")
	o := pretrainOptions(t)
	var out bytes.Buffer
	o.Out = &out
	r, err := Train(t.Context(), b, dataset.Pretraining, o)
	if err != nil {
		t.Fatal(err)
	}
	text := out.String()
	for _, want := range []string{
		"Load an answer table of size 24.", "Batch per epoch: ", "Warm up Iters: ", "The training loss for Epoch 0 is ", "The losses are Mask_LM: ",
		" Matched: ", " Obj: ", " Attr: ", " Feat: ", " QA: ", "Overall Accu ", "gqa Accu ", "vqa Accu ", "The valid loss is ", "The training loss for Epoch 1 is ",
		"Overall match AUC ", "mscoco AUC ", "Masked words with the picture ",
	} {
		if !strings.Contains(text, want) {
			t.Errorf("%q is not printed:\n%s", want, text)
		}
	}
	if r.Best <= 0 || r.Skipped != 0 {
		t.Errorf("%+v", r)
	}
	for _, name := range []string{"Epoch01_LXRT.pth", "Epoch02_LXRT.pth", "BEST_EVAL_LOSS_LXRT.pth"} {
		m, err := weights.OpenModel(filepath.Join(o.Output, name), "")
		if err != nil {
			t.Fatal(err)
		}
		if c := m.Config; !c.LM || !c.Match || c.Objects != 5 || c.Attributes != 6 || !c.FeatHead || c.Answers != 24 || c.TaskClasses != 0 {
			t.Errorf("%s: %+v", name, c)
		}
		if !slices.ContainsFunc(m.File.Names(), func(n string) bool { return n == lxmert.TiedDecoder }) {
			t.Errorf("%s has no %s, which PyTorch's strict loading wants", name, lxmert.TiedDecoder)
		}
		m.Close()
	}
	metrics, err := os.ReadFile(filepath.Join(o.Output, "metrics.jsonl"))
	if err != nil {
		t.Fatal(err)
	}
	written := []string{"valid.match.auc", "valid.match.auc.vqa", "valid.words.with", "valid.words.gain.low"}
	for _, l := range lxrt.PretrainingLosses() {
		written = append(written, "loss."+l.Name, "loss."+l.Name+".norm")
	}
	for _, name := range written {
		if !bytes.Contains(metrics, []byte(`"`+name+`":`)) {
			t.Errorf("metrics.jsonl has no %s", name)
		}
	}
	// A step moves what it learns, so what it was drawn as is not what it becomes: none of the six heads stays.
	first, second := opened(t, o.Output, "Epoch01_LXRT.pth"), opened(t, o.Output, "Epoch02_LXRT.pth")
	for _, name := range []string{"cls.predictions.bias", "cls.seq_relationship.weight", "obj_predict_head.decoder_dict.obj.weight",
		"obj_predict_head.decoder_dict.attr.weight", "obj_predict_head.decoder_dict.feat.weight", "answer_head.logit_fc.3.weight"} {
		if slices.Equal(first(name), second(name)) {
			t.Errorf("%s does not move", name)
		}
	}

	tune := toyOptions(t)
	tune.Valid, tune.LoadLXMERTQA, tune.Epochs, tune.BatchSize, tune.Output = []string{"minival"}, filepath.Join(o.Output, "Epoch02"), 1, 32, t.TempDir()
	if _, err := Train(t.Context(), b, dataset.VQA, tune); err != nil {
		t.Errorf("fine-tuning: %v", err)
	}
	next := pretrainOptions(t)
	next.FromScratch, next.Load, next.Epochs = false, filepath.Join(o.Output, "Epoch02"), 1
	if _, err := Train(t.Context(), b, dataset.Pretraining, next); err != nil {
		t.Errorf("going on from it: %v", err)
	}
}

// opened reads parameters of a snapshot.
func opened(t *testing.T, dir, name string) func(param string) []float32 {
	t.Helper()
	m, err := weights.OpenModel(filepath.Join(dir, name), "")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { m.Close() })
	return func(param string) []float32 {
		x, ok := m.Tensor(param)
		if !ok {
			t.Fatalf("%s has no %s", name, param)
		}
		values, err := x.Float32s()
		if err != nil {
			t.Fatal(err)
		}
		return values
	}
}

// TestPretrainingGoesThroughACurriculum: sources come one after the other, about pictures with other numbers of regions, and
// each epoch or part of one leaves its snapshot.
func TestPretrainingGoesThroughACurriculum(t *testing.T) {
	b := backendtest.Open(t, "cpu")
	o := pretrainOptions(t)
	o.Train, o.Schedule, o.Valid = []string{"stage1", "mscoco_nominival"}, []float64{1.5, 1}, nil
	var out bytes.Buffer
	o.Out = &out
	var asked []int
	o.Progress = func(p train.Progress) {
		if p.Step == 1 {
			asked = append(asked, p.Steps)
		}
	}
	if _, err := Train(t.Context(), b, dataset.Pretraining, o); err != nil {
		t.Fatal(err)
	}
	if len(asked) != 3 || asked[1] != asked[0]/2 {
		t.Fatalf("epochs have %v steps", asked)
	}
	p := newPretraining(t, b, &o)
	for i, want := range []string{"stage1", "stage1", "mscoco_nominival"} {
		if got := p.phases[i].set.Sources; !slices.Equal(got, []string{want}) {
			t.Errorf("epoch %d is about %v", i, got)
		}
	}
	if first, second := p.phases[0].epoch, p.phases[1].epoch; first == second {
		t.Errorf("two epochs over the same sentences have the order of epoch %d", first)
	}
	for _, n := range []int{1, 2, 3} {
		if _, err := os.Stat(filepath.Join(o.Output, epochSnapshot(n-1))); err != nil {
			t.Error(err)
		}
	}
	if _, err := os.Stat(filepath.Join(o.Output, epochSnapshot(3))); err == nil {
		t.Error("there is a fourth snapshot")
	}
	if want := fmt.Sprintf("Batch per epoch: %d, %d, %d\n", asked[0], asked[1], asked[2]); !strings.Contains(out.String(), want) {
		t.Errorf("%q is not printed:\n%s", want, &out)
	}
}

// TestInterruptedPretrainingEndsTheSame interrupts a run in each of its epochs.
func TestInterruptedPretrainingEndsTheSame(t *testing.T) {
	b := backendtest.Open(t, "cpu")
	whole := pretrainOptions(t)
	if _, err := Train(t.Context(), b, dataset.Pretraining, whole); err != nil {
		t.Fatal(err)
	}
	parts := pretrainOptions(t)
	parts.Resume = true
	for epoch := range 2 {
		ctx, cancel := context.WithCancel(t.Context())
		parts.Progress = func(p train.Progress) {
			if p.Epoch == epoch && p.Step == 3 {
				cancel()
			}
		}
		if _, err := Train(ctx, b, dataset.Pretraining, parts); !errors.Is(err, train.ErrInterrupted) {
			t.Fatal(err)
		}
		cancel()
	}
	parts.Progress = nil
	if _, err := Train(t.Context(), b, dataset.Pretraining, parts); err != nil {
		t.Fatal(err)
	}
	for _, name := range []string{"Epoch01_LXRT.pth", "Epoch02_LXRT.pth", "BEST_EVAL_LOSS_LXRT.pth", "log.log"} {
		a, err := os.ReadFile(filepath.Join(whole.Output, name))
		if err != nil {
			t.Fatal(err)
		}
		if b, err := os.ReadFile(filepath.Join(parts.Output, name)); err != nil || !bytes.Equal(a, b) {
			t.Errorf("%s differs after interruptions: %v", name, err)
		}
	}
}

// TestPartsOfAStepHaveTheWholeStepsLosses: masked words and answers are spread unevenly over the parts, whose losses are means
// over the whole step all the same. Bounds are those of sums in float32.
func TestPartsOfAStepHaveTheWholeStepsLosses(t *testing.T) {
	b := backendtest.Open(t, "cpu")
	o := pretrainOptions(t)
	p := newPretraining(t, b, &o)
	tr, err := train.NewTrainer(t.Context(), b.Backend, p.cfg, &train.Initial{Config: p.cfg, Seed: 1, Range: 0.1}, p.objective(), train.Options{Optimizer: "bert", Schedule: train.Schedule{Warmup: -1, Total: -1}})
	if err != nil {
		t.Fatal(err)
	}
	defer tr.Close()
	losses := func(parts []train.Part) []float64 {
		out := make([]float64, 1+len(p.losses))
		for _, part := range parts {
			loss, outputs, err := tr.Evaluate(t.Context(), part)
			if err != nil {
				t.Fatal(err)
			}
			out[0] += loss / float64(len(parts))
			for i := range p.losses {
				out[1+i] += float64(outputs[i].([]float32)[0]) / float64(len(parts))
			}
		}
		return out
	}
	var index []int
	for i := range 16 {
		index = append(index, 3*i)
	}
	one, err := p.step(t.Context(), p.corpus, index, 0, 1)
	if err != nil {
		t.Fatal(err)
	}
	four, err := p.step(t.Context(), p.corpus, index, 0, 4)
	if err != nil {
		t.Fatal(err)
	}
	want, got := losses(one), losses(four)
	for i := range want {
		if math.Abs(got[i]-want[i]) > 1e-5*(1+want[i]) || want[i] <= 0 {
			t.Errorf("loss %d is %g in four parts, %g in one", i, got[i], want[i])
		}
	}
	// All places of the sentences instead of those of masked words only.
	all := one[0]
	all.Labels = map[string]train.Label{}
	for name, l := range one[0].Labels {
		all.Labels[name] = l
	}
	n, few := len(index), one[0].Labels[lxrt.MaskedPlaces]
	length := len(all.Batch.IDs[0])
	at, words, weight := make([]int32, n*length), make([]int32, n*length), make([]float32, n*length)
	for i := range at {
		at[i], words[i] = int32(i%length), -1
	}
	for i := range n {
		for k := range few.Shape[1] {
			from := i*few.Shape[1] + k
			if w := one[0].Labels[lxrt.WordWeights].Data.([]float32)[from]; w > 0 {
				to := i*length + int(few.Data.([]int32)[from])
				words[to], weight[to] = one[0].Labels[lxrt.MaskedWords].Data.([]int32)[from], w
			}
		}
	}
	shape := []int{n, length}
	all.Labels[lxrt.MaskedPlaces], all.Labels[lxrt.MaskedWords] = train.Label{Data: at, Shape: shape}, train.Label{Data: words, Shape: shape}
	all.Labels[lxrt.WordWeights] = train.Label{Data: weight, Shape: shape}
	if full := losses([]train.Part{all}); math.Abs(full[1]-want[1]) > 1e-5*(1+want[1]) {
		t.Errorf("the loss of masked words is %g over all places, %g over the masked ones", full[1], want[1])
	}
	norm := func(parts ...train.Part) float64 { // of the gradients; the learning rate is 0
		r, err := tr.Step(t.Context(), parts...)
		if err != nil {
			t.Fatal(err)
		}
		return r.Norm
	}
	if full, few := norm(all), norm(one[0]); math.Abs(full-few) > 1e-5*full || few == 0 {
		t.Errorf("the gradients' norm is %g over all places, %g over the masked ones", full, few)
	}

	// With every word masked some sentences have more than there are places for, and fall back to all places.
	p.opt.Pretraining.WordMaskRate = 1
	whole, err := p.step(t.Context(), p.corpus, index, 0, 1)
	if err != nil {
		t.Fatal(err)
	}
	single, err := p.step(t.Context(), p.corpus, index, 0, len(index))
	if err != nil {
		t.Fatal(err)
	}
	places := map[int]int{}
	for _, part := range single {
		places[part.Labels[lxrt.MaskedPlaces].Shape[1]]++
	}
	if whole[0].Labels[lxrt.MaskedPlaces].Shape[1] != length || places[length] == 0 || places[fewWords] == 0 || len(places) != 2 {
		t.Fatalf("sentences have %v places", places)
	}
	want, got = losses(whole), losses(single)
	for i := range want {
		if math.Abs(got[i]-want[i]) > 1e-5*(1+want[i]) {
			t.Errorf("with every word masked loss %d is %g a sentence at a time, %g together", i, got[i], want[i])
		}
	}
	if together, each := norm(whole...), norm(single...); math.Abs(together-each) > 1e-5*together {
		t.Errorf("with every word masked the gradients' norm is %g a sentence at a time, %g together", each, together)
	}
}

// TestNothingAskedForCostsNothing: without a masked word or an answer in a batch the reference's losses are not a number.
func TestNothingAskedForCostsNothing(t *testing.T) {
	b := backendtest.Open(t, "cpu")
	o := pretrainOptions(t)
	o.Epochs, o.Valid = 1, nil
	o.Pretraining.WordMaskRate, o.Pretraining.ObjMaskRate = 0, 0
	o.Pretraining.VisualLosses = []string{"attr"}
	var out, notes bytes.Buffer
	o.Out, o.Notes = &out, &notes
	r, err := Train(t.Context(), b, dataset.Pretraining, o)
	for loss, dead := range map[string]bool{"Mask_LM": true, "Matched": false, "Attr": false, "QA": false} {
		if strings.Contains(notes.String(), "the loss "+loss+" teaches nothing") != dead {
			t.Errorf("%s is dead: %v; it says\n%s", loss, !dead, &notes)
		}
	}
	if err != nil || r.Skipped != 0 {
		t.Fatalf("%+v, %v", r, err)
	}
	if text := out.String(); !strings.Contains(text, "Mask_LM: 0.0000 Matched: ") || strings.Contains(text, "Obj:") || !strings.Contains(text, " Attr: ") {
		t.Errorf("it prints\n%s", text)
	}
}

// TestOverwritingLosesSnapshotsOfMoreEpochs: what a longer run left is not taken for what the shorter one did.
func TestOverwritingLosesSnapshotsOfMoreEpochs(t *testing.T) {
	b := backendtest.Open(t, "cpu")
	o := pretrainOptions(t)
	if err := os.MkdirAll(o.Output, 0o777); err != nil {
		t.Fatal(err)
	}
	old := filepath.Join(o.Output, "Epoch07_LXRT.pth")
	if err := os.WriteFile(old, []byte("old"), 0o666); err != nil {
		t.Fatal(err)
	}
	o.Epochs, o.Valid = 1, nil
	if _, err := Train(t.Context(), b, dataset.Pretraining, o); !errors.Is(err, train.ErrRunExists) {
		t.Fatalf("a folder with a snapshot: %v", err)
	}
	o.Overwrite = true
	if _, err := Train(t.Context(), b, dataset.Pretraining, o); err != nil {
		t.Fatal(err)
	}
	if _, err := os.Stat(old); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("%s is still there: %v", old, err)
	}
}

func TestPretrainingRefusesWhatCannotBe(t *testing.T) {
	b := backendtest.Open(t, "go")
	for want, change := range map[string]func(o *Options){
		`--visualLosses has "box"`:            func(o *Options) { o.Pretraining.VisualLosses = []string{"box"} },
		"--visualLosses obj,attr,feat":        func(o *Options) { o.Pretraining.Objects, o.Pretraining.VisualLosses = true, nil },
		`no answers of a data set "visual7w"`: func(o *Options) { o.Pretraining.QASets = []string{"visual7w"} },
		"--loadLXMERTQA is for fine-tuning":   func(o *Options) { o.LoadLXMERTQA = "x" },
		"give one of them":                    func(o *Options) { o.LoadLXMERT, o.Load = "x", "x" },
		"must be from 0 to 1":                 func(o *Options) { o.Pretraining.WordMaskRate = 1.5 },
		"the sentences of pre-training":       func(o *Options) { o.Train = []string{"nothere"} },
		"fewer than --batchSize":              func(o *Options) { o.BatchSize = 1 << 20 },
	} {
		o := pretrainOptions(t)
		change(&o)
		if _, err := Train(t.Context(), b, dataset.Pretraining, o); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%v, want %q", err, want)
		}
	}
}
