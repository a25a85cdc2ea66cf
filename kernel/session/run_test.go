package session_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"syscall"
	"testing"

	"github.com/seed-516990b0/golxmert/internal/testwait"
	"github.com/seed-516990b0/golxmert/kernel/client"
)

// work is a folder with a copy of the golden data, in which runs train a tiny model; relative names are relative to it.
type work struct {
	t      *testing.T
	dir    string
	golden string
}

func newWork(t *testing.T) work {
	t.Helper()
	w := work{t, t.TempDir(), goldens(t)[0]}
	if err := os.CopyFS(filepath.Join(w.dir, "data"), os.DirFS(filepath.Join(w.golden, "toy", "data"))); err != nil {
		t.Fatal(err)
	}
	t.Chdir(w.dir) // a client's relative names are from where it was dialled
	return w
}

// args are the flags of a run with dropout, so that its random streams matter, and a line of metrics and a saved state
// at each step.
func (w work) args(output string, more ...string) []string {
	return append([]string{
		"--train", "train,nominival", "--valid", "minival", "--fromScratch", "--config", filepath.Join(w.golden, "config.json"), "--vocab", filepath.Join(w.golden, "tokenizer"),
		"--batch", "4", "--lr", "1e-3", "--dropout", "0.1", "--output", output, "--logSteps", "1",
	}, more...)
}

// endless are the epochs of a run that only ends when it is stopped.
const endless = "1000000"

// ended are the files of a finished run that must not depend on how often it was interrupted.
func (w work) ended(output string) string {
	w.t.Helper()
	all := ""
	for _, name := range []string{"LAST.pth", "BEST.pth", "log.log"} {
		text, err := os.ReadFile(filepath.Join(w.dir, output, name))
		if err != nil {
			w.t.Fatal(err)
		}
		all += string(text)
	}
	return all
}

// story is what a follower has seen.
type story struct {
	mu       sync.Mutex
	seq      []int64
	states   []client.State
	lines    []string
	steps    []int
	valid    int
	progress int
	last     client.Run
}

func (s *story) see(e client.Event) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if e.Seq > 0 {
		s.seq = append(s.seq, e.Seq)
	}
	switch {
	case e.State != "":
		s.states, s.last = append(s.states, e.State), *e.Run
	case e.Line != nil:
		s.lines = append(s.lines, *e.Line)
	case e.Progress != nil:
		s.progress++
	case e.Metrics != nil:
		var m struct {
			Step  *int
			Valid *float64
		}
		if err := json.Unmarshal(e.Metrics, &m); err != nil {
			return err
		}
		if m.Step != nil {
			s.steps = append(s.steps, *m.Step)
		} else if m.Valid != nil {
			s.valid++
		}
	}
	return nil
}

func (s *story) count() int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return len(s.steps)
}

// inOrder says whether numbers are 1, 2, 3, …
func inOrder[T int | int64](x []T) bool {
	for i, v := range x {
		if v != T(i+1) {
			return false
		}
	}
	return len(x) > 0
}

func (w work) start(c *client.Client, task string, args ...string) client.Run {
	w.t.Helper()
	run, err := c.StartRun(w.t.Context(), task, args)
	if err != nil {
		w.t.Fatal(err)
	}
	return run
}

func (w work) follow(c *client.Client, id string) *story {
	w.t.Helper()
	s := &story{}
	if err := c.Follow(w.t.Context(), id, s.see); err != nil {
		w.t.Fatal(err)
	}
	return s
}

// whole trains without interruption.
func (w work) whole(c *client.Client, epochs string) *story {
	w.t.Helper()
	s := w.follow(c, w.start(c, "vqa", w.args("whole", "--epochs", epochs)...).ID)
	if s.last.State != client.Done {
		w.t.Fatalf("the run has %s: %s", s.last.State, s.last.Error)
	}
	return s
}

