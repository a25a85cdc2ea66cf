package weights

import (
	"fmt"
	"strconv"
	"strings"

	"github.com/seed-516990b0/golxmert/lxmert"
)

// inference finds a model's sizes from the canonical names and shapes of its parameters.
type inference struct {
	shapes map[string][]int
	err    error
}

// infer returns all of a configuration but Heads, Activation and Special, which shapes do not tell.
func infer(shapes map[string][]int) (lxmert.Config, error) {
	in := inference{shapes: shapes}
	var c lxmert.Config
	if !in.has(lxmert.WordEmbeddings) {
		return c, fmt.Errorf("it is not an LXMERT model: there is no %s", lxmert.WordEmbeddings)
	}
	c.Vocab, c.Hidden = in.axis(lxmert.WordEmbeddings, 2, 0), in.axis(lxmert.WordEmbeddings, 2, 1)
	c.MaxPositions = in.axis("bert.embeddings.position_embeddings.weight", 2, 0)
	c.TokenTypes = in.axis("bert.embeddings.token_type_embeddings.weight", 2, 0)
	c.LangLayers = in.layers("bert.encoder.layer.")
	c.CrossLayers = in.layers("bert.encoder.x_layers.")
	c.RegionLayers = in.layers("bert.encoder.r_layers.")
	for _, name := range []string{"layer.0.intermediate", "x_layers.0.lang_inter", "r_layers.0.intermediate"} {
		if name := "bert.encoder." + name + ".dense.weight"; c.Intermediate == 0 && in.has(name) {
			c.Intermediate = in.axis(name, 2, 0)
		}
	}
	if c.Intermediate == 0 {
		c.Intermediate = 4 * c.Hidden // no layers: BERT's ratio, used by nothing
	}
	if in.has("bert.encoder.visn_fc.visn_fc.weight") {
		c.FeatDim = in.axis("bert.encoder.visn_fc.visn_fc.weight", 2, 1)
		c.BoxDim = in.axis("bert.encoder.visn_fc.box_fc.weight", 2, 1)
	} else { // BERT alone, from which pre-training starts: the published sizes, and the report says what is missing
		published := lxmert.LXR955()
		c.FeatDim, c.BoxDim = published.FeatDim, published.BoxDim
	}

	c.LM = in.has("cls.predictions.bias") || in.has("cls.predictions.transform.dense.weight")
	c.Match = in.has("cls.seq_relationship.weight")
	c.Objects = in.classes("obj_predict_head.decoder_dict.obj.weight")
	c.Attributes = in.classes("obj_predict_head.decoder_dict.attr.weight")
	c.FeatHead = in.has("obj_predict_head.decoder_dict.feat.weight")
	c.Answers = in.classes("answer_head.logit_fc.3.weight")
	c.TaskClasses = in.classes("logit_fc.3.weight")
	if c.TaskClasses > 0 && in.err == nil {
		switch width := in.axis("logit_fc.0.weight", 2, 1); width {
		case c.Hidden:
			c.TaskImages = 1
		case 2 * c.Hidden:
			c.TaskImages = 2
		default:
			in.fail("logit_fc.0.weight has %d inputs, must be %d (VQA, GQA) or %d (NLVR2)", width, c.Hidden, 2*c.Hidden)
		}
	}
	return c, in.err
}

func (in *inference) fail(format string, args ...any) {
	if in.err == nil {
		in.err = fmt.Errorf(format, args...)
	}
}

func (in *inference) has(name string) bool { _, ok := in.shapes[name]; return ok }

// axis returns one size of a parameter that must be there with the given rank.
func (in *inference) axis(name string, rank, axis int) int {
	shape, ok := in.shapes[name]
	if !ok {
		in.fail("it is not a complete LXMERT model: there is no %s", name)
		return 0
	}
	if len(shape) != rank {
		in.fail("%s has shape %v, must have %d axes", name, shape, rank)
		return 0
	}
	return shape[axis]
}

// classes returns the number of outputs of a head, 0 if it is not there.
func (in *inference) classes(name string) int {
	if !in.has(name) {
		return 0
	}
	return in.axis(name, 2, 0)
}

// layers counts the layers whose names start so. All numbers from 0 on must be there.
func (in *inference) layers(prefix string) int {
	seen := map[int]bool{}
	for name := range in.shapes {
		if rest, ok := strings.CutPrefix(name, prefix); ok {
			number, _, _ := strings.Cut(rest, ".")
			k, err := strconv.Atoi(number)
			if err != nil || k < 0 || strconv.Itoa(k) != number {
				in.fail("%q has no layer number", short(name))
				return 0
			}
			seen[k] = true
		}
	}
	for k := range len(seen) {
		if !seen[k] {
			in.fail("%d layers are called %s*, but number %d is missing", len(seen), prefix, k)
			return 0
		}
	}
	return len(seen)
}
