package train

import (
	"bytes"
	"context"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/seed-516990b0/golxmert/lxmert/backend"
	"github.com/seed-516990b0/golxmert/lxmert/backend/backendtest"
)

// TestARunSaysWhetherItsBitsDepend resumes runs as if they were on a GPU, and on the processor, with and without deterministic
// operations.
func TestARunSaysWhetherItsBitsDepend(t *testing.T) {
	type how struct {
		kind  backend.Kind
		asked bool
	}
	b := backendtest.Open(t, "go")
	leg := func(t *testing.T, h how, dir string, stop bool) (log, runJSON string) {
		t.Helper()
		opt := plain
		opt.Deterministic, opt.PooledOnly = h.asked, true
		tr, err := NewTrainer(t.Context(), b.Backend, small(), &Initial{Config: small(), Seed: 3, Range: 0.1}, answers, opt)
		if err != nil {
			t.Fatal(err)
		}
		defer tr.Close()
		tr.kind = h.kind
		ctx, cancel := context.WithCancel(t.Context())
		defer cancel()
		var out bytes.Buffer
		_, err = Run(ctx, tr, smallJob(small(), 3), RunOptions{Dir: dir, Resume: true, Log: &out, Progress: func(p Progress) {
			if stop && p.Step == 1 {
				cancel()
			}
		}})
		if stop != errors.Is(err, ErrInterrupted) || !stop && err != nil {
			t.Fatal(err)
		}
		text, err := os.ReadFile(filepath.Join(dir, runFile))
		if err != nil {
			t.Fatal(err)
		}
		return out.String(), string(text)
	}
	varies := []string{"only if it is made with --deterministic"}
	for name, c := range map[string]struct {
		first, second how
		notes         []string // when it is resumed
		same          bool     // as the second leg's run.json says
	}{
		"processor":               {how{backend.KindCPU, false}, how{backend.KindCPU, false}, nil, true},
		"processor, asked later":  {how{backend.KindCPU, false}, how{backend.KindCPU, true}, nil, true},
		"GPU":                     {how{backend.KindCUDA, false}, how{backend.KindCUDA, false}, varies, false},
		"GPU, asked for":          {how{backend.KindCUDA, true}, how{backend.KindCUDA, true}, nil, true},
		"GPU, asked for later":    {how{backend.KindCUDA, false}, how{backend.KindCUDA, true}, []string{"without deterministic operations so far", "made with deterministic operations from here"}, true},
		"GPU, no more asked for":  {how{backend.KindCUDA, true}, how{backend.KindCUDA, false}, []string{"with deterministic operations so far", "made without"}, false},
		"unknown plugin":          {how{backend.KindXLA, false}, how{backend.KindXLA, false}, varies, false},
		"from a GPU to processor": {how{backend.KindCUDA, false}, how{backend.KindCPU, false}, []string{"without deterministic operations so far"}, true},
	} {
		t.Run(name, func(t *testing.T) {
			dir := t.TempDir()
			leg(t, c.first, dir, true)
			log, runJSON := leg(t, c.second, dir, false)
			if !strings.Contains(log, "going on after step 1") || strings.Contains(log, "note: ") != (c.notes != nil) {
				t.Errorf("the log says %q", log)
			}
			for _, note := range c.notes {
				if !strings.Contains(log, note) {
					t.Errorf("the log %q does not say %q", log, note)
				}
			}
			if want := map[bool]string{true: `"deterministic": true`, false: `"deterministic": false`}[c.same]; !strings.Contains(runJSON, want) || strings.Contains(runJSON, varies[0]) == c.same {
				t.Errorf("run.json has no %s, or says otherwise:\n%s", want, runJSON)
			}
		})
	}
}
