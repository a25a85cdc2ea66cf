package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/signal"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"syscall"
	"text/tabwriter"
	"time"

	"github.com/spf13/cobra"

	"github.com/seed-516990b0/golxmert/kernel/install"
	"github.com/seed-516990b0/golxmert/kernel/ipynb"
	"github.com/seed-516990b0/golxmert/kernel/proxy"
)

// notebookRun is what `kernel run-notebook` is asked for.
type notebookRun struct {
	dir, source string
	given       []string // NAME=VALUE
	output      string
	folder      string
	list, log   bool
	out, said   io.Writer
}

func runNotebookCommand() *cobra.Command {
	r := &notebookRun{}
	cmd := &cobra.Command{
		Use:   "run-notebook NOTEBOOK",
		Short: "Execute a notebook with parameters, and save it with what comes out",
		Long: `Executes the cells of a notebook of Go in the installed kernel, from top to bottom, and saves it with its outputs under
another name. NOTEBOOK is a file, or the number of one of this project's: 06.

Parameters are the variables and constants of one word's type (string, int, float64, bool) in the cell with the tag
"parameters", or else in the notebook's first cell of code: const task = "vqa". --list shows them. Others' values come in a cell
of their own behind that one, with the tag "injected-parameters", as papermill does it; the notebook itself stays as it is.

The cells work in the notebook's folder, as in JupyterLab, or in the one that --cwd names. The notebook is saved after each cell. The
first cell that fails ends it, its error below it; so does ctrl-C, by which the running cell is interrupted (again: killed).
Exit codes: 0, 1 (a cell has failed; the output is saved with its error) and 2 (usage; nothing has run).`,
		Example: `  kernel run-notebook 06 --list
  kernel run-notebook 06 -p task=gqa -p world=toy --out done.ipynb
  kernel run-notebook my.ipynb --out out/my.ipynb --log`,
		Args: cobra.ExactArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			r.out, r.said = cmd.OutOrStdout(), cmd.ErrOrStderr()
			return r.run(cmd.Context(), args[0])
		},
	}
	dirFlag(cmd, &r.dir)
	cmd.Flags().StringArrayVarP(&r.given, "parameter", "p", nil, "NAME=VALUE; can be repeated")
	cmd.Flags().StringVar(&r.output, "out", "", "where to save it (default: NOTEBOOK.done.ipynb in the current folder)")
	cmd.Flags().StringVar(&r.folder, "cwd", "", "folder that the cells work in (default: the notebook's)")
	cmd.Flags().StringVar(&r.source, "source", "", "checkout of this library with the project's notebooks (default: the one that this program was built from)")
	cmd.Flags().BoolVar(&r.list, "list", false, "list the notebook's parameters and run nothing")
	cmd.Flags().BoolVar(&r.log, "log", false, "also show what the cells print")
	return cmd
}

func (r *notebookRun) run(ctx context.Context, name string) error {
	path, err := r.find(name)
	if err != nil {
		return err
	}
	n, err := ipynb.Read(path)
	if err != nil {
		return usage("%w", err)
	}
	if r.list {
		return r.show(n, path)
	}
	given, err := splitGiven(r.given)
	if err == nil {
		err = n.Inject(given)
	}
	if errors.Is(err, ipynb.ErrParameter) {
		return usage("%w", err)
	}
	if err == nil {
		err = r.place(path)
	}
	if err != nil {
		return err
	}
	return r.execute(ctx, n)
}

// number is how the project's notebooks are called for short.
var number = regexp.MustCompile(`^\d{1,2}$`)

// find finds the file of a notebook.
func (r *notebookRun) find(name string) (string, error) {
	if !number.MatchString(name) {
		if _, err := os.Stat(name); err != nil {
			return "", usage("%w; NOTEBOOK is a file, or the number of one of this project's notebooks", err)
		}
		return name, nil
	}
	source, err := install.SourceFolder(r.source)
	if err != nil {
		return "", usage("notebook %s: %w", name, err)
	}
	all, err := filepath.Glob(filepath.Join(source, "notebooks", "[0-9]*.ipynb"))
	if err != nil {
		return "", err
	}
	var names []string
	for _, path := range all {
		begin, _, _ := strings.Cut(filepath.Base(path), "-")
		if strings.TrimLeft(begin, "0") == strings.TrimLeft(name, "0") {
			return path, nil
		}
		names = append(names, begin)
	}
	return "", usage("there is no notebook %s in %s: there are %s", name, filepath.Join(source, "notebooks"), strings.Join(names, ", "))
}

