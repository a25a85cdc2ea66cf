package main

import (
	"encoding/csv"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/seed-516990b0/golxmert/internal/goldentest"
	"github.com/seed-516990b0/golxmert/internal/testwait"
)

// sweepArgs are those of a sweep on the golden task, which takes moments a run.
func (r toyRun) sweepArgs(output string, more ...string) []string {
	args := slices.Concat([]string{"sweep", "vqa", "--train", "train,nominival", "--valid", "minival"}, r.common("", output),
		[]string{"--fromScratch", "--llayers", "1", "--rlayers", "1", "--xlayers", "1"})
	for _, name := range []string{"--load", "--lr"} {
		at := slices.Index(args, name)
		args = slices.Delete(args, at, at+2)
	}
	return append(args, more...)
}

// table are the rows of a sweep's sweep.csv by the name of the column.
func (r toyRun) table(t *testing.T, output string) (rows []map[string]string) {
	t.Helper()
	lines, err := csv.NewReader(strings.NewReader(r.file(t, output, "sweep.csv"))).ReadAll()
	if err != nil {
		t.Fatal(err)
	}
	for _, line := range lines[1:] {
		row := map[string]string{}
		for i, name := range lines[0] {
			row[name] = line[i]
		}
		rows = append(rows, row)
	}
	return rows
}

// TestASweepRunsEveryPointOnceAndNamesTheFailed: a learning rate so high that the loss is not finite fails its run alone.
func TestASweepRunsEveryPointOnceAndNamesTheFailed(t *testing.T) {
	requireXLA(t)
	r := newToyRun(t, goldentest.Folders(t, "model")[0])
	args := r.sweepArgs("snap/sweep", "--grid", "lr=1e-3,1e30", "--grid", "batch=4,8", "--max-bad", "1")
	out, log, code := r.run(t, args...)
	if code != 1 || !strings.Contains(log, "2 of 4 runs failed") || !strings.Contains(out, "lr=1e30 batchSize=4 failed: train: loss or gradient were not finite") {
		t.Fatalf("exit code %d\n%s%s", code, out, log)
	}
	rows := r.table(t, "snap/sweep")
	if len(rows) != 4 {
		t.Fatalf("%d runs: %v", len(rows), rows)
	}
	stars := 0
	for _, row := range rows {
		want := map[bool]string{true: "done", false: "failed"}[row["lr"] == "1e-3"]
		if row["state"] != want || (row["why"] != "") != (want == "failed") || !strings.Contains(out, row["state"]) {
			t.Errorf("%v is not %s", row, want)
		}
		if row["best"] == "*" {
			stars++
		}
	}
	if stars != 1 {
		t.Errorf("%d runs are the best", stars)
	}
	for _, name := range []string{"sweep.pdf", "sweep.png", "sweep.html", "lr=1e-3,batchSize=4/LAST.pth", "lr=1e-3,batchSize=8/log.log"} {
		if _, err := os.Stat(filepath.Join(r.dir, "snap/sweep", name)); err != nil {
			t.Error(err)
		}
	}

	// Again, with one value more: what is done stays as it is, to the byte and the time.
	last := filepath.Join(r.dir, "snap/sweep/lr=1e-3,batchSize=4/LAST.pth")
	before, err := os.Stat(last)
	if err != nil {
		t.Fatal(err)
	}
	out, log, code = r.run(t, r.sweepArgs("snap/sweep", "--grid", "lr=1e-3,1e-4", "--grid", "batchSize=4,8")...)
	if code != 0 || strings.Count(log, "is done already") != 2 {
		t.Fatalf("exit code %d\n%s%s", code, out, log)
	}
	if after, err := os.Stat(last); err != nil || after.ModTime() != before.ModTime() {
		t.Errorf("a run that was done was done again (%v)", err)
	}
	for _, row := range r.table(t, "snap/sweep") {
		if row["state"] != "done" {
			t.Errorf("%v", row)
		}
	}

	// --show runs nothing, and says what another grid lacks.
	if out, log, code = r.run(t, r.sweepArgs("snap/sweep", "--grid", "lr=1e-3,7", "--grid", "batchSize=4,8", "--show")...); code != 0 || strings.Count(out, stateNotBegun) != 2 || strings.Count(out, stateDone) != 2 {
		t.Errorf("--show: exit code %d\n%s%s", code, out, log)
	}
	// A run with other settings in its folder is none of this sweep's.
	if _, log, code = r.run(t, r.sweepArgs("snap/sweep", "--grid", "lr=1e-3,1e-4", "--grid", "batchSize=4,8", "--epochs", "3")...); code != 1 || !strings.Contains(log, `has epochs "2", this command "3"`) {
		t.Errorf("other epochs: exit code %d\n%s", code, log)
	}
}

