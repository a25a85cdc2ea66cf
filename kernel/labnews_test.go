package main

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"testing"

	"github.com/chromedp/chromedp"
	"github.com/chromedp/chromedp/kb"
)

// labNews asks the server for the setting by which the page decides whether to ask its user.
func labNews(t *testing.T, l *lab) {
	request, err := http.NewRequestWithContext(t.Context(), http.MethodGet, l.address+"/lab/api/settings/@jupyterlab/apputils-extension:notification", nil)
	if err != nil {
		t.Fatal(err)
	}
	request.Header.Set("Authorization", "token "+l.token)
	answer, err := http.DefaultClient.Do(request)
	if err != nil {
		t.Fatal(err)
	}
	defer answer.Body.Close()
	var setting struct {
		Schema struct {
			Properties struct {
				FetchNews struct {
					Default string `json:"default"`
				} `json:"fetchNews"`
			} `json:"properties"`
		} `json:"schema"`
	}
	if err := json.NewDecoder(answer.Body).Decode(&setting); err != nil || setting.Schema.Properties.FetchNews.Default != "false" {
		t.Errorf("%s, %v: JupyterLab fetches news: %q", answer.Status, err, setting.Schema.Properties.FetchNews.Default)
	}
}

// labInput types what a program reads, and what a shell line reads that hides it.
func labInput(t *testing.T, l *lab, browser context.Context) {
	l.write(t, "input.ipynb",
		"import \"fmt\"\n%%\nvar name string\nfmt.Print(\"which picture? \")\nfmt.Scanln(&name)\nfmt.Println(\"it is\", name)",
		"!read -s x; echo \"got [$x]\"")
	n := l.open(t, browser, "input.ipynb")
	n.runAll()
	for i, line := range []string{"val/17", "shell"} {
		n.until("a box to type into", `(() => {
			const box = document.querySelectorAll('.jp-CodeCell')[%v].querySelector('.jp-Stdin-input');
			return box && (box.id = %v);
		})()`, i, fmt.Sprint("lx-box-", i))
		n.click(fmt.Sprint("#lx-box-", i))
		n.do(chromedp.KeyEvent(line))
		n.keep("input")
		n.do(chromedp.KeyEvent(kb.Enter))
		n.shows(i+1, []string{"which picture?", "got [shell]"}[i])
	}
	n.shows(1, "it is val/17")
	n.idle()
}
