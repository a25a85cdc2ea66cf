package proxy

import (
	"context"
	"errors"
	"slices"
	"strings"
	"sync"
	"time"
	"unicode"
	"unicode/utf16"
	"unicode/utf8"
)

// language answers what notebooks ask about the text of cells.
type language struct {
	k      *kernel
	gopls  *gopls
	warmed sync.Once
}

func newLanguage(k *kernel) *language { return &language{k: k, gopls: newGopls(k)} }

func (l *language) close() { l.gopls.close() }

// warmDelay is how long completion waits with its start, so that the first cell goes first.
const warmDelay = time.Second

// warm makes gopls read the module before anybody waits for it. It is for when there is somebody at the other end:
// programs that only run cells never ask.
func (l *language) warm(ctx context.Context) {
	l.warmed.Do(func() {
		go func() {
			select {
			case <-time.After(warmDelay):
			case <-ctx.Done():
				return
			}
			at := cursor{cell: parseCell("%%\nfmt.P")}
			at.line, at.before = 1, "fmt.P"
			l.completeGo(ctx, at)
		}()
	})
}

// cursor is a place in a cell.
type cursor struct {
	cell   cell
	line   int    // counted from 0
	before string // the line's text before it
	offset int    // in the cell, in characters, as Jupyter counts
}

// cursorIn finds a place that is given in characters from the beginning.
func cursorIn(code string, offset int) cursor {
	offset = min(max(offset, 0), utf8.RuneCountInString(code))
	before := unixLinesUpTo(code, offset)
	line := strings.Count(before, "\n")
	return cursor{parseCell(code), line, before[strings.LastIndexByte(before, '\n')+1:], offset}
}

// position is the cursor in terms of a language server, in the file that the composed cell makes.
func (c cursor) position() position {
	return position{c.cell.order.fileLine(c.line, c.before), len(utf16.Encode([]rune(c.before)))}
}

// position counts lines and, in UTF-16 units, columns from 0.
type position struct {
	Line      int `json:"line"`
	Character int `json:"character"`
}

// complete is the content of a complete_reply.
func (l *language) complete(ctx context.Context, m *message) any {
	var ask struct {
		Code   string `json:"code"`
		Cursor *int   `json:"cursor_pos"`
	}
	if err := m.read(&ask); err != nil {
		return errorReply(err)
	}
	offset := utf8.RuneCountInString(ask.Code)
	if ask.Cursor != nil {
		offset = *ask.Cursor
	}
	at := cursorIn(ask.Code, offset)
	found := completion{start: at.offset}
	switch {
	case at.cell.script:
	case at.cell.kinds[at.line] == lxLine:
		matches, length := completeMagic(ctx, l.k.magics, at.before)
		found = completion{matches: matches, start: at.offset - length}
	case at.cell.kinds[at.line] == goLine:
		found = l.completeGo(ctx, at)
	case strings.HasPrefix(bare(at.before), "%"):
		found = completeCommand(at)
	}
	metadata := map[string]any{}
	if len(found.types) > 0 {
		list := []any{}
		for i, t := range found.types {
			list = append(list, map[string]any{"start": found.start, "end": at.offset, "text": found.matches[i], "type": t})
		}
		metadata["_jupyter_types_experimental"] = list
	}
	return map[string]any{"status": "ok", "matches": nonNil(found.matches), "cursor_start": found.start, "cursor_end": at.offset, "metadata": metadata}
}

// completion is what could stand between start and the cursor.
type completion struct {
	matches []string
	types   []string // of each, or none
	start   int      // in characters
}

func completeCommand(at cursor) completion {
	word := bare(at.before)
	found := completion{start: at.offset - utf8.RuneCountInString(word)}
	if strings.ContainsAny(word, " \t") {
		return completion{start: at.offset}
	}
	for _, c := range commands {
		if strings.HasPrefix(c, word) {
			found.matches = append(found.matches, c)
		}
	}
	return found
}

// itemTypes are the words for kinds of completions, by the numbers of the protocol.
var itemTypes = map[int]string{2: "method", 3: "function", 5: "field", 6: "variable", 7: "class", 8: "interface", 9: "module", 14: "keyword", 21: "constant", 22: "struct"}

