package analysis

import (
	"fmt"
	"slices"
	"strconv"
	"strings"

	"github.com/seed-516990b0/golxmert/lxmert"
)

// ReadTarget makes a target of its name, as people write it in cells and on command lines:
//
//	predicted          the logit of the most probable answer
//	blue               that of an answer; "answer 2" is the answer "2"
//	7                  that of the answer of this number, from 0
//	blue-red           why blue and not red: the difference of two
//	match, foil        that sentence and picture belong together, or do not; match-foil is the difference
//	masked star        the word hidden from the model, and the logit of the word itself in its place
//	masked word 3      the same of the word piece at a position
//
// head has the answers' names; b is the question whose word is meant, or nil where there are many, which have only positions. The
// error of a name that is none of these wraps [ErrTarget] and says what there is.
func ReadTarget(name string, head lxmert.AnswerHead, b *lxmert.Batch) (Target, error) {
	name = strings.TrimSpace(name)
	if t, err := oneTarget(name, head, b); t.parts != nil || err != nil {
		return t.Called(name), err
	}
	var found []Target
	for i, r := range name {
		if r != '-' {
			continue
		}
		left, err := oneTarget(strings.TrimSpace(name[:i]), head, b)
		if err != nil {
			return Target{}, err
		}
		right, err := oneTarget(strings.TrimSpace(name[i+1:]), head, b)
		if err != nil {
			return Target{}, err
		}
		if left.parts != nil && right.parts != nil {
			found = append(found, Sum(left, Times(-1, right)))
		}
	}
	switch len(found) {
	case 1:
		return found[0].Called(name), nil
	case 0:
		return Target{}, fmt.Errorf(`%w: %q is neither an answer nor "predicted", "match", "foil", "masked WORD" or a difference such as "blue-red"; %s`, ErrTarget, name, someAnswers(head))
	}
	return Target{}, fmt.Errorf("%w: %q may be the difference of answers in %d ways; say them by their numbers, such as 3-7", ErrTarget, name, len(found))
}

// oneTarget is a target without a difference. It has no parts if the name is not that of any.
func oneTarget(name string, head lxmert.AnswerHead, b *lxmert.Batch) (Target, error) {
	switch name {
	case predicted:
		return Predicted(), nil
	case "match":
		return Match(), nil
	case "foil":
		return Logit("out.match", 0), nil
	}
	if word, ok := strings.CutPrefix(name, "masked "); ok {
		return maskedTarget(strings.TrimSpace(word), b)
	}
	if class, err := strconv.Atoi(name); err == nil && class >= 0 {
		return Answer(class), nil
	}
	for _, answer := range []string{name, strings.TrimPrefix(name, "answer ")} {
		if class := slices.Index(head.Answers, answer); class >= 0 {
			return Answer(class), nil
		}
	}
	return Target{}, nil
}

// maskedTarget hides a word with all its pieces, and asks for these.
func maskedTarget(word string, b *lxmert.Batch) (Target, error) {
	position, isPosition := strings.CutPrefix(word, "word ")
	if isPosition {
		at, err := strconv.Atoi(position)
		switch {
		case err != nil || at < 0:
			return Target{}, fmt.Errorf(`%w: "masked word %s": must be a position from 0`, ErrTarget, position)
		case b == nil:
			return MaskedWord(at), nil
		case !slices.Contains(InnerWords(b, 0), at):
			return Target{}, fmt.Errorf(`%w: "masked word %d": the question's words are at %v`, ErrTarget, at, InnerWords(b, 0))
		}
		return MaskedWord(at).Class(ownPiece(b, at)), nil
	}
	if b == nil {
		return Target{}, fmt.Errorf(`%w: "masked %s": a word is one of a single question; of many say a position, such as "masked word 3"`, ErrTarget, word)
	}
	at := PositionsOf(b, 0, word)
	if len(at) == 0 {
		return Target{}, fmt.Errorf(`%w: "masked %s": the question has no such word`, ErrTarget, word)
	}
	var parts []Target
	for _, t := range at {
		parts = append(parts, MaskedWord(t).Class(ownPiece(b, t)))
	}
	return Sum(parts...), nil
}

func ownPiece(b *lxmert.Batch, position int) int {
	text, _ := b.Pair(0)
	return int(b.IDs[text][position])
}

// PositionsOf are the positions of a word of a row's text, wherever it stands, with all its pieces; or of a special piece such as
// [CLS]. Capital letters and punctuation around the word do not count. Nil: there is none, or nobody said which words there are.
func PositionsOf(b *lxmert.Batch, row int, word string) (at []int) {
	text, _ := b.Pair(row)
	if text >= len(b.Words) {
		return nil
	}
	w := b.Words[text]
	for t, valid := range ValidWords(b, row) {
		if valid && (w.Word[t] < 0 && w.Pieces[t] == word || w.Word[t] >= 0 && strings.EqualFold(WordAt(w, t), word)) {
			at = append(at, t)
		}
	}
	return at
}

// WordAt is the word of the sentence that a position belongs to, without punctuation around it; of a special piece, the piece.
func WordAt(w lxmert.Words, position int) string {
	if w.Word[position] < 0 {
		return w.Pieces[position]
	}
	from, to := -1, -1
	for t, k := range w.Word {
		if k == w.Word[position] && w.Start[t] >= 0 {
			if from < 0 {
				from = w.Start[t]
			}
			to = w.End[t]
		}
	}
	if from < 0 {
		return ""
	}
	if bare := strings.Trim(w.Text[from:to], `.,;:!?"'()`); bare != "" {
		return bare
	}
	return w.Text[from:to]
}

// someAnswers says which answers there are.
func someAnswers(head lxmert.AnswerHead) string {
	const most = 30
	switch n := len(head.Answers); {
	case n == 0:
		return fmt.Sprintf("nobody named the %d answers, say one by its number", head.Classes)
	case n > most:
		return fmt.Sprintf("there are %d answers, such as %s", n, strings.Join(head.Answers[:5], ", "))
	}
	return "the answers are " + strings.Join(head.Answers, ", ")
}

// Called names a target, as it was asked for. What is made of it has no name again.
func (t Target) Called(name string) Target {
	t.name = name
	return t
}
