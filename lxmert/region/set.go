package region

import (
	"context"
	"fmt"
	"io"
	"iter"
	"math"
	"path/filepath"
	"slices"
	"strings"

	"github.com/seed-516990b0/golxmert/internal/excerpt"
)

// set is a file of arrays, of one image or of several.
type set struct {
	path   string
	closer io.Closer
	single bool // arrays have no axis of images

	ids                    []string
	last                   map[string]int // the last image of each id
	foreign                bool           // arrays have the names of other programs
	shares                 bool           // boxes are divided by the picture's size
	said                   []string       // how the file is read, where not as documented
	boxes                  int            // of an image, with padding
	dim                    int
	widths, heights, count []int // count: boxes without padding

	arrays [len(imageArrays)]*array // nil: not there
}

// imageArrays are the arrays with values for each box.
var imageArrays = [...]string{"features", "boxes", "objects_id", "objects_conf", "attrs_id", "attrs_conf", "soft_labels"}

// newSet checks that arrays fit together. ids are nil where the file does not say.
func newSet(path string, closer io.Closer, arrays map[string]*array, ids []string) (*set, error) {
	s := &set{path: path, closer: closer}
	if err := s.define(arrays, ids); err != nil {
		return nil, fmt.Errorf("%w: %s: %w", ErrFormat, path, err)
	}
	return s, nil
}

func (s *set) define(all map[string]*array, ids []string) error {
	arrays, err := s.translated(all)
	if err != nil {
		return err
	}
	features := arrays["features"]
	if features == nil {
		return missingArray("features", all)
	}
	shape := features.shape
	switch len(shape) {
	case 2:
		s.single = true
		shape = []int{1, shape[0], shape[1]}
	case 3:
	default:
		return fmt.Errorf("%s has shape %v, must be [boxes, features] or [images, boxes, features]", features.name, shape)
	}
	n := shape[0]
	s.boxes, s.dim = shape[1], shape[2]
	if n == 0 || s.boxes == 0 || s.dim == 0 {
		return fmt.Errorf("%s has shape %v, there is nothing in it", features.name, features.shape)
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
			return missingArray("boxes", all)
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
			*part.to = slices.Repeat([]int{s.boxes}, n)
		case s.shares && arrays["width"] == nil && arrays["height"] == nil:
			*part.to = slices.Repeat([]int{1}, n)
		default:
			err = missingArray(part.name, all)
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

// publishedClasses are those that detectors tell apart, the background first.
const publishedClasses = 1601

// shaped checks one of the imageArrays and returns it as [N,n,...]; nil if it is of no use.
func (s *set) shaped(a *array, n, which int) (*array, error) {
	given := a.shape
	want := []int{n, s.boxes}
	last := 0 // length of the last axis, where it is not fixed
	if len(given) > 0 {
		last = given[len(given)-1]
	}
	switch which {
	case 0:
		want = append(want, s.dim)
	case 1:
		want = append(want, 4)
		if s.shares {
			want[2] = min(max(last, 4), 7) // UNITER adds width and height, others the area
		}
	case 6:
		want = append(want, last)
		if last != publishedClasses {
			s.say(fmt.Sprintf("%s is not read: it has %d classes, and only the published %d are known, with the background first", a.name, last, publishedClasses))
			return nil, nil
		}
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
		return nil, fmt.Errorf("%s has shape %v, beside these features it must be %v%s", a.name, given, want, s.otherShape(which, given))
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

// otherShape says what may have been meant by boxes of another shape.
func (s *set) otherShape(which int, given []int) string {
	switch n := len(given); {
	case which != 1 || n < 2:
	case given[n-2] == s.dim && given[n-1] == 4:
		return "; if the features are [features, boxes], save them the other way round, features.T"
	case given[n-2] == s.boxes && given[n-1] > 4 && given[n-1] <= 7:
		return "; boxes with more numbers, such as the area, are often divided by the picture's size: if so call them norm_bb, else save boxes[:, :4]"
	}
	return ""
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
		id := strings.TrimSuffix(base, filepath.Ext(base))
		if s.foreign { // OpenVQA appends to the picture's file name
			id = withoutEnding(id)
		}
		ids = []string{id}
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
		case k == 2:
			r.ObjectIDs, err = classes(col.array, raw, n)
		case k == 4:
			r.AttrIDs, err = classes(col.array, raw, n)
		case k == 6 && r.ObjectIDs != nil: // said already
		case k == 6:
			r.ObjectIDs = mostProbable(col.numbers(raw, n, publishedClasses), n)
		default:
			*floats[k].to = col.numbers(raw, n, floats[k].width)
		}
		if err == nil && k == 1 && s.shares {
			err = s.toPixels(r, col)
		}
		if err != nil {
			return nil, fmt.Errorf("%w: %s: image %s: %w", ErrFormat, s.path, excerpt.Quote(r.ID), err)
		}
	}
	return r, nil
}

// numbers are the first width numbers of each of the first n boxes, [n,width].
func (c *column) numbers(raw []byte, n, width int) []float32 {
	out := make([]float32, n*width)
	boxes, each := c.shape[1], 1
	if len(c.shape) > 2 {
		each = c.shape[2]
	}
	if each == width && !c.columnwise {
		c.elem.floats(out, raw)
		return out
	}
	all := make([]float32, boxes*each)
	c.elem.floats(all, raw)
	for i := range n {
		for k := range width {
			at := i*each + k
			if c.columnwise {
				at = k*boxes + i
			}
			out[i*width+k] = all[at]
		}
	}
	return out
}

// shareSlack is how far shares may reach beyond 0 and 1, as float16 and rounding make them.
const shareSlack = 2e-3

// toPixels multiplies boxes that are shares of the picture's size by it.
func (s *set) toPixels(r *Regions, c *column) error {
	if each := c.shape[2]; each >= 6 && r.N > 0 { // UNITER's fifth and sixth number say what the first four are
		all := c.numbers(c.raw, r.N, each)
		for b := all; len(b) > 0; b = b[each:] {
			if w, h := b[2]-b[0], b[3]-b[1]; math.Abs(float64(w-b[4])) > 0.02 || math.Abs(float64(h-b[5])) > 0.02 {
				return fmt.Errorf("%s: the box %.3g is not x0, y0, x1, y1, width, height, as UNITER writes them", c.name, b[:6])
			}
		}
	}
	size := [2]float32{float32(r.Width), float32(r.Height)}
	for i, v := range r.Boxes {
		if !(v >= -shareSlack && v <= 1+shareSlack) {
			return fmt.Errorf("%s of box %d is %g, must be shares of the picture's size, from 0 to 1; call them boxes if they are pixels", c.name, i/4, v)
		}
		r.Boxes[i] = min(max(v, 0), 1) * size[i%2]
	}
	return nil
}

// mostProbable are the classes with the largest probabilities, without the background, which comes first.
func mostProbable(probabilities []float32, n int) []int32 {
	out := make([]int32, n)
	for i := range out {
		row := probabilities[i*publishedClasses+1 : (i+1)*publishedClasses]
		for k, p := range row {
			if p > row[out[i]] {
				out[i] = int32(k)
			}
		}
	}
	return out
}

// classes converts class numbers.
func classes(a *array, raw []byte, n int) ([]int32, error) {
	out := make([]int32, n)
	for i := range out {
		v := a.elem.int(raw, i)
		if int64(int32(v)) != v {
			return nil, fmt.Errorf("%s: %d of box %d is not a class", a.name, v, i)
		}
		out[i] = int32(v)
	}
	return out, nil
}
