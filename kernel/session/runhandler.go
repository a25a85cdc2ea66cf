package session

import (
	"encoding/json"
	"net/http"
	"time"

	"github.com/seed-516990b0/golxmert/kernel/client"
	"github.com/seed-516990b0/golxmert/kernel/internal/wire"
)

func (s *Server) answerRuns(w http.ResponseWriter, _ *http.Request) error {
	return writeJSON(w, s.runs.list(false))
}

func (s *Server) answerStart(w http.ResponseWriter, r *http.Request) error {
	var ask client.Run
	if err := s.readJSON(w, r, &ask); err != nil {
		return err
	}
	ask.Notebook, ask.Point = notebook(r), nil
	info, err := s.runs.start(ask)
	if err != nil {
		return err
	}
	return writeJSON(w, info)
}

// runOf is the run that a call is about.
func (s *Server) runOf(r *http.Request) (*run, error) {
	return s.runs.find(r.PathValue("id"), r.FormValue("in"))
}

func (s *Server) answerRunOf(w http.ResponseWriter, r *http.Request) error {
	x, err := s.runOf(r)
	if err != nil {
		return err
	}
	return writeJSON(w, x.now())
}

func (s *Server) answerStop(w http.ResponseWriter, r *http.Request) error {
	x, err := s.runOf(r)
	if err != nil {
		return err
	}
	if err := s.runs.stop(r.Context(), x, "stopped by "+notebook(r)); err != nil {
		return err
	}
	return writeJSON(w, x.now())
}

func (s *Server) answerResume(w http.ResponseWriter, r *http.Request) error {
	x, err := s.runOf(r)
	if err != nil {
		return err
	}
	info, err := s.runs.resume(r.Context(), x)
	if err != nil {
		return err
	}
	return writeJSON(w, info)
}

const (
	heartbeat = 10 * time.Second
	// pause is the least time between two pieces of a stream: progress that changes faster is not told.
	pause = 50 * time.Millisecond
)

// answerEvents streams what has happened to a run and what happens, a line of JSON each.
func (s *Server) answerEvents(w http.ResponseWriter, r *http.Request) error {
	x, err := s.runOf(r)
	if err != nil {
		return err
	}
	attached := r.FormValue("attach") != ""
	w.Header().Set("Content-Type", "application/x-ndjson")
	control := http.NewResponseController(w)
	lines := json.NewEncoder(w)
	beat := time.NewTicker(heartbeat)
	defer beat.Stop()
	var seq int64
	seen := -1
	for {
		events, latest, count, ended, woken := x.since(seq, seen)
		seen = count
		for _, e := range events {
			seq = e.Seq
			if err = lines.Encode(e); err != nil {
				break
			}
		}
		if latest != nil && err == nil {
			err = lines.Encode(client.Event{Time: time.Now(), Progress: latest})
		}
		if ended && err == nil {
			err = lines.Encode(client.Event{State: wire.EndOfEvents})
		}
		if err == nil {
			err = control.Flush()
		}
		if ended {
			return nil
		}
		if err != nil || r.Context().Err() != nil {
			if attached { // by the one who answered for the run
				x.interrupt("its cell was interrupted or has ended")
			}
			return nil // nobody is left to be told
		}
		select {
		case <-r.Context().Done():
		case <-time.After(pause):
		}
		select {
		case <-woken:
		case <-r.Context().Done():
		case <-beat.C:
			_, err = w.Write([]byte{'\n'})
		}
	}
}
