package toy

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"image"
	"io"
	"iter"
	"os"
	"path/filepath"
	"slices"
	"strings"
)

// Scenes goes through the pictures of a split of a task ("vqa", "gqa", "nlvr2"), in the order of its feature file. It
// stops after an error, which names file and line.
func (w *World) Scenes(task, split string) iter.Seq2[*Scene, error] {
	return lines(w, Split{Task: task, Name: split}, scenePath, (*Scene).check)
}

// Truths goes through the questions or statements of a split, in the order of its file. Those of VQA's test are in
// heldout. It stops after an error, which names file and line.
func (w *World) Truths(task, split string) iter.Seq2[*Truth, error] {
	return lines(w, Split{Task: task, Name: split}, truthPath, func(t *Truth) error {
		if t.ID == "" || t.Kind == "" {
			return errors.New("question_id or kind is missing")
		}
		return nil
	})
}

// Scene looks for a picture by its id in all splits.
func (w *World) Scene(ctx context.Context, id string) (*Scene, error) {
	quoted, err := json.Marshal(id)
	if err != nil {
		return nil, fmt.Errorf("toy: picture %q: %w", id, err)
	}
	start := append([]byte(`{"img_id":`), quoted...)
	for _, split := range w.Splits {
		for raw, err := range rawLines(w, scenePath(key(split.Task, split.Name))) {
			if err == nil {
				err = ctx.Err()
			}
			if err != nil {
				return nil, err
			}
			if !bytes.HasPrefix(raw.text, start) {
				continue
			}
			s := new(Scene)
			if err := raw.decode(s); err != nil {
				return nil, err
			}
			return s, raw.wrap(s.check())
		}
	}
	return nil, fmt.Errorf("toy: there is no picture %q in %s; the files in %s list the ids", id, w.Dir, filepath.Join(w.Dir, "scenes"))
}

// Picture draws a picture of any split. Those in the folder images look the same.
func (w *World) Picture(ctx context.Context, id string) (image.Image, error) {
	s, err := w.Scene(ctx, id)
	if err != nil {
		return nil, err
	}
	return Render(s), nil
}

// check says what cannot be in a scene.
func (s *Scene) check() error {
	if s.ID == "" || s.Width != Side || s.Height != Side {
		return fmt.Errorf("picture %q of %d x %d pixels, must have an id and %d x %d", s.ID, s.Width, s.Height, Side, Side)
	}
	seen := make([]bool, s.ROIs())
	roi := func(roi int, box [4]float32) error {
		if roi < 0 || roi >= len(seen) || seen[roi] {
			return fmt.Errorf("picture %s: RoI %d of %d, or there twice", s.ID, roi, len(seen))
		}
		seen[roi] = true
		if !(0 <= box[0] && box[0] < box[2] && box[2] <= Side && 0 <= box[1] && box[1] < box[3] && box[3] <= Side) {
			return fmt.Errorf("picture %s: RoI %d has the box %v, which is not in the picture", s.ID, roi, box)
		}
		return nil
	}
	for _, o := range s.Objects {
		if err := roi(o.ROI, o.Box); err != nil {
			return err
		}
	}
	for _, d := range s.Distractors {
		if err := roi(d.ROI, d.Box); err != nil {
			return err
		}
		if d.Of != nil && (*d.Of < 0 || *d.Of >= len(s.Objects)) {
			return fmt.Errorf("picture %s: a distractor shows object %d of %d", s.ID, *d.Of, len(s.Objects))
		}
	}
	return nil
}

// rawLine is a line of a file.
type rawLine struct {
	path   string
	number int // from 1
	text   []byte
}

func (l rawLine) decode(into any) error { return l.wrap(json.Unmarshal(l.text, into)) }

func (l rawLine) wrap(err error) error {
	if err != nil {
		err = fmt.Errorf("toy: %w: %s:%d: %w", ErrDamaged, l.path, l.number, err)
	}
	return err
}

// rawLines goes through a file's lines. Each is good until the next.
func rawLines(w *World, path string) iter.Seq2[rawLine, error] {
	return func(yield func(rawLine, error) bool) {
		full := filepath.Join(w.Dir, filepath.FromSlash(path))
		f, err := os.Open(full)
		if err != nil {
			yield(rawLine{}, fmt.Errorf("toy: %w", err))
			return
		}
		defer f.Close()
		r := bufio.NewReaderSize(f, 1<<16)
		for l := (rawLine{path: full, number: 1}); ; l.number++ {
			l.text, err = r.ReadSlice('\n')
			if err == io.EOF && len(l.text) == 0 {
				return
			}
			if err == nil || err == io.EOF {
				if !yield(l, nil) {
					return
				}
				continue
			}
			if err == bufio.ErrBufferFull {
				err = errors.New("the line is over 64 KB long")
			}
			yield(rawLine{}, l.wrap(err))
			return
		}
	}
}

// lines decodes and checks the lines of a split's file.
func lines[T any](w *World, split Split, path func(key string) string, check func(*T) error) iter.Seq2[*T, error] {
	return func(yield func(*T, error) bool) {
		known := func(s Split) bool { return s.Task == split.Task && s.Name == split.Name }
		if !slices.ContainsFunc(w.Splits, known) {
			yield(nil, fmt.Errorf("toy: %s has no split %q; the splits of %s are %s", split.Task, split.Name, w.Dir, w.names()))
			return
		}
		for raw, err := range rawLines(w, path(key(split.Task, split.Name))) {
			v := new(T)
			if err == nil {
				err = raw.decode(v)
			}
			if err == nil {
				err = raw.wrap(check(v))
			}
			if err != nil {
				yield(nil, err)
				return
			}
			if !yield(v, nil) {
				return
			}
		}
	}
}

// names lists the splits for error texts.
func (w *World) names() string {
	var names []string
	for _, s := range w.Splits {
		names = append(names, s.Task+" "+s.Name)
	}
	return strings.Join(names, ", ")
}
