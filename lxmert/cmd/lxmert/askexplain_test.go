package main

import (
	"bytes"
	"errors"
	"image"
	"image/png"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/seed-516990b0/golxmert/internal/commandline"
	"github.com/seed-516990b0/golxmert/internal/goldentest"
)

func TestAskExplainsInEveryFormat(t *testing.T) {
	dir := goldentest.Folders(t, "model")[0]
	q := readAsked(t, filepath.Join(dir, "toy", "data", "vqa", "minival.json"))[0]
	folder := t.TempDir()
	for name, begins := range map[string]string{
		"why.pdf": "%pdf", "why.svg": "<?xml", "why.png": "\ufffdpng", "why.html": "<!doctype html>", "why.csv": "modality,index,label,value", "why.json": "{", "why.tex": "% \\usepackage", "why.safetensors": "",
	} {
		path := filepath.Join(folder, name)
		_, errOut, err := execute(rootCommand(), "ask", "--backend", "go", "--load", filepath.Join(dir, "checkpoints", "vqa_toy_LAST"),
			"--config", filepath.Join(dir, "config.json"), "--vocab", filepath.Join(dir, "tokenizer"), "--image", q.Image,
			"--regions", filepath.Join(dir, "toy", "data", "mscoco_imgfeat", "val2014_obj36.tsv"), q.Sentence, "--explain", "--out", path)
		if err != nil || !strings.Contains(errOut, name+" shows which words and regions carried the answer") {
			t.Errorf("%s: %v\n%s", name, err, errOut)
		}
		text, err := os.ReadFile(path)
		if err != nil || len(text) < 100 || !strings.HasPrefix(strings.ToLower(string(text[:40])), begins) {
			t.Errorf("%s: %v, begins %q", name, err, text[:min(20, len(text))])
		}
		if name == "why.png" {
			m, err := png.Decode(bytes.NewReader(text))
			if err != nil || m.Bounds().Dx() < 500 {
				t.Errorf("%s: %v", name, err)
			}
		}
		if name == "why.html" && strings.Count(string(text), q.Image) == 0 {
			t.Errorf("%s does not name the picture", name)
		}
	}
}

func TestAskExplainsEachPictureOfAStatement(t *testing.T) {
	dir := goldentest.Folders(t, "model")[0]
	q := readAsked(t, filepath.Join(dir, "toy", "data", "nlvr2", "valid.json"))[0]
	folder := t.TempDir()
	_, errOut, err := execute(rootCommand(), "ask", "--backend", "go", "--load", goldenStarts(t, dir)["nlvr2"],
		"--config", filepath.Join(dir, "config.json"), "--vocab", filepath.Join(dir, "tokenizer"), "--image", q.Left, "--image", q.Right,
		"--regions", filepath.Join(dir, "toy", "data", "nlvr2_imgfeat", "valid_obj36.tsv"), q.Sentence, "--explain", "--out", filepath.Join(folder, "why.html"))
	if err != nil {
		t.Fatalf("%v\n%s", err, errOut)
	}
	for _, name := range []string{"why-left.html", "why-right.html"} {
		if _, err := os.Stat(filepath.Join(folder, name)); err != nil {
			t.Error(err)
		}
	}
}

func TestAskCountsPicturesThatAreMissing(t *testing.T) {
	dir := goldentest.Folders(t, "model")[0]
	q := readAsked(t, filepath.Join(dir, "toy", "data", "nlvr2", "valid.json"))[0]
	pictures := t.TempDir()
	var picture bytes.Buffer
	if err := png.Encode(&picture, image.NewGray(image.Rect(0, 0, 8, 8))); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(pictures, q.Left+".png"), picture.Bytes(), 0o666); err != nil {
		t.Fatal(err)
	}
	_, errOut, err := execute(rootCommand(), "ask", "--backend", "go", "--load", goldenStarts(t, dir)["nlvr2"],
		"--config", filepath.Join(dir, "config.json"), "--vocab", filepath.Join(dir, "tokenizer"), "--image", q.Left, "--image", q.Right,
		"--regions", filepath.Join(dir, "toy", "data", "nlvr2_imgfeat", "valid_obj36.tsv"), q.Sentence,
		"--explain", "--images", pictures, "--out", filepath.Join(t.TempDir(), "why.json"))
	want := "1 of 2 pictures shown are not in " + pictures + " (such as " + q.Right + "): their regions are drawn on an empty canvas\n"
	if err != nil || strings.Count(errOut, want) != 1 {
		t.Errorf("%v\n%s\nwant one line\n%s", err, errOut, want)
	}
}

func TestAskSaysWhatCannotBeExplained(t *testing.T) {
	for _, c := range [][]string{
		{"ask", "q", "--load", "w", "--regions", "r", "--image", "i", "--out", "why.pdf"},
		{"ask", "q", "--load", "w", "--regions", "r", "--image", "i", "--images", "pictures"},
		{"ask", "q", "--load", "w", "--regions", "r", "--image", "i", "--explain", "--out", "why.gif"},
	} {
		if _, _, err := execute(rootCommand(), c...); !errors.Is(err, commandline.ErrUsage) || strings.Contains(err.Error(), "\n") {
			t.Errorf("%q: %v", c, err)
		}
	}
}
