package hide_test

import (
	"strings"
	"testing"

	"github.com/seed-516990b0/golxmert/analysis/modality"
	"github.com/seed-516990b0/golxmert/analysis/modality/hide"
	"github.com/seed-516990b0/golxmert/analysis/probe"
	"github.com/seed-516990b0/golxmert/lxmert"
	"github.com/seed-516990b0/golxmert/lxmert/backend/backendtest"
	"github.com/seed-516990b0/golxmert/lxmert/lxrt/lxrttest"
)

func TestMain(m *testing.M) { backendtest.Main(m) }

// named calls region 1 of each picture what a word of its sentence says, and all others something else. Of the last row nothing is.
func named(b *lxmert.Batch) *lxmert.Batch {
	out := *b
	out.Images, out.Words = nil, nil
	for row := range b.Rows() {
		w := lxmert.Words{Text: "the star"}
		for t := range b.IDs[row] {
			w.Pieces, w.Start, w.End, w.Word = append(w.Pieces, "x"), append(w.Start, -1), append(w.End, -1), append(w.Word, -1)
			switch {
			case t == 1:
				w.Start[t], w.End[t], w.Word[t] = 0, 3, 0
			case t == 2:
				w.Start[t], w.End[t], w.Word[t] = 4, 8, 1
			}
		}
		info := lxmert.ImageInfo{ID: string(rune('a' + row)), Source: "given"}
		for v := range b.V() {
			name := "ring"
			if v == 1 && row < b.Rows()-1 {
				name = "star"
			}
			info.Objects, info.ObjectIDs = append(info.Objects, name), append(info.ObjectIDs, int32(v%2+1))
		}
		out.Images, out.Words = append(out.Images, info), append(out.Words, w)
	}
	return &out
}

// TestWhatAWordNamesIsHidden both ways, and nothing of a row without such a word.
func TestWhatAWordNamesIsHidden(t *testing.T) {
	lxrttest.OnGo(t, func(t *testing.T, eng lxmert.Engine, b *lxmert.Batch, _ string) {
		b = named(b)
		for row := range b.Rows() {
			h, ok := hide.Of(b, row, hide.Numbered(eng.Config().Objects))
			if there := row < b.Rows()-1; ok != there || ok && (len(h.Words) != 1 || h.Words[0] != 2 || h.Region != 1 || h.Class != 2) {
				t.Errorf("row %d hides %+v, %v", row, h, ok)
			}
			if _, ok := hide.Of(b, row, hide.Numbered(2)); ok {
				t.Errorf("row %d hides a region of class 2 of 2", row)
			}
		}
		told := 0
		found, err := hide.Run(t.Context(), eng, probe.One(b, nil), func(done int) { told = done })
		if err != nil {
			t.Fatal(err)
		}
		if told != b.Rows() || found.N != b.Rows()-1 || !strings.Contains(strings.Join(found.Notes, " "), "1 of 8 questions have no such word") {
			t.Errorf("told of %d, %d examples, %q", told, found.N, found.Notes)
		}
		// The same as naming words and regions by hand.
		var rows []int
		var words [][]int
		for row := range found.N {
			rows, words = append(rows, row), append(words, []int{2})
		}
		direct, err := modality.VisionForLanguage(t.Context(), eng, b.Part(rows...), words, modality.VisionOptions{})
		if err != nil {
			t.Fatal(err)
		}
		for i, x := range direct.Measures[0].Values {
			if got := found.Measures[0].Values[i]; got != x {
				t.Errorf("row %d is surprising by %g, by hand %g", i, got, x)
			}
		}
		sides := map[string]bool{}
		for _, m := range found.Measures {
			side, _, _ := strings.Cut(m.Name, ":")
			sides[side] = true
		}
		if !sides["word hidden"] || !sides["region hidden"] || found.Table().Check() != nil {
			t.Errorf("measured are %v", sides)
		}
		if _, err := hide.Run(t.Context(), eng, probe.One(b.Part(b.Rows()-1), nil), nil); err == nil || !strings.Contains(err.Error(), "names exactly one region") {
			t.Errorf("of nothing named: %v", err)
		}
	})
}

func TestAModelWithoutHeadsGuessesNothing(t *testing.T) {
	mask := lxmert.SpecialIDs{Mask: 3}
	for _, c := range []struct {
		cfg      lxmert.Config
		labelled bool
		can      bool
	}{
		{lxmert.Config{TaskClasses: 4, Special: mask}, true, false}, {lxmert.Config{LM: true, Special: mask}, false, true}, {lxmert.Config{LM: true}, false, false},
		{lxmert.Config{Objects: 5, Special: mask}, true, true}, {lxmert.Config{Objects: 5, Special: mask}, false, false}, {lxmert.Config{FeatHead: true, Special: mask}, false, true},
	} {
		if err := hide.CanGuess(c.cfg, c.labelled); (err == nil) != c.can {
			t.Errorf("%+v, labelled %v: %v", c.cfg, c.labelled, err)
		}
	}
}
