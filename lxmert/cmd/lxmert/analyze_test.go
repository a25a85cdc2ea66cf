package main

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"math"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/seed-516990b0/golxmert/internal/commandline"
	"github.com/seed-516990b0/golxmert/internal/goldentest"
)

// analyzeArgs are those of a sweep over the golden validation questions.
func analyzeArgs(r toyRun, methods, out string, more ...string) []string {
	return append([]string{
		"analyze", methods, "--load", filepath.Join(r.golden, "checkpoints", "vqa_toy_LAST"), "--config", filepath.Join(r.golden, "config.json"),
		"--vocab", filepath.Join(r.golden, "tokenizer"), "--answers", filepath.Join(r.dir, "data", "vqa", "trainval_label2ans.json"),
		"--regions", filepath.Join(r.dir, "data", "mscoco_imgfeat", "val2014_obj36.tsv"), "--data", filepath.Join(r.dir, "data", "vqa", "minival.json"),
		"--out", out, "--backend", "go",
	}, more...)
}

// exampleLines are the examples of a file of results, each as JSON.
func exampleLines(t *testing.T, path string) (examples []string) {
	t.Helper()
	text, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	for _, l := range strings.Split(strings.TrimSpace(string(text)), "\n")[1:] {
		var line struct{ Examples []json.RawMessage }
		if err := json.Unmarshal([]byte(l), &line); err != nil {
			t.Fatal(err)
		}
		for _, e := range line.Examples {
			examples = append(examples, string(e))
		}
	}
	return examples
}

func TestAnalyzeGoesOnWhereItStopped(t *testing.T) {
	r := newToyRun(t, goldentest.Folders(t, "model")[0])
	const methods = "relevance,attention,statistics,importance,divergence,clusters"
	whole := filepath.Join(t.TempDir(), "whole")
	out, errOut, err := execute(rootCommand(), analyzeArgs(r, methods, whole, "--batchSize", "3", "--perturb")...)
	if err != nil {
		t.Fatalf("%v\n%s", err, errOut)
	}
	for _, want := range []string{"accuracy of the model's answers", "agreement of methods", "perturbation test", "report.html has all of it"} {
		if !strings.Contains(out, want) {
			t.Errorf("the output lacks %q:\n%s", want, out)
		}
	}
	for _, name := range []string{
		"report.html", "citation.bib", "perturbation.csv", "perturbation.tex", "perturbation-image-probability.pdf", "perturbation-text-accuracy.json", "agreement.pdf",
		"heads-entropy.pdf", "layers-entropy.csv", "heads-importance.json", "layers-divergence-of-heads.pdf", "heads-keys-for-90.csv",
		"clusters-x-ti.pdf", "clusters-l-tt.csv", "clusters-r-ii-steps.csv",
	} {
		if info, err := os.Stat(filepath.Join(whole, name)); err != nil || info.Size() == 0 {
			t.Errorf("%s: %v", name, err)
		}
	}
	want, err := os.ReadFile(filepath.Join(whole, "examples.jsonl"))
	if err != nil {
		t.Fatal(err)
	}
	lines := bytes.SplitAfter(want, []byte("\n"))

	// Cut off in the middle of its third line, as by a crash.
	cut := filepath.Join(t.TempDir(), "cut")
	if err := os.Mkdir(cut, 0o777); err != nil {
		t.Fatal(err)
	}
	begun := slices.Concat(lines[0], lines[1], lines[2][:len(lines[2])/2])
	if err := os.WriteFile(filepath.Join(cut, "examples.jsonl"), begun, 0o666); err != nil {
		t.Fatal(err)
	}
	if _, errOut, err := execute(rootCommand(), analyzeArgs(r, methods, cut, "--batchSize", "3", "--perturb")...); err != nil {
		t.Fatalf("%v\n%s", err, errOut)
	}
	got, err := os.ReadFile(filepath.Join(cut, "examples.jsonl"))
	if err != nil {
		t.Fatal(err)
	}
	if !bytes.Equal(got, want) {
		t.Errorf("results after a crash differ from those without:\n%s\nwant\n%s", got, want)
	}

	// Other settings do not mix.
	if _, _, err := execute(rootCommand(), analyzeArgs(r, "relevance", cut)...); err == nil || !strings.Contains(err.Error(), "was made with methods [relevance attention statistics importance divergence clusters], now it is [relevance]") {
		t.Errorf("other methods in the same folder: %v", err)
	}
}

