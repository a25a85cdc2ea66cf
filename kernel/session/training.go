package session

import (
	"errors"
	"fmt"

	"github.com/seed-516990b0/golxmert/kernel/client"
	"github.com/seed-516990b0/golxmert/kernel/internal/wire"
	"github.com/seed-516990b0/golxmert/lxmert/backend"
	"github.com/seed-516990b0/golxmert/lxmert/dataset"
	"github.com/seed-516990b0/golxmert/lxmert/task"
)

// reserve takes the memory that a run is going to need, so that it is refused before it starts and not in the middle of
// it. give must follow. A run whose sizes cannot be read takes nothing: it says itself what is wrong. On a GPU nothing is
// taken, as the session's limit is about the machine's memory.
func (s *runs) reserve(kind backend.Kind, info client.Run, t *dataset.Task, o task.Options) (give func(), err error) {
	none := func() {}
	if kind == backend.KindCUDA {
		return none, nil
	}
	n, err := task.Memory(t, o)
	if err != nil {
		return none, nil
	}
	if err := s.memory.take(n, fmt.Sprintf("run %s with batches of %d", info.ID, o.BatchSize)); err != nil {
		var f *wire.Fault
		if errors.As(err, &f) && o.Test == "" {
			err = &wire.Fault{Kind: f.Kind, Message: f.Message + "; a smaller --batchSize, or the same in parts (--accumulate 4), takes less"}
		}
		return nil, err
	}
	return func() { s.memory.give(n) }, nil
}
