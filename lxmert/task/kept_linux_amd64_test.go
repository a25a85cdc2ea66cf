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
	"github.com/seed-516990b0/golxmert/lxmert/train"
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

// shortage takes the device's memory away once a run has said that features stay there, and gives it back when it says another thing.
type shortage struct {
	t    *testing.T
	said strings.Builder
}

func (s *shortage) Write(text []byte) (int, error) {
	memory := strconv.Itoa(1 << 40)
	if strings.Contains(string(text), "stay on the GPU") {
		memory = "1"
	}
	s.t.Setenv(backendtest.Memory, memory)
	return s.said.Write(text)
}

// TestARunSendsFeaturesThatTheGPUHasNoRoomForAfterAll, and is the same run.
func TestARunSendsFeaturesThatTheGPUHasNoRoomForAfterAll(t *testing.T) {
	b := backendtest.AsCUDA(t)
	ends := map[string]string{}
	for _, keeps := range []string{"no", "yes", "auto"} {
		t.Setenv(backendtest.Memory, strconv.Itoa(1<<40))
		o := kinds(t)[dataset.VQA]
		notes := &shortage{t: t}
		o.Output, o.BatchSize, o.MaxSteps, o.Valid, o.KeepFeatures, o.Notes = t.TempDir(), 16, 3, nil, keeps, notes
		if _, err := Train(t.Context(), b, dataset.VQA, o); err != nil {
			t.Fatal(err)
		}
		n := 0
		for line := range strings.Lines(notes.said.String()) {
			if strings.Contains(line, "sent with each step after all: the GPU's memory ran out") {
				n++
			}
		}
		if want := map[bool]int{true: 0, false: 1}[keeps == "no"]; n != want {
			t.Errorf("--keepFeatures %s: it says so %d times: %s", keeps, n, notes.said.String())
		}
		end, err := os.ReadFile(filepath.Join(o.Output, "LAST.pth"))
		if err != nil {
			t.Fatal(err)
		}
		ends[keeps] = string(end)
	}
	for _, keeps := range []string{"yes", "auto"} {
		if ends[keeps] != ends["no"] {
			t.Errorf("--keepFeatures %s: the run ends otherwise than one that sends features from the start", keeps)
		}
	}
}

// TestFeaturesAreKeptWhereStepsFitBesideThem and not where a byte is missing, after which the steps fit still.
func TestFeaturesAreKeptWhereStepsFitBesideThem(t *testing.T) {
	b := backendtest.AsCUDA(t)
	set := func(bytes int64) { t.Setenv(backendtest.Memory, strconv.FormatInt(bytes, 10)) }
	for name, c := range map[string]struct {
		keeps   string
		missing int64
		kept    bool
		fits    bool
	}{
		"enough":                    {"auto", 0, true, true},
		"a byte too little":         {"auto", 1, false, true},
		"asked for with too little": {"yes", 1, true, false},
	} {
		t.Run(name, func(t *testing.T) {
			set(1 << 40)
			o := kinds(t)[dataset.VQA]
			o.Output, o.KeepFeatures = t.TempDir(), c.keeps
			s, err := newSession(b, dataset.VQA, &o)
			if err != nil {
				t.Fatal(err)
			}
			defer s.Close()
			phases, err := s.phases(t.Context())
			if err != nil {
				t.Fatal(err)
			}
			begin, err := s.begin(phases[0].set)
			if err != nil {
				t.Fatal(err)
			}
			defer begin.Close()
			tr, err := s.trainer(t.Context(), begin, training{clip, warmup, true, s.objective()}, 1)
			if err != nil {
				t.Fatal(err)
			}
			defer tr.Close()
			batches := s.batches(t.Context(), phases[0], 0, []int{s.length(begin.cfg)})
			defer batches.Close()
			parts, err := batches.Next()
			if err != nil {
				t.Fatal(err)
			}
			steps, ok, err := tr.StepBytes(parts...)
			if err != nil || !ok {
				t.Fatalf("what a step takes is not known: %v", err)
			}
			list, _, err := picturesOf(setsOf(phases))
			if err != nil {
				t.Fatal(err)
			}
			features := train.KeptBytes(begin.cfg, o.BF16, len(list), parts[0].Batch.V())
			use, _ := b.Memory()
			set(use.InUse + steps + features - c.missing)
			kept, err := s.keep(t.Context(), tr, setsOf(phases), parts)
			if err != nil || (kept != nil) != c.kept {
				t.Errorf("kept %d pictures: %v", len(kept), err)
			}
			if err := tr.Fit(parts...); (err == nil) != c.fits {
				t.Errorf("steps beside them: %v", err)
			}
		})
	}
}
