package weights

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"

	"github.com/seed-516990b0/golxmert/internal/filekind"
	"github.com/seed-516990b0/golxmert/lxmert"
)

// ConfigKey is where [Save] keeps the configuration, as JSON: a key of a safetensors file's metadata, an attribute of a
// .pth file's state dict.
const ConfigKey = "lxmert_config"

// known is what a configuration file or metadata says about a model: our own JSON, Hugging Face's, BERT's, or the
// reference's own layout {"bert_config": {...}, "llayers": ...}.
type known struct {
	from       string
	sizes      map[string]int // by the JSON names of lxmert.Config
	activation string
	special    *lxmert.SpecialIDs
}

// sizeNames are the JSON names of lxmert.Config's whole numbers.
var sizeNames = []string{
	"vocab_size", "hidden_size", "num_attention_heads", "intermediate_size", "max_position_embeddings", "type_vocab_size",
	"l_layers", "r_layers", "x_layers", "visual_feat_dim", "visual_pos_dim",
	"num_object_labels", "num_attr_labels", "num_qa_labels", "num_task_labels", "task_images",
}

// sizeName returns the name in lxmert.Config of a size that a file calls name, "" if it is not a size.
func sizeName(name string) string {
	if ours, ok := otherNames[name]; ok {
		return ours
	}
	if slices.Contains(sizeNames, name) {
		return name
	}
	return ""
}

// otherNames are names of sizes elsewhere for those of lxmert.Config.
var otherNames = map[string]string{
	"llayers": "l_layers", "rlayers": "r_layers", "xlayers": "x_layers", "feat_dim": "visual_feat_dim", "pos_dim": "visual_pos_dim",
	"num_obj": "num_object_labels", "num_attr": "num_attr_labels", "num_answers": "num_qa_labels",
	// metadata of small test models
	"vocab": "vocab_size", "hidden": "hidden_size", "heads": "num_attention_heads", "inter": "intermediate_size",
	"maxpos": "max_position_embeddings", "l": "l_layers", "r": "r_layers", "x": "x_layers", "feat": "visual_feat_dim",
	"pos": "visual_pos_dim", "obj": "num_object_labels", "attr": "num_attr_labels", "ans": "num_qa_labels",
}

// errNoConfig says that a JSON file has nothing to do with a model.
var errNoConfig = errors.New("is not a configuration of a model: it has none of hidden_size, num_attention_heads and bert_config")

// parseConfig reads one of the four layouts.
func parseConfig(from string, text []byte) (known, error) {
	k := known{from: from, sizes: map[string]int{}}
	fields := map[string]json.RawMessage{}
	if err := json.Unmarshal(text, &fields); err != nil {
		return k, fmt.Errorf("%s: %w", from, err)
	}
	if inner, ok := fields["bert_config"]; ok {
		if err := json.Unmarshal(inner, &fields); err != nil {
			return k, fmt.Errorf("%s: bert_config: %w", from, err)
		}
	}
	if fields["hidden_size"] == nil && fields["num_attention_heads"] == nil {
		return k, fmt.Errorf("%s: %w", from, errNoConfig)
	}
	for _, name := range slices.Sorted(maps.Keys(fields)) {
		ours, text := sizeName(name), string(fields[name])
		if ours == "" || text == "null" {
			continue
		}
		// A size that cannot be read must not be as if it were not stated: heads would be guessed.
		var n int
		if err := json.Unmarshal(fields[name], &n); err != nil {
			return k, fmt.Errorf("%s: %s is %s, must be a whole number", from, name, short(text))
		}
		k.sizes[ours] = n
	}
	for name, into := range map[string]any{"hidden_act": &k.activation, "special_ids": &k.special} {
		if text, ok := fields[name]; ok {
			if err := json.Unmarshal(text, into); err != nil {
				return k, fmt.Errorf("%s: %s: %w", from, name, err)
			}
		}
	}
	if k.activation == "silu" {
		k.activation = "swish"
	}
	return k, nil
}

func readConfigFile(path string) (known, error) {
	text, err := configText(path)
	if err != nil {
		return known{}, err
	}
	return parseConfig(path, text)
}

// configText is the JSON of a file of at most a megabyte.
func configText(path string) ([]byte, error) {
	f, err := os.Open(path)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	text, err := io.ReadAll(io.LimitReader(f, 1<<20+1))
	if err != nil {
		return nil, err
	}
	if len(text) > 1<<20 {
		return nil, fmt.Errorf("%s: over 1 MB, so it is not a configuration", path)
	}
	if text, err = filekind.JSONText(text); err != nil {
		return nil, fmt.Errorf("%s: %w", path, err)
	}
	return text, nil
}

