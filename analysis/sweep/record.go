package sweep

import (
	"bufio"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"math"
	"os"
	"path/filepath"
	"reflect"

	"github.com/seed-516990b0/golxmert/analysis"
	"github.com/seed-516990b0/golxmert/analysis/internal/jsonnumber"
	"github.com/seed-516990b0/golxmert/analysis/relevance"
	"github.com/seed-516990b0/golxmert/internal/filelock"
	"github.com/seed-516990b0/golxmert/lxmert"
)

// line is what is known about one batch.
type line struct {
	First    int                  `json:"first"` // number of its first example in the data set
	Examples []Example            `json:"examples"`
	Heads    map[string]*headSums `json:"heads,omitempty"` // by statistic
	Pairs    map[string]*pairSums `json:"pairs,omitempty"` // by kind of map
	Looks    []looked             `json:"looks,omitempty"`
	Values   []valuesOf           `json:"values,omitempty"` // by method that measures examples
	Kept     []keptRow            `json:"kept,omitempty"`   // rows of the sample
	// States is where the numbers of Kept are, in their order.
	States *block `json:"states,omitempty"`
	// Model says where the line was computed, if it was not where the part was begun.
	Model *lxmert.Provenance `json:"model,omitempty"`

	numbers []float32 // those of States
}

// span is what a line is about, from which readers know whether one is missing.
func (l *line) span() (first, examples int) { return l.First, len(l.Examples) }

// outline is a line of which nobody wants to know more than its span.
type outline struct {
	First    int        `json:"first"`
	Examples []struct{} `json:"examples"`
	States   *block     `json:"states"`
}

func (l *outline) span() (first, examples int) { return l.First, len(l.Examples) }

// Example is what was found out about one question.
type Example struct {
	ID          string                       `json:"id"`
	Question    string                       `json:"question"`
	Images      []string                     `json:"images"`
	Answer      string                       `json:"answer,omitempty"` // the model's
	Probability float64                      `json:"probability"`      // of it, see Settings
	Right       *float64                     `json:"right,omitempty"`  // how much it counts, 0 to 1; nil: not known
	Gold        [][]int                      `json:"gold,omitempty"`   // for each picture the regions that show what is asked about
	Regions     []int                        `json:"regions"`          // how many each picture has
	Results     map[string][]Result          `json:"results,omitempty"`
	Trials      map[string][]relevance.Trial `json:"trials,omitempty"`
	Shown       map[string][]analysis.Scores `json:"shown,omitempty"` // the whole results, of the first examples

	// Where the words and regions of Results are, so that they can be shown without the model. Files of older programs lack both.
	Spans    []int    `json:"spans,omitempty"`    // of each word: its first byte in Question, and the byte after it
	Pictures []Placed `json:"pictures,omitempty"` // one for each of Images
}

// Placed is a picture with the places of its regions, those that Results have numbers of.
type Placed struct {
	Width   int      `json:"w,omitempty"` // pixels; 0: not known
	Height  int      `json:"h,omitempty"`
	Boxes   []byte   `json:"boxes"`             // x0 y0 x1 y1 of each region, in 255ths of the picture's sides
	Objects []string `json:"objects,omitempty"` // the detector's labels; nil: nobody has named them
}

// Result is what a method gave to one sentence and picture. Words are those between [CLS] and [SEP]; padding is left out.
type Result struct {
	Words   rounded `json:"words"`
	Regions rounded `json:"regions"`
}

type rounded = jsonnumber.Rounded

// partName is the file of a shard.
func partName(shard, shards int) string {
	if shards <= 1 {
		return "examples.jsonl"
	}
	return fmt.Sprintf("examples-%05d-of-%05d.jsonl", shard, shards)
}

// part is the file that a run appends to. It is locked itself, and never removed or replaced: a lock beside it would have
// to be removed, and in that moment two runs could each hold one.
type part struct {
	path  string
	file  *os.File
	lock  *filelock.Lock
	begun Settings // its first line
	done  int      // examples that it had when it was opened

	states *stateFile // what goes with the lines; nil: no method gathers states
}

// openPart opens or makes the file of a run and reads how far it is. A line that was cut off is dropped. found, if there is
// one, is called with the examples that are found to be done, as a large file takes a while to read.
func openPart(dir string, want Settings, overwrite bool, found func(done int)) (_ *part, err error) {
	if err := os.MkdirAll(dir, 0o777); err != nil {
		return nil, fmt.Errorf("sweep: %w; choose another folder", err)
	}
	p := &part{path: filepath.Join(dir, partName(want.Shard, want.Shards)), begun: want}
	if p.file, err = os.OpenFile(p.path, os.O_CREATE|os.O_RDWR, 0o666); err != nil {
		return nil, fmt.Errorf("sweep: %w", err)
	}
	defer func() {
		if err != nil {
			p.Close()
		}
	}()
	p.lock, err = filelock.TryFile(p.path)
	if held := new(filelock.HeldError); errors.As(err, &held) {
		return nil, fmt.Errorf("sweep: %s: another process is writing it", p.path)
	}
	if err != nil {
		return nil, fmt.Errorf("sweep: %w", err)
	}
	end, states := int64(0), int64(0)
	if !overwrite && !p.bare() {
		if end, states, err = p.resume(want, found); err != nil {
			return nil, err
		}
	}
	if gathers(want.Methods) {
		if p.states, err = openStates(statesName(p.path), states); err != nil {
			return nil, err
		}
	} else if err := os.Remove(statesName(p.path)); err != nil && !errors.Is(err, fs.ErrNotExist) { // of a run that is overwritten
		return nil, fmt.Errorf("sweep: %w", err)
	}
	if err := p.file.Truncate(end); err != nil {
		return nil, fmt.Errorf("sweep: %w", err)
	}
	if _, err := p.file.Seek(end, io.SeekStart); err != nil {
		return nil, fmt.Errorf("sweep: %w", err)
	}
	if end == 0 {
		return p, p.append(want)
	}
	return p, nil
}