func TestAnalyzeSaysWhatTheModelDoesNotSee(t *testing.T) {
	r := newToyRun(t, goldentest.Folders(t, "model")[0])
	image := readAsked(t, filepath.Join(r.dir, "data", "vqa", "minival.json"))[0].Image
	own := filepath.Join(t.TempDir(), "own.json")
	long := strings.Repeat("what is red ", 9)
	text, err := json.Marshal([]map[string]any{{"question_id": 1, "img_id": image, "sent": "is it red?"}, {"question_id": 2, "img_id": image, "sent": long}, {"question_id": 3, "img_id": image, "sent": "☃ red?"}})
	if err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(own, text, 0o666); err != nil {
		t.Fatal(err)
	}
	_, errOut, err := execute(rootCommand(), analyzeArgs(r, "attention", filepath.Join(t.TempDir(), "out"), "--data", own)...)
	if want := "(2 remarks): \"" + long[:60] + "…\" has "; err != nil || strings.Count(errOut, want) != 1 {
		t.Errorf("%v\n%s\nlacks %s", err, errOut, want)
	}
}

func TestGoldRegionsAreCounted(t *testing.T) {
	r := newToyRun(t, goldentest.Folders(t, "model")[0])
	out := filepath.Join(t.TempDir(), "out")
	text, _, err := execute(rootCommand(), analyzeArgs(r, "relevance", out)...)
	if err != nil || strings.Contains(text, "hit rate") {
		t.Fatalf("hits without gold: %v\n%s", err, text)
	}
	// Gold that says of every question that its most relevant region is right, and of the first that no region is.
	var gold []string
	for i, e := range exampleLines(t, filepath.Join(out, "examples.jsonl")) {
		var x struct {
			ID      string
			Results map[string][]struct{ Regions []float64 }
		}
		if err := json.Unmarshal([]byte(e), &x); err != nil {
			t.Fatal(err)
		}
		regions := x.Results["relevance"][0].Regions
		best := 0
		for v := range regions {
			if regions[v] > regions[best] {
				best = v
			}
		}
		rois := []int{best}
		if i == 0 {
			rois = []int{}
		}
		line, _ := json.Marshal(map[string]any{"question_id": x.ID, "rois": rois})
		gold = append(gold, string(line))
	}
	file := filepath.Join(t.TempDir(), "gold.jsonl")
	if err := os.WriteFile(file, []byte(strings.Join(gold, "\n")), 0o666); err != nil {
		t.Fatal(err)
	}
	text, errOut, err := execute(rootCommand(), analyzeArgs(r, "relevance", filepath.Join(t.TempDir(), "gold"), "--gold", file)...)
	if err != nil {
		t.Fatalf("%v\n%s", err, errOut)
	}
	fields := strings.Fields(text[strings.Index(text, "pictures"):])
	if len(fields) < 6 || fields[1] != "relevance" || fields[2] != "1.000" {
		t.Errorf("the most relevant region is always right, but the table is\n%s", text)
	}
}

