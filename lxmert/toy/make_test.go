package toy

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"
)

// stampOf is a world's world.json, which has the sums of everything.
func stampOf(t *testing.T, w *World) string {
	t.Helper()
	text, err := os.ReadFile(filepath.Join(w.Dir, stampPath))
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}

func TestASeedGivesTheSameBytes(t *testing.T) {
	many := stampOf(t, tiny(t, Options{}))
	previous := runtime.GOMAXPROCS(1)
	alone := stampOf(t, tiny(t, Options{Seed: 1}))
	runtime.GOMAXPROCS(previous)
	if many != alone {
		t.Error("one processor makes another world than several")
	}
	other := tiny(t, Options{Seed: 2})
	for _, f := range tiny(t, Options{}).Files {
		i := slices.IndexFunc(other.Files, func(o File) bool { return o.Path == f.Path })
		same := i >= 0 && other.Files[i].SHA256 == f.SHA256
		fixed := strings.Contains(f.Path, "trainval_") || slices.Contains([]string{configPath, vocabPath, "data/lxmert/all_ans.json"}, f.Path)
		if same != fixed {
			t.Errorf("%s is the same for two seeds: %v", f.Path, same)
		}
	}
}

// A world that exists is used again because its version says that it would come out the same. Whoever changes what is made
// changes Version, and then these sums: they are not golden values, they only notice. Pictures' files are left out, since
// another compress/flate may pack them otherwise.
func TestTheVersionStandsForTheseBytes(t *testing.T) {
	want := map[string]string{
		"data/mscoco_imgfeat/train2014_obj36.tsv": "f1bbc80419fdd7f9",
		"data/vqa/train.json":                     "87591a4863d17ff5",
		"data/lxmert/mscoco_train.json":           "68035ac44cb9211c",
		"data/nlvr2/train.json":                   "7876dbf6d2ce80b5",
		"scenes/novel.jsonl":                      "9cd8129c05c8a61e",
		"data/vocab.txt":                          "bcf840c16923b215",
	}
	seen := 0
	for _, f := range tiny(t, Options{}).Files {
		if sum, ok := want[f.Path]; ok {
			if seen++; f.SHA256[:16] != sum {
				t.Errorf("%s of version %d has the sum %s, not %s", f.Path, Version, f.SHA256[:16], sum)
			}
		}
	}
	if seen != len(want) {
		t.Errorf("%d of %d files are there", seen, len(want))
	}
}

func TestPicturesDoNotDependOnScale(t *testing.T) {
	few := readScenes(t, tiny(t, Options{}), "vqa", "train")
	many := readScenes(t, smallWorld(t), "vqa", "train")
	if len(few) >= len(many) {
		t.Fatalf("%d pictures and %d", len(few), len(many))
	}
	for i, s := range few {
		if fmt.Sprint(s.Objects) != fmt.Sprint(many[i].Objects) || s.ID != many[i].ID {
			t.Fatalf("picture %d is %+v and %+v", i, s, many[i])
		}
	}
}

func TestAWorldThatIsThereIsUsedAgain(t *testing.T) {
	w := tiny(t, Options{})
	before, err := os.Stat(w.Config())
	if err != nil {
		t.Fatal(err)
	}
	if err := os.MkdirAll(filepath.Join(w.Dir, "snap", "vqa"), 0o777); err != nil { // what users put there does not matter
		t.Fatal(err)
	}
	var log bytes.Buffer
	again, err := Make(context.Background(), w.Dir, Options{Scale: w.Scale, Log: &log})
	if err != nil {
		t.Fatal(err)
	}
	after, err := os.Stat(w.Config())
	if err != nil || !os.SameFile(before, after) {
		t.Errorf("the world was made again (%v)", err)
	}
	if !strings.HasPrefix(log.String(), "Using the toy world in ") || len(again.Files) != len(w.Files) {
		t.Errorf("%d files, and said was %q", len(again.Files), log.String())
	}
	opened, err := Open(context.Background(), w.Dir)
	if err != nil || fmt.Sprint(opened.Splits) != fmt.Sprint(w.Splits) {
		t.Errorf("%+v, %v", opened, err)
	}
}

