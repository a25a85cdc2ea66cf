package main

import (
	"context"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"text/tabwriter"

	"github.com/spf13/cobra"

	"github.com/seed-516990b0/golxmert/analysis"
	"github.com/seed-516990b0/golxmert/analysis/figure"
	"github.com/seed-516990b0/golxmert/analysis/report"
	"github.com/seed-516990b0/golxmert/analysis/sweep"
	"github.com/seed-516990b0/golxmert/lxmert"
	"github.com/seed-516990b0/golxmert/lxmert/backend"
	"github.com/seed-516990b0/golxmert/lxmert/dataset"
	"github.com/seed-516990b0/golxmert/lxmert/question"
	"github.com/seed-516990b0/golxmert/lxmert/region"
	"github.com/seed-516990b0/golxmert/lxmert/toy"
)

// analyzing is what the flags of `lxmert analyze` say.
type analyzing struct {
	model                   modelFlags
	regions                 []string
	data, task              string
	out, images, gold       string
	vocab, answers, objects string
	target, shard           string
	opt                     sweep.Options
	world                   *toy.Named // nil: the model is another's
}

func analyzeCommand() *cobra.Command {
	a := &analyzing{}
	cmd := &cobra.Command{
		Use:   "analyze METHOD[,METHOD...] --load WEIGHTS --regions FILE --data FILE --out FOLDER",
		Short: "Take methods of analysis through a data set",
		Long: `Applies methods to every question of a file and writes what comes out into a folder: report.html with tables, curves and
the first examples; each table and curve as .pdf, .csv and .json; and examples.jsonl with everything that was found, a
line for each batch. A run that was cut off goes on where it stopped when the same command is given again.

Methods that score words and regions:
` + methodLines() + `
Methods that measure attention heads:
` + phrases(sweep.HeadMethods()) + `
Methods that measure how much the model looks at the picture:
` + phrases(sweep.LookMethods()) + `
--perturb tests the rankings of the scoring methods by removing words and regions: the published nine shares of them, or
with --every-step one after another. --gold names right regions for
questions, a line each: {"question_id": "12", "rois": [3, 7]}, or "boxes" in parts of the picture; then it is counted how
often a method's first region is one of them.`,
		Example: `  lxmert analyze relevance,attention,rollout --load snap/vqa/run/BEST --regions data/mscoco_imgfeat/val2014_obj36.tsv \
      --data data/vqa/minival.json --out minival --perturb
  lxmert analyze statistics,importance --load snap/vqa/run/BEST --regions data/mscoco_imgfeat/val2014_obj36.tsv \
      --data data/vqa/minival.json --out heads --shard 0/8      # one machine of eight; then: lxmert merge heads`,
		Args: cobra.ExactArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error { return a.run(cmd, strings.Split(args[0], ",")) },
	}
	a.model.add(cmd)
	f := cmd.Flags()
	f.StringSliceVar(&a.regions, "regions", nil, "regions of the pictures: a TSV (packed on its first use), a packed store, .npz or .safetensors files, or a folder of these")
	f.StringVar(&a.data, "data", "", "questions: a JSON file of VQA, GQA or NLVR2, such as data/vqa/minival.json")
	f.StringVar(&a.task, "task", "", dataset.TaskNames("or")+" (default: nlvr2 if the model has its head, else vqa)")
	f.StringVar(&a.out, "out", "", "folder for what comes out")
	f.StringVar(&a.images, "images", "", "folder with the pictures, found by their ids (default: examples are shown on an empty canvas)")
	f.StringVar(&a.gold, "gold", "", "JSON lines that say which regions show what a question is about")
	f.StringVar(&a.vocab, "vocab", "", "vocab.txt of bert-base-uncased (default: looked for beside the weights, in data and in Hugging Face's cache)")
	f.StringVar(&a.answers, "answers", "", "JSON list that names the answers (default: looked for beside the weights and in data)")
	f.StringVar(&a.objects, "objects", "", "text file that names the detector's object classes, one per line (objects_vocab.txt)")
	f.StringVar(&a.target, "target", "predicted", "what to explain: predicted (the most probable answer), an answer or its number, a difference (blue-red: why blue and not red), match, foil, or masked word N")
	f.StringVar(&a.shard, "shard", "", "do one part of several, such as 0/8 to 7/8; `lxmert merge` joins them")
	f.BoolVar(&a.opt.Perturb, "perturb", false, "test rankings by removing words and regions")
	f.BoolVar(&a.opt.EveryStep, "every-step", false, "with --perturb: remove one word or region after another, not the nine published shares")
	f.IntVar(&a.opt.Random, "random", 3, "random rankings beside those tested by --perturb")
	f.Uint64Var(&a.opt.Seed, "seed", 0, "of random rankings and intervals")
	f.IntVar(&a.opt.Limit, "limit", 0, "only the first questions (default: all)")
	f.IntVar(&a.opt.Batch, "batchSize", 32, "questions at a time")
	f.IntVar(&a.opt.Show, "examples", 20, "how many questions are shown in the report")
	f.BoolVar(&a.opt.Overwrite, "overwrite", false, "throw away what the folder has and begin anew")
	return cmd
}

