package lx

import (
	"bytes"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/janpfeifer/gonb/gonbui/protocol"

	"github.com/seed-516990b0/golxmert/internal/testwait"
	"github.com/seed-516990b0/golxmert/kernel/client"
)

// cells are what processes of their own run, as a kernel runs a cell.
var cells = map[string]func(args []string){
	"follow": func(args []string) {
		exit = os.Exit
		Follow(args[0])
	},
	"follow a sweep": func(args []string) { // whose flags a file has
		exit = os.Exit
		Follow(Sweep("vqa", string(Must(os.ReadFile(args[0])))))
	},
	"follow with all mercy": func(args []string) { // whenever it is ended after an interrupt, it is in time
		exit = os.Exit
		if _, err := follow(cell().ctx, cell().Client, newLive(runOf(args[0])), 1000*time.Hour); err != nil {
			fail(err)
		}
	},
}

// endless are the epochs of a run that only ends when it is stopped.
const endless = "--epochs 1000000"

// aCell is a cell in a process of its own.
type aCell struct {
	*exec.Cmd
	t      *testing.T
	stderr string // a file
}

// startCell starts one of the cells that follow a run, and waits until it does.
func startCell(t *testing.T, name string, r Run, env ...string) aCell {
	t.Helper()
	c := aCell{exec.Command(os.Args[0], "cell", name, r.Output), t, filepath.Join(t.TempDir(), "stderr")}
	errors, err := os.Create(c.stderr)
	if err != nil {
		t.Fatal(err)
	}
	out, in, err := os.Pipe()
	if err != nil {
		t.Fatal(err)
	}
	c.Dir, c.Stdout, c.Stderr, c.Env = filepath.Dir(r.Output), in, errors, append(os.Environ(), env...)
	if err := c.Start(); err != nil {
		t.Fatal(err)
	}
	in.Close()
	errors.Close()
	t.Cleanup(func() { c.Process.Kill(); c.Wait(); out.Close() })
	if len(env) == 0 {
		if _, err := out.Read(make([]byte, 1)); err != nil { // a line of the run
			t.Fatalf("the cell says %q, %v", c.said(), err)
		}
		go io.Copy(io.Discard, out)
	}
	return c
}

// said is what the cell has written to standard error.
func (c aCell) said() string {
	text, err := os.ReadFile(c.stderr)
	if err != nil {
		c.t.Fatal(err)
	}
	return string(text)
}

func TestFollowShowsARunToItsEnd(t *testing.T) {
	r := train(t, "vqa", "--train nominival --valid minival --epochs 2")
	done := Follow(r)
	if done.State != client.Done || done.Result == nil || done.Result.Steps == 0 || done.ID != r.ID {
		t.Fatalf("%+v", done)
	}
	if again := Follow(Resume(r.Output)); again.ID != r.ID || !again.Ended.Equal(done.Ended) {
		t.Errorf("a finished run goes on as %+v", again)
	}
	if list := Runs(); len(list) == 0 || list[0].ID != r.ID {
		t.Errorf("the latest run is %+v", list)
	}
	s, err := shownOf(done)
	if err != nil || !strings.Contains(s.html, "done") || !bytes.HasPrefix(s.png, []byte("\x89PNG")) || !strings.Contains(s.text, "best validation score") {
		t.Errorf("it is shown as %q, %v", s.text, err)
	}
}

// stoppedAfter is the step after which a run was stopped, as it says.
func stoppedAfter(t *testing.T, r Run) (step int) {
	t.Helper()
	_, text, _ := strings.Cut(r.Error, "interrupted after step ")
	if n, err := fmt.Sscanf(text, "%d", &step); n != 1 || step == 0 {
		t.Fatalf("a run that was stopped says %q: %v", r.Error, err)
	}
	return step
}

func TestAnInterruptStopsTheRunSavedAndSaysHowToGoOn(t *testing.T) {
	r := train(t, "vqa", "--train nominival --valid minival "+endless)
	cell := startCell(t, "follow", r)
	testwait.Until(t, "a step", func() bool { return steps(t, r) > 0 })
	cell.Process.Signal(os.Interrupt)
	if err := cell.Wait(); err == nil {
		t.Error("the cell ends as if nothing had happened")
	}
	lines := strings.Split(strings.TrimSpace(cell.said()), "\n")
	last := lines[len(lines)-1]
	for _, want := range []string{"lx: interrupted: run " + r.ID + " in run is at a stop", "after step ", "its state is saved", `lx.Follow(lx.Resume("run"))`, "in a terminal: cd "} {
		if !strings.Contains(last, want) {
			t.Errorf("the last line lacks %q: %s", want, last)
		}
	}
	if strings.HasSuffix(strings.TrimSpace(last), ":") {
		t.Errorf("the last line ends in nothing: %q", last)
	}
	if _, err := os.Stat(filepath.Join(r.Output, "state.safetensors")); err != nil {
		t.Error(err)
	}
	now := runOf(r)
	if now.State != client.Stopped {
		t.Errorf("the run is %+v", now)
	}
	// Whoever follows it is told, too.
	text := failing(t, func() { Follow(r) })
	if !strings.Contains(text, "lx: run "+r.ID) || !strings.Contains(text, "is at a stop: ") || strings.Count(strings.TrimSpace(text), "\n") != 0 {
		t.Errorf("following it says %q", text)
	}
	at := stoppedAfter(t, now)
	again := Resume(r.Output)
	if again.ID != r.ID || again.State.Ended() {
		t.Fatalf("resumed it is %+v", again)
	}
	if now := WaitStep(again, at+2); now.State != client.Running {
		t.Errorf("it does not go on: %+v", now)
	}
}

