package sweep

import (
	"context"
	"math/rand/v2"
	"slices"

	"github.com/seed-516990b0/golxmert/analysis"
	"github.com/seed-516990b0/golxmert/analysis/calibration"
	"github.com/seed-516990b0/golxmert/analysis/readout"
	"github.com/seed-516990b0/golxmert/lxmert"
)

// This file asks the heads of pre-training about every example: one of its words, drawn, hidden, with the picture and without it;
// one of its regions, drawn, hidden and seen; its sentence with its own picture and with another one of the batch; its answer.

// pretrained asks a model's heads.
type pretrained struct {
	r     *runner
	cfg   lxmert.Config
	mask  int32
	names []string // of the readings that the model can give, in their order
	table *answerTable
}

// readouts is the method about the heads of pre-training.
func readouts() measuring {
	return measuring{
		name: "readout", about: "masked words, match, objects, attributes, features, answers: how often right, how surprised, how well calibrated", group: says, fits: true,
		begin: func(ctx context.Context, r *runner) (measurer, error) {
			p, err := newPretrained(r)
			if err != nil {
				return nil, err
			}
			var t trust
			first := 0
			for b, err := range r.sample(ctx, "fitting temperatures") {
				if err != nil {
					return nil, err
				}
				var index []int
				for i := range b.Rows() {
					index = append(index, first+i)
				}
				first += b.Rows()
				all, err := p.ask(ctx, b, index)
				if err != nil {
					return nil, err
				}
				t.add(all)
			}
			t.fit()
			return r.rest(func(ctx context.Context, a *asked) ([]numbers, error) {
				all, err := p.ask(ctx, a.Batch, a.index)
				if err != nil {
					return nil, err
				}
				var out []numbers
				for _, name := range p.names {
					out = append(out, t.numbers(name, all)...)
				}
				if slices.Contains(p.names, answerRead) {
					right := nans(len(all))
					for i, x := range all {
						if one, ok := x[answerRead]; ok {
							right[i] = one.accuracy
						}
					}
					out = append(out, p.table.numbers(p.r.data.labels(a.index, p.r.data.Asker.Head().Classes), right)...)
				}
				return out, nil
			}), nil
		},
		draw: drawReadouts,
	}
}

func newPretrained(r *runner) (*pretrained, error) {
	p := &pretrained{r: r, cfg: r.eng.Config()}
	if err := readout.CanRead(p.cfg); err != nil {
		return nil, err
	}
	if p.mask = p.cfg.Special.Mask; p.mask == 0 && p.cfg.LM {
		names, err := r.data.Asker.Names()
		if err != nil {
			return nil, err
		}
		if p.mask = names.Mask(); p.mask == 0 {
			return nil, lxmert.ErrNoMask
		}
	}
	add := func(ok bool, names ...string) {
		if ok {
			p.names = append(p.names, names...)
		}
	}
	add(p.cfg.LM, wordHidden, wordAlone)
	add(p.cfg.Objects > 0, objectHidden, objectSeen)
	add(p.cfg.Attributes > 0, attributeHidden, attributeSeen)
	add(p.cfg.FeatHead, featureHidden)
	add(p.cfg.Match, matchOwn, matchOther, matchEither)
	add(r.data.Asker.Head().Output != "", answerRead)
	path := ""
	if r.data.Asker.Head().Output == "out.qa" {
		path = r.data.Asker.Options().Answers
	}
	var err error
	p.table, err = newAnswerTable(path)
	return p, err
}

// The readings.
const (
	wordHidden      = "word, hidden"
	wordAlone       = "word, hidden, no picture"
	objectHidden    = "object, hidden"
	objectSeen      = "object, seen"
	attributeHidden = "attribute, hidden"
	attributeSeen   = "attribute, seen"
	featureHidden   = "feature, hidden"
	matchOwn        = "match, own picture"
	matchOther      = "match, another picture"
	matchEither     = "match, one of the two" // drawn: of one kind alone confidence says nothing
	answerRead      = "answer"
)

// batch makes the rows: for each example its sentence with its picture; the sentence with a word hidden, with the picture and with
// no region; the sentence with a region hidden, and with another picture.
func (p *pretrained) batch(b *lxmert.Batch, word, region []int) *lxmert.Batch {
	n, v := b.Rows(), b.V()
	out := &lxmert.Batch{IDs: slices.Clone(b.IDs), Segments: slices.Clone(b.Segments), TextMask: slices.Clone(b.TextMask), Pairs: [][2]int{}}
	out.Feats, out.Boxes = lxmert.NewTensor(2*n+1, v, b.Feats.Shape[2]), lxmert.NewTensor(2*n+1, v, b.Boxes.Shape[2])
	for i := range 2*n + 1 { // the pictures, none, the pictures with a region hidden
		from := i
		mask := make([]float32, v)
		switch {
		case i == n:
			from = 0
		case i > n:
			from = i - n - 1
		}
		if i != n {
			for k, there := range analysis.ValidRegions(b, from) {
				mask[k] = oneIf(there)
			}
		}
		copy(out.Feats.Row(i).Data, b.Feats.Row(from).Data)
		copy(out.Boxes.Row(i).Data, b.Boxes.Row(from).Data)
		if i > n && region[from] >= 0 {
			clear(out.Feats.Row(i).Row(region[from]).Data)
		}
		out.RegionMask = append(out.RegionMask, mask)
	}
	for i := range n {
		ids := slices.Clone(b.IDs[i])
		if word[i] >= 0 {
			for _, t := range analysis.InnerWords(b, i) {
				if t == word[i] || b.Words != nil && b.Words[i].Word[t] >= 0 && b.Words[i].Word[t] == b.Words[i].Word[word[i]] {
					ids[t] = p.mask
				}
			}
		}
		out.IDs = append(out.IDs, ids)
		if b.Segments != nil {
			out.Segments = append(out.Segments, b.Segments[i])
		}
		if b.TextMask != nil {
			out.TextMask = append(out.TextMask, b.TextMask[i])
		}
	}
	for i := range n {
		out.Pairs = append(out.Pairs, [2]int{i, i}, [2]int{n + i, i}, [2]int{n + i, n}, [2]int{i, n + 1 + i}, [2]int{i, max(0, another(b, i))})
	}
	return out
}

