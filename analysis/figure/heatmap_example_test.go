package figure_test

import (
	"fmt"
	"math"
	"path/filepath"
	"strconv"
	"strings"

	"github.com/seed-516990b0/golxmert/analysis"
	"github.com/seed-516990b0/golxmert/analysis/figure"
	"github.com/seed-516990b0/golxmert/lxmert"
)

// Two heads of one map, words by regions.
func ExampleHeatmap() {
	s := scores()
	m := analysis.Matrix{
		Meta: meta("attention x.4.ti", "share"),
		Rows: analysis.Axis{Name: "word", Labels: s.Text.Pieces},
		Cols: analysis.Axis{Name: "region", Labels: s.Image.Objects},
		High: 1,
	}
	m.Target = ""
	for head := range 2 {
		panel := analysis.MatrixPanel{Name: "head " + strconv.Itoa(3*head+2)}
		for i := range s.Words {
			panel.Values = append(panel.Values, attention(len(s.Regions), i+7*head, head+2))
		}
		m.Panels = append(m.Panels, panel)
	}
	fmt.Println(figure.Save(filepath.Join(out, "heatmap.png"), m, figure.Options{DPI: 100}))
	// Output: <nil>
}

// One map of 20 words and all 36 regions of a picture, the most relevant regions first.
func ExampleByRelevance() {
	m := analysis.Matrix{
		Meta: meta("attention x.4.ti, mean of heads", "share"),
		Rows: analysis.Axis{Name: "word", Labels: strings.Fields(
			"[CLS] what colour is the small ball that lies left of the large red square and the star ? [SEP]")},
		Cols:   analysis.Axis{Name: "region"},
		Panels: []analysis.MatrixPanel{{}},
	}
	m.Target = ""
	names := []string{"red square", "ball", "star", "paper", "green triangle", "blue circle", "shadow"}
	relevance := make([]float64, 36) // of relevance.BiModal, for example
	for j := range relevance {
		m.Cols.Labels = append(m.Cols.Labels, names[j*j%len(names)])
		relevance[j] = math.Pow(wave(j, 3), 3)
	}
	for i := range m.Rows.Labels {
		row, sum := attention(36, i, 2), 0.0
		for j := range row {
			row[j] *= 0.15 + relevance[j]
			sum += row[j]
		}
		for j := range row {
			row[j] /= sum
		}
		m.Panels[0].Values = append(m.Panels[0].Values, row)
	}
	m, err := figure.ByRelevance(m, relevance)
	if err != nil {
		fmt.Println(err)
		return
	}
	fmt.Println(figure.Save(filepath.Join(out, "regions.png"), m, figure.Options{DPI: 100}))
	// Output: <nil>
}

// One statistic of all heads, as attention.Maps.Grid gives it. What is not defined is grey.
func ExampleHeatmap_heads() {
	m := analysis.Matrix{
		Meta: meta("attention statistics", ""),
		Rows: analysis.Axis{Name: "head"},
		Cols: analysis.Axis{Name: "map", Labels: (lxmert.Config{LangLayers: 9, RegionLayers: 5, CrossLayers: 5}).Maps()},
		High: 1,
	}
	m.Target, m.N, m.Params = "", 500, map[string]string{"statistic": "normalized entropy"}
	panel := analysis.MatrixPanel{Name: "normalized entropy"}
	for head := range 12 {
		m.Rows.Labels = append(m.Rows.Labels, strconv.Itoa(head))
		row := make([]float64, len(m.Cols.Labels))
		for j := range row {
			row[j] = 0.9 - 0.02*float64(j) + 0.25*(wave(head, j)-0.5)
		}
		panel.Values = append(panel.Values, row)
	}
	panel.Values[2][20] = math.NaN()
	m.Panels = append(m.Panels, panel)
	fmt.Println(figure.Save(filepath.Join(out, "heads.png"), m, figure.Options{DPI: 100}))
	// Output: <nil>
}

// What words and regions are worth together beyond what each is alone: colours on both sides of 0.
func ExampleHeatmap_interactions() {
	s := scores()
	m := analysis.Matrix{
		Meta: meta("Shapley interactions", "logit"),
		Rows: analysis.Axis{Name: "word", Labels: s.Text.Pieces[1 : len(s.Text.Pieces)-1]},
		Cols: analysis.Axis{Name: "region", Labels: s.Image.Objects},
	}
	panel := analysis.MatrixPanel{}
	for i := range m.Rows.Labels {
		row := make([]float64, len(m.Cols.Labels))
		for j := range row {
			row[j] = 0.4 * (wave(i, j) - 0.55)
		}
		panel.Values = append(panel.Values, row)
	}
	panel.Values[9][1] = 0.9 // "square" and a square
	m.Low, m.High, m.Panels = -1, 1, []analysis.MatrixPanel{panel}
	fmt.Println(figure.Save(filepath.Join(out, "interactions.png"), m, figure.Options{DPI: 100}))
	// Output: <nil>
}

// attention is a distribution over n keys, the sharper the larger sharp is.
func attention(n, query, sharp int) []float64 {
	row, sum := make([]float64, n), 0.0
	for j := range row {
		row[j] = math.Exp(float64(2*sharp) * wave(query, j))
		sum += row[j]
	}
	for j := range row {
		row[j] /= sum
	}
	return row
}

// How alike levels are, by an estimate without bias: what comes out below 0 is hatched.
func ExampleHeatmap_cka() {
	m := analysis.Matrix{Meta: meta("debiased linear CKA of levels", "CKA"), Rows: analysis.Axis{Name: "level"}, High: 1}
	m.Target, m.N = "", 400
	for k := range 6 {
		m.Rows.Labels = append(m.Rows.Labels, fmt.Sprintf("hid.t.%d", k))
	}
	for k := range 5 {
		m.Rows.Labels = append(m.Rows.Labels, fmt.Sprintf("hid.i.%d", k))
	}
	m.Cols = m.Rows
	n := len(m.Rows.Labels)
	values := make([][]float64, n)
	for i := range values {
		values[i] = make([]float64, n)
		for j := range values[i] {
			far := math.Abs(float64(i%6 - j%6))
			values[i][j] = math.Exp(-0.35 * far)
			if (i < 6) != (j < 6) { // the streams have met in the last levels alone
				values[i][j] = 0.6*math.Exp(-0.3*float64(12-i%6-j%6)) - 0.06
			}
		}
	}
	m.Panels = []analysis.MatrixPanel{{Values: values}}
	fmt.Println(figure.Save(filepath.Join(out, "cka.png"), m, figure.Options{DPI: 100}))
	// Output: <nil>
}
