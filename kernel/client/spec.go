package client

import (
	"github.com/seed-516990b0/golxmert/internal/filesearch"
	"github.com/seed-516990b0/golxmert/lxmert"
)

// Spec says which model to open, and what goes with it. Names of files are as the command line takes them; each may be
// "toy" for what the built-in world has.
type Spec struct {
	// Weights are a .pth or .safetensors file, whose suffix may be left out, a Hugging Face folder, or a run of the session, by
	// its id or folder: its best weights. Of a run, what is "" below is what it was trained with. "toy" is the model of the
	// built-in world, "toy-pretrained" its weights after pre-training, and then what is "" below is the world's.
	Weights string `json:"weights"`
	Config  string `json:"config,omitempty"`  // JSON file with sizes that the weights do not tell; "": looked for beside them
	Vocab   string `json:"vocab,omitempty"`   // vocab.txt; "": looked for beside the weights, in data/ and in Hugging Face's cache
	Answers string `json:"answers,omitempty"` // JSON list that names the head's classes; "": looked for beside the weights and in data/
	// Objects and Attributes are text files that name the detector's classes, one per line.
	Objects    string   `json:"objects,omitempty"`
	Attributes string   `json:"attributes,omitempty"`
	Regions    []string `json:"regions,omitempty"` // files of region features, or folders of them; the first that has a picture counts
	Images     string   `json:"images,omitempty"`  // folder of the pictures themselves, found by their ids
	BFloat16   bool     `json:"bfloat16,omitempty"`
	// Engine is what computes: "" or "gomlx" for the session's backend, "torch" for libtorch, in float32, of a kernel that was built
	// with it ([ErrNoEngine] says how).
	Engine string `json:"engine,omitempty"`
	// AllowUnused opens a file that holds more than the model, such as an optimiser's state, which is left alone.
	AllowUnused bool `json:"allow_unused,omitempty"`
	// Folder is what relative names are relative to; "" is the working directory.
	Folder string `json:"folder,omitempty"`
}

// Engines of [Spec].
const (
	GoMLX = "gomlx"
	Torch = "torch"
)

// Names of the built-in world: of it and its fine-tuned model, and of weights that are pre-trained only.
const (
	Toy           = "toy"
	ToyPretrained = "toy-pretrained"
)

// in returns the spec with absolute names.
func (s Spec) in(folder string) Spec {
	if s.Folder != "" {
		folder = s.Folder
	}
	s.Folder = folder
	abs := func(name string) string {
		if name == Toy || name == ToyPretrained {
			return name
		}
		return filesearch.Under(folder, name)
	}
	for _, name := range []*string{&s.Weights, &s.Config, &s.Vocab, &s.Answers, &s.Objects, &s.Attributes, &s.Images} {
		*name = abs(*name)
	}
	var regions []string
	for _, r := range s.Regions {
		regions = append(regions, abs(r))
	}
	s.Regions = regions
	return s
}

// Question is a sentence and the ids of its pictures. The id may be shortened: "val2014/17" stands for
// COCO_val2014_000000000017.
type Question = lxmert.Question

// QA is a question of a data set with its answers.
type QA struct {
	Question
	ID     string             `json:"id,omitempty"`
	Kind   string             `json:"kind,omitempty"`   // such as "color"; "" where the file does not say
	Labels map[string]float64 `json:"labels,omitempty"` // how much each answer counts, 0 to 1; empty where the file does not say
	From   string             `json:"from,omitempty"`   // the file or split that it was read from, as it was asked for
}

// ModelInfo is what is known about an open model.
type ModelInfo struct {
	Spec   Spec              `json:"spec"` // with what was found for what was not named
	Config lxmert.Config     `json:"config"`
	Head   lxmert.AnswerHead `json:"head"`  // the zero value: it has none
	Bytes  int64             `json:"bytes"` // that the weights take on the device
	Notes  []string          `json:"notes,omitempty"`
}
