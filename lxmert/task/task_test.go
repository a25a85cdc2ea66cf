package task

import (
	"bytes"
	"context"
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"

	"github.com/seed-516990b0/golxmert/lxmert"
	"github.com/seed-516990b0/golxmert/lxmert/backend/backendtest"
	"github.com/seed-516990b0/golxmert/lxmert/dataset"
	"github.com/seed-516990b0/golxmert/lxmert/lxrt"
	"github.com/seed-516990b0/golxmert/lxmert/toy"
	"github.com/seed-516990b0/golxmert/lxmert/train"
	"github.com/seed-516990b0/golxmert/lxmert/weights"
)

func TestMain(m *testing.M) {
	backendtest.Main(m, func() {
		if worldDir != "" {
			os.RemoveAll(worldDir)
		}
	})
}

var worldDir string

// world is a small toy world, made once.
var world = sync.OnceValues(func() (*toy.World, error) {
	var err error
	if worldDir, err = os.MkdirTemp("", "lxmert-task-"); err != nil {
		return nil, err
	}
	return toy.Make(context.Background(), filepath.Join(worldDir, "world"), toy.Options{Scale: 0.02})
})

func openWorld(t *testing.T) *toy.World {
	t.Helper()
	w, err := world()
	if err != nil {
		t.Fatal(err)
	}
	return w
}

// randomModel writes a model of the toy world's size with a task's head, whose parameters are drawn.
func randomModel(t *testing.T, classes, images int) string {
	t.Helper()
	cfg := body(toy.ModelConfig())
	cfg.TaskClasses, cfg.TaskImages = classes, images
	init := &train.Initial{Config: cfg, Seed: 5, Range: 0.6}
	var items []weights.Item
	for _, p := range cfg.Params() {
		data := make([]float32, lxmert.Size(p.Shape))
		if err := init.Read(p.Name, data, false); err != nil {
			t.Fatal(err)
		}
		items = append(items, weights.FromFloats(weights.TaskName(p.Name), p.Shape, data, weights.F32))
	}
	path := filepath.Join(t.TempDir(), "model.pth")
	if err := weights.Save(path, cfg, items, nil); err != nil {
		t.Fatal(err)
	}
	return path
}

func toyOptions(t *testing.T) Options {
	w := openWorld(t)
	o := DefaultOptions()
	o.Root, o.Config, o.Vocab = w.Data(), w.Config(), w.Vocab()
	o.Output = filepath.Join(t.TempDir(), "snap")
	return o
}

// TestBucketsAndPairsPredictAlike compares with one row per question, padded to the reference's length.
func TestBucketsAndPairsPredictAlike(t *testing.T) {
	const undecided = 1e-4 // of the two largest logits
	b := backendtest.Open(t, "cpu")
	for _, c := range []struct {
		task    *dataset.Task
		split   string
		classes int
		images  int
	}{{dataset.VQA, "minival", 24, 1}, {dataset.NLVR2, "valid", 2, 2}} {
		t.Run(c.task.Name, func(t *testing.T) {
			o := toyOptions(t)
			o.Load = randomModel(t, c.classes, c.images)
			s, err := newSession(b, c.task, &o)
			if err != nil {
				t.Fatal(err)
			}
			defer s.Close()
			set, err := s.load(t.Context(), []string{c.split}, 0)
			if err != nil {
				t.Fatal(err)
			}
			m, err := lxrt.Open(b, o.Load, "", lxrt.Options{})
			if err != nil {
				t.Fatal(err)
			}
			defer m.Close()
			s.bucketedExamples = 0
			if plans, err := s.plan(set, m.Config()); err != nil || (c.task == dataset.VQA && plans[0].length == plans[len(plans)-1].length) { // NLVR2's are of one length here
				t.Errorf("sentences are not taken by their length: %v", err)
			}
			got, err := s.predict(t.Context(), m, set)
			if err != nil {
				t.Fatal(err)
			}
			different := map[int]bool{}
			const size = 32
			for from := 0; from < set.Len(); from += size {
				var index []int
				for k := from; k < min(from+size, set.Len()); k++ {
					index = append(index, k)
				}
				batch, err := set.Batch(t.Context(), s.tok, maxLength, index)
				if err != nil {
					t.Fatal(err)
				}
				trace, err := m.Run(t.Context(), batch, lxmert.Request{Want: lxmert.All("out.task")})
				if err != nil {
					t.Fatal(err)
				}
				for i, k := range index {
					row := trace.Values["out.task"].Row(i).Data
					want := argMax(row)
					different[want] = true
					if got[k] != want && row[want]-row[got[k]] > undecided {
						t.Errorf("example %d: class %d, expected %d, which is %g above", k, got[k], want, row[want]-row[got[k]])
					}
				}
			}
			if len(different) < 2 {
				t.Error("the model gives one answer to everything, so this test shows nothing")
			}
		})
	}
}

