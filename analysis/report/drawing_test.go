package report_test

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/seed-516990b0/golxmert/analysis"
	"github.com/seed-516990b0/golxmert/analysis/report"
	"github.com/seed-516990b0/golxmert/lxmert"
)

// grid is a matrix whose numbers count up.
func grid(panels []string, rows, cols int, rowName, colName, unit string) analysis.Matrix {
	m := analysis.Matrix{Meta: analysis.Meta{Method: "attention", Unit: unit}, Rows: analysis.Axis{Name: rowName}, Cols: analysis.Axis{Name: colName}}
	for _, name := range panels {
		p := analysis.MatrixPanel{Name: name}
		for r := range rows {
			p.Values = append(p.Values, make([]float64, cols))
			for c := range cols {
				p.Values[r][c] = float64(r*cols + c)
			}
		}
		m.Panels = append(m.Panels, p)
	}
	return m
}

// TestNoLetterOfAMatrixIsCutOff measures where the browser has put each text.
func TestNoLetterOfAMatrixIsCutOff(t *testing.T) {
	for i, m := range []analysis.Matrix{
		grid([]string{""}, 12, 1, "head of the cross-modality layer", "", "nats"),
		grid([]string{"words look at regions"}, 1, 1, "head", "layer", ""),
		grid([]string{"WIDE CAPITALS WWWWW"}, 3, 2, "MMMMMMMMMMMMMMMMMMM", "WWWWWWWWWWWWWWWWWWWWWWWWW", "share of attention"),
		grid([]string{"a", "b", "a name that is much longer than its panel is wide"}, 2, 2, "row", "column", "bits"),
		grid([]string{"large"}, 40, 90, strings.Repeat("a very long name ", 20), "region", "percent"),
	} {
		t.Run(fmt.Sprint(i), func(t *testing.T) {
			path := filepath.Join(t.TempDir(), "matrix.html")
			if err := report.Save(path, m, report.Options{}); err != nil {
				t.Fatal(err)
			}
			p := visit(t, path, look{})
			for _, text := range eval[[]string](p, `[...document.querySelectorAll('svg')].flatMap(s => {
				const all = s.getBoundingClientRect();
				return [...s.querySelectorAll('text')].filter(e => {
					const r = e.getBoundingClientRect();
					return r.width > 0 && (r.left < all.left - 1 || r.right > all.right + 1 || r.top < all.top - 1 || r.bottom > all.bottom + 1);
				}).map(e => e.textContent);
			})`) {
				t.Errorf("%q is cut off", text)
			}
			if n := eval[int](p, `document.querySelectorAll('svg text').length`); n < 4 {
				t.Errorf("the drawing has %d texts", n)
			}
		})
	}
}

// TestFilesAndHashesAreShort keeps what is too long to read where a reader who points at it finds it.
func TestFilesAndHashesAreShort(t *testing.T) {
	m := grid([]string{""}, 2, 2, "head", "layer", "")
	m.Model = lxmert.Provenance{Weights: "/home/somebody/snap/vqa/BEST.pth", Hash: "crc32:0123456789abcdef0123456789abcdef"}
	m.Params = map[string]string{"data": "/home/somebody/data/vqa/minival.json", "share": "1/2"}
	path := filepath.Join(t.TempDir(), "matrix.html")
	if err := report.Save(path, m, report.Options{}); err != nil {
		t.Fatal(err)
	}
	text, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{
		`title="/home/somebody/snap/vqa/BEST.pth">BEST.pth</dd>`, `title="crc32:0123456789abcdef0123456789abcdef">crc32:0123456789ab</dd>`,
		`title="/home/somebody/data/vqa/minival.json">minival.json</dd>`, `>1/2</dd>`,
	} {
		if !strings.Contains(string(text), want) {
			t.Errorf("%s is not in the page", want)
		}
	}
}
