package report

import (
	"cmp"
	"encoding/json"
	"fmt"
	"html/template"
	"math"
	"slices"
	"strconv"
	"strings"

	"github.com/seed-516990b0/golxmert/analysis"
	"github.com/seed-516990b0/golxmert/analysis/internal/wordpiece"
	"github.com/seed-516990b0/golxmert/analysis/layout"
	"github.com/seed-516990b0/golxmert/lxmert"
)

// example is an explanation as the page shows it: the drawing of the first method, and as Data what the scripts need to
// show everything else.
type example struct {
	Question string
	Alone    bool   // nothing above says the question yet
	Name     string // what tells it from those beside it; "": it stands alone
	Answers  []analysis.Candidate
	Picture  shown
	Alt      string
	Words    []word
	Regions  []region // largest first, so that small ones lie on top
	Legend   legend
	Facts    []layout.Fact
	Data     template.JS
	Maps     template.HTML // digits of base85, see pack
}

// word is a mark under a word, or a piece.
type word struct {
	Index  int
	Label  string
	Number string // "" if there is none
	Note   string // for ears
	Class  string
	Paint  template.CSS // background
	Bar    template.CSS
}

// region is a box on the picture.
type region struct {
	Index                       int
	X, Y, W, H                  float64
	Stroke, Alpha, Width, Label string
	Dashes                      string
	PlateX, PlateY, PlateW      float64
	Note                        string
	Class                       string
}

// scores are those of one method, by words as they are shown and by regions. nil: not defined.
type scores struct {
	Name    string        `json:"name"`
	Unit    string        `json:"unit"`
	Answer  string        `json:"answer,omitempty"`
	Words   []*float64    `json:"words"`
	Regions []*float64    `json:"regions"`
	Facts   []layout.Fact `json:"facts"`
}

// payload is what the scripts know of an example.
type payload struct {
	Question string       `json:"question"`
	Words    []wordData   `json:"words"`
	Regions  []regionData `json:"regions"`
	Methods  []scores     `json:"methods"`
	Heads    int          `json:"heads"`
	Maps     []mapIndex   `json:"maps"`
	Top      int          `json:"top"`
	Width    float64      `json:"width"`
	Height   float64      `json:"height"`
}

type wordData struct {
	Label     string `json:"t"`
	Special   bool   `json:"s,omitempty"`
	Positions []int  `json:"p"`
}

type regionData struct {
	Label string     `json:"l"`
	Box   [4]float64 `json:"b"` // in units of the drawing
}

const (
	positive = "#d55e00" // of Okabe and Ito's set
	negative = "#0072b2"
)

// newExample checks that the parts of an explanation fit each other and lays them out.
func newExample(e analysis.Explanation, opt Options) (*example, error) {
	methods := e.All()
	t, v, err := sizes(methods, e.Maps)
	if err != nil {
		return nil, err
	}
	index, heads, data, err := pack(e.Maps, unpadded(e.Scores, t), v)
	if err != nil {
		return nil, err
	}
	pic, err := embedPicture(e.Scores.Image, opt.Images)
	if err != nil {
		return nil, err
	}
	p := payload{Question: e.Scores.Text.Text, Heads: heads, Maps: index, Top: cmp.Or(opt.TopK, 5),
		Width: pic.Width, Height: pic.Height, Words: []wordData{}, Regions: []regionData{}}
	for _, w := range wordsOf(e.Scores, t, opt) {
		p.Words = append(p.Words, wordData{w.Label, w.Special, w.Positions})
	}
	boxes, labels := places(e.Scores.Boxes, v), layout.RegionNames(e.Scores.Image, v)
	for j, b := range boxes {
		box := [4]float64{b[0] * pic.Width, b[1] * pic.Height, b[2] * pic.Width, b[3] * pic.Height}
		for i := range box {
			box[i] = math.Round(10*box[i]) / 10
		}
		p.Regions = append(p.Regions, regionData{labels[j], box})
	}
	for _, s := range methods {
		p.Methods = append(p.Methods, scoresOf(s, t, opt))
	}
	distinguish(p.Methods)
	text, err := json.Marshal(p) // escapes < > & so that nothing can end the script element
	if err != nil {
		return nil, fmt.Errorf("%w: %w", ErrResult, err)
	}
	x := &example{Question: e.Scores.Text.Text, Answers: e.Answers, Picture: pic, Data: template.JS(text), Maps: template.HTML(data), Facts: p.Methods[0].Facts}
	if len(x.Answers) == 0 && e.Scores.Answer != "" {
		x.Answers = []analysis.Candidate{{Text: e.Scores.Answer, Probability: math.NaN()}}
	}
	laid := layout.NewScores(e.Scores, layout.ScoresOptions{Merge: opt.merge(), Top: p.Top})
	x.Legend = newLegend(p, laid)
	x.drawWords(p, laid)
	x.drawRegions(p, laid)
	x.Alt = x.describe(p, e.Scores.Image)
	return x, nil
}

