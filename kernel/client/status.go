package client

import (
	"context"
	"errors"
	"fmt"
	"io"
	"time"
)

// Status is what a session is doing.
type Status struct {
	Hello
	Backend   string         `json:"backend,omitempty"` // what computes, in one line; "": not opened yet
	Memory    int64          `json:"memory"`            // bytes of models, kept values and training
	Limit     int64          `json:"limit"`             // bytes that these may take
	Resident  int64          `json:"resident"`          // bytes of the process in RAM; 0: not known
	Device    DeviceMemory   `json:"device"`
	Models    []OpenModel    `json:"models"`
	Runs      []Run          `json:"runs"`   // that have not ended
	Values    int            `json:"values"` // number of kept values
	Working   []string       `json:"working"`
	Waiting   map[string]int `json:"waiting"` // calls in the queue, by notebook
	Idle      time.Duration  `json:"idle"`    // since the last call or run ended
	IdleLimit time.Duration  `json:"idle_limit"`
	Outdated  bool           `json:"outdated"` // its program was replaced: it ends as soon as it has nothing to do
}

// DeviceMemory is a GPU's memory, in bytes; of several, that of the one that has the most in use. All are 0 where it is not known, as
// that of the processor, which is the process's.
type DeviceMemory struct {
	InUse int64 `json:"in_use"`
	Peak  int64 `json:"peak"`  // the most that was in use
	Limit int64 `json:"limit"` // the most that can be
}

// OpenModel is a model that a session holds.
type OpenModel struct {
	Weights string    `json:"weights"`
	DType   string    `json:"dtype"`
	Bytes   int64     `json:"bytes"` // on the device
	Used    time.Time `json:"used"`  // the last time
	Users   int       `json:"users"` // calls that use it at the moment
}

// Status asks what the session is doing.
func (c *Client) Status(ctx context.Context) (Status, error) {
	var s Status
	return s, c.getJSON(ctx, "/status", &s)
}

// Shutdown ends the session: runs are stopped after their current step, with their state saved. It returns when the
// session has ended. A session of another build, of which [Dial] says [ErrVersion], can be ended, too.
func (c *Client) Shutdown(ctx context.Context) error {
	h, err := c.hello(ctx)
	if err != nil && !errors.Is(err, ErrVersion) {
		return err
	}
	if err := c.callJSON(ctx, "POST", "/shutdown", nil, nil); err != nil {
		return err
	}
	return c.waitGone(ctx, h.PID)
}

// Logs writes the last bytes of the session's log, at most this many, from the beginning of a line.
func (c *Client) Logs(ctx context.Context, w io.Writer, bytes int64) error {
	r, err := c.call(ctx, "GET", fmt.Sprintf("/logs?bytes=%d", bytes), nil)
	if err != nil {
		return err
	}
	defer r.body.Close()
	text, err := c.read(ctx, r)
	if err != nil {
		return err
	}
	_, err = w.Write(text)
	return err
}
