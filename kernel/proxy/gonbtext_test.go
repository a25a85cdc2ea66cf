package proxy

import (
	"fmt"
	"go/ast"
	"go/constant"
	"go/parser"
	"go/token"
	"slices"
	"strings"
	"testing"
)

// readAsGoNB does with a cell's lines what GoNB v0.11.5 does before it parses them (specialcmd.Parse, and
// createGoFileFromLines in composer.go): which lines it takes for commands, and the file that it makes of the others.
// Where GoNB ends, this panics.
func readAsGoNB(code string) (file string, commands []string) {
	lines := strings.Split(code, "\n")
	used := map[int]bool{}
	for i, line := range lines {
		line = strings.TrimPrefix(line, "//gonb:")
		if used[i] || len(line) < 2 || line[0] != '%' && line[0] != '!' {
			continue
		}
		text := ""
		for j := i; j < len(lines); j++ {
			text += strings.TrimPrefix(lines[j], "//gonb:")
			used[j] = true
			if text[len(text)-1] != '\\' {
				break
			}
			text = text[:len(text)-1] + " "
		}
		for at := 1; text[at] == ' ' || text[at] == '\t'; at++ {
		}
		commands = append(commands, text)
	}
	numbers := make([]int, len(lines)+5)
	var b strings.Builder
	written := func() int { return strings.Count(b.String(), "\n") }
	b.WriteString("package main\n\n")
	closing := false
	for i, line := range lines {
		bare := strings.TrimPrefix(line, "//gonb:")
		switch {
		case strings.HasPrefix(bare, "%main") || strings.HasPrefix(bare, "%%") && (len(bare) == 2 || bare[2] == ' ' || bare[2] == '\t'):
			numbers[written()], numbers[written()+1] = i, i
			b.WriteString("func main() {\n\tflag.Parse()\n")
			closing = true
		case strings.HasPrefix(bare, "%exec"):
			name := strings.Split(bare, " ")[1]
			for j := range 4 {
				numbers[written()+j] = i
			}
			fmt.Fprintf(&b, "func main() {\n\tflag.Parse()\n\t%s()\n}\n", name)
		case used[i] || strings.HasPrefix(line, "package"):
		default:
			numbers[written()] = i
			b.WriteString(line + "\n")
		}
	}
	if closing {
		b.WriteString("\n}\n")
	}
	_ = numbers[:written()]
	// Then it asks where declarations are, and looks these places up.
	set := token.NewFileSet()
	if parsed, err := parser.ParseFile(set, "", b.String(), parser.SkipObjectResolution|parser.ParseComments); err == nil {
		for _, decl := range parsed.Decls {
			for n := set.Position(decl.Pos()).Line; n <= set.Position(decl.End()).Line; n++ {
				_ = numbers[n-1]
			}
		}
	}
	return b.String(), commands
}

// texts are the values of all strings of a file, those put together of several counted as one, and its comments without
// spaces at the beginnings of lines. ok: it can be parsed.
func texts(file string) (list []string, ok bool) {
	parsed, err := parser.ParseFile(token.NewFileSet(), "", file, parser.SkipObjectResolution|parser.ParseComments)
	if err != nil {
		return nil, false
	}
	ast.Inspect(parsed, func(n ast.Node) bool {
		e, is := n.(ast.Expr)
		if v := valueOf(e); is && v.Kind() == constant.String {
			list = append(list, constant.StringVal(v))
			return false
		}
		return true
	})
	for _, group := range parsed.Comments {
		for _, c := range group.List {
			var lines []string
			for line := range strings.SplitSeq(c.Text, "\n") {
				lines = append(lines, strings.TrimLeft(line, " "))
			}
			list = append(list, strings.Join(lines, "\n"))
		}
	}
	return list, true
}

