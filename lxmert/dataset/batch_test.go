package dataset

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/seed-516990b0/golxmert/lxmert"
	"github.com/seed-516990b0/golxmert/lxmert/region"
	"github.com/seed-516990b0/golxmert/lxmert/token"
)

// words is a tokenizer of a few words.
func words(t testing.TB) *token.WordPiece {
	t.Helper()
	tok, err := token.New(strings.NewReader("[PAD]\n[UNK]\n[CLS]\n[SEP]\n[MASK]\nis\nit\nred\n?\n"))
	if err != nil {
		t.Fatal(err)
	}
	return tok
}

func pairs(t *testing.T) *Set {
	t.Helper()
	statement := func(a, b, text string) string {
		return fmt.Sprintf(`{"uid": "u", "identifier": "x", "img0": %q, "img1": %q, "sent": %q, "label": 0}`, a, b, text)
	}
	w := newWorld(t, map[string][]string{"nlvr2/train": {
		statement("a", "b", "is it red ?"), statement("c", "a", "it is"), statement("b", "a", "is it red ?"), statement("c", "c", "red"),
	}})
	w.sources["train"] = inMemory(picture("a", 1, 3, 1), picture("b", 2, 3, 2), picture("c", 2, 3, 3))
	s, err := w.load(NLVR2, "train", Options{})
	if err != nil {
		t.Fatal(err)
	}
	return s
}

func TestStatementsHaveTwoRowsEach(t *testing.T) {
	s := pairs(t)
	b, err := s.Batch(context.Background(), words(t), 6, []int{1, 0})
	if err != nil {
		t.Fatal(err)
	}
	one, two := []int32{2, 6, 5, 3, 0, 0}, []int32{2, 5, 6, 7, 8, 3}
	for i, want := range [][]int32{one, one, two, two} {
		if !slices.Equal(b.IDs[i], want) {
			t.Errorf("row %d: ids %v, want %v", i, b.IDs[i], want)
		}
	}
	if want := []float32{1, 1, 1, 1, 0, 0}; !slices.Equal(b.TextMask[0], want) {
		t.Errorf("mask %v, want %v", b.TextMask[0], want)
	}
	for i, want := range []float32{3, 1, 1, 2} {
		if got := b.Feats.Row(i).Data[0]; got != want {
			t.Errorf("row %d has picture %g, want %g", i, got, want)
		}
	}
	if !slices.Equal(b.Feats.Shape, []int{4, 2, 3}) || !slices.Equal(b.RegionMask[1], []float32{1, 0}) || b.Images[3].ID != "b" {
		t.Errorf("%v %v %v", b.Feats.Shape, b.RegionMask, b.Images)
	}
	if want := []float32{1. / 100, 0, 11. / 100, 0.5}; !slices.Equal(b.Boxes.Row(0).Data[4:], want) {
		t.Errorf("box %v, want %v", b.Boxes.Row(0).Data[4:], want)
	}
	c := lxmert.Config{Vocab: 9, MaxPositions: 6, TokenTypes: 2, FeatDim: 3, BoxDim: 4}
	if err := b.Check(c); err != nil {
		t.Error(err)
	}
}

func TestPairsSpellOutTheSameRows(t *testing.T) {
	s, tok, index := pairs(t), words(t), []int{0, 1, 2, 3, 1}
	for _, length := range []int{0, 6} {
		b, err := s.Batch(context.Background(), tok, length, index)
		if err != nil {
			t.Fatal(err)
		}
		p, err := s.PairedBatch(context.Background(), tok, length, index)
		if err != nil {
			t.Fatal(err)
		}
		if len(p.IDs) != 3 || p.Feats.Shape[0] != 3 || p.Rows() != b.Rows() || b.Rows() != 10 {
			t.Fatalf("%d texts, %d pictures, %d rows of %d", len(p.IDs), p.Feats.Shape[0], p.Rows(), b.Rows())
		}
		for row, pair := range p.Pairs {
			text, image := pair[0], pair[1]
			if !slices.Equal(p.IDs[text], b.IDs[row]) || !slices.Equal(p.TextMask[text], b.TextMask[row]) || p.Words[text].Text != b.Words[row].Text {
				t.Errorf("row %d: text %v, want %v", row, p.IDs[text], b.IDs[row])
			}
			if !slices.Equal(p.Feats.Row(image).Data, b.Feats.Row(row).Data) || !slices.Equal(p.Boxes.Row(image).Data, b.Boxes.Row(row).Data) ||
				!slices.Equal(p.RegionMask[image], b.RegionMask[row]) || p.Images[image].ID != b.Images[row].ID {
				t.Errorf("row %d: picture %s, want %s", row, p.Images[image].ID, b.Images[row].ID)
			}
		}
	}
}

func TestPicturesAreReadOncePerBatch(t *testing.T) {
	w := newWorld(t, map[string][]string{"vqa/train": {question(1, "a", "red"), question(2, "a", "it"), question(3, "a", "red")}})
	counted := &counting{memory: inMemory(picture("a", 2, 3, 1))}
	open := func(context.Context, string, int) (region.Source, error) { return counted, nil }
	s, err := Load(context.Background(), VQA, []string{"train"}, Options{Root: w.root, Open: open})
	if err != nil {
		t.Fatal(err)
	}
	before := counted.reads
	b, err := s.Batch(context.Background(), words(t), 4, []int{0, 1, 2})
	if err != nil || b.Rows() != 3 || b.Feats.Shape[0] != 3 {
		t.Fatal(b, err)
	}
	if n := counted.reads - before; n != 1 {
		t.Errorf("read %d times", n)
	}
}

// counting counts what is read.
type counting struct {
	*memory
	reads int
}

func (c *counting) Find(ctx context.Context, id string) (*region.Regions, error) {
	c.reads++
	return c.memory.Find(ctx, id)
}

func TestBadBatchesAreErrors(t *testing.T) {
	s, tok, ctx := pairs(t), words(t), context.Background()
	for _, c := range []struct {
		index  []int
		length int
		want   string
	}{
		{nil, 20, "no examples"}, {[]int{0, 4}, 20, "no example 4: the set has 4"}, {[]int{-1}, 20, "no example -1"}, {[]int{0}, 1, "a length of 1"},
	} {
		for _, batch := range []func(context.Context, *token.WordPiece, int, []int) (*lxmert.Batch, error){s.Batch, s.PairedBatch} {
			if _, err := batch(ctx, tok, c.length, c.index); err == nil || !strings.Contains(err.Error(), c.want) {
				t.Errorf("%v: %v, want %s", c.index, err, c.want)
			}
		}
	}
	s.Examples = append(s.Examples, Example{ID: "9", Images: []string{"a", "nowhere"}})
	if _, err := s.Batch(ctx, tok, 20, []int{4}); !errors.Is(err, region.ErrNotFound) || !strings.Contains(err.Error(), `example "9"`) {
		t.Error(err)
	}
}
