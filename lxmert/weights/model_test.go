package weights_test

import (
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/seed-516990b0/golxmert/lxmert"
	"github.com/seed-516990b0/golxmert/lxmert/weights"
)

// tinyConfig has 64 units, so that heads need not be told.
func tinyConfig() lxmert.Config {
	return lxmert.Config{
		Vocab: 30, Hidden: 64, Heads: 1, Intermediate: 8, MaxPositions: 6, TokenTypes: 2, Activation: "gelu",
		LangLayers: 1, RegionLayers: 1, CrossLayers: 2, FeatDim: 5, BoxDim: 4,
		LM: true, Match: true, Objects: 3, Attributes: 2, FeatHead: true, Answers: 7,
	}
}

// itemsOf draws values for all parameters.
func itemsOf(c lxmert.Config, rename func(string) string) []weights.Item {
	rng := rand.New(rand.NewPCG(3, 4))
	var items []weights.Item
	for _, p := range c.Params() {
		data := make([]float32, lxmert.Size(p.Shape))
		for i := range data {
			data[i] = rng.Float32() - 0.5
		}
		items = append(items, weights.FromFloats(rename(p.Name), p.Shape, data, weights.F32))
	}
	return items
}

func same(name string) string { return name }

func write(t *testing.T, items []weights.Item, parts ...string) string {
	t.Helper()
	path := filepath.Join(parts...)
	if err := weights.Write(path, items, nil); err != nil {
		t.Fatal(err)
	}
	return path
}

func writeJSON(t *testing.T, v any, parts ...string) string {
	t.Helper()
	path := filepath.Join(parts...)
	text, err := json.Marshal(v)
	if err == nil {
		err = os.WriteFile(path, text, 0o666)
	}
	if err != nil {
		t.Fatal(err)
	}
	return path
}

// TestHeadsOfAModel: each head that is there, and no other, is found.
func TestHeadsOfAModel(t *testing.T) {
	for name, change := range map[string]func(*lxmert.Config){
		"everything": func(*lxmert.Config) {},
		"encoder only": func(c *lxmert.Config) {
			c.LM, c.Match, c.Objects, c.Attributes, c.FeatHead, c.Answers = false, false, 0, 0, false, 0
		},
		"VQA":               func(c *lxmert.Config) { c.TaskClasses, c.TaskImages = 9, 1 },
		"NLVR2":             func(c *lxmert.Config) { c.TaskClasses, c.TaskImages = 2, 2 },
		"no cross layers":   func(c *lxmert.Config) { c.CrossLayers = 0 },
		"no language layer": func(c *lxmert.Config) { c.LangLayers, c.RegionLayers = 0, 0 },
		"no attributes":     func(c *lxmert.Config) { c.Attributes, c.FeatHead = 0, false },
	} {
		want := tinyConfig()
		change(&want)
		m := openModel(t, write(t, itemsOf(want, weights.TaskName), t.TempDir(), "x.pth"))
		if m.Config != want {
			t.Errorf("%s: %+v, want %+v", name, m.Config, want)
		}
		if err := m.Report(want).Err(); err != nil {
			t.Errorf("%s: %v", name, err)
		}
		if m.Kind() == "" || !strings.Contains(weights.Words(m.Config), "hidden 64, 1 heads") {
			t.Errorf("%s: %s: %s", name, m.Kind(), weights.Words(m.Config))
		}
	}
}

