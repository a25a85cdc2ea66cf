package train

import (
	"context"
	"errors"
	"fmt"
	"io"
	"math"
	"os"
	"path/filepath"
	"strconv"
	"time"

	"github.com/seed-516990b0/golxmert/internal/filelock"
	"github.com/seed-516990b0/golxmert/lxmert"
	"github.com/seed-516990b0/golxmert/lxmert/dynamics"
)

// Job is what a run trains on and how it is judged.
type Job struct {
	// Steps is the number of steps in each epoch, at least one epoch.
	Steps []int
	// Batches gives the steps of an epoch from one on, in an order that depends on the epoch alone.
	Batches func(ctx context.Context, epoch, from int) (Batches, error)
	// Largest gives steps of which no others are larger, which are compared with a device's memory before the first step; nil: nothing is.
	Largest func(ctx context.Context) (Batches, error)
	// Prepare brings to the devices what steps need there besides, see [Trainer.Keep], before the first one and before anything of an
	// earlier run is lost. It is given one of the largest steps; nil where the device says nothing of its memory. Nil: nothing is needed.
	Prepare func(ctx context.Context, largest []Part) error
	// Score judges what the objective returned for a part: the sum of its rows' scores and the number of rows.
	Score func(part Part, outputs []any) (right float64, rows int, err error)
	// Validate judges a model, 0 to 1. Nil: there is no validation set.
	Validate func(ctx context.Context, epoch int, m lxmert.Engine) (float64, error)
	// Names are what a message calls the examples of a part, question ids for instance.
	Names func(part Part) []string
	// Dynamics keeps what the run sees of each example; nil: nothing is kept.
	Dynamics *Dynamics
	// Parts are the names of the loss's parts, which the objective returns before all other outputs, as scalars.
	Parts []string
	// Tally counts more about what the objective returned for a part, for [Job].Judge; nil: nothing is counted.
	Tally func(part Part, outputs []any, add func(name string, sum, n float64)) error
	// Judge ends an epoch instead of Validate and the lines and snapshots of fine-tuning; nil: these do.
	Judge func(ctx context.Context, e *Epoch) (*Judgement, error)
	// Snapshots are the files that Judge may name, the one that the run ends with last; others among them are of earlier runs.
	Snapshots []string
	// Parameter is what snapshots call a parameter; nil: as those of fine-tuning do, [weights.TaskName].
	Parameter func(canonical string) string
	// FLOPs of one row's forward pass, for the rates in metrics.jsonl; 0 leaves them out.
	FLOPs float64
}

// Epoch is what a run knows of an epoch when it ends.
type Epoch struct {
	Number  int              // from 0
	Steps   int              // that moved the parameters
	Loss    float64          // mean over these
	Parts   []float64        // mean of each of the loss's parts
	Tallies map[string]Tally // see [Job].Tally
	Best    float64          // of earlier judgements; 0: there is none
}

// Tally is a sum and what it is the sum of.
type Tally struct{ Sum, N float64 }

// Judgement is what becomes of an epoch.
type Judgement struct {
	Text      string         // for log.log and whoever reads what the reference prints
	Line      map[string]any // for metrics.jsonl
	Best      float64        // so far
	Snapshots []string       // files of the run directory to write the parameters to
}

// Batches are the steps of an epoch, prepared ahead. Next returns [io.EOF] after the last.
type Batches interface {
	Next() ([]Part, error)
	Wait() time.Duration // for how long Next has kept the caller waiting
	Close()
}

// RunOptions are the choices of a [Run].
type RunOptions struct {
	Dir string // the run directory; created if need be
	// Resume goes on from the last saved state, or starts if there is none. Without it a directory that holds a run is an
	// error, unless Overwrite says that it may be lost.
	Resume, Overwrite bool
	// Settings are what the run's outcome depends on; a run is resumed with the same ones only.
	Settings map[string]string
	// About is what else run.json should say.
	About map[string]any

	SaveSteps int           // save the state after this many steps; 0: by time only
	SaveEvery time.Duration // save the state this long after the last time; 0: ten minutes
	MaxBad    int           // stop the run after this many steps in a row that are not finite; 0: ten
	Patience  int           // stop the run after this many epochs in a row without a better validation; 0: never
	LogSteps  int           // steps between two lines of metrics.jsonl; 0: about a hundred lines per epoch
	// Peak measures the floating-point operations per second of what the run computes on, for MFU; nil: it is not known. It
	// is called once, when there is something to train.
	Peak func(context.Context) (float64, error)

	Out      io.Writer      // what the reference prints; nil: nowhere
	Log      io.Writer      // what it does not; nil: nowhere
	Progress func(Progress) // called after every step; nil: nobody is told
}

