package sweep

import (
	"github.com/seed-516990b0/golxmert/analysis"
)

// This file makes tables and curves of what was read of the heads of pre-training.

// drawReadouts makes tables of what the heads know, of what can be answered at which risk and of how sure they are, and the curve of risk over coverage.
func drawReadouts(c *collector, found *means, s *Summary) error {
	meta := c.measured(found)
	meta.Level = level
	meta.Params["match"] = "class 1 of out.match"
	delete(meta.Params, "explained") // it has no target
	right := analysis.Table{Meta: meta, Columns: []string{"reading", readRight, "low", "high", readBits, "low", "high", "examples"}}
	right.Method = "what the heads of pre-training say"
	right.Notes = append(right.Notes, "Of each example one word and one region are drawn. What is there is the sentence's own word piece, and the detector's class; of features, right is that the region itself is nearest.")
	var trusted []string
	for _, name := range []string{wordHidden, wordAlone, objectHidden, objectSeen, attributeHidden, attributeSeen, featureHidden, matchOwn, matchOther, matchEither, answerRead} {
		of := func(what string) string { return name + ": " + what }
		accuracy, low, high, n := found.interval(of(readRight))
		if n == 0 {
			continue
		}
		bits, bitsLow, bitsHigh, _ := found.interval(of(readBits))
		right.Rows = append(right.Rows, []any{name, accuracy, low, high, bits, bitsLow, bitsHigh, n})
		if name != matchOwn && name != matchOther {
			trusted = append(trusted, name)
		}
	}
	s.Tables = append(s.Tables, Named[analysis.Table]{"readout", right})
	drawTrust(c, found, s, meta, trusted, "the heads'", "readout-")
	drawAnswers(found, meta, s)
	return nil
}
