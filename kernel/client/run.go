package client

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/url"
	"time"

	"github.com/seed-516990b0/golxmert/kernel/internal/wire"
)

// State is where a run stands.
type State string

const (
	Queued  State = "queued"  // another run is under way
	Running State = "running" //
	Done    State = "done"    // it came to its end
	Stopped State = "stopped" // it was interrupted, and what it had reached is saved
	Failed  State = "failed"  // an error ended it
	Lost    State = "lost"    // the session ended while it ran; what was last saved is there
)

// Ended says that a run in this state does nothing more unless it is resumed.
func (s State) Ended() bool { return s != Queued && s != Running }

// Run is a run of pre-training or fine-tuning, or a prediction with --test.
type Run struct {
	ID     string   `json:"id"`
	Task   string   `json:"task"`            // vqa, gqa, nlvr2 or pretrain
	Args   []string `json:"args"`            // the flags, as on the command line
	Folder string   `json:"folder"`          // that relative names in the flags are relative to
	Output string   `json:"output"`          // folder of its files, absolute
	Point  []string `json:"point,omitempty"` // of a sweep's run: the settings that it does not share with all others, "lr=1e-5"
	State  State    `json:"state"`
	Error  string   `json:"error,omitempty"` // why it failed, stopped, or is lost
	// Again is the command line that goes on with a run which was stopped or lost, for a terminal; [Client.Resume] does the
	// same.
	Again    string    `json:"again,omitempty"`
	Notebook string    `json:"notebook,omitempty"` // that started it
	Created  time.Time `json:"created"`
	Started  time.Time `json:"started,omitzero"` // the last time
	Ended    time.Time `json:"ended,omitzero"`
	Progress *Progress `json:"progress,omitempty"` // the last that is known
	Result   *Result   `json:"result,omitempty"`   // of a run that is done
}

// Progress is how far a run is.
type Progress struct {
	Phase    string  `json:"phase"` // "training", "validating", "predicting" or "packing features, MB"
	Done     int     `json:"done"`  // steps of the epoch, or questions
	Total    int     `json:"total"`
	Epoch    int     `json:"epoch"` // from 0
	Epochs   int     `json:"epochs,omitempty"`
	Loss     float64 `json:"loss,omitempty"`     // smoothed
	Accuracy float64 `json:"accuracy,omitempty"` // of this epoch so far, in percent
	Rate     float64 `json:"rate,omitempty"`     // examples per second
	Noun     string  `json:"noun,omitempty"`     // what the task's examples are, "questions"
	Left     float64 `json:"left,omitempty"`     // seconds to the end of the run
}

// Result is what came out.
type Result struct {
	Steps   int     `json:"steps,omitempty"`   // of training, in all
	Skipped int     `json:"skipped,omitempty"` // of these, that were not finite
	Best    float64 `json:"best,omitempty"`    // best validation score, 0 to 1
	// BestLoss is the least validation loss, of pre-training, which has it instead of a score.
	BestLoss float64 `json:"best_loss,omitempty"`
	Already  bool    `json:"already,omitempty"` // the folder held this run, finished; nothing was done
	Seconds  float64 `json:"seconds"`
	Scored   []Score `json:"scored,omitempty"` // of --test
}

// Score is what came out for one split.
type Score struct {
	Splits    []string `json:"splits"`
	File      string   `json:"file"` // the predictions
	Questions int      `json:"questions"`
	Score     *float64 `json:"score,omitempty"` // 0 to 1; nil where the answers are not known
	Kinds     []Kind   `json:"kinds,omitempty"` // by question type
}

// Kind is what came out for the questions of one type.
type Kind struct {
	Name      string  `json:"name"`
	Questions int     `json:"questions"`
	Score     float64 `json:"score"` // 0 to 1
}

// Event is something that happened to a run. Exactly one of the fields below Time is set.
type Event struct {
	// Seq counts the events of a run from 1. Progress has none: only the last is kept.
	Seq  int64     `json:"seq,omitempty"`
	Time time.Time `json:"time"`

	State    State           `json:"state,omitempty"`    // the run's new state; the run itself has the rest
	Run      *Run            `json:"run,omitempty"`      // beside State
	Line     *string         `json:"line,omitempty"`     // printed by the run, without the line's end
	Progress *Progress       `json:"progress,omitempty"` //
	Metrics  json.RawMessage `json:"metrics,omitempty"`  // a line of metrics.jsonl: {"step", "epoch", "loss", "lr", …} or {"epoch", "train", "valid", "best"}
}

