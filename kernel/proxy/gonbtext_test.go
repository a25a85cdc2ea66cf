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

// kindName is the name of a command, or the mark of those for the shell, whose text is changed.
func kindName(command string) string {
	if command[0] == '!' {
		return "!"
	}
	return commandName(command)
}

// checkSent checks what GoNB gets of a cell: as many lines, nothing that ends it, no command but those of the cell, and
// every string as it was.
func checkSent(t *testing.T, code string) {
	t.Helper()
	c := parseCell(code)
	sent := c.forGoNB(redirection{path: "/dev/null", mayAsk: true})
	if slices.Contains(c.kinds, execLine) {
		sent = strings.TrimSuffix(sent, "\n//")
	}
	if got := len(strings.Split(sent, "\n")); got != len(c.lines) {
		t.Errorf("%q: %d lines of %d for GoNB", code, got, len(c.lines))
	}
	if c.script || c.fault() != nil {
		return
	}
	defer func() {
		if p := recover(); p != nil {
			t.Errorf("%q ends GoNB as\n%s\n%v", code, sent, p)
		}
	}()
	file, commands := readAsGoNB(sent)
	var own []string
	mains := 0
	for i, kind := range c.kinds {
		switch text := c.command(i); {
		case kind == lxLine || text == "":
		case kind == mainLine:
			if mains++; mains == 1 {
				own = append(own, kindName(text))
			}
		default:
			own = append(own, kindName(text))
		}
	}
	for i, text := range commands {
		commands[i] = kindName(text)
	}
	if !slices.Equal(commands, own) {
		t.Errorf("%q: GoNB takes %q for commands, expected %q", code, commands, own)
	}
	want, valid := texts(c.source(""))
	if got, ok := texts(file); valid && (!ok || !slices.Equal(got, want)) {
		t.Errorf("%q: the program gets the strings and comments (parsed: %v)\n%q, expected\n%q\nfrom\n%s", code, ok, got, want, file)
	}
}
