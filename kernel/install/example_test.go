package install_test

import (
	"errors"
	"fmt"

	"github.com/seed-516990b0/golxmert/kernel/install"
)

func ExamplePlace_Check() {
	place, err := install.Find("testdata/nowhere")
	if err != nil {
		fmt.Println(err)
		return
	}
	if errors.Is(place.Check(), install.ErrNotInstalled) {
		fmt.Println("`go run ./kernel install` first")
	}
	// Output: `go run ./kernel install` first
}