func TestARunIsFollowedFromTwoNotebooks(t *testing.T) {
	r, w := newResident(t), newWork(t)
	a, b := r.dial("a"), r.dial("b")
	run := w.start(a, "vqa", w.args("snap/x", "--epochs", "3")...)
	if run.State != client.Queued && run.State != client.Running || run.Output != filepath.Join(w.dir, "snap", "x") || run.Notebook != "a" {
		t.Errorf("%+v", run)
	}
	var other story
	failed := make(chan error, 1)
	go func() { failed <- b.Follow(t.Context(), "snap/x", other.see) }() // by its folder
	one := w.follow(a, run.ID)
	if err := <-failed; err != nil {
		t.Fatal(err)
	}
	late := w.follow(b, run.ID) // from the beginning, though it is over
	for name, s := range map[string]*story{"the one who started it": one, "the other": &other, "a late one": late} {
		if !inOrder(s.seq) || !inOrder(s.steps) || s.valid != 3 || !slices.Equal(s.states, []client.State{client.Queued, client.Running, client.Done}) {
			t.Errorf("%s sees states %v, steps %v, %d validations", name, s.states, s.steps, s.valid)
		}
		if !slices.Equal(s.lines, one.lines) || !slices.ContainsFunc(s.lines, func(l string) bool { return strings.HasPrefix(l, "Epoch 2: Best ") }) {
			t.Errorf("%s reads %q", name, s.lines)
		}
	}
	res := one.last.Result
	if one.progress == 0 || res == nil || res.Steps != len(one.steps) || res.Best <= 0 || one.last.Ended.IsZero() {
		t.Errorf("%d times progress, %+v", one.progress, one.last)
	}
	if _, err := a.StartRun(t.Context(), "vqa", w.args("snap/x")); !errors.Is(err, client.ErrExists) {
		t.Errorf("a second run in its folder: %v", err)
	}
	scored := w.follow(a, w.start(a, "vqa", "--test", "minival", "--load", "snap/x/LAST", "--config", filepath.Join(w.golden, "config.json"), "--vocab", filepath.Join(w.golden, "tokenizer"), "--output", "results").ID).last
	if scored.State != client.Done || len(scored.Result.Scored) != 1 || scored.Result.Scored[0].Score == nil || scored.Result.Scored[0].File != filepath.Join(w.dir, "results", "minival_predict.json") {
		t.Errorf("predicted: %+v", scored)
	}
	for _, name := range []string{run.ID, "snap/x"} {
		m, err := b.Open(t.Context(), client.Spec{Weights: name})
		if err != nil {
			t.Fatal(err)
		}
		ids, err := m.Images(t.Context())
		if spec := m.Info().Spec; err != nil || len(ids) == 0 || spec.Weights != filepath.Join(w.dir, "snap", "x", "BEST") || len(m.Answers()) != m.Config().TaskClasses {
			t.Errorf("%s is opened as %+v with %d pictures, %v", name, spec, len(ids), err)
		}
		if _, err := m.Batch(t.Context(), []client.Question{{Text: "is it red?", Images: ids[:1]}}); err != nil {
			t.Error(err)
		}
	}
	list, err := b.Runs(t.Context())
	if err != nil || len(list) != 2 || list[0].ID != scored.ID {
		t.Errorf("the runs are %+v, %v", list, err)
	}
}

// interrupted starts runs of two epochs, each in a folder of its own, and does something to them after some steps, until
// one has not come to its end before. It returns that one, and how it was followed.
func (w work) interrupted(c *client.Client, interrupt func(run client.Run), more ...string) (run client.Run, seen *story, failed error) {
	w.t.Helper()
	for i := 0; ; i++ {
		run, seen = w.start(c, "vqa", w.args(fmt.Sprintf("interrupted-%d", i), append(more, "--epochs", "2")...)...), &story{}
		followed := make(chan error, 1)
		go func() { followed <- c.Follow(w.t.Context(), run.ID, seen.see) }()
		testwait.Until(w.t, "some steps", func() bool { return seen.count() >= 3 })
		interrupt(run)
		failed = testwait.Receive(w.t, "who follows hears of it", followed)
		now, err := c.Run(w.t.Context(), run.ID)
		if err != nil {
			w.t.Fatal(err)
		}
		if now.State != client.Done {
			return run, seen, failed
		}
	}
}

func TestAStoppedRunGoesOnToTheSameEnd(t *testing.T) {
	r, w := newResident(t), newWork(t)
	c := r.dial("a")
	whole := w.whole(c, "2")
	var now client.Run
	run, seen, err := w.interrupted(c, func(run client.Run) {
		var err error
		if now, err = c.Stop(t.Context(), run.ID); err != nil {
			t.Fatal(err)
		}
	})
	if err != nil || now.State != client.Stopped || !strings.Contains(now.Again, "--resume") || now.Error == "" {
		t.Fatalf("%+v, %v", now, err)
	}
	if len(seen.steps) >= len(whole.steps) {
		t.Fatalf("it was stopped after all %d steps", len(seen.steps))
	}
	if _, err := c.Resume(t.Context(), run.ID); err != nil {
		t.Fatal(err)
	}
	rest := w.follow(c, run.ID)
	if rest.last.State != client.Done || !inOrder(rest.steps) || len(rest.steps) != len(whole.steps) || rest.valid != 2 {
		t.Errorf("it ends %s (%s) with steps %v", rest.last.State, rest.last.Error, rest.steps)
	}
	if w.ended(filepath.Base(run.Output)) != w.ended("whole") {
		t.Error("the end is another one than without the stop")
	}
}

