package main

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/spf13/cobra"

	"github.com/seed-516990b0/golxmert/internal/atomicfile"
	"github.com/seed-516990b0/golxmert/internal/progress"
	"github.com/seed-516990b0/golxmert/lxmert/dataset"
	"github.com/seed-516990b0/golxmert/lxmert/region"
)

// questionsCommand is `lxmert questions`: questions as their authors publish them become those that the tasks read.
func questionsCommand() *cobra.Command {
	q := &questions{}
	cmd := &cobra.Command{
		Use:   "questions SRC... --out FILE",
		Short: "Convert questions of VQA, GQA and NLVR2, or your own, to the files that the tasks read",
		Long: `Convert question files as the authors of VQA v2, GQA and NLVR2 publish them, or your own in the same layouts, to
a file that "lxmert vqa", "gqa" and "nlvr2" read: a JSON list as in LXMERT's own data, indented by four, keys sorted.
What a file is tells its content. For training as published, "lxmert fetch" downloads converted files instead.

VQA v2   SRC are the question files and the annotation files that belong to them:
           {"questions": [{"question_id": 1, "image_id": 7, "question": "What ...?"}, ...],
            "data_type": "mscoco", "data_subtype": "train2014"}
           {"annotations": [{"question_id": 1, "multiple_choice_answer": "net", "answers": [{"answer": "net"}, ...],
            "question_type": "what is", "answer_type": "other"}, ...]}
         or the lists alone. Without annotations, as for test sets, there are no labels. An answer scores 0.3, 0.6,
         0.9 or 1 if one, two, three or more of the ten annotators gave it (min(1, n/3), as VQA's accuracy counts);
         where there is one annotator, 1. It counts as it is written if the answer table has it, else as VQA's
         evaluation normalizes it: "The Dog." is "dog". Answers outside the table have no label.
GQA      SRC are files such as train_balanced_questions.json, objects of questions by their ids:
           {"07333408": {"imageId": "2375429", "question": "What ...?", "answer": "pipe"}, ...}
NLVR2    SRC are files such as dev.json, one object per line:
           {"identifier": "dev-850-0-1", "sentence": "There ...", "label": "True"}
         Statements are called nlvr2_SPLIT_0 and so on; SPLIT is FILE's name (valid for valid.json) or --split.

The answer table, trainval_label2ans.json and trainval_ans2label.json, is that of --answers, else the one in FILE's
folder. --threshold N makes one there: of the answers that are right for N questions or more in all of SRC (the
published table of VQA: 9, counted over train and val; annotation files of other questions may be among SRC).

Pictures are called as their features are. Numbers become the names of the published features where a file says
that its pictures are COCO's (COCO_val2014_000000000042), else they stay as they are; --image-names PATTERN makes
others, as C's printf does. --regions FEATURES counts the questions whose picture has no features. A split of your
own, such as data/vqa/own_val.json, has its features in data/mscoco_imgfeat/own_val_obj36.tsv.

FILE is replaced only with --overwrite. If it is among SRC, what it was is kept beside it as FILE.official.json.`,
		Example: `  lxmert questions v2_OpenEnded_mscoco_train2014_questions.json v2_mscoco_train2014_annotations.json --out data/vqa/train.json
  lxmert questions v2_OpenEnded_mscoco_test2015_questions.json --out data/vqa/test.json
  lxmert questions own_questions.json own_annotations.json --threshold 9 --out data/vqa/train.json
  lxmert questions own_val_questions.json own_val_annotations.json --out data/vqa/own_val.json
  lxmert questions val_balanced_questions.json --out data/gqa/valid.json
  lxmert questions nlvr/nlvr2/data/dev.json --out data/nlvr2/valid.json`,
		Args: cobra.MinimumNArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			if err := q.check(cmd); err != nil {
				return err
			}
			return q.run(cmd, args)
		},
	}
	f := cmd.Flags()
	f.StringVar(&q.out, "out", "", "the `FILE` to write, such as data/vqa/train.json")
	f.StringVar(&q.answers, "answers", "", "the `FOLDER` of the answer table (default: FILE's own)")
	f.IntVar(&q.threshold, "threshold", 0, "make an answer table of the answers to at least `N` questions")
	f.StringVar(&q.split, "split", "", "NLVR2: the split in the statements' ids (default: FILE's name)")
	f.StringVar(&q.imageNames, "image-names", "", "VQA: the `PATTERN` of the pictures' names, with one %d such as COCO_val2014_%012d")
	f.StringVar(&q.regions, "regions", "", "region `FEATURES` (a TSV, a packed store, ...) in which to look for the pictures")
	f.BoolVar(&q.overwrite, "overwrite", false, "replace FILE, and with --threshold the answer table")
	return cmd
}

