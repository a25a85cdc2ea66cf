package compare

import (
	"bufio"
	"bytes"
	"encoding/binary"
	"encoding/gob"
	"errors"
	"fmt"
	"hash/crc32"
	"io/fs"
	"math"
	"os"
	"reflect"
	"slices"
	"time"

	"github.com/seed-516990b0/golxmert/analysis"
	"github.com/seed-516990b0/golxmert/analysis/probe"
	"github.com/seed-516990b0/golxmert/internal/atomicfile"
	"github.com/seed-516990b0/golxmert/lxmert"
)

// This file keeps what a comparison has found so far, so that one that was cut off goes on.

// ErrSaved is wrapped by errors about a file of [Options.Saved] that another comparison has left, or that is damaged.
var ErrSaved = errors.New("this comparison cannot go on")

// saved is what a comparison has found of its first questions. Sums are those of these questions, in their order, so that whoever
// goes on adds up the same numbers as whoever was not cut off.
type saved struct {
	Settings settings

	Questions []Changed
	From      [2]lxmert.Provenance
	Features  string
	Attention map[string][]analysis.Running
	Levels    probe.AlignmentSums
	Shown     []int // the questions that are worth to be explained
}

// settings are what must be the same for a comparison to go on.
type settings struct {
	Names  [2]string
	Method string
	Show   int
	Seed   uint64
	Config [2]lxmert.Config
	Heads  [2]lxmert.AnswerHead
}

// savedEvery is how often what was found is saved, unless the options say otherwise.
const savedEvery = 30 * time.Second

// state is what the runner has found so far.
func (r *runner) state() saved {
	s := saved{
		Settings: r.settings(), Questions: r.out.Questions, From: r.out.from, Features: r.out.features, Attention: r.out.heads, Levels: r.levels.Sums(),
	}
	for _, c := range r.pairs {
		s.Shown = append(s.Shown, c.at)
	}
	return s
}

func (r *runner) settings() settings {
	return settings{Names: r.out.Names, Method: r.out.Method, Show: r.opt.Show, Seed: r.opt.Seed, Config: r.cfg, Heads: [2]lxmert.AnswerHead{r.models[0].Head, r.models[1].Head}}
}

// save writes the state if it is time to.
func (r *runner) save(now bool) error {
	every := r.opt.SaveEvery
	if every == 0 {
		every = savedEvery
	}
	if r.opt.Saved == "" || !now && time.Since(r.kept) < every {
		return nil
	}
	var b bytes.Buffer
	if err := gob.NewEncoder(&b).Encode(r.state()); err != nil {
		return fmt.Errorf("compare: %w", err)
	}
	r.kept = time.Now()
	return atomicfile.Replace(r.opt.Saved, func(_ *os.File, w *bufio.Writer) error {
		if err := binary.Write(w, binary.LittleEndian, crc32.ChecksumIEEE(b.Bytes())); err != nil {
			return err
		}
		_, err := w.Write(b.Bytes())
		return err
	})
}

// unfit says why the file is not one to go on with.
func (r *runner) unfit(why string, args ...any) error {
	return fmt.Errorf("%s: %w: %s; remove the file to begin anew", r.opt.Saved, ErrSaved, fmt.Sprintf(why, args...))
}

// restore takes up what a comparison before has saved, if there is anything.
func (r *runner) restore() error {
	r.kept = time.Now()
	if r.opt.Saved == "" {
		return nil
	}
	raw, err := os.ReadFile(r.opt.Saved)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return nil
	case err != nil:
		return fmt.Errorf("compare: %w", err)
	}
	var s saved
	if len(raw) < 4 || binary.LittleEndian.Uint32(raw) != crc32.ChecksumIEEE(raw[4:]) || gob.NewDecoder(bytes.NewReader(raw[4:])).Decode(&s) != nil {
		return r.unfit("the file is damaged")
	}
	if !reflect.DeepEqual(s.Settings, r.settings()) {
		return r.unfit("it was made of other models, or with other settings")
	}
	if err := r.levels.Restore(s.Levels); err != nil {
		return r.unfit("%v", err)
	}
	r.out.Questions, r.out.from, r.out.features, r.done = s.Questions, s.From, s.Features, len(s.Questions)
	if s.Attention != nil {
		r.out.heads = s.Attention
	}
	for _, at := range s.Shown {
		if at < 0 || at >= r.done {
			return r.unfit("the file is damaged")
		}
		r.pairs = append(r.pairs, candidate{at: at})
	}
	return nil
}

// skip goes past questions that were asked before, and asks those again that may be explained: their answers are not kept.
func (r *runner) skip(traces func() ([2]*lxmert.Trace, error), x Asked) error {
	first := r.skipped
	r.skipped += len(x.Questions)
	if r.skipped > r.done {
		return r.unfit("it has %d questions, which are not whole batches of these (give it the batches of before)", r.done)
	}
	for i, q := range x.Questions {
		before := &r.out.Questions[first+i]
		if before.Text != q.Text || !slices.Equal(before.Images, q.Images) || i < len(x.IDs) && before.ID != x.IDs[i] {
			return r.unfit("it is about other questions, such as %q", before.Text)
		}
		if !slices.EqualFunc(r.right(x, i, before.Answers), before.Right[:], func(a, b float64) bool { return a == b || math.IsNaN(a) && math.IsNaN(b) }) {
			return r.unfit("other answers were right, such as those to %q", before.Text)
		}
	}
	if first == 0 {
		if of := source(x); of != "" && of != r.out.features {
			return r.unfit("its regions are those of %s, and these are of %s", r.out.features, of)
		}
		if _, err := traces(); err != nil { // which looks whether the models are those of before
			return err
		}
	}
	for k := range r.pairs {
		c := &r.pairs[k]
		if c.at < first || c.at >= r.skipped {
			continue
		}
		t, err := traces()
		if err != nil {
			return err
		}
		for i, m := range r.models {
			answers, err := m.Head.Read(x.Questions, x.Batch, t[i])
			if err != nil {
				return fmt.Errorf("%s: %w", m.Name, err)
			}
			c.answers[i] = answers[c.at-first]
		}
	}
	return nil
}
