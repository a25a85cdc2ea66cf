package lxmert

import (
	"fmt"
	"slices"
	"strings"
	"testing"
)

func namesOf(as []Activation) []string {
	var names []string
	for _, a := range as {
		names = append(names, a.Name)
	}
	return names
}

func countOf(t *testing.T, c Config, pattern string) int {
	t.Helper()
	found, err := c.Find(pattern)
	if err != nil {
		t.Error(err)
	}
	return len(found)
}

func TestPublishedModelHas34MapsAnd15And11Levels(t *testing.T) {
	c := LXR955()
	maps := c.Maps()
	if len(maps) != 34 {
		t.Errorf("%d maps, expected 34", len(maps))
	}
	for pattern, want := range map[string]int{
		"hid.t.*": 15, "hid.i.*": 11,
		"l.*.tt": 9, "r.*.ii": 5, "x.*.ti": 5, "x.*.it": 5, "x.*.tt": 5, "x.*.ii": 5,
		"l.*.att": 9, "r.*.att": 5, "x.*.t.cross": 5, "x.*.i.self": 5, "x.*.*.cross": 10,
		"x.4.ti.*": 6, "*.*.*": 9*3 + 5*3 + 5*4 + 15 + 11, "in.*": 4, "out.*": 7,
		"l.*.tt.score": 9, "x.*.*.score": 20, "*.*.*.score": 34, "l.*.ffn": 9, "r.*.ffn.out": 5, "x.*.*.ffn": 10, "x.*.i.ffn.out": 5,
	} {
		if n := countOf(t, c, pattern); n != want {
			t.Errorf("%s stands for %d activations, expected %d", pattern, n, want)
		}
	}
	for _, name := range []string{"l.0.tt", "l.8.tt", "r.4.ii", "x.0.ti", "x.4.it", "x.4.tt", "x.4.ii"} {
		if !slices.Contains(maps, name) {
			t.Errorf("%s is not among the maps", name)
		}
	}
	for _, a := range c.Names() {
		if a.IsMap() != slices.Contains(maps, a.Name) || a.IsScore() != strings.HasSuffix(a.Name, ".score") {
			t.Errorf("%s: a map %t, scores %t", a.Name, a.IsMap(), a.IsScore())
		}
		if map_, ok := strings.CutSuffix(a.Name, ".score"); ok && !slices.Contains(maps, map_) {
			t.Errorf("%s is of no map", a.Name)
		}
	}
}

func TestMapsGrowWithTheLayers(t *testing.T) {
	for _, c := range []struct{ l, r, x int }{{0, 0, 0}, {3, 2, 2}, {12, 0, 5}} {
		config := Config{LangLayers: c.l, RegionLayers: c.r, CrossLayers: c.x}
		if n, want := len(config.Maps()), c.l+c.r+4*c.x; n != want {
			t.Errorf("%v: %d maps, expected %d", c, n, want)
		}
	}
}

func TestNamesAreUniqueAndOfWellFormedParts(t *testing.T) {
	c := LXR955()
	c.TaskClasses, c.TaskImages = 2, 2
	seen := map[string]bool{}
	for _, a := range c.Names() {
		if seen[a.Name] {
			t.Errorf("%s occurs twice", a.Name)
		}
		seen[a.Name] = true
		if slices.Contains(strings.Split(a.Name, "."), "") || strings.ContainsAny(a.Name, "* ") {
			t.Errorf("%q has impossible parts", a.Name)
		}
		if a.What == "" {
			t.Errorf("%s does not say what it is", a.Name)
		}
		if err := (Read{As: a.Name}).Check(); err != nil {
			t.Errorf("an activation's own name cannot be a key: %v", err)
		}
	}
}

func TestMatch(t *testing.T) {
	for _, c := range []struct {
		pattern, name string
		want          bool
	}{
		{"*", "x.0.ti.out", true},
		{"x.0.ti", "x.0.ti", true},
		{"x.*.ti", "x.3.ti", true},
		{"x.*.ti", "x.3.ti.q", false},
		{"x.*", "x.3.ti", false},
		{"*.*.*", "x.3.ti", true},
		{"*.*", "x.3.ti", false},
		{"x.*.t*", "x.3.ti", false},
		{"x.1*.ti", "x.11.ti", false},
		{"X.0.ti", "x.0.ti", false},
		{"", "x.0.ti", false},
		{"x.0.ti.", "x.0.ti", false},
		{"x..ti", "x.0.ti", false},
	} {
		if got := Match(c.pattern, c.name); got != c.want {
			t.Errorf("Match(%q, %q) is %t", c.pattern, c.name, got)
		}
	}
}

