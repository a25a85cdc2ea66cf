//go:build cgo

package task

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/seed-516990b0/golxmert/lxmert/backend"
	"github.com/seed-516990b0/golxmert/lxmert/backend/backendtest"
)

// TestBothKindsTrainByTensorFloat32 on what programs take for a GPU, and say of the processor that it has none. Runs with and without
// it are two runs.
func TestBothKindsTrainByTensorFloat32(t *testing.T) {
	for _, b := range []*backend.Backend{backendtest.Open(t, "cpu"), backendtest.AsCUDA(t)} {
		for task, o := range kinds(t) {
			if b.Kind == backend.KindCUDA && task.Pretrains {
				continue // compiling all of its heads so takes long
			}
			t.Run(string(b.Kind)+"/"+task.Name, func(t *testing.T) {
				var notes strings.Builder
				o.Output, o.Notes, o.MaxSteps, o.Valid, o.TF32 = t.TempDir(), &notes, 1, nil, true
				if _, err := Train(t.Context(), b, task, o); err != nil {
					t.Fatal(err)
				}
				onCPU := b.Kind != backend.KindCUDA
				if said := strings.Contains(notes.String(), backend.TF32IsForGPUs); said != onCPU || strings.Contains(notes.String(), "no mfu") {
					t.Errorf("it says\n%s", &notes)
				}
				text, err := os.ReadFile(filepath.Join(o.Output, "run.json"))
				if err != nil || !strings.Contains(string(text), `"tf32": true`) {
					t.Errorf("run.json is %s, %v", text, err)
				}
				o.Resume, o.TF32 = true, false
				if _, err := Train(t.Context(), b, task, o); err == nil || !strings.Contains(err.Error(), `tf32 "true"`) {
					t.Errorf("a run that began with TensorFloat-32 goes on without it: %v", err)
				}
			})
		}
	}
}
