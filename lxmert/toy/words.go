package toy

import (
	"bytes"
	"encoding/json"
	"slices"

	"github.com/seed-516990b0/golxmert/lxmert"
)

// What there is in the world. A shape's place in Shapes is its object class, a colour's place in Colors its attribute
// class, an answer's place in Answers its label.
var (
	Shapes  = []string{"circle", "square", "triangle", "star", "cross"}
	Colors  = []string{"red", "blue", "green", "yellow", "purple", "black"}
	Sizes   = []string{"small", "large"}
	Answers = []string{
		"yes", "no", "0", "1", "2", "3", "4", "left", "right", "above", "below", "top", "bottom",
		"red", "blue", "green", "yellow", "purple", "black", "circle", "square", "triangle", "star", "cross",
	}
)

// Combination is a shape in a colour.
type Combination struct {
	Shape string `json:"shape"`
	Color string `json:"color"`
}

// Combinations are never trained on: no training picture shows one, no training question names one. Each of their shapes
// and all of their colours are seen otherwise.
var Combinations = []Combination{
	{"circle", "red"}, {"square", "blue"}, {"triangle", "purple"}, {"star", "green"}, {"cross", "yellow"},
}

// The kinds of questions, which VQA's question files call question_type.
const (
	KindColor    = "color"    // what color is the circle?
	KindShape    = "shape"    // what shape is the red thing?
	KindExist    = "exist"    // is there a red circle?
	KindCount    = "count"    // how many red things are there?
	KindPosition = "position" // is the circle left of the red thing?
	KindCompare  = "compare"  // are there more circles than squares?
	KindSide     = "side"     // is the circle left or right of the red thing?
	KindWhere    = "where"    // is the circle on the top or bottom?
)

// Kinds lists the kinds of questions in the order in which a picture's questions stand in the files.
var Kinds = []string{KindColor, KindShape, KindExist, KindCount, KindPosition, KindCompare, KindSide, KindWhere}

// The kinds of NLVR2-like statements.
const (
	PairOne    = "one"    // there is a red circle in the left picture.
	PairBoth   = "both"   // there is a red circle in both pictures.
	PairSingle = "single" // exactly one picture has a red circle.
	PairCount  = "count"  // there are exactly two circles in the left picture.
	PairMore   = "more"   // the left picture has more circles than the right picture.
)

// PairKinds lists the kinds of statements about two pictures.
var PairKinds = []string{PairOne, PairBoth, PairSingle, PairCount, PairMore}

// trained says whether training may show a combination.
func trained(shape, color string) bool {
	return !slices.Contains(Combinations, Combination{shape, color})
}

var specials = []string{"[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]"}

// words are those of all sentences and answers, apart from shapes, colours and sizes. "circles" is "circle", "##s".
var words = []string{
	"?", ".", ",", "##s", "##es",
	"what", "color", "shape", "is", "the", "thing", "there", "a", "how", "many", "are", "more", "than", "or", "of", "on",
	"left", "right", "above", "below", "top", "bottom", "yes", "no",
	"picture", "with", "and", "in", "both", "exactly", "has", "one", "two", "three", "four",
}

// Vocabulary returns the lines of vocab.txt: the special pieces, the world's words, and letters and digits, so that
// whatever else is asked in them has pieces too.
func Vocabulary() []string {
	v := slices.Concat(specials, words, Shapes, Colors, Sizes)
	for _, r := range "abcdefghijklmnopqrstuvwxyz0123456789" {
		if !slices.Contains(v, string(r)) {
			v = append(v, string(r))
		}
		if piece := "##" + string(r); !slices.Contains(v, piece) {
			v = append(v, piece)
		}
	}
	for _, r := range "!'-\"" {
		v = append(v, string(r))
	}
	return v
}

// ModelConfig returns the sizes of a model that learns the world in minutes, with all pre-training heads.
func ModelConfig() lxmert.Config {
	return lxmert.Config{
		Vocab: len(Vocabulary()), Hidden: 64, Heads: 4, Intermediate: 128, MaxPositions: 20, TokenTypes: 2, Activation: "gelu",
		LangLayers: 1, RegionLayers: 1, CrossLayers: 2,
		FeatDim: FeatDim, BoxDim: 4,
		LM: true, Match: true, Objects: len(Shapes), Attributes: len(Colors), FeatHead: true, Answers: len(Answers),
		Special: lxmert.SpecialIDs{Pad: 0, Unk: 1, Cls: 2, Sep: 3, Mask: 4},
	}
}

// configFile is the model's configuration in the layout that the reference's sizes have: BERT's own, and the rest beside.
func configFile() ([]byte, error) {
	c := ModelConfig()
	type bert struct {
		Vocab        int     `json:"vocab_size"`
		Hidden       int     `json:"hidden_size"`
		Layers       int     `json:"num_hidden_layers"`
		Heads        int     `json:"num_attention_heads"`
		Intermediate int     `json:"intermediate_size"`
		Activation   string  `json:"hidden_act"`
		Dropout      float64 `json:"hidden_dropout_prob"`
		AttDropout   float64 `json:"attention_probs_dropout_prob"`
		MaxPositions int     `json:"max_position_embeddings"`
		TokenTypes   int     `json:"type_vocab_size"`
		Spread       float64 `json:"initializer_range"`
	}
	text, err := json.MarshalIndent(struct {
		Bert         bert              `json:"bert_config"`
		LangLayers   int               `json:"llayers"`
		CrossLayers  int               `json:"xlayers"`
		RegionLayers int               `json:"rlayers"`
		FeatDim      int               `json:"feat_dim"`
		BoxDim       int               `json:"pos_dim"`
		Objects      int               `json:"num_obj"`
		Attributes   int               `json:"num_attr"`
		Answers      int               `json:"num_answers"`
		Special      lxmert.SpecialIDs `json:"special_ids"`
	}{
		bert{
			c.Vocab, c.Hidden, c.LangLayers, c.Heads, c.Intermediate, c.Activation, 0, 0, c.MaxPositions, c.TokenTypes,
			0.08, // a model this small learns far slower from BERT's 0.02
		},
		c.LangLayers, c.CrossLayers, c.RegionLayers, c.FeatDim, c.BoxDim, c.Objects, c.Attributes, c.Answers, c.Special,
	}, "", " ")
	return append(text, '\n'), err
}

// vocabFile is vocab.txt.
func vocabFile() []byte {
	var b bytes.Buffer
	for _, piece := range Vocabulary() {
		b.WriteString(piece)
		b.WriteByte('\n')
	}
	return b.Bytes()
}