// questions is what a command line of `lxmert questions` says, and what comes of it.
type questions struct {
	out, answers, split, imageNames, regions string
	threshold                                int
	overwrite                                bool

	asked, answered []dataset.Official // question files, and VQA's annotations
	task            *dataset.Task
	original        string // what the official file at out is renamed to; "": it is none of SRC
	notes           io.Writer
	bar             *progress.Bar
}

func (q *questions) check(cmd *cobra.Command) error {
	switch {
	case q.out == "":
		return usage("--out FILE says where to write, such as --out data/vqa/train.json")
	case cmd.Flags().Changed("threshold") && q.threshold < 1:
		return usage("--threshold is %d, must be at least 1", q.threshold)
	case q.threshold > 0 && q.answers != "":
		return usage("--answers takes a table and --threshold makes one: give one of them")
	case q.imageNames != "" && (strings.Contains(fmt.Sprintf(q.imageNames, 7), "%!") || fmt.Sprintf(q.imageNames, 7) == fmt.Sprintf(q.imageNames, 8)):
		return usage("--image-names %s has no number in it; a pattern is like COCO_val2014_%%012d", q.imageNames)
	}
	return nil
}

func (q *questions) run(cmd *cobra.Command, sources []string) error {
	ctx := cmd.Context()
	q.notes = cmd.ErrOrStderr()
	if err := q.inspect(sources); err != nil {
		return err
	}
	if err := q.place(sources); err != nil {
		return err
	}
	q.bar = progress.New(cmd.ErrOrStderr(), progress.Options{Unit: "B"})
	defer q.bar.Finish()
	table, made, err := q.table(ctx)
	if err != nil {
		return err
	}
	has, err := q.pictures(ctx)
	if err != nil {
		return err
	}
	var annotations *dataset.Annotations
	if len(q.answered) > 0 {
		annotations = dataset.NewAnnotations(table)
		for _, o := range q.answered {
			if err := q.read(ctx, o, func(r io.Reader) error { return annotations.Add(ctx, r, o.File) }); err != nil {
				return err
			}
		}
	}
	done, err := q.write(ctx, table, annotations, has)
	q.bar.Finish()
	if err != nil {
		return err
	}
	if made != nil {
		dir := filepath.Dir(q.out)
		if err := table.Write(dir); err != nil {
			return err
		}
		made.print(cmd.OutOrStdout(), dir, table)
	}
	fmt.Fprintf(cmd.OutOrStdout(), "%s: %s about %s\n", q.out, counted(done.Entries, q.noun()), counted(done.Images, "pictures"))
	if q.original != "" {
		fmt.Fprintf(q.notes, "%s was in %s layout and is kept as %s\n", q.out, strings.Fields(string(q.asked[0].Layout))[0], q.original)
	}
	q.say(done, annotations)
	return nil
}

// noun is what the task's entries are called.
func (q *questions) noun() string {
	return q.task.Noun
}

