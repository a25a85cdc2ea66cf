package suite_test

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/seed-516990b0/golxmert/analysis/suite"
	"github.com/seed-516990b0/golxmert/lxmert"
)

// pairsOf are items of the suite "pairs", of which the pictures of every fifth are missing, and their options.
func pairsOf(n int) (func(yield func(suite.Item, error) bool), suite.Options) {
	opt := suite.Options{Seed: 3, Picture: func(name string) (string, bool) { return name, name != "missing" }}
	return func(yield func(suite.Item, error) bool) {
		for i := range n {
			x := suite.Item{ID: fmt.Sprint(i), Group: []string{"g", "h", ""}[i%3], Images: []string{string(rune('a' + i%3))}, Sentences: []string{string(rune('a' + i%2)), "c"}}
			if i%5 == 4 {
				x.Images[0] = "missing"
			}
			if err := x.Check(); !yield(x, err) {
				return
			}
		}
	}, opt
}

var recorded = [][]suite.Pair{{{0, 2}, {0, -1}, {0, 3}}, {{0, 1}, {2, 1}, {0, 0}}, {{1, 2}, {0, 0.3}, {0, 1}}}

// stopping is an engine that fails from some run on.
type stopping struct {
	lxmert.Engine
	left *int
}

func (e stopping) Run(ctx context.Context, b *lxmert.Batch, r lxmert.Request) (*lxmert.Trace, error) {
	if *e.left--; *e.left < 0 {
		return nil, errors.New("the power is gone")
	}
	return e.Engine.Run(ctx, b, r)
}

// TestARunGoesOnWhereItStopped, also in the middle of a line, to the same table and the same lines.
func TestARunGoesOnWhereItStopped(t *testing.T) {
	s, err := suite.Find("pairs")
	if err != nil {
		t.Fatal(err)
	}
	items, opt := pairsOf(120)
	want, err := suite.Run(t.Context(), scripted{recorded}, numbered, s, items, opt)
	if err != nil {
		t.Fatal(err)
	}
	dir := t.TempDir()
	to := suite.Folder{Dir: filepath.Join(dir, "whole"), Files: []string{"x/pairs.jsonl"}}
	whole, err := suite.RunIn(t.Context(), to, scripted{recorded}, numbered, s, items, opt)
	if err != nil || said(whole) != said(want) {
		t.Fatalf("%v: %v, without a folder %v", err, said(whole), said(want))
	}
	lines := read(t, filepath.Join(to.Dir, "items.jsonl"))

	cut, runs := suite.Folder{Dir: filepath.Join(dir, "cut"), Files: to.Files}, 2
	if _, err := suite.RunIn(t.Context(), cut, stopping{scripted{recorded}, &runs}, numbered, s, items, opt); err == nil || !strings.Contains(err.Error(), "power") {
		t.Fatalf("a run that fails: %v", err)
	}
	if _, _, err := suite.Read(cut.Dir); err == nil || !strings.Contains(err.Error(), "is not done") {
		t.Errorf("a run that is not done is read: %v", err)
	}
	path := filepath.Join(cut.Dir, "items.jsonl")
	part := read(t, path)
	if part == "" || part == lines || !strings.HasPrefix(lines, part) {
		t.Fatalf("the run that failed has %d bytes of %d", len(part), len(lines))
	}
	if err := os.WriteFile(path, []byte(part[:len(part)-7]), 0o666); err != nil {
		t.Fatal(err)
	}
	again, err := suite.RunIn(t.Context(), cut, scripted{recorded}, numbered, s, items, opt)
	if err != nil || said(again) != said(want) || read(t, path) != lines {
		t.Errorf("%v: gone on, the table is %v, expected %v", err, said(again), said(want))
	}
	// What is done is not asked again.
	runs = 0
	if again, err = suite.RunIn(t.Context(), cut, stopping{scripted{recorded}, &runs}, numbered, s, items, opt); err != nil || said(again) != said(want) {
		t.Errorf("%v: once more, the table is %v", err, said(again))
	}
	other := opt
	other.Seed = 4
	fewer, _ := pairsOf(10)
	for says, call := range map[string]func() error{
		"made with --seed 3, now it is 4": func() error {
			_, err := suite.RunIn(t.Context(), cut, scripted{recorded}, numbered, s, items, other)
			return err
		},
		"made of [pairs.jsonl], now": func() error {
			_, err := suite.RunIn(t.Context(), suite.Folder{Dir: cut.Dir, Files: []string{"b"}}, scripted{recorded}, numbered, s, items, opt)
			return err
		},
		"they are not the files": func() error {
			_, err := suite.RunIn(t.Context(), cut, scripted{recorded}, numbered, s, fewer, opt)
			return err
		},
		"there is no part 2 of 2": func() error {
			_, err := suite.RunIn(t.Context(), suite.Folder{Dir: dir, Shard: 2, Shards: 2}, scripted{recorded}, numbered, s, items, opt)
			return err
		},
	} {
		if err := call(); err == nil || !strings.Contains(err.Error(), says) {
			t.Errorf("%v, expected %q", err, says)
		}
	}
	if err := os.WriteFile(path, []byte(strings.Replace(lines, `"sentences"`, `"sentence"`, 1)), 0o666); err != nil {
		t.Fatal(err)
	}
	if _, _, err := suite.Read(cut.Dir); err == nil || !strings.Contains(err.Error(), "line 1 is damaged") {
		t.Errorf("a damaged line: %v", err)
	}
	cut.Overwrite = true
	if again, err = suite.RunIn(t.Context(), cut, scripted{recorded}, numbered, s, items, other); err != nil || again.Items != want.Items {
		t.Errorf("overwritten: %v", err)
	}
}

// TestPartsAreOneRun: what parts are put together to is the table of one run, also where there are more parts than items.
func TestPartsAreOneRun(t *testing.T) {
	s, err := suite.Find("pairs")
	if err != nil {
		t.Fatal(err)
	}
	for _, n := range []int{40, 2} {
		items, opt := pairsOf(n)
		want, err := suite.Run(t.Context(), scripted{recorded}, numbered, s, items, opt)
		if err != nil {
			t.Fatal(err)
		}
		dir := t.TempDir()
		for shard := range 3 {
			if _, _, err := suite.Read(dir); shard > 0 && (err == nil || !strings.Contains(err.Error(), "lacks part")) {
				t.Errorf("%d parts of 3: %v", shard, err)
			}
			if _, err := suite.RunIn(t.Context(), suite.Folder{Dir: dir, Shard: shard, Shards: 3}, scripted{recorded}, numbered, s, items, opt); err != nil {
				t.Fatal(err)
			}
		}
		got, found, err := suite.Read(dir)
		if err != nil || !found || said(got) != said(want) {
			t.Errorf("%d items: %v: %v, in one run %v", n, err, said(got), said(want))
		}
	}
	if _, found, err := suite.Read(t.TempDir()); found || err != nil {
		t.Errorf("an empty folder: %v, %v", found, err)
	}
}

// said is all that a result says.
func said(r *suite.Result) string {
	t := r.Table()
	return t.Plain() + fmt.Sprint(t.Meta, r.Missing)
}

func read(t *testing.T, path string) string {
	t.Helper()
	raw, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	return string(raw)
}
