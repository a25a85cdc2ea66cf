package sweep

import (
	"bytes"
	"encoding/json"
	"errors"
	"math"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"

	"github.com/seed-516990b0/golxmert/lxmert"
)

var someSettings = Settings{
	Version: version, Data: "minival.json", Examples: 5, Methods: []string{"relevance"}, Batch: 2, Show: 1,
	Model: lxmert.Provenance{Weights: "w.pth", Hash: "0f", DType: "float32", Backend: "go", Version: "v1"}, Heads: 2, Maps: []string{"l.0.tt"}, Rows: 1, Shards: 1,
}

// someLine has two results, or the fifth.
func someLine(first int) *line {
	l := &line{First: first}
	for i := first; i < min(first+2, 5); i++ {
		l.Examples = append(l.Examples, Example{
			ID: string(rune('a' + i)), Images: []string{"p"}, Regions: []int{3},
			Results: map[string][]Result{"relevance": {{Words: rounded{1}, Regions: rounded{0.5, math.NaN(), 0.25}}}},
		})
	}
	return l
}

// wholePart writes a file of results as a run does.
func wholePart(t *testing.T, dir string) []byte {
	t.Helper()
	p, err := openPart(dir, someSettings, false, nil)
	if err != nil {
		t.Fatal(err)
	}
	for first := p.done; first < 5; first += 2 {
		if err := p.append(someLine(first)); err != nil {
			t.Fatal(err)
		}
	}
	if err := p.Close(); err != nil {
		t.Fatal(err)
	}
	text, err := os.ReadFile(filepath.Join(dir, partName(0, 1)))
	if err != nil {
		t.Fatal(err)
	}
	return text
}

func TestAPartThatWasCutAnywhereGoesOn(t *testing.T) {
	whole := wholePart(t, t.TempDir())
	for n := range len(whole) {
		dir := t.TempDir()
		if err := os.WriteFile(filepath.Join(dir, partName(0, 1)), whole[:n], 0o666); err != nil {
			t.Fatal(err)
		}
		if got := wholePart(t, dir); !bytes.Equal(got, whole) {
			t.Fatalf("cut after %d bytes, the part becomes\n%s\nwant\n%s", n, got, whole)
		}
		if files, err := os.ReadDir(dir); err != nil || len(files) != 1 {
			t.Fatalf("beside the part are %v (%v)", files, err)
		}
	}
}

func TestAPartWithChangedLinesIsNotGoneOnWith(t *testing.T) {
	whole := string(wholePart(t, t.TempDir()))
	lines := strings.SplitAfter(whole, "\n")
	for name, c := range map[string]struct{ text, want string }{
		"a line is missing":        {lines[0] + lines[2], ":2: begins with example 2 instead of 0"},
		"a line is there twice":    {lines[0] + lines[1] + lines[1], ":3: begins with example 0 instead of 2"},
		"a line is not a JSON":     {lines[0] + "{\n" + lines[1], ":2: "},
		"something else":           {"[1, 2]\n" + lines[1], "is not a file of results"},
		"another format":           {strings.Replace(whole, `"version":2`, `"version":9`, 1), "has format 9"},
		"other weights":            {strings.Replace(whole, `"hash":"0f"`, `"hash":"0e"`, 1), "was made with the weights 0e in float32, now it is 0f in float32"},
		"another number type":      {strings.Replace(whole, `"float32"`, `"bfloat16"`, 1), "was made with the weights 0f in bfloat16, now it is 0f in float32"},
		"another number of heads":  {strings.Replace(whole, `"heads":2`, `"heads":3`, 1), "was made with heads 3, now it is 2"},
		"made for a part of eight": {strings.Replace(whole, `"shards":1`, `"shards":8`, 1), "was made with shards 8, now it is 1"},
	} {
		dir := t.TempDir()
		path := filepath.Join(dir, partName(0, 1))
		if err := os.WriteFile(path, []byte(c.text), 0o666); err != nil {
			t.Fatal(err)
		}
		p, err := openPart(dir, someSettings, false, nil)
		if err == nil {
			p.Close()
		}
		if err == nil || !strings.Contains(err.Error(), c.want) || !strings.Contains(err.Error(), partName(0, 1)) {
			t.Errorf("%s: %v, want an error with %q", name, err, c.want)
		}
		if text, err := os.ReadFile(path); err != nil || string(text) != c.text {
			t.Errorf("%s: the file was changed", name)
		}
		if p, err = openPart(dir, someSettings, true, nil); err != nil || p.done != 0 {
			t.Fatalf("%s: it cannot be overwritten: %v", name, err)
		}
		p.Close()
	}
}

