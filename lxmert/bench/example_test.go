package bench_test

import (
	"context"
	"fmt"
	"os"

	"github.com/seed-516990b0/golxmert/lxmert/bench"
)

// The program that measures is started again for each measurement, and then calls Serve.
func ExampleForward() {
	ctx := context.Background()
	if len(os.Args) == 3 && os.Args[1] == "measure" {
		if err := bench.Serve(ctx, os.Args[2], os.Stdout, os.Stderr); err != nil {
			fmt.Fprintln(os.Stderr, err)
			os.Exit(1)
		}
		return
	}
	report, err := bench.Forward(ctx, bench.Options{
		Batches: []int{1, 16},
		Runs:    bench.Runs{Peer: "python3", Self: []string{os.Args[0], "measure"}, Log: os.Stderr},
	})
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
	for _, v := range report.Versus {
		fmt.Printf("batch %d: PyTorch takes %.2f times as long\n", v.Batch, v.RatioBest)
	}
}

// A report is plain data: it can be kept as JSON, and printed later.
func ExampleTokenizerReport_Print() {
	report := bench.TokenizerReport{
		Machine:    bench.Machine{OS: "linux", Arch: "amd64", Cores: 2},
		Vocabulary: "vocab.txt", Pieces: 30522, Sentences: 20000, Length: 20,
		Ours: bench.TokenizerSide{Engine: "golxmert", BestMS: 125, MedianMS: 130, SentencesPerS: 160000, LoadS: 0.01, PeakRSS: 25e6, Processes: 1, Runs: 5},
	}
	if err := report.Print(os.Stdout); err != nil {
		fmt.Println(err)
	}
	// Output:
	// tokenizer: 20000 sentences to 20 positions, vocabulary vocab.txt (30522 pieces), one thread
	// machine:   2 cores, linux/amd64
	//
	//             sentences/s  best ms  median ms  vocabulary s  peak memory
	//   golxmert       160000    125.0      130.0        0.0100        25 MB
	// 5 passes in 1 process; rates follow from the best.
}
