package proxy

import (
	"context"
	"fmt"
	"go/parser"
	"go/token"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"

	"golang.org/x/mod/modfile"

	"github.com/seed-516990b0/golxmert/internal/excerpt"
)

// A cell may import a package of a module that go.mod does not list. GoNB alone would look for such modules before every
// cell, which takes longer than many cells. Here it does not; a cell that cannot be built for want of a module gets it,
// with a line for each module that comes, and is built once more. %noautoget switches that off.

// wantsModule are the words of `go build` for a module that `go get` adds to go.mod.
var (
	wantsModule   = regexp.MustCompile(`no required module provides package|updates to go\.mod needed|missing go\.sum entry for module`)
	withoutModule = regexp.MustCompile(`no required module provides package ([^\s;:]+)`)
)

// lacksModule says whether a cell was not built because go.mod does not list a module, and for which packages if Go does.
func lacksModule(reply *message) (packages []string, lacks bool) {
	var c struct {
		Status string `json:"status"`
		Value  string `json:"evalue"`
	}
	if reply.read(&c) != nil || c.Status != "error" || !wantsModule.MatchString(c.Value) {
		return nil, false
	}
	for _, found := range withoutModule.FindAllStringSubmatch(c.Value, -1) {
		packages = append(packages, found[1])
	}
	return packages, true
}

// noteAutoGet follows %autoget and %noautoget.
func (k *kernel) noteAutoGet(c cell) {
	for i := range c.kinds {
		switch commandName(c.command(i)) {
		case "%autoget":
			k.noAutoGet = false
		case "%noautoget":
			k.noAutoGet = true
		}
	}
}

// getDone is printed after `go get` if it was successful, and getAgain before it is run once more.
const (
	getDone  = "golxmert: every module is there"
	getAgain = "golxmert: once more"
)

// getModules adds to go.mod what the file that GoNB has put together for a cell imports, and tells the user what comes. The
// cause says why it could not be had; "": it is there. Go gives one only for packages that it is asked for by name.
func (k *kernel) getModules(ctx context.Context, e *execution, packages []string) (cause string, err error) {
	get := k.newExecution(origin{}, executeRequest{Silent: true})
	progress := &getProgress{show: func(line string) { k.publishStream(e, "stderr", line+"\n") }}
	get.listen = func(m *message) {
		var c struct {
			Text string `json:"text"`
		}
		if m.head.Type == "stream" && m.read(&c) == nil {
			progress.take(c.Text)
		}
	}
	command := "go get"
	if e.cell.has("%test") {
		command += " -t"
	}
	if len(packages) > 0 {
		command = "{ " + command + " || { echo " + getAgain + "; go get"
		for _, p := range packages {
			command += " " + shellQuote(p)
		}
		command += "; }; }"
	}
	if _, err := k.send(ctx, get, "!*exec <"+os.DevNull+" 2>&1; "+command+" && echo "+getDone); err != nil {
		return "", err
	}
	return progress.cause(), nil
}

// has says whether a cell has a command.
func (c cell) has(name string) bool {
	for i := range c.kinds {
		if commandName(c.command(i)) == name {
			return true
		}
	}
	return false
}

// getProgress is what `go get` says.
type getProgress struct {
	show  func(line string)
	half  string // a line that has not ended
	shown []string
	said  []string // what is not progress
	done  bool
}

// getWords turn the beginnings of lines of `go get` into what the user sees; what becomes nothing is not shown.
var getWords = []struct{ is, becomes, end string }{
	{"go: finding module for package ", "looking for ", " …"}, {"go: downloading ", "getting ", " …"}, {"go: added ", "added ", ""},
	{"go: upgraded ", "upgraded ", ""}, {"go: downgraded ", "downgraded ", ""}, {"go: found ", "", ""},
}

func (g *getProgress) take(text string) {
	lines := strings.Split(g.half+text, "\n")
	g.half = lines[len(lines)-1]
	for _, line := range lines[:len(lines)-1] {
		switch {
		case line == getDone:
			g.done = true
		case line == getAgain:
			g.said = nil
		case !g.takeProgress(line):
			g.said = append(g.said, line)
		}
	}
}

// takeProgress shows a line once, if it is one of progress.
func (g *getProgress) takeProgress(line string) bool {
	for _, w := range getWords {
		if rest, ok := strings.CutPrefix(line, w.is); ok {
			if w.becomes != "" && !slices.Contains(g.shown, line) {
				g.shown = append(g.shown, line)
				g.show(w.becomes + rest + w.end)
			}
			return true
		}
	}
	return false
}

// placeOfGo is what `go` puts before a message.
var placeOfGo = regexp.MustCompile(`^(?:\S+\.go:\d+:\d+: |go: )`)

// cause is why modules could not be had, in one line; "": they are there.
func (g *getProgress) cause() string {
	if g.done {
		return ""
	}
	var lines []string
	for _, line := range g.said {
		line = placeOfGo.ReplaceAllString(strings.TrimSpace(line), "")
		if line != "" && !strings.HasSuffix(line, " imports") && !strings.HasPrefix(line, "exit status") {
			lines = append(lines, line)
		}
	}
	text := excerpt.Line(strings.Join(lines, "; "), longestLine)
	if _, behind, ok := strings.Cut(text, "cannot find module providing package "); ok {
		if _, why, ok := strings.Cut(behind, ": "); ok {
			text = why
		}
	}
	if text == "" {
		text = "`go get` says nothing more"
	}
	return text
}

// again is a cell that has been sent before, without the commands that have been done: those that only say how the cell
// runs are left.
func (s composed) again() string {
	lines := slices.Clone(s)
	for i, l := range lines {
		if l.command && !slices.Contains([]string{"%args", "%capture", "%test", "%wasm"}, commandName(l.text)) {
			lines[i].text = ""
		}
	}
	return lines.String()
}

// lacking are the imports of a cell that no module of go.mod provides, as complaints about their lines. It is for where
// `go` does not name them.
func (k *kernel) lacking(c cell, cause string) []complaint {
	text, err := os.ReadFile(filepath.Join(k.gonb.work, "go.mod"))
	if err != nil {
		return nil
	}
	mod, err := modfile.ParseLax("go.mod", text, nil)
	if err != nil {
		return nil
	}
	set := token.NewFileSet()
	file, _ := parser.ParseFile(set, "", c.order.file(""), parser.ImportsOnly)
	if file == nil {
		return nil
	}
	var list []complaint
	for _, spec := range file.Imports {
		path, err := strconv.Unquote(spec.Path.Value)
		first, _, _ := strings.Cut(path, "/")
		if err != nil || !strings.Contains(first, ".") || provided(mod, path) {
			continue
		}
		one := complaint{message: noModule(path, cause)}
		if line := c.order.cellLine(set.Position(spec.Pos()).Line); line > 0 {
			one.place, one.source = place(0, strconv.Itoa(line)), c.lines[line-1]
		}
		list = append(list, one)
	}
	return list
}

// provided says whether a module that go.mod lists may have a package.
func provided(mod *modfile.File, path string) bool {
	return slices.ContainsFunc(mod.Require, func(r *modfile.Require) bool {
		return path == r.Mod.Path || strings.HasPrefix(path, r.Mod.Path+"/")
	})
}

// noModule says that a package is missing, why it could not be had ("": nobody tried), and what to do.
func noModule(path, cause string) string {
	cause = strings.TrimPrefix(strings.TrimPrefix(cause, path+": "), "module "+path+": ")
	if cause != "" {
		cause = ": " + cause
	}
	return fmt.Sprintf("no required module provides package %s%s; to add it: `!*go get %s` in a cell", path, cause, path)
}
