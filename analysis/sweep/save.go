package sweep

import (
	"fmt"
	"path/filepath"

	"github.com/seed-516990b0/golxmert/analysis/figure"
	"github.com/seed-516990b0/golxmert/analysis/report"
)

// Save writes everything into a folder: report.html with all results and the first examples; and each table, curve and
// grid for itself, as a figure (.pdf) and as numbers (.csv, .json). It returns the names of the files, report.html first.
func (s *Summary) Save(dir string) (files []string, err error) {
	page := report.Run{Title: s.title(), Examples: s.Shown}
	save := func(name string, r any, suffixes ...string) error {
		if suffixes == nil {
			suffixes = []string{".pdf", ".csv", ".json"}
		}
		for _, suffix := range suffixes {
			path := filepath.Join(dir, name+suffix)
			if err := figure.Save(path, r, figure.Options{Width: figure.Page}); err != nil {
				return err
			}
			files = append(files, path)
		}
		return nil
	}
	for _, t := range s.Tables {
		page.Tables = append(page.Tables, t.Result)
		if err := save(t.Name, t.Result); err != nil {
			return files, err
		}
	}
	for _, c := range s.Curves {
		page.Curves = append(page.Curves, c.Result)
		if err := save(c.Name, c.Result); err != nil {
			return files, err
		}
	}
	for _, m := range s.Matrices {
		page.Matrices = append(page.Matrices, m.Result)
		if err := save(m.Name, m.Result); err != nil {
			return files, err
		}
	}
	for _, t := range s.Steps {
		if err := save(t.Name, t.Result, ".csv", ".json"); err != nil {
			return files, err
		}
	}
	page.Meta = (&collector{settings: s.Settings, n: s.Examples}).meta("sweep over a data set")
	path := filepath.Join(dir, "report.html")
	if err := report.Save(path, page, report.Options{}); err != nil {
		return files, err
	}
	return append([]string{path}, files...), nil
}

func (s *Summary) title() string {
	return fmt.Sprintf("%s: %d examples", s.Settings.Data, s.Examples)
}
