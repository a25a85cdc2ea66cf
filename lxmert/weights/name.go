package weights

import (
	"slices"
	"strings"

	"github.com/seed-516990b0/golxmert/lxmert"
)

// Canonical returns the name that [lxmert.Config.Params] has for a parameter which a file calls name. It removes what
// training on several GPUs, torch.compile, fine-tuning, a checkpoint around the weights, Hugging Face, or MMF puts in front:
//
//	module.bert.pooler.dense.weight                      several GPUs
//	_orig_mod.bert.pooler.dense.weight                   torch.compile
//	lxrt_encoder.model.bert.pooler.dense.weight          a fine-tuned task (Q11: with .module. after model, too)
//	model.bert.pooler.dense.weight, state_dict.bert...   a checkpoint around the weights
//	lxmert.pooler.dense.weight, pooler.dense.weight      Hugging Face's models, and its LxmertModel alone
//	model.bert..., bert.bert..., bert.cls...             Facebook's MMF, and its earlier versions
//	model.classifier.logit_fc.3.weight                   MMF's head of a fine-tuned task
//	bert.embeddings.LayerNorm.gamma, .beta               TensorFlow's names for .weight, .bias
//
// (MMF gives its LXMERT other inputs than the original: words' mask and segments exchanged, and in some versions boxes that
// are all zero. A model that was trained so answers differently here.)
//
// A name that is none of these comes back without the parts called "module" and "_orig_mod".
func Canonical(name string) string {
	parts := slices.DeleteFunc(strings.Split(name, "."), func(p string) bool { return p == "module" || p == "_orig_mod" })
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
	if len(parts) > 1 && parts[0] == "bert" {
		switch parts[1] {
		case "bert", "cls", "obj_predict_head", "answer_head", "classifier": // MMF's models were once called bert
			parts = parts[1:]
		}
	}
	if len(parts) > 1 && parts[0] == "classifier" && parts[1] == "logit_fc" {
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

// Spellings are the names that files have for a parameter, the canonical one first: those of the reference's snapshots and Hugging
// Face's, and of the word embeddings also that of the decoder of masked words, which shares them.
func Spellings(canonical string) []string {
	names := []string{canonical, TaskName(canonical), HuggingFaceName(canonical)}
	if canonical == lxmert.WordEmbeddings {
		names = append(names, lxmert.TiedDecoder)
	}
	return names
}

// TaskName returns the name that the reference's fine-tuned snapshots (BEST.pth, LAST.pth) have for a canonical one:
// the encoder stands after lxrt_encoder.model, the head is the same. [Canonical] turns it back.
func TaskName(canonical string) string {
	if strings.HasPrefix(canonical, "bert.") {
		return "lxrt_encoder.model." + canonical
	}
	return canonical
}
