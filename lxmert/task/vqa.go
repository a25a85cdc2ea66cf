package task

import (
	"fmt"
	"io"
	"strconv"
	"strings"

	"github.com/seed-516990b0/golxmert/lxmert/dataset"
	"github.com/seed-516990b0/golxmert/lxmert/lxrt"
	"github.com/seed-516990b0/golxmert/lxmert/train"
)

// vqa is visual question answering: one of 3,129 answers, with soft scores.
func vqa() spec {
	return spec{
		name: dataset.VQA, images: 1, hasQA: true, itersLine: "BertAdam Total Iters: %d\n",
		objective: func(*Options) train.Objective { return softAnswers(lxrt.SoftAnswerLoss) },
		label:     answerLabel(true),
		score:     answerScore,
		oracle:    answerOracle(true),
		dump: func(w io.Writer, set *dataset.Set, answers *dataset.Answers, classes []int) error {
			return writeList(w, len(classes), func(i int) ([2]string, error) {
				id := set.Examples[i].ID
				if _, err := strconv.ParseInt(id, 10, 64); err != nil {
					return [2]string{}, fmt.Errorf("task: question id %q is no number, which VQA's must be", id)
				}
				return [2]string{`"answer": ` + asciiJSON(answers.Answer(classes[i])), `"question_id": ` + id}, nil
			})
		},
		tests: func(o *Options) ([]test, error) {
			switch {
			case strings.Contains(o.Test, "test"):
				return []test{{splits: split(o.Test), file: "test_predict.json"}}, nil
			case isSplit(o.Test, "val", "valid", "minival", "nominival"):
				return []test{{splits: []string{"minival"}, file: "minival_predict.json", score: true}}, nil
			}
			// A split of one's own.
			return []test{{splits: split(o.Test), file: strings.ReplaceAll(o.Test, ",", "+") + "_predict.json", score: true}}, nil
		},
	}
}

// split cuts the value of a flag at its commas.
func split(names string) []string {
	var out []string
	for _, s := range strings.Split(names, ",") {
		if s = strings.TrimSpace(s); s != "" {
			out = append(out, s)
		}
	}
	return out
}

// isSplit reports whether the value of a flag is one of the given splits.
func isSplit(value string, splits ...string) bool {
	for _, s := range splits {
		if value == s {
			return true
		}
	}
	return false
}
