package main

import (
	"bytes"
	"encoding/json"
	"fmt"
	"math"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/seed-516990b0/golxmert/internal/goldentest"
	"github.com/seed-516990b0/golxmert/internal/safetensors"
	"github.com/seed-516990b0/golxmert/lxmert/region"
)

// asked is a question of a toy data set, of any task.
type asked struct {
	Sentence string `json:"sent"`
	Image    string `json:"img_id"`
	Left     string `json:"img0"`
	Right    string `json:"img1"`
}

func readAsked(t *testing.T, path string) (questions []asked) {
	t.Helper()
	text, err := os.ReadFile(path)
	if err == nil {
		err = json.Unmarshal(text, &questions)
	}
	if err != nil {
		t.Fatal(err)
	}
	return questions
}

// askJSON runs `lxmert ask` and returns its reply.
func askJSON(t *testing.T, args ...string) reply {
	t.Helper()
	out, errOut, err := execute(rootCommand(), append([]string{"ask", "--backend", "go", "--json"}, args...)...)
	if err != nil {
		t.Fatalf("%v\n%s", err, errOut)
	}
	var r reply
	if err := json.Unmarshal([]byte(out), &r); err != nil {
		t.Fatal(err)
	}
	return r
}

// fineTuned writes the tiny encoder with a head: parts maps the prefixes of the file's names to those of a snapshot.
func fineTuned(t *testing.T, dir string, files map[string]map[string]string) string {
	t.Helper()
	var items []safetensors.Item
	for name, parts := range files {
		data, err := os.ReadFile(filepath.Join(dir, filepath.FromSlash(name)))
		if err != nil {
			t.Fatal(err)
		}
		entries, _, start, err := safetensors.ReadHeader(bytes.NewReader(data), int64(len(data)))
		if err != nil {
			t.Fatal(err)
		}
		for _, e := range entries {
			for from, to := range parts {
				if rest, ok := strings.CutPrefix(e.Name, from); ok {
					items = append(items, safetensors.Item{Name: to + rest, DType: e.DType, Shape: e.Shape, Values: safetensors.Raw(data[start+e.Begin : start+e.End])})
				}
			}
		}
	}
	var b bytes.Buffer
	if err := safetensors.Write(&b, items, nil); err != nil {
		t.Fatal(err)
	}
	path := filepath.Join(t.TempDir(), "model.safetensors")
	if err := os.WriteFile(path, b.Bytes(), 0o666); err != nil {
		t.Fatal(err)
	}
	return path
}

// TestAskIsTheReferenceFromTextToLogits asks every validation question of the three tasks, before and after fine-tuning.
func TestAskIsTheReferenceFromTextToLogits(t *testing.T) {
	for _, dir := range goldentest.Folders(t, "model") {
		want := goldentest.Open(t, filepath.Join(dir, "toy_expected", "tasks.safetensors"))
		want.Use("loadqa.")
		data := filepath.Join(dir, "toy", "data")
		encoder := map[string]string{"bert.": "bert."}
		for _, c := range []struct{ logits, load, questions, regions, kind string }{
			{"vqa.valid_logits_after", filepath.Join(dir, "checkpoints", "vqa_toy_LAST"), "vqa/minival.json", "mscoco_imgfeat/val2014_obj36.tsv", "sigmoid"},
			{"vqa.valid_logits_before", fineTuned(t, dir, map[string]map[string]string{"tiny/weights.safetensors": encoder, "tiny/heads.safetensors": {"vqa.": ""}}),
				"vqa/minival.json", "mscoco_imgfeat/val2014_obj36.tsv", "sigmoid"},
			{"gqa.valid_logits_before", fineTuned(t, dir, map[string]map[string]string{"tiny/weights.safetensors": {"bert.": "bert.", "answer_head.logit_fc.0": "logit_fc.0", "answer_head.logit_fc.2": "logit_fc.2"}, "toy_expected/tasks.safetensors": {"loadqa.gqa.": ""}}),
				"gqa/testdev.json", "vg_gqa_imgfeat/gqa_testdev_obj36.tsv", "sigmoid"},
			{"nlvr2.valid_logits_before", fineTuned(t, dir, map[string]map[string]string{"tiny/weights.safetensors": encoder, "tiny/heads.safetensors": {"nlvr2.": ""}}),
				"nlvr2/valid.json", "nlvr2_imgfeat/valid_obj36.tsv", "softmax"},
		} {
			t.Run(filepath.Base(dir)+"/"+c.logits, func(t *testing.T) {
				regions, err := region.Open(filepath.Join(data, filepath.FromSlash(c.regions)))
				if err != nil {
					t.Fatal(err)
				}
				defer regions.Close()
				known, err := regions.IDs(t.Context())
				if err != nil {
					t.Fatal(err)
				}
				var logits []float32
				for _, q := range readAsked(t, filepath.Join(data, c.questions)) {
					args := []string{
						"--load", c.load, "--config", filepath.Join(dir, "config.json"), "--vocab", filepath.Join(dir, "tokenizer"),
						"--regions", filepath.Join(data, c.regions), "--top", "1000", q.Sentence,
					}
					there := true
					for _, id := range []string{q.Image, q.Left, q.Right} {
						if id != "" {
							there = there && slices.Contains(known, id)
							args = append(args, "--image", id)
						}
					}
					if !there { // the reference drops such questions
						continue
					}
					r := askJSON(t, args...)
					row := make([]float32, len(r.Answers))
					for _, a := range r.Answers {
						row[a.Class] = a.Logit
					}
					logits = append(logits, row...)
					checkProbabilities(t, r, c.kind)
				}
				want.Compare(c.logits, logits, goldentest.Tolerance{Relative: 2e-5, Absolute: 1e-6})
			})
		}
	}
}

