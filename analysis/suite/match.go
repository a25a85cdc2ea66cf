package suite

import (
	"context"
	"fmt"
	"math"
	"slices"

	"github.com/seed-516990b0/golxmert/analysis"
	"github.com/seed-516990b0/golxmert/analysis/readout"
	"github.com/seed-516990b0/golxmert/lxmert"
)

// Input makes the model's input of sentences about one picture each, as the methods Batch of question.Asker and of a session's
// model do. Each sentence and each picture must be in it once.
type Input func(ctx context.Context, questions []lxmert.Question) (*lxmert.Batch, error)

// match is the head that tells what belongs together.
const match = "out.match"

// together is how many pairs are asked in one run.
const together = lxmert.AskedTogether

// matched asks about every sentence with every picture of some items, all in one run.
func matched(ctx context.Context, eng lxmert.Engine, input Input, items []Item) ([]Scored, lxmert.Provenance, error) {
	var questions []lxmert.Question
	for _, x := range items {
		for _, s := range x.Sentences {
			for _, image := range x.Images {
				questions = append(questions, lxmert.Question{Text: s, Images: []string{image}})
			}
		}
	}
	b, err := input(ctx, questions)
	if err != nil {
		return nil, lxmert.Provenance{}, err
	}
	trace, err := eng.Run(ctx, b, lxmert.Request{Want: lxmert.All(match), NoRegions: b.NoRegions()})
	if err != nil {
		return nil, lxmert.Provenance{}, err
	}
	logits := trace.Values[match]
	if !slices.Equal(logits.Shape, []int{len(questions), 2}) {
		return nil, trace.Provenance, fmt.Errorf("%s has shape %v for %d pairs", match, logits.Shape, len(questions))
	}
	var out []Scored
	row := 0
	for _, x := range items {
		s := Scored{Item: x}
		for range x.Sentences {
			var pairs []Pair
			for range x.Images {
				p, err := pairOf(logits.Row(row).Data, questions[row])
				if err != nil {
					return nil, trace.Provenance, err
				}
				pairs = append(pairs, p)
				row++
			}
			s.Pairs = append(s.Pairs, pairs)
		}
		out = append(out, s)
	}
	return out, trace.Provenance, nil
}

func pairOf(logits []float32, q lxmert.Question) (p Pair, err error) {
	for i, x := range logits {
		if x-x != 0 {
			return p, fmt.Errorf("%q with picture %s: a match logit is %g: the weights are damaged, or their training diverged", q.Text, q.Images[0], x)
		}
		p[i] = float64(x)
	}
	return p, nil
}

// gridSide is how many sentences, and as many pictures, meet in one run of a [Grid].
const gridSide = 16

