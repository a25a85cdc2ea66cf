package dataset

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io/fs"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/seed-516990b0/golxmert/lxmert/region"
)

// picture is regions of n boxes; all features are value.
func picture(id string, n, dim int, value float32) *region.Regions {
	r := &region.Regions{ID: id, Width: 100, Height: 50, N: n, Dim: dim, Source: "made up"}
	for i := range n {
		r.Boxes = append(r.Boxes, float32(i), 0, float32(i)+10, 25)
	}
	r.Features = slices.Repeat([]float32{value}, n*dim)
	return r
}

// question is an entry of VQA's files.
func question(id int, image, text string) string {
	return fmt.Sprintf(`{"question_id": %d, "img_id": %q, "sent": %q, "label": {"yes": 1}}`, id, image, text)
}

// world is a data folder whose features are in memory.
type world struct {
	root    string
	sources map[string]*memory // by file name without _obj36.tsv
	closed  int
}

func newWorld(t testing.TB, files map[string][]string) *world {
	w := &world{root: t.TempDir(), sources: map[string]*memory{}}
	for name, entries := range files {
		writeFile(t, filepath.Join(w.root, name+".json"), "["+strings.Join(entries, ",\n")+"]")
	}
	return w
}

func (w *world) open(_ context.Context, path string, rows int) (region.Source, error) {
	name := strings.TrimSuffix(filepath.Base(path), "_obj36.tsv")
	m, ok := w.sources[name]
	if !ok {
		return nil, fmt.Errorf("no features %s: %w", name, fs.ErrNotExist)
	}
	if rows > 0 {
		m = inMemory(m.rows[:min(rows, len(m.rows))]...)
	}
	m.closed = &w.closed
	return m, nil
}

func (w *world) load(task *Task, splits string, opt Options) (*Set, error) {
	opt.Root, opt.Open = w.root, w.open
	return Load(context.Background(), task, strings.Split(splits, ","), opt)
}

func ids(s *Set) string {
	var out []string
	for _, e := range s.Examples {
		out = append(out, e.ID)
	}
	return strings.Join(out, " ")
}

func TestQuestionsWithoutPictureAreLeftOutAndCounted(t *testing.T) {
	w := newWorld(t, map[string][]string{
		"vqa/train":  {question(1, "a", "x"), question(2, "gone", "x"), question(3, "b", "x"), question(3, "lost", "x")},
		"vqa/stage1": {question(4, "s", "x"), question(1, "a", "x")},
	})
	w.sources["train2014"] = inMemory(picture("a", 1, 2, 1), picture("b", 1, 2, 2))
	w.sources["stage1"] = inMemory(picture("s", 1, 2, 3))
	var log, notes bytes.Buffer
	s, err := w.load(VQA, "train,stage1", Options{Log: &log, Notes: &notes})
	if err != nil {
		t.Fatal(err)
	}
	if got := ids(s); got != "1 3 4 1" || s.Listed != 6 || s.Duplicates != 2 || s.Len() != 4 || s.Dim != 2 {
		t.Errorf("%s of %d, %d duplicates, %d features", got, s.Listed, s.Duplicates, s.Dim)
	}
	if want := "Load 6 data from split(s) train,stage1.\n"; !strings.HasPrefix(log.String(), want) {
		t.Error(log.String())
	}
	if want := "Use 4 data in torch dataset\n\n"; !strings.HasSuffix(log.String(), want) {
		t.Error(log.String())
	}
	for _, want := range []string{
		`vqa train,stage1: 2 of 6 questions are left out, as their pictures are missing; the first is "2", whose picture "gone" is not in `,
		"train2014_obj36.tsv or ", "stage1_obj36.tsv\n", "2 questions have the id of an earlier one\n",
	} {
		if !strings.Contains(notes.String(), want) {
			t.Errorf("%s\nis not in\n%s", want, notes.String())
		}
	}

	w.sources["stage1"] = inMemory(picture("391895", 1, 2, 3)) // a file of other names altogether
	notes.Reset()
	if other, err := w.load(VQA, "stage1", Options{Notes: &notes}); err != nil || other.Close() != nil || !strings.Contains(notes.String(), `2 of 2 questions are left out`) || !strings.Contains(notes.String(), `where pictures are called like "391895"`) {
		t.Errorf("%q, %v", &notes, err)
	}
	w.closed, w.sources["stage1"] = 0, inMemory(picture("s", 1, 2, 3))

	_, err = w.load(VQA, "train,stage1", Options{Strict: true})
	if !errors.Is(err, ErrNoPicture) || !strings.Contains(err.Error(), `2 of 6 in vqa train,stage1; the first is "2", whose picture "gone"`) {
		t.Error(err)
	}
	if w.closed != 2 {
		t.Errorf("%d files closed after the error, want 2", w.closed)
	}
	if err := s.Close(); err != nil || w.closed != 4 {
		t.Error(err, w.closed)
	}
}

func TestStatementsNeedBothPictures(t *testing.T) {
	statement := func(i int, a, b string) string {
		return fmt.Sprintf(`{"uid": "%d", "identifier": "x", "img0": %q, "img1": %q, "sent": "s", "label": 0}`, i, a, b)
	}
	w := newWorld(t, map[string][]string{"nlvr2/hidden": {statement(0, "a", "b"), statement(1, "a", "?"), statement(2, "?", "b"), statement(3, "b", "b")}})
	w.sources["test"] = inMemory(picture("a", 1, 2, 1), picture("b", 1, 2, 2))
	s, err := w.load(NLVR2, "hidden", Options{})
	if err != nil || ids(s) != "0 3" {
		t.Error(ids(s), err)
	}
}

