package main

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"math"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/seed-516990b0/golxmert/analysis/embed"
	"github.com/seed-516990b0/golxmert/internal/commandline"
	"github.com/seed-516990b0/golxmert/internal/goldentest"
	"github.com/seed-516990b0/golxmert/internal/testwait"
	"github.com/seed-516990b0/golxmert/lxmert"
	"github.com/seed-516990b0/golxmert/lxmert/lxrt"
	"github.com/seed-516990b0/golxmert/lxmert/question"
)

// embedArgs are those of a run over the golden validation questions.
func embedArgs(r toyRun, want, out string, more ...string) []string {
	return append([]string{
		"embed", "--want", want, "--load", filepath.Join(r.golden, "checkpoints", "vqa_toy_LAST"), "--config", filepath.Join(r.golden, "config.json"),
		"--vocab", filepath.Join(r.golden, "tokenizer"), "--regions", filepath.Join(r.dir, "data", "mscoco_imgfeat", "val2014_obj36.tsv"),
		"--data", filepath.Join(r.dir, "data", "vqa", "minival.json"), "--out", out, "--backend", "go",
	}, more...)
}

// nlvr2Args name statements about two pictures, and their model.
func nlvr2Args(t *testing.T, r toyRun) []string {
	return []string{
		"--load", goldenStarts(t, r.golden)["nlvr2"], "--data", filepath.Join(r.dir, "data", "nlvr2", "valid.json"),
		"--regions", filepath.Join(r.dir, "data", "nlvr2_imgfeat", "valid_obj36.tsv"),
	}
}

func mustEmbed(t *testing.T, args ...string) string {
	t.Helper()
	out, errOut, err := execute(rootCommand(), args...)
	if err != nil {
		t.Fatalf("%v\n%s", err, errOut)
	}
	return out
}

// contents are all files of a folder but those that are hidden, by their names.
func contents(t *testing.T, dir string) map[string]string {
	t.Helper()
	entries, err := os.ReadDir(dir)
	if err != nil {
		t.Fatal(err)
	}
	all := map[string]string{}
	for _, e := range entries {
		if strings.HasPrefix(e.Name(), ".lock") {
			continue
		}
		text, err := os.ReadFile(filepath.Join(dir, e.Name()))
		if err != nil {
			t.Fatal(err)
		}
		all[e.Name()] = string(text)
	}
	return all
}

func same(t *testing.T, what string, got, want map[string]string) {
	t.Helper()
	for name := range want {
		if got[name] != want[name] {
			t.Errorf("%s: %s differs", what, name)
		}
	}
	if len(got) != len(want) {
		t.Errorf("%s: %d files, want %d", what, len(got), len(want))
	}
}

// TestEmbeddingsAreWhatTheModelComputesOfEachQuestionAlone compares every activation with a run of the question by itself,
// without padding.
func TestEmbeddingsAreWhatTheModelComputesOfEachQuestionAlone(t *testing.T) {
	r := newToyRun(t, goldentest.Folders(t, "model")[0])
	for name, more := range map[string][]string{"vqa": nil, "nlvr2": nlvr2Args(t, r)} {
		t.Run(name, func(t *testing.T) {
			dir := filepath.Join(t.TempDir(), "all")
			args := embedArgs(r, "*", dir, append(more, "--batchSize", "3", "--perFile", "4", "--limit", "6")...)
			mustEmbed(t, args...)
			flag := func(name string) (value string) {
				for i, a := range args {
					if a == "--"+name {
						value = args[i+1]
					}
				}
				return value
			}
			m, err := lxrt.Load(t.Context(), flag("load"), lxrt.LoadOptions{Backend: "go", Config: flag("config")})
			if err != nil {
				t.Fatal(err)
			}
			defer m.Close()
			asker, err := question.Open(m.Config(), question.Options{Weights: flag("load"), Vocab: flag("vocab"), Regions: []string{flag("regions")}})
			if err != nil {
				t.Fatal(err)
			}
			defer asker.Close()
			n := 0
			for row, err := range embed.Read(dir) {
				if err != nil {
					t.Fatal(err)
				}
				n++
				b, err := asker.Batch(t.Context(), []lxmert.Question{{Text: row.Text, Images: row.Images}})
				if err != nil {
					t.Fatal(err)
				}
				trace, err := m.Run(t.Context(), b.Batch, lxmert.Request{Want: lxmert.All("*"), NoRegions: b.NoRegions()})
				if err != nil {
					t.Fatal(err)
				}
				if !slices.Equal(row.Pieces, b.Words[0].Pieces) {
					t.Errorf("%s has the pieces %v, want %v", row.ID, row.Pieces, b.Words[0].Pieces)
				}
				for p, values := range row.Pairs {
					for _, a := range m.Config().Names() {
						if x, ok := values[a.Name]; ok {
							alike(t, fmt.Sprintf("%s of %s, picture %d", a.Name, row.ID, p), x, asFile(trace.Values[a.Name].Row(b.RowOf(m.Config().Rows(a.Name), p))))
						}
					}
				}
			}
			if n != 6 {
				t.Errorf("%d examples", n)
			}
		})
	}
}

