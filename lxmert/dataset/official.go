package dataset

import (
	"bufio"
	"fmt"
	"io"
	"slices"
	"strconv"
	"strings"
	"unicode/utf16"
)

// ConvertNLVR2 writes NLVR2's official file of a split (train.json, dev.json, test1.json: one JSON object per line) in the
// form that [Load] reads (section 4.5 of the reference's preprocessing), and returns how many statements it has. The
// statement of line i, from 0, has the uid nlvr2_<split>_i; split is "train", "valid" or "test". Its pictures are called
// like its identifier, with -img0 and -img1 in place of the last part. A statement without a label, as in the hidden test
// set, has none.
func ConvertNLVR2(dst io.Writer, src io.Reader, split string) (int, error) {
	d := newDecoder(src, "NLVR2's official file", "statement")
	w := newEntryWriter(dst)
	for {
		switch _, err := d.peek(); {
		case err == io.EOF && w.entries == 0:
			return 0, d.errorf("the file is empty")
		case err == io.EOF:
			return w.entries, w.close()
		case err != nil:
			return w.entries, err
		}
		d.item = w.entries + 1
		if err := convertStatement(d, w, split); err != nil {
			return w.entries, err
		}
	}
}

func convertStatement(d *decoder, w *entryWriter, split string) error {
	found, err := d.texts("the line", "identifier", "sentence", "label")
	identifier, sentence, label := found[0], found[1], found[2]
	switch {
	case err != nil:
		return err
	case identifier == nil:
		return d.errorf("there is no identifier")
	case sentence == nil:
		return d.errorf("there is no sentence")
	}
	last := strings.LastIndexByte(*identifier, '-')
	if last < 0 {
		return d.errorf("identifier is %s, must be like train-10171-0-0", shown(*identifier))
	}
	fields := []field{
		{"identifier", quoted(*identifier)},
		{"img0", quoted((*identifier)[:last] + "-img0")},
		{"img1", quoted((*identifier)[:last] + "-img1")},
		{"sent", quoted(*sentence)},
		{"uid", quoted(fmt.Sprintf("nlvr2_%s_%d", split, w.entries))},
	}
	if label != nil {
		class, ok := map[string]string{"True": "1", "False": "0"}[*label]
		if !ok {
			return d.errorf("label is %s, must be True or False", shown(*label))
		}
		fields = slices.Insert(fields, 3, field{"label", class})
	}
	return w.entry(fields)
}

// ConvertGQA writes one of GQA's official question files (train_balanced_questions.json and the like: an object with the
// questions by their ids) in the form that [Load] reads (section 4.4 of the reference's preprocessing), in the file's
// order, and returns how many questions it has. Where a question has no answer, as for the submission, there is no label.
func ConvertGQA(dst io.Writer, src io.Reader) (int, error) {
	d := newDecoder(src, "GQA's official file", "question")
	w := newEntryWriter(dst)
	err := d.object("the file", func(key []byte) error {
		id := string(key)
		d.item = w.entries + 1
		found, err := d.texts("the question", "imageId", "question", "answer")
		image, question, answer := found[0], found[1], found[2]
		switch {
		case err != nil:
			return err
		case image == nil:
			return d.errorf("%s has no imageId", shown(id))
		case question == nil:
			return d.errorf("%s has no question", shown(id))
		}
		fields := []field{{"img_id", quoted(*image)}}
		if answer != nil {
			fields = append(fields, field{"label", "{\n            " + quoted(*answer) + ": 1.0\n        }"})
		}
		return w.entry(append(fields, field{"question_id", quoted(id)}, field{"sent", quoted(*question)}))
	})
	if err == nil {
		err = d.finish()
	}
	if err == nil {
		err = w.close()
	}
	return w.entries, err
}

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
