package dataset

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
)

// anyTask reads the question files of every task: what an entry has says which it is of.
var anyTask = &Task{Name: "any"}

// anyFields must be there in every entry.
var anyFields = []string{"sent"}

// ReadQuestions reads the first n examples (0: all) of a question file of any task: an entry with img0 and img1 is a
// statement of NLVR2, one with img_id a question of VQA or GQA. Ids need not be there, as in files of one's own, and labels
// may be null. Errors are those of [ReadExamples].
func ReadQuestions(ctx context.Context, path string, n int) ([]Example, error) {
	f, err := os.Open(filepath.FromSlash(path))
	if err != nil {
		return nil, fmt.Errorf("dataset: %w", err)
	}
	defer f.Close()
	info, err := f.Stat()
	if err != nil {
		return nil, fmt.Errorf("dataset: %w", err)
	}
	if !info.Mode().IsRegular() {
		return nil, fmt.Errorf("dataset: %s is not a file", path)
	}
	q := newReader(anyTask)
	q.limit = n
	size := info.Size()
	if n > 0 {
		size = 0 // it says nothing about how many are to come
	}
	return q.readOpen(ctx, nil, f, size, path)
}

// anyField reads a value of an entry.
func (q *reader) anyField(d *decoder, e *Example, key []byte) error {
	statement := func() {
		if len(e.Images) != 2 {
			e.Images = make([]string, 2)
		}
	}
	switch string(key) {
	case "question_id":
		kind, err := d.kind()
		if err != nil {
			return err
		}
		if kind == "a string" {
			return readString(d, &q.id, "question_id")
		}
		return q.field(VQA, d, e, key)
	case "uid", "identifier":
		return q.field(NLVR2, d, e, key)
	case "img0", "img1":
		statement()
		return q.field(NLVR2, d, e, key)
	case "img_id":
		if len(e.Images) == 2 {
			return d.skip()
		}
		return q.field(VQA, d, e, key)
	case "label":
		switch kind, err := d.kind(); {
		case err != nil:
			return err
		case kind == "null":
			return d.skip()
		case kind == "a number":
			return q.field(NLVR2, d, e, key)
		}
	}
	return q.field(VQA, d, e, key)
}

// checkPictures says whether an entry has a sentence and what it is about.
func (q *reader) checkPictures(d *decoder, e *Example) error {
	if len(q.text) == 0 {
		return d.errorf("sent is empty")
	}
	for i, image := range e.Images {
		if image == "" {
			name := "img_id"
			if len(e.Images) == 2 {
				name = [2]string{"img0", "img1"}[i]
			}
			return d.errorf("%s is missing or empty", name)
		}
	}
	if len(e.Images) == 0 {
		return d.errorf("there is no picture: neither img_id nor NLVR2's img0 and img1")
	}
	return nil
}
