package lx

import (
	"bytes"
	"math"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/seed-516990b0/golxmert/internal/goldentest"
)

// goldenHeads is the tiny pre-trained model of the goldens, with names for half of its objects.
func goldenHeads(t *testing.T) (m *Model, picture string) {
	t.Helper()
	golden := goldentest.Folders(t, "model")[0]
	objects := filepath.Join(t.TempDir(), "objects.txt")
	if err := os.WriteFile(objects, []byte(strings.Repeat("thing,or another\n", 10)), 0o666); err != nil {
		t.Fatal(err)
	}
	m = Open(filepath.Join(golden, "tiny", "weights"), Spec{
		Vocab: filepath.Join(golden, "tokenizer"), Objects: objects,
		Regions: []string{filepath.Join(golden, "toy", "data", "mscoco_imgfeat", "val2014_obj36.tsv")},
	})
	return m, must(m.Images(t.Context()))[0]
}

func TestReadoutReadsAllHeadsOfPretraining(t *testing.T) {
	m, picture := goldenHeads(t)
	const sentence = "what color is the man ?"
	r := Readout(m, sentence, picture)
	for _, head := range []string{"out.match", "out.qa", "out.mlm", "out.obj", "out.attr", "out.feat"} {
		if len(r.Of(head, head != "out.match" && head != "out.qa", true)) == 0 {
			t.Errorf("%s says nothing", head)
		}
	}
	text := r.String()
	for _, want := range []string{"thing", "object 1", "attribute ", "man", "match (class 1 of out.match)"} {
		if !strings.Contains(text, want) {
			t.Errorf("%q is not in\n%s", want, text)
		}
	}
	s, err := shownOf(r)
	if err != nil || !bytes.HasPrefix(s.png, []byte("\x89PNG")) || !strings.Contains(s.html, "without the picture") || s.text != text {
		t.Errorf("shown: %v", err)
	}
	path := filepath.Join(t.TempDir(), "heads.html")
	Save(path, r)
	if page, err := os.ReadFile(path); err != nil || !strings.Contains(string(page), "What the heads say: "+sentence) {
		t.Errorf("saved: %v", err)
	}
	if one := Readout(m, sentence, picture, "man").Of("out.mlm", true, true); len(one) == 0 || len(one) >= len(r.Of("out.mlm", true, true)) {
		t.Errorf("hiding one word, %d are hidden", len(one))
	}
	if said := failing(t, func() { Readout(m, sentence, picture, "zebra") }); !strings.Contains(said, `there is no word "zebra" in "what color is the man ?"`) {
		t.Errorf("of a word that is not there: %q", said)
	}
	if said := failing(t, func() { Readout(tinyWorld(t), sentence, "val2014/1") }); !strings.Contains(said, "none of the heads of pre-training") {
		t.Errorf("of a fine-tuned model: %q", said)
	}
}

func TestSuitesOfPairsInCells(t *testing.T) {
	m, picture := goldenHeads(t)
	pictures := must(m.Images(t.Context()))[:3]
	grid := Match(m, []string{"a man", "what color is it ?"}, pictures...)
	r := Readout(m, "a man", picture)
	if p, _ := r.Match(true); math.Abs(grid.Panels[0].Values[0][0]-p) > 1e-5 || len(grid.Panels[0].Values) != 2 || len(grid.Panels[0].Values[1]) != 3 {
		t.Errorf("the grid is %v, a readout says %g", grid.Panels, p)
	}
	items := []SuiteItem{{Images: []string{picture + ".jpg"}, Sentences: []string{"a man", "what color is it ?"}}, {Images: []string{pictures[1]}, Sentences: []string{"a man", "what is it ?"}}}
	found := Pairs(m, items...)
	if value, _, _, blind, n := found.Value("", "acc_r"); n != 2 || math.IsNaN(value) || math.IsNaN(blind) {
		t.Errorf("of %d pairs %g are right, without pictures %g", n, value, blind)
	}
	if s, err := shownOf(found); err != nil || !strings.Contains(s.html, "acc_r") || len(s.png) == 0 {
		t.Errorf("shown: %v", err)
	}
	file := filepath.Join(t.TempDir(), "pairs.jsonl")
	if err := os.WriteFile(file, []byte(`{"images": ["`+picture+`"], "sentences": ["a man", "what color is it ?"]}`), 0o666); err != nil {
		t.Fatal(err)
	}
	if got := Suite(m, "pairs", file); got.Items != 1 {
		t.Errorf("the file has %d items", got.Items)
	}
	if said := failing(t, func() { Suite(m, "valse", file) }); !strings.Contains(said, "pairs.jsonl: not an item of a suite") {
		t.Errorf("of another layout: %q", said)
	}
	if said := failing(t, func() { Pairs(m, SuiteItem{Sentences: []string{"a"}}) }); !strings.Contains(said, "0 images and 1 sentences") {
		t.Errorf("of no picture: %q", said)
	}
}
