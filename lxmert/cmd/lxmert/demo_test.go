package main

import (
	"errors"
	"fmt"
	"math"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// TestDemoOfASmallWorld goes through all of the demo with a hundredth of its pictures, which teach little.
func TestDemoOfASmallWorld(t *testing.T) {
	requireXLA(t)
	t.Chdir(t.TempDir())
	demo := []string{"demo", "--dir", "world", "--scale", "0.01", "--backend", "cpu"}
	out, log, code := command(t, demo...)
	if code != 0 {
		t.Fatalf("exit code %d\n%s\n%s", code, out, log)
	}
	for _, name := range []string{"toy/LAST.pth", "toy/BEST.pth", "toy/log.log", "toy/metrics.jsonl", "toy_blind/LAST.pth", "toy_results/test_predict.json"} {
		if _, err := os.Stat(filepath.Join("world", "snap", "vqa", filepath.FromSlash(name))); err != nil {
			t.Error(err)
		}
	}
	table := func(out string) string {
		_, after, _ := strings.Cut(out, "== Right answers, in percent")
		table, _, _ := strings.Cut(after, "Pictures with combinations")
		return table
	}
	kinds, worth, _ := strings.Cut(table(out), "\n\nSeeing the pictures is worth ")
	if rows := strings.Split(strings.TrimSpace(kinds), "\n"); len(rows) != 3+8 {
		t.Errorf("%d rows, expected headings, all, and eight kinds:\n%s", len(rows), table(out))
	}
	var all, novel, blind float64
	if _, err := fmt.Sscanf(kinds[strings.Index(kinds, "\nall "):], "\nall %f %f %f", &all, &novel, &blind); err != nil {
		t.Errorf("%v: %s", err, kinds)
	}
	var points float64
	if _, err := fmt.Sscanf(worth, "%f points in all", &points); err != nil || math.Abs(points-(all-blind)) > 0.11 {
		t.Errorf("%v: %q, expected %.1f points", err, worth, all-blind)
	}

	again, log, code := command(t, demo...)
	if code != 0 {
		t.Fatalf("again: exit code %d\n%s", code, log)
	}
	if table(again) != table(out) {
		t.Errorf("a second run says\n%s\nthe first said\n%s", table(again), table(out))
	}
	if strings.Contains(again+log, "Epoch 0") || !strings.Contains(again+log, "LAST") {
		t.Errorf("a second run trains again:\n%s\n%s", again, log)
	}

	// What it says to try.
	_, try, _ := strings.Cut(again, "carried the answer:\n")
	line := strings.ReplaceAll(strings.TrimSpace(try), "\\\n", " ")
	before, quoted, _ := strings.Cut(line, `"`)
	question, rest, _ := strings.Cut(quoted, `"`)
	args := append(strings.Fields(before)[1:], question)
	args = append(append(args, strings.Fields(rest)...), "--backend", "go")
	out, log, code = command(t, args...)
	if code != 0 || !strings.Contains(out, "question  [CLS] ") {
		t.Fatalf("%q: exit code %d\n%s\n%s", args, code, out, log)
	}
	page, err := os.ReadFile("explanation.html")
	if err != nil || !strings.Contains(string(page), question) || !strings.Contains(string(page), "data:image/") {
		t.Errorf("explanation.html shows neither the question nor its picture: %v", err)
	}
}

func TestDemoMakesNothingForABackendThatIsNotThere(t *testing.T) {
	world := filepath.Join(t.TempDir(), "world")
	if _, log, code := command(t, "demo", "--dir", world, "--backend", "xla:/nowhere/xla_cuda_plugin.so"); code != 1 || !strings.Contains(log, "/nowhere/xla_cuda_plugin.so") {
		t.Errorf("exit code %d: %s", code, log)
	}
	if _, err := os.Stat(world); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("the world was made: %v", err)
	}
}