func TestADamagedWorldIsSetAsideAndMadeAgain(t *testing.T) {
	for name, damage := range map[string]func(w *World) (string, error){
		"a byte": func(w *World) (string, error) {
			path := filepath.Join(w.Data(), "vqa", "stage2.json")
			text, err := os.ReadFile(path)
			if err == nil {
				text[len(text)/2] ^= 1
				err = os.WriteFile(path, text, 0o666)
			}
			return "data/vqa/stage2.json", err
		},
		"a cut file": func(w *World) (string, error) {
			return "val2014_obj36.tsv", os.Truncate(filepath.Join(w.Data(), "mscoco_imgfeat", "val2014_obj36.tsv"), 1000)
		},
		"a missing file": func(w *World) (string, error) { return "vocab.txt", os.Remove(w.Vocab()) },
		"a missing picture": func(w *World) (string, error) {
			return "dev-0-0-img0.png", os.Remove(filepath.Join(w.Images(), "dev-0-0-img0.png"))
		},
		"another picture": func(w *World) (string, error) {
			return imageDir, os.WriteFile(filepath.Join(w.Images(), "dev-0-0-img0.png"), []byte("no picture"), 0o666)
		},
	} {
		t.Run(name, func(t *testing.T) {
			w := tiny(t, Options{})
			was := stampOf(t, w)
			note := filepath.Join(w.Dir, "note.txt")
			if err := os.WriteFile(note, []byte("mine"), 0o666); err != nil {
				t.Fatal(err)
			}
			place, err := damage(w)
			if err != nil {
				t.Fatal(err)
			}
			if _, err := Open(context.Background(), w.Dir); !errors.Is(err, ErrDamaged) || !strings.Contains(err.Error(), place) {
				t.Errorf("Open says %v", err)
			}
			var log bytes.Buffer
			again, err := Make(context.Background(), w.Dir, Options{Scale: w.Scale, Log: &log})
			if err != nil {
				t.Fatal(err)
			}
			if stampOf(t, again) != was {
				t.Error("the world came out otherwise")
			}
			if _, err := Open(context.Background(), w.Dir); err != nil {
				t.Error(err)
			}
			aside := w.Dir + ".damaged-1"
			if _, err := os.Stat(filepath.Join(aside, "note.txt")); err != nil || !strings.Contains(log.String(), aside) {
				t.Errorf("what else was in the folder is lost: %v, said was %q", err, log.String())
			}
		})
	}
}

func TestNothingIsOverwritten(t *testing.T) {
	w := tiny(t, Options{})
	for name, opt := range map[string]Options{
		"another seed":  {Seed: 2, Scale: w.Scale},
		"another scale": {Scale: 0.003},
	} {
		if _, err := Make(context.Background(), w.Dir, opt); !errors.Is(err, ErrOther) || !strings.Contains(err.Error(), "name another folder") {
			t.Errorf("%s: %v", name, err)
		}
	}
	if _, err := Open(context.Background(), w.Dir); err != nil {
		t.Errorf("the world has suffered: %v", err)
	}

	occupied := t.TempDir()
	if err := os.WriteFile(filepath.Join(occupied, "thesis.tex"), nil, 0o666); err != nil {
		t.Fatal(err)
	}
	if _, err := Make(context.Background(), occupied, Options{Scale: tinyScale}); !errors.Is(err, ErrOccupied) || !strings.Contains(err.Error(), "thesis.tex") {
		t.Errorf("a folder with a thesis: %v", err)
	}
	empty := t.TempDir()
	if _, err := Make(context.Background(), empty, Options{Scale: tinyScale}); err != nil {
		t.Errorf("an empty folder: %v", err)
	}
}

func TestWhatCannotBeReadIsNotTakenForDamage(t *testing.T) {
	for name, path := range map[string]string{"a file": "data/vqa/train.json", "a picture": imageDir + "/dev-0-0-img0.png"} {
		w := tiny(t, Options{})
		full := filepath.Join(w.Dir, filepath.FromSlash(path))
		if err := errors.Join(os.Remove(full), os.Mkdir(full, 0o777)); err != nil { // reading a folder fails, for root too
			t.Fatal(err)
		}
		_, err := Make(context.Background(), w.Dir, Options{Scale: w.Scale})
		if err == nil || errors.Is(err, ErrDamaged) || !strings.Contains(err.Error(), filepath.Base(path)) {
			t.Errorf("%s: %v", name, err)
		}
	}
}

