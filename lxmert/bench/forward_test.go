package bench

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/seed-516990b0/golxmert/internal/goldentest"
	"github.com/seed-516990b0/golxmert/lxmert"
	"github.com/seed-516990b0/golxmert/lxmert/torch"
	"github.com/seed-516990b0/golxmert/lxmert/weights"
)

const serveVariable = "LXMERT_BENCH_SERVES"

// TestMain lets the test binary be the measured process.
func TestMain(m *testing.M) {
	if os.Getenv(serveVariable) != "" {
		if err := Serve(context.Background(), os.Args[len(os.Args)-1], os.Stdout, os.Stderr); err != nil {
			fmt.Fprintln(os.Stderr, "lxmert:", err)
			os.Exit(1)
		}
		os.Exit(0)
	}
	os.Exit(m.Run())
}

func tinySizes() lxmert.Config {
	return lxmert.Config{
		Vocab: 50, Hidden: 16, Heads: 2, Intermediate: 32, MaxPositions: 12, TokenTypes: 2, Activation: "gelu",
		LangLayers: 2, RegionLayers: 1, CrossLayers: 2, FeatDim: 8, BoxDim: 4, LM: true, Match: true,
		TaskClasses: 5, TaskImages: 1,
	}
}

// tiny measures a tiny model on the Go backend, with this test binary as the measured process.
func tiny(t *testing.T) Options {
	t.Helper()
	t.Setenv(serveVariable, "1")
	t.Setenv("TMPDIR", t.TempDir())
	return Options{
		Sizes: tinySizes(), Backend: "go", Batches: []int{1, 3}, Words: 6, Regions: 4, Side: 16,
		Runs: Runs{Repeat: 2, Self: []string{os.Args[0], "-test.run=^$"}},
	}
}

func measured(t *testing.T, o Options) *Report {
	t.Helper()
	r, err := Forward(context.Background(), o)
	if err != nil {
		t.Fatal(err)
	}
	for i, row := range r.Ours.Rows {
		if row.Batch != o.Batches[i] || !(row.BestMS > 0) || row.MedianMS < row.BestMS || !(row.GFLOPS > 0) || !(row.Share > 0) {
			t.Errorf("row %+v", row)
		}
	}
	opening := r.Ours.Opening
	if sum := opening.StartS + opening.LibraryS + opening.LoadS + opening.CompileS + opening.ForwardS; sum > 1.5*opening.TotalS+0.1 {
		t.Errorf("the parts of %+v sum to %g", opening, sum)
	}
	left, err := os.ReadDir(os.TempDir())
	if err != nil || len(left) > 0 {
		t.Errorf("left behind: %v %v", left, err)
	}
	return r
}

func TestForwardMeasuresWithoutWeights(t *testing.T) {
	o := tiny(t)
	var log bytes.Buffer
	o.Log = &log
	r := measured(t, o)
	if len(r.Ours.Rows) != 2 || r.Ours.Rows[0].Runs != 2 || r.Torch != nil || r.Difference != nil {
		t.Errorf("report %+v", r)
	}
	if want := lxmert.FLOPs(tinySizes(), 6, 4, "out.task"); r.Model.FLOPs != want {
		t.Errorf("%g operations, want %g", r.Model.FLOPs, want)
	}
	if !strings.Contains(log.String(), "backend: go:ops_sequential") || !strings.Contains(log.String(), "round 1 of 1, golxmert") {
		t.Errorf("log %q", log.String())
	}
}

func TestForwardAgreesWithTorch(t *testing.T) {
	o := tiny(t)
	o.Sizes.Activation = "swish"
	o.Peer, o.Rounds, o.Threads = goldentest.Python(t), 1, 1
	r := measured(t, o)
	if r.Difference == nil || *r.Difference > 2e-5 {
		t.Errorf("logits differ by %v", r.Difference)
	}
	if len(r.Torch) != 2 || len(r.Versus) != 2 || r.Ours.Processes != 2 || !(r.Opening > 0) || r.Torch[0].Threads != 1 {
		t.Errorf("report %+v", r)
	}
}

// TestForwardMeasuresLibtorch in the place of a peer's PyTorch, in turns with XLA, where this was built with it.
func TestForwardMeasuresLibtorch(t *testing.T) {
	o := tiny(t)
	o.Libtorch, o.Rounds, o.Threads = true, 1, 1
	if !torch.Built {
		if _, err := Forward(t.Context(), o); !errors.Is(err, torch.ErrNotBuilt) {
			t.Errorf("error %v", err)
		}
		return
	}
	r := measured(t, o)
	if r.Difference == nil || *r.Difference > 2e-5 {
		t.Errorf("logits differ by %v", r.Difference)
	}
	if len(r.Torch) == 0 || len(r.Versus) != 2 || r.Torch[0].Threads != 1 || !strings.HasPrefix(r.Torch[0].Engine, "libtorch") {
		t.Errorf("report %+v", r)
	}
}

// TestForwardGivesTorchAnyFile: a file under other names and in another format is rewritten for torch.
func TestForwardGivesTorchAnyFile(t *testing.T) {
	o := tiny(t)
	o.Peer, o.Rounds, o.Batches = goldentest.Python(t), 1, []int{2}
	for _, dir := range goldentest.Folders(t, "model") {
		o.Load = filepath.Join(dir, "checkpoints", "vqa_toy_LAST")
		r := measured(t, o)
		if r.Difference == nil || *r.Difference > 2e-5 {
			t.Errorf("%s: logits differ by %v", o.Load, r.Difference)
		}
	}
}

