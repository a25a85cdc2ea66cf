package region

import (
	"context"
	"fmt"
	"io"
	"iter"
	"path/filepath"
	"slices"
	"strings"
)

// set is a file of arrays, of one image or of several.
type set struct {
	path   string
	closer io.Closer
	single bool // arrays have no axis of images

	ids                    []string
	last                   map[string]int // the last image of each id
	boxes                  int            // of an image, with padding
	dim                    int
	widths, heights, count []int // count: boxes without padding

	arrays [len(imageArrays)]*array // nil: not there
}

// imageArrays are the arrays with values for each box.
var imageArrays = [...]string{"features", "boxes", "objects_id", "objects_conf", "attrs_id", "attrs_conf"}

// newSet checks that arrays fit together. ids are nil where the file does not say.
func newSet(path string, closer io.Closer, arrays map[string]*array, ids []string) (*set, error) {
	s := &set{path: path, closer: closer}
	if err := s.define(arrays, ids); err != nil {
		return nil, fmt.Errorf("%w: %s: %w", ErrFormat, path, err)
	}
	return s, nil
}

func (s *set) define(arrays map[string]*array, ids []string) error {
	features := arrays["features"]
	if features == nil {
		return fmt.Errorf("there is no array features; it has %s", listed(arrays))
	}
	shape := features.shape
	switch len(shape) {
	case 2:
		s.single = true
		shape = []int{1, shape[0], shape[1]}
	case 3:
	default:
		return fmt.Errorf("features has shape %v, must be [boxes, features] or [images, boxes, features]", shape)
	}
	n := shape[0]
	s.boxes, s.dim = shape[1], shape[2]
	if n == 0 || s.boxes == 0 || s.dim == 0 {
		return fmt.Errorf("features has shape %v, there is nothing in it", features.shape)
	}
	if err := s.name(arrays["ids"], ids, n); err != nil { // first: it bounds the number of images by what is in the file
		return err
	}
	for i, name := range imageArrays {
		a, err := s.find(arrays, name)
		if err != nil {
			return err
		}
		if a != nil {
			if a, err = s.shaped(a, n, i); err != nil {
				return err
			}
		} else if name == "boxes" {
			return fmt.Errorf("there is no array boxes; it has %s", listed(arrays))
		}
		s.arrays[i] = a
	}
	for _, part := range []struct {
		name  string
		to    *[]int
		limit int
	}{{"width", &s.widths, maxPixels}, {"height", &s.heights, maxPixels}, {"num_boxes", &s.count, s.boxes}} {
		a := arrays[part.name]
		var err error
		switch {
		case a != nil:
			*part.to, err = a.integers(n, part.limit)
		case part.name == "num_boxes":
			*part.to = make([]int, n)
			for i := range s.count {
				s.count[i] = s.boxes
			}
		default:
			err = fmt.Errorf("there is no %s of the pictures, in pixels; it has %s", part.name, listed(arrays))
		}
		if err != nil {
			return err
		}
	}
	return nil
}

// find looks for an array, also by the short names objects and attrs.
func (s *set) find(arrays map[string]*array, name string) (*array, error) {
	a := arrays[name]
	long, kind, _ := strings.Cut(name, "_")
	short := arrays[long]
	if kind == "" || short == nil || (kind == "id") != short.elem.isInt() {
		return a, nil
	}
	if a != nil {
		return nil, fmt.Errorf("%s and %s mean the same", long, name)
	}
	return short, nil
}

// shaped checks one of the imageArrays and returns it as [N,n,...].
func (s *set) shaped(a *array, n, which int) (*array, error) {
	given := a.shape
	want := []int{n, s.boxes}
	switch which {
	case 0:
		want = append(want, s.dim)
	case 1:
		want = append(want, 4)
	}
	if s.single { // a first axis of one image, as in a set
		one := *a
		one.shape = append([]int{1}, a.shape...)
		a = &one
	}
	if !slices.Equal(a.shape, want) {
		if s.single {
			want = want[1:]
		}
		return nil, fmt.Errorf("%s has shape %v, beside these features it must be %v", a.name, given, want)
	}
	if strings.HasSuffix(imageArrays[which], "_id") {
		if !a.elem.isInt() {
			return nil, fmt.Errorf("%s has type %s, must be integers", a.name, a.elem)
		}
	} else if !a.elem.isFloat() && (which != 1 || !a.elem.isInt()) {
		return nil, fmt.Errorf("%s has type %s, must be floating-point numbers", a.name, a.elem)
	}
	return a, nil
}

