package sweep

import (
	"fmt"
	"math"
	"math/rand/v2"
	"runtime"
	"testing"

	"github.com/seed-516990b0/golxmert/analysis"
	"github.com/seed-516990b0/golxmert/analysis/relevance"
)

// drawnLine is a batch of random results of two methods with perturbation tests.
func drawnLine(first, n int, random *rand.Rand) *line {
	l := &line{First: first}
	for i := range n {
		right := float64(random.IntN(2))
		e := Example{
			ID: fmt.Sprint(first + i), Regions: []int{3}, Right: &right, Gold: [][]int{{random.IntN(3)}},
			Results: map[string][]Result{}, Trials: map[string][]relevance.Trial{},
		}
		for _, m := range []string{"relevance", "attention"} {
			list := func() (r rounded) {
				for range 3 {
					r = append(r, random.Float64())
				}
				return r
			}
			e.Results[m] = []Result{{Words: list(), Regions: list()}}
			for _, order := range []string{"negative", "positive", "random"} {
				trial := relevance.Trial{Modality: "image", Order: order, Steps: relevance.PublishedSteps()}
				for range trial.Steps {
					trial.Probability = append(trial.Probability, random.Float64())
				}
				e.Trials[m] = append(e.Trials[m], trial)
			}
		}
		l.Examples = append(l.Examples, e)
	}
	return l
}

func heap() uint64 {
	runtime.GC()
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	return m.HeapAlloc
}

func TestMemoryDoesNotGrowWithTheDataSet(t *testing.T) {
	settings := someSettings
	settings.Methods, settings.Examples, settings.Perturb = []string{"relevance", "attention"}, 40_000, true
	c := newCollector(settings)
	random := rand.New(rand.NewPCG(1, 2))
	var after [2]uint64
	sum := 0.0
	for i, until := range []int{2 * analysis.Groups, settings.Examples} {
		for c.n < until {
			l := drawnLine(c.n, 100, random)
			for _, e := range l.Examples {
				sum += *e.Right
			}
			if err := c.add(l); err != nil {
				t.Fatal(err)
			}
		}
		after[i] = heap()
	}
	if after[1] > after[0]+after[0]/10+100_000 {
		t.Errorf("after %d examples %d bytes are held, after %d %d", 2*analysis.Groups, after[0], settings.Examples, after[1])
	}
	s, err := c.summary()
	if err != nil {
		t.Fatal(err)
	}
	answers := s.Tables[0].Result.Rows[0]
	mean, low, high := answers[0].(float64), answers[1].(float64), answers[2].(float64)
	e := 1.96 * math.Sqrt(mean*(1-mean)/float64(settings.Examples))
	if math.Abs(mean-sum/float64(settings.Examples)) > 1e-9 || answers[3] != settings.Examples || math.Abs(low-(mean-e)) > 0.2*e || math.Abs(high-(mean+e)) > 0.2*e {
		t.Errorf("accuracy %v, expected %g, %g to %g", answers, sum/float64(settings.Examples), mean-e, mean+e)
	}
	runtime.KeepAlive(c)
}
