package session

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"os"
	"runtime/debug"
	"strconv"
	"strings"
	"time"

	"github.com/seed-516990b0/golxmert/analysis/display"
	"github.com/seed-516990b0/golxmert/analysis/figure"
	"github.com/seed-516990b0/golxmert/internal/excerpt"
	"github.com/seed-516990b0/golxmert/internal/resident"
	"github.com/seed-516990b0/golxmert/kernel/client"
	"github.com/seed-516990b0/golxmert/kernel/internal/wire"
	"github.com/seed-516990b0/golxmert/lxmert"
	"github.com/seed-516990b0/golxmert/lxmert/question"
	"github.com/seed-516990b0/golxmert/lxmert/toy"
)

// handler routes calls.
func (s *Server) handler() http.Handler {
	mux := http.NewServeMux()
	for pattern, answer := range map[string]func(w http.ResponseWriter, r *http.Request) error{
		"GET /hello":             s.answerHello,
		"GET /status":            s.answerStatus,
		"GET /logs":              s.answerLogs,
		"POST /shutdown":         s.answerShutdown,
		"POST /open":             s.answerOpen,
		"POST /run":              s.answerRun,
		"POST /batch":            s.answerBatch,
		"POST /ask":              s.answerAsk,
		"POST /questions":        s.answerQuestions,
		"POST /images":           s.answerImages,
		"POST /names":            s.answerNames,
		"POST /study":            s.answerStudy,
		"POST /draw":             s.answerDraw,
		"POST /browse":           s.answerBrowse,
		"GET /values":            s.answerValues,
		"PUT /values/{name}":     s.answerPut,
		"GET /values/{name}":     s.answerGet,
		"DELETE /values/{name}":  s.answerDelete,
		"GET /runs":              s.answerRuns,
		"POST /runs":             s.answerStart,
		"POST /sweeps":           s.answerSweep,
		"GET /runs/{id}":         s.answerRunOf,
		"POST /runs/{id}/stop":   s.answerStop,
		"POST /runs/{id}/resume": s.answerResume,
		"GET /runs/{id}/events":  s.answerEvents,
	} {
		mux.HandleFunc(pattern, func(w http.ResponseWriter, r *http.Request) { s.serve(w, r, answer) })
	}
	return mux
}

// serve answers one call: errors become faults, and so do panics, so that one call cannot end the others.
func (s *Server) serve(w http.ResponseWriter, r *http.Request, answer func(http.ResponseWriter, *http.Request) error) {
	watching := r.URL.Path == "/hello" || r.URL.Path == "/status" || r.URL.Path == "/logs"
	if !watching { // who only looks does not keep the session alive
		defer s.activity.begin()()
	}
	err := func() (err error) {
		defer func() {
			if p := recover(); p != nil {
				s.log.printf("%s %s: panic: %v\n%s", r.Method, r.URL.Path, p, debug.Stack())
				err = fmt.Errorf("session: an error of this program in %s: %v; the log has more", r.URL.Path, p)
			}
		}()
		// Whoever has another build can still end this one.
		if v := r.Header.Get(wire.ProtocolHeader); v != strconv.Itoa(wire.Protocol) && r.URL.Path != "/shutdown" {
			return s.otherProtocol(v)
		}
		if !s.gate.enter() {
			return errEnding
		}
		defer s.gate.leave()
		return answer(w, r)
	}()
	if err == nil {
		return
	}
	f := faultOf(r.Context(), err)
	if f.Kind == wire.Canceled && s.gate.closed() {
		f = &wire.Fault{Kind: wire.Ended, Message: "session: it was ended while it worked on this call; the next call starts it anew"}
	}
	if f.Kind != wire.Canceled {
		s.log.printf("%s %s for %s: %s", r.Method, r.URL.Path, notebook(r), f.Message)
	}
	writeFault(w, f)
}

// writeFault answers a call with an error.
func writeFault(w http.ResponseWriter, f *wire.Fault) {
	text, err := json.Marshal(f)
	if err != nil { // strings always encode
		text = nil
	}
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(f.Kind.Status())
	w.Write(append(text, '\n')) // the caller may be gone
}

