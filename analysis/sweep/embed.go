package sweep

import (
	"context"
	"errors"
	"fmt"
	"strconv"

	"github.com/seed-516990b0/golxmert/analysis/embed"
	"github.com/seed-516990b0/golxmert/lxmert"
	"github.com/seed-516990b0/golxmert/lxmert/dataset"
	"github.com/seed-516990b0/golxmert/lxmert/question"
)

// EmbedOptions say what to keep of a data set.
type EmbedOptions struct {
	// Want are names of activations, patterns as in [lxmert.Match] allowed.
	Want []string
	F16  bool // round to float16
	// PerFile is how many examples a file has; 0: 1024, or fewer whole batches if these would be more than about 128 MiB of the
	// published number of words and regions. Two files are in memory at a time.
	PerFile int
	Batch   int // examples at a time; 0: 32
	Limit   int // how many examples, the first ones; 0: all
	Shard   int // which part to do, from 0: some of the files
	Shards  int // of how many; 0: one
	// Overwrite throws away what the folder has. Else a run goes on where one before has stopped.
	Overwrite bool
	// Noted is called once at the end if there was something to note about questions, see question.Batch: how often, and the
	// first of it.
	Noted func(notes int, first string)
	// NotFinite is called once at the end if numbers were NaN or infinite: how many of each activation.
	NotFinite func(bad map[string]int)
	// Progress is called after each batch with the number of this part's examples that are done.
	Progress func(done, total int)
}

// What the size of a file is reckoned with.
const (
	fileExamples = 1024
	fileBytes    = 128 << 20
	fileWords    = 20
	fileRegions  = 36
)

// Embed writes activations of a whole data set into a folder, from where [embed.Read] reads them. An error in the middle, or
// the end of ctx, loses the file at hand alone: the same call goes on, and files are those of a run that was not cut off. A
// picture's tower runs once for all questions about it in a batch.
func Embed(ctx context.Context, eng lxmert.Engine, d *Data, dir string, opt EmbedOptions) (_ *embed.Index, err error) {
	e, err := newEmbedding(ctx, eng, d, opt)
	if err != nil {
		return nil, err
	}
	e.w, err = embed.Create(dir, eng.Config(), e.index, fmt.Sprintf("%d-of-%d", opt.Shard, max(1, opt.Shards)), opt.Overwrite)
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, e.w.Close()) }()
	if err := e.plan(); err != nil {
		return nil, err
	}
	if err := e.run(ctx); err != nil {
		return nil, err
	}
	if e.notes > 0 && opt.Noted != nil {
		opt.Noted(e.notes, e.firstNote)
	}
	if len(e.bad) > 0 && opt.NotFinite != nil {
		opt.NotFinite(e.bad)
	}
	return e.w.Index(), nil
}

// embedding is a run of [Embed].
type embedding struct {
	eng     lxmert.Engine
	data    *Data
	opt     EmbedOptions
	index   embed.Index
	request lxmert.Request
	w       *embed.Writer

	batches     []embedBatch
	done, total int // examples of the part

	notes     int
	firstNote string
	bad       map[string]int
}

// embedBatch is some examples of one file.
type embedBatch struct {
	file     int
	examples []int
	last     bool // of its file
}

