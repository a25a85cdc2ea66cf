package modality

import (
	"context"
	"fmt"

	"github.com/seed-516990b0/golxmert/analysis"
	"github.com/seed-516990b0/golxmert/lxmert"
)

// UseOptions are those of [Use]. The zero value explains the predicted answers.
type UseOptions struct {
	// Labels are how much each answer counts in each example, [examples][classes]; nil: the model's own answers are right.
	Labels [][]float64
	// Target is what Shapley values share out; the zero value is analysis.Predicted().
	Target  analysis.Target
	Shapley ShapleyOptions
	// NoShapley leaves Shapley values out, which of many regions take longer than everything else.
	NoShapley bool
	// Blind is a model that was trained without pictures, to compare with; nil: the same model, which is shown none.
	Blind lxmert.Engine
	// Side is that of [EMAPOptions].
	Side int
}

// Usage is what several methods say of how much a model looks, one number for each example, and the same of a model that
// does not.
type Usage struct {
	analysis.Meta
	Seeing, Blind []Measure // of the same names in the same order
	BlindModel    lxmert.Provenance
}

// Use asks all methods about the examples of a batch: accuracy with the pictures and with an empty one; EMAP and its parts; the perceptual
// score over all permutations; and the regions' share of Shapley values (V-SHAP). All of it is about these examples together: EMAP and the perceptual score exchange pictures among them.
func Use(ctx context.Context, eng lxmert.Engine, b *lxmert.Batch, opt UseOptions) (*Usage, error) {
	if opt.Target.String() == (analysis.Target{}).String() {
		opt.Target = analysis.Predicted()
	}
	u := &Usage{}
	other := opt.Blind
	if other == nil {
		other = Blindfold(eng)
	}
	for _, x := range []struct {
		eng lxmert.Engine
		to  *[]Measure
	}{{eng, &u.Seeing}, {other, &u.Blind}} {
		meta, measures, err := UseOf(ctx, x.eng, b, opt)
		if err != nil {
			return nil, err
		}
		*x.to = measures
		if x.to == &u.Seeing {
			u.Meta = meta
		} else if opt.Blind != nil {
			u.BlindModel = meta.Model
		}
	}
	u.Method, u.Target, u.Unit = "use of the picture", "", ""
	u.Params = map[string]string{"shared out by V-SHAP": opt.Target.String(), "absent word": opt.Shapley.AbsentWord.String(), "absent region": opt.Shapley.AbsentRegion.String()}
	if opt.Labels == nil {
		u.Notes = append(u.Notes, "Right is what the model answers with everything there.")
	}
	if opt.Blind == nil {
		u.Notes = append(u.Notes, "Question only is the same model, shown no picture.")
	} else {
		u.Notes = append(u.Notes, fmt.Sprintf("Question only is %s.", u.BlindModel.Weights))
	}
	return u, nil
}

