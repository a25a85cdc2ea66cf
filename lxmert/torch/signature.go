package torch

import (
	"bytes"
	"encoding/json"
	"fmt"
	"path/filepath"
	"slices"
	"strings"

	"github.com/seed-516990b0/golxmert/internal/smallfile"
	"github.com/seed-516990b0/golxmert/lxmert"
)

// Signature says what a TorchScript module takes and returns. It is a JSON file beside the module, M.json for M.pt:
//
//	{"inputs": ["input_ids", "segment_ids", "input_mask", "feats", "boxes"], "outputs": ["out.qa", "x.0.ti", ""]}
type Signature struct {
	// Inputs are the arguments of forward in order, of input_ids and segment_ids (int64 [N,T]), input_mask [N,T], feats
	// [N,V,F], boxes [N,V,4] (float32) and visual_mask [N,V]. Masks are 1 for words and regions and 0 for padding.
	Inputs []string `json:"inputs"`
	// Outputs are the activations that forward returns: a tensor, or tuples, lists and dictionaries of them, in the order in
	// which they stand there. "" is a tensor that nobody asks for.
	Outputs []string `json:"outputs"`
	// MaskType is "int64" (the default) or "float32".
	MaskType string `json:"mask_type,omitempty"`
}

// The inputs of modules.
var signatureInputs = []string{"input_ids", "segment_ids", "input_mask", "feats", "boxes", "visual_mask"}

// The types of masks.
const (
	maskInt64   = "int64"
	maskFloat32 = "float32"
)

// ReadSignature reads what a module takes and returns from the file beside it, and checks it against a model's activations.
func ReadSignature(script string, cfg lxmert.Config) (*Signature, error) {
	path := strings.TrimSuffix(script, filepath.Ext(script)) + ".json"
	text, err := smallfile.Read(path, 1<<20, "a module's signature")
	if err != nil {
		return nil, fmt.Errorf(`%s: what the module takes and returns stands in %s, such as {"inputs": ["input_ids", "feats", "boxes"], "outputs": ["out.qa"]}: %w`, script, path, err)
	}
	s := &Signature{}
	d := json.NewDecoder(bytes.NewReader(text))
	d.DisallowUnknownFields()
	if err := d.Decode(s); err != nil {
		return nil, fmt.Errorf("%s: %w; it has inputs and outputs, lists of names, and may have mask_type", path, err)
	}
	if err := s.check(cfg); err != nil {
		return nil, fmt.Errorf("%s: %w", path, err)
	}
	return s, nil
}

func (s *Signature) check(cfg lxmert.Config) error {
	switch s.MaskType {
	case "":
		s.MaskType = maskInt64
	case maskInt64, maskFloat32:
	default:
		return fmt.Errorf("mask_type is %q, there are %s and %s", s.MaskType, maskInt64, maskFloat32)
	}
	for _, name := range s.Inputs {
		if !slices.Contains(signatureInputs, name) {
			return fmt.Errorf("inputs: there is no %q, there are %s", name, strings.Join(signatureInputs, ", "))
		}
	}
	all, seen := cfg.Names(), map[string]bool{}
	for _, name := range s.Outputs {
		switch {
		case name == "":
			continue
		case seen[name]:
			return fmt.Errorf("outputs: %s stands there twice", name)
		case !slices.ContainsFunc(all, func(a lxmert.Activation) bool { return a.Name == name }):
			return fmt.Errorf("outputs: no activation of this model is called %q; `lxmert trace --list` prints the names", name)
		}
		seen[name] = true
	}
	if len(s.Inputs) == 0 || len(seen) == 0 {
		return fmt.Errorf("inputs and outputs must each name something")
	}
	return nil
}