// TestWhereHeadsComeFrom: --config, then the file, then what lies beside it, then one folder up, then 64 units per head.
func TestWhereHeadsComeFrom(t *testing.T) {
	up := t.TempDir()
	dir := filepath.Join(up, "tiny")
	if err := os.Mkdir(dir, 0o777); err != nil {
		t.Fatal(err)
	}
	cfg := tinyConfig()
	path := write(t, itemsOf(cfg, same), dir, "x.safetensors")
	expect := func(heads int, from, config, activation string) {
		t.Helper()
		m, err := weights.OpenModel(path, config)
		if err != nil {
			t.Fatal(err)
		}
		defer m.Close()
		if guessed := strings.Contains(from, "64 units"); guessed != strings.HasPrefix(m.HeadsNote(), path+": nothing says how many attention heads") || guessed != (m.HeadsNote() != "") {
			t.Errorf("of %d heads from %s it is said %q", m.Config.Heads, m.HeadsFrom, m.HeadsNote())
		}
		if m.Config.Heads != heads || !strings.Contains(m.HeadsFrom, from) || m.Config.Activation != activation {
			t.Errorf("%d heads from %s, %s; want %d from %s, %s", m.Config.Heads, m.HeadsFrom, m.Config.Activation, heads, from, activation)
		}
	}
	expect(1, "64 units", "", "gelu")
	writeJSON(t, map[string]any{"version": 1}, up, "config.json") // of something else
	expect(1, "64 units", "", "gelu")
	writeJSON(t, map[string]any{"bert_config": map[string]any{"hidden_size": 64, "num_attention_heads": 2, "hidden_act": "relu"}, "llayers": 1}, up, "config.json")
	expect(2, filepath.Join(up, "config.json"), "", "relu")
	writeJSON(t, map[string]any{"hidden_size": 64, "num_attention_heads": 4, "num_hidden_layers": 12, "hidden_act": "silu"}, dir, "bert_config.json")
	expect(4, "bert_config.json", "", "swish")
	writeJSON(t, map[string]any{"hidden_size": 64, "num_attention_heads": 8, "num_hidden_layers": map[string]int{"language": 1}}, dir, "config.json")
	expect(8, filepath.Join(dir, "config.json"), "", "swish") // the activation from the next one
	inFile := cfg
	inFile.Heads, inFile.Special.Mask = 16, 29
	if err := weights.Save(path, inFile, itemsOf(cfg, same), map[string]string{"note": "x"}); err != nil {
		t.Fatal(err)
	}
	expect(16, "metadata", "", "gelu")
	if m := openModel(t, path); m.Config != inFile || m.File.Metadata["note"] != "x" {
		t.Errorf("%+v, want %+v", m.Config, inFile)
	}
	for text, want := range map[string]string{"four": `metadata: heads is "four", must be a whole number`, "4": ""} {
		noted := filepath.Join(dir, "noted.safetensors")
		if err := weights.Write(noted, itemsOf(cfg, same), map[string]string{"heads": text, "hidden": "64"}); err != nil {
			t.Fatal(err)
		}
		m, err := weights.OpenModel(noted, "")
		if want == "" && err == nil {
			if m.Config.Heads != 4 {
				t.Errorf("%d heads", m.Config.Heads)
			}
			m.Close()
		} else if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("error %v does not say %q", err, want)
		}
	}
	expect(64, "heads.json", writeJSON(t, map[string]any{"num_attention_heads": 64}, up, "heads.json"), "gelu")
	expect(32, "other.json", writeJSON(t, map[string]any{"hidden_size": 64, "num_attention_heads": 32, "hidden_act": "gelu"}, up, "other.json"), "gelu")
}

