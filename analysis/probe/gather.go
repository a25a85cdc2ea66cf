package probe

import (
	"context"
	"errors"
	"fmt"
	"iter"
	"math/rand/v2"
	"strings"

	"gonum.org/v1/gonum/mat"

	"github.com/seed-516990b0/golxmert/analysis"
	"github.com/seed-516990b0/golxmert/lxmert"
)

// Batches are batches of a data set, one after another. They end with the first error.
type Batches = iter.Seq2[*lxmert.Batch, error]

// One is a single batch, and an error if it could not be made.
func One(b *lxmert.Batch, err error) Batches {
	return func(yield func(*lxmert.Batch, error) bool) { yield(b, err) }
}

// gathered are the states of words, or of regions, of a data set, or the means over those of each sentence or picture.
type gathered struct {
	items  []Item
	levels []string
	rows   map[string][]float32 // of each level, [items,D]; those of the model with random weights under random+level
	dim    int
}

// random goes before the level of a model with random weights.
const random = "random "

// gather runs batches and keeps the states of at most as many words, and as many regions. A picture's regions are taken when
// it comes first, so that a data set with many questions about it does not count it twice; words are taken of all questions. For
// tasks about whole sentences and pictures it keeps the means of each that it takes, too, and for those with foils the means of
// sentences of which half, drawn by the seed, are shown with another picture.
func gather(ctx context.Context, eng, other lxmert.Engine, batches Batches, most int, tasks []Task, seed uint64, progress func(done, total int)) (map[rows]*gathered, lxmert.Provenance, string, error) {
	cfg := eng.Config()
	out := map[rows]*gathered{}
	wanted := []rows{{stream: analysis.WordStream}, {stream: analysis.RegionStream}}
	for _, t := range tasks {
		wanted = append(wanted, t.rows())
	}
	for _, of := range wanted {
		out[of] = &gathered{levels: analysis.Levels(cfg, of.stream), rows: map[string][]float32{}, dim: cfg.Hidden}
	}
	draw := drawFor(seed, "foils")
	var from lxmert.Provenance
	features, seen, first := "", map[string]bool{}, 0
	for b, err := range batches {
		if err != nil {
			return nil, from, "", err
		}
		read, others, err := readBoth(ctx, eng, other, b)
		if err != nil {
			return nil, from, "", err
		}
		from = read.From
		if features == "" && len(b.Images) > 0 {
			features = b.Images[0].Source
		}
		for row := range b.Rows() {
			picture, about := pictureOf(b, row, first)
			keep := func(of rows, it Item, positions ...int) {
				out[of].keep(it, read, others, row, positions, most)
			}
			for _, w := range wordsOf(b, row) {
				it := about
				it.Word = w.text
				keep(rows{stream: analysis.WordStream}, it, w.position)
			}
			sentence := about
			sentence.Sentence = sentenceOf(b, row)
			keep(rows{stream: analysis.WordStream, pooled: true}, sentence, analysis.InnerWords(b, row)...)
			if !seen[picture] {
				seen[picture] = true
				for v, there := range analysis.ValidRegions(b, row) {
					if it := about; there && v < len(it.Boxes) {
						it.Box = it.Boxes[v]
						it.Object, it.Attribute = at(it.Objects, v), at(it.Attributes, v)
						keep(rows{stream: analysis.RegionStream}, it, v)
					}
				}
				keep(rows{stream: analysis.RegionStream, pooled: true}, about, analysis.PresentRegions(b, row)...)
			}
		}
		if to := out[rows{stream: analysis.WordStream, pooled: true, foils: true}]; to != nil {
			if err := to.addFoils(ctx, eng, other, b, read, others, first, most, draw); err != nil {
				return nil, from, "", err
			}
		}
		first += b.Rows()
		words, regions := len(out[rows{stream: analysis.WordStream}].items), len(out[rows{stream: analysis.RegionStream}].items)
		if progress != nil {
			progress(min(words, regions), most)
		}
		if words >= most && regions >= most {
			break
		}
	}
	if first == 0 {
		return nil, from, "", errors.New("there are no questions to read states of")
	}
	return out, from, features, nil
}

// readBoth reads the states of a batch, and of the model with random weights if there is one.
func readBoth(ctx context.Context, eng, other lxmert.Engine, b *lxmert.Batch) (read, others *States, err error) {
	if read, err = ReadStates(ctx, eng, b); err != nil || other == nil {
		return read, nil, err
	}
	if others, err = ReadStates(ctx, other, b); err != nil {
		return nil, nil, fmt.Errorf("the model with random weights: %w", err)
	}
	return read, others, nil
}

// keep adds an item with the mean of its states at some positions of a row, unless there are as many as there may be. Nil keeps nothing.
func (g *gathered) keep(it Item, read, others *States, row int, positions []int, most int) {
	if g == nil || len(g.items) >= most || len(positions) == 0 {
		return
	}
	g.items = append(g.items, it)
	for _, level := range g.levels {
		g.rows[level] = append(g.rows[level], meanRow(read.Of(level, row), positions)...)
		if others != nil {
			g.rows[random+level] = append(g.rows[random+level], meanRow(others.Of(level, row), positions)...)
		}
	}
}

