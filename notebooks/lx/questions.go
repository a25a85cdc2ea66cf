package lx

import (
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
)

// QA is a question of a data set with its answers.
type QA struct {
	Question
	ID     string
	Kind   string             // such as "color"; "" where the file does not say
	Labels map[string]float64 // how much each answer counts, 0 to 1; empty where the file does not say
}

// Questions reads the first n questions (0: all) of a file of VQA's, GQA's or NLVR2's format. Instead of a file a split may
// be named, such as "heldout" or "minival": it is looked for beside the model's features, as data/vqa/heldout.json.
func (m *Model) Questions(name string, n int) []QA {
	path := must(m.questionFile(name))
	return must(readQuestions(path, n))
}

// questionRow is a question as the three formats have it.
type questionRow struct {
	ID         json.RawMessage `json:"question_id"`
	Identifier string          `json:"identifier"` // NLVR2
	Image      string          `json:"img_id"`
	Left       string          `json:"img0"` // NLVR2
	Right      string          `json:"img1"`
	Sent       string          `json:"sent"`
	Label      json.RawMessage `json:"label"` // how much each answer counts; of NLVR2 1 or 0
	Kind       string          `json:"question_type"`
}

func readQuestions(path string, n int) ([]QA, error) {
	text, err := os.ReadFile(path)
	if err != nil {
		return nil, err
	}
	var rows []questionRow
	if err := json.Unmarshal(text, &rows); err != nil {
		return nil, fmt.Errorf("%s is no file of questions, a JSON list of objects: %w", path, err)
	}
	var out []QA
	for i, r := range rows {
		if n > 0 && len(out) == n {
			break
		}
		q := QA{Question: Question{Text: r.Sent, Images: []string{r.Image}}, ID: strings.Trim(string(r.ID), `"`), Kind: r.Kind}
		if r.Left != "" || r.Right != "" {
			q.Images, q.ID = []string{r.Left, r.Right}, r.Identifier
		}
		for _, image := range q.Images {
			if r.Sent == "" || image == "" {
				return nil, fmt.Errorf(`%s: question %d lacks "sent" or its picture, "img_id" or NLVR2's "img0" and "img1"`, path, i)
			}
		}
		if q.Labels, err = labelsOf(r.Label); err != nil {
			return nil, fmt.Errorf("%s: the label of question %d: %w", path, i, err)
		}
		out = append(out, q)
	}
	return out, nil
}

// labelsOf reads a label: the shares of answers, or NLVR2's truth value.
func labelsOf(raw json.RawMessage) (labels map[string]float64, err error) {
	if len(raw) == 0 {
		return nil, nil
	}
	var truth int
	if json.Unmarshal(raw, &truth) == nil {
		switch {
		case string(raw) == "null":
			return nil, nil
		case truth == 0:
			return map[string]float64{"False": 1}, nil
		case truth == 1:
			return map[string]float64{"True": 1}, nil
		}
		return nil, fmt.Errorf("%d is neither 0 nor 1", truth)
	}
	err = json.Unmarshal(raw, &labels)
	return labels, err
}

// questionFile finds the file of a split.
func (m *Model) questionFile(name string) (string, error) {
	if strings.HasSuffix(name, ".json") {
		return name, nil
	}
	tasks := []string{"vqa", "gqa"}
	if m.Head().Images == 2 {
		tasks = []string{"nlvr2"}
	}
	var tried []string
	for _, regions := range m.Info().Spec.Regions {
		data := filepath.Dir(filepath.Dir(regions)) // data/mscoco_imgfeat/x.tsv
		for _, task := range tasks {
			path := filepath.Join(data, task, name+".json")
			if _, err := os.Stat(path); err == nil {
				return path, nil
			}
			if !slices.Contains(tried, path) {
				tried = append(tried, path)
			}
		}
	}
	if len(tried) == 0 {
		return "", fmt.Errorf("the model has no feature files to look for the questions %q beside; name a file that ends in .json", name)
	}
	return "", fmt.Errorf("there are no questions %q: tried %s; name a file that ends in .json", name, strings.Join(tried, ", "))
}