func TestImpossibleModelsAreErrors(t *testing.T) {
	base := tinyConfig()
	for name, c := range map[string]struct {
		items  func([]weights.Item) []weights.Item
		config map[string]any
		want   string
	}{
		"no embeddings":        {items: func(it []weights.Item) []weights.Item { return it[1:] }, want: "not an LXMERT model"},
		"no positions":         {items: func(it []weights.Item) []weights.Item { return slices.Delete(it, 1, 2) }, want: "no bert.embeddings.position"},
		"a vector as a matrix": {items: func(it []weights.Item) []weights.Item { it[1].Shape = []int{6 * 64}; return it }, want: "must have 2 axes"},
		"a missing layer": {items: func(it []weights.Item) []weights.Item {
			return slices.DeleteFunc(it, func(x weights.Item) bool { return strings.Contains(x.Name, "x_layers.0.") })
		}, want: "number 0 is missing"},
		"a layer without number": {items: func(it []weights.Item) []weights.Item {
			return append(it, weights.FromFloats("bert.encoder.layer.x.y", []int{1}, []float32{0}, weights.F32))
		}, want: "has no layer number"},
		"another decoder": {items: func(it []weights.Item) []weights.Item {
			return append(it, weights.FromFloats(lxmert.TiedDecoder, []int{1, 2}, []float32{1, 2}, weights.F32))
		}, want: "differs from the word embeddings"},
		"one name twice": {items: func(it []weights.Item) []weights.Item {
			return append(it, weights.FromFloats("module.cls.seq_relationship.bias", []int{2}, []float32{1, 2}, weights.F32))
		}, want: `both "cls.seq_relationship.bias" and "module.cls.seq_relationship.bias"`},
		"a head of three images": {items: func(it []weights.Item) []weights.Item {
			return append(it, weights.FromFloats("logit_fc.0.weight", []int{128, 192}, make([]float32, 128*192), weights.F32),
				weights.FromFloats("logit_fc.3.weight", []int{2, 128}, make([]float32, 256), weights.F32))
		}, want: "192 inputs"},
		"a contradiction":        {config: map[string]any{"hidden_size": 64, "num_attention_heads": 2, "vocab_size": 31}, want: "vocab_size 31, the shape of bert.embeddings.word_embeddings.weight says 30"},
		"a contradicted count":   {config: map[string]any{"hidden_size": 64, "num_attention_heads": 2, "l_layers": 9}, want: "l_layers 9, the shape of bert.encoder.layer.* says 1"},
		"indivisible heads":      {config: map[string]any{"hidden_size": 64, "num_attention_heads": 7}, want: "num_attention_heads 7"},
		"an unknown activation":  {config: map[string]any{"hidden_size": 64, "num_attention_heads": 2, "hidden_act": "tanh"}, want: `hidden_act is "tanh"`},
		"heads as text":          {config: map[string]any{"hidden_size": 64, "num_attention_heads": "16"}, want: `num_attention_heads is "16", must be a whole number`},
		"half a head":            {config: map[string]any{"hidden_size": 64, "num_attention_heads": 16.5}, want: "num_attention_heads is 16.5, must be a whole number"},
		"layers as text":         {config: map[string]any{"bert_config": map[string]any{"hidden_size": 64, "num_attention_heads": 2}, "llayers": "1"}, want: `llayers is "1", must be a whole number`},
		"a configuration of mud": {config: map[string]any{"hello": 1}, want: "is not a configuration of a model"},
	} {
		items := itemsOf(base, same)
		if c.items != nil {
			items = c.items(items)
		}
		if c.items != nil && name == "a vector as a matrix" {
			items[1] = weights.FromFloats(items[1].Name, []int{6 * 64}, make([]float32, 6*64), weights.F32)
		}
		dir := t.TempDir()
		path, config := write(t, items, dir, "x.pth"), ""
		if c.config != nil {
			config = writeJSON(t, c.config, dir, "other.json")
		}
		_, err := weights.OpenModel(path, config)
		if err == nil || !strings.Contains(err.Error(), c.want) || !strings.Contains(err.Error(), dir) || strings.Contains(err.Error(), "\n") {
			t.Errorf("%s: error %v does not say %q", name, err, c.want)
		}
	}
}

// TestTwoNamesWithOneContent are not an error, nor is the decoder instead of the embeddings.
func TestTwoNamesWithOneContent(t *testing.T) {
	items := itemsOf(tinyConfig(), same)
	twin := items[3]
	twin.Name = "module." + twin.Name
	words := items[0]
	words.Name = lxmert.TiedDecoder
	m := openModel(t, write(t, append(slices.Clone(items[1:]), twin, words), t.TempDir(), "x.pth"))
	if want := tinyConfig(); m.Config != want || m.Report(want).Err() != nil {
		t.Errorf("%+v: %v", m.Config, m.Report(want))
	}
	if a, _ := m.Tensor(lxmert.TiedDecoder); a != nil && !slices.Equal(m.Shape(lxmert.WordEmbeddings), a.Shape) {
		t.Error("the decoder does not stand for the embeddings")
	}
	if m.Has("nothing") || m.Shape("nothing") != nil {
		t.Error("it has a parameter called nothing")
	}
}