// completeGo asks gopls.
func (l *language) completeGo(ctx context.Context, at cursor) completion {
	var list struct {
		Items []struct {
			Label string `json:"label"`
			Kind  int    `json:"kind"`
			Edit  *struct {
				Text  string `json:"newText"`
				Range struct {
					Start position `json:"start"`
				} `json:"range"`
			} `json:"textEdit"`
		} `json:"items"`
	}
	found := completion{start: at.offset}
	err := l.gopls.ask(ctx, at.cell, func(ctx context.Context, server *lsp, file string) error {
		return server.call(ctx, "textDocument/completion", map[string]any{
			"textDocument": map[string]string{"uri": file}, "position": at.position(),
		}, &list)
	})
	if err != nil {
		l.report(ctx, err)
		return found
	}
	back := -1 // how many characters before the cursor are replaced
	for _, item := range list.Items {
		text, replaced := item.Label, 0
		if item.Edit != nil {
			text = item.Edit.Text
			replaced = charactersBehind(at.before, item.Edit.Range.Start.Character)
		}
		if back < 0 {
			back = replaced
		}
		// Jupyter knows one range for all; and what is inside of a match can be asked for when it stands there.
		if replaced != back || strings.Contains(text, ".") || slices.Contains(found.matches, text) {
			continue
		}
		found.matches = append(found.matches, text)
		found.types = append(found.types, itemTypes[item.Kind])
	}
	found.start -= max(back, 0)
	return found
}

// charactersBehind is how many characters of a line follow a place in it that is given in UTF-16 units.
func charactersBehind(line string, units int) int {
	n := 0
	for _, r := range line {
		if units <= 0 {
			n++
			continue
		}
		units -= len(utf16.Encode([]rune{r}))
	}
	return n
}

func (l *language) report(ctx context.Context, err error) {
	if ctx.Err() == nil && !errors.Is(err, errNoGopls) && !errors.Is(err, errEnded) {
		l.k.Log.Printf("completion: %v", err)
	}
}

// inspect is the content of an inspect_reply.
func (l *language) inspect(ctx context.Context, m *message) any {
	var ask struct {
		Code   string `json:"code"`
		Cursor int    `json:"cursor_pos"`
	}
	if err := m.read(&ask); err != nil {
		return errorReply(err)
	}
	at := cursorIn(ask.Code, ask.Cursor)
	text := ""
	switch {
	case at.cell.script:
	case at.cell.kinds[at.line] == lxLine || at.cell.kinds[at.line] == timeLine:
		text = "```\n" + magicHelp(l.k.magics) + "```\n"
	case at.cell.kinds[at.line] == pythonLine && at.cell.command(at.line) != "":
		name := commandName(at.cell.command(at.line))
		text = "`" + name + "` is IPython's, and does nothing here: " + pythonMagics[name] + ".\n"
	case at.cell.kinds[at.line] != goLine:
		text = "`" + strings.TrimSpace(at.cell.lines[at.line]) + "` is for GoNB: a cell with `%help` shows what it knows.\n"
	default:
		text = l.inspectGo(ctx, at)
	}
	data := map[string]string{}
	if text != "" {
		data["text/markdown"], data["text/plain"] = text, text
	}
	return map[string]any{"status": "ok", "found": text != "", "data": data, "metadata": struct{}{}}
}

// inspectGo asks gopls what stands at the cursor, or else what the call around it is of.
func (l *language) inspectGo(ctx context.Context, at cursor) string {
	text := ""
	err := l.gopls.ask(ctx, at.cell, func(ctx context.Context, server *lsp, file string) error {
		if !at.atName() {
			at.before = callee(strings.TrimRight(at.before, ")"))
		}
		var hover struct {
			Contents struct {
				Value string `json:"value"`
			} `json:"contents"`
		}
		err := server.call(ctx, "textDocument/hover", map[string]any{
			"textDocument": map[string]string{"uri": file}, "position": at.position(),
		}, &hover)
		text = hover.Contents.Value
		return err
	})
	if err != nil {
		l.report(ctx, err)
	}
	return text
}

// atName says whether a name begins at the cursor, or ends there, or is around it.
func (c cursor) atName() bool {
	before, _ := utf8.DecodeLastRuneInString(c.before)
	after, _ := utf8.DecodeRuneInString(c.cell.lines[c.line][len(c.before):])
	return isNamePart(before) || isNamePart(after)
}

func isNamePart(r rune) bool { return r == '_' || unicode.IsLetter(r) || unicode.IsDigit(r) }

// callee is a line's beginning up to, without its last character, the name of the function whose arguments the rest are
// in; "" if there is none.
func callee(before string) string {
	depth := 0
	for i := len(before) - 1; i > 0; i-- {
		switch before[i] {
		case ')', ']', '}':
			depth++
		case '(', '[', '{':
			if depth == 0 && before[i] == '(' {
				return before[:i-1]
			}
			depth--
		}
	}
	return ""
}
