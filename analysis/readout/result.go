package readout

import (
	"fmt"
	"math"
	"slices"
	"strings"

	"github.com/seed-516990b0/golxmert/analysis"
)

// headNames are the heads as tables call them, in their order.
var headNames = []struct{ head, name string }{
	{"out.match", "match (class 1 of out.match)"}, {"out.qa", "answer of pre-training"}, {"out.task", "answer of the fine-tuned head"},
	{"out.mlm", "word"}, {"out.obj", "object"}, {"out.attr", "attribute"}, {"out.feat", "feature"},
}

// columns are those of [Readout.Table].
var columns = []string{"head", "at", "is", "hidden", "picture", "rank", "probability", "bits", "guesses"}

// Table has a row for each saying: the head, where it was read, what is there, whether that was hidden from the model and the
// picture there; rank, probability and bits of what is there; and the guesses. Numbers that are not known are NaN.
func (r *Readout) Table() analysis.Table {
	t := analysis.Table{Meta: r.Meta, Columns: columns}
	for _, h := range headNames {
		t.Rows = append(t.Rows, r.rows(h.head, h.name)...)
	}
	return t
}

// rows are those of a head: place by place, hidden before seen, with the picture before without.
func (r *Readout) rows(head, name string) (rows [][]any) {
	var some []Saying
	for _, s := range r.Sayings {
		if s.Head == head {
			some = append(some, s)
		}
	}
	order := func(s Saying) int {
		n := 4 * s.At
		if !s.Masked {
			n += 2
		}
		if !s.Picture {
			n++
		}
		return n
	}
	slices.SortStableFunc(some, func(a, b Saying) int { return order(a) - order(b) })
	for _, s := range some {
		is, rank := "", any(math.NaN())
		if s.Truth >= 0 {
			is, rank = r.Name(head, s.Truth), s.Rank
		}
		rows = append(rows, []any{name, r.place(s.Place), is, s.Masked, s.Picture, rank, s.Probability(), s.Bits, r.Guesses(s)})
	}
	return rows
}

// Guesses are the guesses of a saying as text, such as "star 71.0 %, circle 20.1 %".
func (r *Readout) Guesses(s Saying) string {
	var all []string
	for _, g := range s.Top {
		if s.Head == "out.feat" {
			all = append(all, fmt.Sprintf("%s (distance %.3g)", r.Name(s.Head, g.Class), g.Distance))
			continue
		}
		all = append(all, r.Name(s.Head, g.Class)+" "+analysis.Candidate{Probability: g.Probability}.Percent())
	}
	return strings.Join(all, ", ")
}

// Surprise shows how many bits each hidden word costs the model, with the picture and without it. Of a model that cannot guess
// words it shows the hidden regions' objects and attributes.
func (r *Readout) Surprise() analysis.Bars {
	b := analysis.Bars{Meta: r.Meta, XName: "bits"}
	b.Method, b.Unit = "surprise of what is hidden", "bits"
	for _, s := range r.Of("out.mlm", true, true) {
		b.Bars = append(b.Bars, analysis.Bar{Name: r.place(s.Place), Values: []float64{s.Bits}})
		for _, without := range r.Of("out.mlm", true, false) {
			if without.At == s.At {
				b.Bars = append(b.Bars, analysis.Bar{Name: r.place(s.Place) + ", no picture", Values: []float64{without.Bits}})
			}
		}
	}
	if b.Bars != nil {
		return b
	}
	for _, head := range []struct{ name, what string }{{"out.obj", "object"}, {"out.attr", "attribute"}} {
		for _, s := range r.Of(head.name, true, true) {
			if s.Truth >= 0 {
				b.Bars = append(b.Bars, analysis.Bar{Name: head.what + " of " + r.place(s.Place), Values: []float64{s.Bits}})
			}
		}
	}
	return b
}

// Explanation is the sentence and the picture with the bits of each word and of each region's object: hidden with the picture
// first, then the other ways in which they were read, and by how much the picture makes words less surprising.
func (r *Readout) Explanation() analysis.Explanation {
	bits := func(name string, masked, picture bool) analysis.Scores {
		words, regions := r.values("out.mlm", masked, picture), []float64(nil)
		if picture {
			regions = r.values("out.obj", masked, picture)
		}
		m := r.Meta
		m.Method, m.Target, m.Unit = "surprise of the heads, "+name, "the word that is there, the detector's object", "bits"
		return analysis.NewScores(m, r.batch, 0, words, regions)
	}
	hidden, without := bits("hidden", true, true), bits("hidden, without the picture", true, false)
	all := []analysis.Scores{hidden, bits("seen", false, true), without}
	if hidden.Words != nil && without.Words != nil {
		saved := without
		saved.Method, saved.Target = "bits that the picture saves hidden words", "the word that is there"
		saved.Words = slices.Clone(without.Words)
		for t, x := range hidden.Words {
			saved.Words[t] -= x
		}
		all = append(all, saved)
	}
	all = slices.DeleteFunc(all, func(s analysis.Scores) bool { return s.Words == nil && s.Regions == nil })
	x := analysis.Compared(all...)
	for _, head := range []string{"out.task", "out.qa"} {
		for _, s := range r.Of(head, false, true) {
			for _, g := range s.Top {
				x.Answers = append(x.Answers, analysis.Candidate{Text: r.Name(head, g.Class), Probability: g.Probability})
			}
		}
		if x.Answers != nil {
			break
		}
	}
	return x
}