func methodLines() string {
	var s strings.Builder
	for _, m := range sweep.ScoringMethods() {
		fmt.Fprintf(&s, "  %-18s %s\n", m.Name, m.About)
	}
	return s.String()
}

func phrases(methods [][2]string) string {
	var s strings.Builder
	for _, m := range methods {
		fmt.Fprintf(&s, "  %-18s %s\n", m[0], m[1])
	}
	return s.String()
}

func (a *analyzing) run(cmd *cobra.Command, methods []string) error {
	var err error
	if a.world, err = a.model.findToy(); err != nil {
		return err
	}
	if a.world != nil && len(a.regions) == 0 {
		a.regions = a.world.Regions
	}
	for _, needed := range [][2]string{{"load", a.model.load}, {"data", a.data}, {"out", a.out}, {"regions", strings.Join(a.regions, "")}} {
		if needed[1] == "" {
			return usage("--%s is needed", needed[0])
		}
	}
	if a.opt.EveryStep && !a.opt.Perturb {
		return usage("--every-step is for --perturb")
	}
	a.opt.Methods = methods
	if a.opt.Shard, a.opt.Shards, err = readShard(a.shard); err != nil {
		return err
	}
	if a.opt.Show == 0 {
		a.opt.Show = -1
	}
	cfg, err := modelConfig(a.model)
	if err != nil {
		return err
	}
	if err := backend.Ready(cmd.Context(), backendSpec(cmd)); err != nil { // before files are packed
		return err
	}
	screen := newScreen(cmd, false)
	defer screen.finish()
	data, err := a.open(cmd, cfg, screen)
	if err != nil {
		return err
	}
	defer data.Set.Close()
	defer data.Asker.Close()
	if a.opt.Target, err = readTarget(a.target, data.Asker.Head(), nil); err != nil {
		return err
	}
	m, err := a.model.open(cmd)
	if err != nil {
		return err
	}
	defer m.Close()
	a.opt.Missing = func(ids []string, of int) { sayMissing(cmd.ErrOrStderr(), ids, of, data.Asker.Options().Images) }
	a.opt.Noted = func(notes int, first string) {
		fmt.Fprintf(cmd.ErrOrStderr(), "warning: the model did not see all of some questions (%d remarks): %s\n", notes, first)
	}
	bar := screen.bar("analyzing", "questions")
	a.opt.Progress = func(done, total int) { screen.set(bar, int64(done), int64(total), "") }
	err = sweep.Run(cmd.Context(), m, data, a.out, a.opt)
	screen.finish()
	if err != nil {
		if cmd.Context().Err() != nil {
			fmt.Fprintf(cmd.ErrOrStderr(), "what was found is in %s; the same command goes on from there\n", a.out)
		}
		return err
	}
	if a.opt.Shards > 1 {
		fmt.Fprintf(cmd.OutOrStdout(), "part %s is done; when all are, `lxmert merge %s` writes the report\n", a.shard, quoteArgs([]string{a.out}))
		return nil
	}
	return saveSweep(cmd, a.out, screen)
}

// taskFor is the task with a name; "": the first whose examples have as many pictures as the model's head takes.
func taskFor(name string, cfg lxmert.Config) (*dataset.Task, error) {
	if name != "" {
		return dataset.FindTask(name)
	}
	tasks := dataset.Tasks()
	return tasks[max(0, slices.IndexFunc(tasks, func(t *dataset.Task) bool { return t.Pictures() == max(1, cfg.TaskImages) }))], nil
}

