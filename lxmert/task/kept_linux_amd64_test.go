//go:build cgo

package task

import (
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"

	"github.com/seed-516990b0/golxmert/lxmert/backend/backendtest"
	"github.com/seed-516990b0/golxmert/lxmert/dataset"
)

// afterFirstStep are the calls from the end of the first step on, when parameters, what the optimizer keeps and pictures are on the
// device. A step ends with three numbers that are read: two losses and the gradients' squares.
func afterFirstStep(t *testing.T, calls backendtest.Calls) backendtest.Calls {
	t.Helper()
	numbers := 0
	for i, c := range calls {
		if c.What == backendtest.Read && c.Bytes == 4 {
			numbers++
		} else {
			numbers = 0
		}
		if numbers == 3 {
			return calls[i:]
		}
	}
	t.Fatal("no step was made")
	return nil
}

// TestARunWithKeptFeaturesIsTheSameAndSendsLittle trains on a plugin that counts what is sent.
func TestARunWithKeptFeaturesIsTheSameAndSendsLittle(t *testing.T) {
	b, since := backendtest.WatchedAsCUDA(t)
	const steps, batch = 6, 16
	ends, sent := map[string]string{}, map[string]int{}
	for _, keeps := range []string{"no", "yes", "auto"} {
		if keeps == "auto" {
			t.Setenv(backendtest.Memory, strconv.Itoa(1<<40))
		}
		o := kinds(t)[dataset.VQA]
		o.Output, o.BatchSize, o.MaxSteps, o.Valid, o.KeepFeatures = t.TempDir(), batch, steps, nil, keeps
		var notes strings.Builder
		o.Notes = &notes
		since()
		if _, err := Train(t.Context(), b, dataset.VQA, o); err != nil {
			t.Fatal(err)
		}
		if said := strings.Contains(notes.String(), "stay on the GPU"); said != (keeps != "no") {
			t.Errorf("with --keepFeatures %s the run says %q", keeps, notes.String())
		}
		_, sent[keeps] = afterFirstStep(t, since()).Count(backendtest.Upload)
		end, err := os.ReadFile(filepath.Join(o.Output, "LAST.pth"))
		if err != nil {
			t.Fatal(err)
		}
		ends[keeps] = string(end)
	}
	for _, keeps := range []string{"yes", "auto"} {
		if ends[keeps] != ends["no"] {
			t.Errorf("--keepFeatures %s: runs with features on the GPU and without end in different ways", keeps)
		}
		if most := 1000 * (steps - 1) * batch; sent[keeps] > most || sent["no"] < 2*sent[keeps] {
			t.Errorf("--keepFeatures %s: %d and, without features on the GPU, %d bytes are sent", keeps, sent[keeps], sent["no"])
		}
	}
}
