package task

import (
	"bytes"
	"encoding/json"
	"os"
	"path/filepath"
	"testing"

	"github.com/seed-516990b0/golxmert/internal/goldentest"
	"github.com/seed-516990b0/golxmert/lxmert/backend/backendtest"
	"github.com/seed-516990b0/golxmert/lxmert/dataset"
)

// TestDumpsAndScoresAreTheReferences gives given answers to the reference's evaluator and dump.
func TestDumpsAndScoresAreTheReferences(t *testing.T) {
	b := backendtest.Open(t, "go")
	for _, golden := range goldentest.Folders(t, "model") {
		t.Run(filepath.Base(golden), func(t *testing.T) {
			read := func(name string) []byte {
				text, err := os.ReadFile(filepath.Join(golden, "toy_expected", name))
				if err != nil {
					t.Fatal(err)
				}
				return text
			}
			var want struct {
				Pairs [][2]json.RawMessage
				Score float64
			}
			if err := json.Unmarshal(read("vqa_eval.json"), &want); err != nil {
				t.Fatal(err)
			}
			data := t.TempDir() // features are packed beside their files
			if err := os.CopyFS(data, os.DirFS(filepath.Join(golden, "toy", "data"))); err != nil {
				t.Fatal(err)
			}
			o := DefaultOptions()
			o.Root, o.Vocab, o.Output = data, filepath.Join(golden, "tokenizer"), t.TempDir()
			s, err := newSession(b, dataset.VQA, &o)
			if err != nil {
				t.Fatal(err)
			}
			defer s.Close()
			set, err := s.load(t.Context(), []string{"minival"}, 0)
			if err != nil {
				t.Fatal(err)
			}
			byID := map[string]dataset.Example{}
			for _, e := range set.Examples {
				byID[e.ID] = e
			}
			set.Examples = nil
			var classes []int
			for _, p := range want.Pairs {
				var answer string
				if err := json.Unmarshal(p[1], &answer); err != nil {
					t.Fatal(err)
				}
				e, ok := byID[string(p[0])]
				class, known := s.answers.Label(answer)
				if !ok || !known {
					t.Fatalf("no question %s, or no answer %q", p[0], answer)
				}
				set.Examples = append(set.Examples, e)
				classes = append(classes, class)
			}
			if got := s.mean(set, classes); got != want.Score {
				t.Errorf("the score is %v, expected %v", got, want.Score)
			}
			var handed bytes.Buffer
			if err := dump(&handed, s.task, set, s.answers, classes); err != nil {
				t.Fatal(err)
			}
			if got, want := handed.String(), string(read("vqa_dump.json")); got != want {
				t.Errorf("the dump is\n%s\nexpected\n%s", got, want)
			}
		})
	}
}

func TestTheFirstUseOfAFeatureFileShowsHowFarItsPackingIs(t *testing.T) {
	golden := goldentest.Folders(t, "model")[0]
	data := t.TempDir()
	if err := os.CopyFS(data, os.DirFS(filepath.Join(golden, "toy", "data"))); err != nil {
		t.Fatal(err)
	}
	b := backendtest.Open(t, "go")
	for use, shown := range []bool{true, false} {
		o := DefaultOptions()
		o.Root, o.Vocab, o.Output = data, filepath.Join(golden, "tokenizer"), t.TempDir()
		var read, all int64
		pictures := 0
		o.Packing = func(done, total int64, images int) { read, all, pictures = done, total, images }
		s, err := newSession(b, dataset.VQA, &o)
		if err != nil {
			t.Fatal(err)
		}
		defer s.Close()
		set, err := s.load(t.Context(), []string{"minival"}, 0)
		if err != nil {
			t.Fatal(err)
		}
		if set.Len() == 0 || shown != (pictures > 0 && read == all && all > 0) || shown != (read > 0) {
			t.Errorf("use %d: %d of %d bytes, %d pictures", use, read, all, pictures)
		}
	}
}
