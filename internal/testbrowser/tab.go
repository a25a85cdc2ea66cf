package testbrowser

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

	"github.com/seed-516990b0/golxmert/internal/testwait"
)

// This file looks at a page that is a file, as its user does.

// chromium is the browser that all tests of a package share: starting one takes a second.
var chromium = struct {
	sync.Once
	ctx  context.Context
	stop func()
	err  error
}{stop: func() {}}

// Main runs the tests of a package and ends the browser that they shared. TestMain calls it with what it returns to os.Exit.
func Main(m *testing.M) int {
	defer func() { chromium.stop() }()
	return m.Run()
}

// shared starts the shared browser.
func shared(t testing.TB) context.Context {
	t.Helper()
	Find(t)
	chromium.Do(func() {
		ctx, stop, err := Start(t)
		if chromium.err = err; err == nil {
			chromium.ctx, chromium.stop = ctx, stop
		}
	})
	if chromium.err != nil {
		t.Fatal(chromium.err)
	}
	return chromium.ctx
}

// Tab is a page in the browser and what happened on it.
type Tab struct {
	T       testing.TB
	Context context.Context

	mu       sync.Mutex
	messages []string // of the console, warnings and errors of any kind
	requests []string
}

// Look is how a page is looked at. The zero value is a large window, light, with scripts.
type Look struct {
	Width, Height int
	Dark, Mute    bool // mute: scripts are disabled
	Loud          bool // messages and requests are the test's own business
}

// Open opens an empty tab of a browser that [Start] started, and closes it with the test.
func Open(t testing.TB, browser context.Context) *Tab {
	t.Helper()
	ctx, cancel := chromedp.NewContext(browser, chromedp.WithNewBrowserContext())
	t.Cleanup(cancel)
	if err := chromedp.Run(ctx); err != nil { // the tab lives as long as the context of its first action
		t.Fatalf("browser: %v", err)
	}
	return &Tab{T: t, Context: ctx}
}

// Visit opens a file in a tab of its own. When the test ends, a message of the console or a request for anything but the
// file is a failure.
func Visit(t testing.TB, file string, how Look) *Tab {
	t.Helper()
	p := Open(t, shared(t))
	var cancel context.CancelFunc
	p.Context, cancel = context.WithTimeout(p.Context, testwait.Patience(t))
	chromedp.ListenTarget(p.Context, p.hear)
	if how.Width == 0 {
		how.Width, how.Height = 1280, 900
	}
	address := (&url.URL{Scheme: "file", Path: filepath.ToSlash(file)}).String()
	p.Do(network.Enable(), log.Enable(), runtime.Enable(),
		network.EmulateNetworkConditions(true, 0, 0, 0),
		Size(how.Width, how.Height), Prefer(how.Dark),
		emulation.SetScriptExecutionDisabled(how.Mute),
		chromedp.Navigate(address))
	t.Cleanup(func() {
		p.mu.Lock()
		defer p.mu.Unlock()
		if !how.Loud {
			for _, m := range p.messages {
				t.Errorf("console: %s", m)
			}
			for _, r := range p.requests {
				if r != address && !strings.HasPrefix(r, "data:") && !strings.HasPrefix(r, "blob:") {
					t.Errorf("the page asks for %s", r)
				}
			}
		}
		cancel()
	})
	return p
}

// Size is that of the window.
func Size(width, height int) chromedp.Action {
	return emulation.SetDeviceMetricsOverride(int64(width), int64(height), 1, false)
}

// Prefer says which colours the system prefers, and that nothing shall move.
func Prefer(dark bool) chromedp.Action {
	return emulation.SetEmulatedMedia().WithFeatures([]*emulation.MediaFeature{
		{Name: "prefers-color-scheme", Value: map[bool]string{false: "light", true: "dark"}[dark]},
		{Name: "prefers-reduced-motion", Value: "reduce"}})
}

