package main

import (
	"encoding/json"
	"errors"
	"math"
	"path/filepath"
	"strings"
	"testing"

	"github.com/seed-516990b0/golxmert/internal/commandline"
	"github.com/seed-516990b0/golxmert/internal/goldentest"
)

func TestAskAsksAgainWithSomethingChanged(t *testing.T) {
	dir := goldentest.Folders(t, "model")[0]
	questions := readAsked(t, filepath.Join(dir, "toy", "data", "vqa", "minival.json"))
	q := questions[0]
	ask := func(sentence string, more ...string) (string, error) {
		out, errOut, err := execute(rootCommand(), append([]string{"ask", "--backend", "go", "--load", filepath.Join(dir, "checkpoints", "vqa_toy_LAST"),
			"--config", filepath.Join(dir, "config.json"), "--vocab", filepath.Join(dir, "tokenizer"), "--image", q.Image,
			"--regions", filepath.Join(dir, "toy", "data", "mscoco_imgfeat", "val2014_obj36.tsv"), sentence}, more...)...)
		if err != nil {
			return errOut, err
		}
		return out, nil
	}
	read := func(text string) (r reply) {
		t.Helper()
		if err := json.Unmarshal([]byte(text), &r); err != nil {
			t.Fatalf("%v in %s", err, text)
		}
		return r
	}
	other := questions[1].Sentence
	changes := []string{"--what-if", other, "--without", "region 0, region 3", "--heads-off", "x.0.ti:0", "--cut", "[CLS] > regions", "--cut", "words > region 2 in x.1.ti"}
	text, err := ask(q.Sentence, append(changes, "--json")...)
	if err != nil {
		t.Fatal(err, text)
	}
	alone, err := ask(other, "--json")
	if err != nil {
		t.Fatal(err)
	}
	r, want := read(text), read(alone)
	names := []string{other, "without region 0, region 3", "heads off: x.0.ti:0", "cut [CLS] -> regions", "cut words -> region 2 in x.1.ti"}
	if len(r.WhatIf) != len(names) {
		t.Fatalf("%d changes, expected %d", len(r.WhatIf), len(names))
	}
	for i, x := range r.WhatIf {
		if x.Change != names[i] || math.Abs(x.Before-r.Answers[0].Probability) > 1e-4 || x.Difference != x.After-x.Before || x.Difference == 0 {
			t.Errorf("%s: %+v", names[i], x)
		}
	}
	if got := r.WhatIf[0].Answers[0]; got.Answer != want.Answers[0].Answer || math.Abs(got.Probability-want.Answers[0].Probability) > 1e-4 {
		t.Errorf("with other words the answer is %+v, to these alone %+v", got, want.Answers[0])
	}
	if text, err = ask(q.Sentence, append(changes, "--target", "0-1")...); err != nil || !strings.Contains(text, "\nlogit of 0-1 ") || strings.Count(text, "cut ") != 2 {
		t.Errorf("as text, %v:\n%s", err, text)
	}
	for says, flags := range map[string][]string{
		"such as":                        {"--cut", "[CLS]"},
		"nothing is called \"nobody\"":   {"--cut", "nobody > regions"},
		"no region 99":                   {"--without", "region 99"},
		"--target: target does not fit":  {"--without", "region 1", "--target", "nonsense"},
		"--target is for --explain":      {"--target", "0"},
		"the model has heads 0 to":       {"--heads-off", "x.0.ti:77"},
		"--what-if: a question is empty": {"--what-if", " "},
	} {
		if text, err := ask(q.Sentence, flags...); !errors.Is(err, commandline.ErrUsage) || !strings.Contains(err.Error(), says) {
			t.Errorf("%v: %v, must say %q\n%s", flags, err, says, text)
		}
	}
}
