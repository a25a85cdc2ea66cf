package backend

import (
	"context"
	"errors"
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
