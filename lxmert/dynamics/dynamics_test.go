package dynamics_test

import (
	"errors"
	"fmt"
	"io"
	"math"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/seed-516990b0/golxmert/lxmert"
	"github.com/seed-516990b0/golxmert/lxmert/dynamics"
	"github.com/seed-516990b0/golxmert/lxmert/weights"
)

var (
	about = dynamics.About{
		Task: "vqa", Data: "/data", Kind: lxmert.Sigmoid, Epochs: 3,
		Parts: []dynamics.Part{{Splits: []string{"train", "nominival"}, Examples: 3}, {Splits: []string{"more"}, Examples: 2}},
	}
	ids = []string{"1", "22", `a "name"` + "\n", "4", ""}
)

// step records two examples of an epoch.
func step(r *dynamics.Recorder, k int) {
	at := []int{k, (k + 3) % 5}
	r.Add(at, []float32{float32(k) / 8, 0.75}, []float32{1, 0.25})
}

// record writes two epochs, and stops and goes on after each of some steps, of which there are three in each epoch.
func record(t *testing.T, path string, stops ...int) {
	t.Helper()
	r, err := dynamics.Create(path, about, ids)
	if err != nil {
		t.Fatal(err)
	}
	for i := range 6 {
		if i%3 == 0 {
			if err := r.Begin(i / 3); err != nil {
				t.Fatal(err)
			}
		}
		step(r, i%3)
		if !slices.Contains(stops, i) {
			continue
		}
		if err := r.Sync(); err != nil {
			t.Fatal(err)
		}
		step(r, 4-i%3) // which is lost, as nothing is saved after it
		if err := r.Close(); err != nil {
			t.Fatal(err)
		}
		if r, err = dynamics.Reopen(path, about, ids); err != nil {
			t.Fatal(err)
		}
		if err := r.Begin(i / 3); err != nil {
			t.Fatal(err)
		}
	}
	if err := errors.Join(r.Sync(), r.Close()); err != nil {
		t.Fatal(err)
	}
}

func TestWhatIsRecordedIsRead(t *testing.T) {
	path := filepath.Join(t.TempDir(), dynamics.FileName)
	record(t, path)
	f, err := dynamics.Read(path)
	if err != nil {
		t.Fatal(err)
	}
	if fmt.Sprint(f.About) != fmt.Sprint(about) || !slices.Equal(f.IDs, ids) {
		t.Errorf("%+v, %q", f.About, f.IDs)
	}
	// Steps 0, 1 and 2 see examples 0 and 3, 1 and 4, 2 and 0.
	nan := float32(math.NaN())
	seen := [][]float32{{0.75, 0.125, 0.25, 0.75, 0.75}, {0.25, 1, 1, 0.25, 0.25}}
	for epoch := range 3 {
		for i, got := range [][]float32{f.Probabilities[epoch], f.Scores[epoch]} {
			want := seen[i]
			if epoch == 2 {
				want = slices.Repeat([]float32{nan}, 5)
			}
			if fmt.Sprint(got) != fmt.Sprint(want) {
				t.Errorf("epoch %d: %v, want %v", epoch, got, want)
			}
		}
	}
	for example, want := range []string{"train nominival", "train nominival", "train nominival", "more", "more", ""} {
		if got := strings.Join(f.Splits(example), " "); got != want {
			t.Errorf("example %d is from %q, want %q", example, got, want)
		}
	}
}

func TestARecordThatIsInterruptedEndsWithTheSameBytes(t *testing.T) {
	dir := t.TempDir()
	whole := filepath.Join(dir, "whole.safetensors")
	record(t, whole)
	want, err := os.ReadFile(whole)
	if err != nil {
		t.Fatal(err)
	}
	for _, stops := range [][]int{{0}, {1}, {2}, {3}, {4}, {0, 1, 2, 3, 4}} {
		path := filepath.Join(dir, "parts.safetensors")
		record(t, path, stops...)
		if got, err := os.ReadFile(path); err != nil || string(got) != string(want) {
			t.Errorf("interrupted after steps %v: other bytes, %v", stops, err)
		}
	}
}

