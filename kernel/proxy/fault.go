package proxy

import (
	"fmt"
	"go/token"
	"slices"
	"strconv"
	"strings"
)

// This file finds in a cell's commands what no executor can do, before anything of the cell is done.

// commands are those of GoNB that a line can begin with, and our own.
var commands = []string{
	"%%", "%%bash", "%%gx", "%%script", "%%sh", "%%writefile", "%args", "%autoget", "%capture", "%cd", "%env", "%exec", "%goflags", "%goworkfix", "%help",
	"%list", "%ls", "%lx", "%main", "%noautoget", "%remove", "%reset", "%rm", "%test", "%%time", "%time", "%track", "%untrack", "%version", "%wasm",
	"%widgets", "%widgets_hb", "%with_inputs", "%with_password",
}

// fault is the first thing that is wrong with a cell's commands, nil if nothing is.
func (c cell) fault() *complaint {
	if c.script {
		return c.faultOfScript()
	}
	main := -1
	for i, kind := range c.kinds {
		text := c.command(i)
		if text == "" {
			continue
		}
		name := commandName(text)
		say := func(format string, args ...any) *complaint {
			return &complaint{place: place(0, strconv.Itoa(i+1)), message: fmt.Sprintf(format, args...), source: c.lines[i], column: 1}
		}
		switch {
		case strings.Contains(text, "\x00"):
			return say("a command cannot hold a zero byte")
		case text == "!":
			return say("! without a command for the shell")
		case text[0] == '!' || kind == pythonLine:
		case text == "%":
			return say("%% without a command; `%%help` and `%%lx help` list what there is")
		case slices.Contains(cellMagics, name):
			return say("%s makes a whole cell something other than Go: it belongs on the first line of a cell of its own", name)
		case name == "%%time" && (i > 0 || strings.TrimSpace(text) != name):
			return say("%%%%time stands alone on the first line of a cell; %%time STATEMENT can stand on any")
		case !slices.Contains(commands, name):
			return say("there is no %s%s; `%%help` and `%%lx help` list what there is", name, perhaps(name))
		case !isASCII(text) && kind != lxLine && kind != timeLine:
			return say("GoNB takes %s with ASCII only, and would make other letters of these", name)
		case wantsPath(text) && slices.Contains(wordsForGoNB(text)[1:], ""):
			return say("%s with an empty name", name)
		case kind == mainLine && main >= 0 && c.kinds[main] == mainLine:
			if args := strings.Fields(text)[1:]; len(args) > 0 {
				return say("line %d has begun main, whose arguments stand there: a program has one list of them", main+1)
			}
		case kind == mainLine || kind == execLine:
			if main >= 0 {
				return say("line %d makes main already; a cell has either %%%% or %%exec, and that once", main+1)
			}
			if kind == execLine && !namesFunction(text) {
				return say("%%exec wants the name of a function that takes no arguments: %%exec F")
			}
			main = i
		}
	}
	return c.faultOfMain()
}

// faultOfScript is what is wrong with a cell that is not Go.
func (c cell) faultOfScript() *complaint {
	line := bare(c.lines[c.begin])
	words := wordsForGoNB(line)
	text := ""
	switch {
	case !isASCII(line):
		text = "GoNB takes " + words[0] + " with ASCII only, and would make other letters of these"
	case words[0] == "%%script" && (len(words) < 2 || words[1] == ""):
		text = "%%script wants the program that reads the cell: %%script python3"
	case wantsPath(line) && slices.Contains(words[1:], ""):
		text = words[0] + " with an empty name"
	default:
		return nil
	}
	return &complaint{place: place(0, strconv.Itoa(c.begin+1)), message: text, source: c.lines[c.begin], column: 1}
}

// wantsPath says whether a command has the name of a file or a folder, which GoNB ends by if it is empty.
func wantsPath(command string) bool {
	return slices.Contains([]string{"%cd", "%capture", "%track", "%untrack", "%%writefile"}, commandName(command))
}

func isASCII(s string) bool { return strings.IndexFunc(s, func(r rune) bool { return r > 127 }) < 0 }