// asFile puts words or regions before heads.
func asFile(x lxmert.Tensor) lxmert.Tensor {
	if len(x.Shape) < 3 {
		return x
	}
	y := lxmert.NewTensor(x.Shape[1], x.Shape[0], x.Shape[2])
	for h := range x.Shape[0] {
		for t := range x.Shape[1] {
			copy(y.Row(t).Row(h).Data, x.Row(h).Row(t).Data)
		}
	}
	return y
}

// alike compares as the goldens of outputs are compared, relative to the largest.
func alike(t *testing.T, what string, got, want lxmert.Tensor) {
	t.Helper()
	if !slices.Equal(got.Shape, want.Shape) {
		t.Fatalf("%s is %v, want %v", what, got.Shape, want.Shape)
	}
	largest, off := 0.0, 0.0
	for i, x := range want.Data {
		largest, off = max(largest, math.Abs(float64(x))), max(off, math.Abs(float64(x-got.Data[i])))
	}
	if off > 2e-5*largest+1e-6 {
		t.Errorf("%s is off by %.2g of %.2g", what, off, largest)
	}
}

// TestEmbeddingGoesOnFromAnywhere: files are there or not, so a run that ended at any moment has left some of them, with or
// without an index, and perhaps half a file under another name.
func TestEmbeddingGoesOnFromAnywhere(t *testing.T) {
	r := newToyRun(t, goldentest.Folders(t, "model")[0])
	args := func(dir string, more ...string) []string {
		return embedArgs(r, "hid.t.1,x.0.ti,out.task", dir, append([]string{"--batchSize", "2", "--perFile", "3", "--limit", "8", "--f16"}, more...)...)
	}
	whole := filepath.Join(t.TempDir(), "whole")
	if out := mustEmbed(t, args(whole)...); !strings.Contains(out, "has hid.t.1, x.0.ti, out.task of 8 questions in 3 files") {
		t.Errorf("the output is %s", out)
	}
	want := contents(t, whole)
	if len(want) != 5 {
		t.Fatalf("the folder has %d files", len(want))
	}
	files := func(k int) string { return fmt.Sprintf("activations-%05d-of-00003.safetensors", k) }
	for left := range 1 << 3 {
		dir := t.TempDir()
		for k := range 3 {
			if left>>k&1 == 0 {
				if err := os.WriteFile(filepath.Join(dir, "."+files(k)+".0123abcd.tmp"), []byte("half"), 0o666); err != nil {
					t.Fatal(err)
				}
			} else if err := os.WriteFile(filepath.Join(dir, files(k)), []byte(want[files(k)]), 0o666); err != nil {
				t.Fatal(err)
			}
		}
		if left > 0 {
			if err := os.WriteFile(filepath.Join(dir, "index.json"), []byte(want["index.json"]), 0o666); err != nil {
				t.Fatal(err)
			}
			if err := os.WriteFile(filepath.Join(dir, "read.py"), embed.Python, 0o666); err != nil {
				t.Fatal(err)
			}
		}
		mustEmbed(t, args(dir)...)
		same(t, fmt.Sprintf("from state %d", left), contents(t, dir), want)
	}

	parts := filepath.Join(t.TempDir(), "parts")
	for _, i := range []string{"1/2", "0/2"} {
		if out := mustEmbed(t, args(parts, "--shard", i)...); !strings.Contains(out, "part "+i+" is done") {
			t.Errorf("the output is %s", out)
		}
		if i == "1/2" {
			for _, err := range embed.Read(parts) {
				if err == nil || !strings.Contains(err.Error(), "file 0 of 3 is not done") {
					t.Errorf("half of the parts: %v", err)
				}
				break
			}
		}
	}
	same(t, "in parts", contents(t, parts), want)

	mustEmbed(t, args(parts, "--limit", "7", "--overwrite")...)
	if got := contents(t, parts); got[files(0)] == want[files(0)] || len(got) != len(want) {
		t.Errorf("overwritten with fewer questions, the folder has %d files, the first as before: %v", len(got), got[files(0)] == want[files(0)])
	}
}