func TestForwardKeepsTheWeightsThatItMade(t *testing.T) {
	o := tiny(t)
	o.Keep = filepath.Join(t.TempDir(), "made.pth")
	measured(t, o)
	m, err := weights.OpenModel(o.Keep, "")
	if err != nil {
		t.Fatal(err)
	}
	defer m.Close()
	if m.Config != tinySizes() || !torchOpens(m.File) {
		t.Errorf("kept %+v", m.Config)
	}
}

func TestForwardRefusesWhatItCannotMeasure(t *testing.T) {
	headless := tinySizes()
	headless.TaskClasses, headless.TaskImages, headless.Answers = 0, 0, 7
	noTask := filepath.Join(t.TempDir(), "no_task.pth")
	if err := writeSynthetic(context.Background(), noTask, headless); err != nil {
		t.Fatal(err)
	}
	twoImages := tinySizes()
	twoImages.TaskImages = 2
	pairs := filepath.Join(t.TempDir(), "pairs.pth")
	if err := writeSynthetic(context.Background(), pairs, twoImages); err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct {
		name    string
		change  func(*Options)
		options bool
		want    string
	}{
		{"no batch", func(o *Options) { o.Batches = []int{} }, true, "no batch size"},
		{"libtorch and a peer", func(o *Options) { o.Libtorch, o.Peer = true, "python3" }, true, "in the place of --peer"},
		{"batch of none", func(o *Options) { o.Batches = []int{0} }, true, "a batch of 0"},
		{"no words", func(o *Options) { o.Words = -1 }, true, "--words is -1"},
		{"long sentence", func(o *Options) { o.Words = 13 }, true, "longest sentence is 12"},
		{"keep what exists", func(o *Options) { o.Keep, o.Load = "a.pth", "b.pth" }, true, "--keep is for"},
		{"keep another format", func(o *Options) { o.Keep = "a.safetensors" }, true, "must end in .pth"},
		{"no task", func(o *Options) { o.Load = noTask }, false, "has no task's head"},
		{"two images", func(o *Options) { o.Load = pairs }, false, "over 2 images"},
		{"no file", func(o *Options) { o.Load = "nothing_here" }, false, "nothing_here"},
		{"no backend", func(o *Options) { o.Backend = "abacus" }, false, `backend "abacus"`},
		{"no program", func(o *Options) { o.Self = []string{"/nowhere/lxmert"} }, false, "golxmert does not start"},
		{"no python", func(o *Options) { o.Peer = "no-such-python" }, false, "--peer no-such-python: executable file not found"},
		{"not a python", func(o *Options) { o.Peer = "true" }, false, "--peer true: it is not a Python"},
	} {
		t.Run(c.name, func(t *testing.T) {
			o := tiny(t)
			c.change(&o)
			_, err := Forward(context.Background(), o)
			if err == nil || !strings.Contains(err.Error(), c.want) || errors.Is(err, ErrOptions) != c.options || strings.Contains(err.Error(), "\n") {
				t.Errorf("error %v, want %q", err, c.want)
			}
		})
	}
}

// TestNothingIsWrittenForABackendThatIsNotThere, since weights of the published size take a while and a gigabyte.
func TestNothingIsWrittenForABackendThatIsNotThere(t *testing.T) {
	for name, measure := range map[string]func(Options) error{
		"forward":  func(o Options) error { _, err := Forward(t.Context(), o); return err },
		"train":    func(o Options) error { _, err := Train(t.Context(), TrainOptions{Options: o}); return err },
		"analysis": func(o Options) error { _, err := Analysis(t.Context(), o); return err },
	} {
		o := tiny(t)
		o.Backend, o.Keep = "xla:/nowhere/xla_cuda_plugin.so", filepath.Join(t.TempDir(), "kept.pth")
		if err := measure(o); err == nil || !strings.Contains(err.Error(), "/nowhere/xla_cuda_plugin.so") {
			t.Errorf("%s: %v", name, err)
		}
		if _, err := os.Stat(o.Keep); !errors.Is(err, os.ErrNotExist) {
			t.Errorf("%s: the weights were made (%v)", name, err)
		}
	}
}

func TestForwardStopsWhenCancelled(t *testing.T) {
	ctx, cancel := context.WithCancel(context.Background())
	cancel()
	if _, err := Forward(ctx, tiny(t)); !errors.Is(err, context.Canceled) {
		t.Errorf("error %v", err)
	}
}

func TestPythonWithoutTorchIsOneClearLine(t *testing.T) {
	python := filepath.Join(t.TempDir(), "python")
	script := "#!/bin/sh\necho 'Traceback (most recent call last):' >&2\necho \"ModuleNotFoundError: No module named 'torch'\" >&2\nexit 1\n"
	if err := os.WriteFile(python, []byte(script), 0o700); err != nil {
		t.Fatal(err)
	}
	_, err := findTorch(context.Background(), python, t.TempDir())
	want := fmt.Sprintf("--peer %s: this Python has no PyTorch; `%s -m pip install torch` brings it", python, python)
	if err == nil || err.Error() != want {
		t.Errorf("error %v, want %s", err, want)
	}
}

func TestEachSettingOfTorchIsExact(t *testing.T) {
	env := []string{"A=1", "OMP_WAIT_POLICY=ACTIVE", "GOMP_SPINCOUNT=9"}
	if got := torchEnvironment(env, ""); !slices.Equal(got, []string{"A=1"}) {
		t.Errorf("without: %v", got)
	}
	if got := torchEnvironment(env, passive); !slices.Equal(got, []string{"A=1", "OMP_WAIT_POLICY=PASSIVE", "GOMP_SPINCOUNT=0"}) {
		t.Errorf("with: %v", got)
	}
}
