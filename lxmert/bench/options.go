package bench

import (
	"cmp"
	"errors"
	"fmt"
	"io"
	"path/filepath"
	"runtime"

	"github.com/seed-516990b0/golxmert/lxmert"
	"github.com/seed-516990b0/golxmert/lxmert/torch"
)

// ErrOptions is wrapped by errors that say that options make no sense.
var ErrOptions = errors.New("cannot measure that")

// Runs says which processes a measurement starts, and how often. The zero value of a field is its default.
type Runs struct {
	Peer string // a Python that has what the measurement compares with; "": none
	// Repeat is how often each process does what is timed. The defaults differ.
	Repeat int
	// Rounds is how often the engines take turns; default 3, and 1 without a peer. In a round each setting of the peer
	// runs once, with one of our processes before it.
	Rounds int

	// Self is the command line of a process that calls [Serve] with the argument that is added to it.
	Self []string
	// Log is told of progress. Nil: nobody is.
	Log io.Writer

	programs string // folder of compiled programs, for our processes alone; "": as the environment says
}

func (r Runs) withDefaults(repeat int) Runs {
	set(&r.Repeat, repeat)
	if r.Peer != "" {
		set(&r.Rounds, roundsBeside)
	}
	set(&r.Rounds, 1)
	if r.Log == nil {
		r.Log = io.Discard
	}
	return r
}

// roundsBeside is how often two engines take turns by default.
const roundsBeside = 3

// set fills in a default.
func set(field *int, value int) {
	if *field == 0 {
		*field = value
	}
}

// number is an option that must lie within bounds, by the name of its flag.
type number struct {
	name        string
	value, most int
}

// maxOption is the largest value of options that have no bound of their own.
const maxOption = 1 << 16

func (r Runs) check(others ...number) error {
	for _, n := range append([]number{{"repeat", r.Repeat, maxOption}, {"rounds", r.Rounds, maxOption}}, others...) {
		if n.value < 1 || n.value > n.most {
			return fmt.Errorf("%w: --%s is %d, must be 1 to %d", ErrOptions, n.name, n.value, n.most)
		}
	}
	return nil
}

// Options of [Forward] and, with more, of [Train]. The zero value of a field is its default.
type Options struct {
	Runs // Repeat: per batch size and process; default 15, of [Train] 5

	// Load names weights with a task's head, Config a file with what they do not tell. "": synthetic weights of the
	// sizes Sizes (zero: the published model with VQA's 3,129 answers), which are written to Keep ("": a temporary file).
	Load, Config string
	Sizes        lxmert.Config
	Keep         string

	Backend string // spec for backend.Open
	BF16    bool   // bfloat16 on both sides
	// TF32 multiplies float32 numbers by TensorFloat-32 on both sides, where they are on a GPU.
	TF32 bool

	Batches        []int // rows; default 1, 8, 32, of [Train] 8, 32
	Words, Regions int   // default 20 and 36

	Method string // of [Analysis]: one of AnalysisMethods; default Relevance

	Threads int // of PyTorch; default the number of cores
	// Libtorch has [Forward] compare with libtorch in this program, in the place of a peer's PyTorch.
	Libtorch bool
	Side     int // of the smallest square product of the peak; default 2048
}

func (o Options) withDefaults() Options {
	if o.Libtorch {
		set(&o.Rounds, roundsBeside)
	}
	o.Runs = o.Runs.withDefaults(15)
	if o.Sizes == (lxmert.Config{}) {
		o.Sizes = lxmert.LXR955()
		o.Sizes.TaskClasses, o.Sizes.TaskImages = 3129, 1
	}
	if o.Batches == nil {
		o.Batches = []int{1, 8, 32}
	}
	set(&o.Words, 20)
	set(&o.Regions, 36)
	set(&o.Threads, runtime.NumCPU())
	set(&o.Side, 2048)
	return o
}

// backend is the spec of the backend for our processes.
func (o Options) backend() string {
	if !o.TF32 {
		return o.Backend
	}
	return cmp.Or(o.Backend, "xla") + ",tf32=true"
}

func (o Options) check() error {
	if len(o.Batches) == 0 {
		return fmt.Errorf("%w: there is no batch size", ErrOptions)
	}
	for _, n := range o.Batches {
		if n < 1 || n > maxOption {
			return fmt.Errorf("%w: a batch of %d, must be 1 to %d", ErrOptions, n, maxOption)
		}
	}
	if err := o.Runs.check(number{"words", o.Words, maxOption}, number{"regions", o.Regions, maxOption}, number{"threads", o.Threads, maxOption}); err != nil {
		return err
	}
	if o.Libtorch && (o.Peer != "" || o.BF16) {
		return fmt.Errorf("%w: --engine torch is measured in float32, and in the place of --peer", ErrOptions)
	}
	if o.Libtorch && !torch.Built {
		return fmt.Errorf("--engine torch: %w", torch.ErrNotBuilt)
	}
	if o.Load != "" && o.Keep != "" {
		return fmt.Errorf("%w: --keep is for synthetic weights, --load names others", ErrOptions)
	}
	if o.Keep != "" && filepath.Ext(o.Keep) != ".pth" {
		return fmt.Errorf("%w: --keep %s: the file's name must end in .pth", ErrOptions, o.Keep)
	}
	return nil
}
