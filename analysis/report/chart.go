package report

import (
	"fmt"
	"html/template"
	"slices"
	"strings"
	"unicode"
)

// svg collects a drawing. Its marks use the colour of the page's text, so that they follow light and dark; letters are
// escaped.
type svg struct {
	strings.Builder
	w, h float64
}

func (s *svg) add(format string, args ...any) { fmt.Fprintf(&s.Builder, format+"\n", args...) }

func (s *svg) text(x, y float64, anchor, more, words string) {
	s.add(`<text x="%.1f" y="%.1f" text-anchor="%s" fill="currentColor" %s>%s</text>`, x, y, anchor, more, template.HTMLEscapeString(words))
}

// textWidth is the room that words take at most at the usual size of 11, by the widths of Arial, whose metrics Helvetica
// and Liberation Sans share.
func textWidth(words string) (width float64) {
	for _, r := range words {
		switch {
		case strings.ContainsRune("@WMmw%…—", r) || r >= 0x2e80: // ideographs are squares
			width += 1.02
		case unicode.IsUpper(r) || r > unicode.MaxASCII:
			width += 0.85
		default:
			width += 0.6
		}
	}
	return 11 * width
}

// html is the drawing as an element that shrinks with the page, as long as its letters can be read; beyond that it scrolls.
func (s *svg) html(label string) template.HTML {
	return template.HTML(fmt.Sprintf(
		`<div style="overflow-x:auto"><svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 %.0f %.0f" role="img" aria-label="%s" style="display:block;width:100%%;min-width:%.0fpx;max-width:%.0fpx;height:auto;font:11px Arial,Helvetica,sans-serif">`+"\n",
		s.w, s.h, template.HTMLEscapeString(label), 0.8*s.w, s.w) + s.String() + "</svg></div>")
}

// shortened cuts a label that would push the drawing off the page.
func shortened(s string, n int) string {
	r := []rune(s)
	if len(r) <= n {
		return s
	}
	return string(slices.Concat(r[:n-1], []rune{'…'}))
}
