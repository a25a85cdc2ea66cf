package figure_test

import (
	"fmt"
	"path/filepath"

	"github.com/seed-516990b0/golxmert/analysis/figure"
)

func ExamplePicture() {
	s := scores()
	s.Text.Text, s.Answer = "", "" // the picture alone
	f, err := figure.Picture(s, figure.Options{Scale: figure.Viridis})
	if err != nil {
		fmt.Println(err)
		return
	}
	err = write(filepath.Join(out, "picture.png"), f)
	fmt.Println(err)
	// Output: <nil>
}