// open reads everything but the weights.
func (a *analyzing) open(cmd *cobra.Command, cfg lxmert.Config, screen *screen) (_ *sweep.Data, err error) {
	t, err := taskFor(a.task, cfg)
	if err != nil {
		return nil, err
	}
	d := &sweep.Data{Name: filepath.Base(a.data)}
	opt := question.Options{
		Weights: a.model.load, Vocab: a.vocab, Answers: a.answers, Images: a.images, Objects: a.objects, Pad: true, Flags: true,
		Find: func(ctx context.Context, id string) (*region.Regions, error) { return d.Set.Regions(ctx, id) },
	}
	fillToy(&opt, a.world)
	if d.Asker, err = question.Open(cfg, opt); err != nil {
		return nil, err
	}
	if err := d.Asker.Prepare(); err != nil {
		return nil, err
	}
	for _, note := range d.Asker.Notes() {
		fmt.Fprintln(screen.notes, note)
	}
	if a.gold != "" {
		f, err := os.Open(a.gold)
		if err != nil {
			return nil, fmt.Errorf("--gold: %w", err)
		}
		defer f.Close()
		if d.Gold, err = sweep.ReadGold(f, a.gold); err != nil {
			return nil, err
		}
	}
	d.Set, err = dataset.LoadFiles(cmd.Context(), t, []string{a.data}, a.regions, dataset.Options{Notes: screen.notes, Trained: region.TrainedOn(a.model.load)})
	return d, err
}

// readTarget reads what to explain of the questions of a model.
func readTarget(name string, head lxmert.AnswerHead, b *lxmert.Batch) (analysis.Target, error) {
	t, err := analysis.ReadTarget(name, head, b)
	if err != nil {
		return t, usage("--target: %w", err)
	}
	return t, nil
}

// readShard reads "i/n".
func readShard(text string) (shard, shards int, err error) {
	if text == "" {
		return 0, 0, nil
	}
	i, n, ok := strings.Cut(text, "/")
	shard, err1 := strconv.Atoi(i)
	shards, err2 := strconv.Atoi(n)
	if !ok || err1 != nil || err2 != nil || shards < 1 || shard < 0 || shard >= shards {
		return 0, 0, usage("--shard %s: must be like 0/8, the first of 8 parts, up to 7/8", text)
	}
	return shard, shards, nil
}

// saveSweep writes the report of a folder and says what is in it.
func saveSweep(cmd *cobra.Command, dir string, screen *screen) error {
	bar := screen.bar("reading results", "B")
	s, err := sweep.Read(cmd.Context(), dir, func(done, total int64) { screen.set(bar, done, total, "") })
	screen.finish()
	if err != nil {
		return err
	}
	page := filepath.Join(dir, "report.html")
	beside, err := saveSummary(s, dir, page)
	if err != nil {
		return err
	}
	out := cmd.OutOrStdout()
	for _, t := range s.Tables {
		writeResultTable(out, t.Result)
	}
	fmt.Fprintf(out, "%s has all of it, with %d examples to look at; %d files beside it have the figures and the numbers\n", page, len(s.Shown), beside)
	return nil
}

// saveSummary writes a page of everything that a sweep found, and each result for itself, as a figure and as numbers. It
// returns how many files there are beside the page.
func saveSummary(s *sweep.Summary, dir, page string) (beside int, err error) {
	drawn, numbers := s.Named()
	opt := figure.Options{Width: figure.Page}
	figures, err := figure.SaveAll(dir, drawn, opt, ".pdf", ".csv", ".json")
	if err != nil {
		return 0, err
	}
	tables, err := figure.SaveAll(dir, numbers, opt, ".csv", ".json")
	if err != nil {
		return 0, err
	}
	return len(figures) + len(tables), report.Save(page, s.Page(), report.Options{})
}

// writeResultTable prints a table of results with a heading.
func writeResultTable(w io.Writer, t analysis.Table) {
	fmt.Fprintf(w, "%s\n", t.Method)
	columns := tabwriter.NewWriter(w, 0, 0, 2, ' ', 0)
	row := func(cells []any) {
		for _, c := range cells {
			if x, ok := c.(float64); ok {
				c = strconv.FormatFloat(x, 'f', 3, 64)
			}
			fmt.Fprintf(columns, "  %v\t", c)
		}
		fmt.Fprintln(columns)
	}
	var heads []any
	for _, name := range t.Columns {
		heads = append(heads, name)
	}
	row(heads)
	for _, r := range t.Rows {
		row(r)
	}
	columns.Flush()
	fmt.Fprintln(w)
}
