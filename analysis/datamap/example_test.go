package datamap_test

import (
	"fmt"
	"log"
	"strings"

	"github.com/seed-516990b0/golxmert/analysis/datamap"
	"github.com/seed-516990b0/golxmert/lxmert/dynamics"
)

// What a run recorded of three examples in two epochs.
func Example() {
	seen := &dynamics.File{
		About: dynamics.About{Task: "vqa", Kind: "sigmoid", Epochs: 2, Parts: []dynamics.Part{{Splits: []string{"train"}, Examples: 3}}},
		IDs:   []string{"a", "b", "c"},
		Probabilities: [][]float32{
			{0.75, 0.25, 0},
			{1, 0.75, 0.25},
		},
		Scores: [][]float32{{1, 0, 0}, {1, 1, 0}},
	}
	m, err := datamap.New(seen)
	if err != nil {
		log.Fatal(err)
	}
	fmt.Println("the hardest:", m.Hardest(1)[0].ID)
	fmt.Print(strings.ReplaceAll(m.Table().Plain(), "\t", " | "))
	// Output:
	// the hardest: c
	// region | examples | share | confidence | variability | correctness
	// easy to learn | 1 | 0.3333 | 0.875 | 0.125 | 1
	// ambiguous | 1 | 0.3333 | 0.5 | 0.25 | 0.5
	// hard to learn | 1 | 0.3333 | 0.125 | 0.125 | 0
	// all | 3 | 1 | 0.5 | 0.1667 | 0.5
}
