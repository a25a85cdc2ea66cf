package session_test

import (
	"errors"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/seed-516990b0/golxmert/kernel/client"
	"github.com/seed-516990b0/golxmert/lxmert"
	"github.com/seed-516990b0/golxmert/lxmert/weights"
)

// copyModel puts a copy of the golden model, and its configuration, into a folder.
func copyModel(t *testing.T, path string) string {
	t.Helper()
	for from, to := range map[string]string{"tiny/weights.safetensors": path, "config.json": filepath.Join(filepath.Dir(path), "config.json")} {
		text, err := os.ReadFile(filepath.Join(goldens(t)[0], filepath.FromSlash(from)))
		if err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(to, text, 0o666); err != nil {
			t.Fatal(err)
		}
	}
	return path
}

func opened(t *testing.T, c *client.Client) (paths []string) {
	t.Helper()
	s, err := c.Status(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	for _, m := range s.Models {
		paths = append(paths, filepath.Base(m.Weights))
	}
	return paths
}

func TestTheMemoryLimitClosesTheModelUsedLongestAgo(t *testing.T) {
	dir := t.TempDir()
	path := func(name string) client.Spec {
		return client.Spec{Weights: filepath.Join(dir, name)}
	}
	for _, name := range []string{"a", "b", "c"} {
		copyModel(t, filepath.Join(dir, name+".safetensors"))
	}
	probe, err := newResident(t).dial("x").Open(t.Context(), path("a"))
	if err != nil {
		t.Fatal(err)
	}
	bytes := probe.Info().Bytes
	t.Setenv("LXMERT_SESSION_MEMORY", sizeText(bytes*5/2))
	c := newResident(t).dial("x")
	var models []*client.Model
	for _, name := range []string{"a", "b", "a", "c"} {
		m, err := c.Open(t.Context(), path(name))
		if err != nil {
			t.Fatal(err)
		}
		models = append(models, m)
	}
	if got := opened(t, c); !slices.Equal(got, []string{"c.safetensors", "a.safetensors"}) {
		t.Errorf("open are %v", got)
	}
	_, _, batch := both(t, c, goldens(t)[0])
	if _, err := models[1].Run(t.Context(), batch, lxmert.Request{Want: lxmert.All("out.qa")}); err != nil {
		t.Errorf("a model that was closed is opened again: %v", err)
	}
	t.Setenv("LXMERT_SESSION_MEMORY", sizeText(bytes/2))
	_, err = newResident(t).dial("x").Open(t.Context(), path("a"))
	if !errors.Is(err, client.ErrFull) || !strings.Contains(err.Error(), "a.safetensors takes") || strings.Contains(err.Error(), "\n") {
		t.Errorf("a model beyond the limit: %v", err)
	}
}

func TestWeightsThatChangeAreOpenedAgain(t *testing.T) {
	path := copyModel(t, filepath.Join(t.TempDir(), "m.safetensors"))
	c := newResident(t).dial("x")
	m, err := c.Open(t.Context(), client.Spec{Weights: path})
	if err != nil {
		t.Fatal(err)
	}
	_, _, b := both(t, c, goldens(t)[0])
	hash := func() string {
		trace, err := m.Run(t.Context(), b, lxmert.Request{Want: lxmert.All("out.qa")})
		if err != nil {
			t.Fatal(err)
		}
		return trace.Provenance.Hash
	}
	before := hash()
	if hash() != before {
		t.Error("the same weights have two hashes")
	}
	// Another number in the last tensor.
	text, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	text[len(text)-2] ^= 1
	if err := os.WriteFile(path+".new", text, 0o666); err != nil {
		t.Fatal(err)
	}
	if err := os.Chtimes(path+".new", time.Time{}, time.Now().Add(time.Hour)); err != nil {
		t.Fatal(err)
	}
	if err := os.Rename(path+".new", path); err != nil {
		t.Fatal(err)
	}
	if hash() == before {
		t.Error("weights were replaced and the old ones are used")
	}
	if err := os.Remove(path); err != nil {
		t.Fatal(err)
	}
	if _, err := m.Run(t.Context(), b, lxmert.Request{Want: lxmert.All("out.qa")}); err == nil || !strings.Contains(err.Error(), "no such weights") {
		t.Errorf("weights that are gone: %v", err)
	}
}

func TestModelsThatCannotBeOpenedAreSaidWhy(t *testing.T) {
	t.Setenv("LXMERT_TOY", t.TempDir()) // before the session starts
	c := newResident(t).dial("x")
	dir := t.TempDir()
	for name, text := range map[string]string{"no.json": "{", "few.json": `["yes", "no"]`, "cut.pth": "PK\x03\x04"} {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o666); err != nil {
			t.Fatal(err)
		}
	}
	weights := filepath.Join(goldens(t)[0], "tiny", "weights")
	for name, x := range map[string]struct {
		spec client.Spec
		want string
	}{
		"nothing":           {client.Spec{Weights: filepath.Join(dir, "nothing")}, "no such weights"},
		"published ones":    {client.Spec{Weights: filepath.Join(dir, "Epoch20_LXRT.pth")}, "`lxmert fetch epoch20 --dir " + dir + "` brings it, as " + filepath.Join(dir, "snap", "pretrained", "Epoch20_LXRT.pth")},
		"a cut file":        {client.Spec{Weights: filepath.Join(dir, "cut")}, "cut.pth"},
		"unreadable names":  {client.Spec{Weights: weights, Answers: filepath.Join(dir, "no.json")}, "no.json"},
		"too few names":     {client.Spec{Weights: weights, Answers: filepath.Join(dir, "few.json")}, "has 2 answers"},
		"no such regions":   {client.Spec{Weights: weights, Regions: []string{filepath.Join(dir, "x.tsv")}}, "x.tsv"},
		"a missing world":   {client.Spec{Weights: client.Toy}, "kernel quickstart"},
		"a device as names": {client.Spec{Weights: weights, Answers: "/dev/zero"}, "is not a file"},
	} {
		if _, err := c.Open(t.Context(), x.spec); err == nil || !strings.Contains(err.Error(), x.want) || strings.Contains(err.Error(), "\n") {
			t.Errorf("%s: %v, want %q", name, err, x.want)
		}
	}
}

