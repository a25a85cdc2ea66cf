package dataset

import (
	"bytes"
	"context"
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"testing"

	"github.com/seed-516990b0/golxmert/lxmert/region"
	"github.com/seed-516990b0/golxmert/lxmert/token"
)

// What the published files' packed stores give, made on first use, is what the files say, limited or not.
func TestPackedStoresGiveWhatTheirFilesSay(t *testing.T) {
	golden(t, func(t *testing.T, dir string) {
		tok, err := token.Load(filepath.Join(dir, "tokenizer", "vocab.txt"))
		if err != nil {
			t.Fatal(err)
		}
		data := t.TempDir()
		if err := os.CopyFS(data, os.DirFS(filepath.Join(dir, "toy", "data"))); err != nil {
			t.Fatal(err)
		}
		statements, err := os.ReadFile(filepath.Join(data, "nlvr2", "test.json"))
		if err != nil {
			t.Fatal(err)
		}
		writeFile(t, filepath.Join(data, "nlvr2", "hidden.json"), string(statements))
		var notes bytes.Buffer
		for _, c := range []struct {
			task   *Task
			splits string
			limit  int
		}{{VQA, "train,nominival", 3}, {VQA, "train,nominival", 0}, {VQA, "minival", 3}, {GQA, "testdev", 3}, {NLVR2, "train", 0}, {NLVR2, "hidden", 3}} {
			var logs [2]bytes.Buffer
			var sets [2]*Set
			for i, open := range []func(context.Context, string, int) (region.Source, error){nil, openRows} {
				s, err := Load(context.Background(), c.task, strings.Split(c.splits, ","),
					Options{Root: data, Limit: c.limit, Log: &logs[i], Notes: &notes, Open: open})
				if err != nil {
					t.Fatal(err)
				}
				defer s.Close()
				sets[i] = s
			}
			if !reflect.DeepEqual(sets[0].Examples, sets[1].Examples) || logs[0].String() != logs[1].String() || sets[0].Len() == 0 {
				t.Fatalf("%v: %s\nwant %s", c, &logs[0], &logs[1])
			}
			index := Order(sets[0].Len(), 1, 1)
			packed, err := sets[0].Batch(context.Background(), tok, 20, index)
			if err != nil {
				t.Fatal(err)
			}
			read, err := sets[1].Batch(context.Background(), tok, 20, index)
			if err != nil {
				t.Fatal(err)
			}
			packed.Images, read.Images = nil, nil // these say which file they are from
			if !reflect.DeepEqual(packed, read) {
				t.Errorf("%v: other batches", c)
			}
		}
		if !strings.Contains(notes.String(), "train2014_obj36") {
			t.Errorf("nobody said that a file was packed: %s", notes.String())
		}
	})
}

func TestMissingFeaturesAreNamedWithWhatToDo(t *testing.T) {
	w := newWorld(t, map[string][]string{"vqa/train": {question(1, "a", "x")}})
	_, err := Load(context.Background(), VQA, []string{"train"}, Options{Root: w.root})
	if err == nil || !strings.Contains(err.Error(), "train2014_obj36") || !strings.Contains(err.Error(), "lxmert fetch vqa") {
		t.Error(err)
	}
}
