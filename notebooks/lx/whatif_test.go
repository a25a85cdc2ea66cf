package lx

import (
	"bytes"
	"image"
	"image/png"
	"math"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/seed-516990b0/golxmert/analysis"
	"github.com/seed-516990b0/golxmert/analysis/intervene"
	"github.com/seed-516990b0/golxmert/lxmert"
)

func TestWhatIfAsksAgain(t *testing.T) {
	m := tinyWorld(t)
	questions := m.Questions("minival", 2)
	about := questions[0]
	q := Ask(m, about.Text, about.Images...)
	words := "what shape is the red thing?"
	o := WhatIf(q, words)
	alone := Ask(m, words, about.Images...)
	if got, want := o.After[0].Answer.Best(), alone.Best(); got.Text != want.Text || math.Abs(got.Probability-want.Probability) > 1e-4 {
		t.Errorf("with other words the answer is %+v, to these words alone %+v", got, want)
	}
	if got, want := o.Before.Answer.Best(), q.Best(); got.Text != want.Text || math.Abs(got.Probability-want.Probability) > 1e-4 {
		t.Errorf("before it is %+v, asked %+v", got, want)
	}
	other := Ask(m, about.Text, questions[1].Images...)
	both := WhatIf(q, Without(), WithRegion("region 0", other, "region 1"), HeadsOff("x.*.ti:0"), Words(q, words), intervene.Cut("[CLS]", "regions"))
	if len(both.After) != 5 || both.After[3].Answer.Question.Text != words || len(both.After[0].Answer.Batch.Feats.Data) != 0 {
		t.Errorf("the changes are %v", both)
	}
	cut := Cut(q, "[CLS]", "regions")
	if cut.After[0].Answer.Best().Logit == q.Best().Logit {
		t.Error("a cut changes nothing")
	}
	same := WhatIf(q, Patch(q, "hid.*.1"))
	if d := same.After[0].Score - same.Before.Score; math.Abs(d) > 1e-5 {
		t.Errorf("a question patched with its own levels differs by %g", d)
	}
	testFeatures(t, q)
	without := With(q, Without("region 0"))
	if again := Ask(m, about.Text, about.Images...); without.Batch.V() != again.Batch.V() || without.Best().Logit == again.Best().Logit || With(q, Words(q, words)).Question.Text != words {
		t.Errorf("without a region the question is %+v", without)
	}
	if text := failing(t, func() { With(q, HeadsOff("*")) }); !strings.Contains(text, "lx.WhatIf asks with it") {
		t.Errorf("a question with heads off: %q", text)
	}
	for what, x := range map[string]*Outcome{"other words": o, "changes": both} {
		s, err := shownOf(x)
		if err != nil || !bytes.HasPrefix(s.png, []byte("\x89PNG")) || strings.Count(s.html, "<img") < 1+len(x.After) || !strings.Contains(s.text, "as it was") {
			t.Errorf("%s: %v, %q", what, err, s.text)
		}
	}
	s, err := shownOf(both)
	if err != nil {
		t.Fatal(err)
	}
	table, err := drawn(both.Table())
	if err != nil {
		t.Fatal(err)
	}
	// Six cases in two lines, and the table below them.
	if whole, alone := sizeOf(t, s.png), sizeOf(t, table.png); whole.Y < alone.Y+whole.X/2 {
		t.Errorf("the picture of six cases is %v, of the table alone %v", whole, alone)
	}
	if text := failing(t, func() { Cut(q, "nobody", "regions") }); !strings.HasPrefix(text, "lx: ") || !strings.Contains(text, `nothing is called "nobody"`) {
		t.Errorf("a cut of no head: %q", text)
	}
	if x := both.Marks(&both.After[0])[0].Scores; len(x.Regions) != q.Batch.V() || len(x.Unmasked()) != 0 {
		t.Errorf("without regions there are still %v on the picture", x.Unmasked())
	}
	path := filepath.Join(t.TempDir(), "what.csv")
	Save(path, o.Table())
	if text, err := os.ReadFile(path); err != nil || !strings.Contains(string(text), words) {
		t.Errorf("saved, the table is %q, %v", text, err)
	}
}

// sizeOf is that of a picture.
func sizeOf(t *testing.T, data []byte) image.Point {
	t.Helper()
	c, err := png.DecodeConfig(bytes.NewReader(data))
	if err != nil {
		t.Fatal(err)
	}
	return image.Pt(c.Width, c.Height)
}

