package intervene_test

import (
	"slices"
	"testing"

	"github.com/seed-516990b0/golxmert/lxmert"
	"github.com/seed-516990b0/golxmert/lxmert/backend/backendtest"
	"github.com/seed-516990b0/golxmert/lxmert/lxrt/lxrttest"
)

func TestMain(m *testing.M) { backendtest.Main(m) }

var (
	eachGolden = lxrttest.EachGolden
	onGo       = lxrttest.OnGo
)

// answer asks a row of a batch.
func answer(t *testing.T, eng lxmert.Engine, b *lxmert.Batch, row int) *lxmert.Answer {
	t.Helper()
	head, err := eng.Config().AnswerHead()
	if err != nil {
		t.Fatal(err)
	}
	all, err := head.Ask(t.Context(), eng, []lxmert.Question{{Text: "which?", Images: []string{"one"}}}, b.Part(row))
	if err != nil {
		t.Fatal(err)
	}
	return all[0]
}

// logits of an answer by class.
func logits(a *lxmert.Answer) []float64 {
	out := make([]float64, len(a.Ranked))
	for _, r := range a.Ranked {
		out[r.Class] = float64(r.Logit)
	}
	return out
}

// reworded is a row of a batch with another word in a place.
func reworded(b *lxmert.Batch, row, place int) *lxmert.Batch {
	out := b.Part(row)
	ids := slices.Clone(out.IDs[0])
	const first = 4 // after the special ids
	if ids[place]++; ids[place] < first || ids[place] > 2*first {
		ids[place] = first
	}
	if ids[place] == b.IDs[row][place] {
		ids[place]++
	}
	out.IDs = [][]int32{ids}
	return out
}

// named gives the words and regions of a golden batch names: every text consists of letters, every picture has objects of three
// kinds.
func named(b *lxmert.Batch) *lxmert.Batch {
	out := *b
	out.Words, out.Images = nil, nil
	for n, ids := range b.IDs {
		w := lxmert.Words{}
		add := func(piece string, start, end, word int) {
			w.Pieces, w.Start, w.End, w.Word = append(w.Pieces, piece), append(w.Start, start), append(w.End, end), append(w.Word, word)
		}
		last := len(ids) - 1
		for b.TextMask != nil && last > 0 && b.TextMask[n][last] == 0 {
			last--
		}
		for t, id := range ids {
			switch {
			case t == 0:
				add("[CLS]", -1, -1, -1)
			case t == last:
				add("[SEP]", -1, -1, -1)
			case t > last:
				add("[PAD]", -1, -1, -1)
			default:
				piece := string(rune('a' + id%26))
				if w.Text != "" {
					w.Text += " "
				}
				w.Text += piece
				add(piece, len(w.Text)-1, len(w.Text), t-1)
			}
		}
		out.Words = append(out.Words, w)
		info := lxmert.ImageInfo{ID: "picture " + string(rune('a'+n))}
		for v := range b.V() {
			info.Objects = append(info.Objects, []string{"star", "ring", "cross"}[v%3])
		}
		out.Images = append(out.Images, info)
	}
	return &out
}