// otherProtocol is the error for a client of another build. A session that has nothing to do makes room for one that
// understands it.
func (s *Server) otherProtocol(theirs string) error {
	if working, waiting := s.calls.state(); len(working)+len(waiting)+s.runs.active() == 0 {
		s.end()
		return &wire.Fault{Kind: wire.Ending, Message: "session: it is of another build than this program, and ends; the next call starts one that fits"}
	}
	return &wire.Fault{Kind: wire.Version, Message: fmt.Sprintf("session: process %d is of another build (protocol %d, this program has %s) and has work to do: "+
		"`kernel session status` shows it, `kernel session stop` ends it, saved", os.Getpid(), wire.Protocol, shownProtocol(theirs))}
}

func shownProtocol(s string) string {
	if _, err := strconv.Atoi(s); err != nil || len(s) > 9 {
		return "none"
	}
	return s
}

// faultOf says what kind an error is.
func faultOf(ctx context.Context, err error) *wire.Fault {
	var f *wire.Fault
	kind := wire.Failed
	switch {
	case errors.As(err, &f):
		return f
	case ctx.Err() != nil || errors.Is(err, context.Canceled):
		kind = wire.Canceled
	case errors.Is(err, lxmert.ErrBatch):
		kind = wire.Batch
	case errors.Is(err, wire.ErrFrame), errors.Is(err, question.ErrQuestion), errors.Is(err, question.ErrOptions), errors.Is(err, lxmert.ErrNoAnswers), errors.Is(err, toy.ErrNoWorld):
		kind = wire.Usage
	}
	return &wire.Fault{Kind: kind, Message: oneLine(err)}
}

// oneLine is an error's text; several errors that were joined become one line.
func oneLine(err error) string { return strings.ReplaceAll(strings.TrimSpace(err.Error()), "\n", "; ") }

// notebook is on whose behalf a call is made.
func notebook(r *http.Request) string {
	name, err := wire.HeaderValue(r.Header.Get(wire.ClientHeader))
	if err != nil || name == "" {
		return "somebody"
	}
	return excerpt.Cut(name, longestEcho)
}

// body reads a call's body within the limits of size, memory and time. release must follow once it is no longer used.
func (s *Server) body(w http.ResponseWriter, r *http.Request) (data []byte, release func(), err error) {
	n := r.ContentLength
	switch {
	case n < 0:
		return nil, nil, &wire.Fault{Kind: wire.Usage, Message: "session: a call must say how long its body is"}
	case n > s.opt.MaxBody:
		return nil, nil, &wire.Fault{Kind: wire.Usage, Message: fmt.Sprintf("session: a call of %d MB, the most is %d MB: smaller batches are as fast", mb(n), mb(s.opt.MaxBody))}
	}
	if err := s.bodies.take(r.Context(), n); err != nil {
		return nil, nil, err
	}
	release = func() { s.bodies.give(n) }
	control := http.NewResponseController(w)
	if err := control.SetReadDeadline(time.Now().Add(s.opt.Slow * time.Duration(1+n>>20))); err != nil {
		release()
		return nil, nil, fmt.Errorf("session: %w", err)
	}
	data = make([]byte, n)
	if _, err := io.ReadFull(r.Body, data); err != nil {
		release()
		return nil, nil, &wire.Fault{Kind: wire.Usage, Message: fmt.Sprintf("session: the body of a call did not arrive: %v", err)}
	}
	// From here on a read ends only when the caller goes away, which is how that is noticed.
	if err := control.SetReadDeadline(time.Time{}); err != nil {
		release()
		return nil, nil, fmt.Errorf("session: %w", err)
	}
	return data, release, nil
}

// maxJSON bounds calls that are JSON, in bytes.
const maxJSON = 16 << 20

// readJSON reads a call whose body is JSON.
func (s *Server) readJSON(w http.ResponseWriter, r *http.Request, into any) error {
	if r.ContentLength > maxJSON {
		return &wire.Fault{Kind: wire.Usage, Message: fmt.Sprintf("session: a call of %d MB, the most is %d MB", mb(r.ContentLength), mb(maxJSON))}
	}
	data, release, err := s.body(w, r)
	if err != nil {
		return err
	}
	defer release()
	if err := json.Unmarshal(data, into); err != nil {
		return &wire.Fault{Kind: wire.Usage, Message: fmt.Sprintf("session: the call is not the JSON that it should be: %v", err)}
	}
	return nil
}

func writeJSON(w http.ResponseWriter, v any) error {
	text, err := json.Marshal(v)
	if err != nil {
		return fmt.Errorf("session: %w", err)
	}
	w.Header().Set("Content-Type", "application/json")
	w.Header().Set("Content-Length", strconv.Itoa(len(text)))
	w.Write(text) // a caller who has gone is told nothing
	return nil
}

