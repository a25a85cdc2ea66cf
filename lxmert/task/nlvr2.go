package task

import (
	"fmt"
	"io"
	"strings"

	. "github.com/gomlx/gomlx/core/graph"

	"github.com/gomlx/compute/dtypes"

	"github.com/seed-516990b0/golxmert/lxmert/dataset"
	"github.com/seed-516990b0/golxmert/lxmert/lxrt"
	"github.com/seed-516990b0/golxmert/lxmert/train"
)

// nlvr2 is whether a statement is true of two pictures.
func nlvr2() spec {
	return spec{
		name: dataset.NLVR2, images: 2, itersLine: "Total Iters: %d\n",
		objective: func(*Options) train.Objective {
			return func(net *lxrt.Net, label func(string) *Node) (*Node, []*Node) {
				logits := net.Node("out.task")
				return lxrt.LabelLoss(logits, label(targetLabel)), []*Node{ArgMax(logits, -1, dtypes.Int32)}
			}
		},
		label: func(set *dataset.Set, _ *dataset.Answers, index []int) (train.Label, error) {
			data := make([]int32, len(index))
			for i, k := range index {
				data[i] = int32(set.Examples[k].Class)
			}
			return train.Label{Data: data, Shape: []int{len(index)}}, nil
		},
		score: func(e *dataset.Example, _ *dataset.Answers, class int) float64 {
			if e.Class == class {
				return 1
			}
			return 0
		},
		oracle: func(e *dataset.Example, _ *dataset.Answers) (int, error) { return max(0, e.Class), nil },
		dump: func(w io.Writer, set *dataset.Set, _ *dataset.Answers, classes []int) error {
			for i, c := range classes {
				if _, err := fmt.Fprintf(w, "%s,%s\n", set.Examples[i].Identifier, [2]string{"False", "True"}[c]); err != nil {
					return err
				}
			}
			return nil
		},
		tests: func(o *Options) ([]test, error) {
			if strings.Contains(o.Test, "hidden") {
				return []test{{splits: split(o.Test), file: "hidden_predict.csv"}}, nil
			}
			return []test{{splits: split(o.Test), file: o.Test + "_predict.csv", score: true}}, nil
		},
	}
}

// Consistency is NLVR2's second measure, as its official script computes it: statements that were written for the same
// pictures' parts form a group, a group counts if all of its statements are right.
func Consistency(set *dataset.Set, classes []int) (consistent, groups int) {
	wrong := map[string]bool{}
	for i, c := range classes {
		e := &set.Examples[i]
		parts := strings.Split(e.Identifier, "-")
		if len(parts) > 2 {
			parts[2] = ""
		}
		key := strings.Join(parts, "-")
		wrong[key] = wrong[key] || e.Class != c
	}
	for _, w := range wrong {
		if !w {
			consistent++
		}
	}
	return consistent, len(wrong)
}
