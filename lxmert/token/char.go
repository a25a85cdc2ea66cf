package token

import "unicode"

// The classes of characters that the reference tells apart, by Python's and BERT's rules.

// isDeleted: U+0000, U+FFFD, and the categories C*, unassigned code points among them. Tab and line ends are white space.
func (w *WordPiece) isDeleted(r rune) bool {
	if r < 0x80 {
		return asciiClass[r] == classDeleted
	}
	if r == unicode.ReplacementChar || unicode.In(r, unicode.Cc, unicode.Cf, unicode.Co, unicode.Cs) {
		return true
	}
	if w.options.LatestUnicode {
		return !unicode.In(r, unicode.L, unicode.M, unicode.N, unicode.P, unicode.S, unicode.Z)
	}
	return isUnassigned14(r)
}

// isSeparator: what separates words once control characters are gone. U+2028 and U+2029 are not spaces to BERT, but
// Python's split takes them for such.
func isSeparator(r rune) bool {
	if r < 0x80 {
		return asciiClass[r] == classSpace
	}
	return unicode.Is(unicode.Zs, r) || r == 0x2028 || r == 0x2029
}

// isPythonSpace: what Python's str.strip strips.
func isPythonSpace(r rune) bool {
	return r >= '\t' && r <= '\r' || r >= 0x1c && r <= ' ' || r == 0x85 || r == 0x2028 || r == 0x2029 || unicode.Is(unicode.Zs, r)
}

// isIdeograph: a word of its own. Kana and hangul are not among them.
func isIdeograph(r rune) bool {
	return r >= 0x3400 && (r >= 0x4e00 && r <= 0x9fff || r <= 0x4dbf || r >= 0x20000 && r <= 0x2a6df ||
		r >= 0x2a700 && r <= 0x2b73f || r >= 0x2b740 && r <= 0x2b81f || r >= 0x2b820 && r <= 0x2ceaf ||
		r >= 0xf900 && r <= 0xfaff || r >= 0x2f800 && r <= 0x2fa1f)
}

// isPunctuation: category P*, and every ASCII sign that is neither letter nor digit.
func isPunctuation(r rune) bool {
	if r < 0x80 {
		return asciiClass[r] == classPunctuation
	}
	return unicode.Is(unicode.P, r)
}

const (
	classWord = iota
	classSpace
	classPunctuation
	classDeleted
)

var asciiClass = func() (class [128]uint8) {
	for b := range class {
		switch {
		case b == ' ' || b == '\t' || b == '\n' || b == '\r':
			class[b] = classSpace
		case b < ' ' || b == 0x7f:
			class[b] = classDeleted
		case b < '0' || b > '9' && b < 'A' || b > 'Z' && b < 'a' || b > 'z':
			class[b] = classPunctuation
		}
	}
	return class
}()