// inspect looks at what the sources are.
func (q *questions) inspect(sources []string) error {
	for _, path := range sources {
		o, err := dataset.InspectFile(path)
		if err != nil {
			return err
		}
		task := o.Layout.Task()
		switch {
		case task == nil:
			return fmt.Errorf("%s has %s: it is not for this command, which takes questions as the authors of VQA, GQA and NLVR2 publish them", path, o.Layout)
		case q.task != nil && task != q.task:
			return fmt.Errorf("%s has %s, but %s has %s: convert them one after the other", path, o.Layout, sources[0], append(q.asked, q.answered...)[0].Layout)
		}
		q.task = task
		if o.Layout == dataset.VQAAnnotations {
			q.answered = append(q.answered, o)
		} else {
			q.asked = append(q.asked, o)
		}
	}
	switch {
	case len(q.asked) == 0:
		return fmt.Errorf("%s has answers only; give the file with the questions, too", sources[0])
	case !q.task.Truth.Table && (q.threshold > 0 || q.answers != ""):
		return usage("%s has no answer table: its %s are true or false", q.task.Title, q.task.Noun)
	case q.asked[0].Layout != dataset.VQAQuestions && q.imageNames != "":
		return usage("--image-names is for VQA, whose pictures are numbers; %s has names", sources[0])
	case q.split == "":
		q.split = strings.TrimSuffix(filepath.Base(q.out), filepath.Ext(q.out))
	}
	return nil
}

// place looks at what is where the file is to be written.
func (q *questions) place(sources []string) error {
	if info, err := os.Stat(q.out); err == nil && info.IsDir() {
		return usage("--out %s is a folder; a file in it, such as %s, is what the tasks read", q.out, filepath.Join(q.out, "train.json"))
	}
	out, err := os.Stat(q.out)
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	if err != nil {
		return err
	}
	for _, path := range sources {
		if info, err := os.Stat(path); err == nil && os.SameFile(info, out) {
			q.original = strings.TrimSuffix(q.out, filepath.Ext(q.out)) + ".official.json"
			if _, err := os.Stat(q.original); err == nil {
				return fmt.Errorf("%s would be kept as %s, which is there already; move one of them away", q.out, q.original)
			}
			return nil
		}
	}
	if !q.overwrite {
		return fmt.Errorf("%s is there already; --overwrite replaces it", q.out)
	}
	return nil
}

// read goes through a file and shows how far it is.
func (q *questions) read(ctx context.Context, o dataset.Official, use func(io.Reader) error) error {
	f, err := os.Open(o.File)
	if err != nil {
		return err
	}
	defer f.Close()
	info, err := f.Stat()
	if err != nil {
		return err
	}
	return use(&counting{ctx: ctx, r: f, bar: q.bar, size: info.Size(), name: filepath.Base(o.File)})
}

// counting is a reader that shows how far it is.
type counting struct {
	ctx        context.Context
	r          io.Reader
	bar        *progress.Bar
	done, size int64
	name       string
}

func (c *counting) Read(p []byte) (int, error) {
	if err := c.ctx.Err(); err != nil {
		return 0, err
	}
	n, err := c.r.Read(p)
	if c.done += int64(n); c.size >= minShown {
		c.bar.Set(c.done, c.size, c.name)
	}
	return n, err
}

// tableMade is what an answer table was made of.
type tableMade struct {
	threshold, distinct, questions, covered int
}

func (m *tableMade) print(w io.Writer, dir string, table *dataset.Answers) {
	fmt.Fprintf(w, "%s: %s of %s, those to at least %s; %.1f %% of all questions have one of them\n", filepath.Join(dir, "trainval_label2ans.json"),
		counted(table.Len(), "answers"), progress.Count(int64(m.distinct)), counted(m.threshold, "questions"), 100*float64(m.covered)/float64(m.questions))
}

// table finds the answer table, or makes it. It is nil if none is needed.
func (q *questions) table(ctx context.Context) (*dataset.Answers, *tableMade, error) {
	dir := filepath.Dir(q.out)
	there := false
	for _, name := range dataset.AnswerFiles {
		if _, err := os.Stat(filepath.Join(dir, name)); err == nil {
			there = true
		}
	}
	switch {
	case !q.task.Truth.Table:
		return nil, nil, nil
	case q.answers != "":
		table, err := dataset.ReadAnswers(q.answers, q.task)
		return table, nil, err
	case q.threshold > 0 && there && !q.overwrite:
		return nil, nil, fmt.Errorf("%s has an answer table already: leave --threshold out to use it, or replace it with --overwrite, after which models that were trained with it answer wrongly", dir)
	case q.threshold > 0:
		return q.makeTable(ctx)
	case there:
		table, err := dataset.ReadAnswers(dir, q.task)
		return table, nil, err
	case len(q.answered) > 0:
		return nil, nil, fmt.Errorf("the answers of %s need an answer table, and %s has none: --answers FOLDER names one, --threshold 9 makes one of these answers", q.answered[0].File, dir)
	}
	return nil, nil, nil
}

