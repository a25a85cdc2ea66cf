package bench

import (
	"bytes"
	"encoding/json"
	"reflect"
	"testing"
)

func sampleReport(withTorch bool) *Report {
	flops := 1e9
	r := &Report{
		Version: "v1", Machine: Machine{OS: "linux", Arch: "amd64", CPU: "Some CPU", Cores: 2},
		Model: Model{Weights: "w.pth", FileBytes: 936e6, Parameters: 234e6, Answers: 3129, Words: 20, Regions: 36, DType: "float32", FLOPs: flops},
		Peak:  Peak{GFLOPS: 200, Product: Product{M: 2048, K: 1024, N: 512}}, Repeat: 2, Rounds: 1,
	}
	process := resultOf(4, 2100e6, []float64{10, 20}, []float64{1000, 3000})
	r.Ours = newSide([]Result{process}, "", flops, 200)
	if !withTorch {
		return r
	}
	process.Engine = "torch 2"
	process.Threads, process.PeakRSS = 2, 0
	r.Torch = []Side{newSide([]Result{process}, passive, flops, 200), newSide([]Result{process}, "", flops, 200)}
	mapped := newSide([]Result{{Engine: "torch 2", Opening: Opening{TotalS: 2}}}, passive, flops, 200)
	r.TorchMapped = &mapped
	r.Versus, r.Opening, r.OpeningAnew = compare(r.Ours, r.Torch), 0.5, 0.4
	r.Ours.Anew = &Opening{TotalS: 5, StartS: 2}
	d := 2.5e-6
	r.Difference = &d
	return r
}

func TestReportPrintsTables(t *testing.T) {
	for _, c := range []struct {
		name      string
		withTorch bool
		want      string
	}{
		{"alone", false, `forward pass to out.task: 234.0 M parameters, 3129 answers, 20 words, 36 regions, float32, 1 GFLOP per example
weights:  w.pth, 936 MB
machine:  Some CPU, 2 cores, linux/amd64
engine:   E on D
peak:     200 GFLOP/s, the fastest of the products tried on this backend (2048x1024x512)

  batch  best ms  median ms  examples/s  GFLOP/s  of peak  compile s
      1     10.0       15.0       100.0    100.0      50%        4.0
      8     1000       2000         8.0      8.0       4%        6.0
2 runs per row in 1 process; rates follow from the best. The first compilation also reads the weights.

from starting a process to the first output (batch 1), seconds:
            best  median  start  library  weights  compile  forward  peak memory
  golxmert  4.00    4.00   2.00     0.00     0.00     0.00     0.00      2100 MB
The weights are read while the model compiles.
`},
		{"beside torch", true, `forward pass to out.task: 234.0 M parameters, 3129 answers, 20 words, 36 regions, float32, 1 GFLOP per example
weights:  w.pth, 936 MB
machine:  Some CPU, 2 cores, linux/amd64
engine:   E on D
peer:     torch 2 on D, 2 threads
peak:     200 GFLOP/s, the fastest of the products tried on this backend (2048x1024x512)

  batch  best ms  median ms  examples/s  GFLOP/s  of peak  compile s
      1     10.0       15.0       100.0    100.0      50%        4.0
      8     1000       2000         8.0      8.0       4%        6.0
2 runs per row in 1 process; rates follow from the best. The first compilation also reads the weights.

  batch  golxmert best ms  median  torch best ms  median  torch/golxmert best  median
      1              10.0    15.0           10.0    15.0                 1.00    1.00
      8              1000    2000           1000    2000                 1.00    1.00
The better of torch with and without OMP_WAIT_POLICY=PASSIVE GOMP_SPINCOUNT=0, row by row. Above 1, golxmert is faster.
Both give the same logits: they differ by 2.5e-06 of the largest.

from starting a process to the first output (batch 1), seconds:
                            best  median  start  library  weights  compile  forward  peak memory
  golxmert, the first time  5.00    5.00   2.00     0.00     0.00     0.00     0.00      2100 MB
                  golxmert  4.00    4.00   2.00     0.00     0.00     0.00     0.00      2100 MB
            torch, passive  4.00    4.00   2.00     0.00     0.00     0.00     0.00    not known
                     torch  4.00    4.00   2.00     0.00     0.00     0.00     0.00    not known
               torch, mmap  2.00    2.00   0.00     0.00     0.00     0.00     0.00    not known
torch/golxmert, best: 0.50, and 0.40 the first time. The weights are read while the model compiles. Later processes find what the first one compiled.
`},
	} {
		var out bytes.Buffer
		if err := sampleReport(c.withTorch).Print(&out); err != nil {
			t.Fatal(err)
		}
		if out.String() != c.want {
			t.Errorf("%s: printed\n%s\nwant\n%s", c.name, out.String(), c.want)
		}
	}
}

func TestReportSurvivesJSON(t *testing.T) {
	for _, withTorch := range []bool{false, true} {
		r := sampleReport(withTorch)
		text, err := json.Marshal(r)
		if err != nil {
			t.Fatal(err)
		}
		var back Report
		d := json.NewDecoder(bytes.NewReader(text))
		d.DisallowUnknownFields()
		if err := d.Decode(&back); err != nil {
			t.Fatal(err)
		}
		if !reflect.DeepEqual(*r, back) {
			t.Errorf("%+v became %+v", *r, back)
		}
		if bytes.Contains(text, []byte("torch")) != withTorch {
			t.Errorf("with torch %v, printed %s", withTorch, text)
		}
	}
}

func TestNumbersForReaders(t *testing.T) {
	for _, c := range []struct{ got, want string }{
		{milli(0.8461), "0.846"}, {milli(99.96), "100.0"}, {milli(1764.2), "1764"},
		{megabytes(936336232), "936 MB"}, {megabytes(490000), "0.5 MB"},
		{plural(1, "process"), "1 process"}, {plural(2, "process"), "2 processes"}, {plural(3, "run"), "3 runs"},
		{Machine{OS: "darwin", Arch: "arm64", Cores: 1}.String(), "1 core, darwin/arm64"},
	} {
		if c.got != c.want {
			t.Errorf("%q, want %q", c.got, c.want)
		}
	}
}