// addFoils adds each sentence of a batch once: as it was read, with its own picture, or, drawn, with that of another question. A picture
// that the same sentence is asked about, such as the second one of an NLVR2 statement, is no foil. A sentence in whose batch there is no
// foil is left out, so that none of the two says more about its batch.
func (g *gathered) addFoils(ctx context.Context, eng, other lxmert.Engine, b *lxmert.Batch, read, others *States, first, most int, draw *rand.Rand) error {
	var sentences, pictures []int // rows of foils
	about := func(row int, shown string) Item {
		_, it := pictureOf(b, row, first)
		it.Sentence, it.Shown = sentenceOf(b, row), shown
		return it
	}
	ids := make([]string, b.Rows())
	for row := range ids {
		ids[row], _ = pictureOf(b, row, first)
	}
	for row := range ids {
		sentence, own := sentenceOf(b, row), map[string]bool{ids[row]: true}
		for k, id := range ids {
			if sentence != "" && sentenceOf(b, k) == sentence {
				own[id] = true
			}
		}
		var elsewhere []int
		for k, id := range ids {
			if !own[id] {
				elsewhere = append(elsewhere, k)
			}
		}
		switch {
		case len(elsewhere) == 0:
		case draw.IntN(2) == 0:
			g.keep(about(row, "matched"), read, others, row, analysis.InnerWords(b, row), most)
		default:
			sentences, pictures = append(sentences, row), append(pictures, elsewhere[draw.IntN(len(elsewhere))])
		}
	}
	if len(sentences) == 0 || len(g.items) >= most {
		return nil
	}
	foils, from := b.Part(sentences...), b.Part(pictures...)
	foils.Feats, foils.Boxes, foils.RegionMask, foils.Images = from.Feats, from.Boxes, from.RegionMask, from.Images
	read, others, err := readBoth(ctx, eng, other, foils)
	if err != nil {
		return err
	}
	for i, row := range sentences {
		g.keep(about(row, "foil"), read, others, i, analysis.InnerWords(foils, i), most)
	}
	return nil
}

// meanRow is the mean of some rows of a level's states.
func meanRow(states lxmert.Tensor, positions []int) []float32 {
	if len(positions) == 1 {
		return states.Row(positions[0]).Data
	}
	sums := make([]float64, states.Shape[len(states.Shape)-1])
	for _, p := range positions {
		for j, x := range states.Row(p).Data {
			sums[j] += float64(x)
		}
	}
	out := make([]float32, len(sums))
	for j, x := range sums {
		out[j] = float32(x / float64(len(positions)))
	}
	return out
}

// sentenceOf is a row's sentence, in lower case; "" where nobody kept it.
func sentenceOf(b *lxmert.Batch, row int) string {
	text, _ := b.Pair(row)
	if b.Words == nil {
		return ""
	}
	return strings.ToLower(b.Words[text].Text)
}

func at(list []string, i int) string {
	if i < len(list) {
		return list[i]
	}
	return ""
}

// pictureOf is what a row's picture is called, and what is known about it. Without a name each row has a picture of its own.
func pictureOf(b *lxmert.Batch, row, first int) (string, Item) {
	_, image := b.Pair(row)
	it := Item{Picture: fmt.Sprintf("row %d", first+row)}
	if b.Images != nil {
		info := b.Images[image]
		if it.Objects, it.Attributes = info.Objects, info.Attributes; info.ID != "" {
			it.Picture = info.ID
		}
	}
	boxes := b.Boxes.Row(image)
	for v := range b.V() {
		var box [4]float64
		for i, x := range boxes.Row(v).Data[:min(4, boxes.Shape[1])] {
			box[i] = float64(x)
		}
		it.Boxes = append(it.Boxes, box)
	}
	return it.Picture, it
}

// placedWord is a word of a sentence, at the position of its first piece.
type placedWord struct {
	text     string
	position int
	pieces   []int // positions of all pieces
}

// wordsOf are the words of a row's sentence, without special and padded positions.
func wordsOf(b *lxmert.Batch, row int) []placedWord {
	text, _ := b.Pair(row)
	if b.Words == nil {
		return nil
	}
	w := b.Words[text]
	var out []placedWord
	last := -1
	for _, t := range analysis.InnerWords(b, row) {
		if w.Word[t] < 0 || w.Start[t] < 0 {
			continue
		}
		if w.Word[t] == last && len(out) > 0 {
			word := &out[len(out)-1]
			word.text, word.pieces = w.Text[w.Start[word.position]:w.End[t]], append(word.pieces, t)
			continue
		}
		last = w.Word[t]
		out = append(out, placedWord{w.Text[w.Start[t]:w.End[t]], t, []int{t}})
	}
	for i := range out {
		out[i].text = strings.ToLower(out[i].text)
	}
	return out
}

// states are rows of a level as numbers of double precision: [len(rows),D].
func (g *gathered) states(level string, rows []int) *mat.Dense {
	out := mat.NewDense(len(rows), g.dim, nil)
	for i, row := range rows {
		to := out.RawRowView(i)
		for j, x := range g.rows[level][row*g.dim : (row+1)*g.dim] {
			to[j] = float64(x)
		}
	}
	return out
}