// Progress is where a run is.
type Progress struct {
	Epoch, Epochs int     // epochs from 0
	Step, Steps   int     // of this epoch, from 1
	Loss          float64 // smoothed over about 50 steps
	Accuracy      float64 // of this epoch so far, in percent
	Rate          float64 // rows per second, smoothed
	Left          time.Duration
}

// Outcome is how a run ended.
type Outcome struct {
	Best     float64 // best validation score, 0 to 1; 0 without validation
	Steps    int     // in all, those of earlier runs that this one resumed included
	Skipped  int     // steps that were not finite
	Already  bool    // the run had ended before; nothing was done
	Resumed  int     // the step that the run went on from; 0: it began
	Duration time.Duration
}

// ErrInterrupted is wrapped by the error of a run whose context was cancelled and that saved its state.
var ErrInterrupted = errors.New("interrupted")

// ErrRunExists is wrapped by the error that says a directory already holds a run.
var ErrRunExists = errors.New("the directory already holds a run")

// Files of a run directory.
const (
	BestFile = "BEST.pth" // parameters with the best validation score
	LastFile = "LAST.pth" // parameters in the end

	logFile     = "log.log"
	metricsFile = "metrics.jsonl"
	runFile     = "run.json"
	stateFile   = "state.safetensors"
	lockFile    = ".lock"
)

// position is where a run is, as its state file says.
type position struct {
	Epoch, Step int     // the step of the epoch that comes next
	Right       float64 // of this epoch so far
	Rows        int
	Sums        *sums `json:",omitempty"` // of this epoch, where a Judge is to know them
	Best        float64
	NotBetter   int `json:",omitempty"` // epochs in a row without a better validation
	Skipped     int
	BadInRow    int
	LogSize     int64 // bytes of log.log and metrics.jsonl that belong to the steps before
	MetricsSize int64
	Finished    bool
	Settings    map[string]string
	// Deterministic says whether the steps before gave the bits that they always give, "true" or "false"; "": an older
	// version did not say.
	Deterministic string
	// Devices is how many shared the steps before; 0: an older version did not say.
	Devices int `json:",omitempty"`
}

// sums are what an [Epoch] has the means of.
type sums struct {
	Steps   int
	Loss    float64
	Parts   []float64
	Tallies map[string]Tally
}

// run is a run under way.
type run struct {
	t   *Trainer
	job Job
	opt RunOptions
	at  position

	lock         *filelock.Lock
	log, metrics *os.File
	seen         *dynamics.Recorder // nil: nothing is kept of examples
	saved        time.Time
	pending      *pendingStep // the devices may still be at it; nil: all steps are finished
	meter        meter
	peak         float64 // see RunOptions.Peak; 0: not known
}

// Run trains until the job is done. The files that it writes into the run directory are the reference's: log.log,
// BEST.pth whenever the validation score is better than before, LAST.pth in the end; and metrics.jsonl, run.json and the
// state, from which a run that was killed at any moment goes on to the very same end (on a GPU with Options.Deterministic).
func Run(ctx context.Context, t *Trainer, job Job, opt RunOptions) (*Outcome, error) {
	if opt.SaveEvery == 0 {
		opt.SaveEvery = 10 * time.Minute
	}
	if opt.MaxBad == 0 {
		opt.MaxBad = 10
	}
	for _, w := range []*io.Writer{&opt.Out, &opt.Log} {
		if *w == nil {
			*w = io.Discard
		}
	}
	r := &run{t: t, job: job, opt: opt, at: position{Settings: opt.Settings, Deterministic: strconv.FormatBool(t.deterministic()), Devices: t.opt.Devices}}
	start := time.Now()
	done, err := r.open(ctx)
	if err != nil {
		return nil, err
	}
	defer r.close()
	out := &Outcome{Resumed: t.step}
	if !done {
		r.measurePeak(ctx)
		r.saved = time.Now()
		if err := r.epochs(ctx); err != nil {
			return nil, err
		}
	}
	out.Best, out.Steps, out.Skipped, out.Already, out.Duration = r.at.Best, t.step, r.at.Skipped, done, time.Since(start)
	return out, r.close()
}

func (r *run) path(name string) string { return filepath.Join(r.opt.Dir, name) }

func (r *run) epochs(ctx context.Context) error {
	for r.at.Epoch < len(r.job.Steps) && !r.impatient() {
		if err := r.epoch(ctx); err != nil {
			return err
		}
	}
	if r.job.Judge == nil {
		if err := r.snapshot(LastFile); err != nil {
			return err
		}
	}
	r.at.Finished = true
	return r.finish()
}

