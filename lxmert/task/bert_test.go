package task

import (
	"archive/tar"
	"bytes"
	"compress/gzip"
	"errors"
	"io"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/seed-516990b0/golxmert/lxmert"
	"github.com/seed-516990b0/golxmert/lxmert/backend/backendtest"
	"github.com/seed-516990b0/golxmert/lxmert/dataset"
	"github.com/seed-516990b0/golxmert/lxmert/weights"
)

// bertOf is a BERT of a model's sizes, under its old names, with a layer more than the model has, and a head of no use. It is written
// to a file whose values by canonical name come back.
func bertOf(t *testing.T, c lxmert.Config, path string) (values map[string][]float32) {
	t.Helper()
	r := rand.New(rand.NewPCG(1, 2))
	values = map[string][]float32{}
	var items []weights.Item
	add := func(name string, shape []int) []float32 {
		data := make([]float32, lxmert.Size(shape))
		for i := range data {
			data[i] = r.Float32()
		}
		if strings.Contains(name, "LayerNorm") {
			name = strings.NewReplacer("LayerNorm.weight", "LayerNorm.gamma", "LayerNorm.bias", "LayerNorm.beta").Replace(name)
		}
		items = append(items, weights.FromFloats(name, shape, data, weights.F32))
		return data
	}
	for _, p := range c.Params() {
		if rest, ok := strings.CutPrefix(p.Name, "bert.encoder.layer.0."); ok {
			add("bert.encoder.layer.11."+rest, p.Shape)
		}
		for _, prefix := range []string{"bert.embeddings.", "bert.encoder.layer.", "bert.pooler.", "cls."} {
			if strings.HasPrefix(p.Name, prefix) {
				values[p.Name] = add(p.Name, p.Shape)
			}
		}
	}
	add("classifier.weight", []int{2, 3})
	written := filepath.Join(t.TempDir(), "bert"+map[bool]string{true: ".safetensors", false: ".pth"}[filepath.Ext(path) == ".safetensors"])
	if err := weights.Write(written, items, nil); err != nil {
		t.Fatal(err)
	}
	if err := os.Rename(written, path); err != nil {
		t.Fatal(err)
	}
	return values
}

// archived puts a file into a .tar.gz, with others.
func archived(t *testing.T, path string) string {
	t.Helper()
	text, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	var b bytes.Buffer
	z := gzip.NewWriter(&b)
	w := tar.NewWriter(z)
	for _, m := range []struct {
		name string
		text []byte
	}{{"./bert_config.json", []byte("{}")}, {"./" + filepath.Base(path), text}} {
		err = errors.Join(err, w.WriteHeader(&tar.Header{Name: m.name, Mode: 0o600, Size: int64(len(m.text)), Typeflag: tar.TypeReg}))
		_, writeErr := w.Write(m.text)
		err = errors.Join(err, writeErr)
	}
	name := filepath.Join(t.TempDir(), "bert-base-uncased.tar.gz")
	if err = errors.Join(err, w.Close(), z.Close(), os.WriteFile(name, b.Bytes(), 0o600)); err != nil {
		t.Fatal(err)
	}
	return name
}

