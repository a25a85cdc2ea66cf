package compare_test

import (
	"context"
	"encoding/json"
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/seed-516990b0/golxmert/analysis/compare"
	"github.com/seed-516990b0/golxmert/lxmert"
)

// counted is a model that counts the batches that it is asked.
type counted struct {
	lxmert.Engine
	runs int
}

func (c *counted) Run(ctx context.Context, b *lxmert.Batch, r lxmert.Request) (*lxmert.Trace, error) {
	c.runs++
	return c.Engine.Run(ctx, b, r)
}

// TestAComparisonThatWasCutOffGoesOnToTheSameResult: interrupted before its last batches, or killed after a batch, it finds the very same
// numbers and explanations as one that was not, and asks less.
func TestAComparisonThatWasCutOffGoesOnToTheSameResult(t *testing.T) {
	a, _ := small(t, 1, nil)
	b, _ := small(t, 2, nil)
	all := smallBatch(10)
	batches := func(before func(batch int)) func(yield func(compare.Asked, error) bool) {
		return func(yield func(compare.Asked, error) bool) {
			for i, rows := range [][]int{{0, 1, 2, 3}, {4, 5, 6}, {7, 8, 9}} {
				before(i)
				if !yield(asked(all.Part(rows...)), nil) {
					return
				}
			}
		}
	}
	text := func(c *compare.Comparison) string {
		raw, err := json.Marshal(c.Collection())
		if err != nil {
			t.Fatal(err)
		}
		return string(raw)
	}
	compared := func(ctx context.Context, opt compare.Options, before func(int)) (c *compare.Comparison, runs int, err error) {
		one := a
		engine := &counted{Engine: a.Engine}
		one.Engine = engine
		opt.Show = 2
		c, err = compare.Run(ctx, one, b, batches(before), opt)
		return c, engine.runs, err
	}
	whole, runs, err := compared(t.Context(), compare.Options{}, func(int) {})
	if err != nil {
		t.Fatal(err)
	}
	want := text(whole)
	for done := 1; done < 3; done++ {
		// Interrupted: what was found is saved when the run ends.
		interrupted := compare.Options{Saved: filepath.Join(t.TempDir(), "state"), SaveEvery: time.Hour}
		ctx, cancel := context.WithCancel(t.Context())
		if _, _, err := compared(ctx, interrupted, func(batch int) {
			if batch == done {
				cancel()
			}
		}); !errors.Is(err, context.Canceled) {
			t.Fatalf("interrupted, it ends with %v", err)
		}
		// Killed: what is there was saved after the batch.
		killed := compare.Options{Saved: filepath.Join(t.TempDir(), "state"), SaveEvery: 1}
		left := killed.Saved + " as it was left"
		if _, _, err := compared(t.Context(), killed, func(batch int) {
			if batch == done {
				raw, err := os.ReadFile(killed.Saved)
				if err == nil {
					err = os.WriteFile(left, raw, 0o600)
				}
				if err != nil {
					t.Fatal(err)
				}
			}
		}); err != nil {
			t.Fatal(err)
		}
		killed.Saved = left
		for name, opt := range map[string]compare.Options{"interrupted": interrupted, "killed": killed} {
			c, again, err := compared(t.Context(), opt, func(int) {})
			if err != nil {
				t.Fatalf("%s after batch %d: %v", name, done, err)
			}
			if got := text(c); got != want {
				t.Errorf("%s after batch %d, it finds another result, of %d bytes instead of %d", name, done, len(got), len(want))
			}
			if again >= runs {
				t.Errorf("%s after batch %d, it asks %d times, at once %d", name, done, again, runs)
			}
		}
	}
}

