package task

import (
	"bufio"
	"fmt"
	"io"
	"os"
	"slices"
	"strconv"
	"strings"
	"unicode/utf16"

	"github.com/seed-516990b0/golxmert/internal/atomicfile"
	"github.com/seed-516990b0/golxmert/lxmert/dataset"
)

// writeDump writes a prediction file and checks what is to be handed in: every question once, every answer known.
func writeDump(path string, t *dataset.Task, set *dataset.Set, answers *dataset.Answers, classes []int) error {
	if len(classes) != set.Len() {
		return fmt.Errorf("task: %d predictions for %d questions", len(classes), set.Len())
	}
	return atomicfile.Replace(path, func(_ *os.File, w *bufio.Writer) error { return dump(w, t, set, answers, classes) })
}

// repeated is the first id that two examples share, "" where there is none.
func repeated(set *dataset.Set) string {
	seen := make(map[string]bool, set.Len())
	for i := range set.Examples {
		id := handedIn(set.Task, &set.Examples[i])
		if seen[id] {
			return id
		}
		seen[id] = true
	}
	return ""
}

// dump writes predictions as they are handed in.
func dump(w io.Writer, t *dataset.Task, set *dataset.Set, answers *dataset.Answers, classes []int) error {
	if t.Dump.Answer == "" {
		for i, c := range classes {
			if _, err := fmt.Fprintf(w, "%s,%s\n", handedIn(t, &set.Examples[i]), dataset.StatementAnswers()[c]); err != nil {
				return err
			}
		}
		return nil
	}
	return writeList(w, len(classes), func(i int) ([2]string, error) {
		id := set.Examples[i].ID
		if !t.Entry.Number {
			id = asciiJSON(id)
		} else if _, err := strconv.ParseInt(id, 10, 64); err != nil {
			return [2]string{}, fmt.Errorf("task: question id %q is not a number, which %s's must be", id, t.Title)
		}
		members := [2]string{asciiJSON(t.Dump.Answer) + ": " + asciiJSON(answers.Answer(classes[i])), asciiJSON(t.Dump.ID) + ": " + id}
		slices.Sort(members[:])
		return members, nil
	})
}

// handedIn is the name under which an example's prediction is handed in.
func handedIn(t *dataset.Task, e *dataset.Example) string {
	if t.Entry.Identifier != "" {
		return e.Identifier
	}
	return e.ID
}

// writeList writes a JSON list of objects with two members as Python's json.dump does with indent 4 and sorted keys.
func writeList(w io.Writer, n int, members func(i int) ([2]string, error)) error {
	if n == 0 {
		_, err := io.WriteString(w, "[]")
		return err
	}
	for i := range n {
		m, err := members(i)
		if err != nil {
			return err
		}
		start := ",\n"
		if i == 0 {
			start = "[\n"
		}
		if _, err := fmt.Fprintf(w, "%s    {\n        %s,\n        %s\n    }", start, m[0], m[1]); err != nil {
			return err
		}
	}
	_, err := io.WriteString(w, "\n]")
	return err
}

// asciiJSON writes a string as Python's json does: everything outside ASCII, and DEL not, escaped.
func asciiJSON(s string) string {
	var b strings.Builder
	b.WriteByte('"')
	for _, r := range s {
		switch {
		case r == '"':
			b.WriteString(`\"`)
		case r == '\\':
			b.WriteString(`\\`)
		case r == '\n':
			b.WriteString(`\n`)
		case r == '\r':
			b.WriteString(`\r`)
		case r == '\t':
			b.WriteString(`\t`)
		case r == '\b':
			b.WriteString(`\b`)
		case r == '\f':
			b.WriteString(`\f`)
		case r >= 0x20 && r < 0x7f || r == 0x7f:
			b.WriteRune(r)
		case r > 0xffff:
			hi, lo := utf16.EncodeRune(r)
			fmt.Fprintf(&b, `\u%04x\u%04x`, hi, lo)
		default:
			fmt.Fprintf(&b, `\u%04x`, r)
		}
	}
	b.WriteByte('"')
	return b.String()
}
