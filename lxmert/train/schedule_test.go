package train

import (
	"encoding/json"
	"math"
	"os"
	"path/filepath"
	"testing"
)

type schedulePoint struct {
	X, Warmup        float64
	Linear, Constant float64
}

func readSchedules(t *testing.T, folder string) []schedulePoint {
	t.Helper()
	data, err := os.ReadFile(filepath.Join(folder, "tiny", "schedules.json"))
	if err != nil {
		t.Fatal(err)
	}
	var raw []struct {
		X        float64 `json:"x"`
		Warmup   float64 `json:"warmup"`
		Linear   float64 `json:"warmup_linear"`
		Constant float64 `json:"warmup_constant"`
	}
	if err := json.Unmarshal(data, &raw); err != nil || len(raw) == 0 {
		t.Fatalf("%d points, %v", len(raw), err)
	}
	var points []schedulePoint
	for _, r := range raw {
		points = append(points, schedulePoint(r))
	}
	return points
}

func TestCosineFallsFromOneToZero(t *testing.T) {
	s := Schedule{Kind: "cosine", Warmup: 0.1, Total: 100}
	for step, want := range map[int]float64{0: 0, 5: 0.5, 50: 0.5, 100: 0} {
		if got := s.Factor(step); math.Abs(got-want) > 1e-12 {
			t.Errorf("step %d: %g, expected %g", step, got, want)
		}
	}
}

func TestImpossibleSchedulesAreErrors(t *testing.T) {
	for _, s := range []Schedule{{Kind: "step"}, {Warmup: 1}, {Warmup: -0.5}, {Warmup: math.NaN()}} {
		if s.Check() == nil {
			t.Errorf("%+v is accepted", s)
		}
	}
}
