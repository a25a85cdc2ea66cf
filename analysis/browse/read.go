package browse

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/seed-516990b0/golxmert/analysis/sweep"
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
		return nil, fmt.Errorf("%w: a page is made of the folder of an analysis, of a file of predictions, or of a suite's scores", err)
	}
	items, err := itemsOf(s.Path, info.IsDir())
	if err != nil {
		return nil, err
	}
	var l *Listing
	switch {
	case len(items) > 0:
		if err := s.needless(); err != nil {
			return nil, err
		}
		l, err = Pairs(ctx, items, s.Limit)
	case info.IsDir() && hasParts(s.Path):
		if err := s.needless(); err != nil {
			return nil, err
		}
		l, err = Analysis(ctx, s.Path, s.Limit, s.Progress)
	case info.IsDir():
		return nil, fmt.Errorf("%s has neither the examples*.jsonl of an analysis nor the %s of a suite: name the folder that --out of `lxmert analyze` or `lxmert suite` named, or a file of predictions", s.Path, itemsName)
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

// itemsOf are the files with the scores of a suite: the file itself, or those of a folder, of whose parts none may be missing.
func itemsOf(path string, folder bool) ([]string, error) {
	if !folder {
		if filepath.Base(path) == itemsName {
			return []string{path}, nil
		}
		return nil, nil
	}
	whole := filepath.Join(path, itemsName)
	if _, err := os.Stat(whole); err == nil {
		return []string{whole}, nil
	}
	parts, err := filepath.Glob(filepath.Join(path, "items-*-of-*.jsonl"))
	if err != nil || len(parts) == 0 {
		return nil, nil
	}
	slices.Sort(parts)
	var part, of int
	for i, name := range parts {
		if _, err := fmt.Sscanf(filepath.Base(name), "items-%d-of-%d.jsonl", &part, &of); err != nil || part != i || len(parts) != of {
			return nil, fmt.Errorf("%s has %d parts of a suite's scores, and not all of one run: `lxmert merge` says which is missing", path, len(parts))
		}
	}
	return parts, nil
}

// needless says that questions were given with what has them.
func (s Source) needless() error {
	if len(s.Questions) == 0 {
		return nil
	}
	return fmt.Errorf("%s has its questions: %s is for predictions, leave it out", s.Path, strings.Join(s.Questions, ", "))
}

func hasParts(dir string) bool {
	_, err := sweep.Parts(dir)
	return err == nil
}
