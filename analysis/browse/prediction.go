package browse

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"

	"github.com/seed-516990b0/golxmert/analysis"
	"github.com/seed-516990b0/golxmert/internal/excerpt"
	"github.com/seed-516990b0/golxmert/lxmert/dataset"
)

// ErrQuestions is wrapped by the error about predictions without the questions that they are about.
var ErrQuestions = errors.New("predictions name questions by their ids alone: the file of these questions is needed")

// ErrPrediction is wrapped by errors about what a file of predictions says.
var ErrPrediction = errors.New("not a file of predictions")

// Predictions reads the first predictions, at most n, of a file that `lxmert vqa --test`, `gqa --test` or `nlvr2 --test` wrote, with the
// questions that they are about: the answer and, where the questions have labels, the right one and how much the answer counts. Every
// prediction must be about one of the questions.
func Predictions(ctx context.Context, path string, questions []string, n int) (*Listing, error) {
	var all []dataset.Example
	for _, file := range questions {
		some, err := dataset.ReadQuestions(ctx, file, 0)
		if err != nil {
			return nil, err
		}
		all = append(all, some...)
	}
	at := make(map[string]int, len(all)) // of equal ids the last, as the reference scores them
	for i := range all {
		at[all[i].ID] = i
		if all[i].Identifier != "" {
			at[all[i].Identifier] = i
		}
	}
	f, err := os.Open(path)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	l, t := &Listing{}, &table{}
	right := analysis.Running{}
	unknown, example := 0, ""
	err = eachPrediction(f, func(id, answer string) error {
		if err := ctx.Err(); err != nil {
			return err
		}
		i, ok := at[id]
		if !ok {
			if unknown++; unknown == 1 {
				example = id
			}
			return nil
		}
		if l.Total++; l.Total > n {
			return nil
		}
		e := &all[i]
		l.Examples = append(l.Examples, Example{ID: id, Text: e.Text, Images: e.Images})
		t.text("answer", answer)
		if label, score, known := truth(e, answer); known {
			t.text("label", label)
			t.number("right", "", score)
			right.Add(len(l.Examples), score)
		}
		t.text("question type", e.QuestionType)
		t.text("answer type", e.AnswerType)
		t.next()
		return nil
	})
	if err != nil {
		return nil, fmt.Errorf("%s: %w", path, err)
	}
	names := strings.Join(questions, ", ")
	switch {
	case unknown > 0:
		return nil, fmt.Errorf("%s: %w: of %d predictions %d are about questions, such as %s, that are not in %s: name the files of questions that they were made of", path, ErrPrediction, unknown+l.Total, unknown, excerpt.Cut(example, 60), names)
	case l.Total == 0:
		return nil, fmt.Errorf("%s: %w: it has none", path, ErrPrediction)
	}
	l.Columns = t.done()
	l.Title = fmt.Sprintf("%s: %d predictions", filepath.Base(path), l.Total)
	l.Meta = analysis.Meta{Method: "predictions", N: l.Total, Params: map[string]string{"predictions": path, "questions": names}}
	if right.N() == l.Total {
		l.Params["accuracy"] = fmt.Sprintf("%.2f %%", 100*right.Mean())
	}
	l.Ask = Asking("", "", "")
	return l, nil
}

// truth is the best label of an example, and how much an answer counts.
func truth(e *dataset.Example, answer string) (label string, score float64, known bool) {
	if e.Class >= 0 {
		label = dataset.StatementAnswers()[min(e.Class, 1)]
		if answer == label {
			score = 1
		}
		return label, score, true
	}
	if e.Labels == nil {
		return "", 0, false
	}
	best := 0.0
	for _, l := range e.Labels {
		if l.Score > best {
			label, best = l.Answer, l.Score
		}
		if l.Answer == answer {
			score = l.Score
		}
	}
	return label, score, true
}

// eachPrediction goes through a file of predictions: a JSON list of objects with the members of a task's dump, or lines
// "identifier,True".
func eachPrediction(r io.Reader, each func(id, answer string) error) error {
	in := bufio.NewReader(r)
	for {
		first, err := in.Peek(1)
		if err != nil {
			return fmt.Errorf("%w: it is empty", ErrPrediction)
		}
		if !bytes.ContainsAny(first, " \t\r\n") {
			if first[0] == '[' {
				return listed(in, each)
			}
			return lined(in, each)
		}
		in.Discard(1)
	}
}

func listed(r io.Reader, each func(id, answer string) error) error {
	d := json.NewDecoder(r)
	if _, err := d.Token(); err != nil {
		return fmt.Errorf("%w: %w", ErrPrediction, err)
	}
	for n := 1; d.More(); n++ {
		var entry map[string]json.RawMessage
		if err := d.Decode(&entry); err != nil {
			return fmt.Errorf("%w: entry %d: %w", ErrPrediction, n, err)
		}
		id, answer, ok := members(entry)
		if !ok {
			return fmt.Errorf("%w: entry %d has neither %s", ErrPrediction, n, dumps())
		}
		if err := each(id, answer); err != nil {
			return err
		}
	}
	if _, err := d.Token(); err != nil {
		return fmt.Errorf("%w: the list does not end: %w", ErrPrediction, err)
	}
	return nil
}

// members are those of an entry that a task calls so. An id is a number or a text.
func members(entry map[string]json.RawMessage) (id, answer string, ok bool) {
	for _, t := range dataset.Tasks() {
		if t.Dump.Answer == "" || entry[t.Dump.ID] == nil || json.Unmarshal(entry[t.Dump.Answer], &answer) != nil {
			continue
		}
		raw := entry[t.Dump.ID]
		if json.Unmarshal(raw, &id) != nil {
			id = string(raw)
		}
		return id, answer, true
	}
	return "", "", false
}

func dumps() string {
	var forms []string
	for _, t := range dataset.Tasks() {
		if t.Dump.Answer != "" {
			forms = append(forms, fmt.Sprintf("%s with %s (%s)", t.Dump.ID, t.Dump.Answer, t.Title))
		}
	}
	return strings.Join(forms, " nor ")
}

func lined(r io.Reader, each func(id, answer string) error) error {
	lines := bufio.NewScanner(r)
	for n := 1; lines.Scan(); n++ {
		text := strings.TrimSpace(lines.Text())
		if text == "" {
			continue
		}
		at := strings.LastIndexByte(text, ',')
		if at < 0 || text[at+1:] != "True" && text[at+1:] != "False" {
			return fmt.Errorf("%w: line %d is %q, must be an identifier with True or False, such as \"test1-0-0-0,True\"", ErrPrediction, n, excerpt.Cut(text, 60))
		}
		if err := each(text[:at], text[at+1:]); err != nil {
			return err
		}
	}
	if err := lines.Err(); err != nil {
		return fmt.Errorf("%w: %w", ErrPrediction, err)
	}
	return nil
}
