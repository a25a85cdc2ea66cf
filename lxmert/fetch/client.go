package fetch

import (
	"crypto/tls"
	"fmt"
	"net/http"
	"net/url"
)

// newClient is the client of a run: base, or one of its own, that follows redirects carefully.
func newClient(base *http.Client, insecure bool) *http.Client {
	var c http.Client
	if base != nil {
		c = *base
	} else if insecure {
		t := http.DefaultTransport.(*http.Transport).Clone()
		t.TLSClientConfig = &tls.Config{InsecureSkipVerify: true}
		c.Transport = t
	}
	c.CheckRedirect = func(req *http.Request, via []*http.Request) error {
		if len(via) >= 10 {
			return errRedirects
		}
		if req.URL.Scheme != "https" && via[0].URL.Scheme == "https" && !insecure {
			return &answerError{text: fmt.Sprintf("it redirects to %s://%s: %v", req.URL.Scheme, req.URL.Host, errPlain)}
		}
		return nil
	}
	return &c
}

// withoutPassword is an address as it may be shown and kept.
func withoutPassword(u string) string {
	parsed, err := url.Parse(u)
	if err != nil {
		return "an unreadable address"
	}
	return parsed.Redacted()
}
