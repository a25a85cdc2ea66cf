package question_test

import (
	"context"
	"fmt"
	"os"
	"path/filepath"

	"github.com/seed-516990b0/golxmert/analysis/figure"
	"github.com/seed-516990b0/golxmert/analysis/relevance"
	"github.com/seed-516990b0/golxmert/lxmert"
	"github.com/seed-516990b0/golxmert/lxmert/lxrt"
	"github.com/seed-516990b0/golxmert/lxmert/question"
)

// must hands on a value; an error ends the program.
func must[T any](value T, err error) T {
	if err != nil {
		panic(err)
	}
	return value
}

// Five lines from weights to an answer and its explanation. A program that goes on after an error looks at err where this
// one has must.
func Example() {
	defer inProject()()
	ctx := context.Background()

	model := must(lxrt.Load(ctx, "snap/vqa/mine/BEST", lxrt.LoadOptions{}))
	asker := must(question.Open(model.Config(), question.Options{Weights: "snap/vqa/mine/BEST", Regions: []string{"data/mscoco_imgfeat/val2014_obj36.tsv"}}))
	answer := must(asker.Ask(ctx, model, "What is on the table?", "COCO_val2014_000000001000"))
	why := must(relevance.Explain(ctx, model, answer))
	err := figure.Save("why.pdf", why[0], figure.Options{})

	fmt.Println(answer.Best().Text, err)
	fmt.Println(len(why[0].Scores.Words), "word pieces and", len(why[0].Scores.Regions), "regions have their share")
	fmt.Println(asker.Close(), model.Close())
	// Output:
	// red <nil>
	// 8 word pieces and 36 regions have their share
	// <nil> <nil>
}

// An answer's batch is what every analysis takes: one call reads any activation, with any other changed on the way, and says
// what the answer owes to any of them.
func Example_inside() {
	defer inProject()()
	ctx := context.Background()
	model := must(lxrt.Load(ctx, "snap/vqa/mine/BEST", lxrt.LoadOptions{}))
	defer model.Close()
	asker := must(question.Open(model.Config(), question.Options{Weights: "snap/vqa/mine/BEST", Regions: []string{"data/mscoco_imgfeat/val2014_obj36.tsv"}}))
	defer asker.Close()
	answer := must(asker.Ask(ctx, model, "What is on the table?", "COCO_val2014_000000001000"))
	gate := lxmert.NewTensor(1, model.Config().Heads, 1, 1)

	trace, err := model.Run(ctx, answer.Batch, lxmert.Request{
		Want:  lxmert.All("x.*.ti", "out.task"),                                  // word-to-region attention of all cross layers
		Edits: []lxmert.Edit{{Name: "x.1.ti", Op: lxmert.Multiply, Value: gate}}, // with heads switched off
		Grad: &lxmert.Grad{ // and what the answer owes to each map
			Of:    []lxmert.Term{{Output: "out.task", Class: []int{answer.Best().Class}}},
			Names: []string{"l.*.tt", "r.*.ii", "x.*.ti"},
		},
	})

	fmt.Println(trace.Values["x.0.ti"].Shape, trace.Grads["x.0.ti"].Shape, err)
	// Output: [1 4 8 36] [1 4 8 36] <nil>
}

// inProject makes a folder as training leaves it, of the tiny golden model and data, and goes there. Compiling for XLA would
// take longer than the tiny model is worth.
func inProject() (leave func()) {
	backend, set := os.LookupEnv("GOMLX_BACKEND")
	must(0, os.Setenv("GOMLX_BACKEND", "go"))
	golden := must(filepath.Abs("../testdata/golden/model-1"))
	here, dir := must(os.Getwd()), must(os.MkdirTemp("", "question"))
	for to, from := range map[string]string{
		"snap/vqa/mine/BEST.pth": "checkpoints/vqa_toy_LAST.pth", "snap/vqa/mine/vocab.txt": "tokenizer/vocab.txt", "snap/vqa/mine/config.json": "config.json",
		"data/mscoco_imgfeat/val2014_obj36.tsv": "toy/data/mscoco_imgfeat/val2014_obj36.tsv", "data/vqa/trainval_label2ans.json": "toy/data/vqa/trainval_label2ans.json",
	} {
		text := must(os.ReadFile(filepath.Join(golden, filepath.FromSlash(from))))
		path := filepath.Join(dir, filepath.FromSlash(to))
		must(0, os.MkdirAll(filepath.Dir(path), 0o777))
		must(0, os.WriteFile(path, text, 0o666))
	}
	must(0, os.Chdir(dir))
	return func() {
		if must(0, os.Unsetenv("GOMLX_BACKEND")); set {
			must(0, os.Setenv("GOMLX_BACKEND", backend))
		}
		must(0, os.Chdir(here))
		must(0, os.RemoveAll(dir))
	}
}