func TestReportNamesEveryDifference(t *testing.T) {
	have := tinyConfig()
	items := append(itemsOf(have, same), weights.FromFloats("optimizer.step", nil, []float32{1}, weights.F32))
	m := openModel(t, write(t, items, t.TempDir(), "x.pth"))
	want := have
	want.Answers, want.RegionLayers, want.LM = 8, 2, false
	r := m.Report(want)
	if len(r.Missing) != 16 || len(r.Unused) != 6 || len(r.Reshaped) != 2 || len(r.Loaded)+len(r.Missing)+len(r.Reshaped) != len(want.Params()) {
		t.Errorf("%d missing, %d unused, %d reshaped", len(r.Missing), len(r.Unused), len(r.Reshaped))
	}
	err := r.Err().Error()
	for _, part := range []string{"16 missing in the file", "bert.encoder.r_layers.1.attention", "6 not in the model", "cls.predictions.bias", "answer_head.logit_fc.3.weight [7 128] in the file, [8 128] in the model", "…"} {
		if !strings.Contains(err, part) {
			t.Errorf("the error does not say %q: %s", part, err)
		}
	}
	if strings.Contains(err, "\n") || strings.Count(r.String(), "\n") < 24 || !strings.Contains(r.String(), "optimizer.step") {
		t.Errorf("the report is\n%s", r)
	}
}

// TestBERTAloneHasALanguagePart: pre-training starts from BERT, whose files have old names and no regions.
func TestBERTAloneHasALanguagePart(t *testing.T) {
	c := tinyConfig()
	c.RegionLayers, c.CrossLayers, c.Objects, c.Attributes, c.FeatHead, c.Answers = 0, 0, 0, 0, false, 0
	old := func(name string) string {
		if strings.Contains(name, "LayerNorm") {
			return strings.NewReplacer(".weight", ".gamma", ".bias", ".beta").Replace(name)
		}
		return name
	}
	items := slices.DeleteFunc(itemsOf(c, old), func(it weights.Item) bool { return strings.Contains(it.Name, "visn_fc") })
	m := openModel(t, write(t, items, t.TempDir(), "pytorch_model.bin"))
	r := m.Report(tinyConfig())
	for _, name := range r.Missing {
		if strings.HasPrefix(name, "bert.encoder.layer.") || strings.HasPrefix(name, "cls.") {
			t.Errorf("%s is missing", name)
		}
	}
	if len(r.Loaded) != len(items) || !strings.HasPrefix(m.Kind(), "BERT") {
		t.Errorf("%s: %d of %d loaded", m.Kind(), len(r.Loaded), len(items))
	}
}

// TestShardsAreOneModel, of either kind of file, and the model of one file.
func TestShardsAreOneModel(t *testing.T) {
	items := itemsOf(tinyConfig(), weights.HuggingFaceName)
	plain := openModel(t, write(t, items, t.TempDir(), "x.safetensors"))
	for format, files := range map[string]struct{ index, part string }{
		weights.FormatShards:    {"model.safetensors.index.json", "model-0000%d-of-00003.safetensors"},
		weights.FormatZipShards: {"pytorch_model.bin.index.json", "pytorch_model-0000%d-of-00003.bin"},
	} {
		dir := t.TempDir()
		index := map[string]string{}
		for i, part := range [][]weights.Item{items[:20], items[20:50], items[50:]} {
			name := fmt.Sprintf(files.part, i+1)
			write(t, part, dir, name)
			for _, it := range part {
				index[it.Name] = name
			}
		}
		writeJSON(t, map[string]any{"metadata": map[string]int{"total_size": 1}, "weight_map": index}, dir, files.index)
		m := openModel(t, dir)
		if m.Config != tinyConfig() || m.File.Format != format || m.Report(m.Config).Err() != nil {
			t.Errorf("%s: %+v", m.File.Format, m.Config)
		}
		if extras, _ := m.File.Extras(); m.File.Object != nil || extras != nil {
			t.Errorf("%s: the object or extras of one of the files: %v", format, extras)
		}
		a, _ := m.Hash()
		if b, err := plain.Hash(); a != b || err != nil {
			t.Errorf("%s: another hash than in one file (%v)", format, err)
		}
		text, err := os.ReadFile(filepath.Join(dir, files.index))
		if err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(filepath.Join(dir, files.index), append([]byte("\ufeff"), text...), 0o666); err != nil {
			t.Fatal(err)
		}
		if f, err := weights.Open(filepath.Join(dir, files.index)); err != nil || f.Close() != nil {
			t.Errorf("%s with a byte-order mark: %v", format, err)
		}
		wrong := maps.Clone(index)
		delete(wrong, items[0].Name)
		writeJSON(t, map[string]any{"weight_map": wrong}, dir, files.index)
		if _, err := weights.OpenModel(dir, ""); err == nil || !strings.Contains(err.Error(), "which the index does not say") {
			t.Errorf("%s: error %v", format, err)
		}
		inner := maps.Clone(index) // an index that names itself, or another one
		inner[items[0].Name] = files.index
		writeJSON(t, map[string]any{"weight_map": inner}, dir, files.index)
		if _, err := weights.OpenModel(dir, ""); err == nil || !strings.Contains(err.Error(), "not weights") {
			t.Errorf("%s: error %v", format, err)
		}
	}
}

