package backend

import "github.com/seed-516990b0/golxmert/lxmert/internal/devicememory"

// Memory is what there is of a device's memory, in bytes.
type Memory = devicememory.Use

// Memory asks the plugin about its devices' memory: of several, it is that of the one that has the most in use. ok is false where
// the plugin does not say; for the processor none does.
func (b *Backend) Memory() (m Memory, ok bool) {
	return devicememory.Of(b.Backend, len(b.Devices))
}
