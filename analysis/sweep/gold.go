package sweep

import (
	"bufio"
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"slices"

	"github.com/seed-516990b0/golxmert/lxmert"
)

// Gold says of questions, by their ids, which regions show what they are about. Questions that it does not have, or has no
// region of, do not count.
type Gold map[string]Shown

// Shown is what a question is about: regions by their numbers, or boxes that somebody drew. A region shows a box if the
// two have at least half of their joint area in common.
type Shown struct {
	ID       string       `json:"question_id"`
	ROIs     []int        `json:"rois"`            // in the (first) picture
	Right    []int        `json:"rois1,omitempty"` // in the second one, if there are two
	Boxes    [][4]float64 `json:"boxes,omitempty"` // x0 y0 x1 y1, 0 to 1, in the (first) picture
	BoxRight [][4]float64 `json:"boxes1,omitempty"`
}

// maxLine bounds the line of one question.
const maxLine = 1 << 20

// ReadGold reads JSON lines of [Shown], as the toy world writes them; file is what errors call it.
func ReadGold(r io.Reader, file string) (Gold, error) {
	gold := Gold{}
	err := eachLine(r, file, `{"question_id": "12", "rois": [3, 7]}`, func(line []byte) error {
		var s Shown
		if err := json.Unmarshal(line, &s); err != nil {
			return err
		}
		if s.ID == "" {
			return errors.New("there is no question_id")
		}
		gold[s.ID] = s
		return nil
	})
	if err != nil {
		return nil, err
	}
	return gold, nil
}

// eachLine goes through the lines of a file about questions, without empty ones. file is what errors call it, and like a line that
// they show.
func eachLine(r io.Reader, file, like string, read func(line []byte) error) error {
	lines := bufio.NewScanner(r)
	lines.Buffer(nil, maxLine)
	n := 0
	for lines.Scan() {
		n++
		line := lines.Bytes()
		if n == 1 {
			line = bytes.TrimPrefix(line, []byte("\ufeff")) // the byte-order mark that some editors write
		}
		if len(line) == 0 {
			continue
		}
		if err := read(line); err != nil {
			return fmt.Errorf("%s:%d: %w; a line is like %s", file, n, err, like)
		}
	}
	if err := lines.Err(); err != nil {
		if errors.Is(err, bufio.ErrTooLong) {
			err = fmt.Errorf("the line is longer than %d MB", maxLine>>20)
		}
		return fmt.Errorf("%s:%d: %w", file, n+1, err)
	}
	return nil
}

// regions are those of a row's picture that show what the question is about, ascending.
func (g Gold) regions(id string, second bool, b *lxmert.Batch, row int) []int {
	s, ok := g[id]
	if !ok {
		return nil
	}
	list, boxes := s.ROIs, s.Boxes
	if second {
		list, boxes = s.Right, s.BoxRight
	}
	var found []int
	for v := range b.V() {
		box := b.Boxes.Row(row).Row(v).Data
		if slices.Contains(list, v) || slices.ContainsFunc(boxes, func(gold [4]float64) bool { return overlap(gold, box) >= 0.5 }) {
			found = append(found, v)
		}
	}
	return found
}

// overlap is the intersection of two boxes over their union.
func overlap(a [4]float64, b []float32) float64 {
	if len(b) < 4 {
		return 0
	}
	c := [4]float64{float64(b[0]), float64(b[1]), float64(b[2]), float64(b[3])}
	w, h := min(a[2], c[2])-max(a[0], c[0]), min(a[3], c[3])-max(a[1], c[1])
	if w <= 0 || h <= 0 {
		return 0
	}
	area := func(b [4]float64) float64 { return (b[2] - b[0]) * (b[3] - b[1]) }
	return w * h / (area(a) + area(c) - w*h)
}
