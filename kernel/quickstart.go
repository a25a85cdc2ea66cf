package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"os/signal"
	"path/filepath"
	"strings"
	"syscall"
	"time"

	"github.com/spf13/cobra"

	"github.com/seed-516990b0/golxmert/kernel/client"
	"github.com/seed-516990b0/golxmert/kernel/install"
	"github.com/seed-516990b0/golxmert/lxmert/toy"
)

// quickstart is what `kernel quickstart` is asked for.
type quickstart struct {
	dir         string
	opt         install.Options
	noOpen      bool
	executeOnly bool
	scale       float64
	port        int
	out         io.Writer
}

func quickstartCommand() *cobra.Command {
	q := &quickstart{}
	cmd := &cobra.Command{
		Use:   "quickstart",
		Short: "Install everything, make the toy world and its model, and open JupyterLab",
		Long: `Goes from a fresh machine to a notebook: installs JupyterLab and the kernel (as kernel install does), brings XLA (for an NVIDIA GPU, if there is one), makes
the built-in world of pictures and questions and trains its model (some three minutes), executes the first notebook as a
check, and opens JupyterLab in the folder of the notebooks.

It can be repeated: what is done is not done again. kernel uninstall removes it all.`,
		Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			q.out = cmd.ErrOrStderr()
			q.opt.Log = q.out
			return q.run(cmd.Context())
		},
	}
	dirFlag(cmd, &q.dir)
	cmd.Flags().StringVar(&q.opt.Python, "python", "", "the Python to build the environment with (default: the first suitable on PATH)")
	cmd.Flags().StringVar(&q.opt.Source, "source", "", "checkout of this library (default: the one that this program was built from)")
	cmd.Flags().BoolVar(&q.noOpen, "no-open", false, "print JupyterLab's address instead of opening a browser")
	cmd.Flags().BoolVar(&q.executeOnly, "execute-only", false, "stop after the check, without JupyterLab")
	cmd.Flags().Float64Var(&q.scale, "scale", 1, "size of the toy world (a smaller one teaches less)")
	cmd.Flags().IntVar(&q.port, "port", 0, "of JupyterLab (default: the first that is free)")
	return cmd
}

func (q *quickstart) run(ctx context.Context) error {
	place, err := install.Find(q.dir)
	if err != nil {
		return err
	}
	if err := q.room(place); err != nil {
		return err
	}
	if err := install.Install(ctx, place, q.opt); err != nil {
		return err
	}
	source, err := install.SourceFolder(q.opt.Source)
	if err != nil {
		return err
	}
	for _, step := range []struct {
		name string
		do   func(ctx context.Context) error
	}{
		{"XLA", func(ctx context.Context) error { return accelerate(ctx, thisMachine(place, q.out)) }},
		{"the toy world", q.world},
		{"the toy world's model", func(ctx context.Context) error { return q.model(ctx, place) }},
		{"notebook 01, as a check", func(ctx context.Context) error { return q.check(ctx, place, source) }},
	} {
		started := time.Now()
		fmt.Fprintf(q.out, "%s …\n", step.name)
		if err := step.do(ctx); err != nil {
			if install.DiskFull(err) {
				err = fmt.Errorf("the disk is full: %w; %s", err, install.MakeRoom)
			}
			return fmt.Errorf("%s: %w", step.name, err)
		}
		fmt.Fprintf(q.out, "%s: done, %.1f s\n", step.name, time.Since(started).Seconds())
	}
	if q.executeOnly {
		return nil
	}
	return q.open(ctx, place, filepath.Join(source, "notebooks"))
}

// room checks that there is a place for what comes after the installation, before minutes are spent.
func (q *quickstart) room(place install.Place) error {
	world, err := toy.Folder()
	if err != nil {
		return err
	}
	cache, err := os.UserCacheDir()
	if err != nil {
		return err
	}
	for _, need := range []struct {
		dir, what string
		made      string // what is there when it no longer needs room
		bytes     int64
	}{
		{world, "the toy world", filepath.Join(world, "snap", "vqa", "toy", "LAST.pth"), int64(100<<20 + 500<<20*q.scale)},
		{cache, "XLA and what Go compiles", filepath.Join(cache, "golxmert", "pjrt", "cpu", "manifest.json"), 1500 << 20},
	} {
		if _, err := os.Stat(need.made); err == nil {
			continue
		}
		if err := install.RoomFor(need.dir, need.bytes); err != nil {
			return fmt.Errorf("%s: %w", need.what, err)
		}
	}
	return nil
}

func (q *quickstart) world(ctx context.Context) error {
	dir, err := toy.Folder()
	if err != nil {
		return err
	}
	if err := os.MkdirAll(filepath.Dir(dir), 0o777); err != nil {
		return err
	}
	_, err = toy.Make(ctx, dir, toy.Options{Scale: q.scale, Log: indented{q.out}})
	return err
}

