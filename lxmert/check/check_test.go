package check

import (
	"context"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/seed-516990b0/golxmert/internal/goldentest"
	"github.com/seed-516990b0/golxmert/lxmert"
	"github.com/seed-516990b0/golxmert/lxmert/backend/backendtest"
	"github.com/seed-516990b0/golxmert/lxmert/lxrt"
	"github.com/seed-516990b0/golxmert/lxmert/torch"
	"github.com/seed-516990b0/golxmert/lxmert/weights"
)

// changeEnv names an activation that the engines of a test multiply by 1.001, as another formula might.
const changeEnv = "LXMERT_CHECK_TEST_CHANGE"

// TestMain also is the command trace, which the engines of this project are.
func TestMain(m *testing.M) {
	if len(os.Args) > 1 && os.Args[1] == "trace" {
		if err := trace(os.Args[2:]); err != nil {
			fmt.Fprintln(os.Stderr, "lxmert:", err)
			os.Exit(1)
		}
		os.Exit(0)
	}
	backendtest.Main(m)
}

func trace(args []string) error {
	f := flag.NewFlagSet("trace", flag.ContinueOnError)
	spec, load, config := f.String("backend", "", ""), f.String("load", "", ""), f.String("config", "", "")
	inputs, want, out := f.String("inputs", "", ""), f.String("want", "", ""), f.String("out", "", "")
	onTorch, script := f.String("engine", "", ""), f.String("script", "", "")
	if err := f.Parse(args); err != nil {
		return err
	}
	var m interface {
		lxmert.Engine
		io.Closer
	}
	var err error
	switch opt := (lxrt.Options{Log: os.Stderr}); {
	case *script != "":
		sizes, openErr := weights.OpenModel(*load, *config)
		if openErr != nil {
			return openErr
		}
		m, err = torch.OpenScript(*script, sizes.Config, os.Stderr)
	case *onTorch != "":
		m, err = torch.Open(*load, *config, opt)
	default:
		m, err = lxrt.Load(context.Background(), *load, lxrt.LoadOptions{Backend: *spec, Config: *config, Options: opt})
	}
	if err != nil {
		return err
	}
	defer m.Close()
	b, err := lxrt.ReadBatch(*inputs)
	if err != nil {
		return err
	}
	r := lxmert.Request{Want: lxmert.All(strings.Split(*want, ",")...)}
	if name := os.Getenv(changeEnv); name != "" && os.Getenv("GOLXMERT_MATMUL") == "0" {
		r.Edits = []lxmert.Edit{{Name: name, Op: lxmert.Multiply, Value: lxmert.Tensor{Shape: []int{1, 1, 1, 1}, Data: []float32{1.001}}}}
	}
	x, err := m.Run(context.Background(), b, r)
	if err != nil {
		return err
	}
	return x.Save(*out)
}

// tiny compares engines on the model goldens' weights and inputs.
func tiny(folder string) Options {
	path := filepath.Join(folder, "tiny", "weights.safetensors")
	return Options{Load: path, Config: filepath.Join(folder, "config.json"), Self: []string{os.Args[0]}, Log: io.Discard}
}

func run(t *testing.T, o Options) *Report {
	t.Helper()
	r, err := Run(t.Context(), o)
	if err != nil {
		t.Fatal(err)
	}
	return r
}

// engine is what was found of one engine, which must have been compared.
func (r *Report) engine(t *testing.T, name string) Engine {
	t.Helper()
	at := slices.IndexFunc(r.Engines, func(e Engine) bool { return e.Name == name && e.Skipped == "" })
	if at < 0 {
		t.Fatalf("%s was not compared: %+v", name, r.Engines)
	}
	return r.Engines[at]
}

// original is a copy of the original code that LXMERT_ORIGINAL names, or what stands for it here.
func original() string {
	if dir := os.Getenv("LXMERT_ORIGINAL"); dir != "" {
		return dir
	}
	return filepath.Join("testdata", "original")
}

