package dataset

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path"
	"slices"
	"strings"

	"github.com/seed-516990b0/golxmert/internal/excerpt"
	"github.com/seed-516990b0/golxmert/lxmert/region"
)

// This file has the sentences of pre-training and their pictures (section 5.1 of the reference's preprocessing).

// Pretraining describes pre-training as far as it is like a task: the same flags, files and loop. It is none of [Tasks]: its
// files are read by [LoadCorpus], and it has six losses instead of a head of its own.
var Pretraining = &Task{
	Name: "pretrain", Title: "pre-training", About: "six losses over sentences, words and regions", Noun: "sentences",
	Entry:     Entry{ID: "uid", Pictures: []string{"img_id"}},
	Pretrains: true,
	Recipe: Recipe{
		FineTune: "--taskMaskLM --taskObjPredict --taskMatched --taskQA --visualLosses obj,attr,feat --wordMaskRate 0.15 --objMaskRate 0.15 " +
			"--train mscoco_train,mscoco_nominival,vgnococo --valid mscoco_minival --fromScratch --batchSize 256 --optim bert --lr 1e-4 --epochs 20",
	},
}

// corpusFolder has the files of sentences and the answer table, below the data folder.
const corpusFolder = "lxmert"

// AnswerTable is the file of pre-training's answers below a data folder.
func AnswerTable(root string) string { return below(root, corpusFolder, "all_ans.json") }

// corpusFeatures are the feature files of the published sources, below the data folder.
var corpusFeatures = map[string]string{
	"mscoco_train": "mscoco_imgfeat/train2014", "mscoco_minival": "mscoco_imgfeat/val2014",
	"mscoco_nominival": "mscoco_imgfeat/val2014", "vgnococo": "vg_gqa_imgfeat/vg_gqa",
}

// corpusFeatureFolders are where the feature files of pre-training are, below the data folder: those of the published sources,
// then those of one's own.
func corpusFeatureFolders() []string {
	var folders []string
	for _, name := range corpusFeatures {
		folders = append(folders, path.Dir(name))
	}
	slices.Sort(folders)
	return append(slices.Compact(folders), corpusFolder)
}

// featuresOf is the feature file of a source, below the data folder and without its ending. A source that is not published
// has one beside its sentences, or is about the pictures of the VQA split of its name.
func featuresOf(root, source string) string {
	if name, published := corpusFeatures[source]; published {
		return name
	}
	own, split := corpusFolder+"/"+source, VQA.Features.Folder+"/"+source
	for _, name := range []string{own, split} {
		for _, ending := range []string{".tsv", ".store"} {
			if _, err := os.Stat(below(root, name+"_obj36"+ending)); err == nil {
				return name
			}
		}
	}
	return own
}

// Corpus is the sentences of some sources, one after the other, and where their pictures' regions are. Its methods may be
// called from several goroutines.
type Corpus struct {
	Sources []string
	Answers *QATable
	// Records is how many pictures the files list, with those that have no regions; Dropped is how many of them these are.
	Records, Dropped int
	// Listed is how many sentences the files have, with those about such pictures.
	Listed int
	// Dim is how many features each region has; 0 if there are no sentences.
	Dim int

	sentences  []sentence
	images     []string
	categories []string
	answers    [][]AnswerScore // lists that sentences share
	features   *Set            // without examples
}

// sentence is an example of pre-training; there may be ten million of them.
type sentence struct {
	text     string
	answers  int32  // of Corpus.answers, -1: it is not labelled
	image    int32  // of images
	number   uint16 // in its category, of this picture
	category uint16 // of categories
}

// AnswerScore is an answer of the table, by its id, and its score.
type AnswerScore struct {
	ID    int32
	Score float32
}

// LoadCorpus reads root/lxmert/<source>.json of every source and opens the feature files that belong to them. A published
// source has the published ones; X, one's own, has root/lxmert/X_obj36.tsv or, without that, root/mscoco_imgfeat/X_obj36.tsv.
// Answers are converted to those of the table, see [QATable.Labels]; records whose picture has no regions are dropped.
func LoadCorpus(ctx context.Context, sources []string, answers *QATable, opt Options) (_ *Corpus, err error) {
	if opt.Log == nil {
		opt.Log = io.Discard
	}
	if opt.Notes == nil {
		opt.Notes = io.Discard
	}
	c := &Corpus{Sources: slices.Clone(sources), Answers: answers, features: &Set{Task: Pretraining, Splits: sources, where: map[string]int{}}}
	files, err := corpusFiles(opt.Root, sources, opt.Limit)
	if err != nil {
		return nil, err
	}
	c.features.files = files.features
	r := newCorpusReader(c)
	for _, path := range files.questions {
		if err := r.readFile(ctx, path); err != nil {
			return nil, err
		}
	}
	c.Listed = len(c.sentences)
	fmt.Fprintf(opt.Log, "Load %d data from %s\n", c.Records, strings.Join(sources, ","))
	fmt.Fprintf(opt.Log, "Load an answer table of size %d.\n", answers.Len())
	if opt.Sources == nil {
		c.features.own = new(Sources)
		opt.Sources = c.features.own
	}
	if err = c.features.openFeatures(ctx, opt); err == nil {
		err = c.dropPictureless(ctx, opt)
	}
	if err != nil {
		return nil, errors.Join(err, c.Close())
	}
	fmt.Fprintf(opt.Log, "Use %d data in torch dataset\n\n", c.Len())
	return c, nil
}

