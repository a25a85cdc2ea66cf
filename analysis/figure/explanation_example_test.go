package figure_test

import (
	"fmt"
	"path/filepath"

	"github.com/seed-516990b0/golxmert/analysis/figure"
)

func ExampleExplanation() {
	s := scores() // of relevance.BiModal, for example
	f, err := figure.Explanation(s, figure.Options{Top: 3})
	if err != nil {
		fmt.Println(err)
		return
	}
	w, _ := f.Size()
	fmt.Printf("%.1f cm wide\n", w)
	for _, name := range []string{"explanation.pdf", "explanation.svg", "explanation.png"} {
		if err := figure.Save(filepath.Join(out, name), s, figure.Options{Top: 3, DPI: 100}); err != nil {
			fmt.Println(err)
		}
	}
	// Output: 8.3 cm wide
}
