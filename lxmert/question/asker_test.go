package question_test

import (
	"context"
	"math"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/seed-516990b0/golxmert/internal/goldentest"
	"github.com/seed-516990b0/golxmert/lxmert"
	"github.com/seed-516990b0/golxmert/lxmert/backend/backendtest"
	"github.com/seed-516990b0/golxmert/lxmert/dataset"
	"github.com/seed-516990b0/golxmert/lxmert/lxrt"
	"github.com/seed-516990b0/golxmert/lxmert/question"
	"github.com/seed-516990b0/golxmert/lxmert/region"
)

func TestMain(m *testing.M) { backendtest.Main(m) }

// open opens a golden model on the Go backend.
func open(t *testing.T, dir, weights string) *lxrt.Model {
	t.Helper()
	m, err := lxrt.Open(backendtest.Open(t, "go"), filepath.Join(dir, filepath.FromSlash(weights)), filepath.Join(dir, "config.json"), lxrt.Options{})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { m.Close() })
	return m
}

// golden are the files of the golden toy data for VQA.
func golden(dir, weights string) question.Options {
	data := filepath.Join(dir, "toy", "data")
	return question.Options{
		Weights: filepath.Join(dir, filepath.FromSlash(weights)), Vocab: filepath.Join(dir, "tokenizer"),
		Answers: filepath.Join(data, "vqa", "trainval_label2ans.json"), Regions: []string{filepath.Join(data, "mscoco_imgfeat", "val2014_obj36.tsv")},
	}
}

const fineTuned = "checkpoints/vqa_toy_LAST"

func opened(t *testing.T, cfg lxmert.Config, opt question.Options) *question.Asker {
	t.Helper()
	a, err := question.Open(cfg, opt)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := a.Close(); err != nil {
			t.Error(err)
		}
	})
	return a
}

// minival are the golden validation questions whose pictures are there: the reference drops the others.
func minival(t *testing.T, dir string) []lxmert.Question {
	t.Helper()
	data := filepath.Join(dir, "toy", "data")
	set, err := dataset.LoadFiles(t.Context(), dataset.VQA, []string{filepath.Join(data, "vqa", "minival.json")},
		[]string{filepath.Join(data, "mscoco_imgfeat", "val2014_obj36.tsv")}, dataset.Options{Open: func(_ context.Context, path string, _ int) (region.Source, error) { return region.Open(path) }})
	if err != nil {
		t.Fatal(err)
	}
	defer set.Close()
	var questions []lxmert.Question
	for _, e := range set.Examples {
		questions = append(questions, lxmert.Question{Text: e.Text, Images: e.Images})
	}
	return questions
}

// TestManyQuestionsAreAnsweredAsTheReferenceDoes also holds for texts of their own length, which the reference pads.
func TestManyQuestionsAreAnsweredAsTheReferenceDoes(t *testing.T) {
	for _, dir := range goldentest.Folders(t, "model") {
		want := goldentest.Open(t, filepath.Join(dir, "toy_expected", "tasks.safetensors"))
		want.Use("")
		m := open(t, dir, fineTuned)
		for name, pad := range map[string]bool{"padded": true, "of their own length": false} {
			t.Run(filepath.Base(dir)+"/"+name, func(t *testing.T) {
				opt := golden(dir, fineTuned)
				opt.Pad = pad
				answers, err := opened(t, m.Config(), opt).AskAll(t.Context(), m, minival(t, dir)...)
				if err != nil {
					t.Fatal(err)
				}
				var logits []float32
				for _, a := range answers {
					row := make([]float32, a.Head.Classes)
					for _, r := range a.Ranked {
						row[r.Class] = r.Logit
					}
					logits = append(logits, row...)
				}
				want.Compare("vqa.valid_logits_after", logits, goldentest.Tolerance{Relative: 2e-5, Absolute: 1e-6})
			})
		}
	}
}

// TestAnAnswerDoesNotDependOnItsNeighbours: pictures with fewer regions are padded beside others, and one with none is all
// padding, which the reference's mask would show the model.
func TestAnAnswerDoesNotDependOnItsNeighbours(t *testing.T) {
	for _, dir := range goldentest.Folders(t, "model") {
		for _, weights := range []string{fineTuned, "checkpoints/zip_plain"} {
			t.Run(filepath.Base(dir)+"/"+filepath.Base(weights), func(t *testing.T) {
				m, opt := open(t, dir, weights), golden(dir, weights)
				source, err := region.Open(opt.Regions[0])
				if err != nil {
					t.Fatal(err)
				}
				defer source.Close()
				all, err := source.IDs(t.Context())
				if err != nil {
					t.Fatal(err)
				}
				ids, boxes := all[:3], map[string]int{all[0]: 5, all[1]: 0, all[2]: 2}
				opt.Regions, opt.Answers = nil, ""
				opt.Find = func(ctx context.Context, id string) (*region.Regions, error) {
					r, err := source.Find(ctx, id)
					if err == nil { // as a detector that is asked for confident boxes only
						r.N = boxes[id]
						r.Boxes, r.Features, r.ObjectIDs, r.AttrIDs = r.Boxes[:4*r.N], r.Features[:r.N*r.Dim], nil, nil
					}
					return r, err
				}
				a := opened(t, m.Config(), opt)
				var questions []lxmert.Question
				for _, id := range ids {
					questions = append(questions, lxmert.Question{Text: "what is red?", Images: []string{id}}, lxmert.Question{Text: "is there a big red thing in it?", Images: []string{id}})
				}
				together, err := a.AskAll(t.Context(), m, questions...)
				if err != nil {
					t.Fatal(err)
				}
				for i, q := range questions {
					alone, err := a.Ask(t.Context(), m, q.Text, q.Images...)
					if err != nil {
						t.Fatal(err)
					}
					largest := math.Abs(float64(alone.Best().Logit))
					for _, r := range alone.Ranked {
						largest = max(largest, math.Abs(float64(r.Logit)))
					}
					got := map[int]float32{}
					for _, r := range together[i].Ranked {
						got[r.Class] = r.Logit
					}
					for _, r := range alone.Ranked {
						if d := math.Abs(float64(got[r.Class] - r.Logit)); d > 2e-5*largest+1e-6 {
							t.Errorf("%q about %s: answer %d has the logit %g beside others, alone %g", q.Text, q.Images[0], r.Class, got[r.Class], r.Logit)
						}
					}
					if n := len(alone.Matched); n != len(together[i].Matched) || n == 1 && math.Abs(alone.Matched[0]-together[i].Matched[0]) > 1e-5 {
						t.Errorf("%q about %s: matched %v beside others, alone %v", q.Text, q.Images[0], together[i].Matched, alone.Matched)
					}
					if b, one := together[i].Batch, alone.Batch; b.V() != one.V() || b.RegionMask != nil || !slices.Equal(b.IDs[0], one.IDs[0]) || !slices.Equal(b.Feats.Data, one.Feats.Data) {
						t.Errorf("%q about %s: its batch has %d regions beside others, alone %d", q.Text, q.Images[0], b.V(), one.V())
					}
				}
				b, err := a.Batch(t.Context(), questions)
				if err != nil {
					t.Fatal(err)
				}
				if len(b.Notes) != 1 || !strings.HasPrefix(b.Notes[0], "picture "+ids[1]+" has no regions in ") {
					t.Errorf("notes %q", b.Notes)
				}
				if len(b.IDs) != 2 || b.Feats.Shape[0] != 3 || b.Rows() != 6 {
					t.Errorf("texts and pictures are not there once: %d, %d, %d rows", len(b.IDs), b.Feats.Shape[0], b.Rows())
				}
			})
		}
	}
}
