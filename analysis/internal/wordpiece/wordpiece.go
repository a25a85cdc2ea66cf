// Package wordpiece puts the pieces of a sentence together to words, for drawing.
package wordpiece

import (
	"math"
	"strconv"
	"strings"

	"github.com/seed-516990b0/golxmert/analysis"
)

// Merge is what a word's number is, of those of its pieces.
type Merge int

const (
	Auto Merge = iota // Mean for shares of attention, Sum for everything else, by the method's name
	Sum               // relevance and attributions: the pieces' numbers add up
	Mean              // attention: a word of many pieces is not more attended to
	None              // pieces stay pieces
)

// Word is one word, or piece, with its number.
type Word struct {
	Label     string
	Value     float64
	Special   bool  // [CLS], [SEP] and other pieces that are not in the sentence
	Positions []int // of its pieces
}

// Words returns the words of scores. Padding is left out. Without a sentence, positions are called by their numbers.
func Words(s analysis.Scores, merge Merge) []Word {
	if merge == Auto {
		merge = auto(s.Method)
	}
	var words []Word
	last := -1
	for t, value := range s.Words {
		number, special := -1, false
		if t < len(s.Text.Word) {
			number = s.Text.Word[t]
			special = number < 0
		}
		label := piece(s, t)
		if number < 0 && label == "[PAD]" {
			continue
		}
		if merge != None && number >= 0 && number == last {
			w := &words[len(words)-1]
			w.Value += value
			w.Positions = append(w.Positions, t)
			continue
		}
		last = number
		words = append(words, Word{Label: label, Value: value, Special: special, Positions: []int{t}})
	}
	for i := range words {
		w := &words[i]
		if merge == Mean {
			w.Value /= float64(len(w.Positions))
		}
		if !w.Special && merge != None {
			w.Label = spelled(s, w.Positions, w.Label)
		}
	}
	return words
}

func auto(method string) Merge {
	for _, share := range []string{"attention", "rollout", "flow", "gradcam"} {
		if strings.Contains(strings.ToLower(method), share) {
			return Mean
		}
	}
	return Sum
}

func piece(s analysis.Scores, t int) string {
	if t < len(s.Text.Pieces) {
		return s.Text.Pieces[t]
	}
	return "#" + strconv.Itoa(t)
}

// spelled is the word as the sentence has it, or what its pieces make where the sentence does not say.
func spelled(s analysis.Scores, positions []int, label string) string {
	first, last := positions[0], positions[len(positions)-1]
	if last < len(s.Text.Start) && last < len(s.Text.End) {
		from, to := s.Text.Start[first], s.Text.End[last]
		if from >= 0 && from < to && to <= len(s.Text.Text) {
			return s.Text.Text[from:to]
		}
	}
	for _, t := range positions[1:] {
		label += strings.TrimPrefix(piece(s, t), "##")
	}
	return label
}

// Range is the range of the words' numbers, special pieces left out; 0 is always in it.
func Range(words []Word) (low, high float64) {
	for _, w := range words {
		if !w.Special && !math.IsNaN(w.Value) && !math.IsInf(w.Value, 0) {
			low, high = math.Min(low, w.Value), math.Max(high, w.Value)
		}
	}
	return low, high
}
