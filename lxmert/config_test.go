package lxmert

import (
	"errors"
	"strings"
	"testing"
)

func TestConfigCheckNamesTheImpossibleField(t *testing.T) {
	for _, c := range []struct {
		change func(*Config)
		want   string
	}{
		{func(c *Config) { *c = Config{} }, "vocab_size is 0"},
		{func(c *Config) { c.Vocab = 0 }, "vocab_size is 0"},
		{func(c *Config) { c.Vocab = 1 << 40 }, "vocab_size is 1099511627776, must be from 1 to 16777216"},
		{func(c *Config) { c.Hidden = -768 }, "hidden_size is -768"},
		{func(c *Config) { c.Heads = 0 }, "num_attention_heads is 0"},
		{func(c *Config) { c.Heads = 7 }, "hidden_size 768 is not a multiple of num_attention_heads 7"},
		{func(c *Config) { c.Intermediate = 0 }, "intermediate_size is 0"},
		{func(c *Config) { c.MaxPositions = 0 }, "max_position_embeddings is 0"},
		{func(c *Config) { c.TokenTypes = 0 }, "type_vocab_size is 0"},
		{func(c *Config) { c.FeatDim = 0 }, "visual_feat_dim is 0"},
		{func(c *Config) { c.BoxDim = 0 }, "visual_pos_dim is 0"},
		{func(c *Config) { c.LangLayers = -1 }, "l_layers is -1, must be from 0 to 256"},
		{func(c *Config) { c.RegionLayers = 1 << 30 }, "r_layers is 1073741824"},
		{func(c *Config) { c.CrossLayers = 257 }, "x_layers is 257"},
		{func(c *Config) { c.Objects = -1 }, "num_object_labels is -1"},
		{func(c *Config) { c.Attributes = -1 }, "num_attr_labels is -1"},
		{func(c *Config) { c.Answers = -1 }, "num_qa_labels is -1"},
		{func(c *Config) { c.TaskClasses = -1 }, "num_task_labels is -1"},
		{func(c *Config) { c.TaskClasses, c.TaskImages = 2, 0 }, "task_images is 0, must be 1 or 2"},
		{func(c *Config) { c.TaskClasses, c.TaskImages = 2, 3 }, "task_images is 3"},
		{func(c *Config) { c.Activation = "GELU" }, `hidden_act is "GELU"`},
		{func(c *Config) { c.Activation = "" }, `hidden_act is ""`},
	} {
		config := LXR955()
		c.change(&config)
		err := config.Check()
		if !errors.Is(err, ErrConfig) || !strings.Contains(err.Error(), c.want) {
			t.Errorf("error %v does not say %q", err, c.want)
		}
	}
}

func TestConfigCheckAcceptsModelsWithoutWhatIsOptional(t *testing.T) {
	for name, change := range map[string]func(*Config){
		"published":          func(*Config) {},
		"no layers":          func(c *Config) { c.LangLayers, c.RegionLayers, c.CrossLayers = 0, 0, 0 },
		"no heads":           func(c *Config) { *c = encoderOnly() },
		"VQA":                func(c *Config) { c.TaskClasses, c.TaskImages = 3129, 1 },
		"NLVR2":              func(c *Config) { c.TaskClasses, c.TaskImages = 2, 2 },
		"relu":               func(c *Config) { c.Activation = "relu" },
		"swish":              func(c *Config) { c.Activation = "swish" },
		"unknown pieces' id": func(c *Config) { c.Special = SpecialIDs{} },
	} {
		c := LXR955()
		change(&c)
		if err := c.Check(); err != nil {
			t.Errorf("%s: %v", name, err)
		}
	}
}

func TestLargestConfigCountsItsParametersWithoutOverflow(t *testing.T) {
	c := Config{
		Vocab: maxSize, Hidden: maxSize, Heads: 1, Intermediate: maxSize, MaxPositions: maxSize, TokenTypes: maxSize, Activation: "gelu",
		LangLayers: maxLayers, RegionLayers: maxLayers, CrossLayers: maxLayers, FeatDim: maxSize, BoxDim: maxSize,
		LM: true, Match: true, Objects: maxSize, Attributes: maxSize, FeatHead: true, Answers: maxSize, TaskClasses: maxSize, TaskImages: 2,
	}
	if err := c.Check(); err != nil {
		t.Fatal(err)
	}
	sum := 0.0
	for _, p := range c.Params() {
		sum += float64(Size(p.Shape))
	}
	if n := float64(c.NumParams()); n < 0.999*sum || n > 1.001*sum {
		t.Errorf("%g parameters, expected %g", n, sum)
	}
}

// encoderOnly is the published model without its heads.
func encoderOnly() Config {
	c := LXR955()
	c.LM, c.Match, c.Objects, c.Attributes, c.FeatHead, c.Answers = false, false, 0, 0, false, 0
	return c
}

func TestHeadDim(t *testing.T) {
	if d := LXR955().HeadDim(); d != 64 {
		t.Errorf("%d units per head, expected 64", d)
	}
	if d := (Config{}).HeadDim(); d != 0 {
		t.Errorf("no model has heads of %d units", d)
	}
}