// TestMMFModels: the checkpoint of a trainer around a model with a head of each kind of question, of which LXMERT has one.
func TestMMFModels(t *testing.T) {
	c := tinyConfig()
	c.LM, c.Match, c.Objects, c.Attributes, c.FeatHead, c.Answers = false, false, 0, 0, false, 0
	c.TaskClasses, c.TaskImages = 5, 1
	items := itemsOf(c, func(name string) string { return "model." + mmfName(name) })
	positions := rawItem("model.model.bert.embeddings.position_ids", weights.I64, []int{1, 2}, make([]byte, 16))
	m := openModel(t, write(t, append(items, positions), t.TempDir(), "lxmert_final.pth"))
	if m.Config != c || m.Report(c).Err() != nil || m.Kind() != "fine-tuned snapshot of VQA or GQA (5 answers), in MMF's names" {
		t.Errorf("%+v\n%v\n%s", m.Config, m.Report(c), m.Kind())
	}
	if note := m.MMFNote(); !strings.Contains(note, "lxmert_final.pth: trained in MMF, which gives its LXMERT other inputs") || strings.Contains(note, "\n") {
		t.Errorf("noted %q", note)
	}
	if plain := openModel(t, write(t, itemsOf(c, weights.TaskName), t.TempDir(), "BEST.pth")); plain.MMFNote() != "" {
		t.Errorf("noted %q of a snapshot of the original's", plain.MMFNote())
	}
	gqa := weights.FromFloats("model.model.classifier.logit_gqa.3.bias", []int{4}, make([]float32, 4), weights.F32)
	m = openModel(t, write(t, append(items, gqa), t.TempDir(), "two.pth"))
	if r := m.Report(c); !slices.Equal(r.Unused, []string{"classifier.logit_gqa.3.bias"}) || len(r.Missing) > 0 {
		t.Errorf("%v", r)
	}
}

func TestResolveTriesTheReferencesSuffixes(t *testing.T) {
	dir := t.TempDir()
	touch := func(name string) string {
		path := filepath.Join(dir, name)
		if err := os.MkdirAll(filepath.Dir(path), 0o777); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, nil, 0o666); err != nil {
			t.Fatal(err)
		}
		return path
	}
	x := filepath.Join(dir, "x")
	// Each goes before those that are there already.
	for _, name := range []string{"x/pytorch_model.bin.index.json", "x/pytorch_model.bin", "x/model.safetensors.index.json", "x/model.safetensors", "x.safetensors", "x_LXRT.pth", "x.pth"} {
		want := touch(name)
		if got, err := weights.Resolve(x); got != want || err != nil {
			t.Errorf("x is %s (%v), want %s", got, err, want)
		}
	}
	for name, parts := range map[string][]string{
		"y":         {"y.pth", "y_LXRT.pth", "y.safetensors", "has x"},
		"none/y":    {"there is no folder"},
		"x_LXRT.pt": {"x_LXRT.pth"},
	} {
		_, err := weights.Resolve(filepath.Join(dir, name))
		for _, part := range parts {
			if err == nil || !strings.Contains(err.Error(), part) {
				t.Errorf("%s: error %v does not say %q", name, err, part)
			}
		}
	}
	if err := os.Mkdir(filepath.Join(dir, "empty"), 0o777); err != nil {
		t.Fatal(err)
	}
	if _, err := weights.Resolve(filepath.Join(dir, "empty")); err == nil || !strings.Contains(err.Error(), "holds none of model.safetensors") {
		t.Errorf("error %v", err)
	}
}

