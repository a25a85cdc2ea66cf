package bench

import (
	"fmt"
	"io"
	"strings"
)

// TokenizerReport is what [Tokenizer] found. Times of passes are milliseconds, others seconds; memory is bytes.
type TokenizerReport struct {
	Version    string  `json:"version"` // of this library
	Machine    Machine `json:"machine"`
	Vocabulary string  `json:"vocabulary"` // file name, or "made up"
	Pieces     int     `json:"pieces"`     // of the vocabulary
	Sentences  int     `json:"sentences"`
	Length     int     `json:"length"` // positions that a sentence is cut or padded to
	Repeat     int     `json:"repeat"` // timed passes over the sentences per process
	Rounds     int     `json:"rounds"`

	Ours   TokenizerSide    `json:"ours"`
	Python *TokenizerSide   `json:"python,omitempty"` // the reference's way. Nil: it was not measured
	Versus *TokenizerVersus `json:"versus,omitempty"`
}

// TokenizerSide is one engine's measurements.
type TokenizerSide struct {
	Engine        string  `json:"engine"`
	BestMS        float64 `json:"best_ms"` // of a pass
	MedianMS      float64 `json:"median_ms"`
	SentencesPerS float64 `json:"sentences_per_s"` // from BestMS
	LoadS         float64 `json:"load_s"`          // the vocabulary, shortest of all processes
	PeakRSS       int64   `json:"peak_rss_bytes"`  // largest of all processes; 0: not known
	Processes     int     `json:"processes"`
	Runs          int     `json:"runs"`
}

// TokenizerVersus are ratios: what Python needs divided by what we need. Above 1, ours is better.
type TokenizerVersus struct {
	Best   float64 `json:"ratio_best"`
	Median float64 `json:"ratio_median"`
	Load   float64 `json:"ratio_load"`
	Memory float64 `json:"ratio_memory,omitempty"` // 0: not known
}

func newTokenizerSide(results []tokenizerResult, sentences int) TokenizerSide {
	s := TokenizerSide{Engine: results[0].Engine, Processes: len(results)}
	var times, load []float64
	for _, r := range results {
		times, load = append(times, r.TimesMS...), append(load, r.LoadS)
		s.PeakRSS = max(s.PeakRSS, r.PeakRSS)
	}
	s.BestMS, s.MedianMS, s.LoadS, s.Runs = best(times), median(times), best(load), len(times)
	s.SentencesPerS = ratio(1000*float64(sentences), s.BestMS)
	return s
}

func compareTokenizers(ours, python TokenizerSide) *TokenizerVersus {
	return &TokenizerVersus{
		Best: ratio(python.BestMS, ours.BestMS), Median: ratio(python.MedianMS, ours.MedianMS), Load: ratio(python.LoadS, ours.LoadS),
		Memory: ratio(float64(python.PeakRSS), float64(ours.PeakRSS)),
	}
}

// Print writes the report as a table for a reader.
func (r *TokenizerReport) Print(w io.Writer) error {
	var b strings.Builder
	fmt.Fprintf(&b, "tokenizer: %s to %d positions, vocabulary %s (%s), one thread\n", plural(r.Sentences, "sentence"), r.Length, r.Vocabulary, plural(r.Pieces, "piece"))
	fmt.Fprintf(&b, "machine:   %s\n\n", r.Machine)
	t := newTable(&b, "", "sentences/s", "best ms", "median ms", "vocabulary s", "peak memory")
	row := func(s *TokenizerSide) {
		t.row(s.Engine, fmt.Sprintf("%.0f", s.SentencesPerS), milli(s.BestMS), milli(s.MedianMS), seconds(s.LoadS), memory(s.PeakRSS))
	}
	row(&r.Ours)
	if r.Python != nil {
		row(r.Python)
	}
	if v := r.Versus; v != nil {
		t.row("python/golxmert", "-", fmt.Sprintf("%.2f", v.Best), fmt.Sprintf("%.2f", v.Median), fmt.Sprintf("%.2f", v.Load), quotient(v.Memory))
	}
	t.Flush()
	b.WriteString(perProcess(r.Ours.Runs, "pass", r.Ours.Processes))
	if r.Versus != nil {
		b.WriteString("Above 1, golxmert needs less. Both give the same ids to all sentences.\n")
	}
	_, err := io.WriteString(w, b.String())
	return err
}
