package train

import (
	"bufio"
	"context"
	"crypto/sha256"
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/seed-516990b0/golxmert/lxmert/backend"
	"github.com/seed-516990b0/golxmert/lxmert/backend/backendtest"
	"github.com/seed-516990b0/golxmert/lxmert/dynamics"
	"github.com/seed-516990b0/golxmert/lxmert/weights"
)

// killable are the runs that are killed: what trains for some epochs, and the files that it leaves.
var killable = map[string]struct {
	run   func(ctx context.Context, b *backend.Backend, opt RunOptions, steps ...int) error
	files []string
}{
	"fine-tuning": {func(ctx context.Context, b *backend.Backend, opt RunOptions, steps ...int) error {
		_, err := smallRun(ctx, b, smallJob(small(), steps...), opt)
		return err
	}, []string{LastFile, BestFile, logFile, dynamics.FileName}},
	"adapters": {func(ctx context.Context, b *backend.Backend, opt RunOptions, steps ...int) error {
		o := withLoRA(withDropout(), LoRA{Rank: 2, Dropout: 0.2})
		o.PooledOnly, o.Freeze, o.Rates, opt.Patience = true, []string{"logit_fc.2.*"}, []Rate{{"*.lora_B.weight", 2e-2}}, 3
		tr, err := NewTrainer(ctx, b.Backend, small(), startValues(), answers, o)
		if err != nil {
			return err
		}
		defer tr.Close()
		_, err = Run(ctx, tr, smallJob(small(), steps...), opt)
		return err
	}, []string{LastFile, BestFile, adaptersFile(LastFile), adaptersFile(BestFile), logFile, dynamics.FileName}},
	"pre-training": {func(ctx context.Context, b *backend.Backend, opt RunOptions, steps ...int) error {
		_, err := pretrainingRun(ctx, b, opt, 1, nil, steps...)
		return err
	}, []string{"Epoch01_LXRT.pth", "Epoch02_LXRT.pth", "Epoch03_LXRT.pth", logFile}},
}

// TestTrainingChild is not a test of its own: it is the process that TestAKilledRunGoesOnToTheSameEnd kills.
func TestTrainingChild(t *testing.T) {
	kind, dir, ok := strings.Cut(os.Getenv("LXMERT_TRAINING_CHILD"), "=")
	if !ok {
		t.Skip("runs only as a child of another test")
	}
	b := backendtest.Open(t, "go")
	fmt.Println("ready")
	if err := killable[kind].run(t.Context(), b, RunOptions{Dir: dir, LogSteps: 1, Resume: true, SaveSteps: 2}, 40, 40, 40); err != nil {
		t.Fatal(err)
	}
}

// savedState is all of a state file that must not depend on how often the run was interrupted: where the run is, and
// parameters and moments to the bit.
func savedState(t *testing.T, path string) (at, all string) {
	t.Helper()
	var p position
	if _, err := readPosition(path, &p); err != nil {
		t.Fatal(err)
	}
	p.MetricsSize = 0 // metrics have times
	f, err := weights.Open(path)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	sum := sha256.New()
	position, err := json.Marshal(p)
	if err != nil {
		t.Fatal(err)
	}
	fmt.Fprintf(sum, "%s %s\n", position, f.Metadata["step"])
	moments := false
	for _, name := range slices.Sorted(slices.Values(f.Names())) {
		x, _ := f.Tensor(name)
		data, err := x.Float32s()
		if err != nil {
			t.Fatal(err)
		}
		fmt.Fprintln(sum, name, x.Shape)
		if err := writeFloats(sum, data); err != nil {
			t.Fatal(err)
		}
		moments = moments || strings.HasPrefix(name, "state 1 ")
	}
	if !moments && !p.Finished {
		t.Errorf("the state at step %d of epoch %d has no second moments", p.Step, p.Epoch)
	}
	return fmt.Sprintf("step %d of epoch %d, finished: %v", p.Step, p.Epoch, p.Finished), fmt.Sprintf("%x", sum.Sum(nil))
}

// halfWritten are the files that were being written when their writer was killed.
func halfWritten(t *testing.T, dir string) []string {
	t.Helper()
	left, err := filepath.Glob(filepath.Join(dir, ".*.tmp"))
	if err != nil {
		t.Fatal(err)
	}
	return left
}

// TestAKilledRunGoesOnToTheSameEnd kills each kind of run twenty times, at moments that a seed chooses, which is printed and which
// LXMERT_KILL_SEED gives.
func TestAKilledRunGoesOnToTheSameEnd(t *testing.T) {
	for kind := range killable {
		t.Run(kind, func(t *testing.T) { killOften(t, kind) })
	}
}

