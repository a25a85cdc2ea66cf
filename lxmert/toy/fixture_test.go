package toy

import (
	"context"
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"sync"
	"testing"

	"github.com/seed-516990b0/golxmert/lxmert/region"
)

// small is a part of the usual world, made once for all tests that only read.
var small = sync.OnceValues(func() (*World, error) {
	dir, err := os.MkdirTemp("", "toy")
	if err != nil {
		return nil, err
	}
	return Make(context.Background(), filepath.Join(dir, "world"), Options{Scale: 0.03})
})

func TestMain(m *testing.M) {
	code := m.Run()
	if w, err := small(); err == nil {
		os.RemoveAll(filepath.Dir(w.Dir))
	}
	os.Exit(code)
}

func smallWorld(t *testing.T) *World {
	t.Helper()
	w, err := small()
	if err != nil {
		t.Fatal(err)
	}
	return w
}

// tinyScale gives each split of VQA 1 to 20 pictures.
const tinyScale = 0.001

// tiny makes a world of very few pictures in a folder that does not exist.
func tiny(t *testing.T, opt Options) *World {
	t.Helper()
	opt.Scale = tinyScale
	w, err := Make(context.Background(), filepath.Join(t.TempDir(), "world"), opt)
	if err != nil {
		t.Fatal(err)
	}
	return w
}

// entry is a question or statement of any task's file.
type entry struct {
	ID         json.RawMessage `json:"question_id"`
	UID        string          `json:"uid"`
	Identifier string          `json:"identifier"`
	Image      string          `json:"img_id"`
	Left       string          `json:"img0"`
	Right      string          `json:"img1"`
	Text       string          `json:"sent"`
	Label      json.RawMessage `json:"label"`
	Kind       string          `json:"question_type"`
	AnswerType string          `json:"answer_type"`
}

// answer is the one key of a label.
func (e entry) answer(t *testing.T) string {
	t.Helper()
	scores := map[string]float64{}
	if err := json.Unmarshal(e.Label, &scores); err != nil || len(scores) != 1 {
		t.Fatalf("label %s of %s: %v", e.Label, e.ID, err)
	}
	for answer, score := range scores {
		if score != 1 {
			t.Fatalf("score %g of %s", score, e.ID)
		}
		return answer
	}
	return ""
}

func readJSON[T any](t *testing.T, w *World, path string) T {
	t.Helper()
	text, err := os.ReadFile(filepath.Join(w.Dir, filepath.FromSlash(path)))
	if err != nil {
		t.Fatal(err)
	}
	var v T
	if err := json.Unmarshal(text, &v); err != nil {
		t.Fatalf("%s: %v", path, err)
	}
	return v
}

func readScenes(t *testing.T, w *World, task, split string) []*Scene {
	t.Helper()
	var all []*Scene
	for s, err := range w.Scenes(task, split) {
		if err != nil {
			t.Fatal(err)
		}
		all = append(all, s)
	}
	return all
}

func byID(scenes []*Scene) map[string]*Scene {
	m := map[string]*Scene{}
	for _, s := range scenes {
		m[s.ID] = s
	}
	return m
}

func readTruths(t *testing.T, w *World, task, split string) []*Truth {
	t.Helper()
	var all []*Truth
	for s, err := range w.Truths(task, split) {
		if err != nil {
			t.Fatal(err)
		}
		all = append(all, s)
	}
	return all
}

func readRegions(t *testing.T, w *World, path string) []*region.Regions {
	t.Helper()
	source, err := region.Open(filepath.Join(w.Dir, filepath.FromSlash(path)))
	if err != nil {
		t.Fatal(err)
	}
	defer source.Close()
	var all []*region.Regions
	for r, err := range source.All(context.Background()) {
		if err != nil {
			t.Fatal(err)
		}
		all = append(all, r)
	}
	return all
}

// asked are the questions about the first n pictures of one of VQA's splits in the full world of seed 1.
func asked(t *testing.T, split string, n int) []question {
	t.Helper()
	i := slices.IndexFunc(plan, func(s pictureSet) bool { return s.task == "vqa" && s.name == split })
	if i < 0 || n > plan[i].pictures {
		t.Fatalf("split %s with %d pictures", split, n)
	}
	set := &plan[i]
	var all []question
	for i := range n {
		rng := rand.New(stream(1, set.key(), i))
		all = append(all, ask(rng, drawScene(rng, set.id(i), set.recipe), set.recipe)...)
	}
	return all
}

// share is n of total in per cent, as text and number.
func share(n, total int) (float64, string) {
	p := 100 * float64(n) / float64(total)
	return p, fmt.Sprintf("%.1f %% (%d of %d)", p, n, total)
}
