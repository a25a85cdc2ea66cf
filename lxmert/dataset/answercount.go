package dataset

import (
	"bufio"
	"context"
	"fmt"
	"io"
	"os"
	"strconv"

	"github.com/seed-516990b0/golxmert/internal/atomicfile"
)

// AnswerCount counts to how many questions each answer is the right one, for a table of those that are frequent. VQA's
// answers are counted as they are normalized ([Normalize]), GQA's as they are.
type AnswerCount struct {
	counts map[string]int
	order  []string // of first occurrence
	ids    idSet
	// Questions that have an answer.
	Questions int
}

// Add counts the answers of an official file: VQA's annotations, or its questions if they have answers in themselves, or
// GQA's questions.
func (c *AnswerCount) Add(ctx context.Context, r io.Reader, o Official) error {
	r = &interruptible{ctx, r}
	switch o.Layout {
	case VQAQuestions, VQAAnnotations:
		list := map[Layout]string{VQAQuestions: "questions", VQAAnnotations: "annotations"}[o.Layout]
		return eachVQA(r, o.File, list, func(_ *decoder, e *vqaEntry) error {
			if e.answered() {
				c.add(e.id, Normalize(e.right()))
			}
			return nil
		})
	case GQAQuestions:
		return eachGQA(r, o.File, func(_ *decoder, id string, _, _, answer *string) error {
			if answer != nil {
				c.add(id, *answer)
			}
			return nil
		})
	}
	return fmt.Errorf("%w: %s has %s, not answers in their authors' layout", ErrFormat, o.File, o.Layout)
}

func (c *AnswerCount) add(id, answer string) {
	if !c.ids.add(id) {
		return
	}
	if c.counts == nil {
		c.counts = map[string]int{}
	}
	if c.counts[answer] == 0 {
		c.order = append(c.order, answer)
	}
	c.counts[answer]++
	c.Questions++
}

// Distinct is how many answers there are.
func (c *AnswerCount) Distinct() int { return len(c.order) }

// Table lists the answers that are right for at least threshold questions, in the order in which they first occur, and
// says for how many questions one of them is the right one.
func (c *AnswerCount) Table(task *Task, threshold int) (a *Answers, covered int) {
	var list []string
	for _, answer := range c.order {
		if n := c.counts[answer]; n >= threshold {
			list = append(list, answer)
			covered += n
		}
	}
	return NewAnswers(task, list), covered
}

// Write writes the table's two files into a folder, as [LoadAnswers] reads them.
func (a *Answers) Write(dir string) error {
	lines := func(name string, open, closing string, line func(i int) string) error {
		return atomicfile.Replace(below(dir, name), func(_ *os.File, w *bufio.Writer) error {
			w.WriteString(open)
			for i := range a.list {
				if i > 0 {
					w.WriteByte(',')
				}
				w.WriteString("\n    " + line(i))
			}
			_, err := w.WriteString("\n" + closing)
			return err
		})
	}
	if err := lines(answerList, "[", "]", func(i int) string { return quoted(a.list[i]) }); err != nil {
		return err
	}
	return lines(answerNumbers, "{", "}", func(i int) string { return quoted(a.list[i]) + ": " + strconv.Itoa(i) })
}
