package main

import (
	"encoding/json"
	"errors"
	"fmt"
	"math"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/seed-516990b0/golxmert/analysis/relevance"
	"github.com/seed-516990b0/golxmert/internal/commandline"
	"github.com/seed-516990b0/golxmert/internal/goldentest"
)

// changeWeights makes results those of other weights, as of a model trained with another seed.
func changeWeights(t *testing.T, from, to string) {
	t.Helper()
	text, err := os.ReadFile(filepath.Join(from, "examples.jsonl"))
	if err != nil {
		t.Fatal(err)
	}
	if err := os.Mkdir(to, 0o777); err != nil {
		t.Fatal(err)
	}
	changed := strings.Replace(string(text), `"hash":"`, `"hash":"0`, 1)
	if err := os.WriteFile(filepath.Join(to, "examples.jsonl"), []byte(changed), 0o666); err != nil {
		t.Fatal(err)
	}
}

func TestMergeAveragesOverSeeds(t *testing.T) {
	r := newToyRun(t, goldentest.Folders(t, "model")[0])
	dir := t.TempDir()
	one, two, out := filepath.Join(dir, "one"), filepath.Join(dir, "two"), filepath.Join(dir, "out")
	if _, errOut, err := execute(rootCommand(), analyzeArgs(r, "relevance,attention", one, "--perturb", "--limit", "4")...); err != nil {
		t.Fatalf("%v\n%s", err, errOut)
	}
	changeWeights(t, one, two)
	text, errOut, err := execute(rootCommand(), "merge", "--seeds", "--out", out, one, two)
	if err != nil {
		t.Fatalf("%v\n%s", err, errOut)
	}
	for _, want := range []string{"method", "gap image", "negative image", "±", "relevance", "attention", "random", "seeds.csv has this table"} {
		if !strings.Contains(text, want) {
			t.Errorf("the output lacks %q:\n%s", want, text)
		}
	}
	for _, name := range []string{"seeds.csv", "seeds.tex", "seeds.json", "seeds.pdf", "seeds-all.csv"} {
		if info, err := os.Stat(filepath.Join(out, name)); err != nil || info.Size() == 0 {
			t.Errorf("%s: %v", name, err)
		}
	}
	for _, c := range []struct {
		args []string
		want string
		use  bool
	}{
		{[]string{"merge", "--seeds", one, two}, "--out is needed", true},
		{[]string{"merge", "--out", out, one}, "--out is for --seeds", true},
		{[]string{"merge", one, two}, "are joined by --seeds", true},
		{[]string{"merge", "--seeds", "--out", out, one, one}, "sweeps 1 and 2 are of the same weights", false},
		{[]string{"merge", "--seeds", "--out", out, one}, "need at least two", false},
		{[]string{"merge", "--seeds", "--out", out, one, dir}, "has no results", false},
	} {
		if _, _, err := execute(rootCommand(), c.args...); err == nil || !strings.Contains(err.Error(), c.want) || strings.Contains(err.Error(), "\n") || errors.Is(err, commandline.ErrUsage) != c.use {
			t.Errorf("%v: %v, want a line with %q", c.args, err, c.want)
		}
	}
}

