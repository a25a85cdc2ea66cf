package bench

import (
	"errors"
	"fmt"
	"math"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/seed-516990b0/golxmert/internal/testneed"
	"github.com/seed-516990b0/golxmert/lxmert/backend"
	"github.com/seed-516990b0/golxmert/lxmert/backend/backendtest"
	"github.com/seed-516990b0/golxmert/lxmert/internal/nogpu"
)

// tinyAhead compiles the programs of a small model with a plugin that may not be one.
func tinyAhead(t *testing.T, plugin string) AheadOptions {
	t.Helper()
	backendtest.Open(t, "cpu")
	o := AheadOptions{Options: tiny(t), Dir: t.TempDir(), MaxBatch: 2}
	o.Batches, o.Backend = nil, "xla:"+plugin
	return o
}

// noPlugin is a file that calls itself CUDA's plugin.
func noPlugin(t *testing.T) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), "xla_cuda_plugin.so")
	if err := os.WriteFile(path, []byte("no library"), 0o644); err != nil {
		t.Fatal(err)
	}
	return path
}

// TestEveryProgramOfAGPUIsBuiltWithoutOne, by the processes that the rows start.
func TestEveryProgramOfAGPUIsBuiltWithoutOne(t *testing.T) {
	o := tinyAhead(t, noPlugin(t))
	cpu := backendtest.Open(t, "cpu").Plugin
	o.Sizes = forFineTuning.heads(o.Sizes)
	for _, row := range o.rows() {
		dir := t.TempDir()
		what := row.what
		if what == updating {
			what = "train"
		}
		p, err := o.Runs.ours(job{Take: &takeSpec{Plugin: cpu, Dir: dir, Sizes: o.Sizes, What: what, Batch: row.batch, Words: o.Words, Regions: o.Regions, Devices: row.devices, BF16: row.bf16, TF32: row.tf32}}, false)
		if err != nil {
			t.Fatal(err)
		}
		var taken []takenProgram
		if _, err := p.Run(t.Context(), &taken); err != nil {
			t.Fatalf("%s: %v", row.name(), err)
		}
		some, err := named(taken, row.programs()...)
		if err != nil || what != "train" && len(taken) != 1 {
			t.Fatalf("%s: %v, %v", row.name(), taken, err)
		}
		for _, p := range some {
			text, err := os.ReadFile(p.Text)
			if err != nil {
				t.Fatal(err)
			}
			products := strings.Count(string(text), "stablehlo.dot_general")
			half, quick := strings.Contains(string(text), "xbf16>"), strings.Contains(string(text), "precision DEFAULT")
			isModel := p.Name == "lxrt" || p.Name == "lxrt training"
			if isModel != (products > 0) || half != (p.Name != "lxrt inputs" && row.bf16) || quick != (isModel && row.tf32) {
				t.Errorf("%s: %s has %d products; bfloat16 %v, TensorFloat-32 %v", row.name(), p.Name, products, half, quick)
			}
			if devices := p.Devices; p.Name == "lxrt training" && devices != row.devices || p.Name != "lxrt training" && devices != 1 {
				t.Errorf("%s: %s runs on %d devices", row.name(), p.Name, devices)
			}
			if aliased := strings.Count(string(text), "tf.aliasing_output"); (p.Name == "lxrt update") != (aliased > 3) {
				t.Errorf("%s: %s has %d outputs in the place of inputs", row.name(), p.Name, aliased)
			}
		}
	}
}

// TestRowsThatDoNotCompileSayWhyAndAreTriedAgain, those that are complete are not.
func TestRowsThatDoNotCompileSayWhyAndAreTriedAgain(t *testing.T) {
	o := tinyAhead(t, noPlugin(t))
	whole := filepath.Join(o.Dir, "compiled-update-bf16.json")
	text := `{"name": "update-bf16", "devices": 1, "programs": [{"name": "lxrt update", "cost": {"kernels": 7, "seconds": 0.5}}]}`
	if err := os.WriteFile(whole, []byte(text), 0o644); err != nil {
		t.Fatal(err)
	}
	for range 2 {
		r, err := Ahead(t.Context(), o)
		if err != nil {
			t.Fatal(err)
		}
		if r.Failed() != len(r.Rows)-1 || len(r.Rows) != len(o.rows()) {
			t.Errorf("%d of %d rows failed", r.Failed(), len(r.Rows))
		}
		for _, row := range r.Rows {
			if row.Name == updateOf(true) {
				if row.Programs[0].Cost.Kernels != 7 {
					t.Errorf("it was compiled again: %+v", row)
				}
			} else if !strings.Contains(row.Error, "xla_cuda_plugin.so") || strings.Contains(row.Error, "\n") {
				t.Errorf("%s: %q", row.Name, row.Error)
			}
		}
	}
	if now, err := os.ReadFile(whole); err != nil || string(now) != text {
		t.Errorf("the result is now %s, %v", now, err)
	}
}

