// Package methods_test holds the pages about methods of analysis together: each says the same things in the same order, its
// lines of Go compile, its links lead somewhere, and the list of them in the library's README is that of the folder.
package methods_test

import (
	"encoding/json"
	"flag"
	"fmt"
	"go/ast"
	"go/parser"
	"go/token"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/seed-516990b0/golxmert/analysis/relevance"
	"github.com/seed-516990b0/golxmert/internal/goldentest"
)

var update = flag.Bool("update", false, "write the list of pages into the README")

// sections are what every page has, in this order, below its title and the question that the method answers.
var sections = []string{"Formula and source", "Trap", "Example", "Cost"}

// page is one method's.
type page struct {
	file, text, title, answers string
}

func pages(t *testing.T) []page {
	t.Helper()
	files, err := filepath.Glob("*.md")
	if err != nil || len(files) == 0 {
		t.Fatalf("%d pages: %v", len(files), err)
	}
	var list []page
	for _, f := range files {
		raw, err := os.ReadFile(f)
		if err != nil {
			t.Fatal(err)
		}
		text := strings.ReplaceAll(string(raw), "\r\n", "\n")
		head := regexp.MustCompile(`\A# (.+)\n\n((?:.+\n)+)\n`).FindStringSubmatch(text)
		if head == nil {
			t.Errorf("%s does not begin with a title, an empty line, and the question that the method answers", f)
			continue
		}
		list = append(list, page{f, text, head[1], strings.Join(strings.Fields(head[2]), " ")})
	}
	return list
}

func TestPagesSayTheSameThingsInTheSameOrder(t *testing.T) {
	for _, p := range pages(t) {
		var found []string
		for _, m := range regexp.MustCompile(`(?m)^## (.+)$`).FindAllStringSubmatch(p.text, -1) {
			found = append(found, m[1])
		}
		if !slices.Equal(found, sections) {
			t.Errorf("%s has the sections %q, expected %q", p.file, found, sections)
		}
		if lines := strings.Count(p.text, "\n"); lines > 60 {
			t.Errorf("%s has %d lines: it is to be read in a minute", p.file, lines)
		}
		example := p.text[strings.Index(p.text, "## Example")+1:]
		if !strings.Contains(example, "```go\n") {
			t.Errorf("%s has no example in Go", p.file)
		}
	}
}

func TestTheReadmesListIsThatOfThePages(t *testing.T) {
	const readme, begin, end = "../README.md", "<!-- methods: made of methods/*.md by go test ./analysis/methods -update -->\n", "<!-- end of methods -->\n"
	raw, err := os.ReadFile(readme)
	if err != nil {
		t.Fatal(err)
	}
	before, rest, ok := strings.Cut(strings.ReplaceAll(string(raw), "\r\n", "\n"), begin)
	listed, after, ok2 := strings.Cut(rest, end)
	if !ok || !ok2 {
		t.Fatalf("%s has no place for the list", readme)
	}
	var list strings.Builder
	list.WriteString("| method | what it answers |\n|---|---|\n")
	for _, p := range pages(t) {
		fmt.Fprintf(&list, "| [%s](methods/%s) | %s |\n", p.title, p.file, p.answers)
	}
	if listed == list.String() {
		return
	}
	if !*update {
		t.Fatalf("%s lists other pages than the folder has; go test ./analysis/methods -update writes the list:\n%s", readme, list.String())
	}
	if err := os.WriteFile(readme, []byte(before+begin+list.String()+end+after), 0o666); err != nil {
		t.Fatal(err)
	}
}

// TestEveryMethodThatScoresWordsAndRegionsHasAPage, which names it as cells and commands do.
func TestEveryMethodThatScoresWordsAndRegionsHasAPage(t *testing.T) {
	all := pages(t)
	for _, m := range relevance.Methods() {
		named := regexp.MustCompile("`" + m.Name + "`|lxmert analyze (?:\\S+,)?" + m.Name + "[ ,]")
		if !slices.ContainsFunc(all, func(p page) bool { return named.MatchString(p.text) }) {
			t.Errorf("no page is about %s: %s", m.Name, m.About)
		}
	}
}

func TestLinksOfPagesLeadSomewhere(t *testing.T) {
	for _, p := range pages(t) {
		for _, m := range regexp.MustCompile(`\]\(([^)#:]+)[^):]*\)`).FindAllStringSubmatch(p.text, -1) {
			if _, err := os.Stat(filepath.FromSlash(m[1])); err != nil {
				t.Errorf("%s: %v", p.file, err)
			}
		}
	}
}