// Grid asks about every one of some sentences with every one of some pictures, [sentences][images]. The language tower runs
// once for each sentence and the object-relationship tower once for each picture; what they say is kept in memory (60 KB for a
// sentence and 110 KB for a picture of the published model), and only the cross-modality layers run for every pair.
func Grid(ctx context.Context, eng lxmert.Engine, input Input, sentences, images []string, progress func(done, total int)) ([][]Pair, lxmert.Provenance, error) {
	cfg := eng.Config()
	language, vision := fmt.Sprintf("hid.t.%d", cfg.LangLayers), fmt.Sprintf("hid.i.%d", cfg.RegionLayers)
	texts, _, err := towers(ctx, eng, input, language, len(sentences), func(i int) lxmert.Question {
		return lxmert.Question{Text: sentences[i], Images: images[:1]}
	})
	if err != nil {
		return nil, lxmert.Provenance{}, err
	}
	pictures, from, err := towers(ctx, eng, input, vision, len(images), func(i int) lxmert.Question {
		return lxmert.Question{Text: sentences[0], Images: images[i : i+1]}
	})
	if err != nil {
		return nil, from, err
	}
	out := make([][]Pair, len(sentences))
	for i := range out {
		out[i] = make([]Pair, len(images))
	}
	for t := 0; t < len(sentences); t += gridSide {
		for v := 0; v < len(images); v += gridSide {
			some, others := texts[t:min(t+gridSide, len(texts))], pictures[v:min(v+gridSide, len(pictures))]
			b := &lxmert.Batch{}
			edits := []lxmert.Edit{{Name: language, Op: lxmert.Set, Value: stackTexts(b, some)}, {Name: vision, Op: lxmert.Set, Value: stackPictures(b, cfg, others)}}
			b.Pairs = [][2]int{}
			for i := range some {
				for j := range others {
					b.Pairs = append(b.Pairs, [2]int{i, j})
				}
			}
			trace, err := eng.Run(ctx, b, lxmert.Request{Want: lxmert.All(match), Edits: edits, NoRegions: b.NoRegions()})
			if err != nil {
				return nil, from, err
			}
			for row, p := range b.Pairs {
				i, j := t+p[0], v+p[1]
				if out[i][j], err = pairOf(trace.Values[match].Row(row).Data, lxmert.Question{Text: sentences[i], Images: images[j : j+1]}); err != nil {
					return nil, from, err
				}
			}
			if progress != nil {
				progress(t*len(images)+len(some)*min(v+gridSide, len(images)), len(sentences)*len(images))
			}
		}
	}
	return out, from, nil
}

// tower is what one of the towers says of a sentence or a picture, without padding.
type tower struct {
	state lxmert.Tensor // [positions,D]
	ids   []int32
	mask  []float32
}

// towers runs one tower over all of its items, some at a time.
func towers(ctx context.Context, eng lxmert.Engine, input Input, level string, n int, item func(i int) lxmert.Question) (all []tower, from lxmert.Provenance, err error) {
	rows := eng.Config().Rows(level)
	text := rows == lxmert.TextRows
	for at := 0; at < n; at += together {
		var questions []lxmert.Question
		for i := at; i < min(at+together, n); i++ {
			questions = append(questions, item(i))
		}
		b, err := input(ctx, questions)
		if err != nil {
			return nil, from, err
		}
		trace, err := eng.Run(ctx, b, lxmert.Request{Want: lxmert.All(level), NoRegions: b.NoRegions()})
		if err != nil {
			return nil, from, err
		}
		from = trace.Provenance
		for row := range questions {
			one := tower{}
			at := b.RowOf(rows, row) // a sentence that stands twice is there once
			valid := analysis.ValidRegions(b, row)
			if text {
				valid, one.ids = analysis.ValidWords(b, row), b.IDs[at]
			}
			count := lastTrue(valid)
			state := trace.Values[level].Row(at)
			width := state.Shape[1]
			one.state = lxmert.Tensor{Shape: []int{count, width}, Data: slices.Clone(state.Data[:count*width])}
			for _, there := range valid[:count] {
				m := float32(0)
				if there {
					m = 1
				}
				one.mask = append(one.mask, m)
			}
			if text {
				one.ids = one.ids[:count]
			}
			all = append(all, one)
		}
	}
	return all, from, nil
}

func lastTrue(valid []bool) int {
	n := len(valid)
	for n > 0 && !valid[n-1] {
		n--
	}
	return n
}

// stackTexts makes the texts of a batch, and their states, [texts,T,D].
func stackTexts(b *lxmert.Batch, some []tower) lxmert.Tensor {
	for _, x := range some {
		b.IDs, b.TextMask = append(b.IDs, x.ids), append(b.TextMask, x.mask)
	}
	return stack(some, b.T())
}

// stackPictures makes pictures whose features nobody reads, and their states, [images,V,D].
func stackPictures(b *lxmert.Batch, cfg lxmert.Config, others []tower) lxmert.Tensor {
	v := 0
	for _, x := range others {
		v = max(v, x.state.Shape[0])
	}
	b.Feats, b.Boxes = lxmert.NewTensor(len(others), v, cfg.FeatDim), lxmert.NewTensor(len(others), v, cfg.BoxDim)
	for _, x := range others {
		b.RegionMask = append(b.RegionMask, append(slices.Clone(x.mask), make([]float32, v-len(x.mask))...))
	}
	return stack(others, v)
}

