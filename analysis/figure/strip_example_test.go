package figure_test

import (
	"fmt"
	"path/filepath"

	"github.com/seed-516990b0/golxmert/analysis/figure"
)

func ExampleWordStrip() {
	s := scores()
	for t := range s.Words {
		s.Words[t] -= 0.1 // numbers of both signs have a scale from blue to red
	}
	f, err := figure.WordStrip(s, figure.Options{Width: figure.Page, Top: 20})
	if err != nil {
		fmt.Println(err)
		return
	}
	err = write(filepath.Join(out, "strip.png"), f)
	fmt.Println(err)
	// Output: <nil>
}