func TestFindKeepsTheOrderOfNames(t *testing.T) {
	c := LXR955()
	all, err := c.Find("*")
	if err != nil || !slices.Equal(namesOf(all), namesOf(c.Names())) {
		t.Errorf("%d names, error %v", len(all), err)
	}
	found, err := c.Find("x.*.ti")
	if want := []string{"x.0.ti", "x.1.ti", "x.2.ti", "x.3.ti", "x.4.ti"}; err != nil || !slices.Equal(namesOf(found), want) {
		t.Errorf("%v, error %v", namesOf(found), err)
	}
}

func TestFindSaysWhyThereIsNoSuchName(t *testing.T) {
	none := encoderOnly()
	const sizes = "a model with 9 language, 5 object-relationship and 5 cross layers"
	const list = "; `lxmert trace --list` prints the names"
	for _, c := range []struct {
		config  Config
		pattern string
		want    string
	}{
		{LXR955(), "x.5.ti", `no activation is called "x.5.ti" in ` + sizes + list},
		{LXR955(), "", `no activation is called "" in ` + sizes + list},
		{LXR955(), "x.*", `no activation is called "x.*" in ` + sizes + list},
		{LXR955(), "out.task", `no activation is called "out.task" in ` + sizes + " (these weights have no fine-tuned head)" + list},
		{none, "out.mlm", "(these weights have no masked-word head)"},
		{none, "out.match", "(these weights have no matched head)"},
		{none, "out.obj", "(these weights have no object head)"},
		{none, "out.attr", "(these weights have no attribute head)"},
		{none, "out.feat", "(these weights have no feature-regression head)"},
		{none, "out.qa", "(these weights have no pre-training answer head)"},
	} {
		found, err := c.config.Find(c.pattern)
		if err == nil || !strings.Contains(err.Error(), c.want) || found != nil {
			t.Errorf("%v, error %v does not say %q", found, err, c.want)
		}
	}
	if names, err := none.Find("out.*"); err != nil || !slices.Equal(namesOf(names), []string{"out.pooled"}) {
		t.Errorf("outputs %v, error %v", namesOf(names), err)
	}
}

func TestRowsOfEveryKind(t *testing.T) {
	c := LXR955()
	c.TaskClasses, c.TaskImages = 2, 2
	for want, names := range map[Rows][]string{
		TextRows:  {"in.word", "in.position", "hid.t.0", "l.0.tt", "l.8.tt.q", "l.0.tt.score", "l.8.att", "l.8.ffn", "l.0.ffn.out", "hid.t.9"},
		ImageRows: {"in.feat", "in.box", "hid.i.0", "r.0.ii", "r.4.ii.out", "r.0.ii.score", "r.4.att", "r.0.ffn", "r.4.ffn.out", "hid.i.5"},
		PairRows: {"hid.t.10", "hid.t.14", "hid.i.6", "hid.i.10", "x.0.ti", "x.4.it.v", "x.0.ti.score", "x.0.t.self", "x.0.t.ffn", "x.4.i.ffn.out", "out.pooled", "out.mlm",
			"out.match", "out.obj", "out.attr", "out.feat", "out.qa"},
		TaskRows: {"out.task"},
	} {
		for _, name := range names {
			if _, err := c.Find(name); err != nil {
				t.Error(err)
			}
			if got := c.Rows(name); got != want {
				t.Errorf("%s has rows of kind %d, expected %d", name, got, want)
			}
		}
	}
	c.TaskImages = 1
	if got := c.Rows("out.task"); got != PairRows {
		t.Errorf("out.task of one image has rows of kind %d", got)
	}
	for _, name := range []string{"", "in", "hid", "hid.t", "out", "nothing"} {
		c.Rows(name) // does not panic
	}
}

