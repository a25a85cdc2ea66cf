package session

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http/httptest"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/seed-516990b0/golxmert/kernel/client"
	"github.com/seed-516990b0/golxmert/kernel/internal/wire"
)

func TestASessionEndsWhenNobodyWantsAnythingForLong(t *testing.T) {
	synctest.Test(t, func(t *testing.T) { // its clock goes on when all are asleep
		log := newLogFile(filepath.Join(t.TempDir(), "log"))
		defer log.close()
		s := &Server{opt: Options{Idle: time.Hour}, log: log}
		ctx, cancel := context.WithCancel(t.Context())
		end := s.activity.begin()
		why := s.watch(ctx)
		time.Sleep(10 * time.Hour)
		synctest.Wait()
		if len(why) > 0 {
			t.Errorf("it ends though it works: %s", <-why)
		}
		end()
		began := time.Now()
		if said, took := <-why, time.Since(began); !strings.Contains(said, "nobody wanted anything for 1h") || took < time.Hour || took > time.Hour+time.Minute {
			t.Errorf("after %v it ends: %s", took, said)
		}
		cancel()
	})
}

func TestOutputBecomesLines(t *testing.T) {
	var lines []string
	w := &lineWriter{print: func(l string) { lines = append(lines, l) }}
	for _, part := range []string{"a\nb", "c\n\n", "\xff", "d"} {
		if n, err := w.Write([]byte(part)); n != len(part) || err != nil {
			t.Fatal(n, err)
		}
	}
	w.finish()
	w.finish()
	if want := []string{"a", "bc", "", "?d"}; !slices.Equal(lines, want) {
		t.Errorf("%q, want %q", lines, want)
	}
	lines = nil
	long := strings.Repeat("x", 3*maxLine)
	w.Write([]byte(long))
	w.finish()
	if strings.Join(lines, "") != long || len(lines) < 3 {
		t.Errorf("a long line becomes %d lines", len(lines))
	}
}

func TestAFaultArrivesWithItsKind(t *testing.T) {
	statuses := map[int]wire.Kind{}
	for _, kind := range []wire.Kind{
		wire.Failed, wire.Usage, wire.Batch, wire.NotFound, wire.Exists, wire.Full, wire.Ending, wire.Ended, wire.Version, wire.Canceled,
	} {
		w := httptest.NewRecorder()
		writeFault(w, &wire.Fault{Kind: kind, Message: "session: no"})
		r := w.Result()
		if f := wire.ReadFault(r.Status, r.Body); f.Kind != kind || f.Message != "session: no" {
			t.Errorf("%s arrives as %+v", kind, f)
		}
		if other, ok := statuses[r.StatusCode]; ok {
			t.Errorf("%s and %s have the status %d", kind, other, r.StatusCode)
		}
		statuses[r.StatusCode] = kind
	}
	if f := wire.ReadFault("502 Bad Gateway", strings.NewReader("<html>\nbad gateway")); f.Kind != wire.Failed || strings.Contains(f.Message, "\n") || !strings.Contains(f.Message, "502") {
		t.Errorf("something else arrives as %+v", f)
	}
}

// record makes a run with some events, as a session that was killed leaves it.
func record(t *testing.T, events int) (r *run, log *logFile) {
	t.Helper()
	log = newLogFile(filepath.Join(t.TempDir(), "log"))
	t.Cleanup(log.close)
	r, err := newRun(t.TempDir(), client.Run{Task: "vqa", State: client.Running, Created: time.Now()}, log)
	if err != nil {
		t.Fatal(err)
	}
	for range events {
		r.print("a line")
	}
	r.drop()
	return r, log
}

func TestARecordThatWasCutGoesOn(t *testing.T) {
	r, log := record(t, 3)
	path := filepath.Join(r.dir, eventFile)
	whole, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	for n := range len(whole) + 1 {
		if err := os.WriteFile(path, whole[:n], 0o600); err != nil {
			t.Fatal(err)
		}
		again := &run{dir: r.dir, log: log, info: r.info, woken: make(chan struct{})}
		again.print("the next")
		again.drop()
		text, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		lines := strings.Split(strings.TrimSpace(string(text)), "\n")
		for i, line := range lines {
			var e client.Event
			if err := json.Unmarshal([]byte(line), &e); err != nil || e.Seq != int64(i+1) {
				t.Fatalf("cut at %d: line %d is %q", n, i, line)
			}
		}
		if got, all := len(lines), strings.Count(string(whole[:n]), "\n"); got < all+1 || got > all+2 {
			t.Errorf("cut at %d: %d lines are left of %d and one more", n, got, all)
		}
	}
}

