package relevance

import (
	"context"
	"fmt"
	"strings"

	"github.com/seed-516990b0/golxmert/analysis"
	"github.com/seed-516990b0/golxmert/analysis/attention"
	"github.com/seed-516990b0/golxmert/lxmert"
)

// Method explains a target in every row of a batch: one result per row.
type Method func(ctx context.Context, eng lxmert.Engine, b *lxmert.Batch, target analysis.Target) ([]analysis.Scores, error)

// NamedMethod is a [Method] with the short name by which a command line knows it.
type NamedMethod struct {
	Name  string
	About string // one phrase
	Run   Method
}

// Methods lists the methods that score words and regions, attention baselines and gradient methods alike, with their
// default settings.
func Methods() []NamedMethod {
	biModal := func(opt Options) Method {
		return func(ctx context.Context, eng lxmert.Engine, b *lxmert.Batch, target analysis.Target) ([]analysis.Scores, error) {
			return BiModal(ctx, eng, b, target, opt)
		}
	}
	return []NamedMethod{
		{"relevance", "bi-modal relevance: attention times gradient through both streams", biModal(Options{})},
		{"relevance-nonorm", "bi-modal relevance without normalization in the cross-modality step", biModal(Options{NoNormalization: true})},
		{"relevance-noself", "bi-modal relevance with cross-attention alone in the cross-modality step", biModal(Options{NoSelf: true})},
		{"attention", "raw attention of the last cross-modality layer", attention.Raw},
		{"gradcam", "attention of the last cross-modality layer, heads weighted by their mean gradients", attention.GradCAM},
		{"rollout", "attention rollout of each stream, joined in the last layer", attention.Rollout},
		{"joint-rollout", "attention rollout over words and regions together", attention.JointRollout},
		{"flow", "maximum flow through attention of both streams", attention.Flow},
		{"gradxinput", "gradient times input", GradientTimesInput},
		{"attnlrp", "layer-wise relevance propagation with rules for attention", AttnLRP},
		{"ig", "integrated gradients from [MASK] and empty regions", func(ctx context.Context, eng lxmert.Engine, b *lxmert.Batch, target analysis.Target) ([]analysis.Scores, error) {
			return IntegratedGradients(ctx, eng, b, target, PathOptions{})
		}},
	}
}

// Find returns the method of a name. An unknown name is an error that lists those there are.
func Find(name string) (NamedMethod, error) {
	var names []string
	for _, m := range Methods() {
		if m.Name == name {
			return m, nil
		}
		names = append(names, m.Name)
	}
	return NamedMethod{}, fmt.Errorf("there is no method %q; there are %s", name, strings.Join(names, ", "))
}
