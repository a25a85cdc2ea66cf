package main

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/chromedp/cdproto/emulation"
	"github.com/chromedp/cdproto/input"
	"github.com/chromedp/chromedp"
	"github.com/chromedp/chromedp/kb"

	"github.com/seed-516990b0/golxmert/internal/testbrowser"
	"github.com/seed-516990b0/golxmert/internal/testwait"
	"github.com/seed-516990b0/golxmert/kernel/install"
)

// startBrowser starts a browser that reaches this machine and nothing else, and ends it with the test.
func startBrowser(t *testing.T) context.Context {
	t.Helper()
	browser, stop, err := testbrowser.Start(t, "127.0.0.1")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(stop)
	return browser
}

// notebook is a notebook that is open in JupyterLab, in a tab of the browser.
type notebook struct {
	*testbrowser.Tab
	t *testing.T
}

// pageWidth and pageHeight are those of the window, in pixels.
const pageWidth, pageHeight = 1400, 1000

// open opens a notebook of the folder and waits until its kernel is idle.
func (l *lab) open(t *testing.T, browser context.Context, name string) *notebook {
	t.Helper()
	n := &notebook{testbrowser.Open(t, browser), t}
	t.Cleanup(func() { // runs while the tab is still there
		if t.Failed() {
			n.keep("failed-" + strings.ReplaceAll(t.Name(), "/", "-"))
			t.Logf("the cells show:\n%s", n.text(".jp-Notebook"))
		}
	})
	workspace := rand.Text() // JupyterLab would open what was open before
	n.Do(emulation.SetDeviceMetricsOverride(pageWidth, pageHeight, 1, false),
		chromedp.Navigate(l.address+"/lab/workspaces/"+workspace+"/tree/"+name+"?token="+l.token))
	n.idle()
	return n
}

// until waits until an expression holds on the page.
func (n *notebook) until(what, expression string, args ...any) {
	n.t.Helper()
	limit := testwait.Patience(n.t)
	ctx, cancel := context.WithTimeout(n.Context, limit)
	defer cancel()
	err := chromedp.Run(ctx, chromedp.Poll(n.Script(expression, args...), nil, chromedp.WithPollingInterval(50*time.Millisecond), chromedp.WithPollingTimeout(0)))
	if errors.Is(err, context.DeadlineExceeded) {
		n.t.Fatalf("after %s the page still does not show: %s", limit, what)
	}
	if err != nil {
		n.t.Fatalf("browser: %v", err)
	}
}

// idle waits until the kernel is there and has nothing to do. The status bar says so, as in "Go (LXMERT) | Idle".
func (n *notebook) idle() {
	n.t.Helper()
	n.until("an idle kernel", `document.querySelector('#jp-main-statusbar')?.innerText.includes(%s)`, install.DisplayName+" | Idle")
}

// ran waits until so many cells of code have run.
func (n *notebook) ran(cells int) {
	n.t.Helper()
	n.until(fmt.Sprintf("%d cells that have run", cells), `[...document.querySelectorAll('.jp-CodeCell .jp-InputPrompt')].filter(e => /[0-9]/.test(e.textContent)).length >= %s`, cells)
	n.idle()
}

// prompts are the numbers beside the cells of code: "1", "*" of one that waits or runs, "" of one that has not run.
func (n *notebook) prompts() []string {
	n.t.Helper()
	return testbrowser.Eval[[]string](n.Tab, `[...document.querySelectorAll('.jp-CodeCell .jp-InputPrompt')].map(e => e.textContent.replace(/[^0-9*]/g, ''))`)
}

// text is what stands in the first element that a selector finds, as a person reads it.
func (n *notebook) text(selector string) string {
	n.t.Helper()
	return testbrowser.Eval[string](n.Tab, `(document.querySelector(%s)?.innerText ?? '').replaceAll('\u00a0', ' ')`, selector)
}