// corpusFiles are the files that some sources are made of.
func corpusFiles(root string, sources []string, limit int) (p plan, err error) {
	if len(sources) == 0 {
		return p, errors.New("dataset: no source of sentences is named")
	}
	var features []string
	for _, source := range sources {
		if source == "" || source == "." || source == ".." || strings.ContainsAny(source, `/\`) {
			return p, fmt.Errorf("dataset: %q cannot be the name of a source", source)
		}
		p.questions = append(p.questions, below(root, corpusFolder, source+".json"))
		features = append(features, below(root, featuresOf(root, source)+"_obj36.tsv"))
	}
	for _, path := range distinct(features) {
		p.features = append(p.features, featureFile{path: path, rows: limit})
	}
	return p, nil
}

// dropPictureless leaves out the sentences about pictures without regions.
func (c *Corpus) dropPictureless(ctx context.Context, opt Options) error {
	gone := make([]bool, len(c.images))
	sample, first := map[int]string{}, ""
	for i, id := range c.images {
		source, ok := c.features.where[id]
		if !ok {
			gone[i] = true
			c.Dropped++
			first = cmp.Or(first, id)
		} else if sample[source] == "" {
			sample[source] = id
		}
	}
	before := len(c.sentences)
	c.sentences = slices.DeleteFunc(c.sentences, func(s sentence) bool { return gone[s.image] })
	if c.Dropped > 0 && opt.Limit == 0 {
		what := fmt.Sprintf("%d of %d pictures, with %d sentences, have no regions in %s; the first is %s",
			c.Dropped, len(c.images), before-len(c.sentences), c.features.fileNames(), excerpt.Quote(first))
		if opt.Strict {
			return fmt.Errorf("dataset: %w: %s", ErrNoPicture, what)
		}
		fmt.Fprintf(opt.Notes, "pre-training: %s: they are left out\n", what)
	}
	if err := c.features.checkDim(ctx, sample); err != nil {
		return err
	}
	c.Dim = c.features.Dim
	return nil
}

// Len is how many sentences there are.
func (c *Corpus) Len() int { return len(c.sentences) }

// Close closes the feature files, unless they are shared, see [Options].Sources.
func (c *Corpus) Close() error { return c.features.Close() }

// Fingerprints sum up the features of each file that is packed, by the file's name.
func (c *Corpus) Fingerprints() map[string]region.Fingerprint { return c.features.Fingerprints() }

// UID is what the reference calls a sentence: picture, category, and number of three digits.
func (c *Corpus) UID(i int) string {
	s := &c.sentences[i]
	return fmt.Sprintf("%s_%s_%03d", c.images[s.image], c.categories[s.category], s.number)
}

// Text is a sentence as the file has it.
func (c *Corpus) Text(i int) string { return c.sentences[i].text }

// Image is the id of the picture that a sentence is about.
func (c *Corpus) Image(i int) string { return c.images[c.sentences[i].image] }

// Regions reads the regions of the picture that a sentence is about.
func (c *Corpus) Regions(ctx context.Context, i int) (*region.Regions, error) {
	r, err := c.features.Regions(ctx, c.Image(i))
	if err != nil {
		return nil, fmt.Errorf("dataset: sentence %s: %w", excerpt.Quote(c.UID(i)), err)
	}
	return r, nil
}

// Category is what a sentence is one of, such as "mscoco" or "vqa".
func (c *Corpus) Category(i int) string { return c.categories[c.sentences[i].category] }

// Labels are the answers of a sentence, those that the table has; nil where it is not a question with an answer.
func (c *Corpus) Labels(i int) []AnswerScore {
	if k := c.sentences[i].answers; k >= 0 {
		return c.answers[k]
	}
	return nil
}

// Score is what an answer is worth for a sentence, 0 where it is none of its labels; labelled is false where there are none to
// be right or wrong.
func (c *Corpus) Score(i int, answer int32) (score float64, labelled bool) {
	for _, a := range c.Labels(i) {
		if a.ID == answer {
			return float64(a.Score), true
		}
	}
	return 0, c.sentences[i].answers >= 0
}

// SeveralPictures says whether there are sentences about different pictures, which swapping them needs.
func (c *Corpus) SeveralPictures() bool {
	return slices.ContainsFunc(c.sentences, func(s sentence) bool { return s.image != c.sentences[0].image })
}
