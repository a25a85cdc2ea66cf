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
	text, err := smallfile.Read(path, maxAnswerFile, "a list of answers")
	if err != nil {
		return nil, fmt.Errorf("answers: %w", err)
	}
	if text, err = filekind.JSONText(text); err != nil {
		return nil, fmt.Errorf("%s: %w", path, err)
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
	names := make([]string, len(table))
	for i, row := range table {
		if row.Answer == nil {
			return nil, fmt.Errorf("%s: entry %d has no \"ans\"", path, i)
		}
		names[i] = *row.Answer
	}
	return names, nil
}
