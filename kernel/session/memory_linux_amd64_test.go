//go:build cgo

package session

import (
	"testing"

	"github.com/seed-516990b0/golxmert/kernel/client"
	"github.com/seed-516990b0/golxmert/lxmert/backend/backendtest"
)

func TestStatusHasTheMemoryOfDevicesThatSay(t *testing.T) {
	if m := (&compute{}).memory(); m != (client.DeviceMemory{}) {
		t.Errorf("before a backend is open: %+v", m)
	}
	t.Setenv(backendtest.Memory, "1000000")
	if m := (&compute{backend: backendtest.AsCUDA(t)}).memory(); m.Limit != 1000000 {
		t.Errorf("of a device that has 1 MB: %+v", m)
	}
	if m := (&compute{backend: backendtest.Open(t, "cpu")}).memory(); m != (client.DeviceMemory{}) {
		t.Errorf("of the processor: %+v", m)
	}
}
