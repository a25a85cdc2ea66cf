package report_test

import (
	"context"
	"encoding/json"
	"fmt"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"

	"github.com/chromedp/cdproto/browser"
	"github.com/chromedp/cdproto/cdp"
	"github.com/chromedp/cdproto/emulation"
	"github.com/chromedp/cdproto/input"
	"github.com/chromedp/cdproto/log"
	"github.com/chromedp/cdproto/network"
	"github.com/chromedp/cdproto/runtime"
	"github.com/chromedp/chromedp"

	"github.com/seed-516990b0/golxmert/analysis"
	"github.com/seed-516990b0/golxmert/analysis/report"
	"github.com/seed-516990b0/golxmert/internal/testbrowser"
	"github.com/seed-516990b0/golxmert/internal/testwait"
)

// chromium is the browser that all tests share: starting one takes a second.
var chromium = struct {
	sync.Once
	ctx  context.Context
	stop func()
	err  error
}{stop: func() {}}

func TestMain(m *testing.M) {
	code := m.Run()
	chromium.stop()
	os.Exit(code)
}

// browserContext starts the shared browser.
func browserContext(t *testing.T) context.Context {
	t.Helper()
	testbrowser.Find(t)
	chromium.Do(func() {
		ctx, stop, err := testbrowser.Start(t)
		if chromium.err = err; err == nil {
			chromium.ctx, chromium.stop = ctx, stop
		}
	})
	if chromium.err != nil {
		t.Fatal(chromium.err)
	}
	return chromium.ctx
}

// tab is a page in the browser and what happened on it.
type tab struct {
	t   *testing.T
	ctx context.Context

	mu       sync.Mutex
	messages []string // of the console, warnings and errors of any kind
	requests []string
}

// look is how a page is looked at. The zero value is a large window, light, with scripts.
type look struct {
	width, height int
	dark, mute    bool // mute: scripts are disabled
	loud          bool // messages and requests are the test's own business
}

// visit opens a file in a tab of its own. When the test ends, a message of the console or a request for anything but the
// file is a failure.
func visit(t *testing.T, file string, how look) *tab {
	t.Helper()
	ctx, cancel := chromedp.NewContext(browserContext(t), chromedp.WithNewBrowserContext())
	ctx, cancelTime := context.WithTimeout(ctx, testwait.Patience(t))
	p := &tab{t: t, ctx: ctx}
	chromedp.ListenTarget(ctx, p.hear)
	if how.width == 0 {
		how.width, how.height = 1280, 900
	}
	address := (&url.URL{Scheme: "file", Path: filepath.ToSlash(file)}).String()
	p.do(network.Enable(), log.Enable(), runtime.Enable(),
		network.EmulateNetworkConditions(true, 0, 0, 0),
		size(how.width, how.height), prefer(how.dark),
		emulation.SetScriptExecutionDisabled(how.mute),
		chromedp.Navigate(address))
	t.Cleanup(func() {
		p.mu.Lock()
		defer p.mu.Unlock()
		if !how.loud {
			for _, m := range p.messages {
				t.Errorf("console: %s", m)
			}
			for _, r := range p.requests {
				if r != address && !strings.HasPrefix(r, "data:") && !strings.HasPrefix(r, "blob:") {
					t.Errorf("the page asks for %s", r)
				}
			}
		}
		cancelTime()
		cancel()
	})
	return p
}

// size is that of the window.
func size(width, height int) chromedp.Action {
	return emulation.SetDeviceMetricsOverride(int64(width), int64(height), 1, false)
}

// prefer says which colours the system prefers, and that nothing shall move.
func prefer(dark bool) chromedp.Action {
	return emulation.SetEmulatedMedia().WithFeatures([]*emulation.MediaFeature{
		{Name: "prefers-color-scheme", Value: map[bool]string{false: "light", true: "dark"}[dark]},
		{Name: "prefers-reduced-motion", Value: "reduce"}})
}

// hear keeps what the browser says about a page.
func (p *tab) hear(event any) {
	p.mu.Lock()
	defer p.mu.Unlock()
	switch e := event.(type) {
	case *runtime.EventConsoleAPICalled:
		p.messages = append(p.messages, fmt.Sprintf("%s %s", e.Type, joined(e.Args)))
	case *runtime.EventExceptionThrown:
		p.messages = append(p.messages, e.ExceptionDetails.Error())
	case *log.EventEntryAdded:
		p.messages = append(p.messages, fmt.Sprintf("%s: %s %s", e.Entry.Level, e.Entry.Text, e.Entry.URL))
	case *network.EventRequestWillBeSent:
		p.requests = append(p.requests, e.Request.URL)
	}
}

func joined(args []*runtime.RemoteObject) string {
	var parts []string
	for _, a := range args {
		parts = append(parts, string(a.Value)+a.Description)
	}
	return strings.Join(parts, " ")
}

func (p *tab) do(actions ...chromedp.Action) {
	p.t.Helper()
	if err := chromedp.Run(p.ctx, actions...); err != nil {
		p.t.Fatalf("browser: %v", err)
	}
}

