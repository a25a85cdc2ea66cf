package lx

import (
	"bytes"
	"context"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/janpfeifer/gonb/gonbui/protocol"

	"github.com/seed-516990b0/golxmert/internal/testwait"
	"github.com/seed-516990b0/golxmert/kernel/client"
)

// sweepFlags are those of a sweep of a tiny model below a folder.
func sweepFlags(t *testing.T, dir string, more ...string) []string {
	t.Helper()
	tinyWorld(t)
	return append(scratch("--output", dir), append([]string{"--train nominival --valid minival"}, more...)...)
}

func TestASweepEndsWithItsBestRunAndNamesTheFailed(t *testing.T) {
	dir := t.TempDir()
	flags := sweepFlags(t, dir, "--epochs 2 --max-bad 1 --grid lr=1e-3,1e30 --grid seed=1,2")
	trials := Sweep("vqa", flags...)
	if len(trials.Runs) != 4 || fmt.Sprint(trials.Runs[1].Point) != "[lr=1e-3 seed=2]" || trials.Runs[1].Output != filepath.Join(dir, "lr=1e-3,seed=2") {
		t.Fatalf("%+v", trials)
	}
	var best Run
	said := stderr(t, func() { best = Follow(trials) })
	if best.State != client.Done || best.Point[0] != "lr=1e-3" {
		t.Errorf("the best run is %+v", best)
	}
	for _, want := range []string{"lr=1e30 seed=1 failed: train: loss or gradient were not finite", "lr=1e30 seed=2 failed"} {
		if !strings.Contains(said, want) {
			t.Errorf("it says %q, without %q", said, want)
		}
	}
	for _, other := range trials.Runs[:2] {
		if r := runOf(other); r.State != client.Done || r.Result.Best > best.Result.Best {
			t.Errorf("%+v beside the best, %g", r, best.Result.Best)
		}
	}
	s, err := shownOf(trials)
	if err != nil || !bytes.HasPrefix(s.png, []byte("\x89PNG")) || !strings.Contains(s.html, "not finite") || strings.Count(s.text, "*") != 1 {
		t.Errorf("it is shown as %q, %v", s.text, err)
	}
	if r := Evaluate(best, "minival"); r.State != client.Done {
		t.Errorf("evaluating the best: %+v", r)
	}

	// Again, with a value more in place of the one that failed.
	ended := runOf(trials.Runs[0]).Ended
	again := Sweep("vqa", sweepFlags(t, dir, "--epochs 2 --max-bad 1 --grid lr=1e-3,1e-4 --grid seed=1,2")...)
	if r := again.Runs[0]; r.ID != trials.Runs[0].ID || !r.Ended.Equal(ended) {
		t.Errorf("a run that is done became %+v", r)
	}
	if said := stderr(t, func() { Follow(again) }); strings.Contains(said, "failed") {
		t.Errorf("it says %q", said)
	}
}

// TestASweepIsShownInACell as a table and curves, drawn in place.
func TestASweepIsShownInACell(t *testing.T) {
	n := newNotebook(t)
	dir := t.TempDir()
	flags := sweepFlags(t, dir, "--epochs 2 --grid lr=1e-3,1e-4")
	file := filepath.Join(t.TempDir(), "flags")
	if err := os.WriteFile(file, []byte(strings.Join(flags, " ")), 0o666); err != nil {
		t.Fatal(err)
	}
	cell := startCell(t, "follow a sweep", Run{Output: file}, n.env...)
	if err := cell.Wait(); err != nil {
		t.Fatalf("%v: %s", err, cell.said())
	}
	var page string
	for len(n.seen) > 0 {
		page, _ = (<-n.seen).Data[protocol.MIMETextHTML].(string)
	}
	for _, want := range []string{"1e-3", "1e-4", "done", "training loss", "validation", "(best)"} {
		if !strings.Contains(page, want) {
			t.Errorf("the cell does not show %q: %.3000s", want, page)
		}
	}
	// From another folder it is found by its files, and nothing is done.
	if best := Follow(Sweep("vqa", flags...)); best.State != client.Done || !best.Result.Already {
		t.Errorf("done again: %+v", best)
	}
}

func TestAnInterruptStopsASweepAndItGoesOn(t *testing.T) {
	dir := t.TempDir()
	flags := sweepFlags(t, dir, endless+" --grid lr=1e-3,1e-4,1e-5")
	trials := Sweep("vqa", flags...)
	ctx, interrupt := context.WithCancel(context.Background())
	ended := make(chan error, 1)
	go func() {
		_, err := followAll(ctx, cell().Client, newLiveTrials(trials), 0)
		ended <- err
	}()
	testwait.Until(t, "a step", func() bool { return steps(t, trials.Runs[0]) > 0 })
	interrupt()
	if err := testwait.Receive(t, "the sweep is at a stop", ended); err == nil || !strings.Contains(err.Error(), "0 of 3 runs are done") || !strings.Contains(err.Error(), "the same lx.Sweep goes on") {
		t.Errorf("it says %v", err)
	}
	for _, r := range trials.Runs {
		if now := runOf(r); now.State != client.Stopped {
			t.Errorf("%+v", now)
		}
	}
	at := stoppedAfter(t, runOf(trials.Runs[0]))
	again := Sweep("vqa", flags...)
	defer func() {
		for i := range again.Runs {
			Stop(again.Runs[len(again.Runs)-1-i])
		}
	}()
	if again.Runs[0].ID != trials.Runs[0].ID {
		t.Errorf("another run: %+v", again.Runs[0])
	}
	if now := WaitStep(again.Runs[0], at+2); now.State != client.Running {
		t.Errorf("it does not go on: %+v", now)
	}
}

func TestMistakesInASweepBeginNoRun(t *testing.T) {
	tinyWorld(t)
	dir := t.TempDir()
	before := len(Runs())
	for flags, want := range map[string]string{
		"--grid lrr=1":         "vqa has no flag --lrr",
		"--grid lr=1e-3,x":     `invalid argument "x"`,
		"--epochs 2":           "--grid is missing",
		"--grid lr=1 --test x": "a sweep trains",
	} {
		if said := failing(t, func() { Sweep("vqa", flags, "--output "+dir) }); !strings.Contains(said, want) {
			t.Errorf("%s: %q, want %q", flags, said, want)
		}
	}
	if said := failing(t, func() { Sweep("vqb", "--grid lr=1") }); !strings.Contains(said, "there are vqa, gqa, nlvr2 and pretrain") {
		t.Errorf("another task: %q", said)
	}
	if now := len(Runs()); now != before {
		t.Errorf("%d runs have begun", now-before)
	}
}
