package dataset

import (
	"cmp"
	"context"
	"fmt"
	"os"
	"path/filepath"
	"slices"

	"github.com/seed-516990b0/golxmert/internal/excerpt"
	"github.com/seed-516990b0/golxmert/lxmert/internal/release"
)

// This file reads the sentences of pre-training:
//
//	[{"img_id": "…", "sentf": {"mscoco": ["…", …], "vqa": ["…", …]}, "labelf": {"vqa": [{"net": 1}, …]}}, …]

// corpusReader reads files of sentences and keeps what repeats in them once.
type corpusReader struct {
	corpus     *Corpus
	images     map[string]int32
	categories map[string]uint16
	answers    map[AnswerScore]int32 // lists of one, in the corpus
	labels     *reader
	joined     []byte // texts of a record
}

func newCorpusReader(c *Corpus) *corpusReader {
	return &corpusReader{corpus: c, images: map[string]int32{}, categories: map[string]uint16{}, answers: map[AnswerScore]int32{}, labels: newReader(anyTask)}
}

func (r *corpusReader) readFile(ctx context.Context, path string) error {
	f, err := os.Open(filepath.FromSlash(path))
	if err != nil {
		if os.IsNotExist(err) {
			return fmt.Errorf("dataset: the sentences of pre-training: %w; %s brings the published ones, and your own are a list of {\"img_id\": \"…\", \"sentf\": {\"captions\": [\"…\", …]}}",
				err, cmp.Or(release.Bring(path), "`lxmert fetch pretrain`"))
		}
		return fmt.Errorf("dataset: %w", err)
	}
	defer f.Close()
	return r.read(ctx, newDecoder(f, path, "record"))
}

func (r *corpusReader) read(ctx context.Context, d *decoder) error {
	err := d.list("the file", func(i int) error {
		if i%1024 == 0 {
			if err := ctx.Err(); err != nil {
				return err
			}
		}
		d.item = i + 1
		return r.record(d)
	})
	if err == nil {
		err = d.finish()
	}
	return err
}

// group is one category of a record.
type group struct {
	category string
	texts    []string
	labels   [][]Label // nil: none
}

// record reads what is said about one picture. Sentences come in the order of "sentf", wherever "labelf" stands.
func (r *corpusReader) record(d *decoder) error {
	image, named := "", false
	var groups []group
	labels := map[string][][]Label{}
	err := d.object("the record", func(key []byte) (err error) {
		switch string(key) {
		case "img_id":
			s, err := d.string("img_id")
			image, named = string(s), true
			return err
		case "sentf":
			groups, err = r.sentences(d)
			return err
		case "labelf":
			return d.object("labelf", func(key []byte) error {
				category := string(key)
				lists := [][]Label{}
				err := d.list("labelf of "+excerpt.Quote(category), func(int) error {
					l, err := r.labels.labelsOf(d)
					for _, x := range l {
						if err == nil && x.Score < 0 {
							err = d.errorf("the score of %s is %g, must be 0 or more", excerpt.Quote(x.Answer), x.Score)
						}
					}
					lists = append(lists, l)
					return err
				})
				labels[category] = lists
				return err
			})
		}
		return d.skip()
	})
	switch {
	case err != nil:
		return err
	case !named || image == "":
		return d.errorf("there is no img_id")
	case groups == nil:
		return d.errorf("there is no sentf, the sentences")
	}
	for category, l := range labels {
		at := slices.IndexFunc(groups, func(g group) bool { return g.category == category })
		if at < 0 {
			return d.errorf("labelf has %s, sentf has not", excerpt.Quote(category))
		}
		if n := len(groups[at].texts); n != len(l) {
			return d.errorf("%s has %d sentences and %d labels", excerpt.Quote(category), n, len(l))
		}
		groups[at].labels = l
	}
	return r.add(d, image, groups)
}

// sentences reads {"category": ["…", …], …}; of equal categories the last one counts.
func (r *corpusReader) sentences(d *decoder) ([]group, error) {
	groups := []group{}
	err := d.object("sentf", func(key []byte) error {
		g := group{category: string(key)}
		r.joined = r.joined[:0]
		var ends []int
		err := d.list("sentf of "+excerpt.Quote(g.category), func(int) error {
			s, err := d.string("a sentence")
			r.joined = append(r.joined, s...)
			ends = append(ends, len(r.joined))
			return err
		})
		if err != nil {
			return err
		}
		all, from := string(r.joined), 0 // one allocation for all
		for _, end := range ends {
			g.texts = append(g.texts, all[from:end])
			from = end
		}
		if at := slices.IndexFunc(groups, func(o group) bool { return o.category == g.category }); at >= 0 {
			groups[at] = g
		} else {
			groups = append(groups, g)
		}
		return nil
	})
	return groups, err
}

// add appends the sentences of a record.
func (r *corpusReader) add(d *decoder, image string, groups []group) error {
	c := r.corpus
	at, ok := r.images[image]
	if !ok {
		at = int32(len(c.images))
		r.images[image] = at
		c.images = append(c.images, image)
	}
	for _, g := range groups {
		k, ok := r.categories[g.category]
		if !ok {
			if len(c.categories) == maxCategories {
				return d.errorf("%s is category number %d: a category is a set of sentences, such as \"vqa\", and there can be %d", excerpt.Quote(g.category), maxCategories+1, maxCategories)
			}
			k = uint16(len(c.categories))
			r.categories[g.category] = k
			c.categories = append(c.categories, g.category)
		}
		if len(g.texts) > 1<<16 {
			return d.errorf("%s has %d sentences, more than %d about one picture", excerpt.Quote(g.category), len(g.texts), 1<<16)
		}
		for i, text := range g.texts {
			s := sentence{text: text, answers: -1, image: at, number: uint16(i), category: k}
			if g.labels != nil {
				s.answers = r.answersOf(g.labels[i])
			}
			c.sentences = append(c.sentences, s)
		}
	}
	c.Records++
	return nil
}

// maxCategories bounds the categories of all files together.
const maxCategories = 1 << 12

// answersOf converts labels to a list of answers of the table, of those that the corpus has; lists of one answer, which most are,
// are shared.
func (r *corpusReader) answersOf(labels []Label) (list int32) {
	out := []AnswerScore{}
	for _, l := range r.corpus.Answers.Labels(labels) {
		id, _ := r.corpus.Answers.ID(l.Answer)
		out = append(out, AnswerScore{int32(id), float32(l.Score)})
	}
	one := AnswerScore{ID: -1}
	if len(out) == 1 {
		one = out[0]
	}
	if shared, ok := r.answers[one]; ok && len(out) < 2 {
		return shared
	}
	list = int32(len(r.corpus.answers))
	r.corpus.answers = append(r.corpus.answers, out)
	if len(out) < 2 {
		r.answers[one] = list
	}
	return list
}