// TestPyTorchComputesTheSame: all maps, levels, sublayers and heads of the original and of transformers agree with the Go
// backend's, with all heads of pre-training, a task's, a task's of two images, the encoder alone and every activation function.
// No parameter is missing or left over in either.
func TestPyTorchComputesTheSame(t *testing.T) {
	python := goldentest.Transformers(t)
	goldentest.Each(t, "model", func(t *testing.T, folder string) {
		pretrained := tiny(folder).Load
		inputs, err := lxrt.ReadBatch(filepath.Join(folder, "tiny", "forward.safetensors"))
		if err != nil {
			t.Fatal(err)
		}
		masked, err := lxrt.ReadBatch(filepath.Join(folder, "tiny", "forward_vmask.safetensors"))
		if err != nil {
			t.Fatal(err)
		}
		for _, c := range []struct {
			name, load, activation string
			batch                  *lxmert.Batch
			onlyOriginal           bool // transformers have no such head, or take no such file
		}{
			{name: "pre-training", load: pretrained, batch: inputs},
			{name: "masked regions", load: pretrained, batch: masked},
			{name: "random inputs", load: pretrained, onlyOriginal: true},
			{name: "relu", load: pretrained, activation: "relu", batch: inputs},
			{name: "swish", load: pretrained, activation: "swish", batch: inputs},
			{name: "a .pth of several GPUs", load: filepath.Join(folder, "checkpoints", "legacy_module"), batch: inputs, onlyOriginal: true},
			{name: "fine-tuned", load: filepath.Join(folder, "checkpoints", "vqa_toy_LAST.pth"), batch: inputs},
			{name: "two images", load: withTwoImages(t, pretrained), onlyOriginal: true},
			{name: "encoder", load: encoderAlone(t, pretrained), batch: inputs},
		} {
			t.Run(c.name, func(t *testing.T) {
				o := tiny(folder)
				o.Load, o.Batch, o.Want, o.Backend = c.load, c.batch, []string{"*"}, "go"
				if c.activation != "" {
					o.Config = withActivation(t, c.load, c.activation)
				}
				o.Python, o.Original, o.Transformers = python, original(), !c.onlyOriginal
				r := run(t, o)
				if err := r.Err(); err != nil || !r.Agree {
					t.Errorf("agree %v: %v", r.Agree, err)
				}
				if e := r.engine(t, "go"); r.Reference != "original" || e.Compared != len(r.Activations) {
					t.Errorf("compared with %s: %d of %d activations", r.Reference, e.Compared, len(r.Activations))
				}
				if c.onlyOriginal {
					return
				}
				// Its masked scores are another number, so it gives none where something is masked; and it has one answer head.
				for _, a := range r.Activations {
					if d := a.Of("transformers"); d.Engine == "" && !strings.HasSuffix(a.Name, ".score") && !(c.name == "fine-tuned" && a.Name == "out.qa") {
						t.Errorf("transformers gave no %s", a.Name)
					}
				}
			})
		}
	})
}

func withActivation(t *testing.T, load, activation string) string {
	t.Helper()
	m := open(t, load)
	path := filepath.Join(t.TempDir(), "config.json")
	text, err := json.Marshal(map[string]any{"hidden_size": m.Config.Hidden, "num_attention_heads": m.Config.Heads, "hidden_act": activation})
	if err == nil {
		err = os.WriteFile(path, text, 0o666)
	}
	if err != nil {
		t.Fatal(err)
	}
	return path
}

func open(t *testing.T, name string) *weights.Model {
	t.Helper()
	m, err := weights.OpenModel(name, "")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { m.Close() })
	return m
}

// encoderAlone writes the parameters of the encoder to a file of their own.
func encoderAlone(t *testing.T, path string) string {
	t.Helper()
	return write(t, encoder(open(t, path)))
}

