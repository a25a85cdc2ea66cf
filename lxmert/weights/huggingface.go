package weights

import (
	"bufio"
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/seed-516990b0/golxmert/internal/atomicfile"
	"github.com/seed-516990b0/golxmert/lxmert"
)

// SaveHuggingFace writes a folder with config.json and model.safetensors that transformers opens with from_pretrained,
// and returns the class to open it with:
//
//   - LxmertForPreTraining for a model with the masked-word and matching heads,
//   - LxmertForQuestionAnswering for an answer head, or a fine-tuned one of a task with one image (VQA, GQA), without them,
//   - LxmertModel for an encoder alone.
//
// A model that none of the three can hold is an error: NLVR2's head of two images, or some but not all of a class's parts.
func SaveHuggingFace(dir string, m *Model, dtype DType) (class string, err error) {
	c := m.Config
	class, answers, err := huggingFaceClass(c)
	if err != nil {
		return "", fmt.Errorf("%s cannot become a Hugging Face model: %w", m.File.Path, err)
	}
	if err := m.Report(c).missing(); err != nil {
		return "", err
	}
	if err := os.MkdirAll(dir, 0o777); err != nil {
		return "", err
	}
	config := map[string]any{
		"architectures": []string{class}, "model_type": "lxmert", "tie_word_embeddings": true,
		"attention_probs_dropout_prob": 0.1, "hidden_dropout_prob": 0.1, "initializer_range": 0.02, "visual_loss_normalizer": 6.67,
		"hidden_act": c.Activation, "pad_token_id": c.Special.Pad, "vocab_size": c.Vocab, "hidden_size": c.Hidden,
		"num_attention_heads": c.Heads, "intermediate_size": c.Intermediate, "max_position_embeddings": c.MaxPositions,
		"type_vocab_size": c.TokenTypes, "l_layers": c.LangLayers, "r_layers": c.RegionLayers, "x_layers": c.CrossLayers,
		"num_hidden_layers": map[string]int{"language": c.LangLayers, "vision": c.RegionLayers, "cross_encoder": c.CrossLayers},
		"visual_feat_dim":   c.FeatDim, "visual_pos_dim": c.BoxDim,
		"task_mask_lm": c.LM, "task_matched": c.Match, "task_obj_predict": c.Objects > 0 || c.Attributes > 0 || c.FeatHead,
		"task_qa": answers > 0, "visual_obj_loss": c.Objects > 0, "visual_attr_loss": c.Attributes > 0, "visual_feat_loss": c.FeatHead,
		"num_object_labels": c.Objects, "num_attr_labels": c.Attributes, "num_qa_labels": answers,
	}
	if words, ok := m.Tensor(lxmert.WordEmbeddings); ok && dtype == "" {
		config["dtype"] = torchName(words.DType)
	} else {
		config["dtype"] = torchName(dtype)
	}
	text, err := json.MarshalIndent(config, "", "  ")
	if err != nil {
		return "", err
	}
	var items []Item
	left := HuggingFaceLeaves(c)
	for _, p := range c.Params() {
		if slices.Contains(left, p.Name) {
			continue
		}
		t, _ := m.Tensor(p.Name)
		items = append(items, FromTensor(HuggingFaceName(p.Name), t, dtype))
	}
	if err := Write(filepath.Join(dir, "model.safetensors"), items, nil); err != nil {
		return "", err
	}
	return class, atomicfile.Replace(filepath.Join(dir, "config.json"), func(_ *os.File, w *bufio.Writer) error {
		_, err := w.Write(append(text, '\n'))
		return err
	})
}

// huggingFaceClass says which class holds a model, and how many answers it has.
func huggingFaceClass(c lxmert.Config) (class string, answers int, err error) {
	objects := c.Objects > 0 || c.Attributes > 0 || c.FeatHead
	switch {
	case c.TaskClasses > 0 && c.TaskImages != 1:
		return "", 0, fmt.Errorf("transformers has no head for two images (NLVR2)")
	case c.LM && c.Match && c.TaskClasses == 0:
		return "LxmertForPreTraining", c.Answers, nil
	case c.LM || c.Match || objects:
		return "", 0, fmt.Errorf("transformers has no class with just these heads; --to lxmert keeps all of them")
	case c.TaskClasses > 0:
		return "LxmertForQuestionAnswering", c.TaskClasses, nil
	case c.Answers > 0:
		return "LxmertForQuestionAnswering", c.Answers, nil
	}
	return "LxmertModel", 0, nil
}

// HuggingFaceLeaves lists the parameters that [SaveHuggingFace] leaves out: its classes have one answer head, and where there
// is a fine-tuned one, that takes the place of pre-training's.
func HuggingFaceLeaves(c lxmert.Config) (names []string) {
	if c.TaskClasses == 0 {
		return nil
	}
	for _, p := range c.Params() {
		if strings.HasPrefix(p.Name, "answer_head.") {
			names = append(names, p.Name)
		}
	}
	return names
}

// torchName is torch's name of a type.
func torchName(dtype DType) string {
	for name, d := range torchTypes {
		if d == dtype {
			return name
		}
	}
	return ""
}

// missing is an error only if the file lacks something.
func (r Report) missing() error {
	return Report{File: r.File, Missing: r.Missing, Reshaped: r.Reshaped}.Err()
}
