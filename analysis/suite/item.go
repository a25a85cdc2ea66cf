package suite

import (
	"bufio"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"iter"
	"path"
	"strings"

	"github.com/seed-516990b0/golxmert/internal/excerpt"
)

// Item is some sentences and pictures, and which belong together.
type Item struct {
	ID        string   `json:"id,omitempty"`
	Group     string   `json:"group,omitempty"`
	Images    []string `json:"images"`
	Sentences []string `json:"sentences"`
	// Right says of each sentence which pictures it belongs to: 1 or 0, [sentences][images].
	Right [][]int `json:"right,omitempty"`
	// Mask is a word of the first sentence that is hidden and guessed; "" where sentences and pictures are matched.
	Mask string `json:"mask,omitempty"`
}

// ErrItem is wrapped by errors about an item or the file that it is in.
var ErrItem = errors.New("not an item of a suite")

// Check says what is wrong with an item, and fills in what may be left out.
func (x *Item) Check() error {
	switch {
	case len(x.Images) == 0 || len(x.Sentences) == 0:
		return fmt.Errorf("%w: it has %d images and %d sentences, and needs one of each", ErrItem, len(x.Images), len(x.Sentences))
	case x.Right == nil && len(x.Images) > 1 && len(x.Images) != len(x.Sentences):
		return fmt.Errorf("%w: nothing says which of %d sentences belongs to which of %d images", ErrItem, len(x.Sentences), len(x.Images))
	case x.Right != nil && len(x.Right) != len(x.Sentences):
		return fmt.Errorf("%w: right has %d rows for %d sentences", ErrItem, len(x.Right), len(x.Sentences))
	}
	for _, s := range x.Sentences {
		if strings.TrimSpace(s) == "" {
			return fmt.Errorf("%w: a sentence is empty", ErrItem)
		}
	}
	for i := range x.Images {
		if x.Images[i] = pictureID(x.Images[i]); x.Images[i] == "" {
			return fmt.Errorf("%w: an image has no name", ErrItem)
		}
	}
	if x.Right == nil {
		for s := range x.Sentences {
			row := make([]int, len(x.Images))
			if s < len(row) {
				row[s] = 1
			}
			x.Right = append(x.Right, row)
		}
	}
	for s, row := range x.Right {
		if len(row) != len(x.Images) {
			return fmt.Errorf("%w: right has %d entries for %d images in row %d", ErrItem, len(row), len(x.Images), s)
		}
		for _, r := range row {
			if r != 0 && r != 1 {
				return fmt.Errorf("%w: right has an entry %d, must be 0 or 1", ErrItem, r)
			}
		}
	}
	return nil
}

// pictureID is the id of a picture file: without folders and suffix. "val2014/17" is an id already.
func pictureID(name string) string {
	for _, suffix := range []string{".jpg", ".jpeg", ".png", ".JPG", ".JPEG", ".PNG"} {
		if bare, ok := strings.CutSuffix(name, suffix); ok {
			return strings.TrimPrefix(path.Base(strings.ReplaceAll(bare, `\`, "/")), ".")
		}
	}
	return name
}

// lines reads JSON lines.
func lines[T any](r io.Reader, item func(n int, x T) (Item, bool)) iter.Seq2[Item, error] {
	return func(yield func(Item, error) bool) {
		in := bufio.NewReader(r)
		for n := 1; ; n++ {
			text, err := in.ReadString('\n')
			if strings.TrimSpace(text) != "" {
				var x T
				if err := json.Unmarshal([]byte(text), &x); err != nil {
					yield(Item{}, fmt.Errorf("%w: line %d is not as expected: %w: %s", ErrItem, n, reason(err), excerpt.Cut(strings.TrimSpace(text), 60)))
					return
				}
				if !give(yield, n, "line", x, item) {
					return
				}
			}
			if err == io.EOF {
				return
			}
			if err != nil {
				yield(Item{}, err)
				return
			}
		}
	}
}

// reason is what is wrong with a text that is JSON of another form, without this program's names of types.
func reason(err error) error {
	var other *json.UnmarshalTypeError
	switch {
	case !errors.As(err, &other):
		return err
	case other.Field == "":
		return fmt.Errorf("it is a %s", other.Value)
	}
	return fmt.Errorf("%s is a %s", other.Field, other.Value)
}

// give hands on an item; ok is false if it is one that the suite leaves out.
func give[T any](yield func(Item, error) bool, n int, unit string, x T, item func(n int, x T) (Item, bool)) (more bool) {
	made, ok := item(n, x)
	if !ok {
		return true
	}
	if made.ID == "" {
		made.ID = fmt.Sprint(n)
	}
	if err := made.Check(); err != nil {
		yield(Item{}, fmt.Errorf("%s %d: %w", unit, n, err))
		return false
	}
	return yield(made, nil)
}

// list reads a JSON list, one entry after the other.
func list[T any](r io.Reader, item func(n int, x T) (Item, bool)) iter.Seq2[Item, error] {
	return func(yield func(Item, error) bool) {
		d := json.NewDecoder(r)
		if t, err := d.Token(); err != nil || t != json.Delim('[') {
			yield(Item{}, fmt.Errorf("%w: the file must be a JSON list", ErrItem))
			return
		}
		for n := 1; d.More(); n++ {
			var x T
			if err := d.Decode(&x); err != nil {
				yield(Item{}, fmt.Errorf("%w: entry %d is not as expected: %w", ErrItem, n, reason(err)))
				return
			}
			if !give(yield, n, "entry", x, item) {
				return
			}
		}
		if _, err := d.Token(); err != nil {
			yield(Item{}, fmt.Errorf("%w: the list does not end: %w", ErrItem, err))
		}
	}
}

// object reads a JSON object whose values are items, in the file's order.
func object[T any](r io.Reader, item func(key string, x T) (Item, bool)) iter.Seq2[Item, error] {
	return func(yield func(Item, error) bool) {
		d := json.NewDecoder(r)
		if t, err := d.Token(); err != nil || t != json.Delim('{') {
			yield(Item{}, fmt.Errorf("%w: the file must be a JSON object", ErrItem))
			return
		}
		for n := 1; d.More(); n++ {
			key, err := d.Token()
			var x T
			if err == nil {
				err = d.Decode(&x)
			}
			name, ok := key.(string)
			if err != nil || !ok {
				yield(Item{}, fmt.Errorf("%w: entry %d is not as expected: %w", ErrItem, n, reason(err)))
				return
			}
			if !give(yield, n, "entry", x, func(_ int, x T) (Item, bool) { return item(name, x) }) {
				return
			}
		}
		if _, err := d.Token(); err != nil {
			yield(Item{}, fmt.Errorf("%w: the object does not end: %w", ErrItem, err))
		}
	}
}