// writeTrace answers with a frame. What cannot be written is noticed before the first byte.
func writeTrace(w http.ResponseWriter, header any, t *lxmert.Trace) error {
	var b bytes.Buffer
	b.Grow(sizeOf(t))
	if err := wire.WriteFrame(&b, header, t); err != nil {
		return fmt.Errorf("session: %w", err)
	}
	w.Header().Set("Content-Type", "application/octet-stream")
	w.Header().Set("Content-Length", strconv.Itoa(b.Len()))
	w.Write(b.Bytes())
	return nil
}

// sizeOf is about how many bytes a trace takes as a file.
func sizeOf(t *lxmert.Trace) int {
	n := 1 << 14
	for _, values := range []map[string]lxmert.Tensor{t.Values, t.Grads} {
		for name, x := range values {
			n += 4*len(x.Data) + len(name) + 100
		}
	}
	for _, x := range t.Top {
		n += 8*len(x.Index) + 200
	}
	if t.Batch != nil {
		n += 4 * (len(t.Batch.Feats.Data) + len(t.Batch.Boxes.Data))
	}
	return n
}

func (s *Server) hello() client.Hello {
	return client.Hello{Protocol: wire.Protocol, Version: s.program.version, PID: os.Getpid(), Program: s.program.path, Started: s.started, Log: s.place.Log}
}

func (s *Server) answerHello(w http.ResponseWriter, _ *http.Request) error {
	return writeJSON(w, s.hello())
}

func (s *Server) answerStatus(w http.ResponseWriter, _ *http.Request) error {
	st := client.Status{
		Hello: s.hello(), Backend: s.compute.describe(), Memory: s.memory.inUse(), Limit: s.opt.Memory, Resident: resident.Bytes(), Device: s.compute.memory(),
		Models: s.models.list(), Runs: s.runs.list(true), Values: len(s.values.list()), Idle: s.activity.idle(), IdleLimit: s.opt.Idle, Outdated: s.program.replaced(),
	}
	st.Working, st.Waiting = s.calls.state()
	return writeJSON(w, st)
}

func (s *Server) answerLogs(w http.ResponseWriter, r *http.Request) error {
	n, err := strconv.ParseInt(r.FormValue("bytes"), 10, 64)
	if err != nil || n < 0 {
		return &wire.Fault{Kind: wire.Usage, Message: "session: how many bytes of the log?"}
	}
	text, err := s.log.tail(n)
	if err != nil {
		return err
	}
	w.Header().Set("Content-Type", "text/plain; charset=utf-8")
	w.Header().Set("Content-Length", strconv.Itoa(len(text)))
	w.Write(text)
	return nil
}

func (s *Server) answerShutdown(w http.ResponseWriter, _ *http.Request) error {
	defer s.end()
	return writeJSON(w, struct{}{})
}

func (s *Server) answerOpen(w http.ResponseWriter, r *http.Request) error {
	var spec client.Spec
	if err := s.readJSON(w, r, &spec); err != nil {
		return err
	}
	info, err := s.open(r.Context(), spec)
	if err != nil {
		return err
	}
	return writeJSON(w, info)
}

func (s *Server) answerRun(w http.ResponseWriter, r *http.Request) error {
	data, release, err := s.body(w, r)
	if err != nil {
		return err
	}
	defer release()
	var h struct {
		Spec    client.Spec  `json:"spec"`
		Request wire.Request `json:"request"`
	}
	t, err := wire.ReadFrame(data, &h)
	if err != nil {
		return err
	}
	b, request, err := h.Request.Unpack(t)
	if err != nil {
		return err
	}
	trace, err := s.run(r.Context(), notebook(r), h.Spec, b, request)
	if err != nil {
		return err
	}
	trace.Batch = nil // the caller has it
	return writeTrace(w, struct{}{}, trace)
}

func (s *Server) answerBatch(w http.ResponseWriter, r *http.Request) error {
	var h struct {
		Spec      client.Spec       `json:"spec"`
		Questions []client.Question `json:"questions"`
	}
	if err := s.readJSON(w, r, &h); err != nil {
		return err
	}
	b, err := s.batch(r.Context(), h.Spec, h.Questions)
	if err != nil {
		return err
	}
	return writeTrace(w, map[string]any{"notes": notes(b, h.Spec)}, &lxmert.Trace{Batch: b.Batch})
}