// epoch trains one epoch from the position on and judges it.
func (r *run) epoch(ctx context.Context) error {
	batches, err := r.job.Batches(ctx, r.at.Epoch, r.at.Step)
	if err != nil {
		return err
	}
	defer batches.Close()
	steps := foreseen{next: batches.Next}
	if r.seen != nil {
		if err := r.seen.Begin(r.at.Epoch); err != nil {
			return err
		}
	}
	defer r.giveUp()
	r.meter.start(batches, r.t.compiling)
	for r.next() < r.job.Steps[r.at.Epoch] {
		if ctx.Err() != nil {
			return r.interrupted(ctx)
		}
		parts, err := steps.take()
		if err != nil {
			if ctx.Err() != nil {
				return r.interrupted(ctx)
			}
			return errors.Join(r.settle(), r.stepError(err))
		}
		if r.t.Ahead() > 0 && r.next()+1 < r.job.Steps[r.at.Epoch] {
			r.t.Send(steps.peek()...)
		}
		// A step that has begun is finished: nothing is lost when the run is interrupted.
		if err := r.step(context.WithoutCancel(ctx), parts); err != nil {
			return err
		}
	}
	judge := r.judge
	if r.job.Judge != nil {
		judge = r.judgeBy
	}
	if err := judge(ctx, batches.Wait()); err != nil {
		if ctx.Err() != nil {
			return r.interrupted(ctx)
		}
		return err
	}
	return r.save()
}

// judge ends an epoch: training accuracy, validation, BEST.pth and the reference's lines.
func (r *run) judge(ctx context.Context, wait time.Duration) error {
	accuracy := 0.0
	if r.at.Rows > 0 {
		accuracy = r.at.Right / float64(r.at.Rows)
	}
	text := fmt.Sprintf("\nEpoch %d: Train %0.2f\n", r.at.Epoch, accuracy*100)
	line := map[string]any{"epoch": r.at.Epoch, "train": accuracy, "data_wait_s": round(wait.Seconds())}
	if r.job.Validate != nil {
		valid, err := r.job.Validate(ctx, r.at.Epoch, r.t.Model())
		if err != nil {
			return err
		}
		better := valid > r.at.Best
		if better {
			r.at.Best = valid
			if err := r.snapshot(BestFile); err != nil {
				return err
			}
		}
		text += fmt.Sprintf("Epoch %d: Valid %0.2f\n", r.at.Epoch, valid*100) + fmt.Sprintf("Epoch %d: Best %0.2f\n", r.at.Epoch, r.at.Best*100)
		text += r.validated(better, line)
		line["valid"], line["best"] = valid, r.at.Best
	}
	return r.endEpoch(text, line, wait)
}

// impatient says whether too many epochs in a row were no better.
func (r *run) impatient() bool { return r.opt.Patience > 0 && r.at.NotBetter >= r.opt.Patience }

// validated counts epochs in a row that were not better, and says in log.log and in the epoch's line of metrics.jsonl that the run
// ends early where that is so.
func (r *run) validated(better bool, line map[string]any) string {
	if r.at.NotBetter++; better {
		r.at.NotBetter = 0
	}
	if !r.impatient() || r.at.Epoch+1 == len(r.job.Steps) {
		return ""
	}
	line["stopped"] = true
	return fmt.Sprintf("Stopped after epoch %d: the validation was no better for %d in a row\n", r.at.Epoch, r.at.NotBetter)
}

// endEpoch logs what came out of an epoch and goes to the next.
func (r *run) endEpoch(text string, line map[string]any, wait time.Duration) error {
	if _, err := r.log.WriteString(text); err != nil {
		return fmt.Errorf("train: %w; make room there, --resume goes on from the last saved state", err)
	}
	fmt.Fprint(r.opt.Out, text)
	fmt.Fprintf(r.opt.Log, "data wait %.1f s in epoch %d\n", wait.Seconds(), r.at.Epoch)
	if err := r.writeLine(line); err != nil {
		return err
	}
	r.at.Epoch, r.at.Step, r.at.Right, r.at.Rows, r.at.Sums = r.at.Epoch+1, 0, 0, 0, nil
	return nil
}

// interrupted saves before the run ends early.
func (r *run) interrupted(ctx context.Context) error {
	err := r.settle()
	if err == nil {
		err = r.save()
	}
	if err != nil {
		return errors.Join(ctx.Err(), err)
	}
	return fmt.Errorf("%w after step %d; its state is saved", ErrInterrupted, r.t.step)
}

func round(x float64) float64 { return math.Round(x*1000) / 1000 }