// TestGoOfPagesCompiles makes a function of each page, whose parameters are what pages take for granted: ctx, model (an
// Engine), batch and, for cells of a notebook, q (a question that was asked).
func TestGoOfPagesCompiles(t *testing.T) {
	root := goldentest.Root(t)
	imports := packages(t, root)
	overlay := map[string]string{}
	dir := t.TempDir()
	for _, p := range pages(t) {
		name := strings.TrimSuffix(p.file, ".md")
		file := filepath.Join(dir, name+".go")
		if err := os.WriteFile(file, []byte(program(t, p, imports)), 0o600); err != nil {
			t.Fatal(err)
		}
		// An overlay puts the files into the module without writing there.
		overlay[filepath.Join(root, "analysis", "internal", "methodpages", name+".go")] = file
	}
	raw, err := json.Marshal(map[string]map[string]string{"Replace": overlay})
	if err != nil {
		t.Fatal(err)
	}
	list := filepath.Join(dir, "overlay.json")
	if err := os.WriteFile(list, raw, 0o600); err != nil {
		t.Fatal(err)
	}
	if text, err := exec.Command("go", "build", "-overlay", list, "../internal/methodpages").CombinedOutput(); err != nil {
		t.Errorf("%v\n%s", err, text)
	}
}

// program is the Go of a page as one function.
func program(t *testing.T, p page, imports map[string]string) string {
	t.Helper()
	var body strings.Builder
	for i, m := range regexp.MustCompile("(?s)```go\n(.*?)```").FindAllStringSubmatch(p.text, -1) {
		file, err := parser.ParseFile(token.NewFileSet(), "", "package p\nfunc f() {\n"+m[1]+"\n}", 0)
		if err != nil {
			t.Fatalf("%s, snippet %d: %v", p.file, i+1, err)
		}
		fmt.Fprintf(&body, "//line %s-%d:1\n%s\n", p.file, i+1, m[1])
		for _, name := range defined(file) {
			fmt.Fprintf(&body, "_ = %s\n", name)
		}
	}
	var head strings.Builder
	for name, path := range imports {
		// The function's own parameters need the first three.
		if slices.Contains([]string{"context", "lxmert", "lx"}, name) || regexp.MustCompile(`(?:^|[^\w.])`+name+`\.[A-Z]`).MatchString(body.String()) {
			fmt.Fprintf(&head, "%q\n", path)
		}
	}
	function := regexp.MustCompile(`\W`).ReplaceAllString(strings.TrimSuffix(p.file, ".md"), "_")
	return "package methodpages\nimport (\n" + head.String() + ")\nfunc page_" + function +
		"(ctx context.Context, model lxmert.Engine, batch *lxmert.Batch, q *lx.Answer) {\n" + body.String() + "}\n"
}

// defined are the variables that the statements of a function's body define.
func defined(file *ast.File) []string {
	var names []string
	for _, s := range file.Decls[0].(*ast.FuncDecl).Body.List {
		if a, ok := s.(*ast.AssignStmt); ok && a.Tok == token.DEFINE {
			for _, x := range a.Lhs {
				if name := x.(*ast.Ident).Name; name != "_" {
					names = append(names, name)
				}
			}
		}
	}
	slices.Sort(names)
	return slices.Compact(names)
}

// packages are those that pages may use, by name: some of the standard library's, and this project's.
func packages(t *testing.T, root string) map[string]string {
	t.Helper()
	list := map[string]string{"context": "context", "fmt": "fmt", "os": "os", "strings": "strings", "slices": "slices", "math": "math", "rand": "math/rand/v2"}
	for _, top := range []string{"analysis", "lxmert", "notebooks/lx"} {
		err := filepath.WalkDir(filepath.Join(root, filepath.FromSlash(top)), func(path string, d fs.DirEntry, err error) error {
			if err != nil || !d.IsDir() {
				return err
			}
			if name := d.Name(); name == "internal" || name == "testdata" || name == "cmd" {
				return fs.SkipDir
			}
			inside, err := filepath.Rel(root, path)
			if sources, _ := filepath.Glob(filepath.Join(path, "*.go")); slices.ContainsFunc(sources, func(s string) bool { return !strings.HasSuffix(s, "_test.go") }) {
				list[d.Name()] = "github.com/seed-516990b0/golxmert/" + filepath.ToSlash(inside)
			}
			return err
		})
		if err != nil {
			t.Fatal(err)
		}
	}
	return list
}