func (q *questions) makeTable(ctx context.Context) (*dataset.Answers, *tableMade, error) {
	var count dataset.AnswerCount
	for _, o := range append(slices.Clone(q.answered), q.asked...) {
		if err := q.read(ctx, o, func(r io.Reader) error { return count.Add(ctx, r, o) }); err != nil {
			return nil, nil, err
		}
	}
	table, covered := count.Table(q.task, q.threshold)
	switch {
	case count.Questions == 0:
		return nil, nil, fmt.Errorf("%s: there are no answers to make a table of; leave --threshold out", q.asked[0].File)
	case table.Len() == 0:
		return nil, nil, fmt.Errorf("none of the %s is the right one for %d questions; --threshold 1 takes all of them", counted(count.Distinct(), "answers"), q.threshold)
	}
	return table, &tableMade{q.threshold, count.Distinct(), count.Questions, covered}, nil
}

// pictures says whether a picture has features; nil if nobody asks.
func (q *questions) pictures(ctx context.Context) (func(id string) bool, error) {
	if q.regions == "" {
		return nil, nil
	}
	src, err := region.Open(q.regions)
	if err != nil {
		return nil, err
	}
	defer src.Close()
	ids, err := src.IDs(ctx)
	if err != nil {
		return nil, err
	}
	has := make(map[string]bool, len(ids))
	for _, id := range ids {
		has[id] = true
	}
	return func(id string) bool { return has[id] }, nil
}

// write writes the file, and keeps the official one that was in its place.
func (q *questions) write(ctx context.Context, table *dataset.Answers, annotations *dataset.Annotations, has func(string) bool) (done dataset.Converted, err error) {
	if err := os.MkdirAll(filepath.Dir(q.out), 0o777); err != nil {
		return done, err
	}
	err = atomicfile.Replace(q.out, func(_ *os.File, w *bufio.Writer) error {
		c := dataset.NewConverter(w)
		c.Answers, c.Annotations, c.ImageName, c.Split, c.HasImage = table, annotations, q.imageNames, q.split, has
		for _, o := range q.asked {
			if err := q.read(ctx, o, func(r io.Reader) error { return c.Add(ctx, r, o) }); err != nil {
				return err
			}
		}
		var err error
		if done, err = c.Close(); err != nil || q.original == "" {
			return err
		}
		return os.Rename(q.out, q.original)
	})
	if errors.Is(err, dataset.ErrFormat) { // of a source: that it was for --out says nothing
		err = errors.Unwrap(err)
	}
	return done, err
}

// say counts what was odd, a line each.
func (q *questions) say(done dataset.Converted, annotations *dataset.Annotations) {
	line := func(f dataset.Finding, of, what string) {
		if f.N > 0 {
			fmt.Fprintf(q.notes, "%s %s (the first: %s)\n", of, what, printable(f.First))
		}
	}
	entries := func(f dataset.Finding, what string) {
		line(f, progress.Count(int64(f.N))+" of "+counted(done.Entries, q.noun()), what)
	}
	entries(done.Duplicates, "with the id of an earlier one, left out")
	entries(done.Unanswered, "without an annotation, and so without a label")
	entries(done.Outside, "without an answer of the table")
	entries(done.OtherNumbers, "with neither one nor ten annotators, scored by the rule for ten")
	entries(done.OtherImage, "about another picture than the annotation says")
	entries(done.NoImage, fmt.Sprintf("with a picture of which %s has no features", q.regions))
	line(done.Unasked, counted(done.Unasked.N, "annotations"), "of no question here")
	if annotations != nil {
		line(annotations.Duplicates, counted(annotations.Duplicates.N, "annotations"), "of a question that an earlier one is about, left out")
	}
}

// counted writes a number with a noun, whose plural ends in s.
func counted(n int, plural string) string {
	if n == 1 {
		return "1 " + strings.TrimSuffix(plural, "s")
	}
	return progress.Count(int64(n)) + " " + plural
}