// TestAKilledEmbeddingGoesOnToTheSameFiles kills the program itself.
func TestAKilledEmbeddingGoesOnToTheSameFiles(t *testing.T) {
	r := newToyRun(t, goldentest.Folders(t, "model")[0])
	binary := r.build(t)
	command := func(dir string) *exec.Cmd {
		return exec.Command(binary, embedArgs(r, "hid.*.*,out.pooled", dir, "--batchSize", "1", "--perFile", "1")...)
	}
	whole := filepath.Join(t.TempDir(), "whole")
	if out, err := command(whole).CombinedOutput(); err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	want, dir := contents(t, whole), filepath.Join(t.TempDir(), "killed")
	for _, files := range []int{1, 3} {
		cmd := command(dir)
		if err := cmd.Start(); err != nil {
			t.Fatal(err)
		}
		ended := make(chan struct{})
		go func() { cmd.Wait(); close(ended) }()
		testwait.Until(t, fmt.Sprintf("there are %d files", files), func() bool {
			found, err := filepath.Glob(filepath.Join(dir, "activations-*.safetensors"))
			return err == nil && len(found) >= files
		})
		cmd.Process.Kill()
		testwait.Receive(t, "the run is over", ended)
	}
	if out, err := command(dir).CombinedOutput(); err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	same(t, "after two kills", contents(t, dir), want)
}

// pythonSums reads a folder with its own read.py, without the package safetensors.
const pythonSums = `
import sys; sys.modules["safetensors"] = None
import json, read, numpy
index = json.load(open("index.json"))
kinds = {a["name"]: a["rows"] for a in index["activations"]}
out = []
for examples, arrays in read.files("."):
    each = (len(arrays["offset.words"]) - 1) // len(examples)
    for example, p in read.pairs(examples, arrays):
        sums = {}
        for name, kind in kinds.items():
            if kind in ("words", "regions"):
                x = read.rows(arrays, name, p, kind)
            else:
                x = arrays[name][p // each if kind == "examples" else p]
            sums[name] = [float(numpy.sum(x, dtype=numpy.float64)), len(x), str(x.dtype)]
        out.append({"id": example["id"], "pieces": example["pieces"], "sums": sums})
print(json.dumps(out))
`

