package client

import (
	"context"
	"fmt"
	"net/url"
	"time"

	"github.com/seed-516990b0/golxmert/kernel/internal/wire"
)

// Value is something that the session keeps by name, as bytes that only its owner understands.
type Value struct {
	Name string `json:"name"`
	// Type says what the bytes are, and Source what they were made from, a hash for instance: who gets a value compares
	// both, and makes it anew where they differ. Each has at most 1000 bytes.
	Type   string    `json:"type"`
	Source string    `json:"source"`
	Size   int64     `json:"size"` // bytes
	Kept   time.Time `json:"kept"`
	Data   []byte    `json:"-"` // of Get and Put; List leaves it out
}

// Put keeps a value, in place of another of its name, until the session ends. Name and Data are needed; Size and Kept are
// the session's. The error wraps [ErrFull] where the memory limit leaves no room.
func (c *Client) Put(ctx context.Context, v Value) error {
	b := &body{data: v.Data, kind: "application/octet-stream", header: map[string]string{
		wire.TypeHeader: wire.HeaderText(v.Type), wire.SourceHeader: wire.HeaderText(v.Source),
	}}
	return c.callJSON(ctx, "PUT", valuePath(v.Name), b, nil)
}

// Get returns a value. The error wraps [ErrNotFound] if there is none of that name.
func (c *Client) Get(ctx context.Context, name string) (Value, error) {
	r, err := c.call(ctx, "GET", valuePath(name), nil)
	if err != nil {
		return Value{}, err
	}
	defer r.body.Close()
	data, err := c.read(ctx, r)
	if err != nil {
		return Value{}, err
	}
	v := Value{Name: name, Size: int64(len(data)), Data: data}
	if v.Type, err = wire.HeaderValue(r.header.Get(wire.TypeHeader)); err == nil {
		v.Source, err = wire.HeaderValue(r.header.Get(wire.SourceHeader))
	}
	if err == nil {
		v.Kept, err = time.Parse(time.RFC3339Nano, r.header.Get(wire.ModifiedHeader))
	}
	if err != nil {
		return Value{}, fmt.Errorf("session: the value %q: %w", name, err)
	}
	return v, nil
}

// Delete forgets a value, if there is one of that name.
func (c *Client) Delete(ctx context.Context, name string) error {
	return c.callJSON(ctx, "DELETE", valuePath(name), nil, nil)
}

// List lists the values in alphabetical order, without their data.
func (c *Client) List(ctx context.Context) ([]Value, error) {
	var values []Value
	return values, c.getJSON(ctx, "/values", &values)
}

func valuePath(name string) string { return "/values/" + url.PathEscape(name) }
