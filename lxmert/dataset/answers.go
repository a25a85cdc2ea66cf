package dataset

import (
	"fmt"
	"os"
	"path/filepath"

	"github.com/seed-516990b0/golxmert/internal/excerpt"
)

// Answers is the table of the answers that a task's head chooses from: 3129 of VQA, 1842 of GQA.
type Answers struct {
	task   *Task
	list   []string
	labels map[string]int
}

// The two files of a table, the list and the numbers.
const (
	answerList    = "trainval_label2ans.json"
	answerNumbers = "trainval_ans2label.json"
)

// AnswerFiles are the names of a table's files in its folder.
var AnswerFiles = [...]string{answerList, answerNumbers}

// NewAnswers is the table of a list of answers, each once.
func NewAnswers(task *Task, list []string) *Answers {
	a := &Answers{task: task, list: list, labels: make(map[string]int, len(list))}
	for i, answer := range list {
		a.labels[answer] = i
	}
	return a
}

// LoadAnswers reads a task's answers from trainval_label2ans.json, the list, and trainval_ans2label.json, the numbers, in
// root/vqa or root/gqa. The two must agree. NLVR2 has no answers.
func LoadAnswers(root string, task *Task) (*Answers, error) {
	return ReadAnswers(below(root, task.Name), task)
}

// ReadAnswers is [LoadAnswers] for the folder of the two files.
func ReadAnswers(dir string, task *Task) (*Answers, error) {
	if err := task.Check(); err != nil {
		return nil, err
	}
	if !task.Truth.Table {
		return nil, fmt.Errorf("dataset: %s has no answer table: its %s are true or false", task, task.Noun)
	}
	a := &Answers{task: task, labels: map[string]int{}}
	listFile := below(dir, answerList)
	err := decodeFile(task, listFile, "answer", func(d *decoder) error {
		return d.list("the file", func(i int) error {
			d.item = i + 1
			s, err := d.string("the answer")
			a.list = append(a.list, string(s))
			return err
		})
	})
	if err != nil {
		return nil, err
	}
	numberFile := below(dir, answerNumbers)
	err = decodeFile(task, numberFile, "answer", func(d *decoder) error {
		return d.object("the file", func(key []byte) error {
			answer := string(key)
			v, err := d.float("the number of " + excerpt.Quote(answer))
			if err != nil {
				return err
			}
			if i := int(v); v != float64(i) || i < 0 || i >= len(a.list) || a.list[i] != answer {
				return d.errorf("%s has the number %g, where %s does not have it: the two files do not belong together", excerpt.Quote(answer), v, listFile)
			}
			a.labels[answer] = int(v)
			return nil
		})
	})
	if err != nil {
		return nil, err
	}
	for i, answer := range a.list {
		if at, ok := a.labels[answer]; !ok || at != i {
			return nil, fmt.Errorf("%w: %s: answer %s, number %d of %s, is not there with that number: the two files do not belong together",
				ErrFormat, numberFile, excerpt.Quote(answer), i, listFile)
		}
	}
	if len(a.list) == 0 {
		return nil, fmt.Errorf("%w: %s: there are no answers", ErrFormat, listFile)
	}
	return a, nil
}

// decodeFile reads a small file of a task.
func decodeFile(task *Task, path, noun string, read func(d *decoder) error) error {
	f, err := os.Open(filepath.FromSlash(path))
	if err != nil {
		return missing(err, task, path)
	}
	defer f.Close()
	d := newDecoder(f, path, noun)
	if err := read(d); err != nil {
		return err
	}
	return d.finish()
}

// Len is how many answers there are.
func (a *Answers) Len() int { return len(a.list) }

// Answer is the answer with a label from 0 to Len-1. VQA's 0 is the empty answer.
func (a *Answers) Answer(label int) string { return a.list[label] }

// Label is the label of an answer as the files write it.
func (a *Answers) Label(answer string) (label int, ok bool) {
	label, ok = a.labels[answer]
	return label, ok
}

// Target fills dst, [Len], with the scores of an example's answers, and zeros. An answer outside the table is an error if
// strict, as in VQA, and ignored if not, as in GQA.
func (a *Answers) Target(dst []float32, e *Example, strict bool) error {
	if len(dst) != len(a.list) {
		return fmt.Errorf("dataset: a target of %d for %d answers", len(dst), len(a.list))
	}
	clear(dst)
	for _, l := range e.Labels {
		i, ok := a.labels[l.Answer]
		if ok {
			dst[i] = float32(l.Score)
		} else if strict {
			return fmt.Errorf("dataset: question %s: its answer %s is not one of the %d in the answer table of %s", e.ID, excerpt.Quote(l.Answer), len(a.list), a.task)
		}
	}
	return nil
}

// Outside counts the examples with an answer that is not in the table, and names the first such answer. Such an example
// can never be predicted fully right.
func (a *Answers) Outside(examples []Example) (n int, first string) {
	for i := range examples {
		for _, l := range examples[i].Labels {
			if _, ok := a.labels[l.Answer]; ok {
				continue
			}
			if n == 0 {
				first = l.Answer
			}
			n++
			break
		}
	}
	return n, first
}
