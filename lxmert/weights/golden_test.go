package weights_test

import (
	"encoding/json"
	"path/filepath"
	"reflect"
	"slices"
	"strings"
	"testing"

	"github.com/seed-516990b0/golxmert/internal/goldentest"
	"github.com/seed-516990b0/golxmert/lxmert"
	"github.com/seed-516990b0/golxmert/lxmert/weights"
)

func open(t testing.TB, path string) *weights.File {
	t.Helper()
	f, err := weights.Open(path)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { f.Close() })
	return f
}

func openModel(t testing.TB, path string) *weights.Model {
	t.Helper()
	m, err := weights.OpenModel(path, "")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { m.Close() })
	return m
}

func tensor(t testing.TB, f *weights.File, name string) *weights.Tensor {
	t.Helper()
	x, ok := f.Tensor(name)
	if !ok {
		t.Fatalf("%s has no %s", f.Path, name)
	}
	return x
}

func floats(t testing.TB, x *weights.Tensor) []float32 {
	t.Helper()
	v, err := x.Float32s()
	if err != nil {
		t.Fatal(err)
	}
	return v
}

// TestCheckpointsOfOneModelAreEqual: every pre-training snapshot, whatever its format, prefix, place and type, has the
// values of tiny/weights.safetensors.
func TestCheckpointsOfOneModelAreEqual(t *testing.T) {
	goldentest.Each(t, "model", func(t *testing.T, dir string) {
		want := open(t, filepath.Join(dir, "tiny", "weights.safetensors"))
		var index map[string]struct {
			Format, DType string
			Keys          int
			First         []string `json:"first_keys"`
		}
		goldentest.ReadJSON(t, filepath.Join(dir, "checkpoints", "index.json"), &index)
		hashes := map[string]string{}
		for name, about := range index {
			if about.Keys == 0 {
				continue // not a model
			}
			path := filepath.Join(dir, "checkpoints", name)
			f := open(t, path)
			if len(f.Names()) != about.Keys || !slices.Equal(f.Names()[:len(about.First)], about.First) {
				t.Errorf("%s: %d tensors from %v on, want %d from %v on", name, len(f.Names()), f.Names()[:3], about.Keys, about.First)
			}
			if !strings.Contains(f.Format, about.Format) {
				t.Errorf("%s: format %q, want %s", name, f.Format, about.Format)
			}
			rounded := about.DType == "float16"
			for _, key := range f.Names() {
				x := tensor(t, f, key)
				w := tensor(t, want, weights.Canonical(key))
				expect := floats(t, w)
				wantType := weights.F32
				if rounded {
					expect, wantType = roundToHalf(expect), weights.F16
				}
				if x.DType != wantType || !slices.Equal(x.Shape, w.Shape) || !slices.Equal(floats(t, x), expect) {
					t.Errorf("%s: %s %s %v differs from %s %v", name, key, x.DType, x.Shape, w.DType, w.Shape)
				}
			}
			if len(f.Names()) != len(want.Names()) {
				t.Errorf("%s: %d tensors, want %d", name, len(f.Names()), len(want.Names()))
			}
			m := openModel(t, path)
			prefix := strings.TrimSuffix(about.First[0], lxmert.WordEmbeddings)
			if !tensor(t, f, prefix+lxmert.WordEmbeddings).SharesStorage(tensor(t, f, prefix+lxmert.TiedDecoder)) {
				t.Errorf("%s: the tied decoder has a storage of its own", name)
			}
			hash, err := m.Hash()
			if err != nil {
				t.Fatal(err)
			}
			if before, ok := hashes[about.DType]; ok && before != hash {
				t.Errorf("%s: hash %s differs from %s of the same values", name, hash, before)
			}
			hashes[about.DType] = hash
		}
		if hash, _ := openModel(t, want.Path).Hash(); hash != hashes["float32"] {
			t.Errorf("hash %s of the safetensors differs from %s of the .pth", hash, hashes["float32"])
		}
	})
}

// roundToHalf goes through a file, since rounding is the writer's.
func roundToHalf(values []float32) []float32 {
	out := make([]float32, len(values))
	for i, v := range values {
		out[i] = nearestHalf(v)
	}
	return out
}

