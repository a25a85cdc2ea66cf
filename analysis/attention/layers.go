package attention

import (
	"fmt"
	"math"
	"slices"
	"strconv"
	"strings"

	"github.com/seed-516990b0/golxmert/analysis"
)

// DivergenceName is what [Maps.Layers] calls [Maps.Divergence], which has one number for all heads of a map.
const DivergenceName = "divergence of heads"

// Scale is the unit of one of [StatisticNames], or of [DivergenceName], and the upper end of its scale from 0: 1 for
// shares and what is like them, 0 for what has no end of its own. Figures of such statistics can be compared.
func Scale(statistic string) (unit string, high float64) {
	switch statistic {
	case "entropy", DivergenceName:
		return "nats", 0
	case "normalized entropy", "gini":
		return "", 1
	case "max", "special tokens":
		return "share", 1
	case "keys for 90 %":
		return "keys", 0
	}
	return "", 0
}

// Normal95 is how many standard errors a 95 % interval of a mean is wide on each side.
const Normal95 = 1.959963984540054

// LayerCurve puts a number of each map, such as the mean of a statistic, layer by layer: a series for each kind of map
// ("l.tt", "x.ti" and so on). Both streams are counted so that they end where the cross-modality layers begin; a rule marks
// that place. low and high are intervals, nil for none; all lists have an entry for each map.
func LayerCurve(meta analysis.Meta, name string, maps []string, mean, low, high []float64) analysis.Curve {
	u := analysis.Curve{Meta: meta, XName: "layer", YName: name}
	type place struct{ at, layer int }
	kinds := map[string][]place{}
	var order []string
	before := map[string]int{} // layers of each stream
	for i, full := range maps {
		parts := strings.Split(full, ".")
		layer, err := strconv.Atoi(parts[1])
		if err != nil || len(parts) != 3 {
			continue
		}
		kind := parts[0] + "." + parts[2]
		if kinds[kind] == nil {
			order = append(order, kind)
		}
		kinds[kind] = append(kinds[kind], place{i, layer})
		before[parts[0]] = max(before[parts[0]], layer+1)
	}
	cross := max(before["l"], before["r"])
	for x := range cross + before["x"] {
		u.X = append(u.X, float64(x+1))
	}
	blank := slices.Repeat([]float64{math.NaN()}, len(u.X))
	for _, kind := range order {
		series := analysis.CurveSeries{Name: kind, Y: slices.Clone(blank)}
		if low != nil && high != nil {
			series.Low, series.High = slices.Clone(blank), slices.Clone(blank)
		}
		for _, p := range kinds[kind] {
			x := cross + p.layer
			if stream := kind[:1]; stream != "x" {
				x = cross - before[stream] + p.layer
			}
			series.Y[x] = mean[p.at]
			if series.Low != nil {
				series.Low[x], series.High[x] = low[p.at], high[p.at]
			}
		}
		u.Series = append(u.Series, series)
	}
	if before["x"] > 0 {
		u.Rules = map[string]float64{"cross-modality layers": float64(cross) + 0.5}
	}
	return u
}

// Layers is one statistic of every map that was read, averaged over heads and examples, layer by layer, with 95 % bands
// over the examples (none of a single one). Names are those of [StatisticNames] and [DivergenceName].
func (m *Maps) Layers(statistic string) (analysis.Curve, error) {
	at := slices.Index(StatisticNames, statistic)
	if at < 0 && statistic != DivergenceName {
		return analysis.Curve{}, fmt.Errorf("there is no statistic %q; there are %s", statistic, strings.Join(append(slices.Clone(StatisticNames), DivergenceName), ", "))
	}
	rows := m.trace.Batch.Rows()
	var mean, low, high []float64
	for _, name := range m.Names {
		var values []float64
		for row := range rows {
			if statistic == DivergenceName {
				x, err := m.Divergence(name, row)
				if err != nil {
					return analysis.Curve{}, err
				}
				values = append(values, x)
				continue
			}
			all, err := m.Measure(name, row)
			if err != nil {
				return analysis.Curve{}, err
			}
			var heads []float64
			for _, s := range all {
				heads = append(heads, s.Values()[at])
			}
			values = append(values, analysis.Mean(heads))
		}
		average, e := standardError(values)
		mean, low, high = append(mean, average), append(low, average-Normal95*e), append(high, average+Normal95*e)
	}
	meta := m.meta(statistic+" of attention, mean over heads", 0)
	meta.Unit, _ = Scale(statistic)
	meta.N = rows
	if rows < 2 {
		return LayerCurve(meta, statistic, m.Names, mean, nil, nil), nil
	}
	meta.Level = 0.95
	meta.Notes = append(meta.Notes, "Bands are 1.96 standard errors of the mean over examples.")
	return LayerCurve(meta, statistic, m.Names, mean, low, high), nil
}

// standardError is the mean of the values that are numbers, and its standard error.
func standardError(values []float64) (mean, e float64) {
	mean = analysis.Mean(values)
	squares, n := 0.0, 0.0
	for _, x := range values {
		if !math.IsNaN(x) {
			squares, n = squares+(x-mean)*(x-mean), n+1
		}
	}
	return mean, math.Sqrt(squares / n / (n - 1))
}

// Table is every statistic of every head that was read, averaged over the batch's examples: a line for each map and head.
// Examples in which a number is not defined are left out.
func (m *Maps) Table() (analysis.Table, error) {
	t := analysis.Table{Meta: m.meta("attention statistics", 0), Columns: append([]string{"map", "head"}, StatisticNames...)}
	t.Unit, t.N = "", m.trace.Batch.Rows()
	for _, name := range m.Names {
		sums := make([]analysis.Running, m.Config.Heads*len(StatisticNames))
		for row := range m.trace.Batch.Rows() {
			all, err := m.Measure(name, row)
			if err != nil {
				return analysis.Table{}, err
			}
			for h, s := range all {
				for i, x := range s.Values() {
					sums[h*len(StatisticNames)+i].Add(row, x)
				}
			}
		}
		for h := range m.Config.Heads {
			line := []any{name, h}
			for i := range StatisticNames {
				line = append(line, sums[h*len(StatisticNames)+i].Mean())
			}
			t.Rows = append(t.Rows, line)
		}
	}
	return t, nil
}
