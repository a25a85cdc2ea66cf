// Package excerpt makes texts from elsewhere, such as names in files and what programs say, fit into a line of an error.
package excerpt

import (
	"fmt"
	"strings"
)

// Cut is the beginning of a text, at most so many bytes of it; what is left out is an ellipsis.
func Cut(text string, most int) string {
	if len(text) > most {
		return strings.ToValidUTF8(text[:most], "") + "…"
	}
	return text
}

// Quote is the beginning of a text in quotation marks, with escapes for what cannot be printed.
func Quote(text string) string { return fmt.Sprintf("%q", Cut(text, longestQuote)) }

// longestQuote is enough for a name, in bytes.
const longestQuote = 100

// Line is a text of several lines as one, without what is not UTF-8, and at most so many characters of it.
func Line(text string, most int) string {
	text = strings.Join(strings.Fields(strings.ToValidUTF8(text, "")), " ")
	if r := []rune(text); len(r) > most {
		return string(r[:most]) + "..."
	}
	return text
}
