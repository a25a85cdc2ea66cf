package main

import (
	"fmt"
	"io"
	"os"
	"slices"
	"strconv"
	"strings"

	"github.com/spf13/cobra"

	"github.com/seed-516990b0/golxmert/analysis"
	"github.com/seed-516990b0/golxmert/analysis/probe"
	"github.com/seed-516990b0/golxmert/analysis/sweep"
	"github.com/seed-516990b0/golxmert/lxmert"
	"github.com/seed-516990b0/golxmert/lxmert/backend"
	"github.com/seed-516990b0/golxmert/lxmert/lxrt"
	"github.com/seed-516990b0/golxmert/lxmert/region"
	"github.com/seed-516990b0/golxmert/lxmert/train"
)

// analyzing is what the flags of `lxmert analyze` say.
type analyzing struct {
	model modelFlags
	dataFlags
	out, gold      string
	target, shard  string
	blind, corrupt string
	changing       changing
	otherQuestion  bool
	series         []string
	opt            sweep.Options
}

func analyzeCommand() *cobra.Command {
	a := &analyzing{}
	cmd := &cobra.Command{
		Use:   "analyze METHOD[,METHOD...] --load WEIGHTS --regions FILE --data FILE --out FOLDER",
		Short: "Take methods of analysis through a data set",
		Long: `Applies methods to every question of a file and writes what comes out into a folder: report.html with tables, curves and
the first examples; each table and curve as .pdf, .csv and .json, tables as .tex too; citation.bib, which says
what was computed and with what, and has BibTeX entries of the methods; and examples.jsonl with everything that was found, a line
for each batch. A run that was cut off goes on where it stopped when the same command is given again.

` + methodLines() + `Some methods look at a sample, the first questions (--sample): at all of it together, keeping what they read in a file beside
the results (examples.states; about 2 MB a question of the published model, twice that for probe), or to be fitted to it
before they measure the other questions. Each part of several reads the sample that it needs for itself.

--perturb tests the rankings of the scoring methods by removing words and regions: the published nine shares of them, or
with --every-step one after another. --gold names right regions for
questions, a line each: {"question_id": "12", "rois": [3, 7]}, or "boxes" in parts of the picture; then it is counted how
often a method's first region is one of them.`,
		Example: `  lxmert analyze relevance,attention,rollout --load snap/vqa/run/BEST --regions data/mscoco_imgfeat/val2014_obj36.tsv \
      --data data/vqa/minival.json --out minival --perturb
  lxmert analyze statistics,importance --load snap/vqa/run/BEST --regions data/mscoco_imgfeat/val2014_obj36.tsv \
      --data data/vqa/minival.json --out heads --shard 0/8      # one machine of eight; then: lxmert merge heads
  lxmert analyze what-if,attribution --load toy --data data/vqa/heldout.json --out changed --without regions --cut '[CLS] > regions' --corrupt words`,
		Args: cobra.ExactArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			methods := strings.Split(args[0], ",")
			if len(a.series) > 0 {
				return a.runSeries(cmd, methods)
			}
			_, err := a.run(cmd, methods)
			return err
		},
	}
	a.model.add(cmd)
	a.dataFlags.add(cmd)
	f := cmd.Flags()
	f.StringSliceVar(&a.series, "series", nil, `instead of --load: several weights, analysed one after the other, such as 'snap/pretrain/lxmert/Epoch*_LXRT.pth': every number over the epoch`)
	f.StringVar(&a.out, "out", "", "folder for what comes out")
	f.StringVar(&a.images, "images", "", "folder with the pictures, found by their ids (default: examples are shown on an empty canvas)")
	f.StringVar(&a.gold, "gold", "", "JSON lines that say which regions show what a question is about")
	f.StringVar(&a.answers, "answers", "", "JSON list that names the answers (default: looked for beside the weights and in data)")
	addClasses(f, &a.objects, &a.attributes)
	f.StringVar(&a.target, "target", "predicted", "what to explain: predicted (the most probable answer), an answer or its number, a difference (blue-red: why blue and not red), match, foil, or masked word N")
	f.StringVar(&a.shard, "shard", "", "do one part of several, such as 0/8 to 7/8; `lxmert merge` joins them")
	f.BoolVar(&a.opt.Perturb, "perturb", false, "test rankings by removing words and regions")
	f.BoolVar(&a.opt.EveryStep, "every-step", false, "with --perturb: remove one word or region after another, not the nine published shares")
	f.IntVar(&a.opt.Random, "random", 3, "random rankings beside those tested by --perturb")
	f.Uint64Var(&a.opt.Seed, "seed", 0, "of random rankings and intervals")
	f.IntVar(&a.opt.Limit, "limit", 0, "only the first questions (default: all)")
	f.IntVar(&a.opt.Batch, "batchSize", 32, "questions at a time")
	f.IntVar(&a.opt.Show, "examples", 20, "how many questions are shown in the report")
	f.StringVar(&a.blind, "blind", "", "weights of a question-only model (lxmert vqa --blind): one more column of the table of looks")
	a.changing.add(cmd, "what-if: ")
	f.BoolVar(&a.otherQuestion, "other-question", false, "what-if: ask the next question of the file about every picture")
	f.StringVar(&a.corrupt, "corrupt", "picture", `patching and attribution: the corrupted input: picture (features of all regions zero), words (all hidden behind [MASK]), or a file
of other sentences with as many word pieces, lines like {"question_id": "12", "sent": "what color is the square?"}`)
	f.BoolVar(&a.opt.Noising, "noising", false, "patching and attribution: patch the corrupted run into the clean one (default: the other way, what restores the answer)")
	f.StringVar(&a.opt.Concept, "concept", "object", "leace: what is erased: "+strings.Join(conceptNames(), ", "))
	f.StringVar(&a.opt.Level, "level", "", "leace: from which level, such as hid.i.3 (default: each of the concept's stream)")
	f.IntVar(&a.opt.Sample, "sample", 0, `how many questions, the first ones, methods look at together (probe, cka, align, coreference, pca), or are fitted to before they
measure the others (leace, lens, pruning, readout, calibration) (default: 500, for the latter at most half of the questions)`)
	f.BoolVar(&a.opt.Overwrite, "overwrite", false, "throw away what the folder has and begin anew")
	return cmd
}

