package suite

import (
	"math"
	"slices"
)

// Pair are the logits of out.match of a sentence with a picture: of "no match" and of "match".
type Pair [2]float64

// Matches says that "match" is the more probable class.
func (p Pair) Matches() bool { return p[1] > p[0] }

// Probability is that of a match.
func (p Pair) Probability() float64 { return 1 / (1 + math.Exp(p[0]-p[1])) }

// Scored is an item with what the model says of it.
type Scored struct {
	Item
	Pairs [][]Pair // [sentences][images]
	// Word is what was said of the hidden word, with the picture and without it; the zero value of other items.
	Word [2]Guessed
}

// Guessed is how a hidden word was guessed.
type Guessed struct {
	Rank int     // of its piece, or the worst of its pieces; 0: none was hidden
	Bits float64 // of all of its pieces
}

// Measure is one number of an item, or several of the same kind, whose mean counts.
type Measure struct {
	Name   string
	About  string
	Chance float64 // what guessing gives; NaN: that depends
	// Blind says that it compares sentences alone, and so has a value without pictures.
	Blind bool
	Of    func(s Scored) []float64 // nothing: the item does not count
	// Key names what counts once, however often it is in the data; nil: everything counts.
	Key func(x Item) string
	// MeanOf are the measures of whose means it is the mean, if it is no mean over items itself.
	MeanOf []string
}

func share(yes bool) float64 {
	if yes {
		return 1
	}
	return 0
}

func one(yes bool) []float64 { return []float64{share(yes)} }

// isPair says that an item is a right and a wrong sentence about one picture, or several wrong ones.
func isPair(x Item) bool {
	if len(x.Images) != 1 || len(x.Sentences) < 2 {
		return false
	}
	rights := 0
	for _, row := range x.Right {
		rights += row[0]
	}
	return rights == 1
}

// beats says that the right sentence of a pair has more than every wrong one; equals do not count.
func beats(s Scored, score func(Pair) float64) bool {
	at := slices.IndexFunc(s.Right, func(row []int) bool { return row[0] == 1 })
	for i := range s.Pairs {
		if i != at && score(s.Pairs[i][0]) >= score(s.Pairs[at][0]) {
			return false
		}
	}
	return true
}

func logit(p Pair) float64 { return p[1] }

// every gives a number for each pair of sentence and picture whose truth is among some.
func every(s Scored, truths ...int) (values []float64) {
	for i, row := range s.Right {
		for j, right := range row {
			if slices.Contains(truths, right) {
				values = append(values, share(s.Pairs[i][j].Matches() == (right == 1)))
			}
		}
	}
	return values
}

var (
	accuracy = Measure{Name: "accuracy", About: "share of pairs of sentence and picture that are told right, match or no match", Chance: 0.5,
		Of: func(s Scored) []float64 { return every(s, 0, 1) }}
	onRight = Measure{Name: "accuracy on right ones", About: "share of the pairs that belong together of which it is said", Chance: 0.5,
		Of: func(s Scored) []float64 { return every(s, 1) }}
	onWrong = Measure{Name: "accuracy on wrong ones", About: "share of the pairs that do not belong together of which it is said", Chance: 0.5,
		Of: func(s Scored) []float64 { return every(s, 0) }}

	pairwise = Measure{Name: "acc_r", About: "share of items whose right sentence has a larger match logit than every wrong one; equal ones are wrong", Chance: math.NaN(), Blind: true,
		Of: func(s Scored) []float64 {
			if !isPair(s.Item) {
				return nil
			}
			return one(beats(s, logit))
		}}
	pairwiseProbability = Measure{Name: "acc_r by probability", About: "the same with probabilities of a match, as MM-SHAP compares them", Chance: math.NaN(),
		Of: func(s Scored) []float64 {
			if !isPair(s.Item) {
				return nil
			}
			return one(beats(s, Pair.Probability))
		}}
	// right is for items of any form.
	right = Measure{Name: "all right", About: "share of items in which every sentence has the largest match logit with its own picture, and every picture with its own sentence", Chance: math.NaN(),
		Of: func(s Scored) []float64 {
			if len(s.Images) != len(s.Sentences) || len(s.Images) < 2 {
				return nil
			}
			return one(columns(s) && rows(s))
		}}
)

// FOIL's second and third task are told right as a pair is: the right sentence must match best.
var (
	detected  = Measure{Name: "accuracy", About: "share of wrong captions of which the wrong word is found: without it they match better than without any other word", Chance: math.NaN(), Of: pairwise.Of}
	corrected = Measure{Name: "accuracy", About: "share of wrong captions that match better with the right word than with any other", Chance: math.NaN(), Blind: true, Of: pairwise.Of}
)

// valseFoil are VALSE's measures: the first sentence is the caption, the second the foil. As published, an item whose foil has
// two equal logits does not count.
func valseFoil(value func(caption, foil Pair) float64) func(s Scored) []float64 {
	return func(s Scored) []float64 {
		if len(s.Pairs) != 2 || s.Pairs[1][0][0] == s.Pairs[1][0][1] {
			return nil
		}
		return []float64{value(s.Pairs[0][0], s.Pairs[1][0])}
	}
}

var (
	captionFits = Measure{Name: "p_c", About: "share of captions that match", Chance: 0.5,
		Of: valseFoil(func(caption, _ Pair) float64 { return share(caption.Matches()) })}
	foilDetected = Measure{Name: "p_f", About: "share of foils that do not match", Chance: 0.5,
		Of: valseFoil(func(_, foil Pair) float64 { return share(!foil.Matches()) })}
	valseAccuracy = Measure{Name: "acc", About: "mean of p_c and p_f", Chance: 0.5,
		Of: valseFoil(func(caption, foil Pair) float64 { return (share(caption.Matches()) + share(!foil.Matches())) / 2 })}
)

