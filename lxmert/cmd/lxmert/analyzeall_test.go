package main

import (
	"bytes"
	"encoding/binary"
	"encoding/json"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/seed-516990b0/golxmert/analysis/sweep"
	"github.com/seed-516990b0/golxmert/lxmert"
	"github.com/seed-516990b0/golxmert/lxmert/toy"
	"github.com/seed-516990b0/golxmert/lxmert/train"
	"github.com/seed-516990b0/golxmert/lxmert/weights"
)

// drawnModel writes a model for the toy world, smaller than its own, with all heads, whose weights are drawn.
func drawnModel(t *testing.T, seed uint64) string {
	t.Helper()
	cfg := toy.ModelConfig()
	cfg.Hidden, cfg.Heads, cfg.Intermediate = 16, 2, 16
	source := &train.Initial{Config: cfg, Seed: seed, Range: 0.08}
	var items []weights.Item
	for _, p := range cfg.Params() {
		items = append(items, weights.Item{Name: p.Name, DType: weights.F32, Shape: p.Shape, Values: func(w io.Writer) error {
			values := make([]float32, lxmert.Size(p.Shape))
			if err := source.Read(p.Name, values, false); err != nil {
				return err
			}
			return binary.Write(w, binary.LittleEndian, values)
		}})
	}
	path := filepath.Join(t.TempDir(), "drawn.safetensors")
	if err := weights.Save(path, cfg, items, nil); err != nil {
		t.Fatal(err)
	}
	return path
}

// toySweep are the arguments of a sweep over questions of a small toy world, in whose order a picture comes again as late as can be.
func toySweep(t *testing.T) func(methods, out string, more ...string) []string {
	t.Helper()
	w, err := toy.Make(t.Context(), filepath.Join(t.TempDir(), "world"), toy.Options{Scale: 0.01})
	if err != nil {
		t.Fatal(err)
	}
	raw, err := os.ReadFile(filepath.Join(w.Data(), "vqa", "heldout.json"))
	if err != nil {
		t.Fatal(err)
	}
	var questions []map[string]any
	if err := json.Unmarshal(raw, &questions); err != nil {
		t.Fatal(err)
	}
	times, turn := map[any]int{}, map[any]int{}
	for _, q := range questions {
		turn[q["question_id"]] = times[q["img_id"]]
		times[q["img_id"]]++
	}
	slices.SortStableFunc(questions, func(a, b map[string]any) int { return turn[a["question_id"]] - turn[b["question_id"]] })
	dir := t.TempDir()
	write := func(name string, text []byte) string {
		path := filepath.Join(dir, name)
		if err := os.WriteFile(path, text, 0o666); err != nil {
			t.Fatal(err)
		}
		return path
	}
	if raw, err = json.Marshal(questions); err != nil {
		t.Fatal(err)
	}
	data := write("questions.json", raw)
	// The detector's classes are called by words that are in many questions, so that some name a region even of few questions.
	objects, attributes := write("objects.txt", []byte("what\nis\nthe\nthere\nof\n")), write("attributes.txt", []byte(strings.Join(toy.Colors, "\n")))
	load := drawnModel(t, 1)
	return func(methods, out string, more ...string) []string {
		return append([]string{
			"analyze", methods, "--load", load, "--vocab", w.Vocab(), "--answers", filepath.Join(w.Data(), "vqa", "trainval_label2ans.json"),
			"--regions", filepath.Join(w.Data(), "mscoco_imgfeat", "heldout_obj36.tsv"), "--data", data, "--objects", objects, "--attributes", attributes,
			"--out", out, "--backend", "go",
		}, more...)
	}
}

// withoutMeta are the lines of a table without their last column, which says where the numbers come from.
func withoutMeta(csv string) string {
	var lines []string
	for _, l := range strings.Split(csv, "\n") {
		if at := strings.Index(l, `,"{`); at >= 0 {
			l = l[:at]
		}
		lines = append(lines, strings.TrimRight(l, ","))
	}
	return strings.Join(lines, "\n")
}

