package figure_test

import (
	"encoding/json"
	"fmt"
	"go/ast"
	"go/parser"
	"go/token"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
)

const gallery = "../README.md"

func readGallery(t *testing.T) string {
	t.Helper()
	raw, err := os.ReadFile(gallery)
	if err != nil {
		t.Fatal(err)
	}
	return string(raw)
}

// program makes one function of the gallery's snippets: what the first two define the others use; each of these has a
// block of its own, as if it stood alone.
func program(t *testing.T, snippets []string) string {
	t.Helper()
	const module = "github.com/seed-516990b0/golxmert/"
	paths := map[string]string{
		"context": "context", "os": "os", "strings": "strings", "rand": "math/rand/v2",
		"analysis": module + "analysis", "attention": module + "analysis/attention", "figure": module + "analysis/figure",
		"compare":   module + "analysis/compare",
		"intervene": module + "analysis/intervene",
		"modality":  module + "analysis/modality",
		"datamap":   module + "analysis/datamap",
		"tuning":    module + "analysis/tuning",
		"lens":      module + "analysis/lens", "tune": module + "analysis/lens/tune",
		"patch":     module + "analysis/patch",
		"probe":     module + "analysis/probe",
		"relevance": module + "analysis/relevance", "report": module + "analysis/report",
		"backend": module + "lxmert/backend", "lxmert": module + "lxmert", "lxrt": module + "lxmert/lxrt",
		"question": module + "lxmert/question",
	}
	var body strings.Builder
	for i, text := range snippets {
		file, err := parser.ParseFile(token.NewFileSet(), "", "package p\nfunc f() {\n"+text+"\n}", 0)
		if err != nil {
			t.Fatalf("snippet %d: %v\n%s", i+1, err, text)
		}
		var used []string
		for _, s := range file.Decls[0].(*ast.FuncDecl).Body.List {
			if a, ok := s.(*ast.AssignStmt); ok && a.Tok == token.DEFINE {
				for _, x := range a.Lhs {
					used = append(used, x.(*ast.Ident).Name)
				}
			}
		}
		slices.Sort(used)
		used = slices.Compact(used)
		if i >= 2 {
			text = "{\n" + text
		}
		body.WriteString(text + "\n" + strings.Repeat("_, ", max(len(used)-1, 0)))
		if len(used) > 0 {
			body.WriteString("_ = " + strings.Join(used, ", "))
		}
		if i >= 2 {
			body.WriteString("\n}")
		}
		body.WriteString("\n")
	}
	var imports strings.Builder
	for name, path := range paths {
		if regexp.MustCompile(`\b` + name + `\.`).MatchString(body.String()) {
			fmt.Fprintf(&imports, "%q\n", path)
		}
	}
	return "package gallery\nimport (\n" + imports.String() + ")\nfunc Gallery() {\n" + body.String() + "}\n"
}

func TestTheGallerysCodeCompiles(t *testing.T) {
	var snippets []string
	for _, m := range regexp.MustCompile("(?s)```go\n(.*?)```").FindAllStringSubmatch(readGallery(t), -1) {
		snippets = append(snippets, m[1])
	}
	if len(snippets) < 8 {
		t.Fatalf("%d snippets", len(snippets))
	}
	dir := t.TempDir()
	file := filepath.Join(dir, "gallery.go")
	if err := os.WriteFile(file, []byte(program(t, snippets)), 0o600); err != nil {
		t.Fatal(err)
	}
	// An overlay puts the file into the module without writing there.
	place, err := filepath.Abs("../internal/gallery/gallery.go")
	if err != nil {
		t.Fatal(err)
	}
	overlay, err := json.Marshal(map[string]map[string]string{"Replace": {place: file}})
	if err != nil {
		t.Fatal(err)
	}
	list := filepath.Join(dir, "overlay.json")
	if err := os.WriteFile(list, overlay, 0o600); err != nil {
		t.Fatal(err)
	}
	if text, err := exec.Command("go", "build", "-overlay", list, "../internal/gallery").CombinedOutput(); err != nil {
		source, _ := os.ReadFile(file)
		t.Errorf("%v\n%s\n%s", err, text, source)
	}
}

func TestTheGallerysLinksLeadSomewhere(t *testing.T) {
	text := readGallery(t)
	for _, m := range regexp.MustCompile(`\]\(([^)#:]+)\)`).FindAllStringSubmatch(text, -1) {
		if _, err := os.Stat(filepath.Join(filepath.Dir(gallery), m[1])); err != nil {
			t.Error(err)
		}
	}
	for _, m := range regexp.MustCompile(`\[(Example\w+)\]\(([^)]+)\)`).FindAllStringSubmatch(text, -1) {
		source, err := os.ReadFile(filepath.Join(filepath.Dir(gallery), m[2]))
		if err != nil || !strings.Contains(string(source), "func "+m[1]+"()") {
			t.Errorf("%s has no %s: %v", m[2], m[1], err)
		}
	}
	pictures, err := filepath.Glob("testdata/*.png")
	if err != nil {
		t.Fatal(err)
	}
	for _, p := range pictures {
		if !strings.Contains(text, "](figure/"+filepath.ToSlash(p)+")") {
			t.Errorf("%s is not shown", p)
		}
	}
}
