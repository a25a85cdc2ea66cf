package lxmert

import "strconv"

// Param is one parameter of a model as files name and shape it: a linear layer's weight is [out, in].
type Param struct {
	Name  string
	Shape []int
}

// TiedDecoder is the state-dict alias of the word embeddings, used by the masked-word head.
const TiedDecoder = "cls.predictions.decoder.weight"

// WordEmbeddings is the parameter that [TiedDecoder] stands for.
const WordEmbeddings = "bert.embeddings.word_embeddings.weight"

// Params lists the parameters of a model in the order of the reference's state dict, the tied decoder once, under the
// embedding's name. Names are the reference's, without "module." or a task's prefix: bert.*, cls.*, obj_predict_head.*,
// answer_head.* and logit_fc.* (a fine-tuned head).
func (c Config) Params() []Param {
	var ps paramList
	d, i := c.Hidden, c.Intermediate

	ps.add("bert.embeddings.word_embeddings.weight", c.Vocab, d)
	ps.add("bert.embeddings.position_embeddings.weight", c.MaxPositions, d)
	ps.add("bert.embeddings.token_type_embeddings.weight", c.TokenTypes, d)
	ps.norm("bert.embeddings.LayerNorm", d)

	ps.linear("bert.encoder.visn_fc.visn_fc", d, c.FeatDim)
	ps.norm("bert.encoder.visn_fc.visn_layer_norm", d)
	ps.linear("bert.encoder.visn_fc.box_fc", d, c.BoxDim)
	ps.norm("bert.encoder.visn_fc.box_layer_norm", d)

	layer := func(p string) {
		ps.attention(p+".attention", "self", d)
		ps.linear(p+".intermediate.dense", i, d)
		ps.linear(p+".output.dense", d, i)
		ps.norm(p+".output.LayerNorm", d)
	}
	for k := range c.LangLayers {
		layer("bert.encoder.layer." + strconv.Itoa(k))
	}
	for k := range c.CrossLayers {
		p := "bert.encoder.x_layers." + strconv.Itoa(k)
		ps.attention(p+".visual_attention", "att", d)
		ps.attention(p+".lang_self_att", "self", d)
		ps.attention(p+".visn_self_att", "self", d)
		for _, side := range []string{".lang", ".visn"} {
			ps.linear(p+side+"_inter.dense", i, d)
			ps.linear(p+side+"_output.dense", d, i)
			ps.norm(p+side+"_output.LayerNorm", d)
		}
	}
	for k := range c.RegionLayers {
		layer("bert.encoder.r_layers." + strconv.Itoa(k))
	}
	ps.linear("bert.pooler.dense", d, d)

	if c.LM {
		ps.add("cls.predictions.bias", c.Vocab)
		ps.linear("cls.predictions.transform.dense", d, d)
		ps.norm("cls.predictions.transform.LayerNorm", d)
	}
	if c.Match {
		ps.linear("cls.seq_relationship", 2, d)
	}
	if c.Objects > 0 || c.Attributes > 0 || c.FeatHead {
		ps.linear("obj_predict_head.transform.dense", d, d)
		ps.norm("obj_predict_head.transform.LayerNorm", d)
	}
	if c.Objects > 0 {
		ps.linear("obj_predict_head.decoder_dict.obj", c.Objects, d)
	}
	if c.Attributes > 0 {
		ps.linear("obj_predict_head.decoder_dict.attr", c.Attributes, d)
	}
	if c.FeatHead {
		ps.linear("obj_predict_head.decoder_dict.feat", c.FeatDim, d)
	}
	if c.Answers > 0 {
		ps.answer("answer_head.logit_fc", d, 2*d, c.Answers)
	}
	if c.TaskClasses > 0 {
		ps.answer("logit_fc", c.TaskImages*d, 2*d, c.TaskClasses)
	}
	return ps
}

// NumParams counts the parameters of a model, the tied decoder once.
func (c Config) NumParams() int {
	n := 0
	for _, p := range c.Params() {
		n += Size(p.Shape)
	}
	return n
}

type paramList []Param

func (ps *paramList) add(name string, shape ...int) { *ps = append(*ps, Param{name, shape}) }

func (ps *paramList) linear(name string, out, in int) {
	ps.add(name+".weight", out, in)
	ps.add(name+".bias", out)
}

func (ps *paramList) norm(name string, d int) {
	ps.add(name+".weight", d)
	ps.add(name+".bias", d)
}

// attention adds the projections (in a self-attention block they are called "self", in a cross-attention block "att")
// and the output block.
func (ps *paramList) attention(name, inner string, d int) {
	for _, qkv := range []string{"query", "key", "value"} {
		ps.linear(name+"."+inner+"."+qkv, d, d)
	}
	ps.linear(name+".output.dense", d, d)
	ps.norm(name+".output.LayerNorm", d)
}

func (ps *paramList) answer(name string, in, mid, classes int) {
	ps.linear(name+".0", mid, in)
	ps.norm(name+".2", mid)
	ps.linear(name+".3", classes, mid)
}
