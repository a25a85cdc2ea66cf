package dataset

import (
	"context"
	"fmt"
	"io"
	"strings"

	"github.com/seed-516990b0/golxmert/internal/excerpt"
)

// Converter makes a question file that [Load] reads of files that the authors of VQA, GQA and NLVR2 publish, or of one's
// own data in these layouts: a list of entries, in the order of the official files, written as Python's json writes it with
// indent=4 and sort_keys=True. Fields may be set before the first call of Add.
type Converter struct {
	// Answers is the answer table. VQA's labels are its answers, and need one where there are annotations; of GQA's
	// questions those are counted whose answer is not in it. Nil: none.
	Answers *Answers
	// Annotations are the answers to VQA's questions. Nil: the questions' own, where they have some, else none.
	Annotations *Annotations
	// ImageName is how the numbers of VQA's pictures become names: a pattern for [fmt.Sprintf] with one integer, such as
	// "COCO_val2014_%012d". "": as the published features call the COCO pictures that a file says it is about, else the
	// number in decimal.
	ImageName string
	// Split is in the uids of NLVR2's statements, nlvr2_<split>_<line>: "train", "valid" or "test".
	Split string
	// HasImage says whether there are features of a picture. Nil: nobody asks.
	HasImage func(id string) bool

	w      *entryWriter
	ids    idSet
	images map[string]bool
	done   Converted
}

// Converted counts what a [Converter] met.
type Converted struct {
	Entries int // that were written
	Images  int // distinct ones
	// Entries with the id of an earlier one, which are left out.
	Duplicates Finding
	// Questions of VQA that no annotation is about although there are some, and annotations that no question belongs to.
	Unanswered, Unasked Finding
	// Questions none of whose answers is in the table.
	Outside Finding
	// Questions of VQA with neither one nor ten annotators: the published rule scores an answer by how many of ten gave it.
	OtherNumbers Finding
	// Questions about another picture than their annotations.
	OtherImage Finding
	// Entries with a picture of which there are no features, see [Converter].HasImage.
	NoImage Finding
}

// Finding is how often something was found, and where first.
type Finding struct {
	N     int
	First string // an id
}

func (f *Finding) add(id string) {
	if f.N == 0 {
		f.First = id
	}
	f.N++
}

// NewConverter returns a converter that writes to dst. Close must follow.
func NewConverter(dst io.Writer) *Converter {
	return &Converter{w: newEntryWriter(dst), images: map[string]bool{}}
}

// Add converts the questions of a file of which o tells the layout. All files must be of one task.
func (c *Converter) Add(ctx context.Context, r io.Reader, o Official) error {
	r = &interruptible{ctx, r}
	switch o.Layout {
	case VQAQuestions:
		return c.addVQA(r, o)
	case GQAQuestions:
		return c.addGQA(r, o.File)
	case NLVR2Lines:
		return c.addNLVR2(r, o.File)
	}
	return fmt.Errorf("%w: %s has %s, not questions in their authors' layout", ErrFormat, o.File, o.Layout)
}

// Close ends the list and returns what was counted.
func (c *Converter) Close() (Converted, error) {
	c.done.Entries, c.done.Images = c.w.entries, len(c.images)
	if c.Annotations != nil {
		c.done.Unasked = c.Annotations.unasked()
	}
	return c.done, c.w.close()
}

// isNew notes an entry's id and pictures, and says whether it is to be written.
func (c *Converter) isNew(id string, images ...string) bool {
	if !c.ids.add(id) {
		c.done.Duplicates.add(id)
		return false
	}
	there := true
	for _, image := range images {
		c.images[image] = true
		there = there && (c.HasImage == nil || c.HasImage(image))
	}
	if !there {
		c.done.NoImage.add(id)
	}
	return true
}

// addNLVR2 reads one JSON object per line (section 4.5 of the reference's preprocessing). The statement of line i, from 0,
// has the uid nlvr2_<split>_i. Its pictures are called like its identifier, with -img0 and -img1 in place of the last part. A
// statement without a label, as in the hidden test set, has none.
func (c *Converter) addNLVR2(r io.Reader, file string) error {
	d := newDecoder(r, file, "statement")
	for n := 1; ; n++ {
		switch _, err := d.peek(); {
		case err == io.EOF && n == 1:
			return d.errorf("the file is empty")
		case err == io.EOF:
			return nil
		case err != nil:
			return err
		}
		d.item = n
		if err := c.statement(d); err != nil {
			return err
		}
	}
}

func (c *Converter) statement(d *decoder) error {
	found, err := d.texts("the line", "identifier", "sentence", "label")
	identifier, sentence, label := found[0], found[1], found[2]
	switch {
	case err != nil:
		return err
	case identifier == nil:
		return d.errorf("there is no identifier")
	case sentence == nil:
		return d.errorf("there is no sentence")
	}
	last := strings.LastIndexByte(*identifier, '-')
	if last < 0 {
		return d.errorf("identifier is %s, must be like train-10171-0-0", excerpt.Quote(*identifier))
	}
	left, right := (*identifier)[:last]+"-img0", (*identifier)[:last]+"-img1"
	fields := []field{{"identifier", quoted(*identifier)}, {"img0", quoted(left)}, {"img1", quoted(right)}}
	if label != nil {
		class, ok := map[string]string{"True": "1", "False": "0"}[*label]
		if !ok {
			return d.errorf("label is %s, must be True or False", excerpt.Quote(*label))
		}
		fields = append(fields, field{"label", class})
	}
	if !c.isNew(*identifier, left, right) {
		return nil
	}
	return c.w.entry(append(fields, field{"sent", quoted(*sentence)}, field{"uid", quoted(fmt.Sprintf("nlvr2_%s_%d", c.Split, c.w.entries))}))
}

// addGQA reads an object with the questions by their ids (section 4.4 of the reference's preprocessing). Where a question has
// no answer, as for the submission, there is no label.
func (c *Converter) addGQA(r io.Reader, file string) error {
	return eachGQA(r, file, func(d *decoder, id string, image, question, answer *string) error {
		switch {
		case image == nil:
			return d.errorf("%s has no imageId", excerpt.Quote(id))
		case question == nil:
			return d.errorf("%s has no question", excerpt.Quote(id))
		case !c.isNew(id, *image):
			return nil
		}
		fields := []field{{"img_id", quoted(*image)}}
		if answer != nil {
			fields = append(fields, field{"label", "{\n            " + quoted(*answer) + ": 1.0\n        }"})
			if c.Answers != nil {
				if _, ok := c.Answers.Label(*answer); !ok {
					c.done.Outside.add(id)
				}
			}
		}
		return c.w.entry(append(fields, field{"question_id", quoted(id)}, field{"sent", quoted(*question)}))
	})
}

// eachGQA goes through GQA's questions. What one does not have is nil; an empty answer counts as none.
func eachGQA(r io.Reader, file string, each func(d *decoder, id string, image, question, answer *string) error) error {
	d := newDecoder(r, file, "question")
	err := d.object("the file", func(key []byte) error {
		id := string(key)
		d.item++
		found, err := d.texts("the question", "imageId", "question", "answer")
		if err != nil {
			return err
		}
		if found[2] != nil && *found[2] == "" {
			found[2] = nil
		}
		return each(d, id, found[0], found[1], found[2])
	})
	if err != nil {
		return err
	}
	return d.finish()
}

// interruptible is a reader that fails when its context is done.
type interruptible struct {
	ctx context.Context
	r   io.Reader
}

func (r *interruptible) Read(p []byte) (int, error) {
	if err := r.ctx.Err(); err != nil {
		return 0, err
	}
	return r.r.Read(p)
}