func TestOnlyTheSameRunGoesOn(t *testing.T) {
	path := filepath.Join(t.TempDir(), dynamics.FileName)
	if _, err := dynamics.Reopen(path, about, ids); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("without a file: %v", err)
	}
	record(t, path)
	moved := about
	moved.Data = "/elsewhere"
	r, err := dynamics.Reopen(path, moved, ids)
	if err != nil {
		t.Fatalf("its data have moved: %v", err)
	}
	if err := r.Begin(3); err == nil {
		t.Error("there is a fourth epoch")
	}
	if err := r.Close(); err != nil {
		t.Fatal(err)
	}
	longer, other, swapped := about, about, slices.Clone(ids)
	longer.Epochs++
	other.Task = "gqa"
	swapped[0], swapped[1] = swapped[1], swapped[0]
	for what, reopen := range map[string]func() (*dynamics.Recorder, error){
		"more epochs":    func() (*dynamics.Recorder, error) { return dynamics.Reopen(path, longer, ids) },
		"another task":   func() (*dynamics.Recorder, error) { return dynamics.Reopen(path, other, ids) },
		"other examples": func() (*dynamics.Recorder, error) { return dynamics.Reopen(path, about, swapped) },
	} {
		if _, err := reopen(); err == nil || !strings.Contains(err.Error(), "is of another run") {
			t.Errorf("%s: %v", what, err)
		}
	}
}

func TestOtherFilesAreNamedErrors(t *testing.T) {
	dir := t.TempDir()
	good := filepath.Join(dir, dynamics.FileName)
	record(t, good)
	write := func(name string, notes map[string]string, items ...weights.Item) string {
		path := filepath.Join(dir, name)
		if err := weights.Write(path, items, notes); err != nil {
			t.Fatal(err)
		}
		return path
	}
	notes := func(changed, to string) map[string]string {
		all := map[string]string{"dynamics": "1", "task": "vqa", "kind": "softmax", "parts": `[{"splits":["train"],"examples":2}]`}
		all[changed] = to
		return all
	}
	list := func(text string) weights.Item {
		return weights.Item{Name: "ids", DType: weights.U8, Shape: []int{len(text)}, Values: func(w io.Writer) error { _, err := io.WriteString(w, text); return err }}
	}
	numbers := func(name string, shape ...int) weights.Item {
		return weights.FromFloats(name, shape, make([]float32, lxmert.Size(shape)), weights.F16)
	}
	for _, c := range []struct{ path, want string }{
		{write("weights.safetensors", nil, numbers("x", 1)), "version"},
		{write("kind.safetensors", notes("kind", "cosine"), list(`["1","2"]`)), "cosine"},
		{write("parts.safetensors", notes("parts", "{"), list(`["1","2"]`)), "parts"},
		{write("negative.safetensors", notes("parts", `[{"examples":-2},{"examples":4}]`), list(`["1","2"]`)), "-2"},
		{write("none.safetensors", notes("", "")), "ids"},
		{write("few.safetensors", notes("", ""), list(`["1"]`), numbers("probability", 1, 2), numbers("score", 1, 2)), "1 ids for 2"},
		{write("no.safetensors", notes("", ""), list(`["1","2"]`), numbers("probability", 1, 2)), `"score"`},
		{write("shape.safetensors", notes("", ""), list(`["1","2"]`), numbers("probability", 2, 2), numbers("score", 1, 2)), `"score"`},
	} {
		_, err := dynamics.Read(c.path)
		if !errors.Is(err, dynamics.ErrFormat) || !strings.Contains(err.Error(), c.want) || !strings.Contains(err.Error(), c.path) {
			t.Errorf("%s: %v", filepath.Base(c.path), err)
		}
	}
	data, err := os.ReadFile(good)
	if err != nil {
		t.Fatal(err)
	}
	for n := range data {
		cut := filepath.Join(dir, "cut.safetensors")
		if err := os.WriteFile(cut, data[:n], 0o666); err != nil {
			t.Fatal(err)
		}
		if _, err := dynamics.Read(cut); err == nil {
			t.Errorf("cut after %d of %d bytes: no error", n, len(data))
		}
	}
}
