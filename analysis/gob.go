package analysis

import (
	"bytes"
	"encoding/gob"
)

// gobScores are scores as package gob writes them, which makes nil of empty lists. Of scores they say something: that there is no
// inner word, or that every region is masked.
type gobScores struct {
	Scores plainScores
	Empty  [4]bool // which of the lists are there, and empty
}

func (s *plainScores) empty(do func(i int, empty, isNil bool, fill func())) {
	for i, list := range []*[]float64{&s.Words, &s.Regions} {
		do(i, len(*list) == 0, *list == nil, func() { *list = []float64{} })
	}
	for i, list := range []*[]int{&s.InnerWords, &s.ValidRegions} {
		do(2+i, len(*list) == 0, *list == nil, func() { *list = []int{} })
	}
}

// GobEncode writes scores for [encoding/gob].
func (s Scores) GobEncode() ([]byte, error) {
	g := gobScores{Scores: plainScores(s)}
	g.Scores.empty(func(i int, empty, isNil bool, _ func()) { g.Empty[i] = empty && !isNil })
	var b bytes.Buffer
	err := gob.NewEncoder(&b).Encode(g)
	return b.Bytes(), err
}

// GobDecode reads what [Scores.GobEncode] wrote.
func (s *Scores) GobDecode(data []byte) error {
	var g gobScores
	if err := gob.NewDecoder(bytes.NewReader(data)).Decode(&g); err != nil {
		return err
	}
	g.Scores.empty(func(i int, _, _ bool, fill func()) {
		if g.Empty[i] {
			fill()
		}
	})
	*s = Scores(g.Scores)
	return nil
}
