package token

import (
	"fmt"
	"unicode/utf8"

	"github.com/seed-516990b0/golxmert/lxmert"
)

// maxWord is the longest word, in characters, that is looked up at all.
const maxWord = 100

// piece is one piece of a sentence.
type piece struct {
	id         int32 // -1: [UNK], in a vocabulary without one
	start, end int   // bytes of the sentence
	word       int
}

// appendPieces covers a word with the longest pieces from the left. A word that is too long, or that at some place no
// piece fits, is one [UNK].
func (w *WordPiece) appendPieces(dst []piece, x word, number int) []piece {
	n := len(x.glyphs)
	if x.glyphs == nil {
		n = len(x.text)
	}
	first := len(dst)
	if n <= maxWord {
		table, at, char := w.ids, 0, 0
		for at < len(x.text) {
			end := min(len(x.text), at+w.longest)
			for ; end > at; end-- {
				if end < len(x.text) && !utf8.RuneStart(x.text[end]) {
					continue
				}
				if id, ok := table[x.text[at:end]]; ok {
					p := piece{id, x.start + at, x.start + end, number}
					if x.glyphs != nil {
						chars := utf8.RuneCountInString(x.text[at:end])
						p.start, p.end = x.glyphs[char].start, x.glyphs[char+chars-1].end
						char += chars
					}
					dst = append(dst, p)
					break
				}
			}
			if end == at {
				break
			}
			at, table = end, w.inner
		}
		if at == len(x.text) {
			return dst
		}
	}
	id, ok := w.ids[unk]
	if !ok {
		id = -1
	}
	return append(dst[:first], piece{id, x.start, x.end, number})
}

// piecesOf appends the first limit pieces of a sentence; limit < 0: all.
func (w *WordPiece) piecesOf(dst []piece, sentence string, limit int) []piece {
	number := 0
	w.words(sentence, func(x word) bool {
		dst = w.appendPieces(dst, x, number)
		number++
		return limit < 0 || len(dst) < limit
	})
	if limit >= 0 && len(dst) > limit {
		dst = dst[:limit]
	}
	return dst
}

func (w *WordPiece) text(p piece) string {
	if p.id < 0 {
		return unk
	}
	return w.pieces[p.id]
}

// Tokenize cuts a sentence into word pieces. Pieces inside a word start with "##".
func (w *WordPiece) Tokenize(sentence string) []string {
	var pieces []string
	for _, p := range w.piecesOf(nil, sentence, -1) {
		pieces = append(pieces, w.text(p))
	}
	return pieces
}

// Encoding is a sentence as the model takes it; every slice has one entry per position.
type Encoding struct {
	IDs      []int32
	Segments []int32   // all 0
	Mask     []float32 // 1 for pieces, 0 for padding
	Words    lxmert.Words
}

// Encode makes the model's input of a sentence: [CLS], its first length-2 pieces, [SEP], and [PAD] up to length
// positions. Words.Start and Words.End are bytes of the sentence, which the accents and control characters inside a piece
// belong to, and Words.Word counts words from 0 as [WordPiece.Basic] cuts them; all three are -1 for [CLS], [SEP] and
// [PAD]. Pieces of one character, as of a hangul syllable, have the same place. A length of 0 takes all pieces and no
// padding. The error says that the vocabulary lacks special pieces, or that length is too small.
func (w *WordPiece) Encode(sentence string, length int) (Encoding, error) {
	if w.specialErr != nil {
		return Encoding{}, w.specialErr
	}
	if length != 0 && length < 2 {
		return Encoding{}, fmt.Errorf("token: a length of %d has no room for %s and %s", length, cls, sep)
	}
	var pieces []piece
	if length == 0 {
		pieces = w.piecesOf(nil, sentence, -1)
		length = len(pieces) + 2
	} else {
		pieces = w.piecesOf(make([]piece, 0, min(length, 64)), sentence, length-2)
	}

	ints := make([]int32, 2*length)
	places := make([]int, 3*length)
	e := Encoding{
		IDs: ints[:length:length], Segments: ints[length:], Mask: make([]float32, length),
		Words: lxmert.Words{
			Text: sentence, Pieces: make([]string, length),
			Start: places[:length:length], End: places[length : 2*length : 2*length], Word: places[2*length:],
		},
	}
	set := func(i int, id int32, text string, mask float32, start, end, word int) {
		e.IDs[i], e.Mask[i], e.Words.Pieces[i] = id, mask, text
		e.Words.Start[i], e.Words.End[i], e.Words.Word[i] = start, end, word
	}
	set(0, w.special.Cls, cls, 1, -1, -1, -1)
	for i, p := range pieces {
		set(i+1, p.id, w.pieces[p.id], 1, p.start, p.end, p.word)
	}
	set(len(pieces)+1, w.special.Sep, sep, 1, -1, -1, -1)
	for i := len(pieces) + 2; i < length; i++ {
		set(i, w.special.Pad, pad, 0, -1, -1, -1)
	}
	return e, nil
}
