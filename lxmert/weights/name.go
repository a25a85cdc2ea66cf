package weights

import (
	"slices"
	"strings"
)

// Canonical returns the name that [lxmert.Config.Params] has for a parameter which a file calls name. It removes what
// training on several GPUs, fine-tuning, a checkpoint around the weights, or Hugging Face puts in front:
//
//	module.bert.pooler.dense.weight                      several GPUs
//	lxrt_encoder.model.bert.pooler.dense.weight          a fine-tuned task (Q11: with .module. after model, too)
//	model.bert.pooler.dense.weight, state_dict.bert...   a checkpoint around the weights
//	lxmert.pooler.dense.weight, pooler.dense.weight      Hugging Face's models, and its LxmertModel alone
//	bert.embeddings.LayerNorm.gamma, .beta               TensorFlow's names for .weight, .bias
//
// A name that is none of these comes back without the parts called "module".
func Canonical(name string) string {
	parts := slices.DeleteFunc(strings.Split(name, "."), func(p string) bool { return p == "module" })
	wrapped := func(p string) bool {
		switch p {
		case "model", "state_dict", "model_state_dict", "lxrt_encoder":
			return true
		}
		return false
	}
	for len(parts) > 1 && wrapped(parts[0]) {
		parts = parts[1:]
	}
	if len(parts) == 0 {
		return name
	}
	switch parts[0] {
	case "lxmert":
		parts[0] = "bert"
	case "embeddings", "encoder", "pooler":
		parts = append([]string{"bert"}, parts...)
	}
	switch last := &parts[len(parts)-1]; *last {
	case "gamma":
		*last = "weight"
	case "beta":
		*last = "bias"
	}
	return strings.Join(parts, ".")
}

// HuggingFaceName returns Hugging Face's name of a canonical one: bert.* is lxmert.*, a fine-tuned head is the answer
// head, all others are the same. [Canonical] turns the first back.
func HuggingFaceName(canonical string) string {
	if rest, ok := strings.CutPrefix(canonical, "bert."); ok {
		return "lxmert." + rest
	}
	if strings.HasPrefix(canonical, "logit_fc.") {
		return "answer_head." + canonical
	}
	return canonical
}

// TaskName returns the name that the reference's fine-tuned snapshots (BEST.pth, LAST.pth) have for a canonical one:
// the encoder stands behind lxrt_encoder.model, the head is the same. [Canonical] turns it back.
func TaskName(canonical string) string {
	if strings.HasPrefix(canonical, "bert.") {
		return "lxrt_encoder.model." + canonical
	}
	return canonical
}
