package backend_test

import (
	"context"
	"fmt"
	"io"

	"github.com/seed-516990b0/golxmert/lxmert/backend"
)

// A program that opens backends calls MaybeProbe first, so that a broken plugin cannot take it down.
func ExampleOpen() {
	backend.MaybeProbe()

	b, err := backend.Open(context.Background(), "go", io.Discard)
	if err != nil {
		fmt.Println(err)
		return
	}
	defer b.Finalize()
	fmt.Println(b.Kind, b.Spec, len(b.Devices))
	// Output: go go:ops_sequential 1
}

func ExampleOpen_unknown() {
	_, err := backend.Open(context.Background(), "tpu", nil)
	fmt.Println(err)
	// Output: backend "tpu": no such backend; use "" (choose), "xla", "xla:cpu", "xla:cuda", "xla:/path/to/plugin.so" or "go"
}
