package main

import (
	"encoding/csv"
	"errors"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/seed-516990b0/golxmert/internal/commandline"
)

// TestASeriesIsAnAnalysisOfEachModel, in order of the epochs, and goes on where it stopped.
func TestASeriesIsAnAnalysisOfEachModel(t *testing.T) {
	sweepOf, dir := toySweep(t), t.TempDir()
	var weights []string
	for i, name := range []string{"Epoch10.safetensors", "Epoch02.safetensors"} {
		path := filepath.Join(dir, name)
		if err := os.Rename(drawnModel(t, uint64(i+1)), path); err != nil {
			t.Fatal(err)
		}
		weights = append(weights, path)
	}
	out := filepath.Join(dir, "out")
	args := func(to string, more ...string) []string {
		all := sweepOf("readout,what-if,looks", to, "--limit", "6", "--batchSize", "3", "--sample", "3")
		at := slices.Index(all, "--load")
		return append(slices.Delete(all, at, at+2), more...)
	}
	said, errOut, err := execute(rootCommand(), args(out, "--series", filepath.Join(dir, "Epoch*"))...)
	if err != nil {
		t.Fatal(err, errOut)
	}
	if !strings.Contains(said, "series.html") || strings.Index(errOut, "Epoch02") > strings.Index(errOut, "Epoch10") {
		t.Errorf("said %s, %s", said, errOut)
	}
	read := func() [][]string {
		raw, err := os.ReadFile(filepath.Join(out, "series.csv"))
		if err != nil {
			t.Fatal(err)
		}
		rows, err := csv.NewReader(strings.NewReader(string(raw))).ReadAll()
		if err != nil {
			t.Fatal(err)
		}
		return rows
	}
	rows := read()
	counts := map[string]int{}
	for _, row := range rows[1:] {
		if strings.HasSuffix(row[2], ": bits") { // a model may have no temperature
			counts[row[0]]++
		}
	}
	if len(counts) != 2 || counts["2"] == 0 || counts["2"] != counts["10"] {
		t.Errorf("numbers by place: %v", counts)
	}
	for _, pattern := range []string{"series-*-share-right.pdf", "series-*-bits.csv", "series-*-perceptual-score-picture.pdf", "Epoch02/readout.csv", "Epoch10/report.html"} {
		if found, _ := filepath.Glob(filepath.Join(out, pattern)); len(found) != 1 {
			t.Errorf("%s: %v", pattern, found)
		}
	}
	// Curves are over the epoch, which the names say.
	found, _ := filepath.Glob(filepath.Join(out, "series-*-share-right.json"))
	if raw, err := os.ReadFile(strings.Join(found, "")); err != nil || !strings.Contains(string(raw), `"x_name": "epoch"`) && !strings.Contains(string(raw), `"x_name":"epoch"`) {
		t.Errorf("%v: %.300s", err, raw)
	}
	// What one model alone gives is in its folder; the same command changes nothing.
	alone := filepath.Join(dir, "alone")
	if _, errOut, err := execute(rootCommand(), args(alone, "--load", weights[1])...); err != nil {
		t.Fatal(err, errOut)
	}
	want, err1 := os.ReadFile(filepath.Join(alone, "readout.csv"))
	got, err2 := os.ReadFile(filepath.Join(out, "Epoch02", "readout.csv"))
	if err := errors.Join(err1, err2); err != nil || withoutMeta(string(got)) != withoutMeta(string(want)) {
		t.Errorf("%v: of the series\n%s\nalone\n%s", err, got, want)
	}
	if _, errOut, err := execute(rootCommand(), args(out, "--series", strings.Join(weights, ","))...); err != nil {
		t.Fatal(err, errOut)
	}
	if again := read(); len(again) != len(rows) {
		t.Errorf("%d numbers, the second time %d", len(rows), len(again))
	}
	for want, more := range map[string][]string{
		"two or more":             {"--series", weights[0]},
		"there are no such files": {"--series", filepath.Join(dir, "No*")},
		"both name weights":       {"--series", "a,b", "--load", "c"},
		"names a twice":           {"--series", "a,a"},
		"--shard is a part":       {"--series", "a,b", "--shard", "0/2"},
		"would go to one folder":  {"--series", "x/a1.pth,y/a1.pth"},
	} {
		if _, _, err := execute(rootCommand(), args(out, more...)...); !errors.Is(err, commandline.ErrUsage) || !strings.Contains(err.Error(), want) {
			t.Errorf("%v: %v, want %q", more, err, want)
		}
	}
}
