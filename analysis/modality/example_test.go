package modality_test

import (
	"context"
	"fmt"
	"strings"

	"github.com/seed-516990b0/golxmert/analysis"
	"github.com/seed-516990b0/golxmert/analysis/modality"
	"github.com/seed-516990b0/golxmert/lxmert"
)

// twoByTwo are four examples: each of two words (10 and 11) with each of two pictures, of one region of feature 0 or 1.
func twoByTwo() *lxmert.Batch {
	b := &lxmert.Batch{Feats: lxmert.NewTensor(4, 1, 2), Boxes: lxmert.NewTensor(4, 1, 4)}
	for i := range 4 {
		b.IDs = append(b.IDs, []int32{clsID, int32(10 + i/2), sepID})
		b.Feats.Row(i).Data[0] = float32(i % 2)
	}
	return b
}

// A model that only looks whether word and picture fit, and one that adds a number for the word to one for the picture: nothing is
// left of the first without interaction, and all of the second.
func ExampleEMAP() {
	for _, m := range []*made{
		newMade(func(x seen) []float64 {
			if int(x.words[1])-10 == int(x.regions[0][0]) {
				return []float64{1, 0, 0, 0}
			}
			return []float64{-1, 0, 0, 0}
		}),
		newMade(func(x seen) []float64 { return []float64{float64(x.words[1]) + 0.5*float64(x.regions[0][0]), 0, 0, 0} }),
	} {
		p, err := modality.EMAP(context.Background(), m, twoByTwo(), modality.EMAPOptions{})
		if err != nil {
			fmt.Println(err)
			return
		}
		var all []string
		for i := range p.Full {
			all = append(all, fmt.Sprintf("%.1f -> %.1f", p.Full[i][0], p.Additive[i][0]))
		}
		fmt.Println(strings.Join(all, ", "))
	}
	// Output:
	// 1.0 -> 0.0, -1.0 -> 0.0, -1.0 -> 0.0, 1.0 -> 0.0
	// 10.0 -> 10.0, 10.5 -> 10.5, 11.0 -> 11.0, 11.5 -> 11.5
}

// What a word and a region add to an answer. Of a model that adds up what they say, these are the values; a word that is absent is
// [MASK], a region has zeros.
func ExampleShapley() {
	m := newMade(func(x seen) []float64 {
		said := 0.0
		if x.words[1] == 11 {
			said = 3
		}
		return []float64{said + 1.5*float64(x.regions[0][0]), 0, 0, 0}
	})
	all, err := modality.Shapley(context.Background(), m, twoByTwo().Part(3), analysis.Answer(0), modality.ShapleyOptions{})
	if err != nil {
		fmt.Println(err)
		return
	}
	s := all[0]
	fmt.Printf("word %.1f, region %.1f, of %.1f to %.1f\n", s.Scores[0].Words[1], s.Scores[0].Regions[0], s.Nothing, s.Whole)
	fmt.Printf("T-SHAP %.2f, V-SHAP %.2f\n", s.Text(), s.Picture())
	// Output:
	// word 3.0, region 1.5, of 0.0 to 4.5
	// T-SHAP 0.67, V-SHAP 0.33
}
