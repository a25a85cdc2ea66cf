// Package page is what all pages of HTML have in common: a head that forbids every request, the colours of light and dark
// with a button that changes between them, lines that say where numbers come from, and scripts that are put together as one.
package page

import (
	"bytes"
	_ "embed"
	"html/template"
	"io/fs"
	"strings"
)

//go:embed parts.html
var parts string

//go:embed theme.css
var theme string

//go:embed theme.js
var themeScript string

//go:embed marks.js
var marksScript string

// Template reads the templates of a page: "body", and "class" if the element html has classes of its own, after a space. They
// may use "button", which changes between light and dark, and "facts", of a list of layout.Fact.
func Template(text string) *template.Template {
	return template.Must(template.Must(template.New("").Parse(parts)).Parse(text))
}

// Execute makes the page of a content, which has a Title, or without its head the fragment for a page that is there. It is not
// written at once, so that a template that fails has written nothing.
func Execute(t *template.Template, fragment bool, content any) (*bytes.Buffer, error) {
	name := "page"
	if fragment {
		name = "fragment"
	}
	text := new(bytes.Buffer)
	if err := t.ExecuteTemplate(text, name, content); err != nil {
		return nil, err
	}
	return text, nil
}

// Style is a page's style sheet after that of light and dark, which it goes by: the colours --paper, --ink, --dim, --line,
// --focus and --panel below an element of the class lxr-theme.
func Style(css string) template.CSS { return template.CSS(theme + css) }

// Script is the files NAME.js of a folder as one script, which leaves nothing behind in the page around it: a notebook has
// several pages. Before them stands what makes the button work, theme.js, and what marks are made of, marks.js.
func Script(folder fs.FS, names ...string) template.JS {
	var b strings.Builder
	b.WriteString("(() => {\n'use strict';\n")
	add := func(text string) {
		for line := range strings.Lines(text) {
			if line = strings.TrimSpace(line); !strings.HasPrefix(line, "//") { // comments are for those who read the source
				b.WriteString(line + "\n")
			}
		}
	}
	add(themeScript)
	add(marksScript)
	for _, name := range names {
		text, err := fs.ReadFile(folder, name+".js")
		if err != nil {
			panic(err) // a file of the program
		}
		add(string(text))
	}
	b.WriteString("})();")
	return template.JS(b.String())
}