// TestUnusualTensors: views, shared storages, all types, empty tensors, nested values.
func TestUnusualTensors(t *testing.T) {
	goldentest.Each(t, "model", func(t *testing.T, dir string) {
		want := open(t, filepath.Join(dir, "checkpoints", "edge_expected.safetensors"))
		for _, name := range []string{"edge_legacy.pth", "edge_zip.pth"} {
			f := open(t, filepath.Join(dir, "checkpoints", name))
			if len(f.Names()) != len(want.Names()) {
				t.Errorf("%s: tensors %v, want %v", name, f.Names(), want.Names())
			}
			for _, key := range want.Names() {
				x, w := tensor(t, f, key), tensor(t, want, key)
				if !slices.Equal(x.Shape, w.Shape) {
					t.Errorf("%s: %s has shape %v, want %v", name, key, x.Shape, w.Shape)
				}
				got, err := x.Float64s()
				expect, err2 := w.Float64s()
				if err != nil || err2 != nil || !slices.Equal(got, expect) {
					t.Errorf("%s: %s is %v, want %v (%v %v)", name, key, got, expect, err, err2)
				}
				if ints, err := x.Int64s(); x.DType.IsFloat() != (err != nil) {
					t.Errorf("%s: %s as whole numbers: %v %v", name, key, ints, err)
				} else if err == nil {
					expect, _ := w.Int64s()
					if !slices.Equal(ints, expect) {
						t.Errorf("%s: %s is %v, want %v", name, key, ints, expect)
					}
				}
			}
			types := map[string]weights.DType{
				"bfloat16": weights.BF16, "float16": weights.F16, "float64": weights.F64, "int64": weights.I64,
				"bool": weights.Bool, "uint8": weights.U8, "param": weights.F32,
			}
			for key, dtype := range types {
				if got := tensor(t, f, key).DType; got != dtype {
					t.Errorf("%s: %s is %s, want %s", name, key, got, dtype)
				}
			}
			a, b, c := tensor(t, f, "transposed"), tensor(t, f, "same_storage"), tensor(t, f, "scalar")
			if !a.SharesStorage(b) || a.SharesStorage(c) || a.Contiguous() || !b.Contiguous() {
				t.Errorf("%s: which tensors share a storage, or are contiguous, is wrong", name)
			}
			var nested any
			if err := json.Unmarshal([]byte(want.Metadata["nested"]), &nested); err != nil {
				t.Fatal(err)
			}
			got, _ := f.Object.(*weights.Dict).Get("nested")
			if plain := plainJSON(got); !reflect.DeepEqual(plain, nested) {
				t.Errorf("%s: nested is %v, want %v", name, plain, nested)
			}
		}
	})
}

// plainJSON turns values of Python into those of encoding/json.
func plainJSON(v any) any {
	switch v := v.(type) {
	case int64:
		return float64(v)
	case *weights.Tuple:
		return plainJSON(&weights.List{Items: v.Items})
	case *weights.List:
		out := []any{}
		for _, item := range v.Items {
			out = append(out, plainJSON(item))
		}
		return out
	case *weights.Dict:
		out := map[string]any{}
		for _, p := range v.Pairs {
			out[p.Key.(string)] = plainJSON(p.Value)
		}
		return out
	}
	return v
}

// TestStateDictKeepsItsMetadata: the OrderedDict's _metadata attribute is there.
func TestStateDictKeepsItsMetadata(t *testing.T) {
	goldentest.Each(t, "model", func(t *testing.T, dir string) {
		for _, name := range []string{"legacy_module_LXRT.pth", "zip_plain_LXRT.pth"} {
			f := open(t, filepath.Join(dir, "checkpoints", name))
			d := f.Object.(*weights.Dict)
			if d.Attrs == nil {
				t.Fatalf("%s: no attributes", name)
			}
			meta, ok := d.Attrs.Get("_metadata")
			if dict, isDict := meta.(*weights.Dict); !ok || !isDict || len(dict.Pairs) == 0 {
				t.Errorf("%s: _metadata is %v", name, meta)
			}
		}
	})
}

