package main

import (
	"bytes"
	"cmp"
	"context"
	_ "embed"
	"encoding/json"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"

	"github.com/spf13/cobra"

	"github.com/seed-516990b0/golxmert/kernel/client"
	"github.com/seed-516990b0/golxmert/kernel/install"
	"github.com/seed-516990b0/golxmert/kernel/internal/cellbuild"
	"github.com/seed-516990b0/golxmert/lxmert/toy"
)

//go:embed bench.py
var benchScript string

// benchRows are the cells that are timed; {n} is another number each time.
var benchRows = []struct{ name, code string }{
	{"trivial", "%%\nfmt.Println({n})"},
	{"declares", "func f{n}(x int) int { return x + {n} }\n%%\nfmt.Println(f{n}(1))"},
	{"imports lxmert", "import \"github.com/seed-516990b0/golxmert/lxmert\"\n%%\nvar c lxmert.Config\nfmt.Println(c.Hidden + {n})"},
	{"shell", "!echo {n}"},
	{"asks", `import "github.com/seed-516990b0/golxmert/notebooks/lx"
%%
fmt.Println(lx.Ask(lx.Open("toy"), "what color is the star?", "COCO_test2015_000000500001").Best().Text, {n})`},
	{"explains", `import "github.com/seed-516990b0/golxmert/notebooks/lx"
%%
lx.Show(lx.Explain(lx.Ask(lx.Open("toy"), "what color is the star?", "COCO_test2015_000000500001")))
fmt.Println({n})`},
	{"explains, linked", benchLinked},
}

// benchLinked explains the same answer in a cell that has the model in itself: it opens backend, weights and data, and
// compiles the graph.
const benchLinked = `import (
	"context"
	"os"

	"github.com/seed-516990b0/golxmert/analysis"
	"github.com/seed-516990b0/golxmert/analysis/relevance"
	"github.com/seed-516990b0/golxmert/analysis/report"
	"github.com/seed-516990b0/golxmert/lxmert/backend"
	"github.com/seed-516990b0/golxmert/lxmert/dataset"
	"github.com/seed-516990b0/golxmert/lxmert/lxrt"
	_ "github.com/seed-516990b0/golxmert/lxmert/speed"
	"github.com/seed-516990b0/golxmert/lxmert/token"
)

%%
ctx := context.Background()
check := func(err error) {
	if err != nil {
		panic(err)
	}
}
b, err := backend.Open(ctx, "", io.Discard)
check(err)
m, err := lxrt.Open(b, "{toy}/snap/vqa/toy/LAST.pth", "{toy}/config.json", lxrt.Options{})
check(err)
words, err := token.Load("{toy}/data/vocab.txt")
check(err)
set, err := dataset.LoadFiles(ctx, dataset.VQA, []string{"{toy}/data/vqa/heldout.json"}, []string{"{toy}/data/mscoco_imgfeat/heldout_obj36.tsv"}, dataset.Options{})
check(err)
batch, err := set.Batch(ctx, words, 20, []int{0})
check(err)
scores, err := relevance.BiModal(ctx, m, batch, analysis.Predicted(), relevance.Options{})
check(err)
check(report.Write(io.Discard, scores[0], report.Options{Fragment: true}))
fmt.Println({n}, os.Getpid() > 0)`

// Names of the kernels in a comparison. Stock is GoNB as it installs itself; with our flags it is what the kernel has
// after it.
const (
	benchOurs  = "kernel"
	benchStock = "GoNB"
	benchFlags = "GoNB, same flags"
)

func benchCommand() *cobra.Command {
	var dir string
	var rounds int
	cmd := &cobra.Command{
		Use:   "bench",
		Short: "Time cells in this kernel beside stock GoNB, in one run",
		Args:  cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			if rounds < 1 {
				return usage("--rounds is %d, at least 1 is needed", rounds)
			}
			place, err := install.Find(dir)
			if err == nil {
				err = place.Check()
			}
			if err != nil {
				return err
			}
			times, err := benchRun(cmd.Context(), place, rounds)
			if err != nil {
				return err
			}
			return benchPrint(cmd.OutOrStdout(), times)
		},
	}
	dirFlag(cmd, &dir)
	cmd.Flags().IntVar(&rounds, "rounds", 15, "how often each cell is run in each kernel")
	return cmd
}

// benchTime is how long one cell took.
type benchTime struct {
	Kernel  string  `json:"kernel"`
	Row     string  `json:"row"`
	Seconds float64 `json:"seconds"`
}

