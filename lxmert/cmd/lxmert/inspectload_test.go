package main

import (
	"path/filepath"
	"strings"
	"testing"

	"github.com/seed-516990b0/golxmert/internal/goldentest"
	"github.com/seed-516990b0/golxmert/lxmert"
	"github.com/seed-516990b0/golxmert/lxmert/weights"
)

// saveParts writes the parameters of a golden model that keep says, and an optimiser's state if there is one.
func saveParts(t *testing.T, dir, name string, optimiser bool, keep func(name string) bool) string {
	t.Helper()
	m, err := weights.OpenModel(filepath.Join(dir, "tiny", "weights"), "")
	if err != nil {
		t.Fatal(err)
	}
	defer m.Close()
	var items []weights.Item
	for _, n := range m.Names() {
		if x, _ := m.Tensor(n); keep(n) {
			items = append(items, weights.FromTensor(n, x, ""))
		}
	}
	if optimiser {
		items = append(items, weights.FromFloats("optimizer.state.0.exp_avg", []int{2}, []float32{1, 2}, weights.F32))
	}
	path := filepath.Join(t.TempDir(), name)
	if err := weights.Write(path, items, nil); err != nil {
		t.Fatal(err)
	}
	return path
}

// printedCommand inspects a file and returns the command line that loads it, without the quotes.
func printedCommand(t *testing.T, args ...string) []string {
	t.Helper()
	out, log, code := command(t, append([]string{"inspect"}, args...)...)
	_, line, found := strings.Cut(out, "\nload    ")
	if code != 0 || !found {
		t.Fatalf("exit code %d: %s%s", code, log, out)
	}
	return strings.Fields(strings.NewReplacer("'", "", `"`, "").Replace(strings.TrimSpace(line)))
}

// TestTheCommandThatInspectPrintsWorks for a checkpoint that holds an optimiser, with an answer head and without.
func TestTheCommandThatInspectPrintsWorks(t *testing.T) {
	for _, dir := range goldentest.Folders(t, "model") {
		t.Run(filepath.Base(dir), func(t *testing.T) {
			config, toy := filepath.Join(dir, "config.json"), filepath.Join(dir, "toy", "data")
			q := readAsked(t, filepath.Join(toy, "vqa", "minival.json"))[0]
			out := filepath.Join(t.TempDir(), "trace.safetensors")
			given := map[string]string{
				"BATCH.safetensors": filepath.Join(dir, "tiny", "forward.safetensors"), "TRACE.safetensors": out,
				"FEATURES": filepath.Join(toy, "mscoco_imgfeat", "val2014_obj36.tsv"), "ID": q.Image, "question": q.Sentence,
			}
			for _, c := range []struct {
				name string
				keep func(string) bool
				more []string
			}{
				{"trace", func(n string) bool { return !strings.HasPrefix(n, "answer_head.") }, nil},
				{"ask", func(string) bool { return true }, []string{"--vocab", filepath.Join(dir, "tokenizer")}},
			} {
				line := printedCommand(t, saveParts(t, dir, c.name+".pth", true, c.keep), "--config", config)
				if line[0] != "lxmert" || line[1] != c.name {
					t.Fatalf("it prints %q", line)
				}
				for i, word := range line {
					if g, ok := given[word]; ok {
						line[i] = g
					}
				}
				_, log, code := command(t, append(append(line[1:], c.more...), "--backend", "go")...)
				if code != 0 || !strings.Contains(log, "1 tensors are not part of the model and left alone: optimizer.state.0.exp_avg") {
					t.Errorf("%v: exit code %d, %s", line, code, log)
				}
			}
			if _, err := lxmert.LoadTrace(out); err != nil {
				t.Error(err)
			}
		})
	}
}

// TestInspectPromisesNoCommandThatFails: BERT is what training starts from, and what lacks parameters cannot be loaded.
func TestInspectPromisesNoCommandThatFails(t *testing.T) {
	dir := goldentest.Folders(t, "model")[0]
	config := filepath.Join(dir, "config.json")
	bert := saveParts(t, dir, "bert.pth", false, func(n string) bool {
		for _, part := range []string{"bert.embeddings.", "bert.encoder.layer.", "bert.pooler."} {
			if strings.HasPrefix(n, part) {
				return true
			}
		}
		return false
	})
	sizes := filepath.Join(t.TempDir(), "heads.json")
	writeFile(t, sizes, []byte(`{"num_attention_heads": 1}`))
	if line := strings.Join(printedCommand(t, bert, "--config", sizes), " "); !strings.HasPrefix(line, "lxmert vqa ") || !strings.Contains(line, "--bert "+strings.TrimSuffix(bert, ".pth")+" --config "+sizes) {
		t.Errorf("it prints %s", line)
	}
	damaged := saveParts(t, dir, "damaged.pth", true, func(n string) bool { return n != "bert.pooler.dense.bias" })
	if line := strings.Join(printedCommand(t, damaged, "--config", config), " "); line != "no command can: 1 parameters of the model are missing or of another shape" {
		t.Errorf("it prints %s", line)
	}
}