// model trains the toy world's model in the session, or finds it.
func (q *quickstart) model(ctx context.Context, place install.Place) error {
	dir, err := toy.Folder()
	if err != nil {
		return err
	}
	c, err := client.Dial(ctx, client.Options{Program: place.Program("kernel"), Log: indented{q.out}, Notebook: "quickstart"})
	if err != nil {
		return err
	}
	run, err := c.StartRun(ctx, "vqa", append(toy.TrainFlags(dir, "toy", 1), "--resume"))
	if err != nil {
		return err
	}
	told := time.Now()
	err = c.Attach(ctx, run.ID, func(e client.Event) error {
		// The first steps, which wait for the compiler, tell nothing about the time.
		if p := e.Progress; p != nil && p.Phase == "training" && p.Done > 1 && time.Since(told) > 10*time.Second {
			told = time.Now()
			fmt.Fprintf(q.out, "  epoch %d of %d, %d of %d steps, loss %.3f, %v left\n", p.Epoch+1, p.Epochs, p.Done, p.Total, p.Loss, time.Duration(p.Left)*time.Second)
		}
		return nil
	})
	if err != nil {
		return err
	}
	if run, err = c.Run(ctx, run.ID); err != nil {
		return err
	}
	if run.State != client.Done {
		return fmt.Errorf("training is %s %s; the same command goes on with it", run.State, run.Error)
	}
	return nil
}

// check executes notebook 01 through the kernel and leaves no file behind.
func (q *quickstart) check(ctx context.Context, place install.Place, source string) error {
	tmp, err := os.MkdirTemp("", "lxmert-check")
	if err != nil {
		return err
	}
	defer os.RemoveAll(tmp)
	return executeNotebook(ctx, place, filepath.Join(source, "notebooks", "01-ask-and-look.ipynb"), tmp, "notebook", 30*time.Minute)
}

// executeNotebook runs all cells of a notebook with the installed kernel and writes what came out to a folder, as a
// "notebook" or as "html". A failing cell is an error with what the cell said.
func executeNotebook(ctx context.Context, place install.Place, notebook, folder, format string, limit time.Duration) error {
	ctx, cancel := context.WithTimeout(ctx, limit)
	defer cancel()
	cmd := exec.CommandContext(ctx, place.PythonProgram("jupyter"), "nbconvert", "--to", format, "--execute", "--output-dir", folder,
		"--ExecutePreprocessor.kernel_name="+install.KernelName, fmt.Sprintf("--ExecutePreprocessor.startup_timeout=%d", int(limit.Seconds())),
		fmt.Sprintf("--ExecutePreprocessor.timeout=%d", int(limit.Seconds())), notebook)
	cmd.Env = place.Environment()
	cmd.Cancel = func() error { return cmd.Process.Signal(syscall.SIGINT) }
	cmd.WaitDelay = 20 * time.Second
	out, err := cmd.CombinedOutput()
	if err == nil {
		return nil
	}
	if ctx.Err() != nil && errors.Is(ctx.Err(), context.DeadlineExceeded) {
		return fmt.Errorf("%s took longer than %v; `go run ./kernel session logs` says what the session did", filepath.Base(notebook), limit)
	}
	return fmt.Errorf("%s fails: %s", filepath.Base(notebook), lastLines(string(out), 12))
}

// lastLines are the last lines of a program's output.
func lastLines(text string, n int) string {
	lines := strings.Split(strings.TrimSpace(text), "\n")
	return strings.Join(lines[max(0, len(lines)-n):], "\n")
}

// open starts JupyterLab in the folder of the notebooks and stays until it ends.
func (q *quickstart) open(ctx context.Context, place install.Place, notebooks string) error {
	args := []string{"lab", "--ServerApp.root_dir=" + notebooks, "--LabApp.default_url=/lab/tree/01-ask-and-look.ipynb"}
	if q.noOpen {
		args = append(args, "--no-browser")
	}
	if q.port != 0 {
		args = append(args, fmt.Sprintf("--ServerApp.port=%d", q.port))
	}
	if os.Geteuid() == 0 {
		args = append(args, "--allow-root")
	}
	fmt.Fprintln(q.out, "JupyterLab opens; ctrl-C ends it. Its address:")
	cmd := exec.Command(place.PythonProgram("jupyter"), args...)
	cmd.Env = place.Environment()
	cmd.Stdout, cmd.Stderr = os.Stdout, os.Stderr
	return serve(ctx, cmd)
}

// serve runs a server until it ends, or until this program is told to end by ctrl-C, SIGTERM or a terminal that is closed:
// the server is then told once, by SIGTERM, and shuts its kernels down. Ctrl-C alone would have it ask whether it is meant.
func serve(ctx context.Context, cmd *exec.Cmd) error {
	hangUp := make(chan os.Signal, 1)
	signal.Notify(hangUp, syscall.SIGHUP)
	defer signal.Stop(hangUp)
	cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	if err := cmd.Start(); err != nil {
		return err
	}
	ended := make(chan error, 1)
	go func() { ended <- cmd.Wait() }()
	select {
	case err := <-ended:
		return err
	case <-ctx.Done():
	case <-hangUp:
	}
	if err := cmd.Process.Signal(syscall.SIGTERM); err != nil && !errors.Is(err, os.ErrProcessDone) {
		return err
	}
	select {
	case <-ended:
	case <-time.After(20 * time.Second):
		return errors.Join(fmt.Errorf("%s has not ended 20 s after SIGTERM, and was killed", filepath.Base(cmd.Path)), syscall.Kill(-cmd.Process.Pid, syscall.SIGKILL))
	}
	return nil
}

// indented writes lines with two spaces before them.
type indented struct{ w io.Writer }

func (i indented) Write(p []byte) (int, error) {
	text := strings.TrimRight(string(p), "\n")
	_, err := fmt.Fprintln(i.w, "  "+strings.ReplaceAll(text, "\n", "\n  "))
	return len(p), err
}
