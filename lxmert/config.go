package lxmert

import (
	"errors"
	"fmt"
)

// Config holds the sizes of a model. The zero value is not a model; [LXR955] is the published one.
type Config struct {
	Vocab        int    `json:"vocab_size"`              // word pieces in the vocabulary
	Hidden       int    `json:"hidden_size"`             // D
	Heads        int    `json:"num_attention_heads"`     // H; divides Hidden
	Intermediate int    `json:"intermediate_size"`       // units of a feed-forward block
	MaxPositions int    `json:"max_position_embeddings"` // longest sentence, in word pieces
	TokenTypes   int    `json:"type_vocab_size"`         // segments
	Activation   string `json:"hidden_act"`              // "gelu" (exact), "relu" or "swish"; the answer heads always use GELU

	LangLayers   int `json:"l_layers"` // language layers
	RegionLayers int `json:"r_layers"` // object-relationship layers
	CrossLayers  int `json:"x_layers"` // cross-modality layers

	FeatDim int `json:"visual_feat_dim"` // F, features of a region
	BoxDim  int `json:"visual_pos_dim"`  // numbers of a region's box

	// Heads that the model has. Zero or false: it has none of that kind.
	LM          bool `json:"task_mask_lm"`      // out.mlm, tied to the word embeddings
	Match       bool `json:"task_matched"`      // out.match
	Objects     int  `json:"num_object_labels"` // classes of out.obj
	Attributes  int  `json:"num_attr_labels"`   // classes of out.attr
	FeatHead    bool `json:"visual_feat_loss"`  // out.feat, FeatDim numbers
	Answers     int  `json:"num_qa_labels"`     // classes of out.qa, the pre-training answer head
	TaskClasses int  `json:"num_task_labels"`   // classes of out.task, a fine-tuned head
	TaskImages  int  `json:"task_images"`       // rows joined for out.task: 1 (VQA, GQA) or 2 (NLVR2)

	Special SpecialIDs `json:"special_ids"`
}

// SpecialIDs are the word-piece ids with a meaning of their own. They differ between vocabularies.
type SpecialIDs struct {
	Pad  int32 `json:"pad"`
	Unk  int32 `json:"unk"`
	Cls  int32 `json:"cls"`
	Sep  int32 `json:"sep"`
	Mask int32 `json:"mask"`
}

// ErrNoMask says that words cannot be hidden.
var ErrNoMask = errors.New("nothing says which word piece is [MASK]: open the weights with a configuration that has special_ids")

// BertSpecialIDs are those of the published bert-base-uncased vocabulary.
var BertSpecialIDs = SpecialIDs{Pad: 0, Unk: 100, Cls: 101, Sep: 102, Mask: 103}

// LXR955 returns the sizes of the published model with all of its pre-training heads: 9 language, 5 object-relationship
// and 5 cross-modality layers, 228,051,752 parameters.
func LXR955() Config {
	return Config{
		Vocab: 30522, Hidden: 768, Heads: 12, Intermediate: 3072, MaxPositions: 512, TokenTypes: 2, Activation: "gelu",
		LangLayers: 9, RegionLayers: 5, CrossLayers: 5,
		FeatDim: 2048, BoxDim: 4,
		LM: true, Match: true, Objects: 1600, Attributes: 400, FeatHead: true, Answers: 9500,
		Special: BertSpecialIDs,
	}
}

// Sizes are the model's in words: "9 language, 5 object-relationship and 5 cross-modality layers of 12 heads, 768 wide".
func (c Config) Sizes() string {
	return fmt.Sprintf("%d language, %d object-relationship and %d cross-modality layers of %d heads, %d wide", c.LangLayers, c.RegionLayers, c.CrossLayers, c.Heads, c.Hidden)
}

// HeadDim is the number of hidden units of one attention head, 0 for the zero Config.
func (c Config) HeadDim() int {
	if c.Heads == 0 {
		return 0
	}
	return c.Hidden / c.Heads
}

// ErrConfig is wrapped by every error that says a [Config] cannot be a model.
var ErrConfig = errors.New("lxmert: impossible configuration")

// Sizes of published models are far below these. With them the number of parameters fits an int, and a hostile
// configuration cannot make [Config.Params] or [Config.Names] long.
const (
	maxSize   = 1 << 24
	maxLayers = 256
)

// Check returns an error, wrapping [ErrConfig], that names the first impossible field as configuration files call it.
func (c Config) Check() error {
	for _, f := range []struct {
		name        string
		value       int
		least, most int
	}{
		{"vocab_size", c.Vocab, 1, maxSize}, {"hidden_size", c.Hidden, 1, maxSize},
		{"num_attention_heads", c.Heads, 1, maxSize}, {"intermediate_size", c.Intermediate, 1, maxSize},
		{"max_position_embeddings", c.MaxPositions, 1, maxSize}, {"type_vocab_size", c.TokenTypes, 1, maxSize},
		{"visual_feat_dim", c.FeatDim, 1, maxSize}, {"visual_pos_dim", c.BoxDim, 1, maxSize},
		{"l_layers", c.LangLayers, 0, maxLayers}, {"r_layers", c.RegionLayers, 0, maxLayers}, {"x_layers", c.CrossLayers, 0, maxLayers},
		{"num_object_labels", c.Objects, 0, maxSize}, {"num_attr_labels", c.Attributes, 0, maxSize},
		{"num_qa_labels", c.Answers, 0, maxSize}, {"num_task_labels", c.TaskClasses, 0, maxSize},
	} {
		if f.value < f.least || f.value > f.most {
			return fmt.Errorf("%w: %s is %d, must be from %d to %d", ErrConfig, f.name, f.value, f.least, f.most)
		}
	}
	if c.Hidden%c.Heads != 0 {
		return fmt.Errorf("%w: hidden_size %d is not a multiple of num_attention_heads %d", ErrConfig, c.Hidden, c.Heads)
	}
	switch c.Activation {
	case "gelu", "relu", "swish":
	default:
		return fmt.Errorf("%w: hidden_act is %q, must be gelu, relu or swish", ErrConfig, c.Activation)
	}
	if c.TaskClasses > 0 && c.TaskImages != 1 && c.TaskImages != 2 {
		return fmt.Errorf("%w: task_images is %d, must be 1 or 2", ErrConfig, c.TaskImages)
	}
	return nil
}
