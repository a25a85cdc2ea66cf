package browse

import (
	"errors"
	"fmt"

	"github.com/seed-516990b0/golxmert/analysis"
	"github.com/seed-516990b0/golxmert/analysis/sweep"
)

// Listing is examples with what is known of each of them.
type Listing struct {
	analysis.Meta // of the whole; shown at the page's end
	Title         string
	Examples      []Example
	Columns       []Column
	// Methods are those that explain examples by numbers for words and regions; none: no example has any.
	Methods []string
	// Pictures are those that something is known about, by their ids.
	Pictures map[string]*Picture
	// Total is how many examples there were to choose from; 0: these.
	Total int
	// Ask is how a command begins that makes a page of one example, to which its pictures, the page's file and the question are
	// added; nil: there is none.
	Ask []string
}

// Example is a sentence about pictures.
type Example struct {
	ID, Text string
	Images   []string // ids
	// Spans are where the words are that Scores have numbers for: the first byte of each in Text, and the byte after it.
	Spans []int
	// Scores are what the methods gave to words and regions: [method][picture]; nil: nothing.
	Scores [][]sweep.Result
}

// Column is something that is known of every example: a number, or a text.
type Column struct {
	Name, Unit string
	Numbers    []float64 // one for each example, NaN where there is none; nil: it is texts
	Texts      []string  // one for each example, "" where there is none
}

// Picture is what is known about a picture.
type Picture = sweep.Placed

// ErrListing is wrapped by errors about a listing whose parts do not fit each other.
var ErrListing = errors.New("not a list of examples that a page can show")

// Check says what is wrong with a listing.
func (l *Listing) Check() error {
	n := len(l.Examples)
	if n > Most {
		return fmt.Errorf("%w: it has %d examples, a browser shows at most %d", ErrListing, n, Most)
	}
	for _, c := range l.Columns {
		if have := max(len(c.Numbers), len(c.Texts)); have != n || c.Numbers != nil && c.Texts != nil {
			return fmt.Errorf("%w: the column %q has %d numbers and %d texts for %d examples", ErrListing, c.Name, len(c.Numbers), len(c.Texts), n)
		}
	}
	for i := range l.Examples {
		if err := l.check(&l.Examples[i]); err != nil {
			return fmt.Errorf("%w: example %s: %w", ErrListing, l.Examples[i].ID, err)
		}
	}
	return nil
}

func (l *Listing) check(e *Example) error {
	if len(e.Spans)%2 != 0 {
		return fmt.Errorf("its %d spans are not pairs", len(e.Spans))
	}
	for k := 0; k < len(e.Spans); k += 2 {
		if from, to := e.Spans[k], e.Spans[k+1]; from > to || to > len(e.Text) {
			return fmt.Errorf("a word is from %d to %d of %d bytes", from, to, len(e.Text))
		}
	}
	if e.Scores == nil {
		return nil
	}
	if len(e.Scores) != len(l.Methods) {
		return fmt.Errorf("it has scores of %d methods, there are %d", len(e.Scores), len(l.Methods))
	}
	for m, results := range e.Scores {
		if len(results) != len(e.Images) {
			return fmt.Errorf("%s has %d results for %d pictures", l.Methods[m], len(results), len(e.Images))
		}
		for i, r := range results {
			if r.Words != nil && 2*len(r.Words) != len(e.Spans) {
				return fmt.Errorf("%s has %d words, of which %d have a place", l.Methods[m], len(r.Words), len(e.Spans)/2)
			}
			if p := l.Pictures[e.Images[i]]; r.Regions != nil && (p == nil || len(p.Boxes) != 4*len(r.Regions)) {
				return fmt.Errorf("%s has %d regions of picture %s, whose places are not known", l.Methods[m], len(r.Regions), e.Images[i])
			}
		}
	}
	return nil
}
