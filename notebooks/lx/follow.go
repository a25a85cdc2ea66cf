package lx

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"github.com/seed-516990b0/golxmert/kernel/client"
)

// Follow shows a run from its beginning, and what happens until it ends: progress, loss, scores.
//
// Interrupting the cell stops the run after its step, with its state saved; [Resume] goes on with it. When the cell ends
// otherwise, because the kernel is restarted or the notebook closed, the run goes on in the session, and Follow shows it
// again from another cell. A run that has failed, was stopped, or is lost ends the cell as failed, with a line that says how
// to go on.
//
// A folder in which a run was started elsewhere, by [Program] or in a terminal, is shown by its files.
//
// Of the [Trials] of a sweep it shows a table and the curves of all, until the last has ended, and returns the best run, which
// [Evaluate] takes. Runs that fail are named, and the others go on.
func Follow[R AnyRun | Trials](run R) Run {
	var r Run
	switch x := any(run).(type) {
	case Trials:
		return followTrials(x)
	case Run:
		r = Run{ID: x.ID, Output: x.Output}
	case string:
		r = Run{ID: x, Output: Must(filepath.Abs(x))}
	}
	known, err := cell().Run(cell().ctx, r.ID)
	if errors.Is(err, client.ErrNotFound) && isRunFolder(r.Output) {
		return must(followFolder(cell().ctx, newLive(folderRun(r.Output)), restartGrace))
	}
	r, err = follow(cell().ctx, cell().Client, newLive(must(known, err)), restartGrace)
	cell().ended.Store(r.ID, true)
	if err != nil {
		fail(err)
	}
	return r
}

// restartGrace is how long an interrupt waits before it stops the run. Jupyter interrupts a cell before it restarts or ends its
// kernel, which then ends this process within milliseconds; that is not a wish to stop the run.
const restartGrace = time.Second

func follow(ctx context.Context, c *client.Client, l *live, grace time.Duration) (Run, error) {
	r := l.run
	whole := context.WithoutCancel(ctx) // what is asked after an interrupt, too
	err := watch(ctx, grace, func(ctx context.Context) error { return c.Follow(ctx, r.ID, l.see) }, func(ctx context.Context) error {
		_, err := c.Stop(ctx, r.ID)
		return err
	})
	last, gone := c.Run(whole, r.ID)
	if gone == nil {
		r = last
	}
	l.finish(r)
	if err != nil && !r.State.Ended() {
		return r, err
	}
	return r, outcome(r, ctx.Err() != nil)
}

// watch sees runs to their end. When ctx is cancelled, and this process is still there after the grace, it stops them.
func watch(ctx context.Context, grace time.Duration, see, stop func(context.Context) error) error {
	whole, leave := context.WithCancel(context.WithoutCancel(ctx))
	defer leave()
	ended := make(chan error, 1)
	go func() { ended <- see(whole) }()
	select {
	case err := <-ended:
		return err
	case <-ctx.Done():
	}
	askForTime()
	remark("Follow: interrupted: the run stops after its current step and is saved")
	select {
	case err := <-ended:
		return err
	case <-time.After(grace):
	}
	err := stop(whole)
	if err != nil {
		leave()
	}
	return errors.Join(err, <-ended)
}

// askForTime tells the kernel that there is something to wait for although the cell was interrupted: a run that saves its
// state may take longer than a cell usually has. Without this project's kernel there is nobody to tell.
func askForTime() {
	if path := os.Getenv(client.SavingEnv); path != "" {
		os.WriteFile(path, nil, 0o600) // if it fails, the run is saved all the same
	}
}

// outcome is an error for a run that did not come to its end, with what to do.
func outcome(r Run, interrupted bool) error {
	who := fmt.Sprintf("run %s in %s", r.ID, shortPath(r.Output))
	further := fmt.Sprintf("lx.Follow(lx.Resume(%q)) goes on with it", handle(r))
	if r.Again != "" {
		further += ", in a terminal: " + r.Again
	}
	switch r.State {
	case client.Failed:
		return fmt.Errorf("%s failed: %s", who, r.Error)
	case client.Lost:
		return fmt.Errorf("%s is lost: %s; what it had saved is there, and %s", who, r.Error, further)
	case client.Stopped:
		if interrupted {
			who = "interrupted: " + who
		}
		return fmt.Errorf("%s is at a stop: %s; %s", who, r.Error, further)
	}
	return nil
}

// handle is what a later cell can name a run by: its folder, or the id of a prediction, which shares the folder of the
// run whose weights it takes.
func handle(r Run) string {
	if slices.ContainsFunc(r.Args, func(a string) bool { return a == "--test" || strings.HasPrefix(a, "--test=") }) {
		return r.ID
	}
	return shortPath(r.Output)
}

// shortPath is a path relative to the working directory, if it is below it.
func shortPath(path string) string {
	here, err := os.Getwd()
	if err != nil {
		return path
	}
	if short, err := filepath.Rel(here, path); err == nil && filepath.IsLocal(short) {
		return short
	}
	return path
}
