package dataset

import (
	"encoding/json"
	"fmt"

	"github.com/seed-516990b0/golxmert/internal/filekind"
	"github.com/seed-516990b0/golxmert/internal/smallfile"
)

// maxAnswerFile bounds a file of answers, in bytes; the published ones have less than a megabyte.
const maxAnswerFile = 64 << 20

// ReadAnswerNames reads the names of a head's classes, in their order: a JSON list of answers, such as VQA's
// trainval_label2ans.json, or of objects with the answer as "ans", such as pre-training's all_ans.json. Errors name the file.
func ReadAnswerNames(path string) ([]string, error) {
	names, _, err := readAnswerFile(path)
	return names, err
}

// ReadAnswerSets reads which data sets use each of the answers of a file as [ReadAnswerNames] takes it: "dsets" of pre-training's
// all_ans.json, such as "vqa" and "gqa". Nil: the file does not say.
func ReadAnswerSets(path string) ([][]string, error) {
	_, sets, err := readAnswerFile(path)
	return sets, err
}

// readAnswerFile reads names, and the data sets where the file has them.
func readAnswerFile(path string) (names []string, sets [][]string, err error) {
	text, err := smallfile.Read(path, maxAnswerFile, "a list of answers")
	if err != nil {
		return nil, nil, fmt.Errorf("answers: %w", err)
	}
	if text, err = filekind.JSONText(text); err != nil {
		return nil, nil, fmt.Errorf("%s: %w", path, err)
	}
	var plain []string
	if json.Unmarshal(text, &plain) == nil && plain != nil {
		return plain, nil, nil
	}
	var table []struct {
		Answer *string  `json:"ans"`
		Sets   []string `json:"dsets"`
	}
	if err := json.Unmarshal(text, &table); err != nil || table == nil {
		return nil, nil, fmt.Errorf("%s: neither a JSON list of answers (trainval_label2ans.json) nor one of objects with \"ans\" (all_ans.json)", path)
	}
	names = make([]string, len(table))
	for i, row := range table {
		if row.Answer == nil {
			return nil, nil, fmt.Errorf("%s: entry %d has no \"ans\"", path, i)
		}
		names[i] = *row.Answer
		if row.Sets != nil && sets == nil {
			sets = make([][]string, len(table))
		}
		if sets != nil {
			sets[i] = row.Sets
		}
	}
	return names, sets, nil
}
