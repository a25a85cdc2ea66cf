package token

import (
	"slices"
	"unicode"
	"unicode/utf8"

	"golang.org/x/text/unicode/norm"
)

// glyph is a character on its way through the rules, and the bytes of the sentence that it came from.
type glyph struct {
	r          rune
	start, end int
}

const (
	capitalSigma = 'Σ'
	smallSigma   = 'σ'
	finalSigma   = 'ς'
)

// lowerInto appends a word in lower case, canonically decomposed, without nonspacing marks (Python: str.lower, NFD, drop
// Mn). U+0130, whose lower case is two characters, loses the second as a mark.
func lowerInto(dst, word []glyph) []glyph {
	marks := false
	first := len(dst)
	var text [utf8.UTFMax * 20]byte // the longest canonical decomposition has 4 characters
	for i, g := range word {
		r := unicode.ToLower(g.r)
		if g.r == capitalSigma {
			r = smallSigma
			if endsWord(word, i) {
				r = finalSigma
			}
		}
		if r < 0x80 {
			dst = append(dst, glyph{r, g.start, g.end})
			continue
		}
		// Character by character, because norm breaks up long runs of marks, which Python does not.
		for parts := norm.NFD.AppendString(text[:0], string(r)); len(parts) > 0; {
			p, n := utf8.DecodeRune(parts)
			parts = parts[n:]
			dst = append(dst, glyph{p, g.start, g.end})
			marks = marks || p >= 0x300 && norm.NFD.PropertiesString(string(p)).CCC() != 0
		}
	}
	if marks {
		reorder(dst[first:])
	}
	return dropMarks(dst, first)
}

// reorder puts runs of combining marks into canonical order. Where marks change places, all of their run get the run's
// bytes, so that places in the sentence never run backwards.
func reorder(word []glyph) {
	class := func(g glyph) int { return int(norm.NFD.PropertiesString(string(g.r)).CCC()) }
	byClass := func(a, b glyph) int { return class(a) - class(b) }
	for i := 0; i < len(word); {
		j := i
		for j < len(word) && class(word[j]) != 0 {
			j++
		}
		if run := word[i:j]; !slices.IsSortedFunc(run, byClass) {
			start, end := run[0].start, run[len(run)-1].end
			slices.SortStableFunc(run, byClass)
			for k := range run {
				run[k].start, run[k].end = start, end
			}
		}
		i = j + 1
	}
}

// dropMarks deletes the nonspacing marks of dst[first:]; their bytes go to the character before.
func dropMarks(dst []glyph, first int) []glyph {
	kept := dst[:first]
	for _, g := range dst[first:] {
		if g.r >= 0x300 && unicode.Is(unicode.Mn, g.r) {
			if n := len(kept); n > first {
				kept[n-1].end = max(kept[n-1].end, g.end)
			}
			continue
		}
		kept = append(kept, g)
	}
	return kept
}

// endsWord is Unicode's condition Final_Sigma: a cased letter before, none after, case-ignorable characters between.
func endsWord(word []glyph, i int) bool {
	j := i - 1
	for j >= 0 && isCaseIgnorable(word[j].r) {
		j--
	}
	if j < 0 || !isCased(word[j].r) {
		return false
	}
	for j = i + 1; j < len(word) && isCaseIgnorable(word[j].r); j++ {
	}
	return j == len(word) || !isCased(word[j].r)
}

func isCased(r rune) bool {
	return unicode.In(r, unicode.Lu, unicode.Ll, unicode.Lt, unicode.Other_Lowercase, unicode.Other_Uppercase)
}

// isCaseIgnorable: marks, format characters, modifiers, and the signs that stand inside words.
func isCaseIgnorable(r rune) bool {
	switch r {
	case '\'', '.', ':', 0xb7, 0x387, 0x55f, 0x5f4, 0x2018, 0x2019, 0x2024, 0x2027, 0xfe13, 0xfe52, 0xfe55, 0xff07, 0xff0e, 0xff1a:
		return true
	}
	return unicode.In(r, unicode.Mn, unicode.Me, unicode.Cf, unicode.Lm, unicode.Sk)
}