func TestDimsAndShapes(t *testing.T) {
	c := LXR955()
	c.TaskClasses, c.TaskImages = 3129, 1
	for _, want := range []struct {
		name, shape string
		dims        []int
	}{
		{"in.word", "[T,D]", []int{20, 768}},
		{"in.position", "[T,D]", []int{20, 768}},
		{"in.feat", "[V,F]", []int{36, 2048}},
		{"in.box", "[V,4]", []int{36, 4}},
		{"hid.t.14", "[T,D]", []int{20, 768}},
		{"hid.i.10", "[V,D]", []int{36, 768}},
		{"l.8.tt", "[H,T,T]", []int{12, 20, 20}},
		{"r.4.ii", "[H,V,V]", []int{12, 36, 36}},
		{"x.0.ti", "[H,T,V]", []int{12, 20, 36}},
		{"x.0.it", "[H,V,T]", []int{12, 36, 20}},
		{"x.0.tt", "[H,T,T]", []int{12, 20, 20}},
		{"x.0.ii", "[H,V,V]", []int{12, 36, 36}},
		{"x.0.ti.q", "[H,T,d]", []int{12, 20, 64}},
		{"x.0.ti.k", "[H,V,d]", []int{12, 36, 64}},
		{"x.0.it.v", "[H,T,d]", []int{12, 20, 64}},
		{"x.0.it.ctx", "[H,V,d]", []int{12, 36, 64}},
		{"x.0.it.out", "[V,D]", []int{36, 768}},
		{"x.0.it.score", "[H,V,T]", []int{12, 36, 20}},
		{"l.8.tt.score", "[H,T,T]", []int{12, 20, 20}},
		{"l.0.ffn", "[T,I]", []int{20, 3072}},
		{"r.4.ffn.out", "[V,D]", []int{36, 768}},
		{"x.4.t.ffn.out", "[T,D]", []int{20, 768}},
		{"x.0.i.ffn", "[V,I]", []int{36, 3072}},
		{"x.0.i.cross", "[V,D]", []int{36, 768}},
		{"out.pooled", "[D]", []int{768}},
		{"out.mlm", "[T,C]", []int{20, 30522}},
		{"out.match", "[C]", []int{2}},
		{"out.obj", "[V,C]", []int{36, 1600}},
		{"out.attr", "[V,C]", []int{36, 400}},
		{"out.feat", "[V,F]", []int{36, 2048}},
		{"out.qa", "[C]", []int{9500}},
		{"out.task", "[C]", []int{3129}},
	} {
		found, err := c.Find(want.name)
		if err != nil || len(found) != 1 {
			t.Errorf("%s: %d found, error %v", want.name, len(found), err)
			continue
		}
		a := found[0]
		if got := a.Dims(c, 20, 36); !slices.Equal(got, want.dims) || a.Shape() != want.shape {
			t.Errorf("%s has %v %s, expected %v %s", a.Name, got, a.Shape(), want.dims, want.shape)
		}
	}
	for _, a := range c.Names() {
		if slices.Contains(a.Dims(c, 20, 36), 0) {
			t.Errorf("%s has the empty shape %v", a.Name, a.Dims(c, 20, 36))
		}
	}
}

func TestClassCountIsZeroWithoutTheHead(t *testing.T) {
	for _, name := range []string{"out.mlm", "out.match", "out.obj", "out.attr", "out.feat", "out.qa", "out.task", "x.0.ti", ""} {
		if n := encoderOnly().ClassCount(name); n != 0 {
			t.Errorf("%s has %d classes", name, n)
		}
	}
}

func TestReadCheckRefusesKeysOfOtherMeaning(t *testing.T) {
	for _, c := range []struct {
		read Read
		want string
	}{
		{Read{Name: "x.0.ti"}, ""},
		{Read{Name: "*", Top: 3}, ""},
		{Read{Name: "x.0.ti", As: "first map"}, ""},
		{Read{Name: "x.0.ti", As: "scores"}, ""},
		{Read{Name: "x.0.ti", As: "topmost.values"}, ""},
		{Read{Name: "x.0.ti", As: "score"}, `"score"`},
		{Read{Name: "x.0.ti", As: "input.feats"}, `"input.feats"`},
		{Read{Name: "x.0.ti", As: "grad.x.0.ti"}, `"grad.x.0.ti"`},
		{Read{Name: "x.0.ti", As: "top.x.0.ti"}, `"top.x.0.ti"`},
		{Read{Name: "x.0.ti", As: "__metadata__"}, `"__metadata__"`},
		{Read{Name: "x.0.ti", As: "a\xff"}, `"a\xff"`},
		{Read{Name: "x.0.ti", Top: -1}, "top -1"},
	} {
		err := c.read.Check()
		if (err == nil) != (c.want == "") || !strings.Contains(fmt.Sprint(err), c.want) && c.want != "" {
			t.Errorf("%+v: error %v, expected %q", c.read, err, c.want)
		}
	}
}

func TestAllReadsWholeActivations(t *testing.T) {
	reads := All("x.*.ti", "out.qa")
	if len(reads) != 2 || reads[0].Name != "x.*.ti" || reads[1].Name != "out.qa" || reads[0].Top != 0 || reads[0].Positions != nil {
		t.Errorf("%+v", reads)
	}
}
