package bench

import (
	"bytes"
	"encoding/json"
	"io"
	"reflect"
	"testing"
)

// printable is what all reports have in common.
type printable interface{ Print(io.Writer) error }

func machine() Machine { return Machine{OS: "linux", Arch: "amd64", CPU: "Some CPU", Cores: 2} }

// steps is a process that trained with one batch size.
func steps(engine string, rss int64, batch int, times ...float64) []Result {
	return []Result{{Engine: engine, Device: "D", Threads: 2, PeakRSS: rss, Rows: []Timing{{Batch: batch, TimesMS: times, CompileS: 4}}}}
}

func sampleTrainReport(withTorch bool) *TrainReport {
	r := &TrainReport{
		Version: "v1", Machine: machine(), Repeat: 2, Rounds: 1, Accumulate: 2, Devices: 1,
		Model: Model{Weights: "w.pth", FileBytes: 856e6, Parameters: 214e6, Answers: 3129, Words: 20, Regions: 36, DType: "float32", FLOPs: 3e9},
		Peak:  Peak{GFLOPS: 200, Product: Product{M: 2048, K: 1024, N: 512}},
	}
	r.Ours = newTrainSide([][]Result{steps("E", 4e9, 8, 1000, 2000), steps("E", 6e9, 32, 4000, 5000)}, "", 3e9, 200)
	if !withTorch {
		return r
	}
	for _, s := range []setting{{env: passive}, {compile: true}} {
		rss := int64(5e9)
		if s.compile {
			rss = 0
		}
		r.Torch = append(r.Torch, newTrainSide([][]Result{steps("torch 2", rss, 8, 3000, 4000), steps("torch 2", rss, 32, 2000, 9000)}, s.String(), 3e9, 200))
	}
	r.Versus = compareTraining(r.Ours, r.Torch)
	d := 2.5e-6
	r.Losses, r.LossDifference = []float64{3, 2, 1}, &d
	return r
}

func sampleDataReport(withPython bool) *DataReport {
	file := DataFile{Bytes: 300e6, Images: 761, Regions: 36, Features: 2048}
	packing := []dataResult{{Engine: "E", LoadS: 1, PeakRSS: 50e6, StoreBytes: 225e6}, {Engine: "E", LoadS: 3, PeakRSS: 60e6, StoreBytes: 225e6}}
	reading := []dataResult{{Engine: "E", LoadS: 0.002, TimesMS: []float64{8, 10}, PeakRSS: 40e6}, {Engine: "E", LoadS: 0.004, TimesMS: []float64{16, 20}, PeakRSS: 30e6}}
	r := &DataReport{Version: "v1", Machine: machine(), File: file, Batch: 32, Repeat: 2, Rounds: 2}
	r.Ours = newDataSide(packing, reading, file.Bytes, r.Batch)
	if withPython {
		loading := []dataResult{{Engine: "Python 3, NumPy 1", LoadS: 2, TimesMS: []float64{16, 16}, PeakRSS: 400e6}}
		python := newDataSide(loading, loading, file.Bytes, r.Batch)
		r.Python, r.Versus = &python, compareData(r.Ours, python)
	}
	return r
}

func sampleTokenizerReport(withPython bool) *TokenizerReport {
	r := &TokenizerReport{Version: "v1", Machine: machine(), Vocabulary: "made up", Pieces: 30522, Sentences: 1000, Length: 20, Repeat: 2, Rounds: 1}
	r.Ours = newTokenizerSide([]tokenizerResult{{Engine: "E", LoadS: 0.02, TimesMS: []float64{30, 10}, PeakRSS: 20e6}}, r.Sentences)
	if withPython {
		python := newTokenizerSide([]tokenizerResult{{Engine: "Python 3", LoadS: 0.01, TimesMS: []float64{200, 300}}}, r.Sentences)
		r.Python, r.Versus = &python, compareTokenizers(r.Ours, python)
	}
	return r
}