// hear keeps what the browser says about a page.
func (p *Tab) hear(event any) {
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

// Do does things with the page, in the time that a test has patience for.
func (p *Tab) Do(actions ...chromedp.Action) {
	p.T.Helper()
	ctx, cancel := context.WithTimeout(p.Context, testwait.Patience(p.T))
	defer cancel()
	if err := chromedp.Run(ctx, actions...); err != nil {
		p.T.Fatalf("browser: %v", err)
	}
}

// Script fills arguments, as JSON, into an expression of JavaScript: %s stands for each, of whatever kind.
func (p *Tab) Script(expression string, args ...any) string {
	p.T.Helper()
	for i, a := range args {
		text, err := json.Marshal(a)
		if err != nil {
			p.T.Fatal(err)
		}
		args[i] = text
	}
	if len(args) > 0 {
		expression = fmt.Sprintf(expression, args...)
	}
	return expression
}

// Eval computes an expression on the page, into which arguments are filled as by [Tab.Script].
func Eval[T any](p *Tab, expression string, args ...any) T {
	p.T.Helper()
	var out T
	p.Do(chromedp.Evaluate(p.Script(expression, args...), &out))
	return out
}

// Point is the middle of what a selector finds, moved into sight.
func (p *Tab) Point(selector string) (x, y float64) {
	p.T.Helper()
	at := Eval[[]float64](p, `(() => {
		const e = document.querySelector(%s);
		if (!e) return null;
		e.scrollIntoView({block: 'nearest', behavior: 'instant'});
		const r = e.getClientRects()[0]; // of a link on two lines: the first
		return [r.x + r.width / 2, r.y + r.height / 2];
	})()`, selector)
	if at == nil {
		p.T.Fatalf("there is no %s", selector)
	}
	return at[0], at[1]
}

func (p *Tab) Hover(selector string) {
	p.T.Helper()
	x, y := p.Point(selector)
	p.Do(chromedp.MouseEvent(input.MouseMoved, x, y))
}

// Leave moves the pointer off everything.
func (p *Tab) Leave() {
	p.T.Helper()
	p.Do(chromedp.MouseEvent(input.MouseMoved, 2, 2))
}

func (p *Tab) Click(selector string) {
	p.T.Helper()
	x, y := p.Point(selector)
	p.Do(chromedp.MouseClickXY(x, y))
}

func (p *Tab) ClickAt(x, y float64) {
	p.T.Helper()
	p.Do(chromedp.MouseEvent(input.MouseMoved, x, y), chromedp.MouseClickXY(x, y))
}

// Focus gives an element the keyboard.
func Focus(selector string) chromedp.Action { return chromedp.Focus(selector, chromedp.ByQuery) }

func (p *Tab) Press(keys ...string) {
	p.T.Helper()
	for _, k := range keys {
		p.Do(chromedp.KeyEvent(k))
	}
}

// Choose picks an option of a select by its text, as a person with a keyboard does.
func (p *Tab) Choose(selector, option string) {
	p.T.Helper()
	if !Eval[bool](p, `(() => {
		const s = document.querySelector(%s), o = [...s.options].find(o => o.text === %s);
		if (!o) return false;
		s.value = o.value;
		s.dispatchEvent(new Event('input', {bubbles: true}));
		s.dispatchEvent(new Event('change', {bubbles: true}));
		return true;
	})()`, selector, option) {
		p.T.Fatalf("%s has no option %q", selector, option)
	}
}

// Text is what stands in an element, with spaces that may break.
func (p *Tab) Text(selector string) string {
	p.T.Helper()
	return Eval[string](p, `document.querySelector(%s).textContent.replaceAll('\u00a0', ' ')`, selector)
}

// Becomes waits until an element has a text: the page hears of what the system prefers with its next frame.
func (p *Tab) Becomes(what, selector, want string) {
	p.T.Helper()
	testwait.Until(p.T, fmt.Sprintf("%s: %s becomes %q", what, selector, want), func() bool { return p.Text(selector) == want })
}

// Keep saves a screenshot if LXMERT_SCREENSHOTS names a folder: of the whole page, or of what is in sight.
func (p *Tab) Keep(name string, whole bool) {
	p.T.Helper()
	dir := os.Getenv("LXMERT_SCREENSHOTS")
	if dir == "" {
		return
	}
	var png []byte
	shot := chromedp.Action(chromedp.CaptureScreenshot(&png))
	if whole {
		shot = chromedp.FullScreenshot(&png, 100)
	}
	p.Do(shot)
	if err := os.MkdirAll(dir, 0o755); err != nil {
		p.T.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(dir, name+".png"), png, 0o644); err != nil {
		p.T.Fatal(err)
	}
}

// Downloads lets the page save files into a folder.
func (p *Tab) Downloads(dir string) {
	p.T.Helper()
	p.Do(chromedp.ActionFunc(func(ctx context.Context) error {
		c := chromedp.FromContext(ctx)
		return browser.SetDownloadBehavior(browser.SetDownloadBehaviorBehaviorAllow).WithBrowserContextID(c.BrowserContextID).
			WithDownloadPath(dir).WithEventsEnabled(true).Do(cdp.WithExecutor(ctx, c.Browser))
	}))
}
