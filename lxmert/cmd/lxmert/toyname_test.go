package main

import (
	"encoding/json"
	"errors"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/seed-516990b0/golxmert/internal/commandline"
	"github.com/seed-516990b0/golxmert/internal/goldentest"
	"github.com/seed-516990b0/golxmert/lxmert/dataset"
	"github.com/seed-516990b0/golxmert/lxmert/toy"
)

// TestTheToyWorldIsAskedByItsName, from any folder and without naming another file, unless there are weights of that name.
func TestTheToyWorldIsAskedByItsName(t *testing.T) {
	golden, dir := goldentest.Folders(t, "model")[0], filepath.Join(t.TempDir(), "world")
	t.Setenv(toy.FolderEnv, dir)
	t.Chdir(t.TempDir())
	ask := []string{"ask", "--backend", "go", "--load", "toy", "--image", "test/500001", "what color is the circle?"}
	if _, _, err := execute(rootCommand(), ask...); !errors.Is(err, toy.ErrNoWorld) || !strings.Contains(err.Error(), "lxmert demo --dir "+dir) {
		t.Errorf("without a world: %v", err)
	}
	world, err := toy.Make(t.Context(), dir, toy.Options{Scale: 0.002})
	if err != nil {
		t.Fatal(err)
	}
	untrained := append(slices.Clone(ask), "--json")
	untrained[slices.Index(untrained, "toy")] = toy.Pretrained
	if out, errOut, err := execute(rootCommand(), untrained...); err != nil || !strings.Contains(out, `"matched"`) {
		t.Errorf("the pre-trained weights: %v\n%s%s", err, out, errOut)
	}
	if _, errOut, err := execute(rootCommand(), "vqa", "--backend", "go", "--train", "minival", "--epochs", "1", "--valid=", "--batchSize", "8", "--fromScratch",
		"--data", world.Data(), "--config", world.Config(), "--output", filepath.Join(dir, "snap", "vqa", "toy")); err != nil {
		t.Fatalf("%v\n%s", err, errOut)
	}
	out, errOut, err := execute(rootCommand(), append(ask, "--json", "--explain", "--out", "why.html")...)
	if err != nil {
		t.Fatalf("%v\n%s", err, errOut)
	}
	var r reply
	if err := json.Unmarshal([]byte(out), &r); err != nil {
		t.Fatal(err)
	}
	if len(r.Images) != 1 || r.Images[0].ID != "COCO_test2015_000000500001" || len(r.Images[0].Objects) == 0 || !slices.Contains(toy.Shapes, r.Images[0].Objects[0]) {
		t.Errorf("asked about %+v", r.Images)
	}
	names, err := dataset.ReadAnswerNames(filepath.Join(world.Data(), "vqa", "trainval_label2ans.json"))
	if err != nil || !slices.Contains(names, r.Answers[0].Answer) {
		t.Errorf("answered %+v, %v", r.Answers, err)
	}
	if page, err := os.ReadFile("why.html"); err != nil || !strings.Contains(string(page), "data:image/") || strings.Contains(errOut, "empty canvas") {
		t.Errorf("the page has no picture: %v\n%s", err, errOut)
	}
	_, errOut, err = execute(rootCommand(), "analyze", "attention", "--backend", "go", "--load", "toy", "--data", filepath.Join(world.Data(), "vqa", "heldout.json"), "--limit", "2", "--out", "out")
	if err != nil {
		t.Errorf("analyze: %v\n%s", err, errOut)
	}
	if out, _, err := execute(rootCommand(), "trace", "--load", "toy", "--list"); err != nil || !strings.Contains(out, "out.task") {
		t.Errorf("trace: %v\n%s", err, out)
	}

	own, err := os.ReadFile(filepath.Join(golden, "tiny", "weights.safetensors"))
	if err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile("toy.safetensors", own, 0o666); err != nil {
		t.Fatal(err)
	}
	if _, _, err := execute(rootCommand(), ask...); !errors.Is(err, commandline.ErrUsage) || !strings.Contains(err.Error(), "weights of that name") {
		t.Errorf("with weights called toy: %v", err)
	}
}
