package weights_test

import (
	"strings"
	"testing"

	"github.com/seed-516990b0/golxmert/lxmert"
	"github.com/seed-516990b0/golxmert/lxmert/weights"
)

func TestCanonicalNames(t *testing.T) {
	for name, want := range map[string]string{
		"bert.pooler.dense.weight":                                       "bert.pooler.dense.weight",
		"module.bert.pooler.dense.weight":                                "bert.pooler.dense.weight",
		"lxrt_encoder.model.bert.pooler.dense.weight":                    "bert.pooler.dense.weight",
		"lxrt_encoder.model.module.bert.pooler.dense.weight":             "bert.pooler.dense.weight",
		"module.lxrt_encoder.model.bert.pooler.dense.bias":               "bert.pooler.dense.bias",
		"model.bert.pooler.dense.weight":                                 "bert.pooler.dense.weight",
		"state_dict.module.bert.pooler.dense.weight":                     "bert.pooler.dense.weight",
		"model_state_dict.cls.predictions.bias":                          "cls.predictions.bias",
		"lxmert.encoder.x_layers.0.visual_attention.att.key.bias":        "bert.encoder.x_layers.0.visual_attention.att.key.bias",
		"encoder.layer.3.output.dense.bias":                              "bert.encoder.layer.3.output.dense.bias",
		"embeddings.LayerNorm.gamma":                                     "bert.embeddings.LayerNorm.weight",
		"bert.encoder.layer.0.attention.output.LayerNorm.beta":           "bert.encoder.layer.0.attention.output.LayerNorm.bias",
		"_orig_mod.bert.pooler.dense.weight":                             "bert.pooler.dense.weight",
		"module._orig_mod.logit_fc.0.weight":                             "logit_fc.0.weight",
		"lxrt_encoder._orig_mod.model.bert.pooler.dense.weight":          "bert.pooler.dense.weight",
		"model.model.bert.embeddings.word_embeddings.weight":             "bert.embeddings.word_embeddings.weight",
		"model.classifier.logit_fc.3.weight":                             "logit_fc.3.weight",
		"model.classifier.logit_gqa.3.weight":                            "classifier.logit_gqa.3.weight",
		"bert.bert.encoder.layer.0.output.dense.bias":                    "bert.encoder.layer.0.output.dense.bias",
		"bert.cls.seq_relationship.bias":                                 "cls.seq_relationship.bias",
		"bert.classifier.logit_fc.0.bias":                                "logit_fc.0.bias",
		"model.answer_head.logit_fc.0.weight":                            "answer_head.logit_fc.0.weight",
		"logit_fc.3.bias":                                                "logit_fc.3.bias",
		"module.logit_fc.0.weight":                                       "logit_fc.0.weight",
		"answer_head.logit_fc.0.weight":                                  "answer_head.logit_fc.0.weight",
		"module.obj_predict_head.decoder_dict.obj.weight":                "obj_predict_head.decoder_dict.obj.weight",
		"optimizer.state.0.exp_avg":                                      "optimizer.state.0.exp_avg",
		"":                                                               "",
		"module":                                                         "module",
		"gamma":                                                          "weight",
		"lxrt_encoder.model.bert.encoder.r_layers.4.output.dense.weight": "bert.encoder.r_layers.4.output.dense.weight",
	} {
		if got := weights.Canonical(name); got != want {
			t.Errorf("%q is %q, want %q", name, got, want)
		}
	}
}

// TestNamesGoThereAndBack: every parameter's name in any of the files' dialects is read as the canonical one.
func TestNamesGoThereAndBack(t *testing.T) {
	c := lxmert.LXR955()
	for _, p := range c.Params() {
		for _, name := range []string{
			p.Name, "module." + p.Name, weights.HuggingFaceName(p.Name), weights.TaskName(p.Name), "model." + p.Name, "state_dict.module." + p.Name,
			"_orig_mod." + p.Name, "state_dict._orig_mod.module." + p.Name, mmfName(p.Name), "model." + mmfName(p.Name),
		} {
			if got := weights.Canonical(name); got != p.Name {
				t.Errorf("%q is %q, want %q", name, got, p.Name)
			}
		}
	}
	if got := weights.HuggingFaceName("logit_fc.3.bias"); got != "answer_head.logit_fc.3.bias" {
		t.Error(got)
	}
}

// mmfName is MMF's name of a canonical one.
func mmfName(canonical string) string {
	if strings.HasPrefix(canonical, "logit_fc.") {
		canonical = "classifier." + canonical
	}
	return "model." + canonical
}
