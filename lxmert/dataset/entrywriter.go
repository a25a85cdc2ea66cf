package dataset

import (
	"bufio"
	"io"
	"strconv"
	"unicode/utf16"
)

// entryWriter writes a list of objects as Python's json does with indent=4: ASCII, four spaces per level.
type entryWriter struct {
	w       *bufio.Writer
	entries int
}

// field is a key and its value, as JSON.
type field struct{ key, value string }

func newEntryWriter(w io.Writer) *entryWriter { return &entryWriter{w: bufio.NewWriterSize(w, 1<<16)} }

func (w *entryWriter) entry(fields []field) error {
	separator := "[\n    {"
	if w.entries > 0 {
		separator = ",\n    {"
	}
	w.entries++
	w.w.WriteString(separator)
	for i, f := range fields {
		if i > 0 {
			w.w.WriteByte(',')
		}
		w.w.WriteString("\n        " + quoted(f.key) + ": " + f.value)
	}
	_, err := w.w.WriteString("\n    }")
	return err
}

func (w *entryWriter) close() error {
	end := "\n]"
	if w.entries == 0 {
		end = "[]"
	}
	w.w.WriteString(end)
	return w.w.Flush()
}

// quoted is a JSON string of ASCII characters.
func quoted(s string) string {
	out := []byte{'"'}
	for _, r := range s {
		switch {
		case r == '"' || r == '\\':
			out = append(out, '\\', byte(r))
		case r == '\n':
			out = append(out, `\n`...)
		case r == '\r':
			out = append(out, `\r`...)
		case r == '\t':
			out = append(out, `\t`...)
		case ' ' <= r && r < 0x80:
			out = append(out, byte(r))
		case r < 0x10000:
			out = appendEscape(out, r)
		default:
			high, low := utf16.EncodeRune(r)
			out = appendEscape(appendEscape(out, high), low)
		}
	}
	return string(append(out, '"'))
}

func appendEscape(dst []byte, r rune) []byte {
	digits := strconv.FormatUint(uint64(r), 16)
	return append(append(append(dst, `\u`...), "0000"[len(digits):]...), digits...)
}
