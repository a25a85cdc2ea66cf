package lx

import (
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/seed-516990b0/golxmert/lxmert/dataset"
	"github.com/seed-516990b0/golxmert/lxmert/task/cli"
)

// publishedTree makes a folder of the published layout, without weights and features.
func publishedTree(t *testing.T) string {
	t.Helper()
	root, err := filepath.EvalSymlinks(t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	write(t, filepath.Join(root, "data", "vqa", "minival.json"), "\ufeff"+`[
		{"question_id": 1, "img_id": "COCO_val2014_000000000007", "sent": "is it red?", "label": {"yes": 1}},
		{"question_id": 2, "img_id": "COCO_val2014_000000000042", "sent": "what is it?", "label": {"cat": 1}},
		{"question_id": 3, "img_id": "COCO_val2014_000000000042", "sent": "is it black?", "label": {"no": 0.9}}
	]`)
	return root
}

func write(t *testing.T, path, text string) {
	t.Helper()
	if err := os.MkdirAll(filepath.Dir(path), 0o777); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(path, []byte(text), 0o666); err != nil {
		t.Fatal(err)
	}
}

func TestPublishedFilesAreFoundAboveTheNotebook(t *testing.T) {
	root := publishedTree(t)
	notebooks := filepath.Join(root, "notebooks", "mine")
	if err := os.MkdirAll(notebooks, 0o777); err != nil {
		t.Fatal(err)
	}
	t.Chdir(notebooks)
	s, err := world("published")
	if err != nil {
		t.Fatal(err)
	}
	if s.Folder != root || s.Weights != filepath.Join(root, "snap", "pretrained", "model") || s.Spec.Folder != root || s.Spec.Images != "" {
		t.Errorf("found %+v", s)
	}
	if s.Picture != "COCO_val2014_000000000042" || !slices.Equal(s.Questions, []string{"what is it?", "is it black?"}) {
		t.Errorf("asks %q about %s", s.Questions, s.Picture)
	}
}

func TestAFineTunedModelAnswersInsteadOfThePretrained(t *testing.T) {
	root := publishedTree(t)
	write(t, filepath.Join(root, "snap", "vqa", "vqa_lxr955", "BEST.pth"), "")
	write(t, filepath.Join(root, "data", "images", "val2014", "x.jpg"), "")
	s, err := world(root + "/.")
	if err != nil {
		t.Fatal(err)
	}
	if s.Weights != filepath.Join(root, "snap", "vqa", "vqa_lxr955", "BEST") || s.Spec.Images != filepath.Join(root, "data", "images") {
		t.Errorf("found %+v", s)
	}
}

func TestOwnFilesReplaceTheWorlds(t *testing.T) {
	root, here := publishedTree(t), t.TempDir()
	write(t, filepath.Join(root, "data", "vocab.txt"), "[PAD]\n")
	s, err := world(root)
	if err != nil {
		t.Fatal(err)
	}
	t.Chdir(here)
	if here, err = os.Getwd(); err != nil {
		t.Fatal(err)
	}
	got, err := s.with(Spec{Regions: []string{"features", "toy"}, Images: "pictures", Config: "toy"})
	if err != nil {
		t.Fatal(err)
	}
	if !slices.Equal(got.Regions, []string{filepath.Join(here, "features"), "toy"}) || got.Images != filepath.Join(here, "pictures") || got.Config != "toy" {
		t.Errorf("own files are %+v", got)
	}
	if got.Vocab != filepath.Join(root, "data", "vocab.txt") || got.Folder != root || strings.HasSuffix(s.Spec.Regions[0], "features") {
		t.Errorf("the world's are %+v, and become %+v", s.Spec, got)
	}
}

// TestPublishedRecipesAreTheScripts compares with run/*_finetune.bash as the command line has them.
func TestPublishedRecipesAreTheScripts(t *testing.T) {
	root := filepath.Join(t.TempDir(), "my data")
	for _, script := range cli.Scripts() {
		task, found := strings.CutSuffix(script.Name, "_finetune")
		if !found {
			continue
		}
		if err := os.MkdirAll(filepath.Join(root, "data", task), 0o777); err != nil {
			t.Fatal(err)
		}
		s, err := world(root)
		if err != nil {
			t.Fatal(err)
		}
		r, err := s.recipe(task)
		if err != nil {
			t.Fatal(err)
		}
		got, err := splitFlags(r.Flags)
		if err != nil {
			t.Fatal(err)
		}
		want := append(strings.Fields(strings.ReplaceAll(script.Flags, pretrained, "PRETRAINED")), "--data", filepath.Join(root, "data"))
		if i := slices.Index(want, "PRETRAINED"); i >= 0 {
			want[i] = filepath.Join(root, pretrained)
		}
		if !slices.Equal(got, want) {
			t.Errorf("%s is trained with %q, the script does %q", task, got, want)
		}
	}
}

// TestEveryRecipeIsACommandLine takes the flags apart as a run does.
func TestEveryRecipeIsACommandLine(t *testing.T) {
	for name, recipes := range map[string]map[string]Recipe{"published": publishedRecipes, "toy": toyRecipes} {
		for _, script := range cli.Scripts() {
			if !strings.HasSuffix(script.Name, "_finetune") && !script.Task.Pretrains {
				continue
			}
			r, ok := recipes[script.Task.Name]
			if !ok || !script.Task.Pretrains && (r.Test == "" || r.HandIn == "") {
				t.Fatalf("%s has no whole recipe for %s", name, script.Task)
			}
			l, err := cli.Parse(script.Task, strings.Fields(r.Flags+" "+r.Trial))
			if err != nil {
				t.Errorf("%s, %s: %v", name, script.Task, err)
			} else if slices.Contains(l.Options.Train, r.Test) {
				t.Errorf("%s, %s reports on %s, which it trains on", name, script.Task, r.Test)
			}
		}
	}
}

func TestWorldsThatAreNotThereSayWhatWouldHaveWorked(t *testing.T) {
	empty := t.TempDir()
	t.Chdir(empty)
	damaged := t.TempDir()
	write(t, filepath.Join(damaged, "data", "vqa", "minival.json"), `[{"img_id": 7}]`)
	once := t.TempDir()
	write(t, filepath.Join(once, "data", "vqa", "minival.json"), `[{"img_id": "a", "sent": "what?"}]`)
	for name, says := range map[string]string{
		"published":  "lxmert fetch weights vqa",
		"mars":       `there are "toy", "published"`,
		empty + "/x": "data/ and snap/",
		damaged:      "minival.json:1: entry 1: img_id is a number",
		once:         "asks about no picture twice",
	} {
		if _, err := world(name); err == nil || !strings.Contains(err.Error(), says) || strings.Contains(err.Error(), "\n") {
			t.Errorf("World(%q) says %v, expected a line with %q", name, err, says)
		}
	}
	gqa := t.TempDir()
	if err := os.MkdirAll(filepath.Join(gqa, "data", "gqa"), 0o777); err != nil {
		t.Fatal(err)
	}
	s, err := world(gqa)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := s.recipe("vqa"); err == nil || !strings.Contains(err.Error(), "lxmert fetch weights vqa") {
		t.Errorf("VQA without its data: %v", err)
	}
	if _, err := s.recipe("vcr"); err == nil || !strings.Contains(err.Error(), `"nlvr2"`) {
		t.Errorf("a task that there is not: %v", err)
	}
}

// TestRecipesAreThoseOfTheTasks, which cells cannot ask, as they do not link package dataset.
func TestRecipesAreThoseOfTheTasks(t *testing.T) {
	for _, task := range dataset.Trainings() {
		name := task.Name
		// That of pre-training goes on from the published weights, which the script makes.
		if published, ok := publishedRecipes[name]; !ok || published.Flags != task.Recipe.FineTune && !task.Pretrains {
			t.Errorf("%s is published with %+v, in cells with %+v", name, task.Recipe, published)
		}
		if _, ok := toyRecipes[name]; !ok {
			t.Errorf("cells know no recipe of %s for the toy world", name)
		}
		if _, err := (&Setting{}).recipe("none"); err == nil || !strings.Contains(err.Error(), strconv.Quote(name)) {
			t.Errorf("what tasks there are does not name %s: %v", name, err)
		}
	}
	if n := len(dataset.Trainings()); len(publishedRecipes) != n || len(toyRecipes) != n {
		t.Errorf("%d and %d recipes of %d kinds of training", len(publishedRecipes), len(toyRecipes), n)
	}
}
