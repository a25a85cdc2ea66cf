package dataset

import (
	"strings"
	"unicode"
	"unicode/utf8"

	"golang.org/x/text/cases"
	"golang.org/x/text/language"
)

// sameAnswer is what some answers become at the end of [Convert].
var sameAnswer = map[string]string{
	"one": "1", "two": "2", "three": "3", "four": "4", "five": "5", "six": "6", "seven": "7", "eight": "8", "nine": "9", "ten": "10",
	"grey": "gray", "a man": "man", "the man": "man", "a woman": "woman", "the woman": "woman",
}

// Convert writes an answer as pre-training's answer table does (section 5.3 of the reference's preprocessing): in lower
// case, without a full stop at its end and articles at its start, numbers up to ten in digits. Its oddities are the
// reference's: each article is removed once, in the order a, an, the, and white space around the answer stays.
func Convert(answer string) string {
	answer = lower(answer)
	if s, ok := strings.CutSuffix(answer, "."); ok {
		answer = trim(s)
	}
	for _, article := range []string{"a ", "an ", "the "} {
		if s, ok := strings.CutPrefix(answer, article); ok {
			answer = trim(s)
		}
	}
	if same, ok := sameAnswer[answer]; ok {
		return same
	}
	return answer
}

// lower is Python's str.lower, with the final sigma, and two characters for U+0130.
func lower(s string) string {
	for i := range len(s) {
		if s[i] >= utf8.RuneSelf {
			return cases.Lower(language.Und).String(s)
		}
	}
	return strings.ToLower(s)
}

// trim is Python's str.strip.
func trim(s string) string { return strings.TrimFunc(s, isSpace) }

// isSpace is Python's str.isspace.
func isSpace(r rune) bool { return unicode.IsSpace(r) || 0x1c <= r && r <= 0x1f }
