package train

import (
	"errors"
	"fmt"
	"os"

	"github.com/seed-516990b0/golxmert/lxmert/dynamics"
)

// This file keeps what a run sees of each example, see package dynamics.

// Dynamics says of which examples a run keeps what it sees. Its file is replaced when a run begins, and written in place whenever
// the state is saved, before that: what comes after the last state is written again by the run that is resumed.
type Dynamics struct {
	About dynamics.About // but for Epochs
	IDs   []string       // of all examples
	// Of gives for each row of a part the example's number among them, the probability of its label (NaN: it has none), and the
	// prediction's score.
	Of func(part Part, outputs []any) (examples []int, probabilities, scores []float32, err error)
}

// about is what the file says, of all epochs.
func (r *run) about() dynamics.About {
	about := r.job.Dynamics.About
	about.Epochs = len(r.job.Steps)
	return about
}

// openDynamics makes the file, or goes on with it. A run that goes on without one has seen nothing in the epochs before.
func (r *run) openDynamics(resuming bool) (err error) {
	if r.job.Dynamics == nil {
		return nil
	}
	path := r.path(dynamics.FileName)
	if resuming {
		r.seen, err = dynamics.Reopen(path, r.about(), r.job.Dynamics.IDs)
		if !errors.Is(err, os.ErrNotExist) {
			return err
		}
		fmt.Fprintf(r.opt.Log, "note: the run has no %s, so what it saw of each example is kept from here on\n", dynamics.FileName)
	}
	r.seen, err = dynamics.Create(path, r.about(), r.job.Dynamics.IDs)
	return err
}

// see records the examples of a part.
func (r *run) see(p Part, outputs []any) error {
	if r.seen == nil {
		return nil
	}
	examples, probabilities, scores, err := r.job.Dynamics.Of(p, outputs)
	if err != nil {
		return err
	}
	r.seen.Add(examples, probabilities, scores)
	return nil
}
