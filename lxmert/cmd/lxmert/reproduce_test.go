package main

import (
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/seed-516990b0/golxmert/internal/goldentest"
	"github.com/seed-516990b0/golxmert/lxmert/dataset"
)

// percent is an expected score as the table has it.
func (r toyRun) percent(t *testing.T, key string) string {
	t.Helper()
	var x float64
	if err := json.Unmarshal(r.want[key], &x); err != nil {
		t.Fatalf("%s: %v", key, err)
	}
	return fmt.Sprintf("%.2f", 100*x)
}

// TestGivenWeightsAreScoredBesideThePublishedNumbers, as the original code scores them on its toy files.
func TestGivenWeightsAreScoredBesideThePublishedNumbers(t *testing.T) {
	requireXLA(t)
	for _, golden := range goldentest.Folders(t, "model") {
		r := newToyRun(t, golden)
		starts := goldenStarts(t, golden)
		for _, c := range []struct {
			task   string
			own    []string // keys of the scores
			handIn string
		}{
			{"vqa", []string{"vqa.valid_before"}, "test_predict.json"},
			{"gqa", []string{"gqa.valid_before"}, "submit_predict.json"},
			{"nlvr2", []string{"nlvr2.valid_before", "nlvr2.test_before"}, ""},
		} {
			t.Run(filepath.Base(golden)+"/"+c.task, func(t *testing.T) {
				out, log, code := r.run(t, "reproduce", c.task, "--load", starts[c.task], "--config", filepath.Join(golden, "config.json"),
					"--vocab", filepath.Join(golden, "tokenizer"), "--output", "snap/"+c.task, "--backend", "cpu")
				if code != 0 {
					t.Fatalf("exit code %d\n%s%s", code, out, log)
				}
				_, table, _ := strings.Cut(out, "right in percent")
				task, err := dataset.FindTask(c.task)
				if err != nil {
					t.Fatal(err)
				}
				measured := 0
				for _, p := range task.Recipe.Results {
					want := []string{p.Name, fmt.Sprintf("%.2f", p.Score)}
					if p.Split != "" {
						want = append(want, p.Split, r.percent(t, c.own[measured]))
						measured++
					} else if c.handIn != "" {
						want = append(want, "hand in snap/"+c.task+"/"+c.handIn)
					}
					if !slices.ContainsFunc(strings.Split(table, "\n"), func(line string) bool {
						return !slices.ContainsFunc(want, func(w string) bool { return !strings.Contains(line, w) })
					}) {
						t.Errorf("no line with %q in\n%s", want, table)
					}
				}
				if measured != len(c.own) {
					t.Errorf("%d scores of %d", measured, len(c.own))
				}
				if c.handIn != "" {
					if _, err := os.Stat(filepath.Join(r.dir, "snap", c.task, c.handIn)); err != nil {
						t.Error(err)
					}
				}
			})
		}
	}
}

// TestThePublishedWalkTrainsAndScores: the same command again trains nothing, and scores as before.
func TestThePublishedWalkTrainsAndScores(t *testing.T) {
	requireXLA(t)
	golden := goldentest.Folders(t, "model")[0]
	r := newToyRun(t, golden)
	for task, load := range map[string]string{"vqa": "--loadLXMERTQA", "nlvr2": "--loadLXMERT"} {
		args := []string{"reproduce", task, load, filepath.Join(golden, "checkpoints", "legacy_module"), "--config", filepath.Join(golden, "config.json"),
			"--vocab", filepath.Join(golden, "tokenizer"), "--batchSize", "4", "--epochs", "1", "--backend", "cpu"}
		first, log, code := r.run(t, args...)
		if code != 0 {
			t.Fatalf("exit code %d\n%s%s", code, first, log)
		}
		settings := r.file(t, "snap", task, "reproduce", "run.json")
		for _, want := range []string{`"optim": "bert"`, `"lr": "5e-05"`, `"epochs": "1"`} {
			if !strings.Contains(settings, want) {
				t.Errorf("run.json has no %s:\n%s", want, settings)
			}
		}
		again, log, code := r.run(t, args...)
		_, table, _ := strings.Cut(first, "right in percent")
		if code != 0 || table == "" || !strings.HasSuffix(again, table) || !strings.Contains(log, "holds this run, finished") {
			t.Errorf("again: exit code %d\n%s%s", code, again, log)
		}
	}
}

func TestWhatThePublishedWalkLacksIsNamed(t *testing.T) {
	r := newToyRun(t, goldentest.Folders(t, "model")[0])
	for _, name := range []string{"vqa/minival.json", "vqa/trainval_label2ans.json", "mscoco_imgfeat/val2014_obj36.tsv", "vqa/train.json"} {
		if err := os.Remove(filepath.Join(r.dir, "data", name)); err != nil {
			t.Fatal(err)
		}
	}
	evaluate := []string{"data/vqa/minival.json from http", "data/vqa/trainval_label2ans.json from http", "data/mscoco_imgfeat/val2014_obj36.tsv from http", "data/vocab.txt from http"}
	for flags, want := range map[string][]string{
		"":               append([]string{"data/vqa/train.json from http", "snap/pretrained/model_LXRT.pth from http", "`lxmert fetch vqa weights`", "6 of the files"}, evaluate...),
		"--load x":       append([]string{"`lxmert fetch vqa`", "4 of the files"}, evaluate...),
		"--vocab v":      {"5 of the files"},
		"--fromScratch":  {"5 of the files", "`lxmert fetch vqa`"},
		"--test minival": {"leave --test out"},
		"--data x":       {`is called "data"`},
	} {
		_, log, code := r.run(t, append([]string{"reproduce", "vqa"}, strings.Fields(flags)...)...)
		if code == 0 {
			t.Errorf("%s: exit code 0", flags)
		}
		for _, w := range want {
			if !strings.Contains(log, w) {
				t.Errorf("%s: no %q in\n%s", flags, w, log)
			}
		}
	}
	if _, log, code := r.run(t, "reproduce", "okvqa"); code != 2 || !strings.Contains(log, "there are vqa, gqa and nlvr2") {
		t.Errorf("another task: exit code %d, %s", code, log)
	}
}