func encoder(m *weights.Model) (items []weights.Item) {
	for _, name := range m.Names() {
		if x, _ := m.Tensor(name); strings.HasPrefix(name, "bert.") {
			items = append(items, weights.FromTensor(name, x, ""))
		}
	}
	return items
}

// withTwoImages writes the encoder with a head for two images, as NLVR2's is, of numbers that are as good as any.
func withTwoImages(t *testing.T, path string) string {
	t.Helper()
	m := open(t, path)
	items := encoder(m)
	cfg := lxmert.Config{Hidden: m.Config.Hidden, TaskClasses: 2, TaskImages: 2}
	for _, p := range cfg.Params() {
		if !strings.HasPrefix(p.Name, "logit_fc.") {
			continue
		}
		x := make([]float32, lxmert.Size(p.Shape))
		for i := range x {
			x[i] = float32((i*7+3)%11-5) / 16
		}
		items = append(items, weights.FromFloats(p.Name, p.Shape, x, weights.F32))
	}
	return write(t, items)
}

func write(t *testing.T, items []weights.Item) string {
	t.Helper()
	out := filepath.Join(t.TempDir(), "weights.safetensors")
	if err := weights.Write(out, items, nil); err != nil {
		t.Fatal(err)
	}
	return out
}

// TestOwnEnginesAgree: XLA, XLA without what makes it faster, and Go.
func TestOwnEnginesAgree(t *testing.T) {
	backendtest.Open(t, "cpu")
	goldentest.Each(t, "model", func(t *testing.T, folder string) {
		r := run(t, tiny(folder))
		if err := r.Err(); err != nil || !r.Agree || r.Reference != "go" {
			t.Errorf("agree %v, compared with %s: %v", r.Agree, r.Reference, err)
		}
		for _, name := range []string{"cpu", "cpu, plain"} {
			if e := r.engine(t, name); e.Compared != len(r.Activations) {
				t.Errorf("%s: %d of %d activations", name, e.Compared, len(r.Activations))
			}
		}
		plain, fast := r.engine(t, "cpu, plain"), r.engine(t, "cpu")
		if !strings.Contains(plain.About, "GOLXMERT_POOL=0") || strings.Contains(fast.About, "=0") {
			t.Errorf("engines are %q and %q", fast.About, plain.About)
		}
	})
}

// TestTheFirstActivationThatDiffersIsNamed: a map that one engine computes a thousandth too large.
func TestTheFirstActivationThatDiffersIsNamed(t *testing.T) {
	backendtest.Open(t, "cpu")
	goldentest.Each(t, "model", func(t *testing.T, folder string) {
		const changed = "x.0.it"
		t.Setenv(changeEnv, changed)
		r := run(t, tiny(folder))
		if e := r.engine(t, "cpu"); !e.Agrees || e.Parts != "" {
			t.Errorf("an engine as it should be: %+v", e)
		}
		e := r.engine(t, "cpu, plain")
		err := r.Err()
		if r.Agree || e.Agrees || e.Parts != changed || !(e.Share > 1) || err == nil || !strings.HasPrefix(err.Error(), "cpu, plain parts from go at "+changed) {
			t.Errorf("agree %v, error %v, engine %+v", r.Agree, err, e)
		}
		for _, a := range r.Activations {
			if d := a.Of("cpu, plain"); a.Name == changed && !(d.Relative > 0.0009 && d.Relative < 0.0011) {
				t.Errorf("%s: %+v", changed, d)
			}
		}
	})
}

