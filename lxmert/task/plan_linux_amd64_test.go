//go:build cgo

package task

import (
	"bytes"
	"errors"
	"path/filepath"
	"strings"
	"testing"

	"github.com/seed-516990b0/golxmert/internal/progress"
	"github.com/seed-516990b0/golxmert/lxmert/backend"
	"github.com/seed-516990b0/golxmert/lxmert/backend/backendtest"
	"github.com/seed-516990b0/golxmert/lxmert/dataset"
)

// TestAPlanSaysWhatEachDeviceGets: its rows, and memory for these, which on the processor is the machine's.
func TestAPlanSaysWhatEachDeviceGets(t *testing.T) {
	o := toyOptions(t)
	o.Valid, o.Epochs, o.BatchSize, o.Devices = nil, 1, 32, 2
	gpus, _, _ := backendtest.SeveralAsCUDA(t, 2)
	for _, c := range []struct {
		b       *backend.Backend
		devices int64 // whose memory is said
		where   string
	}{{backendtest.Open(t, "cpu,devices=2"), 2, " for parameters"}, {gpus, 1, " on each of 2 devices"}} {
		at := o
		s, err := newSession(c.b, dataset.VQA, &at)
		if err != nil {
			t.Fatal(err)
		}
		set, err := s.load(t.Context(), at.Train, 0)
		if err != nil {
			t.Fatal(err)
		}
		begin, err := s.begin(set)
		if err != nil {
			t.Fatal(err)
		}
		if err := errors.Join(begin.Close(), s.Close()); err != nil {
			t.Fatal(err)
		}
		at.BatchSize, at.Devices = 16, 1
		each := trainingBytes(begin.cfg, &at, 1)

		var out bytes.Buffer
		o.Out, o.Output = &out, filepath.Join(t.TempDir(), "planned")
		if err := Plan(t.Context(), c.b, dataset.VQA, o); err != nil {
			t.Fatal(err)
		}
		if line := planLine(t, out.String(), "steps"); !strings.HasSuffix(line, "of 32 questions each, 16 at a time on each of 2 devices\n") {
			t.Errorf("%s: %s", c.b.Kind, line)
		}
		if line, want := planLine(t, out.String(), "memory"), "about "+progress.Bytes(c.devices*each)+c.where; !strings.Contains(line, want) {
			t.Errorf("%s: %s, want %s", c.b.Kind, line, want)
		}
	}
}