// valueOf is the value of a string, in parentheses or put together.
func valueOf(e ast.Expr) constant.Value {
	switch e := e.(type) {
	case *ast.BasicLit:
		if e.Kind == token.STRING {
			return constant.MakeFromLiteral(e.Value, e.Kind, 0)
		}
	case *ast.ParenExpr:
		return valueOf(e.X)
	case *ast.BinaryExpr:
		if a, b := valueOf(e.X), valueOf(e.Y); e.Op == token.ADD && a.Kind() == constant.String && b.Kind() == constant.String {
			return constant.BinaryOp(a, token.ADD, b)
		}
	}
	return constant.MakeUnknown()
}

// checkSent checks what GoNB gets of a cell: all of its Go, each character in its column, nothing that ends it, no command
// but those of the cell, and every string as it was.
func checkSent(t *testing.T, code string) {
	t.Helper()
	c := parseCell(code)
	sent := c.composeForGoNB(redirection{path: "/dev/null", mayAsk: true}, showing{})
	checkPlaces(t, c, sent)
	if c.script || c.fault() != nil {
		return
	}
	defer func() {
		if p := recover(); p != nil {
			t.Errorf("%q ends GoNB as\n%s\n%v", code, sent, p)
		}
	}()
	file, commands := readAsGoNB(sent.String())
	var want []string
	for _, l := range sent {
		if l.command && l.text != "" {
			want = append(want, l.text)
		}
	}
	if !slices.Equal(commands, want) {
		t.Errorf("%q: GoNB takes %q for commands, expected %q", code, commands, want)
	}
	own, valid := texts(c.order.file(""))
	if got, ok := texts(file); valid && (!ok || !slices.Equal(got, own)) {
		t.Errorf("%q: the program gets the strings and comments (parsed: %v)\n%q, expected\n%q\nfrom\n%s", code, ok, got, own, file)
	}
}

// checkPlaces checks that each character of a cell's Go is once in the composed cell, where it says, and also in what GoNB
// gets, and that each command is.
func checkPlaces(t *testing.T, c cell, sent composed) {
	t.Helper()
	if len(sent) != len(c.order) {
		t.Errorf("%q: %d lines for GoNB, %d to read", c.lines, len(sent), len(c.order))
		return
	}
	seen := make([][]int, len(c.lines))
	for i, line := range c.lines {
		seen[i] = make([]int, len(line))
	}
	commands := make([]int, len(c.lines))
	for i, l := range c.order {
		if l.from != sent[i].from || l.ours != sent[i].ours || l.command != sent[i].command {
			t.Errorf("%q: line %d is of another line for GoNB", c.lines, i)
		}
		switch {
		case l.ours:
		case l.from == 0:
			t.Errorf("%q: line %q comes from nowhere", c.lines, l.text)
		case l.command:
			commands[l.from-1]++
		default:
			text := c.goText(l.from - 1)
			for at := range len(l.text) {
				if l.text[at] != ' ' && l.text[at] == text[at] {
					seen[l.from-1][at]++
				} else if l.text[at] != ' ' {
					t.Errorf("%q: %q instead of %q", c.lines, l.text, text)
				}
			}
			checkChanges(t, l.text, sent[i])
		}
	}
	for i := range c.lines {
		if c.script || c.kinds[i] != goLine {
			continue
		}
		text := c.goText(i)
		for at := range len(text) {
			if n := seen[i][at]; text[at] != ' ' && n != 1 {
				t.Errorf("%q: byte %d of line %d is there %d times in\n%s", c.lines, at, i, n, c.order)
			}
		}
	}
}

// checkChanges checks that places in a changed line lead back to the unchanged one, as far as it is still there.
func checkChanges(t *testing.T, text string, sent composedLine) {
	t.Helper()
	for _, c := range sent.changes {
		if c.from != c.to {
			return
		}
	}
	found := 0
	for at := range len(sent.text) {
		if p := before(sent.changes, at); p < len(text) && p >= found && text[p] == sent.text[at] {
			found = p + 1
		}
	}
	if found != len(text) {
		t.Errorf("only %d bytes of %q are found again in %q", found, text, sent.text)
	}
}