// methodLines lists all methods, a line each.
func methodLines() string {
	var s strings.Builder
	for _, g := range sweep.Groups() {
		fmt.Fprintf(&s, "Methods that %s:\n", g.About)
		for _, m := range g.Methods {
			fmt.Fprintf(&s, "  %-18s %s\n", m[0], m[1])
		}
		s.WriteString("\n")
	}
	return s.String()
}

// run analyses one model and returns what was found; nil of one part of several.
func (a *analyzing) run(cmd *cobra.Command, methods []string) (*sweep.Summary, error) {
	var err error
	if err := a.dataFlags.find(&a.model, a.out); err != nil {
		return nil, err
	}
	if a.opt.EveryStep && !a.opt.Perturb {
		return nil, usage("--every-step is for --perturb")
	}
	a.opt.Methods = methods
	if a.opt.Shard, a.opt.Shards, err = readShard(a.shard); err != nil {
		return nil, err
	}
	if a.opt.Show == 0 {
		a.opt.Show = -1
	}
	cfg, err := modelConfig(a.model)
	if err != nil {
		return nil, err
	}
	if err := backend.Ready(cmd.Context(), backendSpec(cmd)); err != nil { // before files are packed
		return nil, err
	}
	screen := newScreen(cmd, false)
	defer screen.finish()
	data, err := a.open(cmd, cfg, screen)
	if err != nil {
		return nil, err
	}
	defer data.Set.Close()
	defer data.Asker.Close()
	if a.opt.Target, err = readTarget(a.target, data.Asker.Head(), nil); err != nil {
		return nil, err
	}
	if err := a.readChanges(cmd, data, methods); err != nil {
		return nil, err
	}
	b, err := openBackend(cmd)
	if err != nil {
		return nil, err
	}
	defer b.Finalize()
	m, err := a.model.openOn(cmd, b)
	if err != nil {
		return nil, err
	}
	defer m.Close()
	if slices.Contains(methods, "probe") {
		random, err := lxrt.New(b.Backend, m.Config(), &train.Initial{Config: m.Config(), Seed: 1, Range: train.InitialRange}, lxrt.Options{BFloat16: a.model.bf16})
		if err != nil {
			return nil, fmt.Errorf("a model with random weights: %w", err)
		}
		defer random.Close()
		a.opt.RandomWeights = random
	}
	if a.blind != "" {
		if !slices.Contains(methods, sweep.Looks) {
			return nil, usage("--blind is for the method looks")
		}
		other := a.model
		other.load = a.blind
		blind, err := other.openOn(cmd, b)
		if err != nil {
			return nil, fmt.Errorf("--blind: %w", err)
		}
		defer blind.Close()
		a.opt.Blind = blind
	}
	a.opt.Preparing = screen.stages(nil)
	a.opt.Unfit = func(name string, why error) {
		fmt.Fprintf(cmd.ErrOrStderr(), "warning: %q fits none of these questions; of the first: %v\n", name, why)
	}
	a.opt.Missing = func(ids []string, of int) { sayMissing(cmd.ErrOrStderr(), ids, of, data.Asker.Options().Images) }
	a.opt.Noted = func(notes int, first string) {
		sayNoted(cmd.ErrOrStderr(), notes, first)
	}
	bar := screen.bar("analyzing", "questions")
	a.opt.Progress = func(done, total int) { screen.set(bar, int64(done), int64(total), "") }
	err = sweep.Run(cmd.Context(), m, data, a.out, a.opt)
	screen.finish()
	if err != nil {
		if cmd.Context().Err() != nil {
			fmt.Fprintf(cmd.ErrOrStderr(), "what was found is in %s; the same command goes on from there\n", a.out)
		}
		return nil, err
	}
	if a.opt.Shards > 1 {
		fmt.Fprintf(cmd.OutOrStdout(), "part %s is done; when all are, `lxmert merge %s` writes the report\n", a.shard, quoteArgs([]string{a.out}))
		return nil, nil
	}
	return saveSweep(cmd, a.out, screen)
}