func TestLastRowOfTheLastFileWins(t *testing.T) {
	w := newWorld(t, map[string][]string{"vqa/train": {question(1, "a", "x")}, "vqa/own": {question(2, "b", "x")}})
	w.sources["train2014"] = inMemory(picture("a", 1, 1, 1), picture("b", 1, 1, 2), picture("a", 1, 1, 3))
	w.sources["own"] = inMemory(picture("b", 1, 1, 4))
	var log bytes.Buffer
	s, err := w.load(VQA, "train,own", Options{Log: &log})
	if err != nil {
		t.Fatal(err)
	}
	for id, want := range map[string]float32{"a": 3, "b": 4} {
		if r, err := s.Regions(context.Background(), id); err != nil || r.Features[0] != want {
			t.Errorf("%s: %v, %v", id, r, err)
		}
	}
	if !strings.Contains(log.String(), "Loaded 3 images in file ") {
		t.Errorf("rows that later ones replace count: %s", log.String())
	}
	if _, err := s.Regions(context.Background(), "c"); !errors.Is(err, region.ErrNotFound) || !strings.Contains(err.Error(), "own_obj36.tsv") {
		t.Error(err)
	}
}

func TestGQAIsLoadedOnceAndVQAForEverySplit(t *testing.T) {
	gqa := `{"question_id": "1", "img_id": "a", "sent": "x"}`
	w := newWorld(t, map[string][]string{
		"gqa/train": {gqa}, "gqa/valid": {gqa}, "vqa/nominival": {question(1, "a", "x")}, "vqa/valid": {question(2, "a", "x")},
	})
	w.sources["vg_gqa"] = inMemory(picture("a", 1, 1, 1))
	w.sources["val2014"] = inMemory(picture("a", 1, 1, 1))
	var sources Sources
	var log bytes.Buffer
	for _, run := range []struct {
		task   *Task
		splits string
		loads  int
	}{{GQA, "train", 1}, {GQA, "valid", 0}, {VQA, "nominival,valid", 2}, {VQA, "valid", 1}} {
		log.Reset()
		s, err := w.load(run.task, run.splits, Options{Log: &log, Sources: &sources})
		if err != nil {
			t.Fatal(err)
		}
		started, loaded := strings.Count(log.String(), "Start to load"), strings.Count(log.String(), "Loaded 1 images")
		if started != run.loads || loaded != run.loads {
			t.Errorf("%s %s: started %d, loaded %d times, want %d", run.task, run.splits, started, loaded, run.loads)
		}
		if err := s.Close(); err != nil || w.closed != 0 {
			t.Errorf("a set closed shared files: %v", err)
		}
	}
	if err := sources.Close(); err != nil || w.closed != 2 {
		t.Errorf("%v, %d files closed, want 2", err, w.closed)
	}
}

func TestFilesOfDifferentWidthsAreRefused(t *testing.T) {
	w := newWorld(t, map[string][]string{"vqa/a": {question(1, "a", "x")}, "vqa/b": {question(2, "b", "x")}})
	w.sources["a"] = inMemory(picture("a", 1, 2, 1))
	w.sources["b"] = inMemory(picture("b", 1, 3, 1))
	if _, err := w.load(VQA, "a,b", Options{}); err == nil || !strings.Contains(err.Error(), "a_obj36.tsv has 2 features per region and ") || !strings.Contains(err.Error(), "b_obj36.tsv has 3") {
		t.Error(err)
	}
}

func TestMissingFilesAreNamedWithWhatToDo(t *testing.T) {
	w := newWorld(t, map[string][]string{"vqa/train": {question(1, "a", "x")}, "vqa/minival": nil})
	_, err := w.load(VQA, "trian", Options{})
	for _, want := range []string{"vqa/trian.json: file does not exist; ", "vqa has minival.json, train.json", "`lxmert questions` makes such a file of questions"} {
		if !errors.Is(err, fs.ErrNotExist) || !strings.Contains(err.Error(), want) || strings.Contains(err.Error(), "lxmert fetch") { // which has no such file
			t.Errorf("%v, want %s", err, want)
		}
	}
	_, err = w.load(GQA, "train", Options{})
	if !errors.Is(err, fs.ErrNotExist) || !strings.Contains(err.Error(), "there is no folder "+filepath.ToSlash(w.root)+"/gqa; `lxmert fetch gqa`") {
		t.Error(err)
	}
	_, err = w.load(VQA, "train", Options{})
	if !errors.Is(err, fs.ErrNotExist) || !strings.Contains(err.Error(), "the features for vqa train: ") {
		t.Error(err)
	}
}

func TestASetWithoutExamplesIsNoError(t *testing.T) {
	w := newWorld(t, map[string][]string{"vqa/nominival": {question(1, "b", "x")}})
	w.sources["val2014"] = inMemory(picture("a", 1, 2, 1), picture("b", 1, 2, 1))
	s, err := w.load(VQA, "nominival", Options{Limit: 1, Strict: true})
	if err != nil || s.Len() != 0 || s.Listed != 1 {
		t.Error(s, err)
	}
}

func TestSetsMayBeReadFromSeveralGoroutines(t *testing.T) {
	w := newWorld(t, map[string][]string{"vqa/train": {question(1, "a", "x"), question(2, "b", "x")}})
	w.sources["train2014"] = inMemory(picture("a", 1, 2, 1), picture("b", 1, 2, 1))
	s, err := w.load(VQA, "train", Options{})
	if err != nil {
		t.Fatal(err)
	}
	tok := words(t)
	var all sync.WaitGroup
	for range 8 {
		all.Go(func() {
			if _, err := s.Batch(context.Background(), tok, 20, []int{0, 1}); err != nil {
				t.Error(err)
			}
		})
	}
	all.Wait()
}
