package token

import (
	"strings"
	"unicode/utf8"
)

// word is one word of a sentence after cleaning and cutting (BERT's "basic" tokens).
type word struct {
	text       string  // as it is looked up
	start, end int     // bytes of the sentence
	glyphs     []glyph // one per character of text, until the next word; nil: places count from start, byte for byte
}

// scanner walks over the words of a sentence. Its buffers are used again from word to word.
type scanner struct {
	*WordPiece
	visit func(word) bool // false: enough
	text  []byte
	clean []glyph
	lower []glyph
}

// words calls visit for each word until it returns false. Parts between ASCII white space are independent of each other,
// and nearly all of them are plain ASCII, which needs no tables and counts its places.
func (w *WordPiece) words(sentence string, visit func(word) bool) {
	s := scanner{WordPiece: w, visit: visit}
	for i := 0; i < len(sentence); {
		if b := sentence[i]; b < utf8.RuneSelf && asciiClass[b] == classSpace {
			i++
			continue
		}
		j, plain := i, true
		for ; j < len(sentence); j++ {
			b := sentence[j]
			if b >= utf8.RuneSelf {
				plain = false
				continue
			}
			class := asciiClass[b]
			if class == classSpace {
				break
			}
			plain = plain && class != classDeleted
		}
		more := false
		if plain {
			more = s.ascii(sentence, i, j)
		} else {
			more = s.unicode(sentence, i, j)
		}
		if !more {
			return
		}
		i = j
	}
}

// ascii visits the words of sentence[i:end], which is printable ASCII.
func (s *scanner) ascii(sentence string, i, end int) bool {
	if sentence[i] == '[' && isSpecial(sentence[i:end]) {
		return s.visit(word{text: sentence[i:end], start: i, end: end})
	}
	for i < end {
		j, upper := i, false
		for j < end && asciiClass[sentence[j]] == classWord {
			upper = upper || sentence[j]-'A' < 26
			j++
		}
		if j == i {
			j++
		}
		text := sentence[i:j]
		if upper && !s.options.Cased {
			text = strings.ToLower(text)
		}
		if !s.visit(word{text: text, start: i, end: j}) {
			return false
		}
		i = j
	}
	return true
}

// unicode visits the words of sentence[i:end], whatever is in it.
func (s *scanner) unicode(sentence string, i, end int) bool {
	s.clean = s.clean[:0]
	flush := func() bool {
		defer func() { s.clean = s.clean[:0] }()
		return len(s.clean) == 0 || s.chunk(sentence)
	}
	for i < end {
		r, n := utf8.DecodeRuneInString(sentence[i:end])
		g := glyph{r, i, i + n}
		i += n
		switch {
		case s.isDeleted(r): // also bytes that are not UTF-8
		case isSeparator(r):
			if !flush() {
				return false
			}
		case isIdeograph(r):
			if !flush() {
				return false
			}
			s.clean = append(s.clean, g)
			if !flush() {
				return false
			}
		default:
			s.clean = append(s.clean, g)
		}
	}
	return flush()
}

// chunk visits the words of s.clean, which has no white space: lower case without accents, then cut at punctuation.
func (s *scanner) chunk(sentence string) bool {
	chars := s.clean
	if chars[0].r == '[' && isSpecial(s.string(chars)) {
		return s.visit(s.word(chars))
	}
	if !s.options.Cased {
		s.lower = lowerInto(s.lower[:0], chars)
		chars = s.lower
	}
	for len(chars) > 0 {
		n := 0
		for n < len(chars) && !isPunctuation(chars[n].r) {
			n++
		}
		n = max(n, 1)
		if !s.visit(s.word(chars[:n])) {
			return false
		}
		chars = chars[n:]
	}
	return true
}

func (s *scanner) word(chars []glyph) word {
	return word{text: s.string(chars), start: chars[0].start, end: chars[len(chars)-1].end, glyphs: chars}
}

func (s *scanner) string(chars []glyph) string {
	s.text = s.text[:0]
	for _, g := range chars {
		s.text = utf8.AppendRune(s.text, g.r)
	}
	return string(s.text)
}

// Basic cuts a sentence into words, without looking at the vocabulary.
func (w *WordPiece) Basic(sentence string) []string {
	var words []string
	w.words(sentence, func(x word) bool {
		words = append(words, x.text)
		return true
	})
	return words
}
