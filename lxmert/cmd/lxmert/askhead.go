package main

import (
	"errors"
	"fmt"
	"io"
	"math"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/seed-516990b0/golxmert/analysis"
	"github.com/seed-516990b0/golxmert/lxmert"
	"github.com/seed-516990b0/golxmert/lxmert/dataset"
)

// head is the part of a model that answers, and how its logits are read.
type head struct {
	name    string // of the activation
	kind    string // what the answers' probabilities are: "sigmoid" or "softmax"
	images  int    // that one answer is about
	classes int
	answers []string // by class; nil: not known
}

// chooseHead prefers a fine-tuned head to that of pre-training.
func chooseHead(cfg lxmert.Config) (head, error) {
	kind := analysis.AnswerProbability(cfg)
	switch {
	case cfg.TaskClasses > 0:
		return head{name: "out.task", kind: kind, images: cfg.TaskImages, classes: cfg.TaskClasses}, nil
	case cfg.Answers > 0:
		return head{name: "out.qa", kind: kind, images: 1, classes: cfg.Answers}, nil
	}
	return head{}, errors.New("these weights have no head that answers: neither a fine-tuned one (logit_fc) nor that of pre-training (answer_head)")
}

func (h *head) about() string {
	if h.images == 2 {
		return "two pictures (NLVR2): --image LEFT --image RIGHT"
	}
	return "one picture"
}

// nameAnswers finds the names of the classes. Without any, it says on w how to get them.
func (h *head) nameAnswers(explicit, load string, w io.Writer) error {
	if explicit != "" {
		answers, err := dataset.ReadAnswerNames(explicit)
		if err != nil {
			return err
		}
		if len(answers) != h.classes {
			return fmt.Errorf("%s has %d answers, the model of %s has %d: they are of another data set", explicit, len(answers), load, h.classes)
		}
		h.answers = answers
		return nil
	}
	if h.images == 2 && h.classes == 2 {
		h.answers = []string{"False", "True"}
		return nil
	}
	for _, path := range h.answerFiles(load) {
		if _, err := os.Stat(path); err != nil {
			continue
		}
		answers, err := dataset.ReadAnswerNames(path)
		if err != nil {
			return err
		}
		if len(answers) == h.classes {
			h.answers = answers
			return nil
		}
	}
	_, err := fmt.Fprintf(w, "no file names the %d answers, so they are numbered: give VQA's or GQA's trainval_label2ans.json, or pre-training's all_ans.json, by --answers FILE\n", h.classes)
	return err
}

// answerFiles are the places where names may be.
func (h *head) answerFiles(load string) (paths []string) {
	name, folders := "trainval_label2ans.json", []string{"data/vqa", "data/gqa"}
	if h.name == "out.qa" {
		name, folders = "all_ans.json", []string{"data/lxmert"}
	}
	for _, dir := range append([]string{load, filepath.Dir(load)}, folders...) {
		paths = append(paths, filepath.Join(filepath.FromSlash(dir), name))
	}
	return paths
}

// answer is one answer with its probability.
type answer struct {
	Answer      string  `json:"answer"`
	Class       int     `json:"class"`
	Logit       float32 `json:"logit"`
	Probability float64 `json:"probability"`
}

// reply reads the most probable answers, of equal ones the first, from a trace of one row.
func (h *head) reply(t *lxmert.Trace, top int) (*reply, error) {
	logits := t.Values[h.name].Data
	for _, name := range []string{h.name, "out.match"} {
		for i, v := range t.Values[name].Data {
			if math.IsNaN(float64(v)) || math.IsInf(float64(v), 0) {
				return nil, fmt.Errorf("%s: value %d of %s is %g: the weights are damaged, or their training diverged", t.Provenance.Weights, i, name, v)
			}
		}
	}
	probabilities := analysis.Probabilities(h.kind, logits)
	r := &reply{Head: h.name, Kind: h.kind, Source: t.Provenance}
	for i, v := range logits {
		name := fmt.Sprintf("answer %d", i)
		if h.answers != nil {
			name = h.answers[i]
		}
		r.Answers = append(r.Answers, answer{name, i, v, probabilities[i]})
	}
	slices.SortStableFunc(r.Answers, func(a, b answer) int {
		if a.Logit > b.Logit {
			return -1
		}
		if a.Logit < b.Logit {
			return 1
		}
		return 0
	})
	r.Answers = r.Answers[:min(len(r.Answers), top)]
	if match, ok := t.Values["out.match"]; ok {
		for row := range match.Shape[0] {
			r.Matched = append(r.Matched, analysis.Probabilities(analysis.Softmax, match.Row(row).Data)[1])
		}
	}
	return r, nil
}

// readLabels reads names of classes, one per line; of several separated by commas, the first.
func readLabels(path string) ([]string, error) {
	if path == "" {
		return nil, nil
	}
	text, err := os.ReadFile(path)
	if err != nil {
		return nil, fmt.Errorf("--objects: %w", err)
	}
	var names []string
	for line := range strings.Lines(string(text)) {
		name, _, _ := strings.Cut(strings.TrimSpace(line), ",")
		names = append(names, name)
	}
	return names, nil
}
