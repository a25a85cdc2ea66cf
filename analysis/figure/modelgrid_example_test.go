package figure_test

import (
	"fmt"
	"path/filepath"

	"github.com/seed-516990b0/golxmert/analysis"
	"github.com/seed-516990b0/golxmert/analysis/figure"
	"github.com/seed-516990b0/golxmert/lxmert"
)

// All 34 maps of the published model, 12 heads each.
func ExampleModelGrid() {
	m := analysis.Maps{Meta: meta("attention of all heads", "share"), Maps: map[string]lxmert.Tensor{}, Text: scores().Text}
	m.Target = ""
	size := map[byte]int{'t': 13, 'i': 36}
	for n, name := range (lxmert.Config{LangLayers: 9, RegionLayers: 5, CrossLayers: 5}).Maps() {
		q, k := size[name[len(name)-2]], size[name[len(name)-1]]
		t := lxmert.NewTensor(12, q, k)
		for h := range 12 {
			for i := range q {
				for j, x := range pattern(h+n, i, q, k) {
					t.Data[(h*q+i)*k+j] = float32(x)
				}
			}
		}
		m.Maps[name] = t
	}
	fmt.Println(figure.Save(filepath.Join(out, "modelgrid.png"), m, figure.Options{DPI: 90}))
	// Output: <nil>
}

// pattern is how a head may attend: to its own place, to the next, to the first key, or to everything.
func pattern(head, query, queries, keys int) []float64 {
	row, sum := make([]float64, keys), 0.0
	at := query * keys / queries
	for j := range row {
		row[j] = 0.1
		switch {
		case head%4 == 0 && j == at, head%4 == 1 && j == (at+1)%keys:
			row[j] = 2
		case head%4 == 2 && j == 0, head%7 == 5 && j == keys-1:
			row[j] = 4
		}
		sum += row[j]
	}
	for j := range row {
		row[j] /= sum
	}
	return row
}
