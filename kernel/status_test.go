package main

import (
	"strings"
	"testing"

	"github.com/seed-516990b0/golxmert/kernel/client"
)

func TestStatusNamesAGPUsMemoryWhereItIsKnown(t *testing.T) {
	for text, s := range map[string]client.Status{
		"1 MB of the GPU's memory in use, 3 at most so far, of 2048": {Device: client.DeviceMemory{InUse: 1 << 20, Peak: 3 << 20, Limit: 2 << 30}},
		"": {},
	} {
		var out strings.Builder
		if err := printStatus(&out, s); err != nil {
			t.Fatal(err)
		}
		if has := strings.Contains(out.String(), "\ndevice "); has != (text != "") || !strings.Contains(out.String(), text) {
			t.Errorf("want %q:\n%s", text, out.String())
		}
	}
}
