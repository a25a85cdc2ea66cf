package lxmert

import (
	"encoding/json"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/seed-516990b0/golxmert/internal/goldentest"
)

func TestParameterCountsAreTheReferences(t *testing.T) {
	vqa := encoderOnly()
	vqa.TaskClasses, vqa.TaskImages = 3129, 1
	for _, c := range []struct {
		name   string
		config Config
		want   int
	}{
		{"pre-training", LXR955(), 228_051_752},
		{"encoder", encoderOnly(), 207_936_768},
		{"VQA", vqa, 213_930_297},
	} {
		if n := c.config.NumParams(); n != c.want {
			t.Errorf("%s: %d parameters, expected %d", c.name, n, c.want)
		}
	}
	if n := len(LXR955().Params()); n != 472 {
		t.Errorf("%d tensors, expected 472", n)
	}
}

func readJSONFile(t *testing.T, to any, path ...string) {
	t.Helper()
	raw, err := os.ReadFile(filepath.Join(path...))
	if err != nil {
		t.Fatal(err)
	}
	if err := json.Unmarshal(raw, to); err != nil {
		t.Fatal(err)
	}
}

func TestFullSizeParametersAreTheReferencesInItsOrder(t *testing.T) {
	goldentest.Each(t, "model", func(t *testing.T, folder string) {
		var golden struct {
			Unique int `json:"num_params_unique"`
			Params []Param
		}
		readJSONFile(t, &golden, folder, "full", "weights_check.json")
		c := LXR955()
		if n := c.NumParams(); n != golden.Unique {
			t.Errorf("%d parameters, expected %d", n, golden.Unique)
		}
		c.TaskClasses, c.TaskImages = 3129, 1
		params := c.Params()
		if len(params) != len(golden.Params) {
			t.Errorf("%d tensors, expected %d", len(params), len(golden.Params))
		}
		for i, want := range golden.Params {
			if i < len(params) && (params[i].Name != want.Name || !slices.Equal(params[i].Shape, want.Shape)) {
				t.Errorf("tensor %d is %v, expected %v", i, params[i], want)
			}
		}
	})
}

// tinyConfig is the model of a golden folder.
func tinyConfig(t *testing.T, folder string) Config {
	t.Helper()
	var file struct {
		Bert    Config `json:"bert_config"`
		LLayers int
		XLayers int
		RLayers int
		Feat    int `json:"feat_dim"`
		Pos     int `json:"pos_dim"`
		Objects int `json:"num_obj"`
		Attr    int `json:"num_attr"`
		Answers int `json:"num_answers"`
	}
	readJSONFile(t, &file, folder, "config.json")
	c := file.Bert
	c.LangLayers, c.CrossLayers, c.RegionLayers = file.LLayers, file.XLayers, file.RLayers
	c.FeatDim, c.BoxDim = file.Feat, file.Pos
	c.LM, c.Match, c.FeatHead = true, true, true
	c.Objects, c.Attributes, c.Answers = file.Objects, file.Attr, file.Answers
	if err := c.Check(); err != nil {
		t.Fatal(err)
	}
	return c
}

func TestTinyParametersAreThoseOfTheGoldenFile(t *testing.T) {
	goldentest.Each(t, "model", func(t *testing.T, folder string) {
		c := tinyConfig(t, folder)
		f := goldentest.Open(t, filepath.Join(folder, "tiny", "weights.safetensors"))
		want := map[string][]int{TiedDecoder: {c.Vocab, c.Hidden}}
		for _, p := range c.Params() {
			want[p.Name] = p.Shape
		}
		for _, name := range f.Names() {
			if !slices.Equal(want[name], f.Shape(name)) {
				t.Errorf("%s has shape %v, expected %v", name, want[name], f.Shape(name))
			}
			delete(want, name)
			f.Use(name)
		}
		for name := range want {
			t.Errorf("the file has no %s", name)
		}
	})
}

func TestTaskHeadsAreThoseOfTheGoldenFile(t *testing.T) {
	goldentest.Each(t, "model", func(t *testing.T, folder string) {
		f := goldentest.Open(t, filepath.Join(folder, "tiny", "heads.safetensors"))
		compared := 0
		for images, task := range map[int]string{1: "vqa.", 2: "nlvr2."} {
			c := tinyConfig(t, folder)
			c.TaskImages, c.TaskClasses = images, f.Shape(task + "logit_fc.3.bias")[0]
			for _, p := range c.Params() {
				if !strings.HasPrefix(p.Name, "logit_fc.") {
					continue
				}
				if shape := f.Shape(task + p.Name); !slices.Equal(shape, p.Shape) {
					t.Errorf("%s%s has shape %v, expected %v", task, p.Name, p.Shape, shape)
				}
				f.Use(task + p.Name)
				compared++
			}
		}
		if compared != len(f.Names()) {
			t.Errorf("%d tensors compared of %d", compared, len(f.Names()))
		}
	})
}

func TestParameterNamesAreUnique(t *testing.T) {
	c := LXR955()
	c.TaskClasses, c.TaskImages = 2, 2
	seen := map[string]bool{TiedDecoder: true}
	for _, p := range c.Params() {
		if seen[p.Name] {
			t.Errorf("%s occurs twice, or is the tied decoder", p.Name)
		}
		seen[p.Name] = true
	}
	if !seen[WordEmbeddings] {
		t.Errorf("there is no %s", WordEmbeddings)
	}
}
