package main

import (
	"encoding/json"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/seed-516990b0/golxmert/internal/goldentest"
)

// ranRun is the folder of a run with these lines of metrics, and a run.json.
func ranRun(t *testing.T, dir, settings string, lines ...string) string {
	t.Helper()
	if err := os.MkdirAll(dir, 0o777); err != nil {
		t.Fatal(err)
	}
	for name, text := range map[string]string{"metrics.jsonl": strings.Join(lines, "\n"), "run.json": settings} {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o666); err != nil {
			t.Fatal(err)
		}
	}
	return dir
}

// exportedRuns are a sweep of two runs, the second of which is under way: its last line is not whole.
func exportedRuns(t *testing.T) (sweep string) {
	t.Helper()
	sweep = filepath.Join(t.TempDir(), "my [first] sweep")
	ranRun(t, filepath.Join(sweep, "lr=1e-5"), `{"settings": {"lr": "1e-5", "train": "a|b*c"}, "version": "v1", "steps": [2, 1], "bfloat16": false}`,
		`{"step":1,"epoch":0,"loss":8.5,"loss.mlm":2,"norm":"NaN"}`, `{"step":2,"epoch":0,"loss":0.1,"loss.mlm":1,"norm":"+Inf"}`,
		`{"epoch":0,"train":0.25,"valid":0.5,"match":{"auc":0.75,"name":"x"}}`, `nonsense`, `{"step":3,"epoch":1,"loss":4}`, `{"epoch":1,"train":0.5,"valid":0.125}`, ``)
	ranRun(t, filepath.Join(sweep, "lr=1"), `{"settings": {"lr": "1"}}`, `{"step":1,"epoch":0,"loss":7}`, `{"step":2,"epoch":0,"lo`)
	if err := os.MkdirAll(filepath.Join(sweep, "not a run"), 0o777); err != nil {
		t.Fatal(err)
	}
	return sweep
}

func TestExportWritesEveryNumberOfEveryRunAsCSV(t *testing.T) {
	file := filepath.Join(t.TempDir(), "metrics.csv")
	out, _, err := execute(rootCommand(), "export", exportedRuns(t), "--csv", file)
	if err != nil || !strings.Contains(out, ": 2\n") {
		t.Fatalf("%v\n%s", err, out)
	}
	got, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	want := `run,line,step,epoch,loss,loss.mlm,match.auc,norm,train,valid
lr=1,step,1,0,7,,,,,
lr=1e-5,step,1,0,8.5,2,,NaN,,
lr=1e-5,step,2,0,0.1,1,,Inf,,
lr=1e-5,epoch,2,0,,,0.75,,0.25,0.5
lr=1e-5,step,3,1,4,,,,,
lr=1e-5,epoch,3,1,,,,,0.5,0.125
`
	if string(got) != want {
		t.Errorf("%s", got)
	}
}

// readBoard prints what TensorBoard serves of a folder: by run and tag the steps and values, and the texts.
const readBoard = `
import json, sys
from tensorboard.backend.event_processing import data_provider, plugin_event_multiplexer
from tensorboard import context
from tensorboard.util import tensor_util
board = plugin_event_multiplexer.EventMultiplexer()
board.AddRunsFromDirectory(sys.argv[1])
board.Reload()
provider, ctx = data_provider.MultiplexerDataProvider(board, sys.argv[1]), context.RequestContext()
scalars = provider.read_scalars(ctx, experiment_id="", plugin_name="scalars", downsample=1000000)
texts = provider.read_tensors(ctx, experiment_id="", plugin_name="text", downsample=10)
print(json.dumps({
    "scalars": {run: {tag: [[x.step, str(x.value)] for x in series] for tag, series in tags.items()} for run, tags in scalars.items()},
    "texts": {run: {tag: str(series[0].numpy.item().decode()) for tag, series in tags.items()} for run, tags in texts.items()},
    "times": sorted({x.wall_time for tags in scalars.values() for series in tags.values() for x in series}),
}))
`

