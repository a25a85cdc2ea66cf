package session

import (
	"maps"
	"slices"
	"sync"
	"time"

	"github.com/seed-516990b0/golxmert/kernel/client"
	"github.com/seed-516990b0/golxmert/kernel/internal/wire"
)

// values are what cells have kept by name.
type values struct {
	memory *memory

	mu     sync.Mutex
	byName map[string]client.Value
}

func newValues(m *memory) *values { return &values{memory: m, byName: map[string]client.Value{}} }

const (
	maxName = 200  // bytes of a value's name
	maxNote = 1000 // bytes of its type, and of its source
	maxKept = 10_000
	// overhead is what a value takes beside its data.
	overhead = 4096
)

// put keeps a value. Its data must not be changed afterwards.
func (v *values) put(x client.Value) error {
	switch {
	case x.Name == "" || len(x.Name) > maxName:
		return &wire.Fault{Kind: wire.Usage, Message: "session: the name of a value has 1 to 200 bytes"}
	case len(x.Type) > maxNote || len(x.Source) > maxNote:
		return &wire.Fault{Kind: wire.Usage, Message: "session: the type and the source of a value have at most 1000 bytes"}
	}
	x.Size, x.Kept = int64(len(x.Data)), time.Now()
	if err := v.memory.take(x.Size+overhead, "the value "+x.Name); err != nil {
		return err
	}
	v.mu.Lock()
	defer v.mu.Unlock()
	old, replaced := v.byName[x.Name]
	if !replaced && len(v.byName) >= maxKept {
		v.memory.give(x.Size + overhead)
		return &wire.Fault{Kind: wire.Full, Message: "session: 10000 values are kept already; delete some"}
	}
	if replaced {
		v.memory.give(old.Size + overhead)
	}
	v.byName[x.Name] = x
	return nil
}

func (v *values) get(name string) (client.Value, bool) {
	v.mu.Lock()
	defer v.mu.Unlock()
	x, ok := v.byName[name]
	return x, ok
}

func (v *values) delete(name string) {
	v.mu.Lock()
	defer v.mu.Unlock()
	if old, ok := v.byName[name]; ok {
		delete(v.byName, name)
		v.memory.give(old.Size + overhead)
	}
}

// list returns all values without their data.
func (v *values) list() []client.Value {
	v.mu.Lock()
	defer v.mu.Unlock()
	list := []client.Value{}
	for _, name := range slices.Sorted(maps.Keys(v.byName)) {
		x := v.byName[name]
		x.Data = nil
		list = append(list, x)
	}
	return list
}
