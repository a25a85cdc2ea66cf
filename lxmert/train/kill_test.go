package train

import (
	"bufio"
	"crypto/sha256"
	"fmt"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/seed-516990b0/golxmert/lxmert/backend/backendtest"
	"github.com/seed-516990b0/golxmert/lxmert/weights"
)

// TestTrainingChild is not a test of its own: it is the process that TestAKilledRunGoesOnToTheSameEnd kills.
func TestTrainingChild(t *testing.T) {
	dir := os.Getenv("LXMERT_TRAINING_CHILD")
	if dir == "" {
		t.Skip("runs only as a child of another test")
	}
	b := backendtest.Open(t, "go")
	fmt.Println("ready")
	if _, err := smallRun(t.Context(), b, smallJob(small(), 40, 40, 40), RunOptions{Dir: dir, LogSteps: 1, Resume: true, SaveSteps: 2}); err != nil {
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
	fmt.Fprintf(sum, "%+v %s\n", p, f.Metadata["step"])
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

func TestAKilledRunGoesOnToTheSameEnd(t *testing.T) {
	b := backendtest.Open(t, "go")
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
	if _, err := smallRun(t.Context(), b, smallJob(small(), 40, 40, 40, 1), RunOptions{Dir: longer, LogSteps: 1, SaveSteps: 2, Progress: func(Progress) { record(longer) }}); err != nil {
		t.Fatal(err)
	}
	if _, err := smallRun(t.Context(), b, smallJob(small(), 40, 40, 40), RunOptions{Dir: whole, LogSteps: 1, SaveSteps: 2}); err != nil {
		t.Fatal(err)
	}
	record(whole)
	const kills, differing = 20, 3
	rng := rand.New(rand.NewPCG(1, 2))
	done, writing, compared := 0, 0, map[string]bool{}
	// A process lives up to so long before it is killed. That grows while processes are killed before they save anything
	// new, since machines differ. A run that comes to its end before there were enough kills is followed by another.
	life := 100 * time.Millisecond
	for run := 0; ; run++ {
		if run > 20*kills {
			t.Fatalf("%d runs do not come to an end", run)
		}
		cmd := exec.Command(os.Args[0], "-test.run=^TestTrainingChild$")
		cmd.Env = append(os.Environ(), "LXMERT_TRAINING_CHILD="+killed)
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
			compareEnds(t, ended(t, killed), ended(t, whole))
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