func stack(some []tower, positions int) lxmert.Tensor {
	out := lxmert.NewTensor(len(some), positions, some[0].state.Shape[1])
	for i, x := range some {
		copy(out.Row(i).Data, x.state.Data)
	}
	return out
}

// guessed hides a word of each item's first sentence and has it guessed, with the picture and without.
func guessed(ctx context.Context, eng lxmert.Engine, input Input, items []Item, mask int32) ([]Scored, lxmert.Provenance, error) {
	out := make([]Scored, len(items))
	var from lxmert.Provenance
	for i, x := range items {
		b, err := input(ctx, []lxmert.Question{{Text: x.Sentences[0], Images: x.Images[:1]}})
		if err != nil {
			return nil, from, err
		}
		out[i] = Scored{Item: x}
		at := analysis.PositionsOf(b, 0, x.Mask)
		if len(at) == 0 {
			return nil, from, fmt.Errorf("%w: %q has no word %q", ErrItem, x.Sentences[0], x.Mask)
		}
		for picture := range 2 {
			said, provenance, err := hidden(ctx, eng, b, at, mask, picture == 0)
			if err != nil {
				return nil, from, err
			}
			from = provenance
			for _, s := range said {
				out[i].Word[picture].Rank = max(out[i].Word[picture].Rank, s.Rank)
				out[i].Word[picture].Bits += s.Bits
			}
		}
	}
	return out, from, nil
}

// hidden hides pieces of a sentence and reads the masked-word head at each.
func hidden(ctx context.Context, eng lxmert.Engine, b *lxmert.Batch, at []int, mask int32, picture bool) ([]readout.Saying, lxmert.Provenance, error) {
	one := b.Part(0)
	one.Words, one.Images = nil, nil
	ids := slices.Clone(one.IDs[0])
	var asks []readout.Ask
	for _, t := range at {
		asks = append(asks, readout.Ask{Place: readout.Place{Head: "out.mlm", At: t, Masked: true, Picture: picture, Truth: int(ids[t])}})
		ids[t] = mask
	}
	one.IDs = [][]int32{ids}
	if !picture {
		one.RegionMask = [][]float32{make([]float32, one.V())}
	}
	return readout.Say(ctx, eng, one, asks, 1)
}

// blind scores each sentence without a picture: the mean of ln p over its pieces, each hidden by itself, nats.
func blind(ctx context.Context, eng lxmert.Engine, input Input, x Item, mask int32) ([]float64, error) {
	scores := make([]float64, len(x.Sentences))
	for i, sentence := range x.Sentences {
		b, err := input(ctx, []lxmert.Question{{Text: sentence, Images: x.Images[:1]}})
		if err != nil {
			return nil, err
		}
		inner := analysis.InnerWords(b, 0)
		rows := b.Part(make([]int, len(inner))...)
		rows.Words, rows.Images, rows.RegionMask = nil, nil, nil
		var asks []readout.Ask
		for row, t := range inner {
			ids := slices.Clone(rows.IDs[row])
			asks = append(asks, readout.Ask{Row: row, Place: readout.Place{Head: "out.mlm", At: t, Masked: true, Truth: int(ids[t])}})
			ids[t] = mask
			rows.IDs[row] = ids
			rows.RegionMask = append(rows.RegionMask, make([]float32, rows.V()))
		}
		if len(asks) == 0 {
			scores[i] = math.NaN()
			continue
		}
		said, _, err := readout.Say(ctx, eng, rows, asks, 1)
		if err != nil {
			return nil, err
		}
		for _, s := range said {
			scores[i] -= s.Loss / float64(len(said))
		}
	}
	return scores, nil
}