func TestTensorBoardReadsWhatExportWrites(t *testing.T) {
	python := goldentest.TensorBoard(t)
	board := filepath.Join(t.TempDir(), "board")
	sweep := exportedRuns(t)
	alone := ranRun(t, filepath.Join(t.TempDir(), "alone"), `{}`, `{"step":70000000000,"loss":1}`, ``)
	os.Remove(filepath.Join(alone, "run.json"))
	for range 2 { // the second time in the place of the first
		if out, log, err := execute(rootCommand(), "export", sweep, "--tensorboard", board); err != nil || !strings.Contains(out, ": 2; ") {
			t.Fatalf("%v\n%s%s", err, out, log)
		}
	}
	if _, _, err := execute(rootCommand(), "export", alone, "--tensorboard", board); err != nil {
		t.Fatal(err)
	}
	cmd := exec.Command(python, "-c", readBoard, board)
	cmd.Stderr = os.Stderr
	raw, err := cmd.Output()
	if err != nil {
		t.Fatal(err)
	}
	var read struct {
		Scalars map[string]map[string][][2]any
		Texts   map[string]map[string]string
		Times   []float64
	}
	if err := json.Unmarshal(raw, &read); err != nil {
		t.Fatalf("%v: %s", err, raw)
	}
	for run, tags := range map[string]map[string]string{
		"lr=1e-5": {
			"steps/loss": `[[1,"8.5"],[2,"0.10000000149011612"],[3,"4.0"]]`, "steps/loss.mlm": `[[1,"2.0"],[2,"1.0"]]`, "steps/norm": `[[1,"nan"],[2,"inf"]]`,
			"epochs/train": `[[2,"0.25"],[3,"0.5"]]`, "epochs/valid": `[[2,"0.5"],[3,"0.125"]]`, "epochs/match.auc": `[[2,"0.75"]]`,
		},
		"lr=1":  {"steps/loss": `[[1,"7.0"]]`},
		"alone": {"steps/loss": `[[70000000000,"1.0"]]`},
	} {
		if len(read.Scalars[run]) != len(tags) {
			t.Errorf("%s has the tags %v, want %v", run, read.Scalars[run], tags)
		}
		for tag, want := range tags {
			if got, _ := json.Marshal(read.Scalars[run][tag]); string(got) != want {
				t.Errorf("%s, %s: %s, want %s", run, tag, got, want)
			}
		}
	}
	if len(read.Scalars) != 3 {
		t.Errorf("%d runs", len(read.Scalars))
	}
	if got, want := read.Texts["lr=1e-5"]["settings"], "| setting | value |\n|---|---|\n| bfloat16 | false |\n| lr | 1e-5 |\n| train | a\\|b\\*c |\n| version | v1 |\n"; got != want {
		t.Errorf("settings: %q", got)
	}
	if len(read.Texts) != 2 {
		t.Errorf("texts of %d runs", len(read.Texts))
	}
	info, err := os.Stat(filepath.Join(alone, "metrics.jsonl"))
	if err != nil || len(read.Times) == 0 || read.Times[len(read.Times)-1] != float64(info.ModTime().UnixNano())/1e9 {
		t.Errorf("times %v, %v", read.Times, err)
	}
}

func TestExportSaysWhatIsWrong(t *testing.T) {
	empty := t.TempDir()
	broken := ranRun(t, filepath.Join(t.TempDir(), "broken"), `{"settings"`, `{"step":1,"loss":1}`, ``)
	long := ranRun(t, filepath.Join(t.TempDir(), "long"), `{}`, strings.Repeat("x", 1<<20))
	for _, c := range []struct {
		args []string
		want string
	}{
		{[]string{empty}, "--tensorboard or --csv is needed"},
		{[]string{empty, "--csv", filepath.Join(empty, "a.csv")}, "neither a training run's folder nor a sweep's"},
		{[]string{filepath.Join(empty, "none"), "--csv", filepath.Join(empty, "a.csv")}, "name the folder of a run"},
		{[]string{broken, "--tensorboard", filepath.Join(empty, "board")}, "run.json"},
		{[]string{long, "--csv", filepath.Join(empty, "a.csv")}, "not the metrics of a run"},
		{[]string{broken, "--csv", filepath.Join(empty, "none", "a.csv")}, "none"},
	} {
		_, _, err := execute(rootCommand(), append([]string{"export"}, c.args...)...)
		if err == nil || !strings.Contains(err.Error(), c.want) || strings.Contains(err.Error(), "\n") {
			t.Errorf("%q: %v, want %q", c.args, err, c.want)
		}
	}
	if left, _ := os.ReadDir(empty); len(left) > 1 || len(left) == 1 && left[0].Name() != "board" {
		t.Errorf("%d files are left", len(left))
	}
}
