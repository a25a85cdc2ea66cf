package main

import (
	"bufio"
	"encoding/csv"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"math"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"

	"github.com/spf13/cobra"

	"github.com/seed-516990b0/golxmert/analysis/tuning"
	"github.com/seed-516990b0/golxmert/internal/atomicfile"
	"github.com/seed-516990b0/golxmert/internal/eventfile"
	"github.com/seed-516990b0/golxmert/internal/smallfile"
)

// exportCommand is `lxmert export`: the metrics of runs for TensorBoard, and as CSV.
func exportCommand() *cobra.Command {
	var board, table string
	cmd := &cobra.Command{
		Use:   "export RUN... [--tensorboard FOLDER] [--csv FILE]",
		Short: "Write the metrics of training runs for TensorBoard, and as CSV",
		Long: `Reads the metrics.jsonl of runs and writes all numbers in them where other programs read them. RUN is the folder of a
run, or one with folders of runs in it, such as that of a sweep. Runs that are under way are written as far as they are; the
same command writes them anew.

--tensorboard writes an event file into a folder for each run, which TensorBoard shows as a run of that name:
"steps/loss", "steps/norm", "steps/lr" and whatever else there is over the steps of training, "epochs/train" and
"epochs/valid" at the last step of each epoch, and the settings of run.json as a text. Lines of metrics have no time, so all
events have that of the file: the axis to look at is STEP. TensorBoard keeps numbers with about seven digits.

--csv writes a row for each line of the metrics: the run, "step" or "epoch" for what the line is about, the step, the epoch, and
a column for each number that any run has, with all its digits; empty where the line has none.`,
		Example: `  lxmert export snap/vqa/mine --tensorboard board && tensorboard --logdir board
  lxmert export snap/vqa/sweep snap/vqa/mine --tensorboard board --csv metrics.csv`,
		Args: cobra.MinimumNArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			if board == "" && table == "" {
				return usage("--tensorboard or --csv is needed: where to?")
			}
			runs, err := findRuns(args)
			if err != nil {
				return err
			}
			if board != "" {
				for _, r := range runs {
					if err := cmd.Context().Err(); err != nil {
						return err
					}
					if err := r.events(filepath.Join(board, r.name)); err != nil {
						return err
					}
				}
				fmt.Fprintf(cmd.OutOrStdout(), "runs in %s: %d; `tensorboard --logdir %s` shows them\n", board, len(runs), board)
			}
			if table != "" {
				if err := writeMetricsCSV(table, runs); err != nil {
					return err
				}
				fmt.Fprintf(cmd.OutOrStdout(), "runs in %s: %d\n", table, len(runs))
			}
			return nil
		},
	}
	cmd.Flags().StringVar(&board, "tensorboard", "", "folder for event files, one folder in it for each run")
	cmd.Flags().StringVar(&table, "csv", "", "file for all numbers of all runs")
	return cmd
}

// metricsName is the file of a run's metrics.
const metricsName = "metrics.jsonl"

// exported is a run that is written elsewhere.
type exported struct{ folder, name string }

func (r exported) metrics() string { return filepath.Join(r.folder, metricsName) }

// findRuns finds the runs that folders stand for. They are called by their folders, below the one that all are in.
func findRuns(args []string) (runs []exported, err error) {
	var folders []string
	for _, arg := range args {
		whole, err := filepath.Abs(arg)
		if err != nil {
			return nil, err
		}
		if _, err := os.Stat(whole); err != nil {
			return nil, fmt.Errorf("%w; name the folder of a run, such as snap/vqa/mine", err)
		}
		found, err := fs.Glob(os.DirFS(whole), "*/"+metricsName)
		if err != nil {
			return nil, err
		}
		if _, err := os.Stat(filepath.Join(whole, metricsName)); err == nil {
			found = []string{metricsName}
		}
		if len(found) == 0 {
			return nil, fmt.Errorf("%s has no %s, and no folder in it has one: it is neither a training run's folder nor a sweep's, or nothing has been trained there", arg, metricsName)
		}
		for _, name := range found {
			if folder := filepath.Dir(filepath.Join(whole, filepath.FromSlash(name))); !slices.Contains(folders, folder) {
				folders = append(folders, folder)
			}
		}
	}
	common := filepath.Dir(folders[0])
	for _, folder := range folders {
		for !within(common, folder) {
			common = filepath.Dir(common)
		}
	}
	for _, folder := range folders {
		name, err := filepath.Rel(common, folder)
		if err != nil {
			return nil, err
		}
		runs = append(runs, exported{folder, name})
	}
	return runs, nil
}