// wordsForGoNB splits a command as GoNB does: quotes, which need no end, hold words together, and a backslash in them takes
// the next character as it is.
func wordsForGoNB(command string) []string {
	var words []string
	var word strings.Builder
	started, quoted, escaped := false, false, false
	for _, r := range command {
		switch {
		case escaped:
			word.WriteRune(r)
			escaped = false
		case quoted && r == '\\':
			escaped = true
		case r == '"':
			quoted, started = !quoted, true
		case !quoted && (r == ' ' || r == '\t'):
			if started {
				words = append(words, word.String())
			}
			word.Reset()
			started = false
		default:
			word.WriteRune(r)
			started = true
		}
	}
	if started {
		words = append(words, word.String())
	}
	return words
}

// faultOfMain is what keeps a cell's statements from being the body of main.
func (c cell) faultOfMain() *complaint {
	l := c.layout()
	say := func(it item, format string, args ...any) *complaint {
		return &complaint{place: place(0, strconv.Itoa(it.from.line+1)), message: fmt.Sprintf(format, args...), source: c.lines[it.from.line], column: it.from.at + 1}
	}
	if at := slices.Index(c.kinds, mainLine); at >= 0 {
		for _, it := range l.items {
			if it.isOpen && it.from.line < at {
				return &complaint{place: place(0, strconv.Itoa(it.open.line+1)), source: c.lines[it.open.line], column: it.open.at + 1,
					message: fmt.Sprintf("%q is not closed above the %%%% of line %d", c.lines[it.open.line][it.open.at], at+1)}
			}
		}
	}
	for _, it := range l.items {
		if it.kind != funcItem || it.name != "main" {
			continue
		}
		if l.begin >= 0 {
			return say(it, "func main, and line %d has begun main already%s", l.begin+1, c.howMainBegan(l))
		}
		if at := slices.Index(c.kinds, execLine); at >= 0 {
			return say(it, "func main, and %%exec on line %d makes another", at+1)
		}
	}
	if l.begin < 0 || slices.Contains(c.kinds, mainLine) {
		return nil
	}
	for i, kind := range c.kinds {
		if kind == execLine {
			return say(l.items[l.main], "a statement, which belongs to main; but %%exec on line %d makes a main that does nothing else", i+1)
		}
		if kind == otherLine && commandName(c.command(i)) == "%test" {
			return say(l.items[l.main], "a statement, which belongs to main; but with %%test on line %d only functions Test… and Benchmark… run", i+1)
		}
	}
	return nil
}

// howMainBegan says so where it is not seen.
func (c cell) howMainBegan(l layout) string {
	if c.kinds[l.begin] == mainLine {
		return ""
	}
	return ", as a statement stands there: what is not a declaration runs as if a line %% stood above it"
}

// namesFunction says whether the second word of a command can be the name of a function.
func namesFunction(command string) bool {
	words := strings.Fields(command)
	return len(words) > 1 && !slices.ContainsFunc(strings.Split(words[1], "."), func(part string) bool { return !token.IsIdentifier(part) })
}

// perhaps asks whether another command was meant, if one is near or does what IPython's does.
func perhaps(name string) string {
	if here, ok := otherwise[name]; ok {
		return ": " + here + "?"
	}
	near, best := "", 1+(len(name)-1)/3 // a slip in three letters
	for _, c := range commands {
		if d := slips(name, c); d <= best && (near == "" || d < best) {
			near, best = c, d
		}
	}
	if near == "" {
		return ""
	}
	return ": " + near + "?"
}

// slips is how many characters of a text have to be replaced, left out or put in until it is another one.
func slips(a, b string) int {
	row := make([]int, len(b)+1)
	for j := range row {
		row[j] = j
	}
	for i := range len(a) {
		diagonal := row[0]
		row[0] = i + 1
		for j := range len(b) {
			d := diagonal
			if a[i] != b[j] {
				d++
			}
			diagonal = row[j+1]
			row[j+1] = min(d, row[j]+1, row[j+1]+1)
		}
	}
	return row[len(b)]
}
