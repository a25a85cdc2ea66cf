package main

import (
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/seed-516990b0/golxmert/analysis/sweep"
	"github.com/seed-516990b0/golxmert/internal/goldentest"
)

// TestEachMethodHasACommandLineOnItsPage, whose methods and flags there are.
func TestEachMethodHasACommandLineOnItsPage(t *testing.T) {
	pages, err := filepath.Glob(filepath.Join(goldentest.Root(t), "analysis", "methods", "*.md"))
	if err != nil || len(pages) == 0 {
		t.Fatalf("%d pages: %v", len(pages), err)
	}
	var known, shown []string
	for _, g := range sweep.Groups() {
		for _, m := range g.Methods {
			known = append(known, m[0])
		}
	}
	for _, page := range pages {
		raw, err := os.ReadFile(page)
		if err != nil {
			t.Fatal(err)
		}
		text := strings.ReplaceAll(strings.ReplaceAll(string(raw), "\r\n", "\n"), "\\\n", " ")
		for _, line := range strings.Split(text, "\n") {
			if !strings.HasPrefix(line, "lxmert analyze ") {
				continue
			}
			words := regexp.MustCompile(`'[^']*'|\S+`).FindAllString(line, -1)
			cmd, rest, err := rootCommand().Find(words[1:])
			if err == nil {
				err = cmd.ParseFlags(rest)
			}
			if err != nil || cmd.Flags().NArg() != 1 {
				t.Errorf("%s: %s: %v", filepath.Base(page), line, err)
				continue
			}
			for _, method := range strings.Split(cmd.Flags().Arg(0), ",") {
				if shown = append(shown, method); !slices.Contains(known, method) {
					t.Errorf("%s: there is no method %q", filepath.Base(page), method)
				}
			}
			for _, flag := range []string{"load", "regions", "data", "out"} {
				if !cmd.Flags().Changed(flag) {
					t.Errorf("%s: the command line lacks --%s", filepath.Base(page), flag)
				}
			}
		}
	}
	for _, method := range known {
		if !slices.Contains(shown, method) {
			t.Errorf("no page shows how %s is run over a data set", method)
		}
	}
}