// within says whether a folder is below another one.
func within(dir, folder string) bool {
	rel, err := filepath.Rel(dir, folder)
	return err == nil && rel != "." && filepath.IsLocal(rel)
}

// events writes the event file of a run into a folder of its own.
func (r exported) events(dir string) error {
	info, err := os.Stat(r.metrics())
	if err != nil {
		return err
	}
	settings, err := settingsText(filepath.Join(r.folder, "run.json"))
	if err != nil {
		return err
	}
	if err := makeFolder("tensorboard", dir); err != nil {
		return err
	}
	return atomicfile.Replace(filepath.Join(dir, "events.out.tfevents.0.lxmert"), func(_ *os.File, out *bufio.Writer) error {
		w, err := eventfile.New(out, info.ModTime())
		if err != nil {
			return err
		}
		if settings != "" {
			if err := w.Text("settings", settings); err != nil {
				return err
			}
		}
		for l, err := range tuning.Lines(r.metrics()) {
			if err != nil {
				return err
			}
			for _, name := range slices.Sorted(maps.Keys(l.Values)) {
				if err := w.Scalar(l.Step, about(l)+"s/"+name, l.Values[name]); err != nil {
					return err
				}
			}
		}
		return nil
	})
}

// about is what a line is about.
func about(l tuning.Line) string {
	if l.Over {
		return "epoch"
	}
	return "step"
}

// mostOfRunFile bounds a run.json, in bytes.
const mostOfRunFile = 16 << 20

// settingsText is a table, in Markdown, of what run.json says that fits a line; "" without the file.
func settingsText(path string) (string, error) {
	raw, err := smallfile.Read(path, mostOfRunFile, "run.json of a run")
	if errors.Is(err, os.ErrNotExist) {
		return "", nil
	}
	if err != nil {
		return "", err
	}
	var fields map[string]any
	if err := json.Unmarshal(raw, &fields); err != nil {
		return "", fmt.Errorf("%s: %w; the run's program writes it anew with --resume", path, err)
	}
	lines := map[string]string{}
	if settings, ok := fields["settings"].(map[string]any); ok {
		for name, v := range settings {
			lines["settings."+name] = fmt.Sprint(v)
		}
	}
	for name, v := range fields {
		switch v.(type) {
		case string, bool, float64:
			lines[name] = fmt.Sprint(v)
		}
	}
	var text strings.Builder
	text.WriteString("| setting | value |\n|---|---|\n")
	cell := strings.NewReplacer(`\`, `\\`, "|", `\|`, "\n", " ", "\r", " ", "*", `\*`, "_", `\_`, "`", "\\`", "<", "&lt;")
	for _, name := range slices.Sorted(maps.Keys(lines)) {
		fmt.Fprintf(&text, "| %s | %s |\n", cell.Replace(strings.TrimPrefix(name, "settings.")), cell.Replace(lines[name]))
	}
	return text.String(), nil
}

// writeMetricsCSV goes through the metrics twice: for the names of columns, and for the rows, of which none is kept.
func writeMetricsCSV(path string, runs []exported) error {
	named := map[string]bool{}
	lines := make([]int, len(runs)) // a run under way writes more meanwhile
	for i, r := range runs {
		for l, err := range tuning.Lines(r.metrics()) {
			if err != nil {
				return err
			}
			lines[i]++
			for name := range l.Values {
				named[name] = true
			}
		}
	}
	columns := slices.Sorted(maps.Keys(named))
	return atomicfile.Replace(path, func(_ *os.File, out *bufio.Writer) error {
		w := csv.NewWriter(out)
		if err := w.Write(append([]string{"run", "line", "step", "epoch"}, columns...)); err != nil {
			return err
		}
		for i, r := range runs {
			for l, err := range tuning.Lines(r.metrics()) {
				if err != nil {
					return err
				}
				if lines[i]--; lines[i] < 0 {
					break
				}
				row := []string{r.name, about(l), strconv.FormatInt(l.Step, 10), ""}
				if l.Epoch >= 0 {
					row[3] = strconv.FormatInt(l.Epoch, 10)
				}
				for _, name := range columns {
					text := ""
					if x, ok := l.Values[name]; ok {
						text = decimal(x)
					}
					row = append(row, text)
				}
				if err := w.Write(row); err != nil {
					return err
				}
			}
		}
		w.Flush()
		return w.Error()
	})
}

// decimal is a number with all its digits, as pandas reads it.
func decimal(x float64) string {
	if math.IsInf(x, 0) {
		return strings.TrimPrefix(fmt.Sprint(x), "+")
	}
	return strconv.FormatFloat(x, 'g', -1, 64)
}