// SVO-Probes counts each pair of sentence and picture once.
var (
	svoPositive = Measure{Name: "positives", About: "share of right pictures that match", Chance: 0.5,
		Of: func(s Scored) []float64 { return one(s.Pairs[0][0].Matches()) }, Key: func(x Item) string { return x.Sentences[0] + "|" + x.Images[0] }}
	svoNegative = Measure{Name: "negatives", About: "share of wrong pictures that do not match", Chance: 0.5,
		Of: func(s Scored) []float64 { return one(!s.Pairs[0][1].Matches()) }, Key: func(x Item) string { return x.Sentences[0] + "|" + x.Images[1] }}
	svoAccuracy = Measure{Name: "average", About: "mean of positives and negatives", Chance: 0.5, MeanOf: []string{"positives", "negatives"}}
)

// columns says that each picture has a larger logit with its own sentence than with any other: Winoground's text score.
func columns(s Scored) bool {
	for j := range s.Images {
		for i := range s.Sentences {
			if i != j && s.Pairs[i][j][1] >= s.Pairs[j][j][1] {
				return false
			}
		}
	}
	return true
}

// rows says that each sentence has a larger logit with its own picture than with any other: Winoground's image score.
func rows(s Scored) bool {
	for i := range s.Sentences {
		for j := range s.Images {
			if i != j && s.Pairs[i][j][1] >= s.Pairs[i][i][1] {
				return false
			}
		}
	}
	return true
}

var (
	textScore = Measure{Name: "text", About: "share of items in which each picture fits its own sentence better than the other", Chance: 0.25, Blind: true,
		Of: func(s Scored) []float64 { return one(columns(s)) }}
	imageScore = Measure{Name: "image", About: "share of items in which each sentence fits its own picture better than the other", Chance: 0.25,
		Of: func(s Scored) []float64 { return one(rows(s)) }}
	groupScore = Measure{Name: "group", About: "share of items in which both are so", Chance: 1.0 / 6,
		Of: func(s Scored) []float64 { return one(columns(s) && rows(s)) }}
)

// masking are the measures of guided masking.
var masking = func() (all []Measure) {
	for i, picture := range []string{"with the picture", "without the picture"} {
		of := func(value func(Guessed) float64) func(s Scored) []float64 {
			return func(s Scored) []float64 {
				if s.Word[i].Rank == 0 {
					return nil
				}
				return []float64{value(s.Word[i])}
			}
		}
		all = append(all,
			Measure{Name: "top-1 " + picture, About: "share of hidden words whose pieces are all the first guess", Chance: math.NaN(), Of: of(func(g Guessed) float64 { return share(g.Rank == 1) })},
			Measure{Name: "top-5 " + picture, About: "share of hidden words whose pieces are all among the first five", Chance: math.NaN(), Of: of(func(g Guessed) float64 { return share(g.Rank <= 5) })},
			Measure{Name: "bits " + picture, About: "mean surprise of the hidden word", Chance: math.NaN(), Of: of(func(g Guessed) float64 { return g.Bits })})
	}
	return all
}()

// recalls are those of retrieval: of each picture the best place of its sentences among all, and of each sentence the place of
// its picture.
var recalls = func() (all []Measure) {
	for _, side := range []struct {
		name string
		of   func(s Scored) []int
	}{{"text", textPlaces}, {"image", imagePlaces}} {
		for _, k := range []int{1, 5, 10} {
			all = append(all, Measure{Name: side.name + map[int]string{1: " R@1", 5: " R@5", 10: " R@10"}[k], About: "share found among the first " + map[int]string{1: "one", 5: "five", 10: "ten"}[k], Chance: math.NaN(),
				Of: func(s Scored) (values []float64) {
					for _, place := range side.of(s) {
						values = append(values, share(place <= k))
					}
					return values
				}})
		}
		all = append(all, Measure{Name: side.name + " median rank", About: "of the first right one", Chance: math.NaN(), Of: func(s Scored) []float64 {
			places := slices.Clone(side.of(s))
			if len(places) == 0 {
				return nil
			}
			slices.Sort(places)
			n := len(places)
			return []float64{float64(places[(n-1)/2]+places[n/2]) / 2}
		}})
	}
	return all
}()

// textPlaces are the places of the first right sentence of each picture, from 1.
func textPlaces(s Scored) (places []int) {
	for j := range s.Images {
		if place := firstPlace(len(s.Sentences), func(i int) (bool, float64) { return s.Right[i][j] != 0, s.Pairs[i][j][1] }); place > 0 {
			places = append(places, place)
		}
	}
	return places
}

// imagePlaces are the places of each sentence's first right picture.
func imagePlaces(s Scored) (places []int) {
	for i := range s.Sentences {
		if place := firstPlace(len(s.Images), func(j int) (bool, float64) { return s.Right[i][j] != 0, s.Pairs[i][j][1] }); place > 0 {
			places = append(places, place)
		}
	}
	return places
}

// firstPlace is the place of the first right one of n by their logits, from 1; of equal logits the wrong one comes first. 0: none
// is right.
func firstPlace(n int, of func(i int) (right bool, logit float64)) int {
	best, found := math.Inf(-1), false
	for i := range n {
		if right, logit := of(i); right {
			best, found = max(best, logit), true
		}
	}
	if !found {
		return 0
	}
	place := 1
	for i := range n {
		if right, logit := of(i); !right && logit >= best {
			place++
		}
	}
	return place
}
