package client

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"

	"github.com/seed-516990b0/golxmert/kernel/internal/wire"
)

// Reply is a line of an answer that takes long: how far it is, or at last what was found or why nothing was.
type Reply struct {
	What   string          `json:"what,omitempty"`
	Done   int             `json:"done,omitempty"`
	Total  int             `json:"total,omitempty"`
	Fault  *wire.Fault     `json:"fault,omitempty"`
	Result json.RawMessage `json:"result,omitempty"`
}

// wait makes a call whose answer is lines of [Reply], tells progress how it goes, and returns the result.
func (c *Client) wait(ctx context.Context, path string, call any, progress func(what string, done, total int)) (json.RawMessage, error) {
	b, err := jsonBody(call)
	if err != nil {
		return nil, err
	}
	r, err := c.call(ctx, "POST", path, b)
	if err != nil {
		return nil, err
	}
	defer r.body.Close()
	lines := bufio.NewReader(r.body)
	for {
		line, err := lines.ReadBytes('\n')
		if err != nil {
			if ctx.Err() != nil {
				return nil, ctx.Err()
			}
			if errors.Is(err, io.EOF) {
				err = errors.New("its answer to " + path + " has no end")
			}
			return nil, c.died(err)
		}
		var e Reply
		if err := json.Unmarshal(line, &e); err != nil {
			return nil, fmt.Errorf("session: its answer to %s: %w", path, err)
		}
		switch {
		case e.Fault != nil:
			return nil, asError(e.Fault)
		case e.Result != nil:
			return e.Result, nil
		case progress != nil:
			progress(e.What, e.Done, e.Total)
		}
	}
}
