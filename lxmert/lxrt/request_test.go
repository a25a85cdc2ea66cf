package lxrt

import (
	"context"
	"slices"
	"strings"
	"testing"

	"github.com/seed-516990b0/golxmert/lxmert"
	"github.com/seed-516990b0/golxmert/lxmert/backend/backendtest"
	"github.com/seed-516990b0/golxmert/lxmert/internal/synthetic"
)

func TestRequestsThatCannotBeSayWhy(t *testing.T) {
	b := backendtest.Open(t, "go")
	cfg := smallConfig()
	m := smallModel(t, b, cfg, Options{})
	batch := synthetic.Batch(cfg, 1, 2, 5, 6)
	class := []int{0, 0}
	grad := func(t lxmert.Term, names ...string) lxmert.Request {
		return lxmert.Request{Grad: &lxmert.Grad{Of: []lxmert.Term{t}, Names: names}}
	}
	edit := func(e lxmert.Edit) lxmert.Request {
		return lxmert.Request{Want: lxmert.All("out.qa"), Edits: []lxmert.Edit{e}}
	}
	for _, c := range []struct {
		name string
		r    lxmert.Request
		want string
	}{
		{"nothing", lxmert.Request{}, "wants nothing"},
		{"unknown name", lxmert.Request{Want: lxmert.All("x.9.ti")}, `"x.9.ti"`},
		{"missing head", lxmert.Request{Want: lxmert.All("out.task")}, "no fine-tuned head"},
		{"twice", lxmert.Request{Want: lxmert.All("out.qa", "out.*")}, "read twice"},
		{"mask without set", edit(lxmert.Edit{Name: "hid.t.1", Op: lxmert.Add, Value: scalar(1, 3), Mask: scalar(1, 3)}), "only Set"},
		{"no meaning", lxmert.Request{Want: lxmert.All("out.qa"), NoRegions: 7}, "no meaning 7"},
		{"no positions", lxmert.Request{Want: []lxmert.Read{{Name: "out.qa", Positions: everyRow(2, 0)}}}, "no positions"},
		{"position range", lxmert.Request{Want: []lxmert.Read{{Name: "out.mlm", Positions: everyRow(2, 5)}}}, "position 5"},
		{"ragged positions", lxmert.Request{Want: []lxmert.Read{{Name: "out.mlm", Positions: [][]int{{1}, {1, 2}}}}}, "same number"},
		{"edit shape", edit(lxmert.Edit{Name: "hid.t.1", Op: lxmert.Set, Value: lxmert.NewTensor(2, 4, 16)}), "axis 1 must be 1 or 5"},
		{"edit rank", edit(lxmert.Edit{Name: "hid.t.1", Op: lxmert.Set, Value: lxmert.NewTensor(16)}), "cannot be broadcast"},
		{"cut of no map", edit(lxmert.Edit{Name: "x.0.ti.score", Op: lxmert.Cut, Value: scalar(1, 4)}), "x.0.ti.score is not an attention map"},
		{"cut of some that are none", edit(lxmert.Edit{Name: "l.*.*", Op: lxmert.Cut, Value: scalar(1, 4)}), "l.0.att is not an attention map"},
		{"cut of half", edit(lxmert.Edit{Name: "x.0.ti", Op: lxmert.Cut, Value: lxmert.Tensor{Shape: []int{1, 1, 1, 6}, Data: []float32{1, 0, 1, 0.5, 1, 1}}}), "entry [0 0 0 3] is 0.5"},
		{"cut with a mask", edit(lxmert.Edit{Name: "x.0.ti", Op: lxmert.Cut, Value: scalar(1, 4), Mask: scalar(1, 4)}), "only Set"},
		{"cut shape", edit(lxmert.Edit{Name: "x.0.ti", Op: lxmert.Cut, Value: lxmert.NewTensor(1, 1, 6, 5)}), "axis 2 must be 1 or 5"},
		{"edit operation", edit(lxmert.Edit{Name: "hid.t.1", Op: 7, Value: scalar(1, 3)}), "no operation 7"},
		{"class range", grad(lxmert.Term{Output: "out.qa", Class: []int{0, 7}}), "class 7"},
		{"classes", grad(lxmert.Term{Output: "out.qa", Class: []int{0}}), "1 classes for 2 rows"},
		{"weights", grad(lxmert.Term{Output: "out.qa", Class: class, Weight: []float32{1}}), "1 weights"},
		{"needs position", grad(lxmert.Term{Output: "out.mlm", Class: class}), "0 positions for 2 rows"},
		{"has no position", grad(lxmert.Term{Output: "out.qa", Class: class, Position: class}), "no positions"},
		{"not an output", grad(lxmert.Term{Output: "hid.t.1", Class: class}), "is not one"},
		{"gradient of nothing", lxmert.Request{Grad: &lxmert.Grad{Names: []string{"in.word"}}}, "no score"},
		{"no rule", lxmert.Request{Grad: &lxmert.Grad{Of: []lxmert.Term{{Output: "out.qa", Class: class}}, Rule: 7}}, "no rule 7"},
		{"gradient by nothing known", grad(lxmert.Term{Output: "out.qa", Class: class}, "nope"), `"nope"`},
	} {
		t.Run(c.name, func(t *testing.T) {
			_, err := m.Run(context.Background(), batch, c.r)
			if err == nil || !strings.Contains(err.Error(), c.want) || strings.Contains(err.Error(), "\n") {
				t.Errorf("error %v, expected one line with %q", err, c.want)
			}
		})
	}
}

func TestNLVR2NeedsPairsOfRows(t *testing.T) {
	b := backendtest.Open(t, "go")
	cfg := smallConfig()
	cfg.TaskClasses, cfg.TaskImages = 2, 2
	m := smallModel(t, b, cfg, Options{})
	_, err := m.Run(context.Background(), synthetic.Batch(cfg, 1, 3, 5, 6), lxmert.Request{Want: lxmert.All("out.task")})
	if err == nil || !strings.Contains(err.Error(), "two images") {
		t.Errorf("error %v", err)
	}
	trace := run(t, m, synthetic.Batch(cfg, 1, 4, 5, 6), lxmert.Request{Want: lxmert.All("out.task")})
	if got := trace.Values["out.task"].Shape; !slices.Equal(got, []int{2, 2}) {
		t.Errorf("shape %v", got)
	}
}
