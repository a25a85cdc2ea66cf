package question

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"slices"
	"strings"

	"github.com/seed-516990b0/golxmert/lxmert"
	"github.com/seed-516990b0/golxmert/lxmert/region"
	"github.com/seed-516990b0/golxmert/lxmert/token"
)

// Options say which files go with a model. What is not named is looked for where the type says so; nothing but Regions
// (or Find) has to be.
type Options struct {
	// Weights is the name of the model's weights: files that are not named are looked for beside them, and errors name them.
	// They are not opened.
	Weights string
	// Folder is what data/ is sought in; "" is the working directory.
	Folder string
	// Vocab is a vocab.txt, or a folder with one; "": the first with the model's number of word pieces of those beside the
	// weights, in data/ and in Hugging Face's cache.
	Vocab string
	// Answers is a JSON list that names the head's classes: VQA's or GQA's trainval_label2ans.json, pre-training's
	// all_ans.json; "": looked for beside the weights and in data/, and taken if it has as many names as the head has classes.
	Answers string

	// Regions are files of region features, or folders of them, as region.Open takes them; the first that has a picture
	// counts. Of a TSV that training has packed the packed store is read.
	Regions []string
	// Find is where regions come from instead of Regions, such as the method Regions of a dataset.Set. The error about a
	// picture that is not there wraps region.ErrNotFound.
	Find func(ctx context.Context, id string) (*region.Regions, error)
	// Images is a folder of the pictures themselves, found by their ids; "": there are none to be drawn.
	Images string
	// Objects and Attributes are text files that name the detector's classes, one per line (objects_vocab.txt); "": regions
	// are numbered. Names that are in memory are given as ObjectNames and AttributeNames instead.
	Objects, Attributes         string
	ObjectNames, AttributeNames []string

	// Length is the most word pieces of a question, with [CLS] and [SEP]; 0: 20, as in fine-tuning. Longer ones are cut.
	Length int
	// Pad gives all questions this length, so that one compiled program serves them; else each has its own.
	Pad bool

	// Files opens what is named. Nil: the asker opens each file once, and [Asker.Close] closes it.
	Files Files
	// Log gets a line if a file is searched for long, and what there is to note about the questions of [Asker.Ask] and
	// [Asker.AskAll]. Nil: nobody is told.
	Log io.Writer
	// Flags says that these options are a command line's: errors call Vocab --vocab.
	Flags bool
}

// call is how whoever gave the options calls one of them.
func (o *Options) call(field string) string {
	if o.Flags {
		return "--" + strings.ToLower(field)
	}
	return field
}

// Errors that a caller may want to tell apart. Each is one line that says what to do.
var (
	ErrQuestion = errors.New("a question that cannot be asked") // without words, or about another number of pictures
	ErrOptions  = errors.New("options that do not fit the model")
)

// fault is an error of a kind, whose text is its own.
type fault struct {
	kind error
	text string
}

func (f *fault) Error() string { return f.text }
func (f *fault) Unwrap() error { return f.kind }

func wrong(kind error, format string, args ...any) error {
	return &fault{kind, fmt.Sprintf(format, args...)}
}

// Asker makes a model's input of questions, and ranked answers of its output. It knows the files that go with a model, not
// the model: any [lxmert.Engine] of the same sizes computes. Its methods may be called from several goroutines.
type Asker struct {
	cfg     lxmert.Config
	opt     Options
	head    lxmert.AnswerHead
	notes   []string
	trained map[string]region.Fingerprint // of the features that the model was trained on
	files   Files
	own     *openFiles // nil: the files are somebody else's
}

// Open prepares to ask a model of these sizes. It looks whether what is named is there, and reads the names of answers;
// everything else is opened when it is first needed. Errors wrap [ErrOptions] where a file does not belong to the model.
func Open(cfg lxmert.Config, opt Options) (*Asker, error) {
	if opt.Length == 0 {
		opt.Length = questionLength
	}
	opt.Length = min(opt.Length, cfg.MaxPositions)
	a := &Asker{cfg: cfg, opt: opt, files: opt.Files}
	if a.files == nil {
		a.own = &openFiles{}
		a.files = a.own
	}
	a.head, _ = cfg.AnswerHead()
	a.trained = region.TrainedOn(opt.Weights)
	if err := a.nameAnswers(); err != nil {
		return nil, err
	}
	if err := a.checkNamed(); err != nil {
		return nil, err
	}
	return a, nil
}

