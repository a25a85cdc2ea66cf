package lxmert_test

import (
	"context"
	"fmt"
	"os"
	"path/filepath"

	"github.com/seed-516990b0/golxmert/lxmert"
)

// tiny is a model with one layer of each kind and two attention heads.
func tiny() lxmert.Config {
	return lxmert.Config{
		Vocab: 30522, Hidden: 4, Heads: 2, Intermediate: 8, MaxPositions: 20, TokenTypes: 2, Activation: "gelu",
		LangLayers: 1, RegionLayers: 1, CrossLayers: 1, FeatDim: 3, BoxDim: 4,
		TaskClasses: 2, TaskImages: 1, Special: lxmert.BertSpecialIDs,
	}
}

// The attention maps of a model are activations whose axes are heads, queries and keys.
func ExampleConfig_Maps() {
	c := tiny()
	for _, name := range c.Maps() {
		found, err := c.Find(name)
		if err != nil {
			fmt.Println(err)
			return
		}
		fmt.Println(name, found[0].Shape(), found[0].Dims(c, 20, 36), found[0].What)
	}
	fmt.Println(len(lxmert.LXR955().Maps()), "in the published model")
	// Output:
	// l.0.tt [H,T,T] [2 20 20] language self-attention
	// r.0.ii [H,V,V] [2 36 36] object-relationship self-attention
	// x.0.ti [H,T,V] [2 20 36] cross-attention, queries words, keys regions
	// x.0.it [H,V,T] [2 36 20] cross-attention, queries regions, keys words
	// x.0.tt [H,T,T] [2 20 20] words' self-attention inside the cross layer
	// x.0.ii [H,V,V] [2 36 36] regions' self-attention inside the cross layer
	// 34 in the published model
}

// A pattern that fits nothing is an error that says why.
func ExampleConfig_Find() {
	found, err := tiny().Find("x.*.t.*")
	for _, a := range found {
		fmt.Println(a.Name, a.Shape())
	}
	fmt.Println(err)
	_, err = tiny().Find("out.qa")
	fmt.Println(err)
	// Output:
	// x.0.t.cross [T,D]
	// x.0.t.self [T,D]
	// x.0.t.ffn [T,I]
	// <nil>
	// no activation is called "out.qa" in a model with 1 language, 1 object-relationship and 1 cross layers (these weights have no pre-training answer head); `lxmert trace --list` prints the names
}

// echo is an engine without a model: the logits of a row are how many heads of x.0.ti its request leaves on, and off.
type echo struct{}

func (echo) Config() lxmert.Config { return tiny() }

func (e echo) Run(ctx context.Context, b *lxmert.Batch, r lxmert.Request) (*lxmert.Trace, error) {
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	if err := b.Check(e.Config()); err != nil {
		return nil, err
	}
	logits := lxmert.NewTensor(b.Rows(), 2)
	for n := range b.Rows() {
		gate := r.Edits[0].Value.Row(n)
		for h := range e.Config().Heads {
			on := gate.At(h, 0, 0)
			logits.Data[2*n] += on
			logits.Data[2*n+1] += 1 - on
		}
	}
	return &lxmert.Trace{Values: map[string]lxmert.Tensor{"out.task": logits}, Batch: b}, nil
}

// One text meets one image in three rows: the first as it is, the others each with another attention head switched off.
func ExampleRequest() {
	b := &lxmert.Batch{
		IDs:   [][]int32{{101, 2054, 102}},
		Feats: lxmert.NewTensor(1, 2, 3),
		Boxes: lxmert.NewTensor(1, 2, 4),
		Pairs: [][2]int{{0, 0}, {0, 0}, {0, 0}},
	}
	gate := lxmert.Tensor{Shape: []int{3, 2, 1, 1}, Data: []float32{
		1, 1,
		0, 1,
		1, 0,
	}}
	var engine lxmert.Engine = echo{}
	trace, err := engine.Run(context.Background(), b, lxmert.Request{
		Want:  lxmert.All("out.task"),
		Edits: []lxmert.Edit{{Name: "x.0.ti", Op: lxmert.Multiply, Value: gate}},
	})
	if err != nil {
		fmt.Println(err)
		return
	}
	for n := range b.Rows() {
		fmt.Println("row", n, "logits", trace.Values["out.task"].Row(n).Data)
	}
	// Output:
	// row 0 logits [2 0]
	// row 1 logits [1 1]
	// row 2 logits [1 1]
}

// A trace can be saved and drawn later, on a machine without the model.
func ExampleTrace_Save() {
	dir, err := os.MkdirTemp("", "trace")
	if err != nil {
		fmt.Println(err)
		return
	}
	defer os.RemoveAll(dir)
	path := filepath.Join(dir, "cat.safetensors")

	trace := &lxmert.Trace{
		Values:     map[string]lxmert.Tensor{"x.4.ti": {Shape: []int{1, 1, 1, 2}, Data: []float32{0.25, 0.75}}},
		Top:        map[string]lxmert.TopK{"out.task": {Values: lxmert.Tensor{Shape: []int{1, 1}, Data: []float32{9.5}}, Index: []int32{42}}},
		Provenance: lxmert.Provenance{Weights: "Epoch20_LXRT.pth", Backend: "xla:cpu"},
	}
	if err := trace.Save(path); err != nil {
		fmt.Println(err)
		return
	}
	same, err := lxmert.LoadTrace(path)
	if err != nil {
		fmt.Println(err)
		return
	}
	fmt.Println(same.Values["x.4.ti"].At(0, 0, 0, 1), "of", same.Provenance.Weights)
	fmt.Println("class", same.Top["out.task"].Index[0])
	// Output:
	// 0.75 of Epoch20_LXRT.pth
	// class 42
}