// TestPublishedWeightsThatAreNotThereSayHowToGetThem, by any of their names; those of one's own do not.
func TestPublishedWeightsThatAreNotThereSayHowToGetThem(t *testing.T) {
	t.Chdir(t.TempDir())
	for name, want := range map[string]string{
		"Epoch20_LXRT.pth":            "; `lxmert fetch epoch20` brings it, as snap/pretrained/Epoch20_LXRT.pth",
		"snap/pretrained/model":       "; `lxmert fetch weights` brings it, as snap/pretrained/model_LXRT.pth",
		"/nowhere/notebooks/Epoch07":  "; `lxmert fetch epoch07 --dir /nowhere/notebooks` brings it, as /nowhere/notebooks/snap/pretrained/Epoch07_LXRT.pth",
		"snap/vqa/vqa_lxr955/BEST":    "",
		"unc-nlp/lxmert-base-uncased": "",
		"model":                       "",
	} {
		_, err := weights.Resolve(name)
		if !errors.Is(err, weights.ErrNotFound) || !strings.Contains(err.Error(), want) || want == "" && strings.Contains(err.Error(), "fetch") {
			t.Errorf("%s: %v, want %q", name, err, want)
		}
	}
	if err := os.MkdirAll("snap/pretrained", 0o777); err != nil {
		t.Fatal(err)
	}
	write(t, itemsOf(tinyConfig(), same), "snap/pretrained", "Epoch20_LXRT.pth")
	if _, err := weights.Resolve("Epoch20"); err == nil || !strings.Contains(err.Error(), "; snap/pretrained/Epoch20_LXRT.pth is there: open that") {
		t.Errorf("%v", err)
	}
}

// TestHuggingFaceRefusesWhatItCannotHold instead of dropping parts of a model.
func TestHuggingFaceRefusesWhatItCannotHold(t *testing.T) {
	for want, change := range map[string]func(*lxmert.Config){
		"two images":       func(c *lxmert.Config) { c.TaskClasses, c.TaskImages = 2, 2 },
		"just these heads": func(c *lxmert.Config) { c.Match = false },
	} {
		c := tinyConfig()
		change(&c)
		dir := t.TempDir()
		path := filepath.Join(dir, "x.pth")
		if err := weights.Save(path, c, itemsOf(c, same), nil); err != nil {
			t.Fatal(err)
		}
		out := filepath.Join(dir, "hf")
		if _, err := weights.SaveHuggingFace(out, openModel(t, path), ""); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("error %v does not say %q", err, want)
		}
		if _, err := os.Stat(out); err == nil {
			t.Error("it wrote the folder all the same")
		}
	}
}

// TestClosedFilesAreErrors, not crashes.
func TestClosedFilesAreErrors(t *testing.T) {
	m := openModel(t, write(t, itemsOf(tinyConfig(), same), t.TempDir(), "x.pth"))
	x, _ := m.Tensor(lxmert.WordEmbeddings)
	if err := m.Close(); err != nil {
		t.Fatal(err)
	}
	if err := m.Close(); err != nil {
		t.Errorf("closing again: %v", err)
	}
	if _, err := x.Bytes(); err == nil || !strings.Contains(err.Error(), "closed") {
		t.Errorf("error %v", err)
	}
	if _, err := m.Hash(); err == nil {
		t.Error("a hash of a closed file")
	}
}