func TestPlansHaveEveryExampleOnceAndFewShapes(t *testing.T) {
	b := backendtest.Open(t, "go")
	o := toyOptions(t)
	s, err := newSession(b, dataset.VQA, &o)
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	set, err := s.load(t.Context(), []string{"train"}, 0)
	if err != nil {
		t.Fatal(err)
	}
	batches, err := s.plan(set, body(toy.ModelConfig()))
	if err != nil {
		t.Fatal(err)
	}
	seen := make([]int, set.Len())
	full := 0
	for _, p := range batches {
		for _, k := range p.index {
			seen[k]++
		}
		if len(p.index) > 32 {
			full++
		}
	}
	for k, n := range seen {
		if n != 1 {
			t.Fatalf("example %d is in %d batches", k, n)
		}
	}
	if full < len(batches)*9/10 {
		t.Errorf("%d of %d batches are more than half full", full, len(batches))
	}
}

func TestGuards(t *testing.T) {
	b := backendtest.Open(t, "go")
	run := func(task *dataset.Task, change func(o *Options)) (notes string, err error) {
		o := toyOptions(t)
		var log bytes.Buffer
		o.Notes, o.BatchSize, o.Epochs, o.Train, o.Valid = &log, 32, 1, []string{"train"}, []string{"minival"}
		o.Schedule = []float64{0.05}
		change(&o)
		if o.Test != "" {
			_, err = Test(t.Context(), b, task, o)
		} else {
			_, err = Train(t.Context(), b, task, o)
		}
		return log.String(), err
	}
	trained := filepath.Join(t.TempDir(), "trained")
	for _, c := range []struct {
		name   string
		task   *dataset.Task
		change func(o *Options)
		notes  string
		err    string
	}{
		{"NLVR2 from nothing", dataset.NLVR2, func(o *Options) { o.Valid = []string{"valid"} }, "", "--fromScratch"},
		{"NLVR2 with an answer head only", dataset.NLVR2, func(o *Options) { o.LoadLXMERTQA = "x" }, "", "NLVR2 has no answers"},
		{"VQA from nothing", dataset.VQA, func(o *Options) { o.Output = trained }, "drawn at random", ""},
		{"at chance", dataset.VQA, func(o *Options) { o.FromScratch = true }, "within a point of always giving the most frequent answer", ""},
		{"validated on what was trained on", dataset.VQA, func(o *Options) { o.Valid = []string{"train"} }, "trained on train", ""},
		{"tested on what was trained on", dataset.VQA, func(o *Options) { o.Test, o.Load = "train", filepath.Join(trained, "LAST") }, "trained on train", ""},
		{"a finished dump", dataset.VQA, func(o *Options) { o.Test, o.Load = "test", filepath.Join(trained, "LAST") }, "every question once", ""},
		{"a dump of some", dataset.VQA, func(o *Options) { o.Test, o.Load, o.Tiny = "minival", filepath.Join(trained, "LAST"), true }, "every question once", ""},
		{"no snapshot", dataset.VQA, func(o *Options) { o.Test = "test" }, "", "--load"},
		{"another task's head", dataset.GQA, func(o *Options) { o.Test, o.Load = "testdev", randomModel(t, 5, 1) }, "", "head for 5 answers"},
		{"layers that the weights have not", dataset.VQA, func(o *Options) { o.LoadLXMERT, o.LangLayers = filepath.Join(trained, "LAST"), 9 }, "", "--llayers is 9, but " + filepath.Join(trained, "LAST.pth") + " has 1; leave the flag out"},
		{"layers that the tested snapshot has not", dataset.VQA, func(o *Options) { o.Test, o.Load, o.CrossLayers = "test", filepath.Join(trained, "LAST"), 5 }, "", "--xlayers is 5, but " + filepath.Join(trained, "LAST.pth") + " has 2"},
		{"the layers that the tested snapshot has", dataset.VQA, func(o *Options) { o.Test, o.Load, o.CrossLayers = "test", filepath.Join(trained, "LAST"), 2 }, "every question once", ""},
		{"no such split", dataset.VQA, func(o *Options) { o.Train = []string{"trian"} }, "", "trian"},
		{"a batch that is too large", dataset.VQA, func(o *Options) { o.BatchSize = 1 << 20 }, "", "fewer than --batchSize"},
		{"parts that do not fit", dataset.VQA, func(o *Options) { o.Accumulate = 5 }, "", "a multiple of 5"},
	} {
		t.Run(c.name, func(t *testing.T) {
			notes, err := run(c.task, c.change)
			if (err == nil) != (c.err == "") || (err != nil && !strings.Contains(err.Error(), c.err)) {
				t.Fatalf("error %v, expected %q", err, c.err)
			}
			if err != nil && strings.Contains(err.Error(), "\n") {
				t.Errorf("more than one line: %v", err)
			}
			if !strings.Contains(notes, c.notes) {
				t.Errorf("said %q, expected %q", notes, c.notes)
			}
		})
	}
}