// show lists the parameters.
func (r *notebookRun) show(n *ipynb.Notebook, path string) error {
	list := n.Parameters()
	if len(list) == 0 {
		_, err := fmt.Fprintf(r.out, "%s has no parameters\n", filepath.Base(path))
		return err
	}
	w := tabwriter.NewWriter(r.out, 0, 0, 2, ' ', 0)
	for _, p := range list {
		fmt.Fprintf(w, "%s\t%s\t%s\t%s\n", p.Name, p.Type, p.Value, p.About)
	}
	return w.Flush()
}

func splitGiven(list []string) ([]ipynb.Given, error) {
	var given []ipynb.Given
	for _, text := range list {
		name, value, ok := strings.Cut(text, "=")
		if !ok || name == "" {
			return nil, fmt.Errorf("%w %q: it is written NAME=VALUE", ipynb.ErrParameter, text)
		}
		given = append(given, ipynb.Given{Name: name, Value: value})
	}
	return given, nil
}

// place finds where the output goes and where the cells work, and tries whether both can be.
func (r *notebookRun) place(path string) error {
	if r.output == "" {
		r.output = strings.TrimSuffix(filepath.Base(path), ".ipynb") + ".done.ipynb"
	}
	if r.folder == "" {
		r.folder = filepath.Dir(path)
	}
	if info, err := os.Stat(r.folder); err != nil || !info.IsDir() {
		return usage("--cwd %s is not a folder", r.folder)
	}
	if from, err := os.Stat(path); err == nil {
		if to, err := os.Stat(r.output); err == nil && os.SameFile(from, to) {
			return usage("--out %s is the notebook itself, which stays as it is; name another file", r.output)
		}
	}
	if info, err := os.Stat(filepath.Dir(r.output)); err != nil || !info.IsDir() {
		return usage("--out %s: there is no folder %s", r.output, filepath.Dir(r.output))
	}
	return nil
}

// execute starts the kernel and runs the cells.
func (r *notebookRun) execute(ctx context.Context, n *ipynb.Notebook) error {
	place, err := install.Find(r.dir)
	if err == nil {
		err = place.Check()
	}
	if err != nil {
		return err
	}
	argv, env, err := place.Start()
	if err != nil {
		return err
	}
	k, err := proxy.StartFrontend(ctx, argv, env, r.folder)
	if err != nil {
		return err
	}
	defer k.Close()
	stop := r.interruptAgain(k)
	defer stop()
	failed := n.Execute(ctx, k, r.watch(), func() error { return n.Write(r.output) })
	if err := n.Write(r.output); err != nil {
		return fmt.Errorf("%s: %w; what ran is lost", r.output, err)
	}
	switch cell := (*proxy.CellError)(nil); {
	case ctx.Err() != nil:
		return fmt.Errorf("interrupted; %s has what ran until then", r.output)
	case errors.As(failed, &cell):
		for _, line := range cell.Trace {
			fmt.Fprintln(r.said, line)
		}
		return fmt.Errorf("a cell has failed: %w; %s has its error and what ran before", failed, r.output)
	case failed != nil:
		return failed
	}
	fmt.Fprintf(r.said, "saved %s\n", r.output)
	return nil
}

// interruptAgain interrupts the running cell once more whenever ctrl-C is pressed again: the first one ends the context.
func (r *notebookRun) interruptAgain(k *proxy.Frontend) (stop func()) {
	signals := make(chan os.Signal, 4)
	signal.Notify(signals, os.Interrupt, syscall.SIGTERM)
	done := make(chan struct{})
	go func() {
		for first := true; ; first = false {
			select {
			case <-signals:
				if !first {
					k.Interrupt()
				}
			case <-done:
				return
			}
		}
	}()
	return func() { signal.Stop(signals); close(done) }
}

// watch shows how far it is.
func (r *notebookRun) watch() ipynb.Watch {
	var began time.Time
	w := ipynb.Watch{
		Begin: func(cell, of int, source string) {
			began = time.Now()
			fmt.Fprintf(r.said, "in [%d/%d] %s\n", cell, of, firstWords(source))
		},
		End: func(cell, of int) {
			fmt.Fprintf(r.said, "in [%d/%d] %.1f s\n", cell, of, time.Since(began).Seconds())
		},
	}
	if r.log {
		w.Text = func(stream, text string) {
			if stream == "stderr" {
				io.WriteString(r.said, text)
			} else {
				io.WriteString(r.out, text)
			}
		}
	}
	return w
}

// firstWords tells a cell from others: its first line that is more than a mark, without its end if it is long.
func firstWords(source string) string {
	for line := range strings.Lines(source) {
		line = strings.TrimSpace(line)
		if line == "" || line == "%%" || line == ")" || slices.ContainsFunc([]string{"//", "import", `"`}, func(s string) bool { return strings.HasPrefix(line, s) }) {
			continue
		}
		if r := []rune(line); len(r) > 60 {
			line = string(r[:59]) + "…"
		}
		return line
	}
	return "…"
}