// checkNamed says which file is named but not there: better now than at the first question.
func (a *Asker) checkNamed() error {
	if a.opt.Length < 3 {
		return fmt.Errorf("questions of %d word pieces have no room for a word: %s must be 3 or more", a.opt.Length, a.opt.call("Length"))
	}
	if a.opt.Vocab != "" {
		if _, err := token.Find(a.opt.Vocab, ""); err != nil {
			return err
		}
	}
	if a.opt.Images != "" {
		if _, err := region.OpenPictures(a.opt.Images); err != nil {
			return err
		}
	}
	if _, _, err := a.labels(); err != nil {
		return err
	}
	for _, path := range a.opt.Regions {
		if _, err := os.Stat(path); err == nil {
			continue
		}
		if _, ok := region.Packed(path); ok {
			continue
		}
		source, err := region.Open(path) // says what else there is
		if err != nil {
			return err
		}
		source.Close()
	}
	return nil
}

// Prepare opens what every question needs, the vocabulary. Whoever has long work to do before the first question hears
// earlier what is missing.
func (a *Asker) Prepare() error {
	_, release, err := a.vocabulary()
	if err != nil {
		return err
	}
	release()
	return nil
}

// Close closes the files that the asker has opened itself.
func (a *Asker) Close() error {
	if a.own == nil {
		return nil
	}
	return a.own.close()
}

// Config returns the sizes of the model that the asker is for.
func (a *Asker) Config() lxmert.Config { return a.cfg }

// Head is the part of the model that answers, with the names of its answers if a file has them. The zero value is that of
// a model that has none: it can be looked into, but not asked.
func (a *Asker) Head() lxmert.AnswerHead { return a.head }

// Pictures is how many pictures a question is about: 2 for a model of NLVR2, else 1.
func (a *Asker) Pictures() int { return max(1, a.head.Images) }

// Options are those that the asker was opened with, and the file of answers that was found.
func (a *Asker) Options() Options { return a.opt }

// Notes say what a user should know before asking, a line each.
func (a *Asker) Notes() []string { return a.notes }

// Ask asks a model a question about a picture, or for NLVR2 about two.
func (a *Asker) Ask(ctx context.Context, eng lxmert.Engine, text string, images ...string) (*lxmert.Answer, error) {
	answers, err := a.AskAll(ctx, eng, lxmert.Question{Text: text, Images: images})
	if err != nil {
		return nil, err
	}
	return answers[0], nil
}

// AskAll asks many questions, which is faster than one after the other. No answer depends on the questions beside it.
func (a *Asker) AskAll(ctx context.Context, eng lxmert.Engine, questions ...lxmert.Question) ([]*lxmert.Answer, error) {
	var all []*lxmert.Answer
	said := map[string]bool{}
	for from := 0; from == 0 || from < len(questions); from += lxmert.AskedTogether {
		b, err := a.Batch(ctx, questions[from:min(from+lxmert.AskedTogether, len(questions))])
		if err != nil {
			return nil, err
		}
		for _, note := range slices.Concat(b.Notes, b.Doubts) {
			if a.opt.Log != nil && !said[note] {
				fmt.Fprintln(a.opt.Log, note)
			}
			said[note] = true
		}
		answers, err := a.Answer(ctx, eng, b)
		if err != nil {
			return nil, err
		}
		all = append(all, answers...)
	}
	return all, nil
}

// Answer asks a model the questions of a batch.
func (a *Asker) Answer(ctx context.Context, eng lxmert.Engine, b *Batch) ([]*lxmert.Answer, error) {
	if err := a.CanAnswer(); err != nil {
		return nil, err
	}
	if eng.Config() != a.cfg {
		return nil, errors.New("the asker was opened for a model of other sizes")
	}
	return a.head.Ask(ctx, eng, b.Questions, b.Batch)
}

// CanAnswer returns an error, wrapping [lxmert.ErrNoAnswers], if the model has no head that answers.
func (a *Asker) CanAnswer() error {
	if _, err := a.cfg.AnswerHead(); err != nil {
		return a.about(err)
	}
	return nil
}

// about says which weights an error is about.
func (a *Asker) about(err error) error {
	if a.opt.Weights == "" {
		return err
	}
	return fmt.Errorf("%s: %w", a.opt.Weights, err)
}

// model names the model in errors.
func (a *Asker) model() string {
	if a.opt.Weights == "" {
		return "the model"
	}
	return "the model of " + a.opt.Weights
}