// output is the text below a cell of code, counted from 1.
func (n *notebook) output(cell int) string {
	n.t.Helper()
	return testbrowser.Eval[string](n.Tab, `document.querySelectorAll('.jp-CodeCell')[%s].querySelector('.jp-Cell-outputArea').innerText.replaceAll('\u00a0', ' ')`, cell-1)
}

// shows waits until the output of a cell, counted from 1, holds a text.
func (n *notebook) shows(cell int, text string) {
	n.t.Helper()
	n.until(fmt.Sprintf("%q below cell %d", text, cell),
		`document.querySelectorAll('.jp-CodeCell')[%s]?.querySelector('.jp-Cell-outputArea')?.innerText.replaceAll('\u00a0', ' ').includes(%s)`, cell-1, text)
}

// still waits until what a selector finds is there and stands still, moved into sight.
func (n *notebook) still(selector string) {
	n.t.Helper()
	n.until(selector, `(() => {
		const e = document.querySelector(%s);
		if (!e) return false;
		e.scrollIntoView({block: 'nearest', behavior: 'instant'});
		const r = e.getBoundingClientRect(), at = [r.x, r.y, r.width, r.height].join();
		const still = e.lxPlace === at && r.width > 0;
		e.lxPlace = at;
		return still;
	})()`, selector)
}

func (n *notebook) hover(selector string) {
	n.t.Helper()
	n.still(selector)
	n.Hover(selector)
}

func (n *notebook) click(selector string) {
	n.t.Helper()
	n.still(selector)
	n.ClickAt(n.Point(selector))
}

// runAll chooses Run All Cells in the menu.
func (n *notebook) runAll() {
	n.t.Helper()
	n.until("the menu Run", `[...document.querySelectorAll('.lm-MenuBar-item')].some(e => e.textContent === 'Run' && (e.id = 'lx-run-menu'))`)
	n.click("#lx-run-menu")
	n.click(`.lm-Menu-item[data-command="runmenu:run-all"]`)
}

// tool presses a button of the notebook's toolbar.
func (n *notebook) tool(name string) {
	n.t.Helper()
	n.click(fmt.Sprintf(`.jp-NotebookPanel-toolbar [data-jp-item-name=%q] jp-button`, name))
}

// typeAndRun adds a cell below the last one, types code into it and runs it with shift-enter. It returns which cell of
// code it is, counted from 1.
func (n *notebook) typeAndRun(code string) int {
	n.t.Helper()
	before := len(n.prompts())
	n.Do(chromedp.Evaluate(`[...document.querySelectorAll('.jp-Notebook .jp-Cell')].at(-1).setAttribute('id', 'lx-last')`, nil))
	n.click("#lx-last .jp-InputPrompt, #lx-last .jp-InputArea-prompt")
	n.Do(chromedp.KeyEvent("b"))
	n.until("another cell", `document.querySelectorAll('.jp-CodeCell').length > %s`, before)
	n.Do(chromedp.Evaluate(`document.getElementById('lx-last').removeAttribute('id')`, nil), chromedp.KeyEvent(kb.Enter))
	n.until("the cursor in the cell", `[...document.querySelectorAll('.jp-CodeCell')].at(-1).contains(document.activeElement)`)
	n.Do(input.InsertText(code))
	n.Do(chromedp.KeyEvent(kb.Enter, chromedp.KeyModifiers(input.ModifierShift)))
	return before + 1
}

// keep saves a picture of the window if LXMERT_NOTEBOOKS names a folder.
func (n *notebook) keep(name string) {
	n.t.Helper()
	dir := os.Getenv(notebooksEnv)
	if dir == "" {
		return
	}
	var png []byte
	n.Do(chromedp.CaptureScreenshot(&png))
	if err := os.MkdirAll(dir, 0o755); err != nil {
		n.t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(dir, "lab-"+name+".png"), png, 0o644); err != nil {
		n.t.Fatal(err)
	}
}