func newEmbedding(ctx context.Context, eng lxmert.Engine, d *Data, opt EmbedOptions) (*embedding, error) {
	cfg := eng.Config()
	if err := d.check(cfg); err != nil {
		return nil, err
	}
	if len(opt.Want) == 0 {
		return nil, errors.New("sweep: no activation is named")
	}
	wanted, err := cfg.FindAll(opt.Want...)
	if err != nil {
		return nil, err
	}
	if opt.PerFile < 0 || opt.Batch < 0 {
		return nil, fmt.Errorf("sweep: files of %d examples, %d at a time: must be 1 or more", opt.PerFile, opt.Batch)
	}
	if opt.Batch == 0 {
		opt.Batch = 32
	}
	about := embed.Index{Data: d.Name, Examples: d.Set.Len(), Pictures: d.rows(), DType: "F32", Batch: opt.Batch, PerFile: opt.PerFile}
	if opt.Limit > 0 {
		about.Examples = min(about.Examples, opt.Limit)
	}
	size := 4
	if opt.F16 {
		about.DType, size = "F16", 2
	}
	e := &embedding{eng: eng, data: d, opt: opt, bad: map[string]int{}}
	each := 0
	for _, a := range wanted {
		e.request.Want = append(e.request.Want, lxmert.Read{Name: a.Name})
		each += lxmert.Size(a.Dims(cfg, fileWords, fileRegions)) * size * about.Pictures
	}
	if about.PerFile == 0 {
		about.PerFile = max(1, min(fileExamples, fileBytes/max(1, each))/opt.Batch) * opt.Batch
	}
	if about.Model, about.Features, err = d.source(ctx, eng); err != nil {
		return nil, err
	}
	e.index = embed.NewIndex(cfg, wanted, about)
	if n := len(e.index.Files); opt.Shards > n {
		return nil, fmt.Errorf("sweep: %d parts cannot share %d files, as each has whole ones: files of at most %d examples (PerFile, --perFile) are enough", opt.Shards, n, max(1, about.Examples/opt.Shards))
	}
	if opt.Shards < 0 || opt.Shard < 0 || opt.Shard >= max(1, opt.Shards) {
		return nil, fmt.Errorf("sweep: there is no part %d of %d: parts count from 0", opt.Shard, opt.Shards)
	}
	return e, nil
}

// plan finds out what of the part is left to do.
func (e *embedding) plan() error {
	from, to := share(len(e.index.Files), e.opt.Shard, e.opt.Shards)
	for file := from; file < to; file++ {
		first, last := e.index.Share(file)
		e.total += last - first
		done, err := e.w.Done(file)
		if err != nil {
			return err
		}
		if done {
			e.done += last - first
			continue
		}
		for _, examples := range (Settings{Batch: e.index.Batch}).plan(first, last) {
			e.batches = append(e.batches, embedBatch{file, examples, examples[len(examples)-1] == last-1})
		}
	}
	return nil
}

// run computes what is left. A file is written while the next one is computed.
func (e *embedding) run(ctx context.Context) error {
	e.report(0)
	loader := dataset.NewLoader(ctx, len(e.batches), 1, func(ctx context.Context, i int) (*question.Batch, error) {
		return e.data.shared(ctx, e.batches[i].examples, nil)
	})
	defer loader.Close()
	written := make(chan error, 1) // the file before
	written <- nil
	var file *embed.File
	for _, x := range e.batches {
		b, err := loader.Next()
		if err == nil {
			if file == nil {
				file = e.w.File(x.file)
			}
			err = e.add(ctx, file, b, x.examples)
		}
		if err != nil {
			return errors.Join(err, <-written)
		}
		if x.last {
			if err := <-written; err != nil {
				return err
			}
			for name, n := range file.NotFinite() {
				e.bad[name] += n
			}
			go func(f *embed.File) { written <- f.Write() }(file)
			file = nil
		}
		e.report(len(x.examples))
	}
	return <-written
}

func (e *embedding) report(more int) {
	e.done += more
	if e.opt.Progress != nil {
		e.opt.Progress(e.done, e.total)
	}
}

// add computes a batch.
func (e *embedding) add(ctx context.Context, file *embed.File, b *question.Batch, index []int) error {
	if e.notes += len(b.Notes); e.firstNote == "" && len(b.Notes) > 0 {
		e.firstNote = b.Notes[0]
	}
	var examples []embed.Example
	for _, k := range index {
		x := &e.data.Set.Examples[k]
		examples = append(examples, embed.Example{ID: x.ID, Text: x.Text, Images: x.Images})
	}
	r := e.request
	r.NoRegions = b.NoRegions()
	t, err := e.eng.Run(ctx, b.Batch, r)
	if err == nil {
		err = file.Add(b.Batch, t, examples)
	}
	if err != nil {
		return fmt.Errorf("sweep: examples %s to %s: %w", strconv.Quote(examples[0].ID), strconv.Quote(examples[len(examples)-1].ID), err)
	}
	return nil
}
