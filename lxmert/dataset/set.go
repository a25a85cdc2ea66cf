package dataset

import (
	"context"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/seed-516990b0/golxmert/internal/excerpt"
	"github.com/seed-516990b0/golxmert/lxmert/region"
)

// ErrNoPicture is wrapped by the error about questions whose pictures are not there, see [Options].
var ErrNoPicture = errors.New("questions without a picture")

// Options say where a data set is and how much of it to load.
type Options struct {
	// Root is the folder "data", which is also what "" means. Messages show paths as root/vqa/train.json.
	Root string
	// Limit is how many images, the first ones, to take of every feature file: 0 all, 512 for --tiny, 5000 for --fast.
	// Questions about other images are left out. GQA's test-dev is never limited.
	Limit int
	// Strict makes a question whose picture is missing an error. Where a file is limited, pictures are meant to be missing.
	Strict bool
	// Log is where the reference's lines about loading go. Nil: nowhere.
	Log io.Writer
	// Notes is where remarks go that the reference does not make, one line each: a file that is packed on its first use,
	// features that are unlikely (see [region.Examine]), questions that are left out, question ids that repeat. Nil: nowhere.
	Notes io.Writer
	// Packing is told how far the packing of a file is, see [region.PackOptions].Progress. Nil: nobody is.
	Packing func(done, total int64, images int)
	// Open opens a feature file, or its first rows. Nil: region.OpenPacked.
	Open func(ctx context.Context, path string, rows int) (region.Source, error)
	// Trained are the fingerprints of the features that the model was trained on, see [region.TrainedOn]: others are noted.
	Trained map[string]region.Fingerprint
	// Sources are the feature files that the sets of one run share. Nil: the set opens its own, and closes them.
	Sources *Sources
}

// Sources keeps feature files open for several sets. Like the reference, whose cache lasts as long as its process, it
// loads a file of GQA only once, and says so only once. The zero value is ready, and may be used from several goroutines.
type Sources struct {
	mu   sync.Mutex
	open map[sourceKey]region.Source
}

type sourceKey struct {
	path string
	rows int
}

// get returns an open file, and whether it was open before.
func (s *Sources) get(key sourceKey, open func() (region.Source, error)) (source region.Source, before bool, err error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if source, ok := s.open[key]; ok {
		return source, true, nil
	}
	source, err = open()
	if err != nil {
		return nil, false, err
	}
	if s.open == nil {
		s.open = map[sourceKey]region.Source{}
	}
	s.open[key] = source
	return source, false, nil
}

// Fingerprints sum up the features of each file that is packed, by the file's name.
func (s *Set) Fingerprints() map[string]region.Fingerprint {
	all := map[string]region.Fingerprint{}
	for i, source := range s.sources {
		if packed, ok := source.(interface{ Fingerprint() region.Fingerprint }); ok {
			all[s.files[i].path] = packed.Fingerprint()
		}
	}
	return all
}

// Close closes all files. The sets that use them can no longer be used.
func (s *Sources) Close() error {
	s.mu.Lock()
	defer s.mu.Unlock()
	var all error
	for _, source := range s.open {
		all = errors.Join(all, source.Close())
	}
	s.open = nil
	return all
}

// Set is the questions of some splits, and where their pictures' regions are. Its methods may be called from several
// goroutines.
type Set struct {
	Task   *Task
	Splits []string
	// Examples are those whose pictures are there, in the files' order.
	Examples []Example
	// Listed is how many examples the files have.
	Listed int
	// Duplicates is how many of them have the id of an earlier one. The reference predicts each, and scores all of them
	// with the labels of the last.
	Duplicates int
	// Dim is how many features each region has; 0 if there are no examples.
	Dim int

	files   []featureFile
	sources []region.Source // of files
	where   map[string]int  // the source of each image
	own     *Sources        // nil: they are somebody else's
}

// Load reads the question files of some splits and opens the feature files that belong to them; nothing of those is read
// yet but the names of the images. See the package comment for which files a split has.
func Load(ctx context.Context, task *Task, splits []string, opt Options) (*Set, error) {
	p, err := planOf(task, opt.Root, splits, opt.Limit)
	if err != nil {
		return nil, err
	}
	return load(ctx, task, splits, p, opt)
}