func TestARunOutlivesTheCellThatFollowsIt(t *testing.T) {
	for name, c := range map[string]struct {
		follow string
		end    func(t *testing.T, cell aCell)
	}{
		"killed":     {"follow", func(t *testing.T, cell aCell) { cell.Process.Kill() }},
		"terminated": {"follow", func(t *testing.T, cell aCell) { cell.Process.Signal(syscall.SIGTERM) }},
		"kernel restarted": {"follow with all mercy", func(t *testing.T, cell aCell) { // Jupyter interrupts it before
			cell.Process.Signal(os.Interrupt)
			testwait.Until(t, "it is interrupted", func() bool { return strings.Contains(cell.said(), "interrupted") })
			cell.Process.Signal(syscall.SIGTERM)
		}},
	} {
		t.Run(name, func(t *testing.T) {
			r := train(t, "vqa", "--train nominival --valid minival "+endless)
			cell := startCell(t, c.follow, r)
			c.end(t, cell)
			if err := cell.Wait(); err == nil {
				t.Fatal("the cell was not ended")
			}
			at := 0
			testwait.Until(t, "the run trains", func() bool { at = steps(t, r); return at > 0 })
			testwait.Until(t, "the run goes on", func() bool { return steps(t, r) > at+3 })
			if now := runOf(r); now.State != client.Running {
				t.Errorf("the run is %+v", now)
			}
		})
	}
}

func TestWaitStepAndStop(t *testing.T) {
	r := train(t, "vqa", "--train nominival --valid minival "+endless)
	if now := WaitStep(r, 5); now.State != client.Running {
		t.Errorf("after 5 steps it is %+v", now)
	}
	stopped := Stop(r.Output)
	if stopped.ID != r.ID || stopped.State != client.Stopped || !strings.Contains(stopped.Error, "stopped by tests, interrupted after step") {
		t.Errorf("%+v", stopped)
	}
	if at := stoppedAfter(t, stopped); at < 5 {
		t.Errorf("after 5 steps it is stopped after step %d", at)
	}
	if now := WaitStep(stopped, 1_000_000); now.State != client.Stopped {
		t.Errorf("of a run that has ended: %+v", now)
	}
}

func TestEvaluateScoresWithTheBestWeights(t *testing.T) {
	r := Follow(train(t, "vqa", "--train train --valid minival --epochs 1"))
	if _, err := os.Stat(filepath.Join(r.Output, "BEST.pth")); err != nil {
		t.Fatal(err)
	}
	test := Evaluate(r.Output, "minival,heldout")
	if test.State != client.Done || test.Result == nil || len(test.Result.Scored) == 0 {
		t.Fatalf("%+v", test)
	}
	for _, s := range test.Result.Scored {
		if s.Score == nil || s.Questions == 0 || filepath.Dir(s.File) != r.Output {
			t.Errorf("%+v", s)
		}
	}
	if s, err := shownOf(test); err != nil || !strings.Contains(s.text, "% right") || !bytes.HasPrefix(s.png, []byte("\x89PNG")) {
		t.Errorf("it is shown as %q, %v", s.text, err)
	}
	// The prediction is the latest run in the folder, and no training.
	if found := Resume(r.Output); found.ID != r.ID {
		t.Errorf("the folder is found as run %s, not %s", found.ID, r.ID)
	}
	if text := failing(t, func() { Evaluate(r, "nowhere") }); !strings.Contains(text, "lx: run ") || !strings.Contains(text, "nowhere") {
		t.Errorf("a split that is not there: %q", text)
	}
	m := Open(r.Output)
	if got := Ask(m, "what color is the star?", m.Questions("minival", 1)[0].Images...); got.Best().Text == "" {
		t.Errorf("its model answers %+v", got.Best())
	}
}

