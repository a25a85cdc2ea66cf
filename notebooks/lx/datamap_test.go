package lx

import (
	"bytes"
	"path/filepath"
	"strings"
	"testing"
)

func TestTheMapOfARunIsShownAndItsHardestAreAsked(t *testing.T) {
	r := Follow(train(t, "vqa", "--train minival --valid minival --epochs 2"))
	d := DataMap(r)
	if d.Epochs() != 2 || len(d.Questions) == 0 || d.Questions[0].Confidence > d.Questions[len(d.Questions)-1].Confidence {
		t.Fatalf("%d epochs, %d of the hardest", d.Epochs(), len(d.Questions))
	}
	s, err := shownOf(d)
	if err != nil || !bytes.HasPrefix(s.png, []byte("\x89PNG")) || !strings.Contains(s.html, d.Questions[0].ID) || !strings.Contains(s.text, "hard") {
		t.Errorf("it is shown as %q, %v", s.text, err)
	}
	path := filepath.Join(t.TempDir(), "map.html")
	Save(path, d)
	m := Open(r.Output)
	explained := d.Explain(m)
	if s, err := shownOf(explained); err != nil || strings.Count(s.html, `class="lxr-data"`) != len(d.Questions) || strings.Count(s.html, "<image href=") != len(d.Questions) {
		t.Errorf("%d of the %d hardest are explained, or they lack their pictures, %v", strings.Count(s.html, `class="lxr-data"`), len(d.Questions), err)
	}
	if some := d.Explain(m, 1); some.Questions[0].Explanations != nil || len(some.Questions[1].Explanations) != 1 || d.Questions[1].Explanations != nil {
		t.Errorf("of one there are %d and %d explanations", len(some.Questions[0].Explanations), len(some.Questions[1].Explanations))
	}
	a := d.Ask(m, 0)
	if a.Question.Text != d.Questions[0].Asked.Text {
		t.Errorf("%q was asked, the hardest is %q", a.Question.Text, d.Questions[0].Asked.Text)
	}
	if x := Explain(a); x.Scores.Answer != a.Best().Text {
		t.Errorf("%q is explained", x.Scores.Answer)
	}
	if said := failing(t, func() { d.Ask(m, len(d.Questions)) }); !strings.Contains(said, "of the hardest examples") {
		t.Errorf("%s", said)
	}
	if said := failing(t, func() { d.Explain(m, -1) }); !strings.Contains(said, "and no -1") {
		t.Errorf("%s", said)
	}
	without := Follow(train(t, "vqa", "--train minival --valid minival --epochs 1 --noDynamics"))
	if said := failing(t, func() { DataMap(without) }); !strings.Contains(said, "--noDynamics") || !strings.Contains(said, without.ID) {
		t.Errorf("%s", said)
	}
}
