package sweep

import (
	"errors"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/seed-516990b0/golxmert/analysis"
	"github.com/seed-516990b0/golxmert/lxmert"
)

// keptConfig is a model of one number for each state.
func keptConfig() *lxmert.Config {
	return &lxmert.Config{Hidden: 1, Heads: 1, LangLayers: 1, RegionLayers: 1, CrossLayers: 1, BoxDim: 4, FeatDim: 1}
}

// keptLine has a question of three word pieces and one padding about two regions, whose states are counted from its number.
func keptLine(first int) *line {
	l := &line{First: first, Examples: []Example{{ID: "q", Images: []string{"p"}, Regions: []int{2}}}}
	l.Kept = []keptRow{{
		IDs: []int32{2, 7, 3, 0}, Mask: []float32{1, 1, 1, 0}, Image: lxmert.ImageInfo{ID: "p"}, Regions: []float32{1, 1}, Boxes: make([]float32, 8),
		Words: lxmert.Words{Text: "a", Pieces: []string{"[CLS]", "a", "[SEP]", "[PAD]"}, Start: []int{-1, 0, -1, -1}, End: []int{-1, 1, -1, -1}, Word: []int{-1, 0, -1, -1}},
	}}
	for i := range 3*3 + 3*2 { // three levels of words, three of regions
		l.numbers = append(l.numbers, float32(100*first+i))
	}
	return l
}

// keptPart writes a part of two lines that keep states, and returns its settings.
func keptPart(t *testing.T, dir string, shard, shards int) Settings {
	t.Helper()
	s := someSettings
	s.Methods, s.Batch, s.Examples, s.Sample, s.Config = []string{"cka"}, 1, 4, 3, keptConfig()
	s.Shard, s.Shards, s.Whole = shard, shards, shards > 1
	p, err := openPart(dir, s, false, nil)
	if err != nil {
		t.Fatal(err)
	}
	first, last := s.share()
	for k := first + p.done; k < last; k++ {
		l := keptLine(k)
		if k >= s.Sample {
			l.Kept, l.numbers = nil, nil
		}
		if err := p.add(l); err != nil {
			t.Fatal(err)
		}
	}
	if err := p.Close(); err != nil {
		t.Fatal(err)
	}
	return s
}

func TestWhatWasKeptIsGivenOutAgain(t *testing.T) {
	for _, shards := range []int{1, 2, 3} {
		dir := t.TempDir()
		var paths []string
		var s Settings
		for shard := range shards {
			s = keptPart(t, dir, shard, shards)
			paths = append(paths, filepath.Join(dir, partName(shard, shards)))
		}
		p, err := newReplay(t.Context(), s, paths)
		if err != nil {
			t.Fatal(err)
		}
		eng, next := replayed{of: p}, 0
		for b, err := range p.batches {
			if err != nil {
				t.Fatal(err)
			}
			if got := analysis.ValidWords(b, 0); !slices.Equal(got, []bool{true, true, true, false}) {
				t.Errorf("words %v", got)
			}
			trace, err := eng.Run(t.Context(), b.Part(0, 0), lxmert.Request{Want: lxmert.All("hid.t.*", "hid.i.2")})
			if err != nil {
				t.Fatal(err)
			}
			for row := range 2 {
				base := float32(100 * next)
				if got := trace.Values["hid.t.1"].Row(row).Data; !slices.Equal(got, []float32{base + 3, base + 4, base + 5, 0}) {
					t.Errorf("%d parts, question %d: hid.t.1 is %v", shards, next, got)
				}
				if got := trace.Values["hid.i.2"].Row(row).Data; !slices.Equal(got, []float32{base + 13, base + 14}) {
					t.Errorf("%d parts, question %d: hid.i.2 is %v", shards, next, got)
				}
			}
			if _, err := eng.Run(t.Context(), b, lxmert.Request{Want: lxmert.All("x.0.ti")}); err == nil || !strings.Contains(err.Error(), "x.0.ti was not kept") {
				t.Errorf("what nobody kept: %v", err)
			}
			if _, err := eng.Run(t.Context(), b, lxmert.Request{Grad: &lxmert.Grad{}}); err == nil {
				t.Error("a gradient of what was kept")
			}
			next++
		}
		if next != 3 {
			t.Errorf("%d parts give %d questions of a sample of 3", shards, next)
		}
	}
}

