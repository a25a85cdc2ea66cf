package fetch

import (
	"crypto/tls"
	"errors"
	"fmt"
	"net"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"time"
)

// Errors that callers may want to tell apart.
var (
	// ErrChecksum is wrapped where a file has another SHA-256 than is known.
	ErrChecksum = errors.New("another checksum")
	// ErrSpace is wrapped where the disk has too little room.
	ErrSpace = errors.New("too little free space")
	// ErrSet is wrapped where there is no set of a name.
	ErrSet = errors.New("no such set")
)

var (
	errStalled   = errors.New("the server stalled")
	errRedirects = errors.New("it redirects in a circle")
	errPlain     = errors.New("plain http, which anybody on the way can change; --insecure takes it")
)

// localError is a problem of this machine, which no mirror will solve.
type localError struct{ err error }

func (e *localError) Error() string { return e.err.Error() }
func (e *localError) Unwrap() error { return e.err }

// answerError is an answer that is of no use.
type answerError struct {
	text      string
	temporary bool          // the next answer may be
	lie       bool          // it contradicts what was said before: the part is worth nothing
	after     time.Duration // when the server wants to be asked again, 0: it does not say
}

func (e *answerError) Error() string { return e.text }

func statusError(resp *http.Response) error {
	e := &answerError{text: fmt.Sprintf("%d %s", resp.StatusCode, http.StatusText(resp.StatusCode))}
	switch code := resp.StatusCode; {
	case code == http.StatusRequestTimeout, code == http.StatusTooEarly, code == http.StatusTooManyRequests, code >= 500:
		e.temporary = true
		if s, err := strconv.Atoi(resp.Header.Get("Retry-After")); err == nil && s > 0 {
			e.after = time.Duration(min(s, 3600)) * time.Second
		}
	}
	return e
}

// isTemporary says whether asking the same mirror again may help.
func isTemporary(err error) bool {
	var answer *answerError
	var local *localError
	var certificate *tls.CertificateVerificationError
	var record tls.RecordHeaderError
	switch {
	case errors.As(err, &answer):
		return answer.temporary
	case errors.As(err, &local), errors.As(err, &certificate), errors.As(err, &record),
		errors.Is(err, ErrContent), errors.Is(err, ErrChecksum), errors.Is(err, errRedirects), errors.Is(err, errPlain):
		return false
	}
	return true
}

// isUnreachable says whether there was no connection at all.
func isUnreachable(err error) bool {
	var dns *net.DNSError
	var op *net.OpError
	return errors.As(err, &dns) || errors.As(err, &op) && (op.Op == "dial" || op.Op == "proxyconnect")
}

// explain makes an error of the net packages short.
func explain(err error) string {
	var dns *net.DNSError
	var certificate *tls.CertificateVerificationError
	var op *net.OpError
	var inURL *url.Error
	switch {
	case errors.As(err, &certificate):
		return fmt.Sprintf("its certificate is not valid (%v); --insecure takes it", certificate.Err)
	case errors.As(err, &dns) && dns.IsNotFound:
		return "no such host"
	case isUnreachable(err) && errors.As(err, &op):
		return op.Err.Error()
	case errors.As(err, &inURL):
		text := err.Error()
		return strings.Replace(text, inURL.Error(), inURL.Err.Error(), 1)
	}
	return err.Error()
}

// mirrorError is why a host was of no use.
type mirrorError struct {
	host string
	err  error
}

// mirrorsError is why all were.
type mirrorsError []mirrorError

func (e mirrorsError) Error() string {
	texts := make([]string, len(e))
	for i, m := range e {
		texts[i] = m.host + ": " + explain(m.err)
	}
	return strings.Join(texts, "; ")
}

func (e mirrorsError) Unwrap() []error {
	errs := make([]error, len(e))
	for i, m := range e {
		errs[i] = m.err
	}
	return errs
}

// offline says whether no host could be reached.
func (e mirrorsError) offline() bool {
	return len(e) > 0 && !slices.ContainsFunc(e, func(m mirrorError) bool { return !isUnreachable(m.err) && m.err != errPlain })
}

// Failure is a file that could not be had.
type Failure struct {
	Place string // where it belongs
	URL   string // where a person may try to get it, for Put; "": nowhere
	Put   string // where to put what the URL gives
	Err   error
}

// Error names the file, the cause and what to do.
func (f Failure) Error() string {
	text := f.Place + ": " + f.Err.Error()
	if f.URL != "" {
		text += fmt.Sprintf("; download %s by hand and put it at %s", f.URL, f.Put)
	}
	return text
}

// Unwrap returns Err.
func (f Failure) Unwrap() error { return f.Err }

// Failed is the files of a set that could not be had; the others are there.
type Failed struct {
	Set   string
	Of    int // files in the set
	Files []Failure
}

// Error is one line if one cause explains all, and otherwise one per file.
func (f *Failed) Error() string {
	if len(f.Files) == 1 {
		return "fetch: " + f.Files[0].Error()
	}
	if hosts := f.offline(); hosts != "" {
		var by []string
		for _, file := range f.Files {
			by = append(by, file.URL+" to "+file.Put)
		}
		return fmt.Sprintf("fetch: no connection (%s); download by hand %s", hosts, strings.Join(by, ", "))
	}
	lines := []string{fmt.Sprintf("fetch: %d of the %d files of %s are missing:", len(f.Files), f.Of, f.Set)}
	for _, file := range f.Files {
		lines = append(lines, file.Error())
	}
	return strings.Join(lines, "\n  ")
}

// offline lists the causes if no host could be reached for any file.
func (f *Failed) offline() string {
	var causes []string
	for _, file := range f.Files {
		var m mirrorsError
		if !errors.As(file.Err, &m) || !m.offline() || file.URL == "" {
			return ""
		}
		for _, e := range m {
			if c := e.host + ": " + explain(e.err); e.err != errPlain && !slices.Contains(causes, c) {
				causes = append(causes, c)
			}
		}
	}
	return strings.Join(causes, "; ")
}

// Unwrap returns the failures.
func (f *Failed) Unwrap() []error {
	errs := make([]error, len(f.Files))
	for i, file := range f.Files {
		errs[i] = file
	}
	return errs
}
