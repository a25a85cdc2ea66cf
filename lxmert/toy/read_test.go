package toy

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

func TestScenesAreFoundByID(t *testing.T) {
	w := smallWorld(t)
	for _, id := range []string{"COCO_train2014_000000000001", "COCO_train2014_000000200003", "COCO_val2014_000000400002", "n2330001", "2310001", "test1-1-3-img1"} {
		s, err := w.Scene(context.Background(), id)
		if err != nil || s.ID != id || len(s.Objects) == 0 {
			t.Errorf("%s: %+v, %v", id, s, err)
		}
	}
	for _, id := range []string{"", "COCO_train2014_00000000000", "../world.json", "\"", strings.Repeat("9", 1000)} {
		if s, err := w.Scene(context.Background(), id); err == nil || !strings.Contains(err.Error(), "no picture") {
			t.Errorf("%q: %+v, %v", id, s, err)
		}
	}
	ctx, cancel := context.WithCancel(context.Background())
	cancel()
	if _, err := w.Picture(ctx, "n2330001"); !errors.Is(err, context.Canceled) {
		t.Error(err)
	}
}

func TestASplitThatIsNotThereIsAnErrorThatNamesThose(t *testing.T) {
	w := smallWorld(t)
	for _, split := range [][2]string{{"vqa", "valid"}, {"vqa", "../data"}, {"vqa", "nlvr2_valid"}, {"", ""}} {
		for _, err := range w.Truths(split[0], split[1]) {
			if err == nil || !strings.Contains(err.Error(), "vqa heldout") {
				t.Errorf("%v: %v", split, err)
			}
		}
	}
}

const goodScene = `{"img_id":"a","width":160,"height":160,"objects":[{"shape":"star","color":"red","size":"small","box":[1,2,3,4],"roi":1}],` +
	`"distractors":[{"kind":"loose","of":0,"box":[0,0,160,160],"roi":0}]}`

func TestDamagedLinesAreErrorsWithTheirPlace(t *testing.T) {
	w := &World{Dir: t.TempDir(), Splits: []Split{{Task: "vqa", Name: "x"}}}
	read := func(text string) error {
		t.Helper()
		if err := os.MkdirAll(filepath.Join(w.Dir, "scenes"), 0o777); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(filepath.Join(w.Dir, "scenes", "x.jsonl"), []byte(text), 0o666); err != nil {
			t.Fatal(err)
		}
		for _, err := range w.Scenes("vqa", "x") {
			if err != nil {
				return err
			}
		}
		return nil
	}
	for _, text := range []string{"", goodScene, goodScene + "\n" + goodScene + "\n"} {
		if err := read(text); err != nil {
			t.Errorf("%q: %v", text, err)
		}
	}
	for name, line := range map[string]string{
		"cut":              goodScene[:50],
		"no JSON":          "star",
		"no id":            strings.Replace(goodScene, `"a"`, `""`, 1),
		"another size":     strings.Replace(goodScene, `"width":160`, `"width":1000000000`, 1),
		"a RoI twice":      strings.Replace(goodScene, `"roi":1`, `"roi":0`, 1),
		"a RoI too many":   strings.Replace(goodScene, `"roi":1`, `"roi":2`, 1),
		"a negative RoI":   strings.Replace(goodScene, `"roi":1`, `"roi":-1`, 1),
		"a box outside":    strings.Replace(goodScene, `[0,0,160,160]`, `[0,0,161,160]`, 1),
		"an empty box":     strings.Replace(goodScene, `[1,2,3,4]`, `[1,2,1,4]`, 1),
		"of nothing":       strings.Replace(goodScene, `"of":0`, `"of":1`, 1),
		"endless":          strings.Repeat(" ", 1<<17),
		"a number too big": strings.Replace(goodScene, `[1,2,3,4]`, `[1,2,3e999,4]`, 1),
	} {
		if err := read(goodScene + "\n" + line + "\n"); !errors.Is(err, ErrDamaged) || !strings.Contains(err.Error(), "x.jsonl:2: ") {
			t.Errorf("%s: %v", name, err)
		}
	}
}

// FuzzScenes: whatever is in a scene file, what is read can be drawn.
func FuzzScenes(f *testing.F) {
	f.Add([]byte(goodScene + "\n" + goodScene))
	f.Add([]byte(strings.Replace(goodScene, `"roi":1`, `"roi":7`, 1)))
	f.Add([]byte("\n\n{}\n[]\n"))
	f.Fuzz(func(t *testing.T, text []byte) {
		w := &World{Dir: t.TempDir(), Splits: []Split{{Task: "vqa", Name: "x"}}}
		if err := os.Mkdir(filepath.Join(w.Dir, "scenes"), 0o777); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(filepath.Join(w.Dir, "scenes", "x.jsonl"), text, 0o666); err != nil {
			t.Fatal(err)
		}
		for s, err := range w.Scenes("vqa", "x") {
			if err != nil {
				if s != nil {
					t.Fatalf("%+v and %v", s, err)
				}
				return
			}
			if p := Render(s); len(p.Pix) != Side*Side || int(slices.Max(p.Pix)) >= len(p.Palette) {
				t.Fatalf("%+v", p.Rect)
			}
		}
	})
}

// FuzzStamp: no stamp alone makes a world.
func FuzzStamp(f *testing.F) {
	f.Add([]byte(`{"version":1,"seed":1,"scale":1,"splits":[],"drawn":{"count":0,"sha256":""},"files":[]}`))
	f.Add([]byte(`{"version":1,"scale":1e-9,"splits":[{"task":"vqa","name":"stage1"}],"files":[{"path":"../x"}]}`))
	f.Add([]byte("{"))
	f.Fuzz(func(t *testing.T, text []byte) {
		dir := t.TempDir()
		if err := os.WriteFile(filepath.Join(dir, stampPath), text, 0o666); err != nil {
			t.Fatal(err)
		}
		if w, err := Open(context.Background(), dir); err == nil {
			t.Fatalf("a folder without files is opened as %+v", w)
		}
	})
}