// TestCurriculumGoesThroughTheSplitsInTurn trains two splits of different pictures on one schedule.
func TestCurriculumGoesThroughTheSplitsInTurn(t *testing.T) {
	b := backendtest.Open(t, "cpu")
	o := toyOptions(t)
	var out bytes.Buffer
	o.Out, o.FromScratch, o.BatchSize, o.LogSteps = &out, true, 64, 1
	o.Train, o.Schedule, o.Valid, o.Blind = []string{"stage1", "stage2"}, []float64{0.5, 1.25}, nil, true
	if _, err := Train(t.Context(), b, dataset.VQA, o); err != nil {
		t.Fatal(err)
	}
	text, err := os.ReadFile(filepath.Join(o.Output, "metrics.jsonl"))
	if err != nil {
		t.Fatal(err)
	}
	steps := map[int]int{}
	for _, line := range strings.Split(strings.TrimSpace(string(text)), "\n") {
		var m struct {
			Epoch int
			Loss  *float64
		}
		if err := json.Unmarshal([]byte(line), &m); err != nil {
			t.Fatal(err)
		}
		if m.Loss != nil {
			steps[m.Epoch]++
		}
	}
	sizes := map[string]int{}
	for _, split := range o.Train {
		set, err := dataset.Load(t.Context(), dataset.VQA, []string{split}, dataset.Options{Root: o.Root})
		if err != nil {
			t.Fatal(err)
		}
		sizes[split] = set.Len() / 64
		set.Close()
	}
	want := map[int]int{0: sizes["stage1"] / 2, 1: sizes["stage2"], 2: sizes["stage2"] / 4}
	for e, n := range want {
		if steps[e] != n {
			t.Errorf("epoch %d has %d steps, expected %d", e, steps[e], n)
		}
	}
	if !strings.Contains(out.String(), "DO NOT USE VALIDATION") {
		t.Errorf("printed %q", &out)
	}
}

func TestDumpsEscapeAsPythonDoes(t *testing.T) {
	for s, want := range map[string]string{
		"a b":           `"a b"`,
		"caf\u00e9":     `"caf\u00e9"`,
		"\U0001f600":    `"\ud83d\ude00"`,
		"\"\\\n\r\t":    `"\"\\\n\r\t"`,
		"\b\f\x01\x7f<": "\"\\b\\f\\u0001\x7f<\"",
	} {
		if got := asciiJSON(s); got != want {
			t.Errorf("%q is written %s, expected %s", s, got, want)
		}
	}
	var b bytes.Buffer
	if err := writeList(&b, 0, nil); err != nil || b.String() != "[]" {
		t.Errorf("an empty list is %q, %v", &b, err)
	}
}

func TestNamesAreRelativeToTheFolder(t *testing.T) {
	o := Options{Folder: "/work", Root: "data", Output: "snap/x", Load: "/abs/m", LoadLXMERT: "snap/m", Config: "c.json"}
	before := o.settings(dataset.VQA)
	o.settle()
	if o.Root != "/work/data" || o.Output != "/work/snap/x" || o.Load != "/abs/m" || o.LoadLXMERT != "/work/snap/m" || o.Config != "/work/c.json" || o.Vocab != "" {
		t.Errorf("%+v", o)
	}
	if before["loadLXMERT"] != "snap/m" {
		t.Errorf("the settings have %q: a run that began in its folder could not be resumed from elsewhere", before["loadLXMERT"])
	}
}

func TestScoresAreWrittenAsPythonWritesThem(t *testing.T) {
	for x, want := range map[float64]string{0: "0.0", 1: "1.0", 0.5: "0.5", 2.0 / 3: "0.6666666666666666"} {
		if got := pythonFloat(x); got != want {
			t.Errorf("%v is written %s, Python writes %s", x, got, want)
		}
	}
}
