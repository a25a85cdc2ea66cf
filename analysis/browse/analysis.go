package browse

import (
	"context"
	"fmt"
	"path/filepath"

	"github.com/seed-516990b0/golxmert/analysis"
	"github.com/seed-516990b0/golxmert/analysis/sweep"
)

// Analysis reads the first examples, at most n, of what `lxmert analyze` has found so far, of all parts in a folder: the model's
// answer, its probability, whether it is right, whether each method's first region is a right one, and every number that a method
// measured. progress, if there is one, is called with how much has been read.
func Analysis(ctx context.Context, dir string, n int, progress func(what string, done, total int64)) (*Listing, error) {
	l := &Listing{Pictures: map[string]*Picture{}}
	t := &table{}
	var s sweep.Settings
	err := sweep.Examples(ctx, dir, progress, func(settings sweep.Settings) error {
		s = settings
		for _, name := range s.Methods {
			for _, m := range sweep.ScoringMethods() {
				if m.Name == name {
					l.Methods = append(l.Methods, name)
				}
			}
		}
		return nil
	}, func(e *sweep.Example, numbers []sweep.Number) error {
		if l.Total++; l.Total > n {
			return nil
		}
		x := Example{ID: e.ID, Text: e.Question, Images: e.Images}
		if e.Answer != "" {
			t.text("answer", e.Answer)
			t.number("probability", "", e.Probability)
		}
		if e.Right != nil {
			t.number("right", "", *e.Right)
		}
		for _, m := range l.Methods {
			t.text(hitColumn(m), hit(e, m))
		}
		for _, v := range numbers {
			t.number(v.Method+": "+v.Name, v.Unit, v.Value)
		}
		l.place(&x, e)
		l.Examples = append(l.Examples, x)
		t.next()
		return nil
	})
	if err != nil {
		return nil, err
	}
	l.Columns = t.done()
	l.Title = fmt.Sprintf("%s: %d examples", s.Data, l.Total)
	l.Meta = analysis.Meta{Method: "examples of a data set", Target: s.Target, Model: s.Model, Features: s.Features, N: l.Total, Seed: s.Seed,
		Params: map[string]string{"data": s.Data}}
	if s.Probability != "" {
		l.Params["probability of answers"] = s.Probability
	}
	l.Ask = Asking(s.Model.Weights, s.Features, "")
	return l, nil
}

// place gives an example the scores of words and regions, if it is known where these are.
func (l *Listing) place(x *Example, e *sweep.Example) {
	if len(e.Pictures) != len(e.Images) || len(l.Methods) == 0 {
		return
	}
	x.Spans = e.Spans
	for i := range e.Pictures {
		if id := e.Images[i]; l.Pictures[id] == nil {
			l.Pictures[id] = &e.Pictures[i]
		}
	}
	for _, m := range l.Methods {
		x.Scores = append(x.Scores, e.Results[m])
	}
	if l.check(x) != nil { // a file of several detectors' regions, or one that was changed: the example is shown without
		x.Spans, x.Scores = nil, nil
	}
}

func hitColumn(method string) string { return "hit of " + method }

// hit says whether the largest region of a method is a right one; "" where that is not known. Of two pictures it is so in each of
// which something is asked.
func hit(e *sweep.Example, method string) (said string) {
	for g := range e.Gold {
		switch right, known := e.Hit(method, g); {
		case known && !right:
			said = "no"
		case known && said == "":
			said = "yes"
		}
	}
	return said
}

// Asking is how a command begins that explains one example on a page of its own, see [Listing.Ask]. What is not known stands there
// in capitals.
func Asking(weights, regions, images string) []string {
	or := func(value, name string) string {
		if value == "" {
			return name
		}
		return value
	}
	ask := []string{"lxmert", "ask", "--load", or(weights, "WEIGHTS"), "--regions", or(regions, "FEATURES")}
	if images != "" {
		ask = append(ask, "--images", filepath.ToSlash(images))
	}
	return append(ask, "--explain")
}
