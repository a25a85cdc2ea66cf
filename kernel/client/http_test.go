package client

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"net"
	"net/http"
	"path/filepath"
	"strconv"
	"strings"
	"testing"

	"github.com/seed-516990b0/golxmert/internal/testwait"
)

// listen serves over a unix socket, and returns how to reach it.
func listen(t *testing.T, serve func(net.Listener)) (dial func() net.Conn) {
	t.Helper()
	path := filepath.Join(t.TempDir(), "s")
	l, err := net.Listen("unix", path)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { l.Close() })
	go serve(l)
	return func() net.Conn {
		conn, err := net.Dial("unix", path)
		if err != nil {
			t.Fatal(err)
		}
		return conn
	}
}

// The server is that of Go's library, which the session uses.
func TestExchangeWithTheLibrarysServer(t *testing.T) {
	mux := http.NewServeMux()
	mux.HandleFunc("POST /echo", func(w http.ResponseWriter, r *http.Request) {
		data, err := io.ReadAll(r.Body)
		if err != nil {
			t.Error(err)
		}
		w.Header().Set("X-Query", r.URL.Query().Get("in"))
		w.Header().Set("X-Own", r.Header.Get("X-Own"))
		if r.URL.Query().Get("known") != "" {
			w.Header().Set("Content-Length", strconv.Itoa(len(data)))
		}
		w.Write(data)
	})
	mux.HandleFunc("GET /pieces", func(w http.ResponseWriter, r *http.Request) {
		for i := range 100 {
			fmt.Fprintf(w, "%d\n", i)
			http.NewResponseController(w).Flush()
		}
	})
	mux.HandleFunc("GET /stops", func(w http.ResponseWriter, r *http.Request) {
		w.Write(make([]byte, 100<<10))
		http.NewResponseController(w).Flush()
		panic(http.ErrAbortHandler)
	})
	mux.HandleFunc("GET /short", func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Content-Length", "200000")
		w.Write(make([]byte, 100<<10))
		panic(http.ErrAbortHandler)
	})
	mux.HandleFunc("GET /long", func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("X", strings.Repeat("x", 2*maxAnswerHeader))
	})
	mux.HandleFunc("POST /refuse", func(w http.ResponseWriter, r *http.Request) {
		http.Error(w, "too much", http.StatusRequestEntityTooLarge) // nothing of the body is read
	})
	mux.HandleFunc("DELETE /nothing", func(w http.ResponseWriter, r *http.Request) { w.WriteHeader(http.StatusNoContent) })
	dial := listen(t, func(l net.Listener) { http.Serve(l, mux) })
	call := func(method, path string, data []byte) (*answer, []byte, error) {
		t.Helper()
		a, err := exchange(t.Context(), dial(), method, path, map[string]string{"X-Own": "a b"}, data)
		if err != nil {
			return nil, nil, err
		}
		defer a.body.Close()
		got, err := io.ReadAll(a.body)
		return a, got, err
	}
	for _, size := range []int{0, 1, 5000, 3 << 20} {
		data := bytes.Repeat([]byte{'x'}, size)
		for _, known := range []string{"", "&known=1"} {
			a, got, err := call("POST", "/echo?in=%2Fa%20b"+known, data)
			if err != nil || !bytes.Equal(got, data) || a.status != 200 || a.header.Get("X-Query") != "/a b" || a.header.Get("X-Own") != "a b" {
				t.Fatalf("%d bytes came back as %d: %+v, %v", size, len(got), a, err)
			}
			if known != "" && a.length != int64(size) {
				t.Errorf("the answer says it has %d bytes, it has %d", a.length, size)
			}
		}
	}
	if _, got, err := call("GET", "/pieces", nil); err != nil || strings.Count(string(got), "\n") != 100 {
		t.Errorf("%q, %v", got, err)
	}
	for _, path := range []string{"/stops", "/short", "/long"} {
		if _, _, err := call("GET", path, nil); err == nil {
			t.Errorf("%s is taken for a whole answer", path)
		}
	}
	if a, got, err := call("POST", "/refuse", make([]byte, 64<<20)); err != nil || a.status != 413 || string(got) != "too much\n" {
		t.Errorf("refused: %+v, %q, %v", a, got, err)
	}
	if a, got, err := call("DELETE", "/nothing", nil); err != nil || a.status != 204 || len(got) != 0 {
		t.Errorf("nothing: %+v, %q, %v", a, got, err)
	}
	if _, err := exchange(t.Context(), dial(), "GET", "/", map[string]string{"X": "a\r\nY: b"}, nil); err == nil {
		t.Error("a header of two lines is sent")
	}
}

func TestExchangeEndsWithItsContext(t *testing.T) {
	mux := http.NewServeMux()
	come, gone := make(chan struct{}, 2), make(chan struct{}, 2) // to the server, and that it knows that the caller is gone
	mux.HandleFunc("GET /{when}", func(w http.ResponseWriter, r *http.Request) {
		if r.PathValue("when") == "body" {
			w.Write([]byte("x"))
			http.NewResponseController(w).Flush()
		}
		come <- struct{}{}
		<-r.Context().Done()
		gone <- struct{}{}
	})
	dial := listen(t, func(l net.Listener) { http.Serve(l, mux) })
	for _, when := range []string{"header", "body"} {
		ctx, cancel := context.WithCancel(t.Context())
		defer cancel()
		if when == "header" {
			go func() { <-come; cancel() }()
		}
		a, err := exchange(ctx, dial(), "GET", "/"+when, nil, nil)
		if err == nil {
			cancel()
			_, err = io.ReadAll(a.body)
			a.body.Close()
		}
		if err == nil {
			t.Errorf("%s: a call that was given up has an answer", when)
		}
		testwait.Receive(t, when+": the server hears that the call was given up", gone)
	}
}

// FuzzAnswer reads anything at all: it neither panics nor takes memory beyond what came.
func FuzzAnswer(f *testing.F) {
	for _, text := range []string{
		"", "\n", "HTTP/1.1 200 OK\r\n\r\n", "HTTP/1.1 200 OK\r\nContent-Length: 3\r\n\r\nabc", "HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nabc",
		"HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 204 No Content\r\n\r\n", "HTTP/1.1 100 Continue\r\n\r\n",
		"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3;a=b\r\nabc\r\n0\r\nX: y\r\n\r\n", "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabcd\r\n",
		"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n7fffffffffffffff\r\nab", "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n-1\r\nab",
		"HTTP/1.1 200 OK\r\nTransfer-Encoding: gzip\r\n\r\n", "HTTP/1.1 200 OK\r\nContent-Length: -1\r\n\r\n", "HTTP/1.1 2 OK\r\n\r\n", "SSH-2.0-x\r\n", "HTTP/1.1 200 OK\r\nno header\r\n\r\n",
	} {
		f.Add([]byte(text))
	}
	f.Fuzz(func(t *testing.T, text []byte) {
		a, err := readAnswer(bytes.NewReader(text))
		if err != nil {
			if strings.Contains(err.Error(), "\n") {
				t.Errorf("an error of several lines: %q", err)
			}
			return
		}
		if got, err := io.ReadAll(a.body); err == nil && len(got) > len(text) {
			t.Errorf("%d bytes come out of %d", len(got), len(text))
		}
	})
}
