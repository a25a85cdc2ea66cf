package client

import "context"

// Draw has the session draw: order is what display.Order encodes, the answer what display.DecodeDrawn reads. Pictures that
// an order names by a file are read by the session, so the names must be absolute.
func (c *Client) Draw(ctx context.Context, order []byte) (drawn []byte, err error) {
	r, err := c.call(ctx, "POST", "/draw", &body{data: order, kind: "application/octet-stream"})
	if err != nil {
		return nil, err
	}
	defer r.body.Close()
	return c.read(ctx, r)
}
