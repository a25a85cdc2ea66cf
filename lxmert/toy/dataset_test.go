package toy

import (
	"context"
	"strings"
	"testing"

	"github.com/seed-516990b0/golxmert/lxmert/dataset"
	"github.com/seed-516990b0/golxmert/lxmert/region"
	"github.com/seed-516990b0/golxmert/lxmert/token"
)

// What reads the published files reads a world, and misses nothing.
func TestAWorldIsADataSet(t *testing.T) {
	w := smallWorld(t)
	pieces, err := token.Load(w.Vocab())
	if err != nil {
		t.Fatal(err)
	}
	ctx := context.Background()
	opt := dataset.Options{Root: w.Data(), Strict: true, Open: func(_ context.Context, path string, rows int) (region.Source, error) { return region.Open(path) }}
	splits := append([]Split{{Task: "vqa", Name: "test", Questions: w.Splits[5].Questions}}, w.Splits...)
	for _, split := range splits {
		task, err := dataset.FindTask(split.Task)
		if err != nil {
			t.Fatal(err)
		}
		set, err := dataset.Load(ctx, task, []string{split.Name}, opt)
		if err != nil {
			t.Errorf("%s %s: %v", split.Task, split.Name, err)
			continue
		}
		if set.Len() != split.Questions || set.Listed != split.Questions || set.Duplicates != 0 || set.Dim != FeatDim {
			t.Errorf("%s %s: %d of %d questions of %d, %d twice, %d features", split.Task, split.Name, set.Len(), set.Listed, split.Questions, set.Duplicates, set.Dim)
		}
		b, err := set.Batch(ctx, pieces, ModelConfig().MaxPositions, []int{0, set.Len() - 1})
		if err != nil {
			t.Errorf("%s %s: %v", split.Task, split.Name, err)
		} else if err := b.Check(ModelConfig()); err != nil {
			t.Errorf("%s %s: %v", split.Task, split.Name, err)
		}
		if task != dataset.NLVR2 {
			answers, err := dataset.LoadAnswers(w.Data(), task)
			if err != nil {
				t.Fatal(err)
			}
			target := make([]float32, answers.Len())
			for i := range set.Examples {
				if err := answers.Target(target, &set.Examples[i], true); err != nil {
					t.Fatalf("%s %s: %v", split.Task, split.Name, err)
				}
			}
		}
		if err := set.Close(); err != nil {
			t.Error(err)
		}
	}
}

func TestDrawnPicturesAreFoundByTheirIDs(t *testing.T) {
	w := smallWorld(t)
	pictures, err := region.OpenPictures(w.Images())
	if err != nil {
		t.Fatal(err)
	}
	n := 0
	for _, set := range scaled(w.Scale) {
		for _, id := range set.drawnIDs() {
			if path, ok := pictures.Find(id); !ok || !strings.HasSuffix(path, id+".png") {
				t.Errorf("%s is found as %q, %v", id, path, ok)
			}
			n++
		}
	}
	if n != w.Drawn.Count {
		t.Errorf("%d pictures, %d were drawn", n, w.Drawn.Count)
	}
}