func TestARunStopsWithWhoAnswersForIt(t *testing.T) {
	r, w := newResident(t), newWork(t)
	c := r.dial("a")
	run := w.start(c, "vqa", w.args("attached", "--epochs", endless)...)
	ctx, cancel := context.WithCancel(t.Context())
	var seen story
	left := make(chan error, 1)
	go func() { left <- c.Attach(ctx, run.ID, seen.see) }()
	testwait.Until(t, "some steps", func() bool { return seen.count() >= 2 })
	cancel()
	if err := <-left; !errors.Is(err, context.Canceled) {
		t.Errorf("attached: %v", err)
	}
	end := w.follow(c, run.ID)
	if end.last.State != client.Stopped || !strings.Contains(end.last.Error, "its cell") {
		t.Errorf("%+v", end.last)
	}
	if _, err := os.Stat(filepath.Join(w.dir, "attached", "state.safetensors")); err != nil {
		t.Errorf("its state: %v", err)
	}
}

func TestAFolderMeansTheRunThatTrainsInIt(t *testing.T) {
	r, w := newResident(t), newWork(t)
	c := r.dial("a")
	run := w.start(c, "vqa", w.args("one", "--epochs", endless)...)
	var seen story
	go c.Follow(t.Context(), run.ID, seen.see)
	testwait.Until(t, "some steps", func() bool { return seen.count() >= 2 })
	now, err := c.Stop(t.Context(), "one") // a name without a slash
	if err != nil || now.ID != run.ID || now.State != client.Stopped || !strings.Contains(now.Error, "stopped by a, interrupted after step") {
		t.Fatalf("%+v, %v", now, err)
	}
	test := w.follow(c, w.start(c, "vqa", "--test", "minival", "--load", "whole/LAST", "--output", "one").ID).last
	if test.State != client.Failed { // there are no such weights, which is of no matter here
		t.Fatalf("%+v", test)
	}
	for _, name := range []string{"one", "./one", "one/", filepath.Join(w.dir, "one"), run.ID} {
		if found, err := c.Run(t.Context(), name); err != nil || found.ID != run.ID {
			t.Errorf("%s is run %s, %v", name, found.ID, err)
		}
	}
	if again, err := c.Resume(t.Context(), "one"); err != nil || again.ID != run.ID || again.State.Ended() {
		t.Errorf("resumed is %+v, %v", again, err)
	}
	if _, err := c.Stop(t.Context(), "one"); err != nil {
		t.Error(err)
	}
}

func TestAFinishedRunIsLeftAlone(t *testing.T) {
	r, w := newResident(t), newWork(t)
	c := r.dial("a")
	done := w.whole(c, "1").last
	if again, err := c.Resume(t.Context(), done.ID); err != nil || again.State != client.Done || !again.Ended.Equal(done.Ended) {
		t.Errorf("resumed it is %+v, %v", again, err)
	}
}

func TestARunThatWouldNotFitIsRefused(t *testing.T) {
	t.Setenv("LXMERT_SESSION_MEMORY", "300KB")
	r, w := newResident(t), newWork(t)
	c := r.dial("a")
	s := w.follow(c, w.start(c, "vqa", w.args("large", "--epochs", "1")...).ID)
	for _, want := range []string{"batches of 4 takes", "LXMERT_SESSION_MEMORY=", "--batchSize", "--accumulate"} {
		if s.last.State != client.Failed || !strings.Contains(s.last.Error, want) || strings.Contains(s.last.Error, "\n") {
			t.Errorf("it is %s, and %q does not name %q", s.last.State, s.last.Error, want)
		}
	}
	if _, err := os.Stat(filepath.Join(w.dir, "large", "LAST.pth")); err == nil {
		t.Error("it has trained")
	}
	if st, err := c.Status(t.Context()); err != nil || st.Memory != 0 {
		t.Errorf("afterwards %d bytes are taken, %v", st.Memory, err)
	}
}

func TestAKilledSessionsRunGoesOnToTheSameEnd(t *testing.T) {
	r, w := newResident(t), newWork(t)
	c := r.dial("a")
	whole := w.whole(c, "2")
	run, _, err := w.interrupted(c, func(client.Run) {
		if err := syscall.Kill(r.pid(c), syscall.SIGKILL); err != nil {
			t.Fatal(err)
		}
	}, "--saveSteps", "1")
	if !errors.Is(err, client.ErrDied) || !strings.Contains(err.Error(), "Resume") {
		t.Errorf("whoever followed reads %v", err)
	}
	found, err := c.Run(t.Context(), run.ID)
	if err != nil || found.State != client.Lost {
		t.Fatalf("the next session knows %+v, %v", found, err)
	}
	if _, err := c.Resume(t.Context(), run.ID); err != nil {
		t.Fatal(err)
	}
	rest := w.follow(c, run.ID)
	if rest.last.State != client.Done || !inOrder(rest.seq) || !inOrder(rest.steps) || len(rest.steps) != len(whole.steps) {
		t.Errorf("it ends %s (%s) with steps %v", rest.last.State, rest.last.Error, rest.steps)
	}
	if w.ended(filepath.Base(run.Output)) != w.ended("whole") {
		t.Error("the end is another one than without the kill")
	}
}