// TestARowThatLacksOnlyJAXIsCompleteWhereJAXIsNotAskedFor.
func TestARowThatLacksOnlyJAXIsCompleteWhereJAXIsNotAskedFor(t *testing.T) {
	a := &ahead{AheadOptions: AheadOptions{Dir: t.TempDir()}}
	row := aheadRow{gpuRow{what: updating, batch: 1}, 1}
	text := `{"name": "update-float32", "error": "JAX: no such thing", "programs": [{"name": "lxrt update"}]}`
	if err := os.WriteFile(filepath.Join(a.Dir, "compiled-update-float32.json"), []byte(text), 0o644); err != nil {
		t.Fatal(err)
	}
	r, err := a.row(t.Context(), row)
	if err != nil || r.Error != "" || len(r.Programs) != 1 {
		t.Errorf("%+v, %v", r, err)
	}
}

func TestWhatIsWrongWithCompilingAheadIsSaidAtOnce(t *testing.T) {
	cpu := backendtest.Open(t, "cpu").Plugin
	for name, c := range map[string]struct {
		change func(o *AheadOptions)
		says   string
		usage  bool
	}{
		"no folder":                {func(o *AheadOptions) { o.Dir = "" }, "--out", true},
		"no batch":                 {func(o *AheadOptions) { o.MaxBatch = -1 }, "--maxBatch", true},
		"no such plugin":           {func(o *AheadOptions) { o.Backend = "xla:/none/xla_cuda_plugin.so" }, "no such file", true},
		"the processor":            {func(o *AheadOptions) { o.Backend = "cpu" }, "CUDA's plugin", true},
		"the processor's, by path": {func(o *AheadOptions) { o.Backend = "xla:" + cpu }, "for the processor", true},
		"no Python":                {func(o *AheadOptions) { o.Peer = "no-such-python" }, "JAX", false},
	} {
		o := tinyAhead(t, noPlugin(t))
		c.change(&o)
		_, err := Ahead(t.Context(), o)
		if err == nil || !strings.Contains(err.Error(), c.says) || errors.Is(err, ErrOptions) != c.usage {
			t.Errorf("%s: %v", name, err)
		}
	}
}

func TestWithoutAPluginTheErrorSaysWhichCommandBringsOne(t *testing.T) {
	if !nogpu.Here {
		t.Skip(nogpu.ErrElsewhere)
	}
	t.Setenv("XDG_CACHE_HOME", t.TempDir())
	t.Setenv("HOME", t.TempDir())
	t.Setenv("PJRT_PLUGIN_LIBRARY_PATH", "")
	t.Setenv("VIRTUAL_ENV", "")
	t.Setenv("PATH", "")
	o := AheadOptions{Options: tiny(t), Dir: t.TempDir()}
	o.Backend = ""
	_, err := Ahead(t.Context(), o)
	if err == nil || !strings.Contains(err.Error(), "`lxmert backend install cuda`") {
		t.Errorf("without a CUDA plugin: %v", err)
	}
	o.Backend = "xla:" + noPlugin(t)
	_, err = Ahead(t.Context(), o)
	if err == nil || !strings.Contains(err.Error(), "`lxmert backend install cpu`") {
		t.Errorf("without one for the processor: %v", err)
	}
}

// TestWhatTheCompilerWroteIsCountedAndKept: a copy of 4 MB reads and writes them, at 2.68 TB/s.
func TestWhatTheCompilerWroteIsCountedAndKept(t *testing.T) {
	dir, keep := t.TempDir(), filepath.Join(t.TempDir(), "kept.txt")
	if _, err := readOptimized(dir, keep); err == nil || !strings.Contains(err.Error(), "0 files") {
		t.Errorf("nothing was written: %v", err)
	}
	text := "HloModule a\n\nENTRY %main (x: f32[1000,1000]) -> f32[1000,1000] {\n  %x = f32[1000,1000]{1,0} parameter(0)\n  ROOT %c = f32[1000,1000]{0,1} copy(%x)\n}\n"
	file := filepath.Join(dir, "module_0001.a.sm_9.0a_gpu_after_optimizations.txt")
	if err := os.WriteFile(file, []byte(text), 0o644); err != nil {
		t.Fatal(err)
	}
	c, err := readOptimized(dir, keep)
	if err != nil || c.Kernels != 1 || c.Bytes != 8e6 || math.Abs(c.Seconds-8e6/2.68e12) > 1e-12 {
		t.Errorf("%+v, %v", c, err)
	}
	if kept, err := os.ReadFile(keep); err != nil || string(kept) != text {
		t.Errorf("%q was kept, %v", kept, err)
	}
	if err := os.WriteFile(file, []byte("what"), 0o644); err != nil {
		t.Fatal(err)
	}
	if _, err := readOptimized(dir, keep); err == nil || !strings.Contains(err.Error(), "ENTRY") {
		t.Errorf("no program: %v", err)
	}
}

