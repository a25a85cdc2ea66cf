package fetch

import (
	"fmt"
	"net/http"
	"net/http/httptest"
	"os"
	"strings"
	"testing"
)

func TestNoConnectionIsOneLineWithWhatToDo(t *testing.T) {
	closed := httptest.NewServer(http.NotFoundHandler())
	closed.Close()
	f := newFetcher(t, one(plain("data/a.json", closed.URL+"/a"), plain("data/b.json", closed.URL+"/b")))
	_, err := f.get(t)
	says(t, err, nil, "no connection", "connection refused", closed.URL+"/a to "+f.at("data/a.json"), closed.URL+"/b to "+f.at("data/b.json"))
	if strings.Contains(err.Error(), "\n") || len(f.pauses) != 0 {
		t.Errorf("%v, after %v", err, f.pauses)
	}
	f.Manifest = one(plain("data/a.json", "https://nowhere.invalid/a"))
	f.Client.Transport = transport(func(*http.Request) (*http.Response, error) {
		return nil, fmt.Errorf("no network in tests")
	})
	_, err = f.get(t)
	says(t, err, nil, "no network in tests", "download https://nowhere.invalid/a by hand and put it at "+f.at("data/a.json"))
}

// transport stands in for a network.
type transport func(*http.Request) (*http.Response, error)

func (t transport) RoundTrip(r *http.Request) (*http.Response, error) { return t(r) }

func TestCertificatesAreChecked(t *testing.T) {
	a := list(300, 1)
	s := &site{files: map[string][]byte{"/a": a}}
	s.Server = httptest.NewUnstartedServer(s)
	s.Config.ErrorLog = discard
	s.StartTLS()
	defer s.Close()
	f := newFetcher(t, one(plain("data/a.json", s.URL+"/a")))
	f.Insecure, f.Client = false, nil
	_, err := f.get(t)
	says(t, err, nil, "certificate is not valid", "--insecure")
	if len(f.pauses) != 0 {
		t.Errorf("tried again after %v", f.pauses)
	}
	f.Insecure = true
	f.mustGet(t)
	f.holds(t, "data/a.json", a)
}

func TestPlainHTTPHasToBeAskedFor(t *testing.T) {
	s := newSite(t, map[string][]byte{"/a": list(300, 1)})
	f := newFetcher(t, one(plain("data/a.json", s.URL+"/a")))
	f.Insecure = false
	_, err := f.get(t)
	says(t, err, nil, "plain http", "--insecure")

	secure := httptest.NewTLSServer(http.RedirectHandler(s.URL+"/a", http.StatusFound))
	defer secure.Close()
	f.Client = secure.Client()
	f.Manifest = one(plain("data/a.json", secure.URL+"/a"))
	_, err = f.get(t)
	says(t, err, nil, "redirects to http://", "plain http")
	if got := s.asked(); len(got) != 0 {
		t.Errorf("asked for %q", got)
	}
}

func TestPasswordsAreNotShown(t *testing.T) {
	a := list(300, 1)
	s := newSite(t, map[string][]byte{"/data/a.json": a})
	f := newFetcher(t, one(plain("data/a.json", "https://host.org/a"), plain("data/b.json", "https://host.org/b")))
	f.BaseURL = strings.Replace(s.URL, "//", "//me:secret@", 1)
	_, err := f.get(t)
	says(t, err, nil, "me:xxxxx@")
	rec, readErr := os.ReadFile(f.at(recordName))
	if readErr != nil || strings.Contains(err.Error()+f.log.String()+string(rec), "secret") {
		t.Errorf("error %v, log %s, record %s, %v", err, &f.log, rec, readErr)
	}
}