func TestAnalyzeSaysWhatIsWrong(t *testing.T) {
	r := newToyRun(t, goldentest.Folders(t, "model")[0])
	out := t.TempDir()
	broken := filepath.Join(t.TempDir(), "gold.jsonl")
	if err := os.WriteFile(broken, []byte("{\"question_id\": \"1\"}\n{"), 0o666); err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct {
		args []string
		want string
		use  bool // an error in the command line
	}{
		{analyzeArgs(r, "relevance", ""), "--out is needed", true},
		{analyzeArgs(r, "magic", out), `there is no method "magic"; there are relevance, `, false},
		{analyzeArgs(r, "relevance,relevance", out), `the method "relevance" is named twice`, false},
		{analyzeArgs(r, "statistics", out, "--perturb"), "perturbation tests need a method that scores", false},
		{analyzeArgs(r, "relevance", out, "--every-step"), "--every-step is for --perturb", true},
		{analyzeArgs(r, "relevance", out, "--shard", "3/3"), "--shard 3/3: must be like 0/8", true},
		{analyzeArgs(r, "relevance", out, "--target", "cat"), `--target: target does not fit: "cat" is neither an answer`, true},
		{analyzeArgs(r, "relevance", out, "--target", "match"), "match: the model has no such output; it has out.task", false},
		{analyzeArgs(r, "relevance", out, "--backend", "xla:/nowhere/xla_cuda_plugin.so"), "XLA plugin /nowhere/xla_cuda_plugin.so", false},
		{analyzeArgs(r, "relevance", out, "--gold", broken), "gold.jsonl:2:", false},
		{analyzeArgs(r, "relevance", out, "--images", filepath.Join(r.dir, "nothing")), "nothing", false},
		{analyzeArgs(r, "relevance", out, "--without", "regions"), "--other-question are for the method what-if", true},
		{analyzeArgs(r, "what-if", out, "--cut", "words"), `--cut "words": must be who looks`, true},
		{analyzeArgs(r, "what-if", out, "--other-question", "--what-if", "is it red?", "--what-if", "is it red?"), `the change "asked: is it red?" is named twice`, false},
		{analyzeArgs(r, "relevance", out, "--blind", "snap/none"), "--blind is for the method looks", true},
		{analyzeArgs(r, "looks", out, "--blind", filepath.Join(r.dir, "none")), "--blind: ", false},
		{analyzeArgs(r, "patching", out, "--corrupt", "everything"), "--corrupt: must be picture, words, or a file: open everything", false},
		{analyzeArgs(r, "patching", out, "--corrupt", broken), "a line is like {\"question_id\": \"12\", \"sent\":", false},
		{analyzeArgs(r, "leace", out, "--concept", "magic"), `there is no probing task "magic"; there are object, `, false},
		{analyzeArgs(r, "leace", out), "the data have no two labels for it", false},
		{analyzeArgs(r, "lens", out, "--sample", "10"), "lens is fitted to a sample of 10 questions and measures the others, and there are 10 in all", false},
		{analyzeArgs(r, "cka", out, "--sample", "-1"), "a sample of -1 questions is none", false},
		{analyzeArgs(r, "ablation", out), "the model guesses neither words nor regions, it has out.task", false},
		{[]string{"merge", t.TempDir()}, "has no results (examples*.jsonl)", false},
	} {
		_, _, err := execute(rootCommand(), c.args...)
		if err == nil || !strings.Contains(err.Error(), c.want) || strings.Contains(err.Error(), "\n") || errors.Is(err, commandline.ErrUsage) != c.use {
			t.Errorf("%v:\n%v\nwant a line with %q", c.args[:2], err, c.want)
		}
	}
}

func TestAnalyzeCountsMissingPicturesAndNamesItsProbabilities(t *testing.T) {
	r := newToyRun(t, goldentest.Folders(t, "model")[0])
	pictures, out := t.TempDir(), filepath.Join(t.TempDir(), "out")
	_, errOut, err := execute(rootCommand(), analyzeArgs(r, "relevance", out, "--images", pictures, "--examples", "4", "--limit", "6")...)
	if err != nil || strings.Count(errOut, "pictures shown are not in "+pictures) != 1 {
		t.Errorf("%v\n%s\nwant one line about missing pictures", err, errOut)
	}
	for _, e := range exampleLines(t, filepath.Join(out, "examples.jsonl")) {
		var x struct {
			Probability float64
			Shown       map[string][]struct{ Params map[string]string }
		}
		if err := json.Unmarshal([]byte(e), &x); err != nil {
			t.Fatal(err)
		}
		for _, s := range x.Shown["relevance"] {
			if s.Params["probability of answers"] != "sigmoid" {
				t.Errorf("an example's probability is %v", s.Params)
			}
		}
	}
	// The same question has the same probability from both commands.
	q := readAsked(t, filepath.Join(r.golden, "toy", "data", "vqa", "minival.json"))[0]
	text, errOut, err := execute(rootCommand(), "ask", "--backend", "go", "--load", filepath.Join(r.golden, "checkpoints", "vqa_toy_LAST"), "--json",
		"--config", filepath.Join(r.golden, "config.json"), "--vocab", filepath.Join(r.golden, "tokenizer"), "--image", q.Image,
		"--regions", filepath.Join(r.golden, "toy", "data", "mscoco_imgfeat", "val2014_obj36.tsv"), q.Sentence)
	if err != nil {
		t.Fatalf("%v\n%s", err, errOut)
	}
	var asked struct {
		Answers []struct{ Probability float64 }
	}
	var swept struct{ Probability float64 }
	if json.Unmarshal([]byte(text), &asked) != nil || json.Unmarshal([]byte(exampleLines(t, filepath.Join(out, "examples.jsonl"))[0]), &swept) != nil {
		t.Fatal(text)
	}
	if math.Abs(asked.Answers[0].Probability-swept.Probability) > 1e-4 {
		t.Errorf("ask says %g, analyze %g", asked.Answers[0].Probability, swept.Probability)
	}
}