// name finds the ids: an array, given ones, or for an image alone its file's name.
func (s *set) name(a *array, ids []string, n int) (err error) {
	switch {
	case a != nil && ids == nil:
		if ids, err = a.strings(n); err != nil {
			return err
		}
	case ids == nil && s.single:
		base := filepath.Base(s.path)
		ids = []string{strings.TrimSuffix(base, filepath.Ext(base))}
	case ids == nil:
		return fmt.Errorf("a set of %d images needs their ids: an array of strings in a .npz, metadata \"ids\" (a JSON list) in a .safetensors file", n)
	}
	if len(ids) != n {
		return fmt.Errorf("%d ids for %d images", len(ids), n)
	}
	s.ids, s.last = ids, map[string]int{}
	for i, id := range ids {
		if id == "" || len(id) > maxID {
			return fmt.Errorf("the id of image %d has %d bytes, must have 1 to %d", i, len(id), maxID)
		}
		s.last[id] = i
	}
	return nil
}

func (s *set) Close() error { return s.closer.Close() }

func (s *set) IDs(context.Context) ([]string, error) {
	var ids []string
	seen := map[string]bool{}
	for _, id := range s.ids {
		if !seen[id] {
			seen[id] = true
			ids = append(ids, id)
		}
	}
	return ids, nil
}

func (s *set) Find(ctx context.Context, id string) (*Regions, error) {
	i, ok := s.last[id]
	if !ok {
		return nil, notFound(s.path, id, s.ids)
	}
	columns := s.columns()
	defer columns.close()
	return columns.image(ctx, i)
}

func (s *set) All(ctx context.Context) iter.Seq2[*Regions, error] {
	return func(yield func(*Regions, error) bool) {
		columns := s.columns()
		defer columns.close()
		for i := range s.ids {
			r, err := columns.image(ctx, i)
			if !yield(r, err) || err != nil {
				return
			}
		}
	}
}

// setColumns reads the arrays of a set side by side.
type setColumns struct {
	set     *set
	columns [len(imageArrays)]column
}

func (s *set) columns() *setColumns {
	c := &setColumns{set: s}
	for i, a := range s.arrays {
		c.columns[i].array = a
	}
	return c
}

func (c *setColumns) close() {
	for i := range c.columns {
		c.columns[i].close()
	}
}

// image reads one image.
func (c *setColumns) image(ctx context.Context, i int) (*Regions, error) {
	s := c.set
	n := s.count[i]
	r := &Regions{ID: s.ids[i], Width: s.widths[i], Height: s.heights[i], Source: s.path, N: n, Dim: s.dim}
	floats := [...]struct {
		to    *[]float32
		width int
	}{0: {&r.Features, s.dim}, 1: {&r.Boxes, 4}, 3: {&r.ObjectConf, 1}, 5: {&r.AttrConf, 1}}
	for k := range c.columns {
		if err := ctx.Err(); err != nil {
			return nil, err
		}
		col := &c.columns[k]
		if col.array == nil {
			continue
		}
		raw, err := col.row(i)
		switch {
		case err != nil:
			return nil, fmt.Errorf("%w: %s: image %s: %w", ErrFormat, s.path, shown(r.ID), err)
		case k == 2:
			r.ObjectIDs, err = classes(col.array, raw, n)
		case k == 4:
			r.AttrIDs, err = classes(col.array, raw, n)
		default:
			*floats[k].to = make([]float32, n*floats[k].width)
			col.elem.floats(*floats[k].to, raw)
		}
		if err != nil {
			return nil, fmt.Errorf("%w: %s: image %s: %w", ErrFormat, s.path, shown(r.ID), err)
		}
	}
	return r, nil
}

// classes converts class numbers.
func classes(a *array, raw []byte, n int) ([]int32, error) {
	out := make([]int32, n)
	for i := range out {
		v := a.elem.int(raw, i)
		if int64(int32(v)) != v {
			return nil, fmt.Errorf("%s: %d of box %d is no class", a.name, v, i)
		}
		out[i] = int32(v)
	}
	return out, nil
}