// TestEveryMethodGoesOnAndComesInParts ranges over the list of methods: a run that was cut off goes on to the same bytes, the lines of
// parts are those of one run, and what parts are merged to is what one run finds. So a method is tested by being listed.
func TestEveryMethodGoesOnAndComesInParts(t *testing.T) {
	sweepOf := toySweep(t)
	var methods, files []string
	for _, g := range sweep.Groups() {
		for _, m := range g.Methods {
			methods = append(methods, m[0])
			if strings.HasPrefix(g.About, "say ") { // results of the others have names of their own
				files = append(files, m[0])
			}
		}
	}
	all := strings.Join(methods, ",")
	few := []string{"--limit", "9", "--batchSize", "3", "--sample", "6", "--examples", "1", "--seed", "3"}
	whole := filepath.Join(t.TempDir(), "whole")
	out, errOut, err := execute(rootCommand(), sweepOf(all, whole, few...)...)
	if err != nil || strings.Contains(errOut, "warning") {
		t.Fatalf("%v\n%s", err, errOut)
	}
	for _, name := range files {
		if found, _ := filepath.Glob(filepath.Join(whole, name+"*.csv")); len(found) == 0 {
			t.Errorf("%s has no result:\n%s", name, out)
		}
	}
	lines, states := partOf(t, whole, "examples")

	// Cut off in the middle of its third line, after some of the states that belong to it.
	cut := filepath.Join(t.TempDir(), "cut")
	if err := os.Mkdir(cut, 0o777); err != nil {
		t.Fatal(err)
	}
	begun := slices.Concat(lines[0], lines[1], lines[2][:len(lines[2])/2])
	half := states[:3*len(states)/4]
	for name, text := range map[string][]byte{"examples.jsonl": begun, "examples.states": half} {
		if err := os.WriteFile(filepath.Join(cut, name), text, 0o666); err != nil {
			t.Fatal(err)
		}
	}
	if _, errOut, err := execute(rootCommand(), sweepOf(all, cut, few...)...); err != nil {
		t.Fatalf("%v\n%s", err, errOut)
	}
	again, statesAgain := partOf(t, cut, "examples")
	for i, l := range lines {
		if i >= len(again) || !bytes.Equal(l, again[i]) {
			t.Errorf("line %d after a crash differs: %s", i, firstDifference(l, again[min(i, len(again)-1)]))
		}
	}
	if !bytes.Equal(states, statesAgain) {
		t.Error("states after a crash differ from those without")
	}

	parts := filepath.Join(t.TempDir(), "parts")
	var joined [][]byte
	var joinedStates []byte
	for _, shard := range []string{"0/2", "1/2"} {
		if _, errOut, err := execute(rootCommand(), sweepOf(all, parts, append(few, "--shard", shard)...)...); err != nil {
			t.Fatalf("%v\n%s", err, errOut)
		}
		l, s := partOf(t, parts, "examples-0000"+shard[:1]+"-of-00002")
		joined, joinedStates = append(joined, l[1:]...), append(joinedStates, s...)
	}
	for i, l := range lines[1:] {
		if i >= len(joined) || !bytes.Equal(l, joined[i]) {
			t.Errorf("line %d of the parts differs: %s", i, firstDifference(l, joined[min(i, len(joined)-1)]))
		}
	}
	if !bytes.Equal(states, joinedStates) {
		t.Error("states of parts differ from those of one run")
	}
	if _, errOut, err := execute(rootCommand(), "merge", parts); err != nil {
		t.Fatalf("%v\n%s", err, errOut)
	}
	tables, _ := filepath.Glob(filepath.Join(whole, "*.csv"))
	for _, path := range tables {
		want, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		got, err := os.ReadFile(filepath.Join(parts, filepath.Base(path)))
		if err != nil {
			t.Error(err)
			continue
		}
		if a, b := withoutMeta(string(want)), withoutMeta(string(got)); a != b {
			t.Errorf("%s of parts is\n%s\nof one run\n%s", filepath.Base(path), b, a)
		}
	}
}

// partOf are the lines and the states of a part.
func partOf(t *testing.T, dir, name string) (lines [][]byte, states []byte) {
	t.Helper()
	text, err := os.ReadFile(filepath.Join(dir, name+".jsonl"))
	if err != nil {
		t.Fatal(err)
	}
	lines = bytes.SplitAfter(text, []byte("\n"))
	states, err = os.ReadFile(filepath.Join(dir, name+".states"))
	if err != nil {
		t.Fatal(err)
	}
	return lines[:len(lines)-1], states
}

// firstDifference shows where two lines part.
func firstDifference(a, b []byte) string {
	at := 0
	for at < len(a) && at < len(b) && a[at] == b[at] {
		at++
	}
	from := max(0, at-60)
	return string(a[from:min(len(a), at+40)]) + "\nbeside\n" + string(b[from:min(len(b), at+40)])
}