// TestWhatAUserShouldKnowOfTheWeightsIsANote of the model, each time that it is opened: heads that were guessed, and
// tensors that were left alone, which must be allowed.
func TestWhatAUserShouldKnowOfTheWeightsIsANote(t *testing.T) {
	c := newResident(t).dial("x")
	config := lxmert.Config{
		Vocab: 9, Hidden: 128, Heads: 2, Intermediate: 8, MaxPositions: 6, TokenTypes: 2, Activation: "gelu",
		LangLayers: 1, RegionLayers: 1, CrossLayers: 1, FeatDim: 5, BoxDim: 4,
	}
	items := []weights.Item{weights.FromFloats("optimizer.step", []int{1}, []float32{3}, weights.F32)}
	for _, p := range config.Params() {
		items = append(items, weights.FromFloats(p.Name, p.Shape, make([]float32, lxmert.Size(p.Shape)), weights.F32))
	}
	path := filepath.Join(t.TempDir(), "more.pth")
	if err := weights.Write(path, items, nil); err != nil {
		t.Fatal(err)
	}
	if _, err := c.Open(t.Context(), client.Spec{Weights: path}); err == nil || !strings.Contains(err.Error(), "AllowUnused") || strings.Contains(err.Error(), "\n") {
		t.Errorf("without AllowUnused: %v", err)
	}
	for _, when := range []string{"opened", "found open"} {
		m, err := c.Open(t.Context(), client.Spec{Weights: path, AllowUnused: true})
		if err != nil {
			t.Fatal(err)
		}
		notes := m.Info().Notes
		for _, want := range []string{"how many attention heads it has; 2, ", "1 tensors are not part of the model and left alone: optimizer.step"} {
			if !slices.ContainsFunc(notes, func(n string) bool { return strings.Contains(n, want) && strings.Contains(n, path) }) {
				t.Errorf("%s, the notes are %q, without %q", when, notes, want)
			}
		}
	}
}
