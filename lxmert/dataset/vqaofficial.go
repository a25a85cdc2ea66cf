package dataset

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"math"
	"strconv"
	"strings"

	"github.com/seed-516990b0/golxmert/internal/excerpt"
)

// This file reads VQA v2's official files, and own data laid out like them: an object with a list of "questions", or of
// "annotations", or the list alone.

// vqaEntry is a question or an annotation.
type vqaEntry struct {
	id           string  // question_id, decimal
	image        string  // image_id, a number or a name
	isNumber     bool    // it is a number
	question     *string // nil: the entry has none
	choice       *string // multiple_choice_answer
	given        []string
	questionType string
	answerType   string
}

// answered says whether the entry has answers.
func (e *vqaEntry) answered() bool { return e.given != nil || e.choice != nil }

// right is the entry's one right answer: multiple_choice_answer, else the most frequent.
func (e *vqaEntry) right() string {
	if e.choice != nil {
		return *e.choice
	}
	return mostFrequent(e.given)
}

// annotators are the answers that were given; a right answer alone counts as one.
func (e *vqaEntry) annotators() []string {
	if e.given == nil && e.choice != nil {
		return []string{*e.choice}
	}
	return e.given
}

// eachVQA goes through the entries of a file; list is "questions" or "annotations". The entry is good until the next.
func eachVQA(r io.Reader, file, list string, each func(d *decoder, e *vqaEntry) error) error {
	d := newDecoder(r, file, strings.TrimSuffix(list, "s"))
	types := map[string]string{}
	var e vqaEntry
	entries := func() error {
		return d.list(list, func(i int) error {
			d.item = i + 1
			if err := e.read(d, types); err != nil {
				return err
			}
			return each(d, &e)
		})
	}
	kind, err := d.kind()
	switch {
	case err != nil:
	case kind == "a list":
		err = entries()
	default:
		found := false
		err = d.object("the file", func(key []byte) error {
			if string(key) != list {
				return d.skip()
			}
			found = true
			err := entries()
			d.item = 0
			return err
		})
		if err == nil && !found {
			err = d.errorf("there is no list of %s", list)
		}
	}
	if err != nil {
		return err
	}
	return d.finish()
}

// read reads an entry. types keeps the strings that repeat.
func (e *vqaEntry) read(d *decoder, types map[string]string) error {
	*e = vqaEntry{}
	repeated := func(what string, to *string) error {
		s, err := d.string(what)
		if err != nil {
			return err
		}
		kept, ok := types[string(s)]
		if !ok {
			kept = string(s)
			types[kept] = kept
		}
		*to = kept
		return nil
	}
	text := func(what string, to **string) error {
		s, err := d.string(what)
		copied := string(s)
		*to = &copied
		return err
	}
	err := d.object("the entry", func(key []byte) (err error) {
		switch string(key) {
		case "question_id":
			var number bool
			if e.id, number, err = numberOrName(d, "question_id"); err == nil && !number {
				n, bad := strconv.ParseInt(e.id, 10, 64)
				if e.id = strconv.FormatInt(n, 10); bad != nil {
					err = d.errorf("question_id is not a whole number, which predictions are handed in with")
				}
			}
		case "image_id":
			e.image, e.isNumber, err = numberOrName(d, "image_id")
		case "question":
			err = text("question", &e.question)
		case "multiple_choice_answer":
			err = text("multiple_choice_answer", &e.choice)
		case "question_type":
			err = repeated("question_type", &e.questionType)
		case "answer_type":
			err = repeated("answer_type", &e.answerType)
		case "answers":
			e.given = []string{}
			err = d.list("answers", func(int) error { return e.answer(d) })
		default:
			err = d.skip()
		}
		return err
	})
	if err == nil && e.id == "" {
		err = d.errorf("there is no question_id")
	}
	return err
}

// answer reads one person's answer: {"answer": "net", ...}, or the text alone.
func (e *vqaEntry) answer(d *decoder) error {
	kind, err := d.kind()
	if err != nil {
		return err
	}
	if kind == "a string" {
		s, err := d.string("an answer")
		e.given = append(e.given, string(s))
		return err
	}
	found, err := d.texts("an answer", "answer")
	if err == nil && found[0] == nil {
		err = d.errorf("one of its answers has no \"answer\"")
	}
	if err == nil {
		e.given = append(e.given, *found[0])
	}
	return err
}

// numberOrName reads a whole number, in decimal, or a text.
func numberOrName(d *decoder, what string) (s string, number bool, err error) {
	kind, err := d.kind()
	if err != nil {
		return "", false, err
	}
	if kind == "a string" {
		b, err := d.string(what)
		if err == nil && len(b) == 0 {
			err = d.errorf("%s is empty", what)
		}
		return string(b), false, err
	}
	b, err := d.number(what)
	if err != nil {
		return "", false, err
	}
	if bytes.ContainsAny(b, ".eE") || string(b) == "-0" {
		return "", false, d.errorf("%s is %s, must be a whole number", what, excerpt.Quote(string(b)))
	}
	return string(b), true, nil
}

