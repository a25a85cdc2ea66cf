package lx

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/signal"
	"strings"
	"sync"

	"github.com/seed-516990b0/golxmert/kernel/client"
)

// cell is what this program, the cell, has: its connection, and the context that ends when the cell is interrupted. A
// signal that ends the program, as when the kernel is restarted, is not an interrupt: see [Follow].
var cell = sync.OnceValue(func() *connection {
	ctx, _ := signal.NotifyContext(context.Background(), os.Interrupt)
	c, err := client.Dial(ctx, client.Options{Log: os.Stderr})
	if err != nil {
		fail(fmt.Errorf("the session cannot be reached: %w", err))
	}
	return &connection{ctx: ctx, Client: c}
})

type connection struct {
	ctx context.Context
	*client.Client
	ended sync.Map // ids of runs that the cell has followed to their end
}

// followed says whether the cell has shown how a run ended.
func (c *connection) followed(id string) bool {
	_, ok := c.ended.Load(id)
	return ok
}

// exit ends the cell. Tests replace it.
var exit = os.Exit

// fail prints an error as one line and ends the cell as failed. The kernel shows the last line that begins like this as
// the cell's error.
func fail(err error) {
	text := oneLine(err.Error())
	if errors.Is(err, context.Canceled) {
		text = "interrupted"
	}
	fmt.Fprintln(os.Stderr, "lx: "+text)
	exit(1)
}

// remark prints a line that is not an error.
func remark(format string, args ...any) {
	fmt.Fprintln(os.Stderr, "lx."+oneLine(fmt.Sprintf(format, args...)))
}

// oneLine puts the lines of a text one after another.
func oneLine(text string) string {
	return strings.Join(strings.FieldsFunc(text, func(r rune) bool { return r == '\n' || r == '\r' }), "; ")
}

// must hands on a value, or fails.
func must[T any](v T, err error) T {
	if err != nil {
		fail(err)
	}
	return v
}
