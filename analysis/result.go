package analysis

import (
	"slices"

	"github.com/seed-516990b0/golxmert/lxmert"
)

// Meta says what a result is: enough to make it again and to put it into a paper.
type Meta struct {
	Method   string            `json:"method"`           // such as "bi-modal relevance"
	Target   string            `json:"target"`           // what was explained, see [Target]
	Unit     string            `json:"unit"`             // of the values: "nats", "logit", "share", "" for none
	Model    lxmert.Provenance `json:"model"`            // weights, their hash, backend, version
	Features string            `json:"features"`         // which file or extractor the regions came from
	Seed     uint64            `json:"seed,omitempty"`   // of whatever was drawn
	N        int               `json:"n"`                // examples that went into it
	Level    float64           `json:"level,omitempty"`  // of its intervals, such as 0.95; 0: it has none
	Notes    []string          `json:"notes,omitempty"`  // what a reader must know, a sentence each
	Params   map[string]string `json:"params,omitempty"` // settings of the method
}

// Scores are numbers for the words and the regions of one example.
type Scores struct {
	Meta
	Words   []float64 `json:"words"`   // [T]; nil: the method has none
	Regions []float64 `json:"regions"` // [V]; nil: the method has none
	// Marks says that the numbers are not measured: 1 marks what something is about, all else is 0. They are shown without a scale.
	Marks bool `json:"marks,omitempty"`

	// InnerWords are the positions of the words between [CLS] and [SEP]; nil: all but the first and the last, as there is
	// no padding. ValidRegions are the regions that are not masked; nil: all.
	InnerWords   []int `json:"inner_words,omitzero"`
	ValidRegions []int `json:"valid_regions,omitzero"`

	Text  lxmert.Words     `json:"text"`  // the pieces that Words are about
	Image lxmert.ImageInfo `json:"image"` // the picture, with the detector's labels
	Boxes [][4]float64     `json:"boxes"` // [V] x0 y0 x1 y1, 0 to 1
	// Answer is what the model said, for a caption; "" if nobody named it.
	Answer string `json:"answer,omitempty"`
}

// Inner are the values of the words between [CLS] and [SEP], without padding.
func (s Scores) Inner() []float64 {
	if s.InnerWords != nil {
		return pick(s.Words, s.InnerWords)
	}
	if len(s.Words) < 3 {
		return nil
	}
	return s.Words[1 : len(s.Words)-1]
}

// Unmasked are the values of the regions that are there.
func (s Scores) Unmasked() []float64 {
	if s.ValidRegions != nil {
		return pick(s.Regions, s.ValidRegions)
	}
	return s.Regions
}

// There says that a region is not masked.
func (s Scores) There(region int) bool {
	return s.ValidRegions == nil || slices.Contains(s.ValidRegions, region)
}

func pick(values []float64, at []int) []float64 {
	var out []float64
	for _, i := range at {
		if i >= 0 && i < len(values) {
			out = append(out, values[i])
		}
	}
	return out
}

// Axis is one side of a [Matrix].
type Axis struct {
	Name   string   `json:"name"`   // such as "word", "region", "head", "layer"
	Labels []string `json:"labels"` // of its entries; nil: they are numbered
}

// Matrix is one or more panels of numbers over the same two axes: words by regions for each head, heads by layers, levels
// by levels.
type Matrix struct {
	Meta
	Rows   Axis          `json:"rows"`
	Cols   Axis          `json:"cols"`
	Panels []MatrixPanel `json:"panels"`
	// Low and High are the range of a shared colour scale; both 0: that of the values. A range around 0 is a diverging
	// scale.
	Low  float64 `json:"low"`
	High float64 `json:"high"`
}

// MatrixPanel is one panel of a [Matrix]. NaN is "not defined".
type MatrixPanel struct {
	Name   string      `json:"name"`
	Values [][]float64 `json:"values"` // [rows][cols]
}

// Curve is one or more series over a common axis: layers, steps of a perturbation.
type Curve struct {
	Meta
	XName  string        `json:"x_name"`
	YName  string        `json:"y_name"`
	X      []float64     `json:"x"`
	Series []CurveSeries `json:"series"`
	// Rules are places on the axis to mark, such as where the cross-modality layers begin.
	Rules map[string]float64 `json:"rules,omitempty"`
	// Levels are values to compare the series with, such as chance or what an intact model reaches.
	Levels map[string]float64 `json:"levels,omitempty"`
}

// CurveSeries is one line of a [Curve].
type CurveSeries struct {
	Name      string    `json:"name"`
	Y         []float64 `json:"y"`
	Low, High []float64 `json:"-"`               // interval at each point; nil: none
	Style     string    `json:"style,omitempty"` // "solid" (or ""), "dashed", "area" (from 0), "random" (grey)
	Area      float64   `json:"area,omitempty"`  // under the curve, where that is a measure; NaN or 0: not given
}

// Table is everything else: rows of numbers and names.
type Table struct {
	Meta
	Columns []string `json:"columns"`
	Rows    [][]any  `json:"rows"` // string, int, float64 or bool
	// Examples say of each row which example of the same [Collection] it is about, the first being 1; 0: none. A page links the row to it.
	// nil: no row is about one.
	Examples []int `json:"examples,omitempty"`
}
