package layout

import (
	"cmp"
	"math"
	"slices"
	"strconv"
	"strings"

	"github.com/seed-516990b0/golxmert/analysis"
	"github.com/seed-516990b0/golxmert/analysis/internal/wordpiece"
	"github.com/seed-516990b0/golxmert/lxmert"
)

// Scores is what a picture of scores shows: words with their numbers, the regions that are named, and the two scales. Those
// of words and of regions differ, because most methods give them numbers that do not compare.
type Scores struct {
	analysis.Scores
	Title                    string
	Shown                    []wordpiece.Word // words, or pieces, as they are shown
	WordColors, RegionColors Colors
	Names                    []string // of all regions
	Top                      []int    // regions that are named, the largest first; none of them is 0
}

// ScoresOptions say how scores are shown.
type ScoresOptions struct {
	Scale  Scale // of numbers without a sign
	Merge  wordpiece.Merge
	Top    int  // regions that are named
	Shared bool // words and regions are on one scale
}

// NewScores lays out scores. [CLS], [SEP] and padding are not on the scale of the words; padding is named nowhere.
func NewScores(s analysis.Scores, opt ScoresOptions) Scores {
	out := Scores{Scores: s, Title: Title(s.Meta), Shown: wordpiece.Words(s, opt.Merge), Names: RegionNames(s.Image, len(s.Regions))}
	low, high := wordpiece.Range(out.Shown)
	regionLow, regionHigh := Span(s.Regions)
	if opt.Shared {
		low, high = math.Min(low, regionLow), math.Max(high, regionHigh)
		regionLow, regionHigh = low, high
	}
	scale := opt.Scale.Or(Paper)
	out.WordColors, out.RegionColors = Scaled(scale, low, high), Scaled(scale, regionLow, regionHigh)
	for j, x := range s.Regions {
		if Finite(x) && x != 0 && s.There(j) {
			out.Top = append(out.Top, j)
		}
	}
	slices.SortStableFunc(out.Top, func(i, j int) int { return cmp.Compare(math.Abs(s.Regions[j]), math.Abs(s.Regions[i])) })
	out.Top = out.Top[:min(max(opt.Top, 0), len(out.Top))]
	return out
}

// WordText writes the number of a word like all of the words; a mark has none.
func (s Scores) WordText(x float64) string { return s.numberText(x, s.WordColors) }

// RegionText writes the number of a region like all of the regions; a mark has none.
func (s Scores) RegionText(x float64) string { return s.numberText(x, s.RegionColors) }

func (s Scores) numberText(x float64, c Colors) string {
	if s.Marks {
		return ""
	}
	return NumberLike(x, c.High)
}

// Label is what stands at a region: its number, and what the detector calls it.
func (s Scores) Label(region int, name string) string {
	return strings.TrimSpace(s.RegionText(s.Regions[region]) + " " + name)
}

// ScaleName is what a scale is of, such as "words", and in which unit.
func (s Scores) ScaleName(of string) string {
	if s.Unit != "" {
		of += " (" + s.Unit + ")"
	}
	return of
}

// RegionNames are what the detector calls n regions; those of one name are told apart by their index.
func RegionNames(info lxmert.ImageInfo, n int) []string {
	out, count := make([]string, n), map[string]int{}
	for j := range out {
		if j < len(info.Objects) {
			out[j] = info.Objects[j]
		}
		count[out[j]]++
	}
	for j, name := range out {
		switch {
		case name == "":
			out[j] = "region " + strconv.Itoa(j)
		case count[name] > 1:
			out[j] += " " + strconv.Itoa(j)
		}
	}
	return out
}
