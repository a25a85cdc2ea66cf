package backend

import (
	"context"
	"errors"
	"fmt"
	"io"
)

// GPU says whether this machine has an NVIDIA GPU, and how that is known.
func GPU(ctx context.Context) (found bool, how string) { return thisMachine().findGPU(ctx) }

// Check tries a plugin in a child process (see [MaybeProbe]) and says what is wrong with it. [List] and [Open] rely on what
// they once found; Check does not, and makes them forget a plugin that has failed.
func Check(ctx context.Context, path string) error { return thisMachine().check(ctx, path) }

func (m *machine) check(ctx context.Context, path string) error {
	err := m.checkFile(path)
	if err == nil && m.probe != nil {
		if r := m.probe(ctx, path); r.Err != "" {
			err = errors.New(r.Err)
		}
	}
	if err != nil {
		m.forget(path)
	}
	return err
}

// Ready says, with [Open]'s error, that this machine does not have what spec asks for. It opens nothing in this process,
// trying plugins in child processes (see [MaybeProbe]): for programs that have something long to do before they open a backend.
func Ready(ctx context.Context, spec string) error { return thisMachine().ready(ctx, spec) }

func (m *machine) ready(ctx context.Context, spec string) error {
	r, err := m.request(spec)
	switch {
	case err != nil || r.kind == KindGo || r.kind == KindAuto:
		return err
	case r.path != "":
		if why := m.try(ctx, candidate{kind: r.kind, path: r.path}); why != "" {
			return m.withoutGPU(ctx, r, fmt.Errorf("XLA plugin %s does not work: %s", r.path, why))
		}
		return nil
	}
	hasGPU, gpu := m.findGPU(ctx)
	none, err := m.pick(ctx, r, hasGPU, gpu, io.Discard, func(candidate) error { return nil })
	if err != nil || none == nil {
		return err
	}
	return none.err(r)
}
