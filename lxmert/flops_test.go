package lxmert

import (
	"fmt"
	"math"
	"testing"
)

func vqaModel() Config {
	c := LXR955()
	c.TaskClasses, c.TaskImages = 3129, 1
	return c
}

func TestFLOPsOfThePublishedModel(t *testing.T) {
	for _, c := range []struct {
		name    string
		outputs []string
		want    string // GFLOP, T=20, V=36
	}{
		{"backbone", nil, "10.575"},
		{"VQA forward", []string{"out.task"}, "10.587"},
	} {
		if got := fmt.Sprintf("%.3f", FLOPs(vqaModel(), 20, 36, c.outputs...)/1e9); got != c.want {
			t.Errorf("%s: %s GFLOP, expected %s", c.name, got, c.want)
		}
	}
}

func TestFLOPsAreLinearInTheLayers(t *testing.T) {
	for name, add := range map[string]func(*Config){
		"language":            func(c *Config) { c.LangLayers++ },
		"object-relationship": func(c *Config) { c.RegionLayers++ },
		"cross":               func(c *Config) { c.CrossLayers++ },
	} {
		c := LXR955()
		var f [3]float64
		for i := range f {
			f[i] = FLOPs(c, 20, 36)
			add(&c)
		}
		if first, second := f[1]-f[0], f[2]-f[1]; first <= 0 || first != second {
			t.Errorf("one more %s layer costs %g, the next %g", name, first, second)
		}
	}
}

func TestLanguageAndRegionLayersCostTheSamePerPosition(t *testing.T) {
	l, r := LXR955(), LXR955()
	l.LangLayers, l.RegionLayers = 6, 2
	r.LangLayers, r.RegionLayers = 2, 6
	if a, b := FLOPs(l, 30, 30), FLOPs(r, 30, 30); a != b {
		t.Errorf("%g and %g", a, b)
	}
}

func TestEachOutputAddsItsHead(t *testing.T) {
	const T, V, D = 20, 36, 768.0
	c := vqaModel()
	transform := 2 * V * D * D
	for _, o := range []struct {
		outputs []string
		want    float64
	}{
		{[]string{"out.pooled"}, 0},
		{[]string{"out.mlm"}, 2 * T * (D*D + D*30522)},
		{[]string{"out.match"}, 2 * D * 2},
		{[]string{"out.obj"}, transform + 2*V*D*1600},
		{[]string{"out.attr"}, transform + 2*V*D*400},
		{[]string{"out.feat"}, transform + 2*V*D*2048},
		{[]string{"out.obj", "out.attr", "out.feat"}, transform + 2*V*D*(1600+400+2048)},
		{[]string{"out.qa"}, 2 * (D*2*D + 2*D*9500)},
		{[]string{"out.task"}, 2 * (D*2*D + 2*D*3129)},
		{[]string{"out.qa", "out.match"}, 2*(D*2*D+2*D*9500) + 2*D*2},
	} {
		if got := FLOPs(c, T, V, o.outputs...) - FLOPs(c, T, V); math.Abs(got-o.want) > 1e-9*FLOPs(c, T, V) {
			t.Errorf("%v adds %g, expected %g", o.outputs, got, o.want)
		}
	}
}

func TestHeadsThatAModelLacksCostNothing(t *testing.T) {
	c := encoderOnly()
	want := FLOPs(c, 20, 36)
	for _, o := range []string{"out.pooled", "out.mlm", "out.match", "out.obj", "out.attr", "out.feat", "out.qa", "out.task", "x.0.ti"} {
		if got := FLOPs(c, 20, 36, o); got != want {
			t.Errorf("%s adds %g to a model without it", o, got-want)
		}
	}
}

func TestTwoImagesShareOneTaskHead(t *testing.T) {
	const D = 768.0
	c := encoderOnly()
	c.TaskClasses, c.TaskImages = 2, 2
	if got, want := 2*(FLOPs(c, 20, 36, "out.task")-FLOPs(c, 20, 36)), 2*(2*D*2*D+2*D*2); got != want {
		t.Errorf("two rows add %g, expected %g", got, want)
	}
}
