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
		Peer:    "python3",
		Self:    []string{os.Args[0], "measure"},
		Log:     os.Stderr,
	})
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
	for _, v := range report.Versus {
		fmt.Printf("batch %d: PyTorch takes %.2f times as long\n", v.Batch, v.RatioBest)
	}
}