func TestDamagedRecordsAreLeftAlone(t *testing.T) {
	r, log := record(t, 1)
	runs := filepath.Dir(r.dir)
	for name, text := range map[string]string{"empty": "", "other": `{"id": "../../etc"}`, "junk": "\x00\xff"} {
		if err := os.Mkdir(filepath.Join(runs, name), 0o700); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(filepath.Join(runs, name, recordFile), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	s := newRuns(runs, nil, nil, &activity{}, log)
	if err := s.load(); err != nil {
		t.Fatal(err)
	}
	if list := s.list(false); len(list) != 1 || list[0].ID != r.info.ID || list[0].State != client.Lost {
		t.Errorf("the runs are %+v", list)
	}
}

func TestARunOfAnotherSessionIsLeftAlone(t *testing.T) {
	r, log := record(t, 1)
	if ok, err := r.take(); !ok || err != nil {
		t.Fatal(err)
	}
	defer r.drop()
	s := newRuns(filepath.Dir(r.dir), nil, nil, &activity{}, log)
	if err := s.load(); err != nil || len(s.list(false)) != 0 {
		t.Errorf("%+v, %v", s.list(false), err)
	}
}

func TestManyEventsAreThinned(t *testing.T) {
	r, _ := record(t, 10)
	for i := range maxEvents + 100 {
		r.mu.Lock()
		if r.file != nil { // the file is not what this is about
			r.file.Close()
			r.file = nil
		}
		text, _ := json.Marshal(map[string]int{"step": i})
		r.events = append(r.events, client.Event{Seq: int64(i + 11), Metrics: text})
		r.mu.Unlock()
	}
	r.print("last")
	events, _, _, _, _ := r.since(0, 0)
	if len(events) > maxEvents*2/3 || *events[len(events)-1].Line != "last" {
		t.Errorf("%d events are left", len(events))
	}
	lines := 0
	for i, e := range events {
		if e.Line != nil {
			lines++
		}
		if i > 0 && e.Seq <= events[i-1].Seq {
			t.Fatalf("event %d comes after %d", e.Seq, events[i-1].Seq)
		}
	}
	if lines != 11 {
		t.Errorf("%d of 11 lines are left", lines)
	}
	r.drop()
}

func TestResumeWaitsForARunThatIsStopping(t *testing.T) {
	r, log := record(t, 1)
	synctest.Test(t, func(t *testing.T) {
		s := newRuns(filepath.Dir(r.dir), nil, nil, &activity{}, log)
		s.byID[r.info.ID] = r
		r.info.Args = []string{"--no-such-flag"} // so that it is not launched, which is told by the error
		told := ""
		r.cancel, r.ended = func(why string) { told = why }, make(chan struct{})
		if info, err := s.resume(t.Context(), r); err != nil || info.State != client.Running {
			t.Errorf("a run that nobody stops is resumed as %+v, %v", info, err)
		}
		r.interrupt("because")
		resumed := make(chan error, 1)
		go func() {
			_, err := s.resume(t.Context(), r)
			resumed <- err
		}()
		synctest.Wait()
		if len(resumed) > 0 || told != "because" {
			t.Errorf("it is not waited for: %v", <-resumed)
		}
		r.mu.Lock()
		r.cancel, r.info.State = nil, client.Stopped
		close(r.ended)
		r.mu.Unlock()
		if err := <-resumed; err == nil || !strings.Contains(err.Error(), "--no-such-flag") {
			t.Errorf("afterwards it is not launched: %v", err)
		}
	})
}

func TestAStateThatCouldNotBeSavedIsNoStop(t *testing.T) {
	because := errors.New("the session ends")
	for _, c := range []struct {
		err  error
		want bool
	}{
		{context.Canceled, true},
		{fmt.Errorf("the features: %w", because), true},
		{errors.Join(context.Canceled, nil), true},
		{errors.Join(context.Canceled, fmt.Errorf("saving the state: %w", os.ErrPermission)), false},
		{fmt.Errorf("train: %w", errors.Join(because, errors.New("no space"))), false},
		{errors.New("context canceled"), false},
		{nil, false},
	} {
		if got := onlyBecause(c.err, context.Canceled, because); got != c.want {
			t.Errorf("%v is a stop: %v", c.err, got)
		}
	}
}

func TestOldRecordsAreForgotten(t *testing.T) {
	log := newLogFile(filepath.Join(t.TempDir(), "log"))
	t.Cleanup(log.close)
	dir := t.TempDir()
	for i := range maxRecords + 5 {
		if _, err := newRun(dir, client.Run{Task: "vqa", State: client.Done, Created: time.Unix(int64(i), 0)}, log); err != nil {
			t.Fatal(err)
		}
	}
	s := newRuns(dir, nil, nil, &activity{}, log)
	if err := s.load(); err != nil {
		t.Fatal(err)
	}
	list := s.list(false)
	if len(list) != maxRecords || !list[len(list)-1].Created.Equal(time.Unix(5, 0)) {
		t.Errorf("%d are left, the oldest of %s", len(list), list[len(list)-1].Created)
	}
	if entries, err := os.ReadDir(dir); err != nil || len(entries) != maxRecords {
		t.Errorf("%d folders are left, %v", len(entries), err)
	}
}

// TestTheToyWorldIsKnownByEveryNameOfItsFolder: runs name their data as people do, with a slash at the end or through a link.
func TestTheToyWorldIsKnownByEveryNameOfItsFolder(t *testing.T) {
	dir := t.TempDir()
	data, link := filepath.Join(dir, "data"), filepath.Join(t.TempDir(), "link")
	err := os.WriteFile(filepath.Join(dir, "config.json"), []byte("{}"), 0o600)
	for _, folder := range []string{data, filepath.Join(dir, "other")} {
		err = errors.Join(err, os.Mkdir(folder, 0o700))
	}
	if err = errors.Join(err, os.Symlink(data, link)); err != nil {
		t.Fatal(err)
	}
	t.Setenv("LXMERT_TOY", dir)
	for name, want := range map[string]bool{
		data: true, data + "/": true, link: true, filepath.Join(dir, "other"): false, filepath.Join(dir, "missing"): false, "": false,
	} {
		if got := trainedOnToy(name); got != want {
			t.Errorf("%q: %v, want %v", name, got, want)
		}
	}
}