// LoadFiles reads question files of any name, with the regions of any feature files. Of an image that several of these
// have, the last one counts. A TSV is packed on its first use, see [region.OpenPacked]; everything else that [region.Open]
// opens is read as it is. Options.Root and Limit are not used.
func LoadFiles(ctx context.Context, task *Task, questions, features []string, opt Options) (*Set, error) {
	if err := task.Check(); err != nil {
		return nil, err
	}
	p := plan{questions: questions}
	for _, path := range features {
		p.features = append(p.features, featureFile{path: path})
	}
	if opt.Open == nil {
		opt.Open = func(ctx context.Context, path string, _ int) (region.Source, error) {
			if strings.HasSuffix(path, ".tsv") {
				return region.OpenPacked(ctx, path, region.PackedOptions{Log: opt.Notes, Progress: opt.Packing})
			}
			return region.Open(path)
		}
	}
	opt.Limit = 0
	return load(ctx, task, questions, p, opt)
}

func load(ctx context.Context, task *Task, splits []string, p plan, opt Options) (_ *Set, err error) {
	s := &Set{Task: task, Splits: slices.Clone(splits), files: p.features, where: map[string]int{}}
	questions := newReader(task)
	for _, path := range p.questions {
		if s.Examples, err = questions.readFile(ctx, s.Examples, path); err != nil {
			return nil, err
		}
	}
	s.Listed = len(s.Examples)
	s.Duplicates = duplicates(s.Examples)
	if opt.Log == nil {
		opt.Log = io.Discard
	}
	if opt.Notes == nil {
		opt.Notes = io.Discard
	}
	fmt.Fprintf(opt.Log, "Load %d data from split(s) %s.\n", s.Listed, strings.Join(splits, ","))

	if opt.Sources == nil {
		s.own = new(Sources)
		opt.Sources = s.own
	}
	if err := s.openFeatures(ctx, opt); err != nil {
		return nil, errors.Join(err, s.Close())
	}
	fmt.Fprintf(opt.Log, "Use %d data in torch dataset\n\n", len(s.Examples))
	return s, nil
}

func (s *Set) openFeatures(ctx context.Context, opt Options) error {
	open := opt.Open
	if open == nil {
		open = func(ctx context.Context, path string, rows int) (region.Source, error) {
			return region.OpenPacked(ctx, path, region.PackedOptions{Rows: rows, Log: opt.Notes, Progress: opt.Packing})
		}
	}
	example := "" // the first picture
	for i, file := range s.files {
		started := time.Now()
		say := func() {
			fmt.Fprintf(opt.Log, "Start to load Faster-RCNN detected objects from %s\n", file.path)
		}
		source, before, err := opt.Sources.get(sourceKey{file.path, file.rows}, func() (region.Source, error) {
			say()
			return open(ctx, file.path, file.rows)
		})
		if err != nil {
			return fmt.Errorf("dataset: the features for %s %s: %w", s.Task, strings.Join(s.Splits, ","), err)
		}
		ids, err := source.IDs(ctx)
		if err != nil {
			return err
		}
		for _, id := range ids {
			s.where[id] = i
		}
		if example == "" && len(ids) > 0 {
			example = ids[0]
		}
		s.sources = append(s.sources, source)
		if before && file.once {
			continue
		}
		if before {
			say()
		}
		if !before {
			look, err := region.Examine(ctx, source)
			if err != nil {
				return fmt.Errorf("dataset: the features for %s %s: %w", s.Task, strings.Join(s.Splits, ","), err)
			}
			for _, line := range look.Lines(file.path, opt.Trained) {
				fmt.Fprintln(opt.Notes, line)
			}
		}
		rows := len(ids)
		if r, ok := source.(interface{ Rows() int }); ok {
			rows = r.Rows() // with those that later ones replace, as the reference counts
		}
		fmt.Fprintf(opt.Log, "Loaded %d images in file %s in %d seconds.\n", rows, file.path, int(time.Since(started).Seconds()))
	}
	sample, err := s.leaveOut(opt, example)
	if err != nil {
		return err
	}
	return s.checkDim(ctx, sample)
}