// eval computes an expression on the page. A string in single quotes may hold anything: arguments are written as JSON.
func eval[T any](p *tab, expression string, args ...any) T {
	p.t.Helper()
	for i, a := range args {
		text, err := json.Marshal(a)
		if err != nil {
			p.t.Fatal(err)
		}
		args[i] = text
	}
	if len(args) > 0 {
		expression = fmt.Sprintf(expression, args...)
	}
	var out T
	p.do(chromedp.Evaluate(expression, &out))
	return out
}

// point is the middle of what a selector finds, moved into sight.
func (p *tab) point(selector string) (x, y float64) {
	p.t.Helper()
	at := eval[[]float64](p, `(() => {
		const e = document.querySelector(%s);
		if (!e) return null;
		e.scrollIntoView({block: 'nearest', behavior: 'instant'});
		const r = e.getClientRects()[0]; // of a link on two lines: the first
		return [r.x + r.width / 2, r.y + r.height / 2];
	})()`, selector)
	if at == nil {
		p.t.Fatalf("there is no %s", selector)
	}
	return at[0], at[1]
}

func (p *tab) hover(selector string) {
	p.t.Helper()
	x, y := p.point(selector)
	p.do(chromedp.MouseEvent(input.MouseMoved, x, y))
}

// leave moves the pointer off everything.
func (p *tab) leave() {
	p.t.Helper()
	p.do(chromedp.MouseEvent(input.MouseMoved, 2, 2))
}

func (p *tab) click(selector string) {
	p.t.Helper()
	x, y := p.point(selector)
	p.do(chromedp.MouseClickXY(x, y))
}

func (p *tab) clickAt(x, y float64) {
	p.t.Helper()
	p.do(chromedp.MouseEvent(input.MouseMoved, x, y), chromedp.MouseClickXY(x, y))
}

// focus gives an element the keyboard.
func focus(selector string) chromedp.Action { return chromedp.Focus(selector, chromedp.ByQuery) }

func (p *tab) press(keys ...string) {
	p.t.Helper()
	for _, k := range keys {
		p.do(chromedp.KeyEvent(k))
	}
}

// choose picks an option of a select by its text, as a person with a keyboard does.
func (p *tab) choose(selector, option string) {
	p.t.Helper()
	if !eval[bool](p, `(() => {
		const s = document.querySelector(%s), o = [...s.options].find(o => o.text === %s);
		if (!o) return false;
		s.value = o.value;
		s.dispatchEvent(new Event('input', {bubbles: true}));
		s.dispatchEvent(new Event('change', {bubbles: true}));
		return true;
	})()`, selector, option) {
		p.t.Fatalf("%s has no option %q", selector, option)
	}
}

// text is what stands in an element, with spaces that may break.
func (p *tab) text(selector string) string {
	p.t.Helper()
	return eval[string](p, `document.querySelector(%s).textContent.replaceAll('\u00a0', ' ')`, selector)
}

// becomes waits until an element has a text: the page hears of what the system prefers with its next frame.
func (p *tab) becomes(what, selector, want string) {
	p.t.Helper()
	testwait.Until(p.t, fmt.Sprintf("%s: %s becomes %q", what, selector, want), func() bool { return p.text(selector) == want })
}

// keep saves a screenshot if LXMERT_SCREENSHOTS names a folder: of the whole page, or of what is in sight.
func (p *tab) keep(name string, whole bool) {
	p.t.Helper()
	dir := os.Getenv("LXMERT_SCREENSHOTS")
	if dir == "" {
		return
	}
	var png []byte
	shot := chromedp.Action(chromedp.CaptureScreenshot(&png))
	if whole {
		shot = chromedp.FullScreenshot(&png, 100)
	}
	p.do(shot)
	if err := os.MkdirAll(dir, 0o755); err != nil {
		p.t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(dir, name+".png"), png, 0o644); err != nil {
		p.t.Fatal(err)
	}
}

// downloads lets the page save files into a folder.
func (p *tab) downloads(dir string) {
	p.t.Helper()
	p.do(chromedp.ActionFunc(func(ctx context.Context) error {
		c := chromedp.FromContext(ctx)
		return browser.SetDownloadBehavior(browser.SetDownloadBehaviorBehaviorAllow).WithBrowserContextID(c.BrowserContextID).
			WithDownloadPath(dir).WithEventsEnabled(true).Do(cdp.WithExecutor(ctx, c.Browser))
	}))
}

// saved writes a report of r into a folder of the test.
func saved(t *testing.T, r analysis.Result, opt report.Options) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), "report.html")
	if err := report.Save(path, r, opt); err != nil {
		t.Fatal(err)
	}
	return path
}

// sampleTab opens a report of the sample.
func sampleTab(t *testing.T, how look) *tab {
	t.Helper()
	return visit(t, saved(t, sample(t.TempDir()), report.Options{}), how)
}