func oneIf(yes bool) float32 {
	if yes {
		return 1
	}
	return 0
}

// another is the next example of the batch with another picture; -1: there is none.
func another(b *lxmert.Batch, i int) int {
	for k := 1; k < b.Rows(); k++ {
		j := (i + k) % b.Rows()
		if b.Images == nil || b.Images[j].ID != b.Images[i].ID {
			return j
		}
	}
	return -1
}

// ask reads the heads of a batch's examples. What is drawn depends on the example and the seed alone.
func (p *pretrained) ask(ctx context.Context, b *lxmert.Batch, index []int) ([]readings, error) {
	n := b.Rows()
	word, region := make([]int, n), make([]int, n)
	either := make([]string, n)
	for i := range n {
		random := rand.New(rand.NewPCG(p.r.settings.Seed, uint64(index[i])+1<<32))
		word[i], region[i] = -1, -1
		if inner := analysis.InnerWords(b, i); len(inner) > 0 {
			word[i] = inner[random.IntN(len(inner))]
		}
		if there := analysis.PresentRegions(b, i); len(there) > 0 {
			region[i] = there[random.IntN(len(there))]
		}
		either[i] = []string{matchOwn, matchOther}[random.IntN(2)]
	}
	labels := p.r.data.labels(index, p.r.data.Asker.Head().Classes)
	var asks []readout.Ask
	var names []string
	var of []int
	for i := range n {
		add := func(name, head string, row, at, truth int) {
			if !slices.Contains(p.names, name) {
				return
			}
			a := readout.Ask{Row: 5*i + row, Keep: true, Place: readout.Place{Head: head, At: at, Picture: row != 2, Truth: truth}}
			if head == "out.feat" {
				a.Among, a.There = b.Feats.Row(i), analysis.ValidRegions(b, i)
			}
			asks, names, of = append(asks, a), append(names, name), append(of, i)
		}
		if w := word[i]; w >= 0 {
			add(wordHidden, "out.mlm", 1, w, int(b.IDs[i][w]))
			add(wordAlone, "out.mlm", 2, w, int(b.IDs[i][w]))
		}
		if v := region[i]; v >= 0 {
			object, attribute := -1, -1
			if b.Images != nil {
				object, attribute = known(b.Images[i].ObjectIDs, v, p.cfg.Objects), known(b.Images[i].AttributeIDs, v, p.cfg.Attributes)
			}
			if object >= 0 {
				add(objectHidden, "out.obj", 3, v, object)
				add(objectSeen, "out.obj", 0, v, object)
			}
			if attribute >= 0 {
				add(attributeHidden, "out.attr", 3, v, attribute)
				add(attributeSeen, "out.attr", 0, v, attribute)
			}
			add(featureHidden, "out.feat", 3, v, v)
		}
		add(matchOwn, "out.match", 0, -1, 1)
		if another(b, i) >= 0 {
			add(matchOther, "out.match", 4, -1, 0)
		}
		if labels != nil {
			add(answerRead, p.r.data.Asker.Head().Output, 0, -1, -1)
		}
	}
	out := make([]readings, n)
	for i := range out {
		out[i] = readings{}
	}
	if len(asks) == 0 {
		return out, nil
	}
	said, _, err := readout.Say(ctx, p.r.eng, p.batch(b, word, region), asks, 1)
	if err != nil {
		return nil, err
	}
	for k, s := range said {
		one := oneReading{confidence: s.Best().Probability, accuracy: float64(oneIf(s.Right())), bits: s.Bits, prediction: s.Best().Class}
		if names[k] == answerRead {
			one.row.Binary = p.r.data.Asker.Head().Kind == lxmert.Sigmoid
		}
		for _, x := range s.Logits {
			one.row.Logits = append(one.row.Logits, float64(x))
		}
		switch {
		case names[k] == answerRead:
			one.judge(labels[of[k]])
		case s.Truth >= 0 && s.Logits != nil:
			one.row.Truth = []calibration.Class{{Index: s.Truth, Score: 1}}
		}
		if out[of[k]][names[k]] = one; names[k] == either[of[k]] {
			out[of[k]][matchEither] = one
		}
	}
	return out, nil
}

// known is a class of the detector, if the head has it; -1: it is not known.
func known(ids []int32, v, classes int) int {
	if v < len(ids) && ids[v] >= 0 && int(ids[v]) < classes {
		return int(ids[v])
	}
	return -1
}