func TestWrongOptionsAreOneClearLine(t *testing.T) {
	folder := goldentest.Folders(t, "model")[0]
	script := func(text string) string {
		path := filepath.Join(t.TempDir(), "python")
		if err := os.WriteFile(path, []byte("#!/bin/sh\n"+text), 0o700); err != nil {
			t.Fatal(err)
		}
		return path
	}
	noTorch := script("echo \"ModuleNotFoundError: No module named 'torch'\" >&2\nexit 1\n")
	noTransformers := script(`echo '{"torch": "1"}'`)
	for _, c := range []struct {
		change  func(o *Options)
		options bool
		want    string
	}{
		{func(o *Options) { o.Load = "" }, true, "--load is needed"},
		{func(o *Options) { o.Load = "nowhere" }, false, "nowhere"},
		{func(o *Options) { o.Original = "x" }, true, "--lxmert and --hf are for --python"},
		{func(o *Options) { o.Tolerance = -1 }, true, "--tolerance is -1"},
		{func(o *Options) { o.Want = []string{"l.99.tt"} }, true, `no activation is called "l.99.tt"`},
		{func(o *Options) { o.Python = "no-such-python" }, false, "--python no-such-python: executable file not found"},
		{func(o *Options) { o.Python = noTorch }, false, "this Python has no PyTorch; `" + noTorch + " -m pip install torch` brings it"},
		{func(o *Options) { o.Python = noTransformers }, false, "has no transformers, which have an LXMERT"},
		{func(o *Options) { o.Python, o.Original, o.Transformers = noTransformers, "x", true }, false, "this Python has no transformers; "},
		{func(o *Options) {}, false, "--backend go is one engine, and there is none to compare it with"},
		{func(o *Options) { o.Batch, o.Inputs = &lxmert.Batch{}, "mine" }, false, "mine: batch does not fit the model: there is no text"},
	} {
		o := tiny(folder)
		o.Backend = "go"
		c.change(&o)
		_, err := Run(t.Context(), o)
		if err == nil || errors.Is(err, ErrOptions) != c.options || !strings.Contains(err.Error(), c.want) || strings.Contains(err.Error(), "\n") {
			t.Errorf("error %v, want %s", err, c.want)
		}
	}
}

// TestPythonSaysWhatIsWrongWithItsFiles, in one line that Python's own stack traces do not hide.
func TestPythonSaysWhatIsWrongWithItsFiles(t *testing.T) {
	python := goldentest.Transformers(t)
	o := tiny(goldentest.Folders(t, "model")[0])
	o.Backend, o.Python, o.Original = "go", python, t.TempDir()
	if _, err := Run(t.Context(), o); err == nil || !strings.Contains(err.Error(), "there is no src/lxrt/modeling.py in it") || strings.Contains(err.Error(), "\n") {
		t.Errorf("error %v", err)
	}
	o.Original, o.Transformers = "", true
	o.Load = withTwoImages(t, o.Load)
	if _, err := Run(t.Context(), o); err == nil || !strings.Contains(err.Error(), "transformers has no head for two images (NLVR2); --lxmert DIR compares with the original code") {
		t.Errorf("error %v", err)
	}
}

func TestWhatCannotBeSubtractedIsApart(t *testing.T) {
	x := func(shape []int, data ...float32) lxmert.Tensor { return lxmert.Tensor{Shape: shape, Data: data} }
	nan := float32(0)
	nan /= nan
	for _, c := range []struct {
		got, want lxmert.Tensor
		why       string
	}{
		{x([]int{2}, 1, 2), x([]int{1, 2}, 1, 2), "shape [2] instead of [1 2]"},
		{x([]int{2}, 1, nan), x([]int{2}, 1, 2), "entry 1 is NaN and 2"},
		{x([]int{1}, nan), x([]int{1}, nan), "entry 0 is NaN and NaN"},
	} {
		if d := apart("e", c.got, c.want, 1); d.Agrees || d.Why != c.why {
			t.Errorf("%+v, want %s", d, c.why)
		}
	}
	if d := apart("e", x([]int{2}, 1, 4.5), x([]int{2}, 1, 4), 0.5); !d.Agrees || d.Largest != 0.5 || d.Relative != 0.125 {
		t.Errorf("%+v", d)
	}
	if d := apart("e", x([]int{2}, 1, 4.5), x([]int{2}, 1, 4), 0.4); d.Agrees {
		t.Errorf("%+v", d)
	}
}