func TestPartsOfASweepAreTheWhole(t *testing.T) {
	r := newToyRun(t, goldentest.Folders(t, "model")[0])
	whole, parts := filepath.Join(t.TempDir(), "whole"), filepath.Join(t.TempDir(), "parts")
	run := func(args ...string) string {
		t.Helper()
		out, errOut, err := execute(rootCommand(), args...)
		if err != nil {
			t.Fatalf("%v\n%s", err, errOut)
		}
		return out
	}
	args := func(out string, more ...string) []string {
		return analyzeArgs(r, "relevance,gradxinput", out, append([]string{"--perturb", "--random", "2", "--seed", "5", "--every-step"}, more...)...)
	}
	run(args(whole)...)
	for _, shard := range []string{"0/3", "2/3"} {
		if out := run(args(parts, "--shard", shard)...); !strings.Contains(out, "lxmert merge") {
			t.Errorf("part %s does not say how to join: %s", shard, out)
		}
	}
	if _, _, err := execute(rootCommand(), "merge", parts); err == nil || !strings.Contains(err.Error(), "lacks examples-00001-of-00003.jsonl, part 1 of 3") {
		t.Errorf("a missing part: %v", err)
	}
	run(args(parts, "--shard", "1/3")...)
	run("merge", parts)
	var joined []string
	for _, name := range []string{"examples-00000-of-00003.jsonl", "examples-00001-of-00003.jsonl", "examples-00002-of-00003.jsonl"} {
		joined = append(joined, exampleLines(t, filepath.Join(parts, name))...)
	}
	want := exampleLines(t, filepath.Join(whole, "examples.jsonl"))
	if len(joined) != len(want) {
		t.Fatalf("%d examples in parts, %d in the whole", len(joined), len(want))
	}
	type brief struct {
		ID      string
		Answer  string
		Results map[string][]struct{ Words, Regions []float64 }
		Trials  map[string][]relevance.Trial
	}
	random := 0
	for i := range want {
		var a, b brief
		if json.Unmarshal([]byte(joined[i]), &a) != nil || json.Unmarshal([]byte(want[i]), &b) != nil || a.ID != b.ID || a.Answer != b.Answer {
			t.Fatalf("example %d:\n%s\nwant\n%s", i, joined[i], want[i])
		}
		for method, rows := range b.Results {
			for v, x := range rows[0].Regions {
				if y := a.Results[method][0].Regions[v]; y-x > 1e-5 || x-y > 1e-5 {
					t.Errorf("example %d, %s, region %d: %g in parts, %g in the whole", i, method, v, y, x)
				}
			}
		}
		for method, trials := range b.Trials {
			for k, trial := range trials {
				got := a.Trials[method][k]
				if got.Order != trial.Order || !slices.Equal(got.Steps, trial.Steps) {
					t.Fatalf("example %d, %s: %+v in parts, %+v in the whole", i, method, got, trial)
				}
				if trial.Order == "random" {
					random++
				}
				for step, x := range trial.Probability {
					if y := got.Probability[step]; y-x > 1e-4 || x-y > 1e-4 {
						t.Errorf("example %d, %s, %s of %s, step %d: %g in parts, %g in the whole", i, method, trial.Order, trial.Modality, step, y, x)
					}
				}
			}
		}
	}
	if random == 0 {
		t.Error("there is no random ranking")
	}
	// Reports over the parts and over the whole have the same numbers.
	for _, name := range []string{"agreement.json", "perturbation.json", "perturbation-image-probability.json"} {
		var tables [2]any
		for i, dir := range []string{whole, parts} {
			text, err := os.ReadFile(filepath.Join(dir, name))
			if err == nil {
				err = json.Unmarshal(text, &tables[i])
			}
			if err != nil {
				t.Fatal(err)
			}
		}
		if at := unlike(tables[0], tables[1]); at != "" {
			t.Errorf("%s: %s", name, at)
		}
	}
}

// unlike says where two JSON values differ by more than rounding; "" if they do not.
func unlike(a, b any) string {
	switch x := a.(type) {
	case map[string]any:
		y, ok := b.(map[string]any)
		if !ok || len(x) != len(y) {
			return fmt.Sprintf("%v and %v", a, b)
		}
		for key := range x {
			if at := unlike(x[key], y[key]); at != "" {
				return key + ": " + at
			}
		}
	case []any:
		y, ok := b.([]any)
		if !ok || len(x) != len(y) {
			return fmt.Sprintf("%v and %v", a, b)
		}
		for i := range x {
			if at := unlike(x[i], y[i]); at != "" {
				return fmt.Sprintf("%d: %s", i, at)
			}
		}
	case float64:
		if y, ok := b.(float64); !ok || math.Abs(x-y) > 1e-3 {
			return fmt.Sprintf("%v and %v", a, b)
		}
	default:
		if a != b {
			return fmt.Sprintf("%v and %v", a, b)
		}
	}
	return ""
}