func TestPatchingSaysWhereTheDifferenceIs(t *testing.T) {
	m := tinyWorld(t)
	about := m.Questions("minival", 1)[0]
	clean := Ask(m, "what color is the star?", about.Images...)
	corrupted := Ask(m, "what shape is the star?", about.Images...)
	c := Patching(clean, corrupted)
	x, ok := analysis.First[analysis.Scores](c)
	if !ok || len(x.Words) != clean.Batch.T() {
		t.Fatalf("there are no words in %v", c)
	}
	for i, share := range x.Words {
		if changed := i == 2; changed != (math.Abs(share-1) < 0.05) && !math.IsNaN(share) {
			t.Errorf("word %d restores %g of the difference", i, share)
		}
	}
	if s, err := shownOf(c); err != nil || len(s.png) == 0 || !strings.Contains(s.html, "x.1.ti") {
		t.Errorf("shown: %v", err)
	}
	// What suffices for the whole difference is needed for all of it: the word that differs, at the embedding.
	noising, _ := analysis.First[analysis.Scores](Patching(clean, corrupted, "noising"))
	if share := noising.Words[2]; math.Abs(share) > 0.05 || noising.Text.Text != clean.Question.Text || x.Text.Text != clean.Question.Text {
		t.Errorf("the word that differs damages the answer to %g, shown with %q", share, noising.Text.Text)
	}
	if same, _ := analysis.First[analysis.Scores](Patching(clean, corrupted, "noising", "matched")); !slices.Equal(same.Words, noising.Words) {
		t.Errorf("regions of one picture matched: %v, not matched %v", same.Words, noising.Words)
	}
	other := Ask(m, "is there a star?", about.Images...)
	if text := failing(t, func() { Patching(clean, other) }); !strings.Contains(text, "replace a word by one of as many pieces") {
		t.Errorf("questions of different lengths: %q", text)
	}
}

func TestTargetsAreNamedInCells(t *testing.T) {
	m := tinyWorld(t)
	about := m.Questions("minival", 1)[0]
	q := Ask(m, about.Text, about.Images...)
	plain, contrast := Explain(q, "gradxinput"), Explain(q, "gradxinput", "blue-red")
	if contrast.Scores.Target != "logit of blue-red" || slices.Equal(contrast.Scores.Regions, plain.Scores.Regions) {
		t.Errorf("why blue and not red is explained as %q", contrast.Scores.Target)
	}
	blue, red := Explain(q, "blue", "gradxinput"), Explain(q, "gradxinput", "red")
	for i, x := range contrast.Scores.Regions {
		if want := blue.Scores.Regions[i] - red.Scores.Regions[i]; math.Abs(x-want) > 1e-4 {
			t.Errorf("region %d has %g for blue-red, %g for blue less red", i, x, want)
		}
	}
	o := WhatIfOf(q, "blue-red", Without())
	if o.Target != "logit of blue-red" || o.Unit != "logit" {
		t.Errorf("compared is %q in %q", o.Target, o.Unit)
	}
	if text := failing(t, func() { Explain(q, "nonsense") }); !strings.Contains(text, `"nonsense" is neither`) || !strings.Contains(text, "rollout") {
		t.Errorf("nonsense: %q", text)
	}
	if text := failing(t, func() { Explain(q, "blue", "red") }); !strings.Contains(text, "said already") {
		t.Errorf("two targets: %q", text)
	}
}

// testFeatures changes features of a dictionary that is the identity of the last level of words.
func testFeatures(t *testing.T, q *Answer) {
	t.Helper()
	at := "hid.t.1"
	width := q.Model.Config().Hidden
	identity, zero := lxmert.NewTensor(width, width), lxmert.NewTensor(width)
	for i := range width {
		identity.Data[i*width+i] = 1
	}
	path := filepath.Join(t.TempDir(), "sae.safetensors")
	file := lxmert.Trace{Values: map[string]lxmert.Tensor{"W_enc": identity, "b_enc": zero, "W_dec": identity, "b_dec": zero}}
	if err := file.Save(path); err != nil {
		t.Fatal(err)
	}
	d := OpenDictionary(path, at)
	o := WhatIf(q, Features(d, "0*1"), Features(d, "0=9"), Reconstructed(d, ""))
	if math.Abs(o.After[0].Score-o.Before.Score) > 1e-5 || math.Abs(o.After[1].Score-o.Before.Score) < 1e-5 || math.Abs(o.After[2].Score-o.Before.Score) < 1e-5 {
		t.Errorf("scores %g; %g with nothing changed, %g with a feature set, %g without what is negative", o.Before.Score, o.After[0].Score, o.After[1].Score, o.After[2].Score)
	}
	if text := failing(t, func() { Features(d, "nonsense") }); !strings.Contains(text, "must be a feature") {
		t.Errorf("no feature: %q", text)
	}
}