func TestALinkStaysALink(t *testing.T) {
	disk, link := t.TempDir(), filepath.Join(t.TempDir(), "world")
	if err := os.Symlink(disk, link); err != nil {
		t.Skip(err)
	}
	for range 2 {
		if _, err := Make(context.Background(), link, Options{Scale: tinyScale}); err != nil {
			t.Fatal(err)
		}
	}
	if to, err := os.Readlink(link); err != nil || to != disk {
		t.Errorf("the link leads to %q, %v", to, err)
	}
}

func TestBadOptionsAndPlacesAreErrors(t *testing.T) {
	for _, scale := range []float64{-1, 101} {
		if _, err := Make(context.Background(), t.TempDir(), Options{Scale: scale}); err == nil || !strings.Contains(err.Error(), "scale") {
			t.Errorf("scale %g: %v", scale, err)
		}
	}
	file := filepath.Join(t.TempDir(), "file")
	if err := os.WriteFile(file, nil, 0o666); err != nil {
		t.Fatal(err)
	}
	for _, dir := range []string{file, filepath.Join(file, "world")} {
		if _, err := Make(context.Background(), dir, Options{Scale: tinyScale}); err == nil || !strings.Contains(err.Error(), file) {
			t.Errorf("%s: %v", dir, err)
		}
	}
	if _, err := Open(context.Background(), t.TempDir()); !errors.Is(err, ErrNoWorld) {
		t.Errorf("an empty folder: %v", err)
	}
}

func TestAStampThatLiesIsAnError(t *testing.T) {
	w := tiny(t, Options{})
	good := stampOf(t, w)
	for name, change := range map[string]func(string) string{
		"empty":           func(string) string { return "" },
		"something else":  func(string) string { return `{"name": "world"}` },
		"cut":             func(s string) string { return s[:len(s)/2] },
		"huge":            func(s string) string { return s + strings.Repeat(" ", maxStamp) },
		"of another kind": func(s string) string { return strings.Replace(s, `"seed": 1`, `"seed": "one"`, 1) },
		"another version": func(s string) string {
			return strings.Replace(s, fmt.Sprintf(`"version": %d`, Version), `"version": 99`, 1)
		},
		"endless scale":      func(s string) string { return strings.Replace(s, `"scale": 0.001`, `"scale": 1e300`, 1) },
		"larger scale":       func(s string) string { return strings.Replace(s, `"scale": 0.001`, `"scale": 0.005`, 1) },
		"a file outside":     func(s string) string { return strings.Replace(s, `"data/vocab.txt"`, `"../../etc/passwd"`, 1) },
		"a split of its own": func(s string) string { return strings.Replace(s, `"stage1"`, `"../stage1"`, 1) },
		"fewer splits":       func(s string) string { return strings.Replace(s, `"splits"`, `"spilts"`, 1) },
	} {
		if err := os.WriteFile(filepath.Join(w.Dir, stampPath), []byte(change(good)), 0o666); err != nil {
			t.Fatal(err)
		}
		if _, err := Open(context.Background(), w.Dir); err == nil || !strings.Contains(err.Error(), w.Dir) {
			t.Errorf("%s: %v", name, err)
		}
	}
}

func TestAnInterruptedMakeLeavesNothing(t *testing.T) {
	for _, after := range []int{0, 1, 30, 60} {
		parent := t.TempDir()
		dir := filepath.Join(parent, "world")
		ctx, cancel := context.WithCancel(context.Background())
		if after == 0 {
			cancel()
		}
		_, err := Make(ctx, dir, Options{Scale: tinyScale, Progress: func(done, total int) {
			if done >= after {
				cancel()
			}
		}})
		cancel()
		if !errors.Is(err, context.Canceled) {
			t.Errorf("after %d pictures: %v", after, err)
		}
		if left, err := os.ReadDir(parent); err != nil || len(left) > 0 {
			t.Errorf("after %d pictures there are %v, %v", after, left, err)
		}
	}
}

