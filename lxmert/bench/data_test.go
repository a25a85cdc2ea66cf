package bench

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/seed-516990b0/golxmert/internal/goldentest"
	"github.com/seed-516990b0/golxmert/lxmert/region"
)

// tinyRuns has this test binary as the measured process.
func tinyRuns(t *testing.T) Runs {
	t.Helper()
	t.Setenv(serveVariable, "1")
	t.Setenv("TMPDIR", t.TempDir())
	return Runs{Repeat: 3, Self: []string{os.Args[0], "-test.run=^$"}}
}

// tinyData measures a file of some hundred small images.
func tinyData(t *testing.T) DataOptions {
	t.Helper()
	return DataOptions{Runs: tinyRuns(t), MB: 1, Batch: 5, Regions: 3, Dim: 200}
}

func dataReport(t *testing.T, o DataOptions) *DataReport {
	t.Helper()
	r, err := Data(context.Background(), o)
	if err != nil {
		t.Fatal(err)
	}
	s := r.Ours
	if !(s.ReadBestS > 0) || s.ReadMedianS < s.ReadBestS || !(s.ReadMBPerS > 0) || !(s.OpenBestS > 0) || !(s.BatchBestMS > 0) || !(s.ImagesPerS > 0) {
		t.Errorf("side %+v", s)
	}
	// Features and boxes as float32, and a little beside them.
	if numbers := int64(4 * r.File.Images * o.Regions * (o.Dim + 4)); s.StoreBytes < numbers || s.StoreBytes > r.File.Bytes {
		t.Errorf("a store of %d bytes for %d bytes of numbers", s.StoreBytes, numbers)
	}
	left, err := os.ReadDir(os.TempDir())
	if err != nil || len(left) > 0 {
		t.Errorf("left behind: %v %v", left, err)
	}
	return r
}

func TestDataMeasuresOurStoreAlone(t *testing.T) {
	o := tinyData(t)
	o.Rounds = 2
	var log strings.Builder
	o.Log = &log
	r := dataReport(t, o)
	if r.Ours.Processes != 2 || r.Ours.Batches != 6 || r.Python != nil || r.Versus != nil {
		t.Errorf("report %+v", r)
	}
	if r.File.Bytes > 1e6 || r.File.Bytes < 0.99e6 || r.File.Images < 100 || r.File.Regions != 3 || r.File.Features != 200 {
		t.Errorf("file %+v", r.File)
	}
	if !strings.Contains(log.String(), "round 2 of 2, golxmert packed in") {
		t.Errorf("log %q", &log)
	}
}

func TestDataIsTheSameInPython(t *testing.T) {
	o := tinyData(t)
	o.Peer, o.Rounds = goldentest.Python(t), 1
	r := dataReport(t, o)
	if r.Python == nil || !strings.Contains(r.Python.Engine, "NumPy") || r.Python.Batches != 3 || r.Python.StoreBytes != 0 {
		t.Fatalf("report %+v", r)
	}
	v := r.Versus
	for _, x := range []float64{v.ReadBest, v.ReadMedian, v.OpenBest, v.OpenMedian, v.BatchBest, v.BatchMedian} {
		if !(x > 0) {
			t.Errorf("ratios %+v", v)
		}
	}
}

func TestDataComparesNothingIfBatchesDiffer(t *testing.T) {
	o := tinyData(t)
	o.Peer = fakeTorch(t, "{}", `{"times_ms":[1,1,1],"digest":"00"}`)
	_, err := Data(context.Background(), o)
	if err == nil || !strings.Contains(err.Error(), "make different batches") {
		t.Errorf("error %v", err)
	}
}

func TestDataRefusesWhatItCannotMeasure(t *testing.T) {
	for _, c := range []struct {
		name    string
		change  func(*DataOptions)
		options bool
		want    string
	}{
		{"negative size", func(o *DataOptions) { o.MB = -1 }, true, "--size is -1"},
		{"negative batch", func(o *DataOptions) { o.Batch = -1 }, true, "--batch is -1"},
		{"no python", func(o *DataOptions) { o.Peer = "no-such-python" }, false, "name a Python that has NumPy"},
		{"no program", func(o *DataOptions) { o.Self = []string{"/nowhere/lxmert"} }, false, "golxmert does not start"},
	} {
		t.Run(c.name, func(t *testing.T) {
			o := tinyData(t)
			c.change(&o)
			_, err := Data(context.Background(), o)
			if err == nil || !strings.Contains(err.Error(), c.want) || errors.Is(err, ErrOptions) != c.options || strings.Contains(err.Error(), "\n") {
				t.Errorf("error %v, want %q", err, c.want)
			}
		})
	}
}

func TestDataStopsWhenCancelled(t *testing.T) {
	ctx, cancel := context.WithCancel(context.Background())
	cancel()
	if _, err := Data(ctx, tinyData(t)); !errors.Is(err, context.Canceled) {
		t.Errorf("error %v", err)
	}
}

// TestMadeUpFeaturesLookLikePublishedOnes: 36 boxes with 2048 features that begin at 0, and no box outside its picture.
func TestMadeUpFeaturesLookLikePublishedOnes(t *testing.T) {
	path := filepath.Join(t.TempDir(), "x_obj36.tsv")
	o := DataOptions{MB: 2, Regions: 36, Dim: 2048}
	file, err := writeFeatures(context.Background(), path, o)
	if err != nil {
		t.Fatal(err)
	}
	info, err := os.Stat(path)
	if err != nil || info.Size() != file.Bytes {
		t.Errorf("%d bytes are said, %v are there", file.Bytes, info.Size())
	}
	report, err := region.Verify(context.Background(), path, region.VerifyOptions{Rows: file.Images})
	if err != nil || !report.OK() || len(report.Warnings) > 0 {
		t.Errorf("%+v, %v", report, err)
	}
	if f := report.Fingerprint; f.MinBoxes != 36 || f.Dim != 2048 || f.Inverted > 0 || !(f.Zeros > 0.4 && f.Zeros < 0.6) {
		t.Errorf("fingerprint %+v", f)
	}
}

func TestOneImageIsTheSmallestFile(t *testing.T) {
	file, err := writeFeatures(context.Background(), filepath.Join(t.TempDir(), "x.tsv"), DataOptions{MB: 1, Regions: 1000, Dim: 1000})
	if err != nil || file.Images != 1 || file.Bytes < 4e6 {
		t.Errorf("%+v, %v", file, err)
	}
}

func TestPythonWithoutItsPackageIsOneClearLine(t *testing.T) {
	python := filepath.Join(t.TempDir(), "python")
	text := "#!/bin/sh\necho \"ModuleNotFoundError: No module named 'numpy'\" >&2\nexit 1\n"
	if err := os.WriteFile(python, []byte(text), 0o700); err != nil {
		t.Fatal(err)
	}
	o := tinyData(t)
	o.Peer = python
	_, err := Data(context.Background(), o)
	want := fmt.Sprintf("--peer %s: this Python has no NumPy; `%s -m pip install numpy` brings it", python, python)
	if err == nil || err.Error() != want {
		t.Errorf("error %v, want %s", err, want)
	}
}