// StartRun starts a run in the session: task is vqa, gqa, nlvr2 or pretrain, args are the flags of the command line, and relative
// names in them are relative to the working directory. "toy" as the name of weights, of --data, --config or --vocab is
// the built-in world's. Runs take turns; see [Client.Follow] for how it goes. Errors in the flags wrap [ErrUsage], a
// folder that holds a run already is [ErrExists].
func (c *Client) StartRun(ctx context.Context, task string, args []string) (Run, error) {
	b, err := jsonBody(Run{Task: task, Args: args, Folder: c.folder})
	if err != nil {
		return Run{}, err
	}
	var r Run
	return r, c.callJSON(ctx, "POST", "/runs", b, &r)
}

// Runs lists the runs that the session knows, those of earlier sessions too, the latest first.
func (c *Client) Runs(ctx context.Context) ([]Run, error) {
	var runs []Run
	return runs, c.getJSON(ctx, "/runs", &runs)
}

// Run returns a run by its id, or by the folder of its files ("snap/vqa/x"): of several in one folder the latest that
// trains, else the latest prediction. The error wraps [ErrNotFound] if there is none.
func (c *Client) Run(ctx context.Context, id string) (Run, error) {
	var r Run
	return r, c.getJSON(ctx, c.runPath(id, ""), &r)
}

// Resume goes on with a run that was stopped, lost or failed, from what was last saved, to the very same end as if it had
// never stopped (on a GPU with --deterministic among its flags). One that was told to stop and is still at its last step is
// waited for. A run that is under way, or done, is left alone.
func (c *Client) Resume(ctx context.Context, id string) (Run, error) {
	var r Run
	return r, c.callJSON(ctx, "POST", c.runPath(id, "/resume"), nil, &r)
}

// Stop interrupts a run after its current step, waits until its state is saved, and returns the run as it is then.
func (c *Client) Stop(ctx context.Context, id string) (Run, error) {
	var r Run
	return r, c.callJSON(ctx, "POST", c.runPath(id, "/stop"), nil, &r)
}

// runPath names a run to the session, which knows whether it is an id or a folder.
func (c *Client) runPath(id, part string) string {
	return "/runs/" + url.PathEscape(id) + part + "?in=" + url.QueryEscape(c.folder)
}

// Follow calls see with everything that has happened to a run since its beginning, and then with what happens, until the
// run ends; the last event has its final State. It returns see's error, or one that wraps [ErrDied] when the session ends
// before the run. Who stops following does not stop the run: [Client.Attach] does.
func (c *Client) Follow(ctx context.Context, id string, see func(Event) error) error {
	return c.follow(ctx, id, "", see)
}

// Attach is Follow by the one who answers for the run: if ctx is cancelled, or this process dies, the run is stopped
// after its current step, with its state saved.
func (c *Client) Attach(ctx context.Context, id string, see func(Event) error) error {
	return c.follow(ctx, id, "&attach=1", see)
}

func (c *Client) follow(ctx context.Context, id, query string, see func(Event) error) error {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	r, err := c.call(ctx, "GET", c.runPath(id, "/events")+query, nil)
	if err != nil {
		return err
	}
	defer r.body.Close()
	lines := bufio.NewReader(r.body)
	for {
		line, err := lines.ReadBytes('\n')
		if err != nil {
			if ctx.Err() != nil {
				return ctx.Err()
			}
			if errors.Is(err, io.EOF) {
				err = errors.New("the stream of events has no end")
			}
			return fmt.Errorf("%w; what the run has saved is there: Resume goes on with it", c.died(err))
		}
		if line = bytes.TrimSpace(line); len(line) == 0 {
			continue // a sign of life
		}
		var e Event
		if err := json.Unmarshal(line, &e); err != nil {
			return fmt.Errorf("session: an event of run %s: %w", id, err)
		}
		if e.State == wire.EndOfEvents {
			return nil
		}
		if err := see(e); err != nil {
			return err
		}
	}
}