func checkProbabilities(t *testing.T, r reply, kind string) {
	t.Helper()
	sum := 0.0
	for _, a := range r.Answers {
		sum += math.Exp(float64(a.Logit))
	}
	last := math.Inf(1)
	for _, a := range r.Answers {
		e := math.Exp(float64(a.Logit))
		p := e / sum
		if kind == "sigmoid" {
			p = e / (1 + e)
		}
		if r.Kind != kind || math.Abs(a.Probability-p) > 1e-6 || a.Probability > last {
			t.Errorf("%s of %+v is not %v, or out of order", kind, a, p)
		}
		last = a.Probability
	}
}

func TestAskNamesAnswersAndSaysWhatTheModelSaw(t *testing.T) {
	for _, dir := range goldentest.Folders(t, "model") {
		t.Chdir(filepath.Join(dir, "toy"))
		q := readAsked(t, filepath.Join("data", "vqa", "minival.json"))[0]
		base := []string{"ask", "--backend", "go", "--config", "../config.json", "--vocab", "../tokenizer/vocab.txt", "--regions", "data/mscoco_imgfeat/val2014_obj36.tsv", "--image", q.Image, "--load"}

		var predicted []struct{ Answer string }
		text, err := os.ReadFile("../toy_expected/vqa_minival_predict_after.json")
		if err != nil || json.Unmarshal(text, &predicted) != nil {
			t.Fatal(err)
		}
		out, errOut, err := execute(rootCommand(), append(base, "../checkpoints/vqa_toy_LAST", q.Sentence, "--top", "3")...)
		if err != nil {
			t.Fatal(err)
		}
		lines := strings.Split(out, "\n")
		if len(lines) != 7 || !strings.HasPrefix(lines[0], "question  [CLS] ") || !strings.Contains(lines[1], q.Image+", ") || !strings.HasSuffix(lines[3], "  "+predicted[0].Answer) {
			t.Errorf("expected the answer %q of\n%s", predicted[0].Answer, out)
		}
		if strings.Contains(errOut, "warning") {
			t.Error(errOut)
		}

		labels := filepath.Join(t.TempDir(), "objects_vocab.txt")
		if err := os.WriteFile(labels, []byte(strings.Repeat("thing,stuff\n", 1600)), 0o666); err != nil {
			t.Fatal(err)
		}
		out, errOut, err = execute(rootCommand(), append(base, "../checkpoints/legacy_module", "☃ "+strings.Repeat("what is red ", 9), "--objects", labels, "--top", "1000")...)
		if err != nil {
			t.Fatal(err)
		}
		for _, want := range []string{"\n          thing\n", "  matched\n", "  yes\n"} {
			if !strings.Contains(out, want) {
				t.Errorf("does not say %q:\n%s", want, out)
			}
		}
		for _, want := range []string{`does not know "☃": the model saw [UNK]`, "the model saw the first 20"} {
			if !strings.Contains(errOut, want) {
				t.Errorf("does not warn %q:\n%s", want, errOut)
			}
		}

		t.Chdir(t.TempDir())
		model := filepath.Join(dir, "checkpoints", "vqa_toy_LAST")
		out, errOut, err = execute(rootCommand(), "ask", "--backend", "go", "--load", model, "--config", filepath.Join(dir, "config.json"), "--vocab", filepath.Join(dir, "tokenizer"),
			"--regions", filepath.Join(dir, "toy", "data", "mscoco_imgfeat", "val2014_obj36.tsv"), "--image", q.Image, q.Sentence)
		if err != nil || !strings.Contains(out, "  answer ") || !strings.Contains(errOut, "by --answers FILE") {
			t.Errorf("%v\n%s%s", err, out, errOut)
		}
	}
}

