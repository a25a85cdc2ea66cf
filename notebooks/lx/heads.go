package lx

import (
	"errors"
	"math"

	"github.com/seed-516990b0/golxmert/analysis"
	"github.com/seed-516990b0/golxmert/analysis/attention"
)

// HeadStatistic is one number about every head of every attention map, the mean over questions: heads by maps. The
// statistics are "entropy" (nats), "normalized entropy" (0 to 1), "max" (the largest share), "gini", "keys for 90 %",
// "distance" and "special tokens" (the share of [CLS] and [SEP]); see attention.Statistic. Cells for which a statistic is
// not defined, such as the distance of a word from a region, are NaN.
func HeadStatistic(m *Model, questions []QA, statistic string) analysis.Matrix {
	return must(headStatistic(m, questions, statistic))
}

// mapsTogether is how many questions' maps are held at a time: of the published model's a question has about 1.5 MB.
const mapsTogether = 32

func headStatistic(m *Model, questions []QA, statistic string) (out analysis.Matrix, err error) {
	if len(questions) == 0 {
		return out, errors.New("HeadStatistic needs questions, such as m.Questions(\"heldout\", 32)")
	}
	var sum, count [][]float64
	rows := 0
	for len(questions) > 0 {
		n := min(len(questions), mapsTogether)
		b, err := m.Batch(cell().ctx, asked(questions[:n]))
		if err != nil {
			return out, err
		}
		maps, err := attention.Read(cell().ctx, m, b)
		if err != nil {
			return out, err
		}
		part, err := maps.Grid(statistic)
		if err != nil {
			return out, err
		}
		values := part.Panels[0].Values
		if sum == nil {
			out = part
			sum, count = zeros(values), zeros(values)
		}
		for i, row := range values {
			for j, x := range row {
				if !math.IsNaN(x) {
					sum[i][j] += x * float64(part.N)
					count[i][j] += float64(part.N)
				}
			}
		}
		rows += part.N
		questions = questions[n:]
	}
	for i := range sum {
		for j := range sum[i] {
			sum[i][j] /= count[i][j] // NaN where it is not defined
		}
	}
	out.N, out.Panels[0].Values = rows, sum
	return out, nil
}

// zeros has the shape of a matrix.
func zeros(like [][]float64) [][]float64 {
	out := make([][]float64, len(like))
	for i := range like {
		out[i] = make([]float64, len(like[i]))
	}
	return out
}

// asked are the questions without their answers.
func asked(questions []QA) []Question {
	var out []Question
	for _, q := range questions {
		out = append(out, q.Question)
	}
	return out
}
