package main

import (
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/seed-516990b0/golxmert/internal/goldentest"
	"github.com/seed-516990b0/golxmert/lxmert/weights"
)

// TestAnswerHeadsComeFromPreTraining trains for one epoch without moving (learning rate 0) and compares the task's head in
// LAST.pth with the one that the reference makes of the same pre-trained file.
func TestAnswerHeadsComeFromPreTraining(t *testing.T) {
	requireXLA(t)
	for _, golden := range goldentest.Folders(t, "model") {
		r := newToyRun(t, golden)
		for task, splits := range map[string][]string{
			"vqa": {"--train", "train,nominival", "--valid", "minival"},
			"gqa": {"--train", "train,valid", "--valid", "testdev"},
		} {
			t.Run(filepath.Base(golden)+"/"+task, func(t *testing.T) {
				want := goldentest.Open(t, filepath.Join(golden, "toy_expected", "tasks.safetensors"))
				output := "snap/head-" + task
				args := slices.Concat([]string{task}, splits, r.common("", output),
					[]string{"--loadLXMERTQA", filepath.Join(golden, "checkpoints", "legacy_module"), "--optim", "sgd", "--lr", "0", "--epochs", "1"})
				at := slices.Index(args, "--load")
				if out, log, code := r.run(t, slices.Delete(args, at, at+2)...); code != 0 {
					t.Fatalf("exit code %d: %s%s", code, out, log)
				}
				last, err := weights.Open(filepath.Join(r.dir, output, "LAST.pth"))
				if err != nil {
					t.Fatal(err)
				}
				defer last.Close()
				want.Use("vqa.", "gqa.", "nlvr2.", "loadqa.")
				compared := 0
				for _, key := range want.Names() {
					name, ok := strings.CutPrefix(key, "loadqa."+task+".")
					if !ok {
						continue
					}
					compared++
					tensor, ok := last.Tensor(name)
					if !ok {
						t.Fatalf("LAST.pth has no %s", name)
					}
					got, err := tensor.Float32s()
					if err != nil {
						t.Fatal(err)
					}
					if !slices.Equal(got, want.Float32s(key)) {
						t.Errorf("%s differs from the reference's", name)
					}
				}
				if compared == 0 {
					t.Errorf("nothing of %s to compare with", task)
				}
				if compared == 0 {
					t.Errorf("nothing of %s to compare with", task)
				}
			})
		}
	}
}