func TestPythonReadsTheSameWithNumPyAlone(t *testing.T) {
	python := goldentest.Python(t)
	r := newToyRun(t, goldentest.Folders(t, "model")[0])
	for name, more := range map[string][]string{"vqa": nil, "vqa in float16": {"--f16"}, "nlvr2": nlvr2Args(t, r)} {
		t.Run(name, func(t *testing.T) {
			dir := filepath.Join(t.TempDir(), "all")
			mustEmbed(t, embedArgs(r, "hid.*.*,in.feat,x.0.ti,l.0.tt.q,r.0.ffn,out.*", dir, append(more, "--batchSize", "2", "--perFile", "3", "--limit", "5")...)...)
			cmd := exec.Command(python, "-B", "-c", pythonSums)
			cmd.Dir = dir
			var stderr bytes.Buffer
			cmd.Stderr = &stderr
			text, err := cmd.Output()
			if err != nil {
				t.Fatalf("%v\n%s", err, &stderr)
			}
			var pairs []struct {
				ID     string
				Pieces []string
				Sums   map[string][3]any
			}
			if err := json.Unmarshal(text, &pairs); err != nil {
				t.Fatal(err)
			}
			for row, err := range embed.Read(dir) {
				if err != nil {
					t.Fatal(err)
				}
				for p, values := range row.Pairs {
					theirs := pairs[0]
					pairs = pairs[1:]
					if theirs.ID != row.ID || !slices.Equal(theirs.Pieces, row.Pieces) {
						t.Errorf("Python has %s %v, Go %s %v", theirs.ID, theirs.Pieces, row.ID, row.Pieces)
					}
					for name, x := range values {
						sum, size := 0.0, 0.0
						for _, v := range x.Data {
							sum, size = sum+float64(v), size+math.Abs(float64(v))
						}
						dtype := "float32"
						if slices.Contains(more, "--f16") {
							dtype = "float16"
						}
						if got := theirs.Sums[name]; math.Abs(got[0].(float64)-sum) > 1e-9*size+1e-12 || got[1] != float64(x.Shape[0]) || got[2] != dtype {
							t.Errorf("%s of %s, picture %d: Python has %v, Go %g of %v", name, row.ID, p, got, sum, x.Shape)
						}
					}
				}
			}
			if len(pairs) > 0 {
				t.Errorf("Python has %d pairs more", len(pairs))
			}
		})
	}
}

func TestEmbedSaysWhatIsWrong(t *testing.T) {
	r := newToyRun(t, goldentest.Folders(t, "model")[0])
	out := filepath.Join(t.TempDir(), "out")
	mustEmbed(t, embedArgs(r, "out.task", out, "--limit", "2")...)
	for _, c := range []struct {
		args []string
		want string
		use  bool // an error in the command line
	}{
		{embedArgs(r, "out.task", ""), "--out is needed", true},
		{embedArgs(r, "", t.TempDir()), "--want is needed", true},
		{embedArgs(r, "hid.t.99", t.TempDir()), `--want: no activation is called "hid.t.99"`, true},
		{embedArgs(r, "out.mlm", t.TempDir()), "these weights have no masked-word head", true},
		{embedArgs(r, "out.task", t.TempDir(), "--perFile", "-1"), "--perFile and --limit not negative", true},
		{embedArgs(r, "out.task", t.TempDir(), "--batchSize", "0"), "--batchSize must be 1 or more", true},
		{embedArgs(r, "out.task", t.TempDir(), "--shard", "2/2"), "--shard 2/2: must be like 0/8", true},
		{embedArgs(r, "out.task", t.TempDir(), "--shard", "0/2", "--limit", "4"), "2 parts cannot share 1 files, as each has whole ones: files of at most 2 examples (PerFile, --perFile) are enough", false},
		{embedArgs(r, "out.*", out, "--limit", "2", "--f16"), "was made with dtype F32, now it is F16; give another folder, or overwrite it", false},
		{embedArgs(r, "out.task", out, "--limit", "3"), "was made with examples 2, now it is 3; give another folder, or overwrite it", false},
		{embedArgs(r, "out.task", t.TempDir(), nlvr2Args(t, r)[2:]...), "are about two pictures each (nlvr2), the model answers about one", false},
	} {
		if strings.Contains(c.want, "two pictures") {
			c.args = append(c.args, "--task", "nlvr2")
		}
		_, _, err := execute(rootCommand(), c.args...)
		if err == nil || !strings.Contains(err.Error(), c.want) || strings.Contains(err.Error(), "\n") || errors.Is(err, commandline.ErrUsage) != c.use {
			t.Errorf("%v:\n%v\nwant a line with %q", c.args[len(c.args)-4:], err, c.want)
		}
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	root := rootCommand()
	var log bytes.Buffer
	root.SetErr(&log)
	root.SetOut(&log)
	if code := run(ctx, root, embedArgs(r, "out.task", t.TempDir())); code != 1 || !strings.Contains(log.String(), "interrupted") {
		t.Errorf("exit code %d:\n%s", code, &log)
	}
}