// TestConfigIsInferred: all sizes come from the shapes, heads and activation from config.json one folder up.
func TestConfigIsInferred(t *testing.T) {
	goldentest.Each(t, "model", func(t *testing.T, dir string) {
		var file struct {
			Bert struct {
				Vocab  int    `json:"vocab_size"`
				Hidden int    `json:"hidden_size"`
				Heads  int    `json:"num_attention_heads"`
				Inter  int    `json:"intermediate_size"`
				Act    string `json:"hidden_act"`
				Pos    int    `json:"max_position_embeddings"`
				Types  int    `json:"type_vocab_size"`
			} `json:"bert_config"`
			L       int `json:"llayers"`
			X       int `json:"xlayers"`
			R       int `json:"rlayers"`
			Feat    int `json:"feat_dim"`
			Box     int `json:"pos_dim"`
			Obj     int `json:"num_obj"`
			Attr    int `json:"num_attr"`
			Answers int `json:"num_answers"`
		}
		goldentest.ReadJSON(t, filepath.Join(dir, "config.json"), &file)
		b := file.Bert
		want := lxmert.Config{
			Vocab: b.Vocab, Hidden: b.Hidden, Heads: b.Heads, Intermediate: b.Inter, MaxPositions: b.Pos, TokenTypes: b.Types,
			Activation: b.Act, LangLayers: file.L, CrossLayers: file.X, RegionLayers: file.R, FeatDim: file.Feat, BoxDim: file.Box,
		}
		task := want
		want.LM, want.Match, want.FeatHead = true, true, true
		want.Objects, want.Attributes, want.Answers = file.Obj, file.Attr, file.Answers
		task.TaskClasses, task.TaskImages = file.Answers, 1
		for name, want := range map[string]lxmert.Config{
			"tiny/weights": want, "checkpoints/legacy_module": want, "checkpoints/fp16_zip_plain_LXRT.pth": want, "checkpoints/vqa_toy_LAST": task,
		} {
			m := openModel(t, filepath.Join(dir, name))
			got := m.Config
			got.Special = lxmert.SpecialIDs{} // neither shapes nor this configuration tell them
			if got != want {
				t.Errorf("%s: %+v, want %+v", name, got, want)
			}
			r := m.Report(m.Config)
			if err := r.Err(); err != nil || len(r.Loaded) != len(m.Config.Params()) {
				t.Errorf("%s: %v", name, r)
			}
			if m.HeadsFrom != filepath.Join(dir, "config.json") {
				t.Errorf("%s: heads from %s", name, m.HeadsFrom)
			}
		}
	})
}

// TestHuggingFaceModelIsTheSame: names map to the canonical ones and back, and both files have one content.
func TestHuggingFaceModelIsTheSame(t *testing.T) {
	goldentest.Each(t, "hf", func(t *testing.T, dir string) {
		folder := openModel(t, filepath.Join(dir, "model"))
		var config map[string]any
		goldentest.ReadJSON(t, filepath.Join(dir, "model", "config.json"), &config)
		c := folder.Config
		for name, got := range map[string]int{
			"vocab_size": c.Vocab, "hidden_size": c.Hidden, "num_attention_heads": c.Heads, "intermediate_size": c.Intermediate,
			"max_position_embeddings": c.MaxPositions, "l_layers": c.LangLayers, "x_layers": c.CrossLayers, "r_layers": c.RegionLayers,
			"visual_feat_dim": c.FeatDim, "num_object_labels": c.Objects, "num_attr_labels": c.Attributes, "num_qa_labels": c.Answers,
		} {
			if want := int(config[name].(float64)); got != want {
				t.Errorf("%s is %d, want %d", name, got, want)
			}
		}
		if err := folder.Report(c).Err(); err != nil {
			t.Error(err)
		}
		for _, name := range folder.File.Names() {
			canonical := weights.Canonical(name)
			if back := weights.HuggingFaceName(canonical); back != name {
				t.Errorf("%s is %s and back %s", name, canonical, back)
			}
		}
		pth := open(t, filepath.Join(dir, "hf_state_dict.pth"))
		decoder := 0
		for _, name := range pth.Names() {
			if name == lxmert.TiedDecoder {
				decoder = 1
				continue
			}
			x, w := tensor(t, pth, name), tensor(t, folder.File, name)
			if !slices.Equal(x.Shape, w.Shape) || !slices.Equal(floats(t, x), floats(t, w)) {
				t.Errorf("%s differs", name)
			}
		}
		if len(pth.Names())-decoder != len(folder.File.Names()) {
			t.Errorf("%d tensors in the .pth, %d in the folder", len(pth.Names()), len(folder.File.Names()))
		}
		// Beside the .pth nothing says how many heads there are, and 32 units are not a multiple of 64.
		if _, err := weights.OpenModel(pth.Path, ""); c.Hidden%64 != 0 && (err == nil || !strings.Contains(err.Error(), "--config")) {
			t.Errorf("error %v does not say --config", err)
		}
		m, err := weights.OpenModel(pth.Path, filepath.Join(dir, "model", "config.json"))
		if err != nil {
			t.Fatal(err)
		}
		defer m.Close()
		if m.Config != c {
			t.Errorf("%+v, want %+v", m.Config, c)
		}
	})
}

// TestAnalysisModelTakesHeadsFromItsMetadata covers the third kind of golden folder.
func TestAnalysisModelTakesHeadsFromItsMetadata(t *testing.T) {
	goldentest.Each(t, "analysis", func(t *testing.T, dir string) {
		m := openModel(t, filepath.Join(dir, "weights"))
		if !strings.HasSuffix(m.HeadsFrom, "metadata") || m.Config.Heads == 0 {
			t.Errorf("%d heads from %s", m.Config.Heads, m.HeadsFrom)
		}
		if err := m.Report(m.Config).Err(); err != nil {
			t.Error(err)
		}
	})
}
