package compare

import (
	"errors"
	"fmt"
	"path"
	"path/filepath"
	"slices"
	"strings"

	"github.com/seed-516990b0/golxmert/lxmert"
)

// Model is one of the two.
type Model struct {
	Name   string // what tables and figures call it, such as "before"
	Engine lxmert.Engine
	Head   lxmert.AnswerHead // the zero value: it gives no answers
	// Words are the pieces of its vocabulary, so that it is told if the other has another one; nil: not known.
	Words []string
}

// ErrModels is wrapped by errors about two models that cannot be shown the same input.
var ErrModels = errors.New("these models cannot be compared")

// check says why two models cannot be shown the same input.
func check(a, b Model) error {
	x, y := a.Engine.Config(), b.Engine.Config()
	for _, size := range []struct {
		what string
		x, y int
	}{
		{"word pieces", x.Vocab, y.Vocab}, {"features of a region", x.FeatDim, y.FeatDim}, {"numbers of a box", x.BoxDim, y.BoxDim},
	} {
		if size.x != size.y {
			return fmt.Errorf("%w: %s takes %d %s, %s %d", ErrModels, a.Name, size.x, size.what, b.Name, size.y)
		}
	}
	if a.Words != nil && b.Words != nil && !slices.Equal(a.Words, b.Words) {
		return fmt.Errorf("%w: their vocabularies have as many word pieces, but not the same ones; give both the one that they were trained with", ErrModels)
	}
	if a.Head.Images > 0 && b.Head.Images > 0 && a.Head.Images != b.Head.Images {
		return fmt.Errorf("%w: %s answers about %s at a time, %s about %s", ErrModels, a.Name, pictures(a.Head.Images), b.Name, pictures(b.Head.Images))
	}
	if a.Name == b.Name {
		return fmt.Errorf("%w: both are called %s", ErrModels, a.Name)
	}
	return nil
}

func pictures(n int) string {
	if n == 1 {
		return "one picture"
	}
	return fmt.Sprintf("%d pictures", n)
}

// ShortNames are as much of the names of two files of weights as tells them apart, from the end and without suffixes: what to call two
// models that nobody named.
func ShortNames(a, b string) []string {
	parts := func(file string) []string {
		file = filepath.ToSlash(filepath.Clean(file))
		return strings.Split(strings.TrimSuffix(file, path.Ext(file)), "/")
	}
	x, y := parts(a), parts(b)
	for n := 1; n <= max(len(x), len(y)); n++ {
		p, q := strings.Join(x[max(0, len(x)-n):], "/"), strings.Join(y[max(0, len(y)-n):], "/")
		if p != q {
			return []string{p, q}
		}
	}
	return []string{a, b}
}

// sameAnswers says of each answer of one head which class of another it is, -1 of those that it does not have: by their names, or
// where nobody names them by their numbers, of heads of one kind and size.
func sameAnswers(a, b lxmert.AnswerHead) ([]int, error) {
	switch {
	case a.Output == "" || b.Output == "":
		return nil, errors.New("one of the models has no head that answers")
	case a.Answers != nil && b.Answers != nil:
		class := map[string]int{}
		for i, name := range slices.Backward(b.Answers) { // of equal names the first
			class[name] = i
		}
		same, common := make([]int, len(a.Answers)), 0
		for i, name := range a.Answers {
			k, ok := class[name]
			if !ok {
				k = -1
			} else {
				common++
			}
			same[i] = k
		}
		if common == 0 {
			return nil, fmt.Errorf("the %d answers of one head and the %d of the other have no name in common", len(a.Answers), len(b.Answers))
		}
		return same, nil
	case a.Output == b.Output && a.Classes == b.Classes:
		same := make([]int, a.Classes)
		for i := range same {
			same[i] = i
		}
		return same, nil
	}
	return nil, fmt.Errorf("one head (%s) has %d answers and the other (%s) %d, and not all have names", a.Output, a.Classes, b.Output, b.Classes)
}

// sameMaps are the maps of two models whose heads can be compared: those of one name, if both have as many heads.
func sameMaps(a, b lxmert.Config) (names []string, note string) {
	if a.Heads != b.Heads {
		return nil, fmt.Sprintf("Attention is not compared: one model has %d heads in each map, the other %d.", a.Heads, b.Heads)
	}
	others := b.Maps()
	for _, name := range a.Maps() {
		if slices.Contains(others, name) {
			names = append(names, name)
		}
	}
	if left := len(a.Maps()) + len(others) - 2*len(names); left > 0 {
		note = fmt.Sprintf("%d maps of attention, which only one of the models has, are not compared.", left)
	}
	return names, note
}
