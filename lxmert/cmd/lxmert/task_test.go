package main

import (
	"bufio"
	"encoding/json"
	"fmt"
	"math"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/seed-516990b0/golxmert/internal/goldentest"
	"github.com/seed-516990b0/golxmert/lxmert/weights"
)

// toyRun is the working directory of a golden task: a copy of its data, so that packing writes nothing into the original.
type toyRun struct {
	root        string // of this module
	golden, dir string
	want        map[string]json.RawMessage // tasks.json
}

func newToyRun(t *testing.T, golden string) toyRun {
	t.Helper()
	r := toyRun{root: goldentest.Root(t), golden: golden, dir: t.TempDir()}
	if err := os.CopyFS(filepath.Join(r.dir, "data"), os.DirFS(filepath.Join(golden, "toy", "data"))); err != nil {
		t.Fatal(err)
	}
	text, err := os.ReadFile(filepath.Join(golden, "toy_expected", "tasks.json"))
	if err != nil {
		t.Fatal(err)
	}
	if err := json.Unmarshal(text, &r.want); err != nil {
		t.Fatal(err)
	}
	return r
}

// read decodes an expected value.
func (r toyRun) read(t *testing.T, key string, into any) {
	t.Helper()
	if err := json.Unmarshal(r.want[key], into); err != nil {
		t.Fatalf("%s: %v", key, err)
	}
}

func (r toyRun) text(t *testing.T, key string) (s string) {
	r.read(t, key, &s)
	return s
}

// run runs a command line in the directory.
func (r toyRun) run(t *testing.T, args ...string) (out, log string, code int) {
	t.Helper()
	t.Chdir(r.dir)
	return command(t, args...)
}

// common are the flags that stand for the settings of the golden runs.
func (r toyRun) common(load, output string) []string {
	return []string{
		"--load", load, "--config", filepath.Join(r.golden, "config.json"), "--vocab", filepath.Join(r.golden, "tokenizer"),
		"--noShuffle", "--batchSize", "4", "--optim", "bert", "--lr", "1e-3", "--epochs", "2", "--output", output, "--logSteps", "1", "--backend", "cpu",
	}
}

// losses are those of every step, as metrics.jsonl has them.
func (r toyRun) losses(t *testing.T, output string) (losses []float64) {
	t.Helper()
	f, err := os.Open(filepath.Join(r.dir, output, "metrics.jsonl"))
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	for s := bufio.NewScanner(f); s.Scan(); {
		var line struct{ Loss *float64 }
		if err := json.Unmarshal(s.Bytes(), &line); err != nil {
			t.Fatal(err)
		}
		if line.Loss != nil {
			losses = append(losses, *line.Loss)
		}
	}
	return losses
}

// checkUse wants every line of metrics.jsonl about a step to say which share of the machine's speed the run used.
func (r toyRun) checkUse(t *testing.T, output string) {
	t.Helper()
	largest := 0.0
	for text := range strings.Lines(r.file(t, output, "metrics.jsonl")) {
		var line struct{ Loss, MFU *float64 }
		if err := json.Unmarshal([]byte(text), &line); err != nil {
			t.Fatal(err)
		}
		switch {
		case line.Loss == nil: // of an epoch
		case line.MFU == nil || *line.MFU < 0 || *line.MFU >= 1:
			t.Errorf("mfu is not a share in %s", text)
		default:
			largest = max(largest, *line.MFU)
		}
	}
	if largest == 0 {
		t.Error("mfu is 0 in every step")
	}
}

func (r toyRun) file(t *testing.T, path ...string) string {
	t.Helper()
	text, err := os.ReadFile(filepath.Join(append([]string{r.dir}, path...)...))
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}

func (r toyRun) expected(t *testing.T, name string) string {
	t.Helper()
	text, err := os.ReadFile(filepath.Join(r.golden, "toy_expected", name))
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}

// goldenStarts are the files that the three golden runs begin with.
func goldenStarts(t *testing.T, golden string) map[string]string {
	encoder := map[string]string{"bert.": "bert."}
	return map[string]string{
		"vqa":   fineTuned(t, golden, map[string]map[string]string{"tiny/weights.safetensors": encoder, "tiny/heads.safetensors": {"vqa.": ""}}),
		"nlvr2": fineTuned(t, golden, map[string]map[string]string{"tiny/weights.safetensors": encoder, "tiny/heads.safetensors": {"nlvr2.": ""}}),
		"gqa": fineTuned(t, golden, map[string]map[string]string{
			"tiny/weights.safetensors":       {"bert.": "bert.", "answer_head.logit_fc.0": "logit_fc.0", "answer_head.logit_fc.2": "logit_fc.2"},
			"toy_expected/tasks.safetensors": {"loadqa.gqa.": ""},
		}),
	}
}

