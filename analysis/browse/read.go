package browse

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"strings"
)

// Most is how many examples a page shows at most: of more, browsers would have to scroll over more pixels than they can count.
const Most = 250_000

// Source says what [Read] reads.
type Source struct {
	// Path is the folder of an analysis, a file of predictions, or the folder of a suite's scores or its items.jsonl.
	Path string
	// Questions are the files with the questions that predictions are about.
	Questions []string
	Limit     int // how many examples, the first ones; 0: 20000
	// Progress is called with how much has been read; nil: nobody is told.
	Progress func(what string, done, total int64)
}

// Standard is how many examples are read if nobody says how many.
const Standard = 20_000

// itemsName is the file with the scores of a suite.
const itemsName = "items.jsonl"

// Read reads what a page is to show.
func Read(ctx context.Context, s Source) (*Listing, error) {
	switch {
	case s.Limit == 0:
		s.Limit = Standard
	case s.Limit < 0 || s.Limit > Most:
		return nil, fmt.Errorf("%w: %d examples, must be 1 to %d", ErrListing, s.Limit, Most)
	}
	info, err := os.Stat(s.Path)
	if err != nil {
		return nil, err
	}
	items := s.Path
	if info.IsDir() {
		items = filepath.Join(s.Path, itemsName)
	}
	var l *Listing
	switch _, missing := os.Stat(items); {
	case info.IsDir() && missing != nil && hasParts(s.Path):
		if err := s.needless(); err != nil {
			return nil, err
		}
		l, err = Analysis(ctx, s.Path, s.Limit, s.Progress)
	case info.IsDir() && missing != nil:
		return nil, fmt.Errorf("%s has neither the examples*.jsonl of an analysis nor the %s of a suite: name the folder that --out of `lxmert analyze` or `lxmert suite` named, or a file of predictions", s.Path, itemsName)
	case filepath.Base(items) == itemsName:
		if err := s.needless(); err != nil {
			return nil, err
		}
		l, err = Pairs(ctx, items, s.Limit)
	case strings.HasSuffix(s.Path, ".jsonl"):
		return nil, fmt.Errorf("%s: of an analysis name the folder, %s, as it may have several parts; of a suite the file is %s", s.Path, filepath.Dir(s.Path), itemsName)
	case len(s.Questions) == 0:
		return nil, fmt.Errorf("%s: %w", s.Path, ErrQuestions)
	default:
		l, err = Predictions(ctx, s.Path, s.Questions, s.Limit)
	}
	if err != nil {
		return nil, err
	}
	return l, l.Check()
}

// needless says that questions were given with what has them.
func (s Source) needless() error {
	if len(s.Questions) == 0 {
		return nil
	}
	return fmt.Errorf("%s has its questions: %s is for predictions, leave it out", s.Path, strings.Join(s.Questions, ", "))
}

func hasParts(dir string) bool {
	paths, err := filepath.Glob(filepath.Join(dir, "examples*.jsonl"))
	return err == nil && len(paths) > 0
}
