package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"os/signal"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/seed-516990b0/golxmert/internal/testneed"
	"github.com/seed-516990b0/golxmert/kernel/install"
	"github.com/seed-516990b0/golxmert/lxmert/backend"
	"github.com/seed-516990b0/golxmert/lxmert/toy"
)

// testCommand is `kernel test`: every test with what quickstart has set up, none skipped in silence.
func testCommand() *cobra.Command {
	var dir, source string
	cmd := &cobra.Command{
		Use:   "test [PACKAGES]",
		Short: "Run every test: units, golden values, notebooks, browser",
		Long: `Runs go test over the whole project (or the packages given) and says first what this machine has: XLA, JupyterLab with
the kernel, a Chromium, a Python with PyTorch. Tests that need one of these are then not allowed to be skipped; what is
missing is said in a line, with what brings it. At the end stand the seconds that notebooks took, and every test that was
skipped, with its reason. With LXMERT_NOTEBOOKS, a folder, the executed notebooks are kept there as HTML.`,
		RunE: func(cmd *cobra.Command, args []string) error {
			place, err := install.Find(dir)
			if err != nil {
				return err
			}
			folder, err := install.SourceFolder(source)
			if err != nil {
				return err
			}
			if len(args) == 0 {
				args = []string{"./..."}
			}
			var required []string
			for _, n := range needs(cmd, place) {
				if n.missing == "" {
					required = append(required, n.name)
					fmt.Fprintf(cmd.ErrOrStderr(), "%-12s there\n", n.name)
				} else {
					fmt.Fprintf(cmd.ErrOrStderr(), "%-12s not there: %s\n", n.name, n.missing)
				}
			}
			if given := os.Getenv("LXMERT_REQUIRE"); given != "" {
				required = strings.Split(given, ",")
			}
			env := append(os.Environ(), testneed.Env+"="+strings.Join(required, ","))
			signal.Ignore(os.Interrupt) // go test hears it and ends
			report := newTestReport(cmd.OutOrStdout())
			var failed error
			for _, pass := range testPasses(cmd.Context(), folder, args) {
				test := exec.CommandContext(cmd.Context(), "go", append([]string{"test", "-json", "-timeout", testTime.String()}, pass...)...)
				test.Dir, test.Env, test.Stderr = folder, env, cmd.ErrOrStderr()
				test.Cancel = func() error { return test.Process.Signal(os.Interrupt) }
				stream, err := test.StdoutPipe()
				if err != nil {
					return err
				}
				if err := test.Start(); err != nil {
					return fmt.Errorf("go test does not start: %w", err)
				}
				err = report.read(stream)
				failed = errors.Join(failed, err, test.Wait())
			}
			report.finish()
			if pages := os.Getenv(notebooksEnv); pages != "" && len(report.values) > 0 {
				fmt.Fprintf(cmd.OutOrStdout(), "\nthe executed notebooks are in %s\n", pages)
			}
			switch {
			case report.failed > 0:
				return fmt.Errorf("%d tests failed", report.failed)
			case failed != nil:
				return errors.New("not all packages were tested; above stands why")
			}
			return nil
		},
	}
	dirFlag(cmd, &dir)
	cmd.Flags().StringVar(&source, "source", "", "checkout of this library (default: the one that this program was built from)")
	return cmd
}

// testTime is how long the tests of a package may take before go test ends them and shows where all goroutines stand: many
// times what they take on a slow machine. A test that waits in vain says so long before, see package testwait.
const testTime = 4 * time.Hour

// notebooksEnv names the folder in which the pages of executed notebooks are kept.
const notebooksEnv = "LXMERT_NOTEBOOKS"

// driving are the packages, below the module, whose tests drive Jupyter: what they find outside of this module may have
// changed, so that a result which go test has cached says nothing.
var driving = []string{"kernel", "kernel/install", "kernel/proxy", "notebooks/lx"}

// testPasses are the arguments of go test, once for packages whose results may come from its cache and once for those that
// are always run.
func testPasses(ctx context.Context, folder string, args []string) (passes [][]string) {
	list := exec.CommandContext(ctx, "go", append([]string{"list"}, args...)...)
	list.Dir = folder
	out, err := list.Output()
	if err != nil {
		return [][]string{append([]string{"-count=1"}, args...)} // go test says what is wrong
	}
	var cached, anew []string
	for _, pkg := range strings.Fields(string(out)) {
		if slices.Contains(driving, shortPackage(pkg)) {
			anew = append(anew, pkg)
		} else {
			cached = append(cached, pkg)
		}
	}
	if len(cached) > 0 {
		passes = append(passes, cached)
	}
	if len(anew) > 0 {
		passes = append(passes, append([]string{"-count=1"}, anew...))
	}
	return passes
}

// need is something that tests may need.
type need struct{ name, missing string }

// needs looks for all of it.
func needs(cmd *cobra.Command, place install.Place) []need {
	xla := need{"xla", "`kernel quickstart` or `lxmert backend install cpu` brings XLA"}
	if list, err := backend.List(cmd.Context(), ""); err == nil {
		for _, c := range list {
			if c.Loads && c.Kind != backend.KindGo {
				xla.missing = ""
			}
		}
	}
	world := need{"toy", "`kernel quickstart --execute-only` makes the toy world's model, and so does `lxmert demo`"}
	if dir, err := toy.Folder(); err == nil {
		if _, err := os.Stat(filepath.Join(dir, "snap", "vqa", "toy", "LAST.pth")); err == nil {
			world.missing = ""
		}
	}
	jupyter := need{"jupyter", "`kernel quickstart --execute-only` sets it up"}
	if world.missing == "" && place.Check() == nil {
		jupyter.missing = ""
	}
	chromium := need{"chromium", "Debian's package is called chromium"}
	for _, name := range []string{"chromium", "chromium-browser", "google-chrome"} {
		if _, err := exec.LookPath(name); err == nil {
			chromium.missing = ""
		}
	}
	latex := need{"latex", "Debian's package is called texlive-latex-recommended"}
	if _, err := exec.LookPath("pdflatex"); err == nil {
		latex.missing = ""
	}
	python := need{"python", "a Python with PyTorch: Debian's packages are called python3-torch and libopenblas0-pthread, LXMERT_PYTHON_TORCH names another"}
	candidates := []string{"/usr/bin/python3", "python3"} // as tests look for it
	if named := os.Getenv("LXMERT_PYTHON_TORCH"); named != "" {
		candidates = []string{named}
	}
	torch := ""
	for _, c := range candidates {
		if torch == "" && exec.CommandContext(cmd.Context(), c, "-c", "import torch").Run() == nil {
			python.missing, torch = "", c
		}
	}
	transformers := need{"transformers", "Hugging Face's LXMERT, beside PyTorch in that Python; .ci/run has the versions"}
	if torch != "" && exec.CommandContext(cmd.Context(), torch, "-c", "import safetensors, transformers").Run() == nil {
		transformers.missing = ""
	}
	board := need{"tensorboard", "TensorBoard, in the Python that LXMERT_PYTHON_TORCH names, or the system's; .ci/run has the version"}
	for _, c := range candidates {
		if exec.CommandContext(cmd.Context(), c, "-c", "import tensorboard").Run() == nil {
			board.missing = ""
		}
	}
	root := need{"root", "somebody else's access is tried as root only"}
	if os.Geteuid() == 0 {
		root.missing = ""
	}
	return []need{xla, world, jupyter, chromium, python, transformers, board, latex, root}
}
