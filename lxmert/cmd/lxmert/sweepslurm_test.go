package main

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"testing"

	"github.com/seed-516990b0/golxmert/internal/goldentest"
	"github.com/seed-516990b0/golxmert/internal/testwait"
)

// slurm is a stand-in for a cluster: programs of SLURM's names that run jobs here.
type slurm struct {
	programs string
	dir      string // what jobs have left
	env      []string
}

func newSlurm(t *testing.T) slurm {
	t.Helper()
	programs, err := filepath.Abs("testdata/slurm")
	if err != nil {
		t.Fatal(err)
	}
	s := slurm{programs: programs, dir: t.TempDir()}
	s.env = append(os.Environ(), "SLURM_STUB="+s.dir, "PATH="+programs+string(os.PathListSeparator)+os.Getenv("PATH"))
	s.set(t, "RUNNING")
	return s
}

// set is the state that SLURM says jobs have.
func (s slurm) set(t *testing.T, state string) {
	t.Helper()
	if err := os.WriteFile(filepath.Join(s.dir, "state"), []byte(state), 0o666); err != nil {
		t.Fatal(err)
	}
}

// requeues are the jobs that were queued again, one after the other.
func (s slurm) requeues() string {
	text, err := os.ReadFile(filepath.Join(s.dir, "requeues"))
	if err != nil {
		return ""
	}
	return strings.Join(strings.Fields(string(text)), " ")
}

// step is the process of the job's step.
func (s slurm) step() (pid int) {
	text, err := os.ReadFile(filepath.Join(s.dir, "step"))
	if err != nil {
		return 0
	}
	pid, err = strconv.Atoi(strings.TrimSpace(string(text)))
	if err != nil {
		return 0
	}
	return pid
}

// slurmSweep are the flags of a sweep of two runs that save their state after each step.
func (r toyRun) slurmSweep(epochs int, more ...string) []string {
	return r.sweepArgs("sweep", append([]string{"--grid", "lr=1e-3,1e-4", "--dropout", "0.1", "--saveSteps", "1", "--epochs", strconv.Itoa(epochs)}, more...)...)
}

// TestASweepRunsAsAnArrayOfJobs, of which one is told that its time is over and another that it has to make room: both are
// queued again, and end with the bits of runs that nobody interrupted.
func TestASweepRunsAsAnArrayOfJobs(t *testing.T) {
	requireXLA(t)
	r := newToyRun(t, goldentest.Folders(t, "model")[0])
	binary := r.build(t)
	// Runs that come to their ends before the signals arrive are followed by longer ones.
	for epochs := 8; ; epochs *= 4 {
		s := newSlurm(t)
		write := exec.Command(binary, r.slurmSweep(epochs, "--slurm", "sweep.sh")...)
		write.Dir = r.dir
		if out, err := write.CombinedOutput(); err != nil {
			t.Fatalf("%v\n%s", err, out)
		}
		jobs := exec.Command(filepath.Join(s.programs, "sbatch"), "--gres=gpu:1", filepath.Join(r.dir, "sweep.sh"))
		jobs.Env = s.env
		if err := jobs.Start(); err != nil {
			t.Fatal(err)
		}
		ended := make(chan struct{})
		var failed error
		go func() { failed = jobs.Wait(); close(ended) }()
		over := func() bool {
			select {
			case <-ended:
				return true
			default:
				return false
			}
		}
		for i, sent := range []syscall.Signal{syscall.SIGUSR1, syscall.SIGTERM} {
			folder := filepath.Join(r.dir, "sweep", []string{"lr=1e-3", "lr=1e-4"}[i])
			testwait.Until(t, "job "+strconv.Itoa(i)+" saves its state", func() bool {
				_, err := os.Stat(filepath.Join(folder, "state.safetensors"))
				return err == nil || over()
			})
			if pid := s.step(); pid > 0 {
				syscall.Kill(pid, sent) // it may be over
			}
		}
		testwait.Receive(t, "all jobs are over", ended)
		if failed != nil {
			t.Fatal(failed)
		}
		if got := s.requeues(); got != "77_0 77_1" {
			if strings.Contains(got, "77_0 77_0") || epochs > 1<<14 {
				t.Fatalf("queued again: %q", got)
			}
			if err := os.RemoveAll(filepath.Join(r.dir, "sweep")); err != nil {
				t.Fatal(err)
			}
			continue
		}
		r.checkJobs(t, epochs)
		return
	}
}