// sizes are the words and the regions of an example. All methods must agree; without scores the maps say.
func sizes(methods []analysis.Scores, maps map[string]lxmert.Tensor) (t, v int, err error) {
	first := methods[0]
	t = max(len(first.Words), len(first.Text.Pieces))
	v = max(len(first.Regions), len(first.Boxes))
	for _, s := range methods {
		t, v = max(t, len(s.Words)), max(v, len(s.Regions))
	}
	for name, m := range maps {
		if len(m.Shape) != 3 || !strings.Contains(name, ".") {
			continue // pack says what is wrong
		}
		switch name[strings.LastIndex(name, ".")+1:] {
		case "tt":
			if len(first.Text.Pieces) == 0 && first.Words == nil {
				t = max(t, m.Shape[1])
			}
		case "ii":
			if first.Boxes == nil && first.Regions == nil {
				v = max(v, m.Shape[1])
			}
		}
	}
	for _, s := range methods {
		switch {
		case s.Words != nil && len(s.Words) != t:
			return 0, 0, fmt.Errorf("%w: %s has %d words, the example %d", ErrResult, s.Method, len(s.Words), t)
		case s.Regions != nil && len(s.Regions) != v:
			return 0, 0, fmt.Errorf("%w: %s has %d regions, the example %d", ErrResult, s.Method, len(s.Regions), v)
		case s.Text.Text != first.Text.Text:
			return 0, 0, fmt.Errorf("%w: %s is about %q, not about %q", ErrResult, s.Method, s.Text.Text, first.Text.Text)
		}
	}
	if first.Boxes != nil && len(first.Boxes) != v {
		return 0, 0, fmt.Errorf("%w: %d boxes for %d regions", ErrResult, len(first.Boxes), v)
	}
	return t, v, nil
}

// unpadded is how many of t positions there are without [PAD] at the end. Padding has no place in a map.
func unpadded(s analysis.Scores, t int) int {
	for t > 0 && t <= len(s.Text.Pieces) && s.Text.Pieces[t-1] == "[PAD]" {
		t--
	}
	return t
}

// wordsOf are the words of t positions, whether or not the scores have numbers for them.
func wordsOf(s analysis.Scores, t int, opt Options) []wordpiece.Word {
	if s.Words == nil {
		s.Words = make([]float64, t)
		for i := range s.Words {
			s.Words[i] = math.NaN()
		}
	}
	return wordpiece.Words(s, opt.merge())
}

// merge is how pieces become words.
func (o Options) merge() wordpiece.Merge {
	if o.Pieces {
		return wordpiece.None
	}
	return wordpiece.Auto
}

// places are the boxes, cut to the picture. Regions whose place nobody knows stand in a grid.
func places(boxes [][4]float64, v int) [][4]float64 {
	out := make([][4]float64, v)
	side := int(math.Ceil(math.Sqrt(float64(v))))
	for j := range out {
		if boxes == nil {
			x, y, step := float64(j%side), float64(j/side), 1/float64(side)
			out[j] = [4]float64{(x + 0.05) * step, (y + 0.05) * step, (x + 0.95) * step, (y + 0.95) * step}
			continue
		}
		for i, c := range boxes[j] {
			if math.IsNaN(c) {
				c = 0
			}
			out[j][i] = min(max(c, 0), 1)
		}
	}
	return out
}

func scoresOf(s analysis.Scores, t int, opt Options) scores {
	out := scores{Name: s.Method, Unit: s.Unit, Answer: s.Answer, Facts: layout.Facts(s.Meta)}
	if s.Words != nil {
		for _, w := range wordsOf(s, t, opt) {
			out.Words = append(out.Words, number(w.Value))
		}
	}
	for _, x := range s.Regions {
		out.Regions = append(out.Regions, number(x))
	}
	return out
}

// distinguish adds the target to methods that occur more than once.
func distinguish(methods []scores) {
	count := map[string]int{}
	for _, m := range methods {
		count[m.Name]++
	}
	for i := range methods {
		m := &methods[i]
		if count[m.Name] < 2 {
			continue
		}
		if k := slices.IndexFunc(m.Facts, func(f layout.Fact) bool { return f.Name == "target" }); k >= 0 {
			m.Name += ", " + m.Facts[k].Value
		} else {
			m.Name += " #" + strconv.Itoa(i+1)
		}
	}
}

// number is nil for what JSON has no number for.
func number(x float64) *float64 {
	if math.IsNaN(x) || math.IsInf(x, 0) {
		return nil
	}
	x, _ = strconv.ParseFloat(strconv.FormatFloat(x, 'g', 6, 64), 64)
	return &x
}