func TestPretrainingStartsFromEveryFormOfBERT(t *testing.T) {
	b := backendtest.Open(t, "go")
	o := pretrainOptions(t)
	sizes := newPretraining(t, b, &o).cfg
	bin, safe := filepath.Join(t.TempDir(), "pytorch_model.bin"), filepath.Join(t.TempDir(), "model.safetensors")
	inBin, inSafe := bertOf(t, sizes, bin), bertOf(t, sizes, safe)
	t.Setenv("TMPDIR", t.TempDir())
	for name, want := range map[string]map[string][]float32{
		bin: inBin, filepath.Dir(bin): inBin, archived(t, bin): inBin, safe: inSafe, filepath.Dir(safe): inSafe, archived(t, safe): inSafe,
	} {
		var notes bytes.Buffer
		o := pretrainOptions(t)
		o.Bert, o.FromScratch, o.Notes = name, false, &notes
		o.Pretraining.settle()
		s, err := openSession(b, dataset.Pretraining, &o)
		if err != nil {
			t.Fatal(err)
		}
		p := &pretraining{session: s}
		t.Cleanup(func() { p.Close() })
		if err := p.load(t.Context()); err != nil {
			t.Fatal(err)
		}
		begin, err := p.begin()
		if err != nil {
			t.Fatal(err)
		}
		for _, param := range begin.cfg.Params() {
			if begin.init.Given(param.Name) != (want[param.Name] != nil) {
				t.Errorf("%s: %s is given: %v", name, param.Name, begin.init.Given(param.Name))
			}
			if want[param.Name] == nil {
				continue
			}
			got := make([]float32, lxmert.Size(param.Shape))
			if err := begin.init.Read(param.Name, got, false); err != nil || !slices.Equal(got, want[param.Name]) {
				t.Errorf("%s: %s has other values, %v", name, param.Name, err)
			}
		}
		if !strings.Contains(notes.String(), "of BERT's parameters taken from "+filepath.Base(name)) && !strings.Contains(notes.String(), "taken from "+filepath.Base(bin)) &&
			!strings.Contains(notes.String(), "taken from "+filepath.Base(safe)) || !strings.Contains(notes.String(), " have no place in this model") {
			t.Errorf("%s: %s", name, notes.String())
		}
		if err := begin.Close(); err != nil {
			t.Error(err)
		}
	}
	if left, err := os.ReadDir(os.Getenv("TMPDIR")); err != nil || len(left) > 0 {
		t.Errorf("%v is left behind, %v", left, err)
	}
}

func TestArchivesWithoutBERTAreErrors(t *testing.T) {
	b := backendtest.Open(t, "go")
	packed := func(text string) string {
		var out bytes.Buffer
		z := gzip.NewWriter(&out)
		if _, err := io.WriteString(z, text); err != nil {
			t.Fatal(err)
		}
		if err := z.Close(); err != nil {
			t.Fatal(err)
		}
		name := filepath.Join(t.TempDir(), "bert.tar.gz")
		if err := os.WriteFile(name, out.Bytes(), 0o600); err != nil {
			t.Fatal(err)
		}
		return name
	}
	other := filepath.Join(t.TempDir(), "vocab.txt")
	if err := os.WriteFile(other, []byte("[PAD]"), 0o600); err != nil {
		t.Fatal(err)
	}
	whole := filepath.Join(t.TempDir(), "pytorch_model.bin")
	o := pretrainOptions(t)
	bertOf(t, newPretraining(t, b, &o).cfg, whole)
	cut := archived(t, whole)
	text, err := os.ReadFile(cut)
	if err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(cut, text[:len(text)/2], 0o600); err != nil {
		t.Fatal(err)
	}
	t.Setenv("TMPDIR", t.TempDir())
	for name, want := range map[string]string{
		packed("no archive"):    "unreadable weights",
		archived(t, other):      "neither model.safetensors nor pytorch_model.bin",
		cut:                     "its pytorch_model.bin: unexpected EOF",
		packed(hugeMember(t)):   "too large for its size",
		filepath.Join("a", "b"): "no such weights",
	} {
		o := pretrainOptions(t)
		o.Bert, o.FromScratch = name, false
		_, err := Train(t.Context(), b, dataset.Pretraining, o)
		if err == nil || !strings.Contains(err.Error(), want) || strings.Contains(err.Error(), "\n") {
			t.Errorf("%s: %v, want %q", name, err, want)
		}
	}
	if left, err := os.ReadDir(os.Getenv("TMPDIR")); err != nil || len(left) > 0 {
		t.Errorf("%v is left behind, %v", left, err)
	}
}

// hugeMember begins an archive of one file that claims to have a terabyte.
func hugeMember(t *testing.T) string {
	t.Helper()
	var b bytes.Buffer
	if err := tar.NewWriter(&b).WriteHeader(&tar.Header{Name: "pytorch_model.bin", Mode: 0o600, Size: 1 << 40, Typeflag: tar.TypeReg}); err != nil {
		t.Fatal(err)
	}
	return b.String()
}