func compareLosses(t *testing.T, got, want []float64) {
	t.Helper()
	if len(got) != len(want) {
		t.Fatalf("%d losses, expected %d", len(got), len(want))
	}
	for i := range want {
		// Rounding grows with the steps: the learning rate is high and the first update is of the size of the noise.
		if tol := 2e-5 * math.Max(1, float64(i)); math.Abs(got[i]-want[i]) > tol*math.Abs(want[i]) {
			t.Errorf("step %d: loss %.7g, expected %.7g", i, got[i], want[i])
		}
	}
}

func TestTrainingCommandsAreTheReference(t *testing.T) {
	requireXLA(t)
	for _, golden := range goldentest.Folders(t, "model") {
		r := newToyRun(t, golden)
		starts := goldenStarts(t, golden)
		for _, c := range []struct {
			name, task, losses, log string
			flags                   []string
		}{
			{"vqa", "vqa", "vqa.train_losses", "vqa.log", []string{"--train", "train,nominival", "--valid", "minival"}},
			{"gqa", "gqa", "gqa.bce.train_losses", "gqa.bce.log", []string{"--train", "train,valid", "--valid", "testdev"}},
			{"gqa_mce", "gqa", "gqa.mce.train_losses", "gqa.mce.log", []string{"--train", "train,valid", "--valid", "testdev", "--mceLoss"}},
			{"nlvr2", "nlvr2", "nlvr2.train_losses", "nlvr2.log", []string{"--train", "train", "--valid", "valid"}},
		} {
			t.Run(filepath.Base(golden)+"/"+c.name, func(t *testing.T) {
				output := "snap/" + c.name
				out, log, code := r.run(t, slices.Concat([]string{c.task}, c.flags, r.common(starts[c.task], output))...)
				if code != 0 {
					t.Fatalf("exit code %d\n%s%s", code, out, log)
				}
				var want []float64
				r.read(t, c.losses, &want)
				compareLosses(t, r.losses(t, output), want)
				r.checkUse(t, output)
				if got := r.file(t, output, "log.log"); got != r.text(t, c.log) {
					t.Errorf("log.log is %q, expected %q", got, r.text(t, c.log))
				}
				if !strings.HasSuffix(out, r.text(t, c.log)) {
					t.Errorf("the log is not printed: %q", out)
				}
				if c.name == "vqa" {
					r.checkVQA(t, out, output)
					t.Run("PyTorch", func(t *testing.T) { r.checkPyTorch(t, filepath.Join(r.dir, output, "LAST.pth")) })
				}
				if c.name == "nlvr2" {
					var after float64
					r.read(t, "nlvr2.valid_after", &after)
					out, log, code := r.run(t, "nlvr2", "--test", "valid", "--load", output+"/LAST", "--config", filepath.Join(golden, "config.json"),
						"--vocab", filepath.Join(golden, "tokenizer"), "--output", "snap/after", "--backend", "cpu")
					if want := jsonText(r.want["nlvr2.valid_after"]); code != 0 || !strings.HasSuffix(out, want+"\n") {
						t.Errorf("after training: %s%s, expected %s", out, log, want)
					}
				}
			})
		}
	}
}

func jsonText(raw json.RawMessage) string { return strings.TrimSpace(string(raw)) }