// TestAKilledSweepGoesOn kills the program in its runs and compares with single commands that nobody killed.
func TestAKilledSweepGoesOn(t *testing.T) {
	requireXLA(t)
	r := newToyRun(t, goldentest.Folders(t, "model")[0])
	binary := r.build(t)
	args := r.sweepArgs("sweep", "--grid", "lr=1e-3,1e-4", "--dropout", "0.1", "--saveSteps", "1")
	for kill, folder := range []string{"lr=1e-3", "lr=1e-4"} {
		cmd := exec.Command(binary, args...)
		cmd.Dir = r.dir
		if err := cmd.Start(); err != nil {
			t.Fatal(err)
		}
		ended := make(chan struct{})
		go func() { cmd.Wait(); close(ended) }()
		testwait.Until(t, fmt.Sprintf("run %d saves its state", kill), func() bool {
			_, err := os.Stat(filepath.Join(r.dir, "sweep", folder, "state.safetensors"))
			return err == nil
		})
		cmd.Process.Kill()
		testwait.Receive(t, "it is dead", ended)
	}
	out, log, code := r.run(t, args...)
	if code != 0 {
		t.Fatalf("exit code %d\n%s%s", code, out, log)
	}
	for _, lr := range []string{"1e-3", "1e-4"} {
		whole := slices.Concat([]string{"vqa"}, r.sweepArgs("whole/"+lr, "--dropout", "0.1", "--lr", lr)[2:])
		if out, log, code := r.run(t, whole...); code != 0 {
			t.Fatalf("exit code %d\n%s%s", code, out, log)
		}
		for _, name := range []string{"LAST.pth", "log.log"} {
			if r.file(t, "sweep", "lr="+lr, name) != r.file(t, "whole", lr, name) {
				t.Errorf("%s of %s differs", name, lr)
			}
		}
	}
}

func TestMistakesInASweepAreUsage(t *testing.T) {
	for args, want := range map[string]string{
		"sweep vqa":                                 "--grid is missing",
		"sweep vqa --grid lrr=1":                    "vqa has no flag --lrr",
		"sweep vqa --grid lr=1,x":                   `invalid argument "x"`,
		"sweep vqa --grid lr=1 --overwrite":         "another --output begins anew",
		"sweep vqa --grid lr=1,2 --point 2":         "the runs 0 to 1",
		"sweep vqa --grid lr=1 --slurm x --show":    "give one of them",
		"sweep vqa --grid lr=1 --show --point 0":    "give one of them",
		"sweep vqa --grid lr=1 more":                "unknown command",
		"sweep vqa2 --grid lr=1":                    "there is no task \"vqa2\"; there are vqa, gqa, nlvr2 and pretrain",
		"vqa --requeue":                             "--requeue needs --resume",
		"sweep pretrain --grid batchSize=4 --blind": "are for fine-tuning",
	} {
		if _, log, code := command(t, strings.Fields(args)...); code != 2 || !strings.Contains(log, want) {
			t.Errorf("%s: exit code %d, %q; expected %q", args, code, log, want)
		}
	}
}
