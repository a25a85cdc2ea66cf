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

	"github.com/seed-516990b0/golxmert/lxmert/goldentest"
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

	const kills = 3
	rng := rand.New(rand.NewPCG(3, 4))
	changed := func(name string) func() bool {
		path := filepath.Join(r.dir, "parts", name)
		before, _ := os.Stat(path)
		return func() bool {
			now, err := os.Stat(path)
			return err == nil && (before == nil || now.Size() != before.Size() || !now.ModTime().Equal(before.ModTime()))
		}
	}
	for kill := range kills {
		cmd := prepare("parts")
		var log strings.Builder
		cmd.Stderr = &log
		// The first has saved its state, the second has done a step, which it may be saving, the third has saved again.
		reached := changed("state.safetensors")
		if kill == 1 {
			reached = changed("metrics.jsonl")
		}
		if err := cmd.Start(); err != nil {
			t.Fatal(err)
		}
		over := make(chan error, 1)
		go func() { over <- cmd.Wait() }()
		tick := time.NewTicker(time.Millisecond)
		var err error
		for running := true; running && !reached(); {
			select {
			case err = <-over:
				running = false
			case <-tick.C:
			}
		}
		tick.Stop()
		if err == nil {
			select {
			case err = <-over:
			case <-time.After(time.Duration(rng.IntN(20)) * time.Millisecond):
				cmd.Process.Kill()
				err = <-over
			}
		}
		if err == nil || !strings.Contains(err.Error(), "killed") {
			t.Fatalf("run %d was not killed: %v\n%s", kill, err, &log)
		}
		if resumed := strings.Contains(log.String(), "going on after step"); kill > 0 && !resumed {
			t.Errorf("run %d does not go on:\n%s", kill, &log)
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
