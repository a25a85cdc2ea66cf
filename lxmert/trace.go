package lxmert

import "strings"

// Trace is what a [Request] returned. It is plain data: it can be saved, sent and drawn without a model.
type Trace struct {
	// Values by name (or Read.As): float32 [rows, ...], with the axes of [Config.Names]; at positions [rows, P, ...]
	// (maps: [rows, H, P, keys]).
	Values map[string]Tensor
	// Top by name (or Read.As), for reads with Top.
	Top map[string]TopK
	// Grads of the score's sum with respect to activations, by name, shaped like these.
	Grads map[string]Tensor
	// Score of each row, where gradients were asked for.
	Score []float32
	// Batch that was run.
	Batch *Batch
	// Provenance says where the numbers come from.
	Provenance Provenance
}

// TopK holds the k largest entries along the last axis, the largest first; of equal ones the lower index first.
type TopK struct {
	Values Tensor  // [rows, ..., k]
	Index  []int32 // as many as Values.Data
}

// Provenance says where numbers come from. Empty fields are unknown.
type Provenance struct {
	Weights string `json:"weights,omitempty"` // file name
	Hash    string `json:"hash,omitempty"`    // of the weights, as weights.Model.Hash gives it
	Backend string `json:"backend,omitempty"` // for example "xla:cpu"
	DType   string `json:"dtype,omitempty"`   // for example "float32"
	Version string `json:"version,omitempty"` // of this library
	// Sizes are those of the model, see [Config.Sizes]; Libraries what computed, such as "GoMLX v0.28.8".
	Sizes     string `json:"sizes,omitempty"`
	Libraries string `json:"libraries,omitempty"`
}

// ShortHash is the hash as people read it: the function's name and the first twelve digits.
func (p Provenance) ShortHash() string {
	kind, digits, ok := strings.Cut(p.Hash, ":")
	if !ok {
		kind, digits = "", p.Hash
	} else {
		kind += ":"
	}
	return kind + digits[:min(len(digits), 12)]
}