// aheadSample has a step that does not compile with Triton, and JAX beside it.
func aheadSample() *AheadReport {
	of := func(kernels int, ms float64) Cost {
		return Cost{Kernels: kernels, Bytes: 2e9, Seconds: ms / 1000, FLOPs: map[string]float64{"bf16": 311e9}}
	}
	r := &AheadReport{Machine: Machine{OS: "linux", Arch: "amd64", Cores: 2}, Plugin: "/p.so", Dir: "out", Rows: []AheadRow{
		{Name: "train-32-bf16", Devices: 1, Programs: []AheadProgram{
			{Name: "lxrt inputs", CompileS: 1, Cost: of(10, 0.25)},
			{Name: "lxrt training", CompileS: 90, Need: Need{Arguments: 837e6, Outputs: 827e6, Temporary: 546e6}, Fallback: "no tiles", Cost: of(2105, 6.75)},
		}, JAX: &AheadProgram{Name: "JAX", Cost: of(3000, 10.5)}},
		{Name: updateOf(true), Devices: 1, Programs: []AheadProgram{{Name: "lxrt update", Need: Need{Aliased: 2482e6}, Cost: of(44, 2)}}},
		{Name: "forward-512-bf16", Devices: 1, Error: "it does\nnot compile"},
	}}
	r.sumUp()
	return r
}

func TestAStepIsItsProgramsAndTheUpdate(t *testing.T) {
	r := aheadSample()
	if len(r.Wholes) != 1 || r.Failed() != 1 {
		t.Fatalf("%+v, %d failed", r.Wholes, r.Failed())
	}
	w := r.Wholes[0]
	if w.Cost.Kernels != 10+2105+44 || math.Abs(w.Cost.Seconds-0.009) > 1e-12 || w.Cost.Bytes != 6e9 || w.Cost.FLOPs["bf16"] != 933e9 || math.Abs(w.Ratio-10.5/9) > 1e-9 {
		t.Errorf("%+v", w)
	}
	var out strings.Builder
	if err := r.Print(&out); err != nil {
		t.Fatal(err)
	}
	for _, cells := range [][]string{
		{"train-32-bf16", "lxrt training", "with cuBLAS", "90.0", "837", "827", "546", "2105", "bf16 311", "2.000", "6.750"},
		{"update-bf16", "lxrt update", "yes", "2482", "44"},
		{"train-32-bf16", "2159", "6.000", "9.000", "3000", "10.500", "1.17"},
		{"forward-512-bf16 failed: it does not compile"},
	} {
		if !slices.ContainsFunc(strings.Split(out.String(), "\n"), func(line string) bool {
			for _, c := range cells {
				before, rest, ok := strings.Cut(line, c)
				if !ok {
					return false
				}
				line = strings.Repeat(" ", len(before)) + rest
			}
			return true
		}) {
			t.Errorf("no line has %q in\n%s", cells, out.String())
		}
	}
	r.Rows = r.Rows[:1]
	r.Wholes = nil
	if r.sumUp(); len(r.Wholes) > 0 {
		t.Errorf("a step without the update: %+v", r.Wholes)
	}
}

// TestCUDAsPluginCompilesThePrograms of a small model, one of each kind, with JAX's beside. It takes minutes, and runs where somebody names
// a Python with JAX in LXMERT_PYTHON_JAX. The other rows are there already.
func TestCUDAsPluginCompilesThePrograms(t *testing.T) {
	list, err := backend.List(t.Context(), "go")
	if err != nil {
		t.Fatal(err)
	}
	at := slices.IndexFunc(list, func(c backend.Candidate) bool { return c.Kind == backend.KindCUDA })
	python := os.Getenv("LXMERT_PYTHON_JAX")
	testneed.Require(t, "cudaplugin", at >= 0 && python != "", "`lxmert backend install cuda` brings it, and LXMERT_PYTHON_JAX names a Python with JAX")
	o := tinyAhead(t, list[at].Path)
	o.Peer = python
	kinds := map[string]bool{"train-2-bf16": true, updateOf(true): true, "explain-2-tf32": true}
	for _, row := range o.rows() {
		if !kinds[row.name()] {
			text := fmt.Sprintf(`{"name": %q, "programs": [{}], "jax": {}}`, row.name())
			if err := os.WriteFile(filepath.Join(o.Dir, "compiled-"+row.name()+".json"), []byte(text), 0o644); err != nil {
				t.Fatal(err)
			}
		}
	}
	r, err := Ahead(t.Context(), o)
	if err != nil {
		t.Fatal(err)
	}
	for _, row := range r.Rows {
		if !kinds[row.Name] {
			continue
		}
		delete(kinds, row.Name)
		if row.Error != "" || len(row.Programs) == 0 {
			t.Errorf("%s: %s", row.Name, row.Error)
		}
		for _, p := range row.Programs {
			if p.Cost.Kernels == 0 || !(p.Cost.Bytes > 0) || p.Need.Arguments == 0 || (p.Name == "lxrt update") != (p.Need.Aliased > 0) {
				t.Errorf("%s: %+v", row.Name, p)
			}
		}
		if beside := row.Name != updateOf(true); beside != (row.JAX != nil) {
			t.Errorf("%s: JAX %+v", row.Name, row.JAX)
		}
	}
	if len(kinds) > 0 {
		t.Errorf("there are no rows %v", kinds)
	}
}
