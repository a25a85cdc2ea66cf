package main

import (
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/seed-516990b0/golxmert/internal/goldentest"
)

// TestARunBecomesAMapWithItsHardestExplained: trains for two epochs, and asks for the map with explanations, and without.
func TestARunBecomesAMapWithItsHardestExplained(t *testing.T) {
	requireXLA(t)
	r := newToyRun(t, goldentest.Folders(t, "model")[0])
	args := r.sweepArgs("snap/run", "--lr", "1e-3", "--epochs", "2", "--seed", "1")
	args = slices.Concat([]string{"vqa"}, args[2:])
	if out, log, code := r.run(t, args...); code != 0 {
		t.Fatalf("training: exit code %d\n%s%s", code, out, log)
	}
	out, log, code := r.run(t, "map", "snap/run", "--out", "map", "--hardest", "3", "--vocab", filepath.Join(r.golden, "tokenizer"), "--backend", "cpu")
	if code != 0 || !strings.Contains(out, "the 3 hardest examples") || !strings.Contains(out, "easy to learn") && !strings.Contains(out, "hard to learn") {
		t.Fatalf("exit code %d\n%s%s", code, out, log)
	}
	for _, name := range []string{"map.pdf", "map.csv", "map.json", "regions.csv", "regions.tex", "hardest.csv", "hardest.tex"} {
		if _, err := os.Stat(filepath.Join(r.dir, "map", name)); err != nil {
			t.Error(err)
		}
	}
	var hardest []struct {
		ID   int    `json:"question_id"`
		Sent string `json:"sent"`
	}
	if err := json.Unmarshal([]byte(r.file(t, "map", "questions.json")), &hardest); err != nil || len(hardest) != 3 {
		t.Fatalf("%d questions: %v", len(hardest), err)
	}
	page := r.file(t, "map", "map.html")
	if n := strings.Count(page, `class="lxr-data"`); n != 3 {
		t.Errorf("the page explains %d examples", n)
	}
	if n := strings.Count(page, "its mean probability over 2 epochs of training was"); n < 3 {
		t.Errorf("%d explanations say where the example lies", n)
	}
	for i := range 3 {
		if link := fmt.Sprintf(`<a class="lxr-to" href="#example-%d">%d</a>`, i+1, hardest[i].ID); !strings.Contains(page, link) {
			t.Errorf("the page lacks %s", link)
		}
	}
	// The questions of the hardest are a file for every other method, and the map does not need the weights.
	for _, name := range []string{"BEST.pth", "LAST.pth"} {
		if err := os.Remove(filepath.Join(r.dir, "snap/run", name)); err != nil {
			t.Fatal(err)
		}
	}
	if _, log, code := r.run(t, "map", "snap/run", "--out", "again", "--hardest", "3"); code != 1 || !strings.Contains(log, "--noExplanations makes the map without") {
		t.Errorf("without weights: exit code %d\n%s", code, log)
	}
	if _, log, code := r.run(t, "map", "snap/run", "--out", "again", "--hardest", "3", "--noExplanations"); code != 0 {
		t.Errorf("without explanations: exit code %d\n%s", code, log)
	}
	if r.file(t, "again", "questions.json") != r.file(t, "map", "questions.json") {
		t.Error("the hardest differ")
	}
}

func TestMistakesAboutAMapSayWhatToDo(t *testing.T) {
	r := toyRun{dir: t.TempDir()}
	for _, c := range []struct {
		args []string
		code int
		want string
	}{
		{[]string{"map", "snap/run"}, 2, "--out is needed"},
		{[]string{"map"}, 2, "accepts 1 arg"},
		{[]string{"map", "snap/run", "--out", "map", "--hardest", "-1"}, 2, "--hardest -1"},
		{[]string{"map", "snap/run", "--out", "map"}, 1, "--noDynamics"},
	} {
		if _, log, code := r.run(t, c.args...); code != c.code || !strings.Contains(log, c.want) {
			t.Errorf("%v: exit code %d, want %d\n%s", c.args, code, c.code, log)
		}
	}
}