func TestReportsPrintTables(t *testing.T) {
	for _, c := range []struct {
		name   string
		report printable
		want   string
	}{
		{"training beside torch", sampleTrainReport(true), `training step: 214.0 M parameters, 3129 answers, 20 words, 36 regions, float32, dropout 0.1, BertAdam, 3 GFLOP per example
weights:  w.pth, 856 MB
machine:  Some CPU, 2 cores, linux/amd64
engine:   E on D, batches in 2 parts
peer:     torch 2 on D, 2 threads
peak:     200 GFLOP/s, the fastest of the products tried on this backend (2048x1024x512)

  batch  best ms  median ms  examples/s  GFLOP/s  of peak  compile s  peak memory
      8     1000       1500         8.0     24.0      12%        4.0      4000 MB
     32     4000       4500         8.0     24.0      12%        4.0      6000 MB
2 steps per row in 1 process; rates follow from the best. Operations count as three forward passes.

  batch                   best ms  median  examples/s  peak memory
      8         golxmert     1000    1500         8.0      4000 MB
      8   torch, passive     3000    3500         2.7      5000 MB
      8  torch, compiled     3000    3500         2.7    not known
     32         golxmert     4000    4500         8.0      6000 MB
     32   torch, passive     2000    5500        16.0      5000 MB
     32  torch, compiled     2000    5500        16.0    not known

  batch  torch/golxmert best  median  peak memory
      8                 3.00    2.33         1.25
     32                 0.50    1.22         0.83
The best of torch's settings, number by number. Above 1, golxmert needs less.
Without dropout the first losses of both differ by 2.5e-06 at most.
`},
		{"data alone", sampleDataReport(false), `region features: a TSV of 300 MB, 761 images of 36 regions with 2048 features
machine:  Some CPU, 2 cores, linux/amd64
engine:   E, whose store takes 225 MB

                               best s  median s  MB/s  peak memory
         golxmert packs, once    1.00      2.00   300        60 MB
  golxmert opens, every start  0.0020    0.0030     -            -

batches of 32 images at random:
                            best ms  median ms  images/s  peak memory
  golxmert, from the store    8.000       13.0      4000        40 MB
4 batches in 2 processes; rates follow from the best.
`},
		{"data beside Python", sampleDataReport(true), `region features: a TSV of 300 MB, 761 images of 36 regions with 2048 features
machine:  Some CPU, 2 cores, linux/amd64
engine:   E, whose store takes 225 MB
peer:     Python 3, NumPy 1, which keeps all images in memory

                               best s  median s  MB/s  peak memory
         golxmert packs, once    1.00      2.00   300        60 MB
  golxmert opens, every start  0.0020    0.0030     -            -
    python loads, every start    2.00      2.00   150       400 MB

batches of 32 images at random:
                            best ms  median ms  images/s  peak memory
  golxmert, from the store    8.000       13.0      4000        40 MB
       python, from memory     16.0       16.0      2000       400 MB
4 batches in 2 processes; rates follow from the best.

python/golxmert:
                        best  median  peak memory
  loading / packing     2.00    1.00         6.67
  loading / opening  1000.00  666.67            -
            batches     2.00    1.23        10.00
Above 1, golxmert needs less. Both make the same batches, to the bit.
`},
		{"tokenizer beside Python", sampleTokenizerReport(true), `tokenizer: 1000 sentences to 20 positions, vocabulary made up (30522 pieces), one thread
machine:   Some CPU, 2 cores, linux/amd64

                   sentences/s  best ms  median ms  vocabulary s  peak memory
                E       100000     10.0       20.0        0.0200        20 MB
         Python 3         5000    200.0      250.0        0.0100    not known
  python/golxmert            -    20.00      12.50          0.50    not known
2 passes in 1 process; rates follow from the best.
Above 1, golxmert needs less. Both give the same ids to all sentences.
`},
	} {
		var out bytes.Buffer
		if err := c.report.Print(&out); err != nil {
			t.Fatal(err)
		}
		if out.String() != c.want {
			t.Errorf("%s: printed\n%s\nwant\n%s", c.name, out.String(), c.want)
		}
	}
}

func TestReportsSurviveJSON(t *testing.T) {
	for _, r := range []printable{
		sampleTrainReport(false), sampleTrainReport(true), sampleDataReport(false), sampleDataReport(true),
		sampleTokenizerReport(false), sampleTokenizerReport(true),
	} {
		text, err := json.Marshal(r)
		if err != nil {
			t.Fatal(err)
		}
		back := reflect.New(reflect.TypeOf(r).Elem())
		d := json.NewDecoder(bytes.NewReader(text))
		d.DisallowUnknownFields()
		if err := d.Decode(back.Interface()); err != nil {
			t.Fatal(err)
		}
		if !reflect.DeepEqual(r, back.Interface()) {
			t.Errorf("%+v became %+v", r, back.Interface())
		}
	}
}

// TestMemoryIsComparedWithTheSmallestThatIsKnown: a setting of PyTorch whose memory is not known does not count.
func TestMemoryIsComparedWithTheSmallestThatIsKnown(t *testing.T) {
	ours := newTrainSide([][]Result{steps("E", 100, 1, 5)}, "", 1, 0)
	for _, c := range []struct {
		torch []int64
		want  float64
	}{
		{[]int64{0, 300, 200}, 2}, {[]int64{300, 0}, 3}, {[]int64{0}, 0},
	} {
		var sides []TrainSide
		for _, rss := range c.torch {
			sides = append(sides, newTrainSide([][]Result{steps("torch", rss, 1, 5)}, "", 1, 0))
		}
		if v := compareTraining(ours, sides); v[0].RatioMemory != c.want {
			t.Errorf("%v: ratio %g, want %g", c.torch, v[0].RatioMemory, c.want)
		}
	}
}