// checkVQA compares what else the golden VQA run left.
func (r toyRun) checkVQA(t *testing.T, out, output string) {
	t.Helper()
	var oracle float64
	r.read(t, "vqa.oracle", &oracle)
	if want := fmt.Sprintf("Valid Oracle: %0.2f\n", 100*oracle); !strings.Contains(out, want) {
		t.Errorf("no %q in %q", want, out)
	}
	var files, keys []string
	r.read(t, "vqa.snapshots", &files)
	for _, f := range files {
		if _, err := os.Stat(filepath.Join(r.dir, output, f)); err != nil {
			t.Error(err)
		}
	}
	r.read(t, "vqa.snapshot_keys", &keys)
	w, err := weights.Open(filepath.Join(r.dir, output, "LAST.pth"))
	if err != nil {
		t.Fatal(err)
	}
	defer w.Close()
	if !slices.Equal(w.Names(), keys) {
		t.Errorf("LAST.pth has %d parameters, expected %d, in the reference's order", len(w.Names()), len(keys))
	}
	var sums map[string][2]float64 // sum, and root of the sum of squares
	r.read(t, "vqa.last_param_sums", &sums)
	if len(sums) != len(keys) {
		t.Fatalf("%d sums for %d parameters", len(sums), len(keys))
	}
	for name, want := range sums {
		x, ok := w.Tensor(name)
		if !ok {
			t.Errorf("no %s", name)
			continue
		}
		values, err := x.Float64s()
		if err != nil {
			t.Fatal(err)
		}
		sum, squares := 0.0, 0.0
		for _, v := range values {
			sum += v
			squares += v * v
		}
		if strings.HasSuffix(name, ".key.bias") {
			continue // moved by rounding
		}
		if d := math.Abs(math.Sqrt(squares) - want[1]); d > 1e-3*want[1] {
			t.Errorf("%s has norm %g, expected %g", name, math.Sqrt(squares), want[1])
		}
		if d := math.Abs(sum - want[0]); d > 2e-3*want[1]*math.Sqrt(float64(len(values))) {
			t.Errorf("%s has sum %g, expected %g", name, sum, want[0])
		}
	}
	printed, log, code := r.run(t, "vqa", "--test", "minival", "--load", output+"/LAST", "--config", filepath.Join(r.golden, "config.json"),
		"--vocab", filepath.Join(r.golden, "tokenizer"), "--output", "snap/after", "--backend", "cpu")
	if code != 0 {
		t.Fatal(log)
	}
	if want := jsonText(r.want["vqa.valid_after"]); !strings.HasSuffix(printed, want+"\n") {
		t.Errorf("after training: %q, expected the score %s", printed, want)
	}
	if got, want := r.file(t, "snap/after/minival_predict.json"), r.expected(t, "vqa_minival_predict_after.json"); got != want {
		t.Errorf("predictions after training:\n%s\nexpected:\n%s", got, want)
	}
}

// build makes the program itself, for what a process of its own must do.
func (r toyRun) build(t *testing.T) string {
	t.Helper()
	binary := filepath.Join(t.TempDir(), "lxmert")
	build := exec.Command("go", "build", "-o", binary, "./lxmert/cmd/lxmert")
	build.Dir = r.root
	if out, err := build.CombinedOutput(); err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	return binary
}

// checkPyTorch lets PyTorch open a snapshot of ours and compares the logits that it computes.
func (r toyRun) checkPyTorch(t *testing.T, snapshot string) {
	python := goldentest.Python(t)
	binary := r.build(t)
	var stderr strings.Builder
	cmd := exec.Command(binary, "bench", "forward", "--load", snapshot, "--config", filepath.Join(r.golden, "config.json"), "--peer", python,
		"--batches", "2", "--repeat", "1", "--rounds", "1", "--json", "--backend", "cpu")
	cmd.Stderr = &stderr
	out, err := cmd.Output()
	if err != nil {
		t.Fatalf("%v\n%s", err, &stderr)
	}
	var report struct {
		Difference *float64 `json:"logits_difference"`
	}
	if err := json.Unmarshal(out, &report); err != nil || report.Difference == nil {
		t.Fatalf("%v\n%s", err, out)
	}
	if *report.Difference > 1e-5 {
		t.Errorf("PyTorch's logits of %s differ by %g of the largest", snapshot, *report.Difference)
	}
}

func TestTestCommandsAreTheReference(t *testing.T) {
	requireXLA(t)
	for _, golden := range goldentest.Folders(t, "model") {
		r := newToyRun(t, golden)
		starts := goldenStarts(t, golden)
		for _, c := range []struct{ task, test, file, expected, score string }{
			{"vqa", "minival", "minival_predict.json", "vqa_minival_predict_before.json", "vqa.valid_before"},
			{"vqa", "test", "test_predict.json", "vqa_test_predict_before.json", ""},
			{"gqa", "testdev", "testdev_predict.json", "gqa_testdev_predict_before.json", "gqa.valid_before"},
			{"gqa", "submit", "submit_predict.json", "gqa_submit_predict_before.json", ""},
			{"nlvr2", "valid", "valid_predict.csv", "nlvr2_valid_predict_before.csv", "nlvr2.valid_before"},
			{"nlvr2", "test", "test_predict.csv", "nlvr2_test_predict_before.csv", "nlvr2.test_before"},
		} {
			t.Run(filepath.Base(golden)+"/"+c.task+"_"+c.test, func(t *testing.T) {
				out, log, code := r.run(t, c.task, "--test", c.test, "--load", starts[c.task], "--config", filepath.Join(golden, "config.json"),
					"--vocab", filepath.Join(golden, "tokenizer"), "--output", "snap/"+c.task, "--backend", "cpu", "--predictBatch", "8")
				if code != 0 {
					t.Fatal(log)
				}
				if got, want := r.file(t, "snap", c.task, c.file), r.expected(t, c.expected); got != want {
					t.Errorf("%s:\n%s\nexpected:\n%s", c.file, got, want)
				}
				if c.score != "" && !strings.HasSuffix(out, "\n"+jsonText(r.want[c.score])+"\n") {
					t.Errorf("printed %q, expected the score %s", out, r.want[c.score])
				}
				if c.task == "nlvr2" && c.test == "valid" {
					var consistency float64
					if err := json.Unmarshal(r.want["nlvr2.consistency_before"], &consistency); err != nil {
						t.Fatal(err)
					}
					if want := fmt.Sprintf("consistency %.2f %%", 100*consistency); !strings.Contains(log, want) {
						t.Errorf("printed %q, expected %q", log, want)
					}
				}
			})
		}
	}
}