// UseOf asks all methods about one model, beside which there is no other.
func UseOf(ctx context.Context, eng lxmert.Engine, b *lxmert.Batch, opt UseOptions) (analysis.Meta, []Measure, error) {
	p, err := EMAP(ctx, eng, b, EMAPOptions{Side: opt.Side})
	if err != nil {
		return analysis.Meta{}, nil, err
	}
	perception, err := p.Perception(opt.Labels)
	if err != nil {
		return analysis.Meta{}, nil, err
	}
	unseen, err := answers(ctx, Blindfold(eng), b)
	if err != nil {
		return analysis.Meta{}, nil, err
	}
	n := len(p.Full)
	share := func(name string, of func(example int) float64) Measure {
		m := Measure{Name: name, Unit: "share"}
		for i := range n {
			m.Values = append(m.Values, of(i))
		}
		return m
	}
	counts := func(logits func(i int) []float64) func(i int) float64 {
		return func(i int) float64 { return worth(opt.Labels, i, largest(p.Full[i]), largest(logits(i))) }
	}
	additive := counts(func(i int) []float64 { return p.Additive[i] })
	measures := []Measure{
		share("accuracy", func(i int) float64 { return perception.Right[i] }),
		share("accuracy, empty picture", func(i int) float64 { return worth(opt.Labels, i, largest(p.Full[i]), unseen[i]) }),
		share("EMAP accuracy", additive),
		share("EMAP gap", func(i int) float64 { return perception.Right[i] - additive(i) }),
		share("accuracy of the words' part", counts(func(i int) []float64 { return p.TextOnly[i] })),
		share("accuracy of the pictures' part", counts(func(i int) []float64 { return p.PictureOnly[i] })),
		share("perceptual score, picture", func(i int) float64 { return perception.Right[i] - perception.OtherPicture[i] }),
		share("perceptual score, text", func(i int) float64 { return perception.Right[i] - perception.OtherText[i] }),
	}
	measures[6].Of, measures[7].Of = measures[0].Name, measures[0].Name
	if !opt.NoShapley {
		examples, err := Shapley(ctx, eng, b, opt.Target, opt.Shapley)
		if err != nil {
			return analysis.Meta{}, nil, err
		}
		v := Measure{Name: "V-SHAP", Unit: "share"}
		for _, s := range examples {
			v.Values = append(v.Values, s.Picture())
		}
		measures = append(measures, v)
	}
	meta := p.Meta
	if b.Images != nil {
		meta.Features = b.Images[0].Source
	}
	return meta, measures, nil
}

// answers are the largest classes of the answer head, for each example with its own pictures.
func answers(ctx context.Context, eng lxmert.Engine, b *lxmert.Batch) ([]int, error) {
	g, err := newGrid(eng, b, "")
	if err != nil {
		return nil, err
	}
	var own [][2]int
	for i := range g.examples {
		own = append(own, [2]int{i, i})
	}
	out := make([]int, g.examples)
	err = g.run(ctx, blocks(own, 64), func(pair [2]int, trace *lxmert.Trace, row int) {
		out[pair[0]] = largest(trace.Values[g.output].Row(row).Data)
	})
	return out, err
}

// Table puts the methods side by side, each with its interval over examples, for the model and for what sees no picture.
func (u *Usage) Table() analysis.Table {
	t := analysis.Table{Meta: u.Meta, Columns: []string{"measure", "unit", "model", "low", "high", "question only", "low", "high"}}
	t.Level = level
	for i, m := range u.Seeing {
		row := []any{m.Name, m.Unit}
		for _, x := range []struct {
			of string
			Measure
			all []Measure
		}{{"the model", m, u.Seeing}, {"the question-only model", u.Blind[i], u.Blind}} {
			cells, undefined := x.interval(x.all)
			row = append(row, cells...)
			if undefined > 0 {
				t.Notes = append(t.Notes, fmt.Sprintf("%s of %s is not defined in %d of %d examples.", x.Name, x.of, undefined, len(x.Values)))
			}
		}
		t.Rows = append(t.Rows, row)
	}
	return t
}

// Blindfold is a model that is shown an empty picture: one region of zeros. So is a model shown each picture that is trained
// without any, as by lxmert vqa --blind.
func Blindfold(eng lxmert.Engine) lxmert.Engine { return blindfolded{eng} }

type blindfolded struct{ lxmert.Engine }

func (e blindfolded) Run(ctx context.Context, b *lxmert.Batch, r lxmert.Request) (*lxmert.Trace, error) {
	dark := *b
	dark.Feats, dark.Boxes = lxmert.NewTensor(b.Feats.Shape...), lxmert.NewTensor(b.Boxes.Shape...)
	dark.RegionMask = make([][]float32, b.Feats.Shape[0])
	for i := range dark.RegionMask {
		dark.RegionMask[i] = make([]float32, b.V())
		if b.V() > 0 {
			dark.RegionMask[i][0] = 1
		}
	}
	return e.Engine.Run(ctx, &dark, r)
}