// checkJobs compares runs of jobs with runs of the command line, and looks at the table.
func (r toyRun) checkJobs(t *testing.T, epochs int) {
	t.Helper()
	for i := range 2 {
		if log := r.file(t, "sweep", fmt.Sprintf("slurm-%d.log", i)); !strings.Contains(log, fmt.Sprintf("SLURM was asked to run job 77_%d again", i)) || !strings.Contains(log, "going on after step") {
			t.Errorf("job %d said\n%s", i, log)
		}
	}
	out, log, code := r.run(t, r.slurmSweep(epochs, "--show")...)
	if code != 0 || strings.Count(out, stateDone) != 2 || strings.Count(out, "*") != 1 {
		t.Errorf("--show: exit code %d\n%s%s", code, out, log)
	}
	for _, lr := range []string{"1e-3", "1e-4"} {
		if err := os.Rename(filepath.Join(r.dir, "sweep", "lr="+lr), filepath.Join(r.dir, "jobs"+lr)); err != nil {
			t.Fatal(err)
		}
	}
	if out, log, code := r.run(t, r.slurmSweep(epochs)...); code != 0 {
		t.Fatalf("exit code %d\n%s%s", code, out, log)
	}
	for _, lr := range []string{"1e-3", "1e-4"} {
		for _, name := range []string{"LAST.pth", "log.log"} {
			if r.file(t, "jobs"+lr, name) != r.file(t, "sweep", "lr="+lr, name) {
				t.Errorf("%s of %s differs", name, lr)
			}
		}
	}
}

// TestAJobThatWasCancelledIsNotQueuedAgain: SLURM sends the same signal to a job that somebody cancels.
func TestAJobThatWasCancelledIsNotQueuedAgain(t *testing.T) {
	for _, c := range []struct{ state, want, requeues string }{
		{"RUNNING", "SLURM was asked to run job 42 again", "42"},
		{"CANCELLED", "SLURM has ended job 42 (CANCELLED): it is not queued again", ""},
		{"COMPLETING", "SLURM has ended job 42 (COMPLETING): it is not queued again", ""},
	} {
		s := newSlurm(t)
		s.set(t, c.state)
		for _, e := range s.env {
			name, value, _ := strings.Cut(e, "=")
			t.Setenv(name, value)
		}
		t.Setenv("SLURM_JOB_ID", "42")
		t.Setenv("SLURM_ARRAY_JOB_ID", "")
		if note, err := requeueJob(); err != nil || note != c.want || s.requeues() != c.requeues {
			t.Errorf("%s: %q, %v; queued again: %q", c.state, note, err, s.requeues())
		}
	}
}

func TestWithoutSLURMNobodyIsAskedToRunAJobAgain(t *testing.T) {
	t.Setenv("SLURM_JOB_ID", "")
	t.Setenv("SLURM_ARRAY_JOB_ID", "")
	if _, err := requeueJob(); err == nil || !strings.Contains(err.Error(), "SLURM_JOB_ID is not set") {
		t.Errorf("outside of a job: %v", err)
	}
	t.Setenv("SLURM_JOB_ID", "42")
	t.Setenv("PATH", t.TempDir())
	if _, err := requeueJob(); err == nil || !strings.Contains(err.Error(), "scontrol show job --oneliner 42") || !strings.Contains(err.Error(), "the state is saved") {
		t.Errorf("without scontrol: %v", err)
	}
}

// TestTheScriptOfAnArrayQuotesWhatAShellWouldTakeApart by letting a shell read it.
func TestTheScriptOfAnArrayQuotesWhatAShellWouldTakeApart(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "a b'$c")
	if err := os.Mkdir(dir, 0o777); err != nil {
		t.Fatal(err)
	}
	t.Chdir(dir)
	script, log, code := command(t, "sweep", "vqa", "--grid", "train='a,b',c", "--output", "x y", "--slurm", "-")
	if code != 0 {
		t.Fatal(log)
	}
	srun := filepath.Join(t.TempDir(), "srun")
	if err := os.WriteFile(srun, []byte("#!/bin/sh\npwd\nprintf '%s\\n' \"$@\"\n"), 0o777); err != nil {
		t.Fatal(err)
	}
	cmd := exec.Command("bash", "-c", script)
	cmd.Env = append(os.Environ(), "SLURM_ARRAY_TASK_ID=1", "PATH="+filepath.Dir(srun)+string(os.PathListSeparator)+os.Getenv("PATH"))
	out, err := cmd.CombinedOutput()
	if err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	for _, want := range []string{dir, "--grid=train='a,b',c", "--output=x y", "--point=1", "--requeue"} {
		if !strings.Contains(string(out), want+"\n") {
			t.Errorf("no %q in\n%s", want, out)
		}
	}
	if _, err := os.Stat("x y"); err == nil {
		t.Error("a script on the standard output makes folders")
	}
}
