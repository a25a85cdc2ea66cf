package token

import (
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

func TestFindLooksInTheUsualPlaces(t *testing.T) {
	const snapshot = "/models--google-bert--bert-base-uncased/snapshots/abc/vocab.txt"
	for _, c := range []struct {
		name, file, weights string
		env                 map[string]string // %ROOT% is a fresh folder
	}{
		{"beside the weights", "snap/vocab.txt", "snap/m.pth", nil},
		{"named after the weights", "snap/m.vocab.txt", "snap/m.pth", nil},
		{"named after the weights' stem", "snap/m_LXRT.vocab.txt", "snap/m_LXRT", nil},
		{"BERT's own name", "snap/bert-base-uncased-vocab.txt", "snap/m.safetensors", nil},
		{"in a folder of weights", "hf/vocab.txt", "hf", nil},
		{"in tokenizer/", "snap/tokenizer/vocab.txt", "snap/m.pth", nil},
		{"one folder up", "vocab.txt", "snap/m.pth", nil},
		{"in a folder with signs", "a[1]*/vocab.txt", "a[1]*/m.pth", nil},
		{"data", "work/data/vocab.txt", "", nil},
		{"HF_HUB_CACHE", "hub" + snapshot, "", map[string]string{"HF_HUB_CACHE": "%ROOT%/hub"}},
		{"HF_HOME", "hf/hub" + snapshot, "", map[string]string{"HF_HOME": "%ROOT%/hf"}},
		{"Hugging Face's default", "home/.cache/huggingface/hub/models--bert-base-uncased/snapshots/1/vocab.txt", "", nil},
		{"LXMERT on Hugging Face", "home/.cache/huggingface/hub/models--unc-nlp--lxmert-base-uncased/snapshots/1/vocab.txt", "", nil},
		{"the reference's package", "home/.pytorch_pretrained_bert/26bc1ad6.542ce428", "", nil},
	} {
		t.Run(c.name, func(t *testing.T) {
			root := t.TempDir()
			isolate(t, root)
			for k, v := range c.env {
				t.Setenv(k, strings.ReplaceAll(v, "%ROOT%", root))
			}
			want := filepath.Join(root, c.file)
			put(t, want, "[PAD]\n")
			put(t, filepath.Join(root, "home/.pytorch_pretrained_bert/26bc1ad6.542ce428.json"), `{"url": "https://x.example/bert-base-uncased-vocab.txt"}`)
			weights := c.weights
			if weights != "" {
				weights = filepath.Join(root, weights)
			}
			got, err := Find("", weights)
			if err != nil {
				t.Fatal(err)
			}
			a, errA := os.Stat(got)
			b, errB := os.Stat(want)
			if errA != nil || errB != nil || !os.SameFile(a, b) {
				t.Errorf("found %s, want %s", got, want)
			}
		})
	}
}

func TestExplicitVocabularyIsTheOnlyOne(t *testing.T) {
	root := t.TempDir()
	isolate(t, root)
	put(t, filepath.Join(root, "snap/vocab.txt"), "[PAD]\n")
	put(t, filepath.Join(root, "mine/vocab.txt"), "[PAD]\n")
	for _, explicit := range []string{"mine", "mine/vocab.txt"} {
		got, err := Find(filepath.Join(root, explicit), filepath.Join(root, "snap/m.pth"))
		if err != nil || got != filepath.Join(root, "mine/vocab.txt") {
			t.Errorf("%s: %s, %v", explicit, got, err)
		}
	}
	if _, err := Find(filepath.Join(root, "none"), filepath.Join(root, "snap/m.pth")); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("error %v", err)
	}
}

func TestMissingVocabularySaysWhatToDo(t *testing.T) {
	isolate(t, t.TempDir())
	for _, weights := range []string{"", "/nowhere/Epoch20_LXRT.pth"} {
		_, err := Find("", weights)
		if !errors.Is(err, ErrNotFound) {
			t.Fatalf("error %v", err)
		}
		for _, want := range []string{"vocab.txt", "--vocab", "30,522", "`lxmert fetch vocab` brings it to data/vocab.txt"} {
			if !strings.Contains(err.Error(), want) || strings.Contains(err.Error(), "\n") {
				t.Errorf("error %q has no %q", err, want)
			}
		}
	}
}

// isolate hides this machine's own caches and works in root/work.
func isolate(t *testing.T, root string) {
	t.Helper()
	for _, name := range []string{
		"HF_HUB_CACHE", "HUGGINGFACE_HUB_CACHE", "TRANSFORMERS_CACHE", "HF_HOME", "XDG_CACHE_HOME",
		"PYTORCH_PRETRAINED_BERT_CACHE", "PYTORCH_TRANSFORMERS_CACHE",
	} {
		t.Setenv(name, "")
	}
	t.Setenv("HOME", filepath.Join(root, "home"))
	t.Setenv("USERPROFILE", filepath.Join(root, "home"))
	if err := os.MkdirAll(filepath.Join(root, "work"), 0o755); err != nil {
		t.Fatal(err)
	}
	t.Chdir(filepath.Join(root, "work"))
}

func put(t *testing.T, path, text string) {
	t.Helper()
	if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(path, []byte(text), 0o644); err != nil {
		t.Fatal(err)
	}
}
