package main

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"testing"

	"github.com/chromedp/chromedp"
	"github.com/chromedp/chromedp/kb"

	"github.com/seed-516990b0/golxmert/internal/testwait"
)

// labNews asks the server for the setting by which the page decides whether to ask its user.
func labNews(t *testing.T, l *lab) {
	request, err := http.NewRequestWithContext(t.Context(), http.MethodGet, l.address+"/lab/api/settings/@jupyterlab/apputils-extension:notification", nil)
	if err != nil {
		t.Fatal(err)
	}
	request.Header.Set("Authorization", "token "+l.token)
	var answer *http.Response
	testwait.Until(t, "an answer of JupyterLab", func() bool { // which says where it listens before it does
		answer, err = http.DefaultClient.Do(request)
		return err == nil
	})
	defer answer.Body.Close()
	var setting struct {
		Schema struct {
			Properties struct {
				FetchNews struct {
					Default string `json:"default"`
				} `json:"fetchNews"`
				CheckForUpdates struct {
					Default bool `json:"default"`
				} `json:"checkForUpdates"`
			} `json:"properties"`
		} `json:"schema"`
	}
	setting.Schema.Properties.CheckForUpdates.Default = true // as it is if nobody says so
	err = json.NewDecoder(answer.Body).Decode(&setting)
	if p := setting.Schema.Properties; err != nil || p.FetchNews.Default != "false" || p.CheckForUpdates.Default {
		t.Errorf("%s, %v: JupyterLab fetches news: %+v", answer.Status, err, p)
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
			const box = document.querySelectorAll('.jp-CodeCell')[%s].querySelector('.jp-Stdin-input');
			return box && (box.id = %s);
		})()`, i, fmt.Sprint("lx-box-", i))
		n.click(fmt.Sprint("#lx-box-", i))
		n.Do(chromedp.KeyEvent(line))
		n.keep("input")
		n.Do(chromedp.KeyEvent(kb.Enter))
		n.shows(i+1, []string{"which picture?", "got [shell]"}[i])
	}
	n.shows(1, "it is val/17")
	n.idle()
}
