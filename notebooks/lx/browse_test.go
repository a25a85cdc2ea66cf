package lx

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// listed is what a cell shows of a list.
func listed(t *testing.T, l *Listing) shown {
	t.Helper()
	s, err := shownOf(l)
	if err != nil {
		t.Fatal(err)
	}
	return s
}

func TestAPredictionIsListedWithItsQuestionsAndPictures(t *testing.T) {
	r := Follow(train(t, "vqa", "--train minival --valid minival --epochs 1"))
	test := Evaluate(r, "minival")
	predictions := test.Result.Scored[0].File
	first := Open("toy").Questions("minival", 1)[0]
	s := listed(t, Browse(test))
	if strings.Contains(s.html, "<html") || !strings.Contains(s.html, `class="lxb-data"`) || !strings.Contains(s.html, first.Text) {
		t.Errorf("a cell shows %.600s", s.html)
	}
	if !strings.Contains(s.html, `class="lxb-pictures"`) {
		t.Error("a run on the toy world is listed without its pictures")
	}
	if !strings.Contains(s.text, "minival_predict.json") {
		t.Errorf("its text is %q", s.text)
	}
	// A file says the same; it has the pictures that it is told of, here none.
	questions := []string{filepath.Join(filepath.Dir(r.Output), "minival.json")}
	text, err := os.ReadFile(filepath.Join(os.Getenv("LXMERT_TOY"), "data", "vqa", "minival.json"))
	if err == nil {
		err = os.WriteFile(questions[0], text, 0o600)
	}
	if err != nil {
		t.Fatal(err)
	}
	file := listed(t, Browse(predictions, BrowseOptions{Questions: questions, Limit: 3}))
	if strings.Contains(file.html, `class="lxb-pictures"`) || !strings.HasSuffix(file.text, ", the first 3 are listed") {
		t.Errorf("of a file: %q", file.text)
	}
	path := filepath.Join(t.TempDir(), "folder", "page.html")
	Save(path, Browse(predictions, BrowseOptions{Questions: questions, Images: "toy"}))
	page, err := os.ReadFile(path)
	if err != nil || !strings.HasPrefix(string(page), "<!doctype html>") || !strings.Contains(string(page), `class="lxb-pictures"`) {
		t.Errorf("the page of its own is %.100s, %v", page, err)
	}
	for want, cell := range map[string]func(){
		"has predicted minival: lx.BrowseOptions{Split: …} chooses one": func() { Show(Browse(test, BrowseOptions{Split: "heldout"})) },
		"has predicted nothing: lx.Evaluate":                            func() { Show(Browse(r)) },
		"lx.BrowseOptions{Questions":                                    func() { Show(Browse(predictions)) },
		"a run knows its questions":                                     func() { Browse(test, BrowseOptions{Questions: questions}) },
		"Split is for what lx.Evaluate":                                 func() { Browse("minival", BrowseOptions{Split: "minival"}) },
		"must be 0 or more":                                             func() { Browse("minival", BrowseOptions{Limit: -1}) },
		"takes one BrowseOptions":                                       func() { Browse("minival", BrowseOptions{}, BrowseOptions{}) },
		"nowhere":                                                       func() { Show(Browse("nowhere")) },
		"page.pdf: a list of examples":                                  func() { Save("page.pdf", Browse(test)) },
	} {
		if said := failing(t, cell); !strings.Contains(said, want) || strings.Count(strings.TrimSpace(said), "\n") != 0 {
			t.Errorf("it says %q, must say %q", said, want)
		}
	}
}

func TestAPredictionOfSeveralFilesIsListedByItsSplit(t *testing.T) {
	test := Evaluate(Follow(train(t, "gqa", "--train valid --valid testdev --epochs 1")), "submit,testdev")
	if len(test.Result.Scored) != 2 {
		t.Fatalf("%+v", test.Result)
	}
	if s := listed(t, Browse(test, BrowseOptions{Split: "testdev"})); !strings.HasPrefix(s.text, "testdev_predict.json: ") {
		t.Errorf("its text is %q", s.text)
	}
	if said := failing(t, func() { Show(Browse(test)) }); !strings.Contains(said, "has predicted submit,testdev and testdev: lx.BrowseOptions{Split") {
		t.Error(said)
	}
}