func TestAskSaysWhatIsWrong(t *testing.T) {
	dir := goldentest.Folders(t, "model")[0]
	data := filepath.Join(dir, "toy", "data")
	q := readAsked(t, filepath.Join(data, "vqa", "minival.json"))[0]
	short := filepath.Join(t.TempDir(), "answers.json")
	if err := os.WriteFile(short, []byte(`["yes"]`), 0o666); err != nil {
		t.Fatal(err)
	}
	good := map[string]string{
		"--load": filepath.Join(dir, "checkpoints", "vqa_toy_LAST"), "--config": filepath.Join(dir, "config.json"), "--image": q.Image,
		"--vocab": filepath.Join(dir, "tokenizer", "vocab.txt"), "--regions": filepath.Join(data, "mscoco_imgfeat", "val2014_obj36.tsv"),
	}
	for _, c := range []struct {
		flag, value, want string
		code              int
	}{
		{"--load", "", "--load is needed", 2},
		{"--regions", "", "--regions is needed", 2},
		{"--image", "", "--image is needed", 2},
		{"--top", "0", "--top is 0", 2},
		{"--nonsense", "0", "unknown flag", 2},
		{"--image", "COCO_val2014_1000", ` images are called like "`, 1},
		{"--vocab", filepath.Join(dir, "nothing.txt"), "nothing.txt", 1},
		{"--vocab", filepath.Join(dir, "tokenizer", "vocab_odd.txt"), "--vocab", 1},
		{"--regions", filepath.Join(data, "mscoco_imgfeat", "val.tsv"), "val2014_obj36.tsv", 1},
		{"--regions", filepath.Join(data, "mscoco_imgfeat"), "name one of them: ", 1},
		{"--regions", filepath.Join(dir, "toy", "dim2048_12boxes.tsv"), "2048 features per region, the model", 1},
		{"--answers", short, "has 1 answers, the model", 1},
		{"--answers", filepath.Join(dir, "config.json"), "neither a JSON list of answers", 1},
		{"--objects", filepath.Join(dir, "nothing.txt"), "--objects: open", 1},
		{"--load", filepath.Join(dir, "tiny", "heads.safetensors"), "not an LXMERT model", 1},
	} {
		t.Run(fmt.Sprintf("%s %s", c.flag, filepath.Base(c.value)), func(t *testing.T) {
			flags := map[string]string{c.flag: c.value}
			for k, v := range good {
				if _, ok := flags[k]; !ok {
					flags[k] = v
				}
			}
			if strings.HasSuffix(c.value, "dim2048_12boxes.tsv") {
				flags["--image"] = firstImage(t, c.value)
			}
			args := []string{"ask", "--backend", "go", q.Sentence}
			for k, v := range flags {
				if v != "" {
					args = append(args, k+"="+v)
				}
			}
			_, _, err := execute(rootCommand(), args...)
			if err == nil || !strings.Contains(err.Error(), c.want) || strings.Contains(err.Error(), "\n") {
				t.Errorf("error %v does not say %q", err, c.want)
			}
			if code := run(t.Context(), rootCommand(), args); code != c.code {
				t.Errorf("exit code %d, expected %d", code, c.code)
			}
		})
	}
}

// firstImage is the id of a TSV's first image.
func firstImage(t *testing.T, path string) string {
	t.Helper()
	source, err := region.Open(path)
	if err != nil {
		t.Fatal(err)
	}
	defer source.Close()
	ids, err := source.IDs(t.Context())
	if err != nil || len(ids) == 0 {
		t.Fatalf("%s: %d images, %v", path, len(ids), err)
	}
	return ids[0]
}
