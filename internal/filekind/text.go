package filekind

import (
	"bytes"
	"errors"
	"slices"
	"strings"
	"unicode/utf8"
)

// Mark is the byte-order mark that some editors write in front of UTF-8. It is not part of the text.
const Mark = "\xef\xbb\xbf"

// JSONText is the text of a JSON file without a byte-order mark. It returns an error, the end of a message, if the file is of
// another kind by which it is better called than by its first wrong letter, such as UTF-16.
func JSONText(text []byte) ([]byte, error) {
	if kind := Of(text[:min(len(text), HeadSize)]); kind != JSON && kind.Remedy() != "" {
		return nil, errors.New(kind.Not("JSON", ""))
	}
	return bytes.TrimPrefix(text, []byte(Mark)), nil
}

// textOf tells kinds of text from each other.
func textOf(head []byte) Kind {
	head = bytes.TrimPrefix(head, []byte(Mark))
	if fields(head) > 3 { // whatever the first field begins with
		return TSV
	}
	start := string(bytes.TrimLeft(head, " \t\r\n"))
	if kind := markup(start); kind != Unknown {
		return kind
	}
	begins := func(words ...string) bool {
		return slices.ContainsFunc(words, func(w string) bool { return strings.HasPrefix(start, w) })
	}
	switch {
	case begins("version https://git-lfs"):
		return LFSPointer
	case begins("(dp0\n", "(lp0\n", "ccopy_reg\n"): // protocol 0
		return Pickle
	case isServerText(start):
		return ServerText
	case isPython(start):
		return PythonText
	case isJSON(start):
		return JSON
	case fields(head) > 1:
		return TSV
	}
	return Text
}

// isJSON knows lists and objects by their first value.
func isJSON(start string) bool {
	switch inner := strings.TrimLeft(strings.TrimLeft(start, "["), " \t\r\n"); {
	case strings.HasPrefix(start, "["):
		return inner == "" || strings.ContainsAny(inner[:1], `{["]-0123456789`) || strings.HasPrefix(inner, "null") || strings.HasPrefix(inner, "true") || strings.HasPrefix(inner, "false")
	case strings.HasPrefix(start, "{"):
		inner = strings.TrimLeft(start[1:], " \t\r\n")
		return inner == "" || strings.ContainsAny(inner[:1], `"}`)
	}
	return false
}

// markup tells web pages and XML by how they begin.
func markup(start string) Kind {
	if !strings.HasPrefix(start, "<") {
		return Unknown
	}
	lower := strings.ToLower(start)
	begins := func(words ...string) bool {
		return slices.ContainsFunc(words, func(w string) bool { return strings.HasPrefix(lower, w) })
	}
	page := strings.Contains(lower, "<html") || strings.Contains(lower, "<!doctype html")
	switch {
	case begins("<?xml", "<!--") && page, begins("<!doctype html", "<html", "<head", "<body", "<title", "<script", "<h1", "<p>", "<center"):
		return HTML
	case begins("<?xml", "<error>", "<error ", "<!--", "<!doctype", "<svg", "<annotation>", "<rss"):
		return XML
	}
	return Unknown
}

// isServerText knows what servers say in place of a file: one short line.
func isServerText(text string) bool {
	lower := strings.ToLower(strings.TrimSpace(text))
	if len(lower) > 400 || strings.Contains(lower, "\n") {
		return false
	}
	return slices.ContainsFunc([]string{
		"404", "403 forbidden", "401 unauthorized", "not found", "file not found", "entry not found", "repository not found", "forbidden", "unauthorized", "access denied",
		"invalid username or password", "access to model", "access to dataset", "error 4", "error 5", "500 internal", "502 bad", "503 service", "too many requests", "no such key", "nosuchkey",
	}, func(words string) bool {
		rest, ok := strings.CutPrefix(lower, words)
		return ok && !strings.Contains(rest, "\t") && (words != "404" || rest == "" || strings.HasPrefix(rest, ":") || strings.HasPrefix(rest, " "))
	})
}

// isPython knows what repr() makes of dicts, lists, tuples, bytes and arrays, where JSON and text look otherwise.
func isPython(start string) bool {
	for _, call := range []string{"array(", "OrderedDict(", "defaultdict(", "tensor(", "dict_keys(", "b'", `b"`} {
		if strings.HasPrefix(start, call) {
			return true
		}
	}
	inner := strings.TrimLeft(start, "{[( \r\n\t")
	if len(inner) == len(start) {
		return false
	}
	for _, value := range []string{"'", "b'", `b"`, "None", "True", "False", "array(", "OrderedDict(", "tensor("} {
		if strings.HasPrefix(inner, value) {
			return true
		}
	}
	return false
}

// fields counts those of the first line that has any, as far as head goes: white space in front separates nothing.
func fields(head []byte) int {
	line, _, _ := bytes.Cut(bytes.TrimLeft(head, " \t\r\n"), []byte("\n"))
	return bytes.Count(line, []byte("\t")) + 1
}

// isText says whether bytes are UTF-8 without control characters that no text has. The last character may be cut.
func isText(b []byte) bool { return !hasControls(b) && utf8.ValidString(wholeRunes(string(b))) }

func hasControls(b []byte) bool {
	return bytes.ContainsFunc(b, func(r rune) bool {
		return r < ' ' && r != '\t' && r != '\n' && r != '\r' && r != '\f' && r != '\x1b' || r == 0x7f
	})
}

// isHalfZero tells UTF-16 of Latin letters without a mark at its beginning.
func isHalfZero(head []byte) bool {
	head = head[:min(len(head), 64)&^1]
	if len(head) < 8 {
		return false
	}
	var zeros [2]int
	for i, b := range head {
		switch {
		case b == 0:
			zeros[i%2]++
		case b >= 0x7f || b < ' ' && b != '\t' && b != '\n' && b != '\r':
			return false
		}
	}
	return zeros[0]+zeros[1] == len(head)/2 && (zeros[0] == 0 || zeros[1] == 0)
}

// wholeRunes drops a rune that the end of the head cuts.
func wholeRunes(head string) string {
	for n := 1; n < utf8.UTFMax && n <= len(head); n++ {
		if end := head[len(head)-n:]; utf8.RuneStart(end[0]) {
			if !utf8.FullRuneInString(end) {
				return head[:len(head)-n]
			}
			break
		}
	}
	return head
}
