package lx

import (
	"bytes"
	"context"
	"encoding/gob"
	"encoding/json"
	"errors"
	"reflect"
	"runtime"

	"github.com/seed-516990b0/golxmert/kernel/client"
)

// Keep computes a value once. The session keeps it under its name, there for every later cell and notebook, until the
// session ends:
//
//	var rel = lx.Keep("rel", func() []analysis.Scores { … })
//
// It is computed anew when the source of the call has changed, or that of anything in the notebook that the call reaches:
// functions, variables, types, the imports that these use. Where that cannot be told, it is computed anew each time, which
// is said in a line: because the function uses variables of a function around it, or variables of the notebook that are
// assigned to, or whose address is taken, elsewhere than where they are declared. What lies outside of the notebook, such
// as a file that is read, does not count: [Forget] the value when that changes.
//
// Plain data is kept by value, as encoding/gob does it; models and runs as handles. A value that cannot be kept, for want
// of room for instance, is a line, too: the cell goes on with it.
func Keep[T any](name string, compute func() T) T {
	_, file, line, _ := runtime.Caller(1)
	source, err := sourceOf(file, line, name)
	if err != nil {
		remark("Keep: %q is computed anew each time: %v", name, err)
	}
	return must(keep(cell().ctx, cell(), name, source, compute))
}

// keeper is where values are kept, a session.
type keeper interface {
	get(name string) (client.Value, error)
	put(v client.Value) error
}

func (c *connection) get(name string) (client.Value, error) { return c.Get(c.ctx, name) }
func (c *connection) put(v client.Value) error              { return c.Put(c.ctx, v) }

// keep finds the value, or makes it. source "" is never found. The error is that the cell was interrupted.
func keep[T any](ctx context.Context, k keeper, name, source string, compute func() T) (value T, err error) {
	kind := reflect.TypeFor[T]().String()
	if source != "" {
		v, err := k.get(name)
		switch {
		case ctx.Err() != nil:
			return value, ctx.Err()
		case err == nil && v.Type == kind && v.Source == source:
			var b boxed[T]
			if err := gob.NewDecoder(bytes.NewReader(v.Data)).Decode(&b); err == nil {
				return b.Value, nil
			}
		case err != nil && !errors.Is(err, client.ErrNotFound):
			remark("Keep: %q is computed anew, as the session does not give it: %v", name, err)
		}
	}
	value = compute()
	var b bytes.Buffer
	if err := gob.NewEncoder(&b).Encode(boxed[T]{value}); err != nil {
		remark("Keep: %q is not kept, later cells compute it anew: %v; keep plain data, such as numbers, strings, slices, structs with exported fields, results", name, err)
		return value, nil
	}
	if err := k.put(client.Value{Name: name, Type: kind, Source: source, Data: b.Bytes()}); err != nil {
		remark("Keep: %q is not kept, later cells compute it anew: %v", name, err)
	}
	return value, nil
}

// boxed holds a value of any type, as encoding/gob loses its way with a pointer that encodes itself, such as a model, and
// refuses nil, where these are not part of a struct.
type boxed[T any] struct{ Value T }

// Forget lets the next [Keep] of a name compute it anew.
func Forget(name string) {
	if err := cell().Delete(cell().ctx, name); err != nil {
		fail(err)
	}
}

// GobEncode keeps a model as a handle: what to open.
func (m *Model) GobEncode() ([]byte, error) { return json.Marshal(m.Info().Spec) }

// GobDecode opens the model again, if it is not open.
func (m *Model) GobDecode(raw []byte) error {
	var spec Spec
	if err := json.Unmarshal(raw, &spec); err != nil {
		return err
	}
	opened, err := cell().Open(cell().ctx, spec)
	if err == nil {
		m.Model = opened
	}
	return err
}