func TestAComparisonDoesNotGoOnWithAnother(t *testing.T) {
	a, _ := small(t, 1, nil)
	b, _ := small(t, 2, nil)
	all := smallBatch(6)
	first := compare.Options{Saved: filepath.Join(t.TempDir(), "state"), Show: -1}
	if _, err := compare.Run(t.Context(), a, b, inBatches(all, 0, 6), first); err != nil {
		t.Fatal(err)
	}
	raw, err := os.ReadFile(first.Saved)
	if err != nil {
		t.Fatal(err)
	}
	renamed, trained, rounded := a, a, a
	renamed.Name = "renamed"
	trained.Engine = claiming{a.Engine, func(p *lxmert.Provenance) { p.Hash = "that of other weights" }}
	rounded.Engine = claiming{a.Engine, func(p *lxmert.Provenance) { p.DType = "bfloat16" }}
	whole := inBatches(all, 0, 6)
	for name, c := range map[string]struct {
		state     []byte
		model     compare.Model
		questions func(yield func(compare.Asked, error) bool)
		want      string
	}{
		"another model":       {raw, renamed, whole, "other models, or with other settings"},
		"other weights":       {raw, trained, whole, "model 1 was another model"},
		"another precision":   {raw, rounded, whole, "model 1 was computed in float32, and is in bfloat16"},
		"cut":                 {raw[:len(raw)/2], a, whole, "damaged"},
		"empty":               {nil, a, whole, "damaged"},
		"flipped":             {append(append([]byte{}, raw[:40]...), append([]byte{raw[40] ^ 1}, raw[41:]...)...), a, whole, "damaged"},
		"fewer questions":     {raw, a, inBatches(all, 0, 3), "it has 6 questions, and there are 3"},
		"other batches":       {raw, a, inBatches(smallBatch(8), 0, 4, 4), "not whole batches of these"},
		"the same in parts":   {raw, a, inBatches(all, 0, 4, 2), ""},
		"questions of others": {raw, a, changed(whole, func(x *compare.Asked) { x.Questions[1].Text += " again" }), "other questions"},
		"other right answers": {raw, a, changed(whole, func(x *compare.Asked) { x.Right = []map[string]float64{nil, {"answer a": 1}} }), "other answers were right"},
		"other regions": {raw, a, changed(whole, func(x *compare.Asked) {
			b := *x.Batch
			b.Images = slices.Repeat([]lxmert.ImageInfo{{Source: "other.tsv"}}, 6)
			x.Batch = &b
		}), "these are of other.tsv"},
	} {
		opt := compare.Options{Saved: filepath.Join(t.TempDir(), "state"), Show: -1}
		if err := os.WriteFile(opt.Saved, c.state, 0o600); err != nil {
			t.Fatal(err)
		}
		_, err := compare.Run(t.Context(), c.model, b, c.questions, opt)
		switch {
		case c.want == "" && err != nil:
			t.Errorf("%s: %v", name, err)
		case c.want != "" && (!errors.Is(err, compare.ErrSaved) || !strings.Contains(err.Error(), c.want) || !strings.Contains(err.Error(), opt.Saved)):
			t.Errorf("%s: %v, want %q", name, err, c.want)
		}
	}
}

// inBatches are batches of so many questions each, from a first row on.
func inBatches(all *lxmert.Batch, first int, sizes ...int) func(yield func(compare.Asked, error) bool) {
	return func(yield func(compare.Asked, error) bool) {
		at := first
		for _, n := range sizes {
			var rows []int
			for range n {
				rows = append(rows, at)
				at++
			}
			if !yield(asked(all.Part(rows...)), nil) {
				return
			}
		}
	}
}

// changed are batches of which something was changed.
func changed(batches func(yield func(compare.Asked, error) bool), change func(x *compare.Asked)) func(yield func(compare.Asked, error) bool) {
	return func(yield func(compare.Asked, error) bool) {
		for x, err := range batches {
			change(&x)
			if !yield(x, err) {
				return
			}
		}
	}
}

// claiming is a model that says something else of itself.
type claiming struct {
	lxmert.Engine
	claim func(p *lxmert.Provenance)
}

func (c claiming) Run(ctx context.Context, b *lxmert.Batch, r lxmert.Request) (*lxmert.Trace, error) {
	t, err := c.Engine.Run(ctx, b, r)
	if err == nil {
		c.claim(&t.Provenance)
	}
	return t, err
}

// TestWhatCannotBeSavedIsSaidOnce, in one line, also by a comparison that is interrupted, which would otherwise be taken for one that goes on.
func TestWhatCannotBeSavedIsSaidOnce(t *testing.T) {
	a, _ := small(t, 1, nil)
	b, _ := small(t, 2, nil)
	all := smallBatch(6)
	for name, every := range map[string]time.Duration{"after a batch": 1, "interrupted": time.Hour} {
		ctx, cancel := context.WithCancel(t.Context())
		asked := 0
		_, err := compare.Run(ctx, a, b, changed(inBatches(all, 0, 3, 3), func(*compare.Asked) {
			if asked++; asked == 2 {
				cancel()
			}
		}), compare.Options{Saved: filepath.Join(t.TempDir(), "missing", "state"), SaveEvery: every})
		if !errors.Is(err, fs.ErrNotExist) || errors.Is(err, context.Canceled) || strings.Contains(err.Error(), "\n") || strings.Count(err.Error(), "missing/state") != 1 {
			t.Errorf("%s: %v", name, err)
		}
		cancel()
	}
}