// TestAPartWithoutResultsStandsInNobodysWay: a run that ended before its first batch, such as by a wrong flag, is begun anew.
func TestAPartWithoutResultsStandsInNobodysWay(t *testing.T) {
	dir := t.TempDir()
	for _, method := range []string{"rollout", "relevance"} {
		s := someSettings
		s.Methods = []string{method}
		p, err := openPart(dir, s, false, nil)
		if err != nil || p.done != 0 || p.begun.Methods[0] != method {
			t.Fatalf("%s: %v", method, err)
		}
		if err := p.Close(); err != nil {
			t.Fatal(err)
		}
	}
	if text, err := os.ReadFile(filepath.Join(dir, partName(0, 1))); err != nil || bytes.Count(text, []byte("\n")) != 1 || !bytes.Contains(text, []byte("relevance")) {
		t.Errorf("the part is %q (%v)", text, err)
	}
}

func TestTwoRunsDoNotWriteOnePart(t *testing.T) {
	dir := t.TempDir()
	p, err := openPart(dir, someSettings, false, nil)
	if err != nil {
		t.Fatal(err)
	}
	defer p.Close()
	if _, err := openPart(dir, someSettings, false, nil); err == nil || !strings.Contains(err.Error(), "another process is writing it") {
		t.Errorf("a second run: %v", err)
	}
}

func TestOneRunAtATimeHoldsAPartHoweverOthersComeAndGo(t *testing.T) {
	dir := t.TempDir()
	var holders, held atomic.Int32
	var runs sync.WaitGroup
	for range 8 {
		runs.Go(func() {
			for range 200 {
				p, err := openPart(dir, someSettings, false, nil)
				if err != nil {
					continue
				}
				if n := holders.Add(1); n != 1 {
					t.Errorf("%d runs hold the part", n)
				}
				held.Add(1)
				runtime.Gosched()
				holders.Add(-1)
				if err := p.Close(); err != nil {
					t.Error(err)
				}
			}
		})
	}
	runs.Wait()
	if held.Load() == 0 {
		t.Error("nobody ever held the part")
	}
	if text, err := os.ReadFile(filepath.Join(dir, partName(0, 1))); err != nil || bytes.Count(text, []byte("\n")) != 1 {
		t.Errorf("the settings are written %d times (%v)", bytes.Count(text, []byte("\n")), err)
	}
}

func TestPartsOfOtherMachinesAndVersionsBelongTogether(t *testing.T) {
	dir := t.TempDir()
	gpu := someSettings
	gpu.Shards, gpu.Shard = 2, 1
	cpu := gpu
	cpu.Shard = 0
	gpu.Model.Backend, gpu.Model.Version, gpu.Model.Weights = "xla:cuda", "v2", "copy.pth"
	for _, s := range []Settings{cpu, gpu} {
		p, err := openPart(dir, s, false, nil)
		if err != nil {
			t.Fatal(err)
		}
		first, last := share(5, s.Shard, 2)
		l := &line{First: first}
		for i := first; i < last; i++ {
			l.Examples = append(l.Examples, someLine(i).Examples[0])
		}
		if err := errors.Join(p.append(l), p.Close()); err != nil {
			t.Fatal(err)
		}
	}
	// The first part goes on elsewhere, too.
	var found []int
	elsewhere := gpu
	elsewhere.Shard = 0
	p, err := openPart(dir, elsewhere, false, func(done int) { found = append(found, done) })
	if err != nil || p.done != 2 || !slices.Equal(found, []int{2}) || p.begun.Model.Backend != "go" {
		t.Fatalf("%d examples are done (%v)", p.done, err)
	}
	p.Close()
	var reads int
	s, err := Read(t.Context(), dir, func(_ string, done, total int64) {
		if reads++; done > total || total == 0 {
			t.Errorf("%d of %d bytes are read", done, total)
		}
	})
	if err != nil || s.Examples != 5 || reads == 0 {
		t.Fatalf("%v, %d reports", err, reads)
	}
	// Results say where they come from.
	c := newCollector(cpu)
	c.computed(cpu.Model)
	if notes := c.meta("m").Notes; slices.ContainsFunc(notes, func(n string) bool { return strings.Contains(n, "places") }) {
		t.Errorf("one place is noted: %q", notes)
	}
	c.add(&line{Model: &gpu.Model})
	if notes := strings.Join(c.meta("m").Notes, " "); !strings.Contains(notes, "w.pth by go v1; copy.pth by xla:cuda v2") {
		t.Errorf("notes %q", notes)
	}
	// Other weights do not.
	other := gpu
	other.Model.Hash = "ee"
	if p, err = openPart(dir, other, true, nil); err != nil {
		t.Fatal(err)
	}
	p.Close()
	if _, err := Read(t.Context(), dir, nil); err == nil || !strings.Contains(err.Error(), "does not belong to the other parts in the folder: another was made with the weights 0f in float32, now it is ee in float32") {
		t.Errorf("other weights: %v", err)
	}
}

