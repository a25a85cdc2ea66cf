package task

import (
	"io"
	"strings"

	"github.com/seed-516990b0/golxmert/lxmert/dataset"
	"github.com/seed-516990b0/golxmert/lxmert/lxrt"
	"github.com/seed-516990b0/golxmert/lxmert/train"
)

// gqa is compositional question answering: one of 1,842 answers, one of them right.
func gqa() spec {
	return spec{
		name: dataset.GQA, images: 1, hasQA: true, itersLine: "Total Iters: %d\n",
		objective: func(o *Options) train.Objective {
			if o.MCELoss {
				return softAnswers(lxrt.HardAnswerLoss)
			}
			return softAnswers(lxrt.SoftAnswerLoss)
		},
		label:  answerLabel(false),
		score:  answerScore,
		oracle: answerOracle(false),
		dump: func(w io.Writer, set *dataset.Set, answers *dataset.Answers, classes []int) error {
			return writeList(w, len(classes), func(i int) ([2]string, error) {
				return [2]string{`"prediction": ` + asciiJSON(answers.Answer(classes[i])), `"questionId": ` + asciiJSON(set.Examples[i].ID)}, nil
			})
		},
		tests: func(o *Options) ([]test, error) {
			var tests []test
			if strings.Contains(o.Test, "submit") {
				tests = append(tests, test{splits: split(o.Test), file: "submit_predict.json"})
			}
			if strings.Contains(o.Test, "testdev") {
				tests = append(tests, test{splits: []string{"testdev"}, file: "testdev_predict.json", score: true})
			}
			if tests == nil {
				tests = append(tests, test{splits: split(o.Test), file: strings.ReplaceAll(o.Test, ",", "+") + "_predict.json", score: true})
			}
			return tests, nil
		},
	}
}