// bare says that the part has settings and nothing else: its run ended before it found anything, and what comes may have other
// settings.
func (p *part) bare() bool {
	in := bufio.NewReader(io.NewSectionReader(p.file, 0, math.MaxInt64))
	text, err := in.ReadBytes('\n')
	if err != nil {
		return false
	}
	var s Settings
	if json.Unmarshal(text, &s) != nil || s.Version != version {
		return false
	}
	_, err = in.ReadByte()
	return err == io.EOF
}

// resume reads what is there and returns where it ends, and where its states do.
func (p *part) resume(want Settings, found func(done int)) (end, states int64, err error) {
	end, err = readPart(p.path, p.file, func(s Settings) error {
		want := normal(want)
		want.Whole = s.Whole // a part that an older program has begun ends where that would have ended it
		if a, b := s.essence(), want.essence(); !reflect.DeepEqual(a, b) {
			return fmt.Errorf("sweep: %s was made %s; give another folder, or overwrite it", p.path, difference(a, b))
		}
		p.begun = s
		return nil
	}, func(l *outline) error {
		if l.States != nil {
			states += l.States.Bytes
		}
		if p.done += len(l.Examples); found != nil {
			found(p.done)
		}
		return nil
	})
	return end, states, err
}

// append adds a line and waits until it is on the disk. A line that could not be written whole is taken back.
func (p *part) append(v any) error {
	text, err := json.Marshal(v)
	if err != nil {
		return fmt.Errorf("sweep: %w", err)
	}
	at, err := p.file.Seek(0, io.SeekCurrent)
	if err == nil {
		_, err = p.file.Write(append(text, '\n'))
	}
	if err == nil {
		err = p.file.Sync()
	}
	if err != nil {
		p.file.Truncate(at)
		return fmt.Errorf("sweep: %w; what was found before is in the file, and the same command goes on from there", err)
	}
	return nil
}

// add appends a line, after its numbers: a line that is there has them.
func (p *part) add(l *line) (err error) {
	if p.states != nil && len(l.numbers) > 0 {
		if l.States, err = p.states.append(l.numbers); err != nil {
			return err
		}
	}
	return p.append(l)
}

func (p *part) Close() error {
	var err error
	if p.file != nil {
		err = p.file.Close()
	}
	if p.states != nil {
		err = errors.Join(err, p.states.Close())
	}
	return errors.Join(err, p.lock.Close())
}

// readPart reads the whole lines of a part, called name, and returns where they end: 0 for an empty file.
func readPart[L any, P interface {
	*L
	span() (first, examples int)
}](name string, r io.Reader, begin func(Settings) error, each func(P) error) (end int64, err error) {
	in := bufio.NewReaderSize(r, 1<<20)
	var s Settings
	next := 0
	for n := 1; ; n++ {
		text, err := in.ReadBytes('\n')
		if err == io.EOF {
			return end, nil
		}
		if err != nil {
			return end, fmt.Errorf("sweep: %s: %w", name, err)
		}
		if n == 1 {
			if err := json.Unmarshal(text, &s); err != nil || s.Version == 0 {
				return 0, fmt.Errorf("sweep: %s is not a file of results: its first line has no settings", name)
			}
			if s.Version != version {
				return 0, fmt.Errorf("sweep: %s has format %d, this program writes %d; overwrite it", name, s.Version, version)
			}
			if err := begin(s); err != nil {
				return 0, err
			}
			if s.Whole && s.Batch < 1 {
				return 0, fmt.Errorf("sweep: %s was made with batches of %d questions; the file was changed, overwrite it", name, s.Batch)
			}
			next, _ = s.share()
			end += int64(len(text))
			continue
		}
		l := P(new(L))
		if err := json.Unmarshal(text, l); err != nil {
			// A crash of the system may leave anything behind the last line that was synced.
			if _, err := in.Peek(1); err == io.EOF {
				return end, nil
			}
			return end, fmt.Errorf("sweep: %s:%d: %w; the file was changed, overwrite it", name, n, err)
		}
		first, examples := l.span()
		if first != next {
			return end, fmt.Errorf("sweep: %s:%d: begins with example %d instead of %d; the file was changed, overwrite it", name, n, first, next)
		}
		next += examples
		if err := each(l); err != nil {
			return end, err
		}
		end += int64(len(text))
	}
}
