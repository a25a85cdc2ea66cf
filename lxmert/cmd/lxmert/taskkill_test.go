package main

import (
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/seed-516990b0/golxmert/internal/goldentest"
	"github.com/seed-516990b0/golxmert/internal/testwait"
)

// steps are the lines of metrics.jsonl without what depends on time.
func (r toyRun) steps(t *testing.T, output string) (text string) {
	t.Helper()
	for line := range strings.Lines(r.file(t, output, "metrics.jsonl")) {
		var step struct{ Step, Epoch, Loss, Norm, LR, Train, Valid, Best any }
		if err := json.Unmarshal([]byte(line), &step); err != nil {
			t.Fatalf("%v: %q", err, line)
		}
		text += fmt.Sprintf("%+v\n", step)
	}
	return text
}

// TestAKilledCommandResumesToTheSameEnd kills the program itself, with the data shuffled and dropout on.
func TestAKilledCommandResumesToTheSameEnd(t *testing.T) {
	requireXLA(t)
	golden := goldentest.Folders(t, "model")[0]
	r := newToyRun(t, golden)
	binary := r.build(t)
	prepare := func(output string) *exec.Cmd {
		args := slices.Concat([]string{"vqa", "--train", "train,nominival", "--valid", "minival"}, r.common("", output),
			[]string{"--fromScratch", "--llayers", "1", "--rlayers", "1", "--xlayers", "1", "--dropout", "0.1", "--epochs", "5", "--saveSteps", "1", "--resume"})
		args = slices.DeleteFunc(args, func(a string) bool { return a == "--noShuffle" })
		cmd := exec.Command(binary, args...)
		cmd.Dir = r.dir
		return cmd
	}
	if out, err := prepare("whole").CombinedOutput(); err != nil {
		t.Fatalf("%v\n%s", err, out)
	}

	// A run that comes to its end before it was killed often enough was too fast, and is followed by another.
	const kills = 3
	rng := rand.New(rand.NewPCG(3, 4))
	for killed := 0; killed < kills; {
		if r.killedInTime(t, prepare("parts"), killed, time.Duration(rng.IntN(20))*time.Millisecond) {
			killed++
			continue
		}
		killed = 0
		if err := os.RemoveAll(filepath.Join(r.dir, "parts")); err != nil {
			t.Fatal(err)
		}
	}
	out, err := prepare("parts").CombinedOutput()
	if err != nil || !strings.Contains(string(out), "going on after step") {
		t.Fatalf("%v\n%s", err, out)
	}
	for _, name := range []string{"LAST.pth", "BEST.pth", "log.log"} {
		if r.file(t, "parts", name) != r.file(t, "whole", name) {
			t.Errorf("%s differs after %d kills", name, kills)
		}
	}
	if got, want := r.steps(t, "parts"), r.steps(t, "whole"); got != want {
		t.Errorf("metrics.jsonl has\n%s\nexpected\n%s", got, want)
	}
}

// killedInTime starts a run that was killed so many times before, and kills it some time after it has saved its state, or, the
// second time, has done a step, which it may be saving. It is false if the run came to its end before.
func (r toyRun) killedInTime(t *testing.T, cmd *exec.Cmd, before int, after time.Duration) bool {
	t.Helper()
	name := "state.safetensors"
	if before == 1 {
		name = "metrics.jsonl"
	}
	path := filepath.Join(r.dir, "parts", name)
	was, _ := os.Stat(path)
	reached := func() bool {
		now, err := os.Stat(path)
		return err == nil && (was == nil || now.Size() != was.Size() || !now.ModTime().Equal(was.ModTime()))
	}
	var log strings.Builder
	cmd.Stderr = &log
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	ended := make(chan struct{})
	go func() { cmd.Wait(); close(ended) }()
	over := func() bool {
		select {
		case <-ended:
			return true
		default:
			return false
		}
	}
	testwait.Until(t, "the run changes "+path, func() bool { return reached() || over() })
	timer := time.AfterFunc(after, func() { cmd.Process.Kill() })
	defer timer.Stop()
	testwait.Receive(t, "the run is over", ended)
	state := cmd.ProcessState
	if !state.Success() && !strings.Contains(state.String(), "killed") {
		t.Fatalf("run %d has failed: %v\n%s", before, state, &log)
	}
	if before > 0 && !strings.Contains(log.String(), "going on after step") {
		t.Errorf("run %d does not go on:\n%s", before, &log)
	}
	return !state.Success()
}
