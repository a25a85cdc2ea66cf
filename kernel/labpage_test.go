package main

import (
	"context"
	"crypto/rand"
	"encoding/json"
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
	t   *testing.T
	ctx context.Context
	lab *lab
}

// pageWidth and pageHeight are those of the window, in pixels.
const pageWidth, pageHeight = 1400, 1000

// open opens a notebook of the folder and waits until its kernel is idle.
func (l *lab) open(t *testing.T, browser context.Context, name string) *notebook {
	t.Helper()
	ctx, cancel := chromedp.NewContext(browser, chromedp.WithNewBrowserContext())
	t.Cleanup(cancel)
	n := &notebook{t, ctx, l}
	if err := chromedp.Run(ctx); err != nil { // the tab lives as long as the context of its first action
		t.Fatalf("browser: %v", err)
	}
	t.Cleanup(func() { // runs while the tab is still there
		if t.Failed() {
			n.keep("failed-" + strings.ReplaceAll(t.Name(), "/", "-"))
			t.Logf("the cells show:\n%s", n.text(".jp-Notebook"))
		}
	})
	workspace := rand.Text() // JupyterLab would open what was open before
	n.do(emulation.SetDeviceMetricsOverride(pageWidth, pageHeight, 1, false),
		chromedp.Navigate(l.address+"/lab/workspaces/"+workspace+"/tree/"+name+"?token="+l.token))
	n.idle()
	return n
}

func (n *notebook) do(actions ...chromedp.Action) {
	n.t.Helper()
	ctx, cancel := context.WithTimeout(n.ctx, testwait.Patience(n.t))
	defer cancel()
	if err := chromedp.Run(ctx, actions...); err != nil {
		n.t.Fatalf("browser: %v", err)
	}
}

// script fills arguments, as JSON, into an expression of JavaScript.
func (n *notebook) script(expression string, args ...any) string {
	n.t.Helper()
	for i, a := range args {
		text, err := json.Marshal(a)
		if err != nil {
			n.t.Fatal(err)
		}
		args[i] = string(text)
	}
	if len(args) == 0 {
		return expression
	}
	return fmt.Sprintf(expression, args...)
}

// until waits until an expression holds on the page.
func (n *notebook) until(what, expression string, args ...any) {
	n.t.Helper()
	limit := testwait.Patience(n.t)
	ctx, cancel := context.WithTimeout(n.ctx, limit)
	defer cancel()
	err := chromedp.Run(ctx, chromedp.Poll(n.script(expression, args...), nil, chromedp.WithPollingInterval(50*time.Millisecond), chromedp.WithPollingTimeout(0)))
	if errors.Is(err, context.DeadlineExceeded) {
		n.t.Fatalf("after %s the page still does not show: %s", limit, what)
	}
	if err != nil {
		n.t.Fatalf("browser: %v", err)
	}
}

// ask computes an expression on the page.
func ask[T any](n *notebook, expression string, args ...any) T {
	n.t.Helper()
	var out T
	n.do(chromedp.Evaluate(n.script(expression, args...), &out))
	return out
}

// idle waits until the kernel is there and has nothing to do. The status bar says so, as in "Go (LXMERT) | Idle".
func (n *notebook) idle() {
	n.t.Helper()
	n.until("an idle kernel", `document.querySelector('#jp-main-statusbar')?.innerText.includes(%v)`, install.DisplayName+" | Idle")
}

// ran waits until so many cells of code have run.
func (n *notebook) ran(cells int) {
	n.t.Helper()
	n.until(fmt.Sprintf("%d cells that have run", cells), `[...document.querySelectorAll('.jp-CodeCell .jp-InputPrompt')].filter(e => /[0-9]/.test(e.textContent)).length >= %v`, cells)
	n.idle()
}

// prompts are the numbers beside the cells of code: "1", "*" of one that waits or runs, "" of one that has not run.
func (n *notebook) prompts() []string {
	n.t.Helper()
	return ask[[]string](n, `[...document.querySelectorAll('.jp-CodeCell .jp-InputPrompt')].map(e => e.textContent.replace(/[^0-9*]/g, ''))`)
}

// text is what stands in the first element that a selector finds, as a person reads it.
func (n *notebook) text(selector string) string {
	n.t.Helper()
	return ask[string](n, `(document.querySelector(%v)?.innerText ?? '').replaceAll('\u00a0', ' ')`, selector)
}

// output is the text below a cell of code, counted from 1.
func (n *notebook) output(cell int) string {
	n.t.Helper()
	return ask[string](n, `document.querySelectorAll('.jp-CodeCell')[%v].querySelector('.jp-Cell-outputArea').innerText.replaceAll('\u00a0', ' ')`, cell-1)
}

// shows waits until the output of a cell, counted from 1, holds a text.
func (n *notebook) shows(cell int, text string) {
	n.t.Helper()
	n.until(fmt.Sprintf("%q below cell %d", text, cell),
		`document.querySelectorAll('.jp-CodeCell')[%v]?.querySelector('.jp-Cell-outputArea')?.innerText.replaceAll('\u00a0', ' ').includes(%v)`, cell-1, text)
}

// place is the middle of what a selector finds, once it is there and stands still, moved into sight.
func (n *notebook) place(selector string) (x, y float64) {
	n.t.Helper()
	n.until(selector, `(() => {
		const e = document.querySelector(%v);
		if (!e) return false;
		e.scrollIntoView({block: 'nearest', behavior: 'instant'});
		const r = e.getBoundingClientRect(), at = [r.x, r.y, r.width, r.height].join();
		const still = e.lxPlace === at && r.width > 0;
		e.lxPlace = at;
		return still;
	})()`, selector)
	at := ask[[]float64](n, `(() => {
		const r = document.querySelector(%v).getClientRects()[0];
		return [r.x + r.width / 2, r.y + r.height / 2];
	})()`, selector)
	return at[0], at[1]
}

func (n *notebook) hover(selector string) {
	n.t.Helper()
	x, y := n.place(selector)
	n.do(chromedp.MouseEvent(input.MouseMoved, x, y))
}

// leave moves the pointer off everything.
func (n *notebook) leave() {
	n.t.Helper()
	n.do(chromedp.MouseEvent(input.MouseMoved, 2, 2))
}

func (n *notebook) click(selector string) {
	n.t.Helper()
	x, y := n.place(selector)
	n.do(chromedp.MouseEvent(input.MouseMoved, x, y), chromedp.MouseClickXY(x, y))
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
	n.do(chromedp.Evaluate(`[...document.querySelectorAll('.jp-Notebook .jp-Cell')].at(-1).setAttribute('id', 'lx-last')`, nil))
	n.click("#lx-last .jp-InputPrompt, #lx-last .jp-InputArea-prompt")
	n.do(chromedp.KeyEvent("b"))
	n.until("another cell", `document.querySelectorAll('.jp-CodeCell').length > %v`, before)
	n.do(chromedp.Evaluate(`document.getElementById('lx-last').removeAttribute('id')`, nil), chromedp.KeyEvent(kb.Enter))
	n.until("the cursor in the cell", `[...document.querySelectorAll('.jp-CodeCell')].at(-1).contains(document.activeElement)`)
	n.do(input.InsertText(code))
	n.do(chromedp.KeyEvent(kb.Enter, chromedp.KeyModifiers(input.ModifierShift)))
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
	n.do(chromedp.CaptureScreenshot(&png))
	if err := os.MkdirAll(dir, 0o755); err != nil {
		n.t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(dir, "lab-"+name+".png"), png, 0o644); err != nil {
		n.t.Fatal(err)
	}
}