// addVQA writes questions with the labels of their annotations.
func (c *Converter) addVQA(r io.Reader, o Official) error {
	pattern := c.ImageName
	if set := cocoSets[o.Images]; pattern == "" && set != "" {
		pattern = "COCO_" + set + "_%012d"
	}
	return eachVQA(r, o.File, "questions", func(d *decoder, e *vqaEntry) error {
		switch {
		case e.question == nil:
			return d.errorf("there is no question")
		case e.image == "":
			return d.errorf("there is no image_id")
		}
		image := e.image
		if e.isNumber && pattern != "" {
			n, err := strconv.ParseInt(e.image, 10, 64)
			if err != nil {
				return d.errorf("image_id is %s, which is too large", excerpt.Quote(e.image))
			}
			image = fmt.Sprintf(pattern, n)
		}
		if !c.isNew(e.id, image) {
			return nil
		}
		answers, answered, err := c.answersOf(d, e)
		if err != nil {
			return err
		}
		var fields []field
		add := func(key, text string) {
			if text != "" {
				fields = append(fields, field{key, quoted(text)})
			}
		}
		add("answer_type", answers.answerType)
		add("img_id", image)
		if answered {
			fields = append(fields, field{"label", labelText(answers.labels)})
		}
		fields = append(fields, field{"question_id", e.id})
		add("question_type", answers.questionType)
		return c.w.entry(append(fields, field{"sent", quoted(*e.question)}))
	})
}

// cocoSets says which of COCO's pictures VQA's subsets are about.
var cocoSets = map[string]string{"train2014": "train2014", "val2014": "val2014", "test2015": "test2015", "test-dev2015": "test2015"}

// answersOf finds the answers to a question, its own or an annotation's.
func (c *Converter) answersOf(d *decoder, e *vqaEntry) (a scored, answered bool, err error) {
	a = scored{questionType: e.questionType, answerType: e.answerType}
	switch {
	case c.Annotations != nil:
		found, ok := c.Annotations.take(e.id)
		if !ok {
			c.done.Unanswered.add(e.id)
			return a, false, nil
		}
		if found.image != "" && found.image != e.image {
			c.done.OtherImage.add(e.id)
		}
		a = found
	case !e.answered():
		return a, false, nil
	case c.Answers == nil:
		return a, false, d.errorf("it has answers, for which there is no answer table")
	default:
		a = e.score(c.Answers)
	}
	if len(a.labels) == 0 {
		c.done.Outside.add(e.id)
	}
	if a.people != 1 && a.people != 10 {
		c.done.OtherNumbers.add(e.id)
	}
	return a, true, nil
}

// labelText is an entry's label, with scores as Python writes them.
func labelText(labels []Label) string {
	if len(labels) == 0 {
		return "{}"
	}
	lines := make([]string, len(labels))
	for i, l := range labels {
		lines[i] = "\n            " + quoted(l.Answer) + ": " + strconv.FormatFloat(l.Score, 'g', -1, 64)
	}
	return "{" + strings.Join(lines, ",") + "\n        }"
}

// scored is what people answered to a question.
type scored struct {
	labels                          []Label
	people                          int
	image, questionType, answerType string
}

func (e *vqaEntry) score(table *Answers) scored {
	given := e.annotators()
	labels, _ := table.labelsOf(given)
	return scored{labels, len(given), e.image, e.questionType, e.answerType}
}

// Annotations are the answers of VQA's official annotation files, scored by the published rule with a table's answers. There
// are half a million, so that each takes little memory.
type Annotations struct {
	table *Answers
	all   []annotation
	at    map[string]int32 // places in all, by question
	text  map[string]string
	// Duplicates are annotations of a question that an earlier one is about, which are left out.
	Duplicates Finding
}

// annotation is a scored one, with answers by their numbers in the table.
type annotation struct {
	id                              string
	image, questionType, answerType string
	labels                          []annotatedLabel
	people                          int32
	taken                           bool
}

type annotatedLabel struct {
	answer int32
	score  float32
}

// NewAnnotations returns an empty collection that scores the answers of a table.
func NewAnnotations(table *Answers) *Annotations {
	return &Annotations{table: table, at: map[string]int32{}, text: map[string]string{}}
}

// Add reads a file of annotations; file is what errors call it.
func (a *Annotations) Add(ctx context.Context, r io.Reader, file string) error {
	return eachVQA(&interruptible{ctx, r}, file, "annotations", func(d *decoder, e *vqaEntry) error {
		if !e.answered() {
			return d.errorf("there are neither answers nor multiple_choice_answer")
		}
		if _, ok := a.at[e.id]; ok {
			a.Duplicates.add(e.id)
			return nil
		}
		s := e.score(a.table)
		one := annotation{id: e.id, image: a.once(s.image), questionType: a.once(s.questionType), answerType: a.once(s.answerType), people: int32(s.people)}
		if len(s.labels) > 0 {
			one.labels = make([]annotatedLabel, len(s.labels))
		}
		for i, l := range s.labels {
			one.labels[i] = annotatedLabel{int32(a.table.labels[l.Answer]), float32(l.Score)}
		}
		a.at[e.id] = int32(len(a.all))
		a.all = append(a.all, one)
		return nil
	})
}

// once returns the same string for equal ones: several questions are about one picture, and of one type.
func (a *Annotations) once(s string) string {
	kept, ok := a.text[s]
	if !ok {
		a.text[s], kept = s, s
	}
	return kept
}

// take returns the annotation of a question.
func (a *Annotations) take(id string) (scored, bool) {
	i, ok := a.at[id]
	if !ok {
		return scored{}, false
	}
	one := &a.all[i]
	one.taken = true
	s := scored{[]Label{}, int(one.people), one.image, one.questionType, one.answerType}
	for _, l := range one.labels {
		// A score has one decimal, which float32 keeps.
		s.labels = append(s.labels, Label{a.table.list[l.answer], math.Round(float64(l.score)*10) / 10})
	}
	return s, true
}

// unasked are the annotations of questions that were not there.
func (a *Annotations) unasked() (f Finding) {
	for i := range a.all {
		if !a.all[i].taken {
			f.add(a.all[i].id)
		}
	}
	return f
}
