package main

import (
	"math"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/seed-516990b0/golxmert/internal/goldentest"
)

// TestHowABatchIsComputedDoesNotChangeWhatIsLearned compares the losses of runs without dropout.
func TestHowABatchIsComputedDoesNotChangeWhatIsLearned(t *testing.T) {
	requireXLA(t)
	golden := goldentest.Folders(t, "model")[0]
	r := newToyRun(t, golden)
	start := goldenStarts(t, golden)["vqa"]
	losses := func(t *testing.T, name string, flags ...string) []float64 {
		output := filepath.Join("snap", name)
		args := slices.Concat([]string{"vqa", "--train", "train,nominival", "--valid", ""}, r.common(start, output),
			[]string{"--epochs", "1", "--lr", "1e-4", "--dropout", "0"}, flags)
		if out, log, code := r.run(t, args...); code != 0 {
			t.Fatalf("exit code %d\n%s%s", code, out, log)
		}
		return r.losses(t, output)
	}
	want := losses(t, "one")
	for _, c := range []struct {
		name      string
		flags     string
		tolerance float64
		setting   string // that run.json must have
	}{
		{"accumulate", "--accumulate 2", 1e-5, ""},
		{"devices", "--devices 2 --backend cpu,devices=2", 1e-5, `"devices": 2`},
		{"multiGPU", "--multiGPU --backend cpu,devices=2", 1e-5, `"devices": 2`},
		{"rematerialize", "--rematerialize", 1e-5, ""},
		{"deterministic", "--deterministic", 0, `"deterministic": true`},
		{"bf16", "--bf16", 2e-2, `"bfloat16": true`},
	} {
		t.Run(c.name, func(t *testing.T) {
			got := losses(t, c.name, strings.Fields(c.flags)...)
			if len(got) != len(want) || len(want) < 2 {
				t.Fatalf("%d losses, expected %d", len(got), len(want))
			}
			for i := range want {
				if !(math.Abs(got[i]-want[i]) <= c.tolerance*math.Abs(want[i])) {
					t.Errorf("step %d: loss %.8g, expected %.8g", i, got[i], want[i])
				}
			}
			if settings := r.file(t, "snap", c.name, "run.json"); !strings.Contains(settings, c.setting) {
				t.Errorf("run.json has no %s:\n%s", c.setting, settings)
			}
			if c.name == "bf16" && slices.Equal(got, want) {
				t.Error("--bf16 has float32's losses")
			}
		})
	}
}

// TestStrictWantsEveryPicture trains on the golden data, of which one question has no picture that anything has.
func TestStrictWantsEveryPicture(t *testing.T) {
	requireXLA(t)
	golden := goldentest.Folders(t, "model")[0]
	r := newToyRun(t, golden)
	args := slices.Concat([]string{"vqa", "--train", "train,nominival", "--valid", ""}, r.common(goldenStarts(t, golden)["vqa"], "snap/strict"), []string{"--strict"})
	out, log, code := r.run(t, args...)
	if code != 1 || !strings.Contains(log, "questions without a picture") {
		t.Errorf("exit code %d: %s%s", code, out, log)
	}
}

// TestMaxBadStopsARunThatIsLost trains with a learning rate after which nothing is finite.
func TestMaxBadStopsARunThatIsLost(t *testing.T) {
	requireXLA(t)
	golden := goldentest.Folders(t, "model")[0]
	r := newToyRun(t, golden)
	args := slices.Concat([]string{"vqa", "--train", "train,nominival", "--valid", ""}, r.common(goldenStarts(t, golden)["vqa"], "snap/lost"),
		[]string{"--optim", "sgd", "--lr", "1e30", "--max-bad", "2"})
	out, log, code := r.run(t, args...)
	if code != 1 || !regexp.MustCompile(`in 2 steps in a row, the last with .*[0-9]+, [0-9]+`).MatchString(log) {
		t.Errorf("exit code %d: %s%s", code, out, log)
	}
}