// fromNotes reads what the file itself says: a safetensors file's metadata, or the attribute of a state dict that
// [Save] wrote. ok is false if that is nothing about the model.
func fromNotes(f *File) (k known, ok bool, err error) {
	from, metadata := f.Path+": metadata", f.Metadata
	text, found := metadata[ConfigKey]
	if d, isDict := f.Object.(*Dict); isDict && d.Attrs != nil {
		v, _ := d.Attrs.Get(ConfigKey)
		text, found = v.(string)
	}
	if found {
		k, err = parseConfig(from+" "+ConfigKey, []byte(text))
		return k, err == nil, err
	}
	if metadata["heads"] == "" || metadata["hidden"] == "" {
		return k, false, nil
	}
	k = known{from: from, sizes: map[string]int{}}
	for _, name := range slices.Sorted(maps.Keys(metadata)) {
		ours := otherNames[name]
		if ours == "" {
			continue
		}
		n, err := strconv.Atoi(metadata[name])
		if err != nil {
			return k, false, fmt.Errorf("%s: %s is %q, must be a whole number", from, name, short(metadata[name]))
		}
		k.sizes[ours] = n
	}
	return k, true, nil
}

// besides lists where a configuration may lie: beside the weights, or one folder up.
func besides(weights string) []string {
	dir := filepath.Dir(weights)
	up := filepath.Dir(dir)
	if abs, err := filepath.Abs(dir); err == nil {
		up = filepath.Dir(abs)
	}
	var paths []string
	for _, d := range []string{dir, up} {
		paths = append(paths, filepath.Join(d, "config.json"), filepath.Join(d, "bert_config.json"))
	}
	return paths
}

// complete fills in what shapes do not tell and checks the rest. It returns where the number of heads is from.
func complete(c *lxmert.Config, f *File, configPath string) (from string, err error) {
	special := false
	use := func(k known) error {
		if err := contradiction(*c, k); err != nil {
			return err
		}
		if n, ok := k.sizes["num_attention_heads"]; ok && c.Heads == 0 {
			c.Heads, from = n, k.from
		}
		if c.Activation == "" {
			c.Activation = k.activation
		}
		if k.special != nil && !special {
			c.Special, special = *k.special, true
		}
		return nil
	}
	if configPath != "" {
		k, err := readConfigFile(configPath)
		if err == nil {
			err = use(k)
		}
		if err != nil {
			return "", err
		}
	}
	if k, ok, err := fromNotes(f); err != nil {
		return "", err
	} else if ok {
		if err := use(k); err != nil {
			return "", err
		}
	}
	for _, path := range besides(f.Path) {
		if c.Heads != 0 && c.Activation != "" {
			break
		}
		if !exists(path) {
			continue
		}
		k, err := readConfigFile(path)
		if errors.Is(err, errNoConfig) {
			continue
		}
		if err == nil {
			err = use(k)
		}
		if err != nil {
			return "", fmt.Errorf("%w (--config names another file)", err)
		}
	}
	if c.Heads == 0 {
		if c.Hidden%64 != 0 {
			return "", fmt.Errorf("how many attention heads it has cannot be told from the shapes (hidden size %d); --config FILE names a JSON file with num_attention_heads", c.Hidden)
		}
		c.Heads, from = c.Hidden/64, usualHeads
	}
	if c.Activation == "" {
		c.Activation = "gelu"
	}
	if !special && c.Vocab == lxmert.LXR955().Vocab {
		c.Special = lxmert.BertSpecialIDs
	}
	return from, c.Check()
}

// contradiction names the first size that the configuration and the shapes do not agree on.
func contradiction(c lxmert.Config, k known) error {
	for _, s := range []struct {
		name   string
		value  int
		tensor string
	}{
		{"vocab_size", c.Vocab, lxmert.WordEmbeddings},
		{"hidden_size", c.Hidden, lxmert.WordEmbeddings},
		{"max_position_embeddings", c.MaxPositions, "bert.embeddings.position_embeddings.weight"},
		{"type_vocab_size", c.TokenTypes, "bert.embeddings.token_type_embeddings.weight"},
		{"intermediate_size", c.Intermediate, "bert.encoder.*intermediate.dense.weight"},
		{"l_layers", c.LangLayers, "bert.encoder.layer.*"},
		{"x_layers", c.CrossLayers, "bert.encoder.x_layers.*"},
		{"r_layers", c.RegionLayers, "bert.encoder.r_layers.*"},
		{"visual_feat_dim", c.FeatDim, "bert.encoder.visn_fc.visn_fc.weight"},
		{"visual_pos_dim", c.BoxDim, "bert.encoder.visn_fc.box_fc.weight"},
		{"num_object_labels", c.Objects, "obj_predict_head.decoder_dict.obj.weight"},
		{"num_attr_labels", c.Attributes, "obj_predict_head.decoder_dict.attr.weight"},
		{"num_qa_labels", c.Answers, "answer_head.logit_fc.3.weight"},
	} {
		head := strings.HasPrefix(s.name, "num_") && s.value == 0 // the file has no such head
		if want, ok := k.sizes[s.name]; ok && !head && want != s.value {
			return fmt.Errorf("%s says %s %d, the shape of %s says %d", k.from, s.name, want, s.tensor, s.value)
		}
	}
	if h, ok := k.sizes["num_attention_heads"]; ok && (h <= 0 || c.Hidden%h != 0) {
		return fmt.Errorf("%s says num_attention_heads %d, which does not divide the hidden size %d", k.from, h, c.Hidden)
	}
	return nil
}
