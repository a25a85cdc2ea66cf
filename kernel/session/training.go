package session

import (
	"cmp"
	"errors"
	"fmt"
	"path/filepath"

	"github.com/seed-516990b0/golxmert/kernel/client"
	"github.com/seed-516990b0/golxmert/kernel/internal/wire"
	"github.com/seed-516990b0/golxmert/lxmert"
	"github.com/seed-516990b0/golxmert/lxmert/backend"
	"github.com/seed-516990b0/golxmert/lxmert/dataset"
	"github.com/seed-516990b0/golxmert/lxmert/task"
	"github.com/seed-516990b0/golxmert/lxmert/weights"
)

// The longest sentence of the tasks and the regions of the published features.
const (
	maxPieces  = 20
	maxRegions = 36
)

// reserve takes the memory that a run is going to need, so that it is refused before it starts and not in the middle of
// it. give must follow. A run whose sizes cannot be read takes nothing: it says itself what is wrong. On a GPU nothing is
// taken, as the session's limit is about the machine's memory.
func (s *runs) reserve(kind backend.Kind, info client.Run, t *dataset.Task, o task.Options) (give func(), err error) {
	none := func() {}
	if kind == backend.KindCUDA {
		return none, nil
	}
	cfg, err := trainedConfig(o)
	if err != nil {
		return none, nil
	}
	n := predictionBytes(cfg)
	if o.Test == "" {
		n = trainingBytes(cfg, o, t)
	}
	if err := s.memory.take(n, fmt.Sprintf("run %s with batches of %d", info.ID, o.BatchSize)); err != nil {
		var f *wire.Fault
		if errors.As(err, &f) && o.Test == "" {
			err = &wire.Fault{Kind: f.Kind, Message: f.Message + "; a smaller --batchSize, or the same in parts (--accumulate 4), takes less"}
		}
		return nil, err
	}
	return func() { s.memory.give(n) }, nil
}

// trainedConfig is the sizes of the model of a run, without its head: those of its weights, else of its configuration,
// else the published model's.
func trainedConfig(o task.Options) (c lxmert.Config, err error) {
	in := func(name string) string {
		if name == "" || filepath.IsAbs(name) {
			return name
		}
		return filepath.Join(o.Folder, name)
	}
	switch name := cmp.Or(o.Load, o.LoadLXMERTQA, o.LoadLXMERT); {
	case name != "":
		c, err = sizes(in(name), in(o.Config))
	case o.Config != "":
		var r weights.Recipe
		r, err = weights.ReadRecipe(in(o.Config))
		c = r.Config
	default:
		c = lxmert.LXR955()
	}
	if err != nil {
		return c, err
	}
	c.LM, c.Match, c.FeatHead = false, false, false
	c.Objects, c.Attributes, c.Answers = 0, 0, 0
	for _, l := range []struct {
		want int
		have *int
	}{{o.LangLayers, &c.LangLayers}, {o.CrossLayers, &c.CrossLayers}, {o.RegionLayers, &c.RegionLayers}} {
		if l.want >= 0 {
			*l.have = l.want
		}
	}
	return c, c.Check()
}

// predictionBytes is the weights, and their copy from the file.
func predictionBytes(c lxmert.Config) int64 { return 2 * 4 * int64(c.NumParams()) }

// trainingBytes is about what training takes, in bytes of float32 numbers.
//
// Of each parameter there are its value, its gradient, and BertAdam's two moments; beside them stand the values that a
// step has just made of the largest, since nothing is donated to a program, and what was compiled: about a fifth copy.
//
// Of the forward pass the backward pass needs, for each row and layer with D hidden and F intermediate units, H heads, Q
// queries and K keys: the queries, keys, values, weighted values and the two LayerNorms' outputs (6 D a token), the
// intermediate units (F a token), and the map before and after dropout (2 H Q K). A cross-modality layer is two cross
// attentions, which share their projections, and a layer of each stream. With --rematerialize a layer's input alone is
// kept (D a token), beside one layer in full. Peaks of 5.9 GB at batch 8 and 6.4 GB at batch 32 of the published model,
// process and files included, are 22 MB a row, as these sums are.
func trainingBytes(c lxmert.Config, o task.Options, t *dataset.Task) int64 {
	text, image := int64(min(maxPieces, c.MaxPositions)), int64(maxRegions)
	hidden, inner, heads := int64(c.Hidden), int64(c.Intermediate), int64(c.Heads)
	layer := func(tokens int64) int64 { return tokens*(6*hidden+inner) + 2*heads*tokens*tokens }
	cross := layer(text) + layer(image) + 5*hidden*(text+image) + 4*heads*text*image
	lang, vision, crosses := int64(c.LangLayers), int64(c.RegionLayers), int64(c.CrossLayers)
	row := lang*layer(text) + vision*layer(image) + crosses*cross + image*int64(c.FeatDim)
	if o.Rematerialize {
		row = hidden*(lang*text+vision*image+crosses*(text+image)) + cross + image*int64(c.FeatDim)
	}
	rows := int64(o.BatchSize * t.Pictures())
	if parts := int64(o.Accumulate); parts > 1 {
		rows = (rows + parts - 1) / parts
	}
	width := int64(4)
	if o.BF16 {
		width = 2
	}
	return 5*4*int64(c.NumParams()) + width*rows*row
}