func TestTwoMakesAtOnceGiveOneWorld(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "world")
	var both sync.WaitGroup
	for range 2 {
		both.Go(func() {
			if _, err := Make(context.Background(), dir, Options{Scale: tinyScale}); err != nil {
				t.Error(err)
			}
		})
	}
	both.Wait()
	if _, err := Open(context.Background(), dir); err != nil {
		t.Error(err)
	}
	if left, err := os.ReadDir(filepath.Dir(dir)); err != nil || len(left) != 1 {
		t.Errorf("there are %v, %v", left, err)
	}
}

func TestWhatAKilledMakeLeftIsRemovedInTime(t *testing.T) {
	parent := t.TempDir()
	for name, age := range map[string]time.Duration{".world.making-1": 48 * time.Hour, ".world.making-2": 0, ".other.making-3": 48 * time.Hour} {
		dir := filepath.Join(parent, name)
		if err := os.MkdirAll(filepath.Join(dir, "data"), 0o777); err != nil {
			t.Fatal(err)
		}
		then := time.Now().Add(-age)
		if err := os.Chtimes(dir, then, then); err != nil {
			t.Fatal(err)
		}
	}
	if _, err := Make(context.Background(), filepath.Join(parent, "world"), Options{Scale: tinyScale}); err != nil {
		t.Fatal(err)
	}
	entries, err := os.ReadDir(parent)
	if err != nil {
		t.Fatal(err)
	}
	var names []string
	for _, e := range entries {
		names = append(names, e.Name())
	}
	if want := []string{".other.making-3", ".world.making-2", "world"}; !slices.Equal(names, want) {
		t.Errorf("there are %v, not %v", names, want)
	}
}

func TestADiskThatFailsIsAnError(t *testing.T) {
	for name, place := range map[string]string{"a file where a folder is needed": "scenes", "a file where one is made": "data"} {
		dir := t.TempDir()
		m := &maker{seed: 1, directions: newDirections(1), folder: newFolder(dir)}
		if err := os.WriteFile(filepath.Join(dir, place), nil, 0o666); err != nil {
			t.Fatal(err)
		}
		err := m.fill(context.Background(), &World{Dir: dir}, Options{Scale: tinyScale})
		if _, closing := m.folder.close(); err == nil || !strings.Contains(err.Error(), place) || closing != nil {
			t.Errorf("%s: %v, %v", name, err, closing)
		}
	}
	full := newFolder(t.TempDir())
	if err := full.append("data/x.json", true, []byte("1")); err != nil {
		t.Fatal(err)
	}
	full.files["data/x.json"].file.Close()
	if _, err := full.close(); !errors.Is(err, fs.ErrClosed) {
		t.Errorf("a file that cannot be written: %v", err)
	}
	if _, err := newFolder(t.TempDir()).writePicture(&Scene{ID: "x", Width: 4, Height: 4}); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("a picture without its folder: %v", err)
	}
}

func TestProgressEndsAtTheTotal(t *testing.T) {
	last, totals := 0, map[int]bool{}
	w := tiny(t, Options{Progress: func(done, total int) {
		if done <= last {
			t.Errorf("%d after %d", done, last)
		}
		last, totals[total] = done, true
	}})
	pictures := 0
	for _, s := range w.Splits {
		pictures += s.Pictures
	}
	if last != pictures || len(totals) != 1 || !totals[last] {
		t.Errorf("ended at %d of %v, there are %d pictures", last, totals, pictures)
	}
}

func TestInOrderKeepsTheOrderAndStops(t *testing.T) {
	var got []int
	err := inOrder(context.Background(), 500, func(i int) (int, error) {
		if i%7 == 0 {
			runtime.Gosched()
		}
		return i, nil
	}, func(i int) error { got = append(got, i); return nil })
	if err != nil || len(got) != 500 || !slices.IsSorted(got) {
		t.Errorf("%d values, %v", len(got), err)
	}
	bad := errors.New("bad")
	count := 0
	err = inOrder(context.Background(), 1<<40, func(i int) (int, error) {
		if i == 50 {
			return 0, bad
		}
		return i, nil
	}, func(int) error { count++; return nil })
	if err != bad || count != 50 {
		t.Errorf("%v after %d values", err, count)
	}
	err = inOrder(context.Background(), 1<<40, func(i int) (int, error) { return i, nil }, func(i int) error {
		if i == 9 {
			return bad
		}
		return nil
	})
	if err != bad {
		t.Error(err)
	}
}
