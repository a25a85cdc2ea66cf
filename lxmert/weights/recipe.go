package weights

import (
	"encoding/json"
	"errors"
	"fmt"

	"github.com/seed-516990b0/golxmert/lxmert"
)

// Recipe is what a configuration file says about a model that is to be trained.
type Recipe struct {
	// Config has zeros for what the file does not say.
	Config lxmert.Config
	// The rates of dropout and the standard deviation that weights are drawn with. What the file does not say is BERT's:
	// 0.1, 0.1 and 0.02.
	HiddenDropout    float64 `json:"hidden_dropout_prob"`
	AttentionDropout float64 `json:"attention_probs_dropout_prob"`
	Range            float64 `json:"initializer_range"`
}

// DefaultRecipe is BERT's, without a configuration.
var DefaultRecipe = Recipe{HiddenDropout: 0.1, AttentionDropout: 0.1, Range: 0.02}

// ReadRecipe reads a configuration file in any layout that [OpenModel] knows.
func ReadRecipe(path string) (Recipe, error) {
	r := DefaultRecipe
	text, err := configText(path)
	if err != nil {
		return r, err
	}
	k, err := parseConfig(path, text)
	if err != nil {
		return r, err
	}
	sizes, err := json.Marshal(k.sizes)
	if err != nil {
		return r, err
	}
	if err := json.Unmarshal(sizes, &r.Config); err != nil {
		return r, fmt.Errorf("%s: %w", path, err)
	}
	if r.Config.Activation = k.activation; k.activation == "" {
		r.Config.Activation = "gelu"
	}
	if k.special != nil {
		r.Config.Special = *k.special
	}
	var outer struct {
		Bert json.RawMessage `json:"bert_config"`
	}
	if err := json.Unmarshal(text, &outer); err != nil {
		return r, fmt.Errorf("%s: %w", path, err)
	}
	if outer.Bert != nil {
		text = outer.Bert
	}
	rates := struct {
		HiddenDropout    *float64 `json:"hidden_dropout_prob"`
		AttentionDropout *float64 `json:"attention_probs_dropout_prob"`
		Range            *float64 `json:"initializer_range"`
	}{&r.HiddenDropout, &r.AttentionDropout, &r.Range}
	if err := json.Unmarshal(text, &rates); err != nil {
		return r, fmt.Errorf("%s: %w", path, err)
	}
	for name, x := range map[string]float64{"hidden_dropout_prob": r.HiddenDropout, "attention_probs_dropout_prob": r.AttentionDropout} {
		if !(x >= 0 && x < 1) {
			return r, fmt.Errorf("%s: %s is %g, must be from 0 to below 1", path, name, x)
		}
	}
	if !(r.Range > 0) {
		return r, fmt.Errorf("%s: initializer_range is %g, must be above 0", path, r.Range)
	}
	return r, nil
}

// RecipeBeside reads the configuration that lies beside a weights file or one folder up, where [OpenModel] looks for it;
// without one it is [DefaultRecipe], and from is "".
func RecipeBeside(path string) (r Recipe, from string, err error) {
	for _, beside := range besides(path) {
		if !exists(beside) {
			continue
		}
		r, err := ReadRecipe(beside)
		if errors.Is(err, errNoConfig) {
			continue
		}
		return r, beside, err
	}
	return DefaultRecipe, "", nil
}
