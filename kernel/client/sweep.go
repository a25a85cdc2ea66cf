package client

import "context"

// Trials are the runs of a sweep: a task with every combination of some values of its flags. They take turns, like all runs.
type Trials struct {
	Task string `json:"task"`
	// LossDecides: what validation gives is a loss, so the least is the best.
	LossDecides bool  `json:"loss_decides,omitempty"`
	Runs        []Run `json:"runs"`
}

// StartSweep starts the runs of a sweep: the flags are those of the command line, with --grid FLAG=VALUE,VALUE for each axis,
// and --output is the folder of all runs. Runs that are done are left alone, those that were interrupted or failed go on, and
// those that are under way do. Errors in the flags wrap [ErrUsage], and then no run has begun.
func (c *Client) StartSweep(ctx context.Context, task string, args []string) (Trials, error) {
	b, err := jsonBody(Run{Task: task, Args: args, Folder: c.folder})
	if err != nil {
		return Trials{}, err
	}
	var t Trials
	return t, c.callJSON(ctx, "POST", "/sweeps", b, &t)
}