func TestPartsShareAllExamplesOnce(t *testing.T) {
	for _, n := range []int{0, 1, 7, 100} {
		for _, shards := range []int{0, 1, 3, 8, 101} {
			next := 0
			for i := range max(1, shards) {
				first, last := share(n, i, shards)
				if first != next || last < first {
					t.Fatalf("%d examples, part %d of %d is %d to %d, want it to begin at %d", n, i, shards, first, last, next)
				}
				next = last
			}
			if next != n {
				t.Errorf("%d examples in %d parts: %d are done", n, shards, next)
			}
		}
	}
}

func TestNumbersKeepSixDigits(t *testing.T) {
	text, err := json.Marshal(rounded{1.0 / 3, -2e-30, math.NaN(), math.Inf(1)})
	if err != nil || string(text) != "[0.333333,-2e-30,null,null]" {
		t.Errorf("%s, %v", text, err)
	}
	var back rounded
	if err := json.Unmarshal(text, &back); err != nil || len(back) != 4 || back[0] != 0.333333 || !math.IsNaN(back[2]) {
		t.Errorf("%v, %v", back, err)
	}
}

func TestSumsOfHeadsAreMeans(t *testing.T) {
	a, b := newHeadSums(1, 3), newHeadSums(1, 3)
	a.add(0, []float64{1, math.NaN()})
	b.add(0, []float64{3, 5})
	b.add(0, []float64{5, 7})
	a.merge(b)
	for column, want := range [][2]float64{{3, 2 / math.Sqrt(3)}, {6, 1}, {11.0 / 3, math.Sqrt(((1-11./3)*(1-11./3) + (4-11./3)*(4-11./3) + (6-11./3)*(6-11./3)) / 2 / 3)}} {
		mean, deviation := a.mean(0, column)
		// The standard error of n numbers: their deviation, with n-1, over the root of n.
		if math.Abs(mean-want[0]) > 1e-12 || math.Abs(deviation-want[1]) > 1e-12 {
			t.Errorf("column %d: %g and %g, want %g", column, mean, deviation, want)
		}
	}
}

func TestGoldReadsRegionsAndBoxes(t *testing.T) {
	gold, err := ReadGold(strings.NewReader("\ufeff"+`{"question_id":"1","rois":[2]}

{"question_id":"2","boxes":[[0,0,0.5,0.5]],"rois1":[0]}`), "g.jsonl")
	if err != nil {
		t.Fatal(err)
	}
	b := &lxmert.Batch{Feats: lxmert.NewTensor(1, 4, 1), Boxes: lxmert.Tensor{Shape: []int{1, 4, 4}, Data: []float32{
		0, 0, 0.5, 0.5 /**/, 0, 0, 0.5, 0.26 /**/, 0, 0, 0.5, 0.24 /**/, 0, 0, 0, 0,
	}}}
	if got := gold.regions("1", false, b, 0); !slices.Equal(got, []int{2}) {
		t.Errorf("by number: %v", got)
	}
	if got := gold.regions("2", false, b, 0); !slices.Equal(got, []int{0, 1}) {
		t.Errorf("by box: %v, want those with at least half of the joint area in common", got)
	}
	if got := gold.regions("2", true, b, 0); !slices.Equal(got, []int{0}) {
		t.Errorf("in the second picture: %v", got)
	}
	if got := gold.regions("3", false, b, 0); got != nil {
		t.Errorf("of an unknown question: %v", got)
	}
	for text, want := range map[string]string{
		"{\"question_id\":\"1\"}\n{\"rois\":[1]}": "g.jsonl:2: there is no question_id",
		"{\"question_id\":1}":                     "g.jsonl:1: ",
		strings.Repeat("x", maxLine+1):            "g.jsonl:1: the line is longer than 1 MB",
	} {
		if _, err := ReadGold(strings.NewReader(text), "g.jsonl"); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%.40q: %v, want %q", text, err, want)
		}
	}
}