// leaveOut drops the examples without their pictures, called otherwise than example where none is there. It returns one of
// the images that are left of each source.
func (s *Set) leaveOut(opt Options, example string) (sample map[int]string, err error) {
	sample = map[int]string{}
	kept, lost := 0, ""
	for i, e := range s.Examples {
		gone, missing := "", false
		for _, id := range e.Images {
			if _, ok := s.where[id]; !ok {
				gone, missing = id, true
				break
			}
		}
		if !missing {
			s.Examples[kept] = s.Examples[i]
			kept++
			for _, id := range e.Images {
				if source := s.where[id]; sample[source] == "" {
					sample[source] = id
				}
			}
		} else if lost == "" {
			lost = fmt.Sprintf("the first is %s, whose picture %s is not in %s", excerpt.Quote(e.ID), excerpt.Quote(gone), s.fileNames())
		}
	}
	if kept == 0 && lost != "" && example != "" {
		lost += fmt.Sprintf(", where pictures are called like %s", excerpt.Quote(example))
	}
	clear(s.Examples[kept:])
	s.Examples = s.Examples[:kept]
	if kept < s.Listed/2 {
		s.Examples = slices.Clone(s.Examples)
	}
	limited := slices.ContainsFunc(s.files, func(f featureFile) bool { return opt.Limit > 0 && f.rows == opt.Limit })
	name := fmt.Sprintf("%s %s", s.Task, strings.Join(s.Splits, ","))
	if lost != "" && !limited {
		if opt.Strict {
			return nil, fmt.Errorf("dataset: %w: %d of %d in %s; %s", ErrNoPicture, s.Listed-kept, s.Listed, name, lost)
		}
		fmt.Fprintf(opt.Notes, "%s: %d of %d questions are left out, as their pictures are missing; %s\n", name, s.Listed-kept, s.Listed, lost)
	}
	if s.Duplicates > 0 {
		fmt.Fprintf(opt.Notes, "%s: %d questions have the id of an earlier one\n", name, s.Duplicates)
	}
	return sample, nil
}

// fileNames lists the feature files, each once.
func (s *Set) fileNames() string {
	var names []string
	for _, f := range s.files {
		if !slices.Contains(names, f.path) {
			names = append(names, f.path)
		}
	}
	return strings.Join(names, " or ")
}

// checkDim reads an image of each source, to see that all have features of one width.
func (s *Set) checkDim(ctx context.Context, sample map[int]string) error {
	first := ""
	for i, source := range s.sources {
		id, used := sample[i]
		if !used {
			continue
		}
		r, err := source.Find(ctx, id)
		if err != nil {
			return err
		}
		if s.Dim != 0 && r.Dim != s.Dim {
			return fmt.Errorf("dataset: %s has %d features per region and %s has %d: they cannot be used together", first, s.Dim, s.files[i].path, r.Dim)
		}
		s.Dim, first = r.Dim, s.files[i].path
	}
	return nil
}

// Len is how many examples there are.
func (s *Set) Len() int { return len(s.Examples) }

// Picture is an image and the feature file that has its regions. Sets that share their [Sources] have the same pictures.
type Picture struct {
	Source region.Source
	ID     string
}

// Picture says where the regions of an image are. The error wraps [region.ErrNotFound] if it is not in the set's feature files.
func (s *Set) Picture(id string) (Picture, error) {
	i, ok := s.where[id]
	if !ok {
		return Picture{}, fmt.Errorf("dataset: %w: %s is not in %s", region.ErrNotFound, excerpt.Quote(id), s.fileNames())
	}
	return Picture{s.sources[i], id}, nil
}

// Regions reads the regions of an image. The error wraps [region.ErrNotFound] if it is not in the set's feature files.
func (s *Set) Regions(ctx context.Context, id string) (*region.Regions, error) {
	p, err := s.Picture(id)
	if err != nil {
		return nil, err
	}
	return p.Source.Find(ctx, id)
}

// Close closes the feature files, unless they are shared, see [Options].Sources.
func (s *Set) Close() error {
	if s.own == nil {
		return nil
	}
	return s.own.Close()
}