func TestQuestionsAndModelMustBeAboutAsManyPictures(t *testing.T) {
	r := newToyRun(t, goldentest.Folders(t, "model")[0])
	statements := []string{"--data", filepath.Join(r.dir, "data", "nlvr2", "valid.json"), "--regions", filepath.Join(r.dir, "data", "nlvr2_imgfeat", "valid_obj36.tsv")}
	pairs := []string{"--load", goldenStarts(t, r.golden)["nlvr2"], "--answers", ""}
	onePicture := "are about one picture each (vqa), the model answers about two"
	twoPictures := "the questions of valid.json are about two pictures each (nlvr2), the model answers about one"
	for _, c := range []struct {
		name string
		more []string
		want string
	}{
		{"VQA for a model of two pictures", append(slices.Clone(pairs), "--task", "vqa"), onePicture},
		{"the same with a perturbation test", append(slices.Clone(pairs), "--task", "vqa", "--perturb"), onePicture},
		{"NLVR2 for a model of one picture", append(slices.Clone(statements), "--task", "nlvr2"), twoPictures},
		{"the same with a perturbation test", append(slices.Clone(statements), "--task", "nlvr2", "--perturb"), twoPictures},
	} {
		_, _, err := execute(rootCommand(), analyzeArgs(r, "relevance,statistics", t.TempDir(), c.more...)...)
		if err == nil || !strings.Contains(err.Error(), c.want) || strings.Contains(err.Error(), "\n") {
			t.Errorf("%s: %v, want a line with %q", c.name, err, c.want)
		}
	}
	// What belongs together works, with no label known.
	unlabelled := filepath.Join(t.TempDir(), "unlabelled.json")
	text, err := os.ReadFile(statements[1])
	if err != nil {
		t.Fatal(err)
	}
	var examples []map[string]any
	if err := json.Unmarshal(text, &examples); err != nil {
		t.Fatal(err)
	}
	for _, e := range examples {
		delete(e, "label")
	}
	text, _ = json.Marshal(examples)
	if err := os.WriteFile(unlabelled, text, 0o666); err != nil {
		t.Fatal(err)
	}
	for _, data := range []string{statements[1], unlabelled} {
		out := filepath.Join(t.TempDir(), "out")
		args := analyzeArgs(r, "relevance,statistics", out, append(append(slices.Clone(pairs), statements...), "--data", data, "--perturb", "--limit", "3", "--batchSize", "2")...)
		if _, errOut, err := execute(rootCommand(), args...); err != nil {
			t.Fatalf("%s: %v\n%s", data, err, errOut)
		}
		if got := exampleLines(t, filepath.Join(out, "examples.jsonl")); len(got) != 3 || strings.Contains(got[0], `"accuracy"`) != (data == statements[1]) {
			t.Errorf("%s: %d examples, want 3, with accuracy where labels are known:\n%.300s", data, len(got), got[0])
		}
	}
}

func TestAnInterruptedSweepKeepsWhatItHas(t *testing.T) {
	r := newToyRun(t, goldentest.Folders(t, "model")[0])
	out := filepath.Join(t.TempDir(), "out")
	ctx, cancel := context.WithCancel(t.Context())
	root := rootCommand()
	var log bytes.Buffer
	root.SetErr(&log)
	root.SetOut(&log)
	cancel()
	if code := run(ctx, root, analyzeArgs(r, "relevance", out, "--batchSize", "1")); code != 1 || !strings.Contains(log.String(), "interrupted") {
		t.Errorf("exit code %d:\n%s", code, &log)
	}
}