func TestRunsTakeTurns(t *testing.T) {
	r, w := newResident(t), newWork(t)
	c := r.dial("a")
	first := w.start(c, "vqa", w.args("first", "--epochs", endless)...)
	second := w.start(c, "vqa", w.args("second", "--epochs", "1")...)
	var seen story
	go c.Follow(t.Context(), first.ID, seen.see)
	testwait.Until(t, "some steps", func() bool { return seen.count() >= 2 })
	if now, err := c.Run(t.Context(), second.ID); err != nil || now.State != client.Queued {
		t.Errorf("while the first runs, the second is %+v, %v", now, err)
	}
	if _, err := c.StartRun(t.Context(), "vqa", w.args("second")); !errors.Is(err, client.ErrExists) {
		t.Errorf("a second run into a folder that one waits for: %v", err)
	}
	if _, err := c.Stop(t.Context(), first.ID); err != nil {
		t.Fatal(err)
	}
	if s := w.follow(c, second.ID); s.last.State != client.Done {
		t.Errorf("after it, the second is %+v", s.last)
	}
	third := w.start(c, "vqa", w.args("third", "--epochs", endless)...)
	if err := c.Shutdown(t.Context()); err != nil {
		t.Fatal(err)
	}
	if now, err := c.Run(t.Context(), third.ID); err != nil || now.State != client.Stopped {
		t.Errorf("after the session's end it is %+v, %v", now, err)
	}
}

func TestMistakesInARunAreSaid(t *testing.T) {
	r, w := newResident(t), newWork(t)
	t.Setenv("LXMERT_TOY", w.dir) // before the session starts
	c := r.dial("a")
	for name, x := range map[string]struct {
		task string
		args []string
		want string
	}{
		"no such task": {"vcr", nil, "there are vqa, gqa, nlvr2 and pretrain"},
		"no such flag": {"vqa", []string{"--batchSise", "4"}, "unknown flag: --batchSise"},
		"a command":    {"vqa", []string{"; rm -rf /"}, "what is"},
		"toy":          {"vqa", []string{"--load", "toy"}, "kernel quickstart"},
	} {
		if _, err := c.StartRun(t.Context(), x.task, x.args); !errors.Is(err, client.ErrUsage) || !strings.Contains(err.Error(), x.want) || strings.Contains(err.Error(), "\n") {
			t.Errorf("%s: %v", name, err)
		}
	}
	s := w.follow(c, w.start(c, "gqa", "--data", "none", "--vocab", filepath.Join(w.golden, "tokenizer"), "--fromScratch").ID)
	if s.last.State != client.Failed || !strings.Contains(s.last.Error, filepath.Join(w.dir, "none")) {
		t.Errorf("without data: %+v", s.last)
	}
	if _, err := c.Run(t.Context(), "nothing"); !errors.Is(err, client.ErrNotFound) {
		t.Errorf("no such run: %v", err)
	}
	if _, err := c.Stop(t.Context(), s.last.ID); err != nil {
		t.Errorf("stopping what has ended: %v", err)
	}
}

func TestARunOnAFullDiskFailsAndGoesOn(t *testing.T) {
	r, w := newResident(t), newWork(t)
	c := r.dial("a")
	w.whole(c, "2") // which packs the features, too
	restart := func(limit string) {
		if err := c.Shutdown(t.Context()); err != nil {
			t.Fatal(err)
		}
		t.Setenv("LXMERT_SESSION_TEST_FSIZE", limit) // read by the next one
	}
	// State and snapshots are larger than this, the records are not.
	restart("20000")
	run := w.start(c, "vqa", w.args("full", "--epochs", "2")...)
	s := w.follow(c, run.ID)
	if s.last.State != client.Failed || !strings.Contains(s.last.Error, "file too large") || !strings.Contains(s.last.Error, filepath.Join(w.dir, "full")) {
		t.Fatalf("%+v", s.last)
	}
	restart("")
	if _, err := c.Resume(t.Context(), run.ID); err != nil {
		t.Fatal(err)
	}
	if s := w.follow(c, run.ID); s.last.State != client.Done {
		t.Fatalf("with room again: %+v", s.last)
	}
	if w.ended("full") != w.ended("whole") {
		t.Error("the end is another one than with room")
	}
}