func killOften(t *testing.T, kind string) {
	b := backendtest.Open(t, "go")
	run := func(opt RunOptions, steps ...int) {
		t.Helper()
		opt.LogSteps, opt.SaveSteps = 1, 2
		if err := killable[kind].run(t.Context(), b, opt, steps...); err != nil {
			t.Fatal(err)
		}
	}
	whole, killed := t.TempDir(), t.TempDir()
	states := map[string]string{} // of runs that nobody interrupts
	record := func(dir string) {
		if path := filepath.Join(dir, stateFile); exists(path) {
			at, all := savedState(t, path)
			states[at] = all
		}
	}
	// Each step sees what was saved before it. What is saved after the last epoch is seen by a step that comes after it in a
	// longer run, and what says that the run is over when it is.
	longer := t.TempDir()
	run(RunOptions{Dir: longer, Progress: func(Progress) { record(longer) }}, 40, 40, 40, 1)
	run(RunOptions{Dir: whole}, 40, 40, 40)
	record(whole)
	const kills, differing = 20, 3
	seed := rand.Uint64()
	if text := os.Getenv("LXMERT_KILL_SEED"); text != "" {
		var err error
		if seed, err = strconv.ParseUint(text, 10, 64); err != nil {
			t.Fatalf("LXMERT_KILL_SEED: %v", err)
		}
	}
	t.Logf("LXMERT_KILL_SEED=%d", seed)
	rng := rand.New(rand.NewPCG(seed, 2))
	done, writing, compared := 0, 0, map[string]bool{}
	// A process lives up to so long before it is killed. That grows while processes are killed before they save anything
	// new, since machines differ. A run that comes to its end before there were enough kills is followed by another.
	life := 100 * time.Millisecond
	for run := 0; ; run++ {
		if run > 20*kills {
			t.Fatalf("%d runs do not come to an end", run)
		}
		cmd := exec.Command(os.Args[0], "-test.run=^TestTrainingChild$")
		cmd.Env = append(os.Environ(), "LXMERT_TRAINING_CHILD="+kind+"="+killed)
		out, err := cmd.StdoutPipe()
		if err != nil {
			t.Fatal(err)
		}
		if err := cmd.Start(); err != nil {
			t.Fatal(err)
		}
		lines := bufio.NewScanner(out)
		for lines.Scan() && lines.Text() != "ready" {
		}
		over := make(chan struct{})
		go func() {
			for lines.Scan() {
			}
			close(over)
		}()
		switch {
		case done >= kills && writing > 0 && len(compared) >= differing:
		case done%2 == 0: // at any moment
			timer := time.AfterFunc(time.Duration(rng.Int64N(int64(life)+1)), func() { cmd.Process.Kill() })
			<-over
			timer.Stop()
		default: // while a file is being written, the first or a later one
			swept := halfWritten(t, killed) // what the run before left, which this one sweeps
			for skip := rng.IntN(3); ; {
				left := halfWritten(t, killed)
				fresh := slices.ContainsFunc(left, func(name string) bool { return !slices.Contains(swept, name) })
				if fresh {
					if skip == 0 {
						break
					}
					skip--
					swept = append(swept, left...)
				}
				select {
				case <-over:
				default:
					continue
				}
				break
			}
			cmd.Process.Kill()
		}
		<-over
		if err := cmd.Wait(); err == nil {
			compareEnds(t, endedWith(t, killed, killable[kind].files), endedWith(t, whole, killable[kind].files))
			if left := halfWritten(t, killed); left != nil {
				t.Errorf("%v are left behind", left)
			}
			if done >= kills && writing > 0 && len(compared) >= differing {
				break
			}
			killed, life = t.TempDir(), life/2
			continue
		}
		done++
		known := len(compared)
		if len(halfWritten(t, killed)) > 0 {
			writing++
		}
		if path := filepath.Join(killed, stateFile); exists(path) {
			at, all := savedState(t, path)
			if states[at] != all {
				t.Errorf("after %d kills the state at %s is not that of the run without any", done, at)
			}
			compared[at] = true
		}
		if len(compared) == known {
			life += life / 4
		}
	}
	t.Logf("killed %d times, %d of them while a file was being written; %d states compared", done, writing, len(compared))
}

func exists(path string) bool {
	_, err := os.Stat(path)
	return err == nil
}
