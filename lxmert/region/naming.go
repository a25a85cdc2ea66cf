package region

import (
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/seed-516990b0/golxmert/internal/excerpt"
)

// What other programs call the arrays of a file, beside the names that doc.go gives: OpenVQA (MCAN) and
// bottom-up-attention.pytorch write x, bbox in pixels, num_bbox, image_h and image_w; UNITER writes norm_bb, which are
// shares of the picture's size, conf and soft_labels.

// namings are the names that an array goes by: of those in a file the first counts.
var namings = map[string][]string{
	"features": {"features", "x"}, "boxes": {"boxes", "bbox", "norm_bb"},
	"width": {"width", "image_w"}, "height": {"height", "image_h"}, "num_boxes": {"num_boxes", "num_bbox"},
	"objects_id": {"objects_id"}, "objects_conf": {"objects_conf"}, "attrs_id": {"attrs_id"}, "attrs_conf": {"attrs_conf"},
	"objects": {"objects"}, "attrs": {"attrs"}, "ids": {"ids"},
}

// besideShares are the names of UNITER's that mean anything at all elsewhere.
var besideShares = map[string]string{"objects_conf": "conf", "soft_labels": "soft_labels"}

// chosen says which of a file's arrays are read, by the names that they have here.
func chosen(has func(name string) bool) map[string]string {
	theirs := map[string]string{}
	for ours, names := range namings {
		if i := slices.IndexFunc(names, has); i >= 0 {
			theirs[ours] = names[i]
		}
	}
	if theirs["boxes"] == "norm_bb" {
		for ours, name := range besideShares {
			if theirs[ours] == "" && has(name) {
				theirs[ours] = name
			}
		}
	}
	return theirs
}

// translated are the arrays that are read, by the names that they have here. It notes whose names they have.
func (s *set) translated(arrays map[string]*array) (map[string]*array, error) {
	ours := map[string]*array{}
	for name, theirs := range chosen(func(name string) bool { return arrays[name] != nil }) {
		ours[name] = arrays[theirs]
	}
	features, boxes := ours["features"], ours["boxes"]
	if features == nil || boxes == nil {
		return ours, nil
	}
	s.shares = boxes.name == "norm_bb"
	if s.foreign = s.shares || features.name == "x" || boxes.name == "bbox"; !s.foreign {
		return ours, nil
	}
	if features.name == "x" {
		turned, err := oriented(features, boxes)
		if err != nil {
			return nil, err
		}
		if turned != nil {
			ours["features"] = turned
			s.say("x is [features, boxes], as OpenVQA writes it")
		}
	}
	if s.shares {
		switch {
		case ours["width"] == nil && ours["height"] == nil:
			s.say("norm_bb are shares of a picture whose size the file does not say")
		default:
			s.say("norm_bb are shares of the picture's size")
		}
	}
	if arrays["info"] != nil {
		s.say("info, a Python object, is not read: there are no labels")
	}
	return ours, nil
}

// say notes how the file is read.
func (s *set) say(text string) { s.said = append(s.said, text) }

// notes implement what [Examine] asks for.
func (s *set) notes() []string { return s.said }

// oriented finds out which axis of x are the boxes, by the number of these, and returns it the other way round where they
// are the last one; nil where they are not.
func oriented(x, boxes *array) (*array, error) {
	n := len(x.shape)
	if n < 2 || n != len(boxes.shape) {
		return nil, nil // for others to say
	}
	rows, columns, count := x.shape[n-2], x.shape[n-1], boxes.shape[n-2]
	switch {
	case rows == columns && rows == count:
		return nil, fmt.Errorf("x has shape %v beside %d boxes: either axis may be the boxes; save it as features, [boxes, features]", x.shape, count)
	case rows != count && columns == count:
		return x.turned(), nil
	}
	return nil, nil
}

// turned exchanges the last two axes.
func (a *array) turned() *array {
	t := *a
	n := len(a.shape)
	t.shape = slices.Clone(a.shape)
	t.shape[n-2], t.shape[n-1] = a.shape[n-1], a.shape[n-2]
	t.columnwise = !a.columnwise
	return &t
}

// missingArray is the error about an array without which there are no regions. It says what would do.
func missingArray(name string, arrays map[string]*array) error {
	what := "there is no array " + name
	if name == "width" || name == "height" {
		what = fmt.Sprintf("there is no %s of the pictures, in pixels", name)
	}
	return fmt.Errorf("%s; it has %s; needed are features [n,F], boxes [n,4] in pixels, width and height, or what OpenVQA (x, bbox, image_w, image_h) and UNITER (features, norm_bb) write",
		what, listed(slices.Collect(maps.Keys(arrays))))
}

// listed names what arrays a file has.
func listed(names []string) string {
	if len(names) == 0 {
		return "none"
	}
	slices.Sort(names)
	more := ""
	if len(names) > 12 {
		names, more = names[:12], ", …"
	}
	var quoted []string
	for _, name := range names {
		quoted = append(quoted, excerpt.Quote(name))
	}
	return strings.Join(quoted, ", ") + more
}
