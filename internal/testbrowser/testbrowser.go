// Package testbrowser starts the browser in which tests look at pages.
package testbrowser

import (
	"context"
	"fmt"
	"os/exec"
	"slices"
	"testing"

	"github.com/chromedp/chromedp"

	"github.com/seed-516990b0/golxmert/internal/testneed"
	"github.com/seed-516990b0/golxmert/internal/testwait"
)

// Find finds a Chromium. Without one the test is skipped, or fails if LXMERT_REQUIRE lists "chromium".
func Find(t testing.TB) (path string) {
	t.Helper()
	for _, name := range []string{"chromium", "chromium-browser", "google-chrome", "google-chrome-stable"} {
		if path, err := exec.LookPath(name); err == nil {
			return path
		}
	}
	testneed.Require(t, "chromium", false, "neither chromium nor google-chrome is on the PATH: no page was tried in a browser")
	return ""
}

// Start starts the Chromium that [Find] finds, which reaches no host, or only those named, until stop is called. Tabs are
// contexts below the one that it returns.
func Start(t testing.TB, hosts ...string) (browser context.Context, stop func(), err error) {
	t.Helper()
	path := Find(t)
	reach := "MAP * ~NOTFOUND"
	for _, host := range hosts {
		reach += ", EXCLUDE " + host
	}
	alloc, stopAlloc := chromedp.NewExecAllocator(context.Background(), append(slices.Clone(chromedp.DefaultExecAllocatorOptions[:]),
		chromedp.ExecPath(path),
		chromedp.NoSandbox, // root may not have one
		chromedp.DisableGPU, chromedp.Flag("host-resolver-rules", reach), chromedp.WSURLReadTimeout(testwait.Patience(t)))...)
	browser, stopBrowser := chromedp.NewContext(alloc,
		chromedp.WithErrorf(func(string, ...any) {}), // what this browser sends beyond the protocol that chromedp knows is not a failure
		chromedp.WithBrowserOption(chromedp.WithDialTimeout(testwait.Patience(t))))
	stop = func() { stopBrowser(); stopAlloc() }
	if err := chromedp.Run(browser); err != nil {
		stop()
		return nil, nil, fmt.Errorf("the browser does not start: %w", err)
	}
	return browser, stop, nil
}
