package dataset

import (
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"

	"github.com/seed-516990b0/golxmert/internal/shell"
)

// Layout is a way in which a data set's authors lay out their questions.
type Layout string

// Layouts of question files, in words for messages. Data of one's own may have them, too.
const (
	LXMERTLayout   Layout = "questions as LXMERT reads them"
	PretrainLayout Layout = "sentences of LXMERT's pre-training"
	VQAQuestions   Layout = "VQA's official questions"
	VQAAnnotations Layout = "VQA's official annotations"
	GQAQuestions   Layout = "GQA's official questions"
	NLVR2Lines     Layout = "NLVR2's official statements"
)

// Task is the known task whose files a layout's become; nil if none.
func (l Layout) Task() *Task {
	for _, t := range Tasks() {
		if slices.Contains(t.Layouts, l) {
			return t
		}
	}
	return nil
}

// Official is a file in the layout of a data set's authors.
type Official struct {
	File   string
	Layout Layout
	// Images is the set of COCO pictures that a file of VQA's questions says it is about, such as "train2014"; else "".
	Images string
}

// Not is the end of an error about the file where questions of a task are wanted as LXMERT has them: what the file has, and
// which command converts it.
func (o Official) Not(t *Task) string {
	switch {
	case o.Layout.Task() == nil && t == anyTask:
		return fmt.Sprintf("%s, not %s", o.Layout, LXMERTLayout)
	case o.Layout.Task() != t && t != anyTask:
		return fmt.Sprintf("%s, not questions of %s", o.Layout, t.Title)
	}
	sources := []string{o.File}
	note := ""
	switch o.Layout {
	case VQAQuestions:
		sources, note = append(sources, "ANNOTATIONS.json"), "; test sets have no annotations"
	case VQAAnnotations:
		sources = []string{"QUESTIONS.json", o.File}
	}
	line := shell.Line(append(append([]string{"lxmert", "questions"}, sources...), "--out", o.File))
	return fmt.Sprintf("%s, not %s: `%s` converts it, and keeps what it is beside it%s", o.Layout, LXMERTLayout, line, note)
}

// errSeen ends the reading of a file whose layout is clear.
var errSeen = errors.New("seen")

// Inspect tells the layout of a question file by the names of its first values; file is what errors call it. An error
// wraps [ErrFormat] if the file is not a JSON, or in none of the layouts that are known.
func Inspect(r io.Reader, file string) (Official, error) {
	in := inspector{o: Official{File: file}, d: newDecoder(r, file, "entry")}
	err := in.top()
	switch {
	case in.o.Layout != "": // what is wrong after that is for its reader to find
	case err != nil && !errors.Is(err, errSeen):
		return in.o, err
	default:
		return in.o, fmt.Errorf("%w: %s: in no layout that is known: questions of VQA, GQA or NLVR2 as their authors publish them, or as LXMERT does", ErrFormat, file)
	}
	return in.o, nil
}

// InspectFile is [Inspect] for a file by its name.
func InspectFile(path string) (Official, error) {
	f, err := os.Open(filepath.FromSlash(path))
	if err != nil {
		return Official{File: path}, fmt.Errorf("dataset: %w", err)
	}
	defer f.Close()
	return Inspect(f, path)
}

type inspector struct {
	o    Official
	d    *decoder
	coco bool // the file says that its pictures are COCO's
	set  string
}

func (in *inspector) top() error {
	kind, err := in.d.kind()
	if err != nil {
		return err
	}
	if kind == "a list" {
		empty := true
		err := in.d.list("the file", func(int) error {
			empty = false
			if in.o.Layout, err = in.entry(); err != nil {
				return err
			}
			return errSeen
		})
		if err == nil && empty {
			in.o.Layout = LXMERTLayout
		}
		return err
	}
	identifier, sentence := false, false
	err = in.d.object("the file", func(key []byte) error {
		name := string(key)
		kind, err := in.d.kind()
		if err != nil {
			return err
		}
		switch {
		case kind == "a list" && name == "questions" && in.o.Layout == "":
			in.o.Layout = VQAQuestions
			return in.d.skip()
		case kind == "a list" && name == "annotations":
			return in.d.list(name, func(int) error {
				layout, err := in.entry()
				if err != nil {
					return err
				}
				if layout == VQAQuestions { // its entries have questions and answers
					layout = VQAAnnotations
				}
				in.o.Layout = layout
				return errSeen
			})
		case kind == "a string":
			text, err := in.d.string(name)
			switch name {
			case "data_type":
				in.coco = string(text) == "mscoco"
			case "data_subtype":
				in.set = string(text)
			case "identifier":
				identifier = true
			case "sentence":
				sentence = true
			}
			return err
		case kind == "an object" && in.o.Layout == "":
			found := [2]bool{}
			err := in.d.object(name, func(key []byte) error {
				switch string(key) {
				case "imageId":
					found[0] = true
				case "question":
					found[1] = true
				}
				return in.d.skip()
			})
			if err == nil && found[0] && found[1] {
				in.o.Layout = GQAQuestions
				return errSeen
			}
			return err
		}
		return in.d.skip()
	})
	if identifier && sentence && in.o.Layout == "" {
		in.o.Layout = NLVR2Lines
	}
	if in.coco && in.o.Layout == VQAQuestions {
		in.o.Images = in.set
	}
	return err
}

// entry tells the layout of a list by one of its entries.
func (in *inspector) entry() (Layout, error) {
	if kind, err := in.d.kind(); err != nil || kind != "an object" {
		return "", err
	}
	has := map[string]bool{}
	err := in.d.object("the entry", func(key []byte) error {
		if len(has) < 100 {
			has[string(key)] = true
		}
		return in.d.skip()
	})
	switch {
	case err != nil:
		return "", err
	case has["sent"]:
		return LXMERTLayout, nil
	case has["sentf"]:
		return PretrainLayout, nil
	case has["question_id"] && has["question"] && has["image_id"]:
		return VQAQuestions, nil
	case has["question_id"] && (has["answers"] || has["multiple_choice_answer"]):
		return VQAAnnotations, nil
	}
	return "", nil
}