// benchRun starts the kernels and runs the cells in turn.
func benchRun(ctx context.Context, place install.Place, rounds int) ([]benchTime, error) {
	// The session that cells find: stock GoNB does not tell them what to start.
	if _, err := client.Dial(ctx, client.Options{Program: place.Program("kernel"), Log: os.Stderr}); err != nil {
		return nil, err
	}
	work, err := os.MkdirTemp("", "kernel-bench-*")
	if err != nil {
		return nil, err
	}
	defer os.RemoveAll(work)
	stock := filepath.Join(work, "kernels", "gonb_stock")
	if err := os.MkdirAll(stock, 0o700); err != nil {
		return nil, err
	}
	spec, err := json.Marshal(map[string]any{
		"argv": []string{place.Program("gonb"), "--kernel", "{connection_file}"}, "display_name": "stock", "language": "go", "interrupt_mode": "message",
		"env": map[string]string{"PATH": filepath.Dir(place.Program("gonb")) + string(os.PathListSeparator) + os.Getenv("PATH"), "TMPDIR": work},
	})
	if err != nil {
		return nil, err
	}
	if err := os.WriteFile(filepath.Join(stock, "kernel.json"), spec, 0o600); err != nil {
		return nil, err
	}
	module := fmt.Sprintf("!*cp %s/go.mod %s/go.sum .", place.Prelude(), place.Prelude())
	type kernel struct {
		Spec  string   `json:"spec"`
		Setup []string `json:"setup"`
	}
	world, err := toy.Folder()
	if err != nil {
		return nil, err
	}
	rows := map[string]string{}
	for _, r := range benchRows {
		rows[r.name] = strings.ReplaceAll(r.code, "{toy}", filepath.ToSlash(world))
	}
	ask, err := json.Marshal(map[string]any{"rounds": rounds, "rows": rows, "kernels": map[string]kernel{
		benchOurs:  {install.KernelName, []string{}},
		benchStock: {"gonb_stock", []string{module}},
		benchFlags: {"gonb_stock", []string{module + "\n%noautoget\n%goflags \"" + strings.Join(cellbuild.Flags(), "\" \"") + "\""}},
	}})
	if err != nil {
		return nil, err
	}
	cmd := exec.CommandContext(ctx, place.PythonProgram("python"), "-c", benchScript)
	cmd.Cancel = func() error { return cmd.Process.Signal(os.Interrupt) }
	cmd.Dir = work
	cmd.Env = append(os.Environ(), "JUPYTER_PATH="+work, "JUPYTER_RUNTIME_DIR="+work)
	cmd.Stdin = bytes.NewReader(ask)
	var said bytes.Buffer
	cmd.Stderr = &said
	out, err := cmd.Output()
	if err != nil {
		lines := strings.Split(strings.TrimSpace(said.String()), "\n")
		return nil, cmp.Or(ctx.Err(), fmt.Errorf("the comparison failed: %w: %s", err, lines[len(lines)-1]))
	}
	var times []benchTime
	for d := json.NewDecoder(bytes.NewReader(out)); d.More(); {
		var t benchTime
		if err := d.Decode(&t); err != nil {
			return nil, fmt.Errorf("the comparison's answer: %w", err)
		}
		times = append(times, t)
	}
	return times, nil
}

// benchPrint writes the medians in milliseconds, and how they compare with both others.
func benchPrint(w io.Writer, times []benchTime) error {
	by := map[[2]string][]float64{}
	for _, t := range times {
		key := [2]string{t.Row, t.Kernel}
		by[key] = append(by[key], t.Seconds)
	}
	if _, err := fmt.Fprintf(w, "%-18s %10s %10s %18s %8s %8s\n", "median, ms", benchOurs, benchStock, benchFlags, "/ GoNB", "/ same"); err != nil {
		return err
	}
	rows := []string{"start", "first cell"}
	for _, r := range benchRows {
		rows = append(rows, r.name)
	}
	for _, row := range rows {
		ours, stock, flags := median(by[[2]string{row, benchOurs}]), median(by[[2]string{row, benchStock}]), median(by[[2]string{row, benchFlags}])
		if _, err := fmt.Fprintf(w, "%-18s %10.0f %10.0f %18.0f %8.2f %8.2f\n", row, 1000*ours, 1000*stock, 1000*flags, ours/stock, ours/flags); err != nil {
			return err
		}
	}
	return nil
}

// median is the one in the middle; of an even number the mean of both.
func median(list []float64) float64 {
	if len(list) == 0 {
		return 0
	}
	list = slices.Sorted(slices.Values(list))
	n := len(list)
	return (list[(n-1)/2] + list[n/2]) / 2
}
