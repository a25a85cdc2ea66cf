package main

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"math"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/seed-516990b0/golxmert/lxmert"
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
	switch {
	case cfg.TaskClasses > 0 && cfg.TaskImages == 2: // trained with cross-entropy
		return head{name: "out.task", kind: "softmax", images: 2, classes: cfg.TaskClasses}, nil
	case cfg.TaskClasses > 0: // trained with binary cross-entropy
		return head{name: "out.task", kind: "sigmoid", images: 1, classes: cfg.TaskClasses}, nil
	case cfg.Answers > 0:
		return head{name: "out.qa", kind: "softmax", images: 1, classes: cfg.Answers}, nil
	}
	return head{}, errors.New("these weights have no head that answers: neither a fine-tuned one (logit_fc) nor that of pre-training (answer_head)")
}

func (h *head) about() string {
	if h.images == 2 {
		return "two pictures (NLVR2): --image LEFT --image RIGHT"
	}
	return "one picture"
}

// maxAnswerFile bounds a file of answers; the published ones have less than 1 MB.
const maxAnswerFile = 64 << 20

// nameAnswers finds the names of the classes. Without any, it says on w how to get them.
func (h *head) nameAnswers(explicit, load string, w io.Writer) error {
	if explicit != "" {
		answers, err := readAnswers(explicit)
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
		answers, err := readAnswers(path)
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

// readAnswers reads a JSON list of answers, or of objects with the answer as "ans".
func readAnswers(path string) ([]string, error) {
	f, err := os.Open(path)
	if err != nil {
		return nil, fmt.Errorf("answers: %w", err)
	}
	defer f.Close()
	text, err := io.ReadAll(io.LimitReader(f, maxAnswerFile+1))
	if err != nil {
		return nil, fmt.Errorf("answers: %w", err)
	}
	if len(text) > maxAnswerFile {
		return nil, fmt.Errorf("%s: larger than %d MB, this is no list of answers", path, maxAnswerFile>>20)
	}
	var plain []string
	if json.Unmarshal(text, &plain) == nil && plain != nil {
		return plain, nil
	}
	var table []struct {
		Answer *string `json:"ans"`
	}
	if err := json.Unmarshal(text, &table); err != nil || table == nil {
		return nil, fmt.Errorf("%s: neither a JSON list of answers (trainval_label2ans.json) nor one of objects with \"ans\" (all_ans.json)", path)
	}
	answers := make([]string, len(table))
	for i, row := range table {
		if row.Answer == nil {
			return nil, fmt.Errorf("%s: entry %d has no \"ans\"", path, i)
		}
		answers[i] = *row.Answer
	}
	return answers, nil
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
	for i, v := range logits {
		if math.IsNaN(float64(v)) || math.IsInf(float64(v), 0) {
			return nil, fmt.Errorf("%s: the logit of class %d is %g: the weights are damaged, or their training diverged", t.Provenance.Weights, i, v)
		}
	}
	probabilities := softmax(logits)
	if h.kind == "sigmoid" {
		for i, v := range logits {
			probabilities[i] = 1 / (1 + math.Exp(-float64(v)))
		}
	}
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
			r.Matched = append(r.Matched, softmax(match.Row(row).Data)[1])
		}
	}
	return r, nil
}

func softmax(logits []float32) []float64 {
	p, sum := make([]float64, len(logits)), 0.0
	largest := slices.Max(logits)
	for i, v := range logits {
		p[i] = math.Exp(float64(v - largest))
		sum += p[i]
	}
	for i := range p {
		p[i] /= sum
	}
	return p
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
