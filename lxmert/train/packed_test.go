package train

import (
	"fmt"
	"testing"

	"github.com/seed-516990b0/golxmert/lxmert/backend"
	"github.com/seed-516990b0/golxmert/lxmert/backend/backendtest"
)

// stepsTaken are losses, norms and parameters after three steps of two parts each.
func stepsTaken(t *testing.T, b *backend.Backend, opt Options, asOnGPU bool) (told []string, params map[string][]float32) {
	t.Helper()
	cfg := small()
	cfg.TaskClasses = 64 // enough for labels to travel as pairs
	tr := newTrainer(t, b, &Initial{Config: cfg, Seed: 3, Range: 0.1}, answers, opt)
	tr.onGPU = asOnGPU
	for i := range 3 {
		parts := []Part{rows(cfg, 2*i, 4), rows(cfg, 2*i+1, 4)}
		for _, p := range parts[:i%2+1] { // some labels stay dense
			target := p.Labels["target"].Data.([]float32)
			for j := range target {
				if j%13 != i {
					target[j] = 0
				}
			}
		}
		r, err := tr.Step(t.Context(), parts...)
		if err != nil {
			t.Fatal(err)
		}
		told = append(told, fmt.Sprint(r.Loss, r.Norm, r.Outputs))
	}
	params = map[string][]float32{}
	for _, p := range cfg.Params() {
		params[p.Name] = tr.values(t, p.Name, -1)
	}
	return told, params
}

func TestAStepAsOnAGPUGivesTheSameBits(t *testing.T) {
	backendtest.Each(t, func(t *testing.T, b *backend.Backend) {
		for _, opt := range []Options{plain, withDropout()} {
			one, before := stepsTaken(t, b, opt, false)
			two, after := stepsTaken(t, b, opt, true)
			if fmt.Sprint(one) != fmt.Sprint(two) {
				t.Errorf("steps say\n%v\nand as on a GPU\n%v", one, two)
			}
			for name := range before {
				for i, x := range before[name] {
					if x != after[name][i] {
						t.Fatalf("%s[%d] is %g, and as on a GPU %g", name, i, x, after[name][i])
					}
				}
			}
		}
	})
}