// conceptNames are those of all probing tasks about single words and regions.
func conceptNames() (names []string) {
	for _, t := range probe.Tasks() {
		if !t.Pooled {
			names = append(names, t.Name)
		}
	}
	return names
}

// readChanges reads what is to be done to questions.
func (a *analyzing) readChanges(cmd *cobra.Command, data *sweep.Data, methods []string) error {
	if (a.changing.any() || a.otherQuestion) && !slices.Contains(methods, "what-if") {
		return usage("--what-if, --without, --heads-off, --cut, --dictionary and --other-question are for the method what-if")
	}
	for _, text := range a.changing.words {
		a.opt.Changes = append(a.opt.Changes, sweep.OtherWords(text))
	}
	fixed, err := a.changing.fixed()
	if err != nil {
		return err
	}
	for _, c := range fixed {
		a.opt.Changes = append(a.opt.Changes, sweep.Same(c))
	}
	if a.otherQuestion {
		a.opt.Changes = append(a.opt.Changes, sweep.OtherQuestion())
	}
	switch a.corrupt {
	case "picture":
		a.opt.Corrupt = sweep.CorruptPicture()
	case "words":
		a.opt.Corrupt = sweep.CorruptWords()
	default:
		f, err := os.Open(a.corrupt)
		if err != nil {
			return fmt.Errorf("--corrupt: must be picture, words, or a file: %w", err)
		}
		defer f.Close()
		if a.opt.Corrupt, err = sweep.ReadCorruption(f, a.corrupt); err != nil {
			return err
		}
	}
	named := data.Asker.Options()
	if a.opt.Objects = named.ObjectNames; named.Objects != "" {
		a.opt.Objects, err = region.ReadLabels(named.Objects)
	}
	return err
}

// open reads everything but the weights.
func (a *analyzing) open(cmd *cobra.Command, cfg lxmert.Config, screen *screen) (*sweep.Data, error) {
	var gold sweep.Gold
	if a.gold != "" {
		f, err := os.Open(a.gold)
		if err != nil {
			return nil, fmt.Errorf("--gold: %w", err)
		}
		defer f.Close()
		if gold, err = sweep.ReadGold(f, a.gold); err != nil {
			return nil, err
		}
	}
	d, err := a.dataFlags.open(cmd, &a.model, cfg, screen)
	if err != nil {
		return nil, err
	}
	d.Gold = gold
	return d, nil
}

// sayNoted says that there was something to note about questions.
func sayNoted(w io.Writer, notes int, first string) {
	fmt.Fprintf(w, "warning: the model did not see all of some questions (%d remarks): %s\n", notes, first)
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