func TestAPartWhoseStatesWereCutAnywhereGoesOn(t *testing.T) {
	whole := t.TempDir()
	keptPart(t, whole, 0, 1)
	read := func(dir, name string) []byte {
		text, err := os.ReadFile(filepath.Join(dir, name))
		if err != nil {
			t.Fatal(err)
		}
		return text
	}
	lines, states := read(whole, "examples.jsonl"), read(whole, "examples.states")
	ends := []int{0} // of lines
	for i, c := range lines {
		if c == '\n' {
			ends = append(ends, i+1)
		}
	}
	for k, end := range ends {
		done := min(60*max(0, k-1), len(states)) // states are written before their line
		for _, extra := range []int{0, 1, 30, 60} {
			dir := t.TempDir()
			err := errors.Join(os.WriteFile(filepath.Join(dir, "examples.jsonl"), lines[:end], 0o666),
				os.WriteFile(filepath.Join(dir, "examples.states"), states[:min(done+extra, len(states))], 0o666))
			if err != nil {
				t.Fatal(err)
			}
			keptPart(t, dir, 0, 1)
			if !slices.Equal(read(dir, "examples.jsonl"), lines) || !slices.Equal(read(dir, "examples.states"), states) {
				t.Errorf("cut after line %d and %d bytes more of states, the part becomes another one", k, extra)
			}
		}
	}
}

func TestStatesThatDoNotBelongToTheLinesAreFound(t *testing.T) {
	for name, c := range map[string]struct {
		change func(path string) error
		want   string
	}{
		"cut":       {func(path string) error { return os.Truncate(path, 100) }, "40 more bytes"},
		"gone":      {os.Remove, "examples.states"},
		"changed":   {func(path string) error { return os.WriteFile(path, make([]byte, 180), 0o666) }, "other numbers for the batch of example 0"},
		"too short": {func(path string) error { return os.WriteFile(path, make([]byte, 10), 0o666) }, "10 more bytes"},
	} {
		dir := t.TempDir()
		s := keptPart(t, dir, 0, 1)
		if err := c.change(filepath.Join(dir, "examples.states")); err != nil {
			t.Fatal(err)
		}
		if _, err := Read(t.Context(), dir, nil); err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s: %v, want an error with %q", name, err, c.want)
		}
		if name == "changed" {
			continue // which going on does not read
		}
		p, err := openPart(dir, s, false, nil)
		if err == nil {
			p.Close()
		}
		if name != "gone" && (err == nil || !strings.Contains(err.Error(), "the file was cut")) {
			t.Errorf("%s: it is gone on with: %v", name, err)
		}
	}
}

func TestHostileRowsAreRefused(t *testing.T) {
	for name, change := range map[string]func(l *line){
		"a mask of another length":        func(l *line) { l.Kept[0].Mask = []float32{1} },
		"boxes of other regions":          func(l *line) { l.Kept[0].Boxes = nil },
		"more word pieces than ids":       func(l *line) { l.Kept[0].Words.Pieces = append(l.Kept[0].Words.Pieces, "b") },
		"a piece beyond the text":         func(l *line) { l.Kept[0].Words.End[1] = 9 },
		"a piece that ends before itself": func(l *line) { l.Kept[0].Words.Start[1] = 2 },
		"too few numbers":                 func(l *line) { l.numbers = l.numbers[:5] },
		"too many numbers":                func(l *line) { l.numbers = append(l.numbers, 1) },
		"a row more":                      func(l *line) { l.Kept = append(l.Kept, l.Kept[0]) },
	} {
		s := someSettings
		s.Methods, s.Config = []string{"cka"}, keptConfig()
		p, err := newReplay(t.Context(), s, nil)
		if err != nil {
			t.Fatal(err)
		}
		l := keptLine(0)
		change(l)
		if _, err := p.batch(l); err == nil {
			t.Errorf("%s: no error", name)
		}
	}
}

func TestPartsAreOfWholeBatches(t *testing.T) {
	for _, n := range []int{1, 7, 96, 100} {
		for _, batch := range []int{1, 7, 32} {
			for _, shards := range []int{2, 3, 8, 101} {
				next := 0
				for i := range shards {
					first, last := Settings{Examples: n, Batch: batch, Shard: i, Shards: shards, Whole: true}.share()
					if first != next || last < first || first%batch != 0 && first != n {
						t.Fatalf("%d examples in batches of %d, part %d of %d is %d to %d, want it to begin at %d", n, batch, i, shards, first, last, next)
					}
					next = last
				}
				if next != n {
					t.Errorf("%d examples in batches of %d, %d parts: %d are done", n, batch, shards, next)
				}
			}
		}
	}
}
