package analysis

import (
	"slices"

	"github.com/seed-516990b0/golxmert/lxmert"
)

// Merging is how the values of a word's pieces become one.
type Merging int

const (
	SumPieces  Merging = iota // for relevance and Shapley values, which add up
	MeanPieces                // for attention
)

// MergeWords makes one value of the pieces of each word, and one position of the words. Pieces that are not in the text,
// such as [CLS], stay by themselves. Without words, or with another number of them than of values, both are returned as
// they are.
func MergeWords(values []float64, words lxmert.Words, how Merging) ([]float64, lxmert.Words) {
	if len(words.Word) != len(values) {
		return values, words
	}
	merged := lxmert.Words{Text: words.Text}
	var out []float64
	for first := 0; first < len(values); {
		next := first + 1
		for next < len(values) && words.Word[first] >= 0 && words.Word[next] == words.Word[first] {
			next++
		}
		sum := 0.0
		for _, x := range values[first:next] {
			sum += x
		}
		if how == MeanPieces {
			sum /= float64(next - first)
		}
		piece := words.Pieces[first]
		start, end := words.Start[first], words.End[next-1]
		if next > first+1 && start >= 0 && start <= end && end <= len(words.Text) {
			piece = words.Text[start:end]
		}
		out = append(out, sum)
		merged.Pieces = append(merged.Pieces, piece)
		merged.Start, merged.End = append(merged.Start, start), append(merged.End, end)
		merged.Word = append(merged.Word, words.Word[first])
		first = next
	}
	return out, merged
}

// Merge is [MergeWords] for a whole result.
func (s Scores) Merge(how Merging) Scores {
	before := s.Text.Word
	words := len(s.Words)
	s.Words, s.Text = MergeWords(s.Words, s.Text, how)
	if s.InnerWords == nil || len(before) != words {
		return s
	}
	// Where a piece went: to the position of its word.
	var moved []int
	at := -1
	for i := range before {
		if i == 0 || before[i] < 0 || before[i] != before[i-1] {
			at++
		}
		if slices.Contains(s.InnerWords, i) && (len(moved) == 0 || moved[len(moved)-1] != at) {
			moved = append(moved, at)
		}
	}
	s.InnerWords = append([]int{}, moved...)
	return s
}