// TestStartingPrintsTheReferencesLines stops before the first step: the data has fewer questions than the batch.
func TestStartingPrintsTheReferencesLines(t *testing.T) {
	requireXLA(t)
	for _, golden := range goldentest.Folders(t, "model") {
		r := newToyRun(t, golden)
		for _, c := range []struct {
			key, task, load string
			flags           []string
		}{
			{"vqa.init_stdout", "vqa", "legacy_plain", []string{"--train", "train,nominival", "--valid", "minival", "--loadLXMERT"}},
			{"loadqa.vqa.stdout", "vqa", "legacy_module", []string{"--train", "train,nominival", "--valid", "minival", "--loadLXMERTQA"}},
			{"loadqa.gqa.stdout", "gqa", "legacy_module", []string{"--train", "train,valid", "--valid", "testdev", "--loadLXMERTQA"}},
			{"nlvr2.init_stdout", "nlvr2", "legacy_module", []string{"--train", "train", "--valid", "valid", "--loadLXMERT"}},
		} {
			t.Run(filepath.Base(golden)+"/"+c.key, func(t *testing.T) {
				load := filepath.Join(golden, "checkpoints", c.load)
				args := slices.Concat([]string{c.task}, c.flags, []string{load}, r.common("", "snap/"+c.key), []string{"--optim", "none"})
				args = slices.Delete(args, slices.Index(args, "--load"), slices.Index(args, "--load")+2)
				out, log, code := r.run(t, args...)
				if code != 1 || !strings.Contains(log, "no optimizer") {
					t.Fatalf("exit code %d: %s", code, log)
				}
				want := strings.ReplaceAll(r.text(t, c.key), "<golden>", golden)
				if !strings.HasPrefix(out, want) {
					t.Errorf("printed %q, expected %q", out, want)
				}
			})
		}
	}
}

func TestScriptsAreTheCommandsWithTheirFlags(t *testing.T) {
	requireXLA(t)
	golden := goldentest.Folders(t, "model")[0]
	r := newToyRun(t, golden)
	start := goldenStarts(t, golden)["vqa"]
	args := []string{"run", "vqa_finetune", "0", "mine", "--tiny", "--load", start, "--loadLXMERTQA", "", "--config", filepath.Join(golden, "config.json"),
		"--vocab", filepath.Join(golden, "tokenizer"), "--batch", "4", "--epoch=2", "--lr", "1e-3", "--noSh"}
	if out, log, code := r.run(t, args...); code != 0 {
		t.Fatalf("exit code %d\n%s%s", code, out, log)
	}
	// With --tiny the nominival split is empty, so this is another run than the golden one; its files are in the right place.
	for _, name := range []string{"LAST.pth", "log.log", "metrics.jsonl", "run.json"} {
		if _, err := os.Stat(filepath.Join(r.dir, "snap", "vqa", "mine", name)); err != nil {
			t.Error(err)
		}
	}
	settings := r.file(t, "snap", "vqa", "mine", "run.json")
	for _, want := range []string{`"train": "train,nominival"`, `"valid": "minival"`, `"optim": "bert"`, `"batchSize": "4"`, `"epochs": "2"`, `"limit": "512"`, `"noShuffle": "true"`} {
		if !strings.Contains(settings, want) {
			t.Errorf("run.json has no %s:\n%s", want, settings)
		}
	}
	for _, c := range []struct {
		args string
		code int
		want string
	}{
		{"run vqa_fine 0 x", 2, "there are vqa_finetune, vqa_test"},
		{"run vqa_finetune", 2, "needs the GPUs and a name"},
		{"run vqa_finetune 0 ../x", 2, "can have no slash"},
		{"run vqa_finetune 0 x --batchSise 4", 2, "batchSise"},
		{"run vqa_finetune 0 x more", 2, `what is "more"`},
		{"vqa --resume --overwrite", 2, "give one of them"},
		{"vqa --curriculum a", 2, "is not a number of epochs"},
		{"vqa --lo x", 2, "unknown flag: --lo"},
	} {
		if _, log, code := r.run(t, strings.Fields(c.args)...); code != c.code || !strings.Contains(log, c.want) {
			t.Errorf("%s: exit code %d, %q; expected %d and %q", c.args, code, log, c.code, c.want)
		}
	}
}
