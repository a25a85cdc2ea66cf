package testbrowser

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/chromedp/chromedp"
)

func TestMain(m *testing.M) { os.Exit(Main(m)) }

func TestTheBrowserHearsMessagesAndRequests(t *testing.T) {
	file := filepath.Join(t.TempDir(), "page.html")
	const page = `<!doctype html><body><script>console.warn('wolf'); fetch('https://example.org/a').catch(() => document.body.append(document.createElement('hr')))</script>`
	if err := os.WriteFile(file, []byte(page), 0o600); err != nil {
		t.Fatal(err)
	}
	p := Visit(t, file, Look{Loud: true})
	p.Do(chromedp.WaitReady("hr", chromedp.ByQuery))
	p.mu.Lock()
	defer p.mu.Unlock()
	if messages := strings.Join(p.messages, "\n"); !strings.Contains(messages, "wolf") {
		t.Errorf("messages: %s", messages)
	}
	if requests := strings.Join(p.requests, "\n"); !strings.Contains(requests, "https://example.org/a") {
		t.Errorf("requests: %s", requests)
	}
}
