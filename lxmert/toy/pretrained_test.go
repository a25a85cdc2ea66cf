package toy

import (
	"bytes"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// TestThePretrainedWeightsComeWithTheProgram, into the world's folder and beside what a user has there.
func TestThePretrainedWeightsComeWithTheProgram(t *testing.T) {
	dir := t.TempDir()
	t.Setenv(FolderEnv, dir)
	if _, err := FindWeights(Pretrained); err == nil || !strings.Contains(err.Error(), dir) {
		t.Errorf("without a world: %v", err)
	}
	if _, err := Make(t.Context(), dir, Options{Scale: tinyScale}); err != nil {
		t.Fatal(err)
	}
	path := filepath.Join(dir, "snap", "pretrained", "model_LXRT.pth")
	if n, err := FindWeights(Name); err != nil || n.Weights != filepath.Join(dir, "snap", "vqa", "toy", "LAST") {
		t.Errorf("%+v, %v", n, err)
	}
	if _, err := os.Stat(path); err == nil {
		t.Error("the pre-trained weights are there before they are asked for")
	}
	n, err := FindWeights(Pretrained)
	if err != nil || n.Weights+"_LXRT.pth" != path || n.Config == "" {
		t.Fatalf("%+v, %v", n, err)
	}
	if got, err := os.ReadFile(path); err != nil || !bytes.Equal(got, pretrainedFile) {
		t.Errorf("%d bytes, %v", len(got), err)
	}
	if err := os.WriteFile(path, []byte("mine"), 0o666); err != nil {
		t.Fatal(err)
	}
	if _, err := FindWeights(Pretrained); err != nil {
		t.Error(err)
	}
	if got, err := os.ReadFile(path); err != nil || string(got) != "mine" {
		t.Errorf("what was there is %q now, %v", got, err)
	}
}

// TestAnotherSeedHasNoPretrainedWeights, since its features mean other things; the error says how they are made.
func TestAnotherSeedHasNoPretrainedWeights(t *testing.T) {
	dir := t.TempDir()
	t.Setenv(FolderEnv, dir)
	if _, err := Make(t.Context(), dir, Options{Scale: tinyScale, Seed: 2}); err != nil {
		t.Fatal(err)
	}
	if n, err := FindWeights(Pretrained); err == nil || !strings.Contains(err.Error(), "lxmert pretrain --train stage1,") {
		t.Errorf("%+v, %v", n, err)
	}
}