// answerAsk sends what answers are read from, and the model's input of the questions: the caller reads them, see
// [client.Model.Ask].
func (s *Server) answerAsk(w http.ResponseWriter, r *http.Request) error {
	var h struct {
		Spec      client.Spec       `json:"spec"`
		Questions []client.Question `json:"questions"`
	}
	if err := s.readJSON(w, r, &h); err != nil {
		return err
	}
	b, t, err := s.ask(r.Context(), notebook(r), h.Spec, h.Questions)
	if err != nil {
		return err
	}
	t.Batch = b.Batch
	return writeTrace(w, map[string]any{"notes": notes(b, h.Spec)}, t)
}

func (s *Server) answerQuestions(w http.ResponseWriter, r *http.Request) error {
	var h struct {
		Spec *client.Spec `json:"spec"`
		Name string       `json:"name"`
		N    int          `json:"n"`
	}
	if err := s.readJSON(w, r, &h); err != nil {
		return err
	}
	questions, err := s.questions(r.Context(), h.Spec, h.Name, h.N)
	if err != nil {
		return err
	}
	return writeJSON(w, questions)
}

func (s *Server) answerImages(w http.ResponseWriter, r *http.Request) error {
	var spec client.Spec
	if err := s.readJSON(w, r, &spec); err != nil {
		return err
	}
	ids, err := question.ImageIDs(r.Context(), s.shelf, spec.Regions)
	if err != nil {
		return err
	}
	return writeJSON(w, ids)
}

func (s *Server) answerNames(w http.ResponseWriter, r *http.Request) error {
	var spec client.Spec
	if err := s.readJSON(w, r, &spec); err != nil {
		return err
	}
	names, err := s.names(r.Context(), spec)
	if err != nil {
		return err
	}
	return writeJSON(w, names)
}

// answerDraw draws what the cell has computed. It takes no turn: it needs no model.
func (s *Server) answerDraw(w http.ResponseWriter, r *http.Request) error {
	data, release, err := s.body(w, r)
	if err != nil {
		return err
	}
	defer release()
	order, err := display.DecodeOrder(data)
	if err != nil {
		return &wire.Fault{Kind: wire.Usage, Message: "session: " + oneLine(err)}
	}
	drawn, err := figure.Fill(order)
	if err != nil {
		return err
	}
	out, err := drawn.Encode()
	if err != nil {
		return fmt.Errorf("session: %w", err)
	}
	w.Header().Set("Content-Type", "application/octet-stream")
	w.Header().Set("Content-Length", strconv.Itoa(len(out)))
	w.Write(out)
	return nil
}

func (s *Server) answerValues(w http.ResponseWriter, _ *http.Request) error {
	return writeJSON(w, s.values.list())
}

func (s *Server) answerPut(w http.ResponseWriter, r *http.Request) error {
	v := client.Value{Name: r.PathValue("name")}
	var err error
	if v.Type, err = wire.HeaderValue(r.Header.Get(wire.TypeHeader)); err == nil {
		v.Source, err = wire.HeaderValue(r.Header.Get(wire.SourceHeader))
	}
	if err != nil {
		return &wire.Fault{Kind: wire.Usage, Message: "session: " + err.Error()}
	}
	data, release, err := s.body(w, r)
	if err != nil {
		return err
	}
	defer release()
	v.Data = data
	if err := s.values.put(v); err != nil {
		return err
	}
	return writeJSON(w, struct{}{})
}

func (s *Server) answerGet(w http.ResponseWriter, r *http.Request) error {
	v, ok := s.values.get(r.PathValue("name"))
	if !ok {
		return &wire.Fault{Kind: wire.NotFound, Message: fmt.Sprintf("session: nothing is kept as %q", excerpt.Cut(r.PathValue("name"), longestEcho))}
	}
	w.Header().Set(wire.TypeHeader, wire.HeaderText(v.Type))
	w.Header().Set(wire.SourceHeader, wire.HeaderText(v.Source))
	w.Header().Set(wire.ModifiedHeader, v.Kept.Format(time.RFC3339Nano))
	w.Header().Set("Content-Length", strconv.Itoa(len(v.Data)))
	w.Write(v.Data)
	return nil
}

func (s *Server) answerDelete(w http.ResponseWriter, r *http.Request) error {
	s.values.delete(r.PathValue("name"))
	return writeJSON(w, struct{}{})
}

// longestEcho bounds what an error says of a name that came with a call, in bytes.
const longestEcho = 60