// values are the bits of a head by place; nil: nothing is known of any.
func (r *Readout) values(head string, masked, picture bool) (values []float64) {
	n := r.batch.V()
	if head == "out.mlm" {
		n = len(r.batch.IDs[0])
	}
	for _, s := range r.Of(head, masked, picture) {
		if math.IsNaN(s.Bits) {
			continue
		}
		if values == nil {
			values = make([]float64, n)
		}
		values[s.At] = s.Bits
	}
	return values
}

// Collection is the whole readout as one result: sentence and picture, the bits of what was hidden, and a table for each head.
func (r *Readout) Collection() analysis.Collection {
	c := analysis.Collection{Meta: r.Meta, Title: "What the heads say"}
	if r.batch.Words != nil {
		c.Title += ": " + r.batch.Words[0].Text
	}
	if x := r.Explanation(); x.Scores.Words != nil || x.Scores.Regions != nil {
		c.Results = append(c.Results, x)
	}
	if b := r.Surprise(); b.Bars != nil {
		c.Results = append(c.Results, b)
	}
	whole := analysis.Table{Meta: r.Meta, Columns: []string{"head", "picture", "guesses"}}
	whole.Method = "match and answer"
	for _, h := range headNames[:3] {
		for _, row := range r.rows(h.head, h.name) {
			whole.Rows = append(whole.Rows, []any{row[0], row[4], row[8]})
		}
	}
	if whole.Rows != nil {
		c.Results = append(c.Results, whole)
	}
	for _, h := range headNames[3:] {
		if rows := r.rows(h.head, h.name); rows != nil {
			t := analysis.Table{Meta: r.Meta, Columns: columns[1:]}
			t.Method = h.name + "s"
			for _, row := range rows {
				t.Rows = append(t.Rows, row[1:])
			}
			c.Results = append(c.Results, t)
		}
	}
	return c
}

// String is the readout as text.
func (r *Readout) String() string {
	var s strings.Builder
	if r.batch.Words != nil {
		fmt.Fprintf(&s, "%s\n", r.batch.Words[0].Text)
	}
	conditions := func(line func(picture bool)) {
		line(true)
		line(false)
	}
	for _, h := range headNames[:3] {
		conditions(func(picture bool) {
			for _, x := range r.Of(h.head, false, picture) {
				fmt.Fprintf(&s, "%-30s %s  %s\n", h.name, pictureText(picture), r.Guesses(x))
			}
		})
	}
	for _, x := range r.Of("out.mlm", true, true) {
		fmt.Fprintf(&s, "\n%s\n", r.place(x.Place))
		for _, y := range r.Sayings {
			if y.Head == x.Head && y.At == x.At && (y.Masked || y.Picture) {
				seen := "seen  "
				if y.Masked {
					seen = "hidden"
				}
				fmt.Fprintf(&s, "  %s %s  %6.2f bits, rank %-5d %s\n", seen, pictureText(y.Picture), y.Bits, y.Rank, r.Guesses(y))
			}
		}
	}
	for _, h := range headNames[4:] {
		for _, seen := range []struct {
			what   string
			masked bool
		}{{"hidden", true}, {"seen", false}} {
			for i, x := range r.Of(h.head, seen.masked, true) {
				if i == 0 {
					fmt.Fprintf(&s, "\n%s of regions, %s\n", h.name, seen.what)
				}
				fmt.Fprintf(&s, "  %-20s %s\n", r.place(x.Place), r.known(x)+r.Guesses(x))
			}
		}
	}
	return s.String()
}

func pictureText(picture bool) string {
	if picture {
		return "with the picture   "
	}
	return "without the picture"
}

// known is what is there, as text, with its rank.
func (r *Readout) known(s Saying) string {
	switch {
	case s.Truth < 0:
		return ""
	case s.Head == "out.feat":
		return fmt.Sprintf("itself has rank %d: ", s.Rank)
	}
	return fmt.Sprintf("%s %.2f bits, rank %d: ", r.Name(s.Head, s.Truth), s.Bits, s.Rank)
}