func TestEvaluateTakesTheLastWeightsOfARunWithoutValidation(t *testing.T) {
	r := Follow(train(t, "vqa", "--train nominival", `--valid ""`, "--epochs 1"))
	if test := Evaluate(r, "minival"); test.State != client.Done || len(test.Result.Scored) != 1 {
		t.Errorf("%+v", test)
	}
}

func TestMistakesAreOneLine(t *testing.T) {
	tinyWorld(t)
	for name, c := range map[string]struct {
		cell func()
		want string
	}{
		"no such run":       {func() { Resume("snap/none") }, `there is no run "snap/none"`},
		"no such task":      {func() { FineTune("vcr") }, "there are vqa, gqa, nlvr2 and pretrain"},
		"a quote left open": {func() { FineTune("vqa", `--name "x`) }, "lack a closing"},
		"no such weights":   {func() { Open("nothing/here") }, "nothing/here"},
	} {
		text := failing(t, c.cell)
		lines := strings.Split(strings.TrimRight(text, "\n"), "\n")
		if last := lines[len(lines)-1]; !strings.HasPrefix(last, "lx: ") || !strings.Contains(last, c.want) {
			t.Errorf("%s: the last line is %q", name, last)
		}
	}
}

// preTrain starts pre-training in the tiny world into a folder of the test's own.
func preTrain(t *testing.T, flags ...string) Run {
	t.Helper()
	return train(t, "pretrain", append(flags, "--train mscoco_train,mscoco_nominival,vgnococo --valid mscoco_minival")...)
}

func TestPreTrainingIsARunLikeOthers(t *testing.T) {
	n := newNotebook(t)
	r := preTrain(t, "--epochs 2")
	cell := startCell(t, "follow", r, n.env...)
	if err := cell.Wait(); err != nil {
		t.Fatalf("%v: %s", err, cell.said())
	}
	var page string
	for len(n.seen) > 0 {
		page, _ = (<-n.seen).Data[protocol.MIMETextHTML].(string)
	}
	for _, want := range []string{"<b>pretrain</b>", "done", "least validation loss", "The valid loss is", "Mask_LM", "Matched", "Obj", "Attr", "Feat", "QA", "each loss"} {
		if !strings.Contains(page, want) {
			t.Errorf("the cell does not show %q: %.3000s", want, page)
		}
	}
	done := runOf(r)
	if done.Result == nil || done.Result.BestLoss <= 0 || done.Result.Best != 0 || done.Result.Steps == 0 {
		t.Errorf("it gave %+v", done.Result)
	}
	if m := Open(r.Output); !strings.HasSuffix(m.Info().Spec.Weights, "BEST_EVAL_LOSS_LXRT") || len(m.Answers()) != m.Config().Answers || m.Config().Answers == 0 {
		t.Errorf("its folder opens as %+v with %d answers", m.Info().Spec, len(m.Answers()))
	}
	tuned := Follow(train(t, "vqa", "--train nominival --valid minival --epochs 1 --loadLXMERTQA "+filepath.Join(r.Output, "Epoch02")))
	if tuned.State != client.Done {
		t.Errorf("fine-tuning from it: %+v", tuned)
	}
	if said := failing(t, func() { Evaluate(r, "minival") }); !strings.Contains(said, "pre-training predicts nothing") {
		t.Errorf("evaluating it says %q", said)
	}
}

func TestPreTrainingThatWasStoppedGoesOnToTheSameEnd(t *testing.T) {
	whole := Follow(preTrain(t, "--epochs 2"))
	parts := preTrain(t, "--epochs 2")
	stopped := Stop(WaitStep(parts, 2))
	if stopped.State != client.Stopped || stoppedAfter(t, stopped) >= whole.Result.Steps {
		t.Fatalf("%+v", stopped)
	}
	if said := failing(t, func() { preTrain(t, "--epochs 2", "--output", parts.Output) }); !strings.Contains(said, "holds a run already") {
		t.Errorf("another run in its folder: %q", said)
	}
	done := Follow(Resume(parts.Output))
	if done.State != client.Done || done.Result.Steps != whole.Result.Steps || done.Result.BestLoss != whole.Result.BestLoss {
		t.Errorf("%+v, without a stop %+v", done.Result, whole.Result)
	}
	for _, name := range []string{"Epoch01_LXRT.pth", "Epoch02_LXRT.pth", "BEST_EVAL_LOSS_LXRT.pth"} {
		a, err := os.ReadFile(filepath.Join(whole.Output, name))
		if err != nil {
			t.Fatal(err)
		}
		if b, err := os.ReadFile(filepath.Join(parts.Output, name)); err != nil || !bytes.Equal(a, b) {
			t.Errorf("%s is another than without a stop, %v", name, err)
		}
	}
}
