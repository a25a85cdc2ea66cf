package task

import (
	"bytes"
	"encoding/base64"
	"encoding/binary"
	"errors"
	"fmt"
	"math"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/seed-516990b0/golxmert/lxmert/backend/backendtest"
	"github.com/seed-516990b0/golxmert/lxmert/dataset"
	"github.com/seed-516990b0/golxmert/lxmert/lxrt"
	"github.com/seed-516990b0/golxmert/lxmert/toy"
	"github.com/seed-516990b0/golxmert/lxmert/weights"
)

// Data of one's own: 12 numbers a region, 2 to 5 regions a picture, 3 classes of objects and 2 of attributes, 4 answers.
const ownDim = 12

// ownData writes sentences, regions, answers and lists of classes, and returns the options of pre-training on them.
func ownData(t *testing.T) (o Options, objects, attributes string) {
	t.Helper()
	o = pretrainOptions(t)
	root := t.TempDir()
	file := func(name, text string) string {
		path := filepath.Join(root, filepath.FromSlash(name))
		if err := errors.Join(os.MkdirAll(filepath.Dir(path), 0o777), os.WriteFile(path, []byte(text), 0o666)); err != nil {
			t.Fatal(err)
		}
		return path
	}
	rng := rand.New(rand.NewPCG(1, 2))
	var rows strings.Builder
	var records []string
	for i := range 40 {
		id, n := fmt.Sprintf("mine%02d", i), 2+i%4
		var boxes, features, sure []float32
		var things, looks []byte
		for range n {
			boxes, sure = append(boxes, 10, 10, 50, 50), append(sure, 0.9)
			things, looks = binary.LittleEndian.AppendUint64(things, uint64(rng.IntN(3))), binary.LittleEndian.AppendUint64(looks, uint64(rng.IntN(2)))
			for range ownDim {
				features = append(features, float32(rng.NormFloat64()))
			}
		}
		code := func(values []float32) string {
			var raw []byte
			for _, v := range values {
				raw = binary.LittleEndian.AppendUint32(raw, math.Float32bits(v))
			}
			return base64.StdEncoding.EncodeToString(raw)
		}
		fmt.Fprintln(&rows, strings.Join([]string{id, "100", "100", base64.StdEncoding.EncodeToString(things), code(sure),
			base64.StdEncoding.EncodeToString(looks), code(sure), fmt.Sprint(n), code(boxes), code(features)}, "\t"))
		records = append(records, fmt.Sprintf(`{"img_id": %q, "sentf": {"captions": ["a red star.", "a circle with a cross."], "questions": ["is there a star?"]}, "labelf": {"questions": [{"no": 1}]}}`, id))
	}
	file("lxmert/mine.json", "["+strings.Join(records, ",")+"]")
	file("lxmert/mine_obj36.tsv", rows.String())
	file("lxmert/all_ans.json", `[{"ans": "yes", "dsets": ["mine"]}, {"ans": "no", "dsets": ["mine"]}, {"ans": "two", "dsets": ["mine"]}, {"ans": "red", "dsets": ["mine"]}]`)
	o.Root, o.Train, o.Valid = root, []string{"mine"}, []string{"mine"}
	o.BatchSize, o.Epochs, o.FromScratch = 20, 1, false
	return o, file("objects.txt", "cup\nfork\nspoon\n"), file("attributes.txt", "old\nshiny\n")
}

// TestOwnDataGoOnFromOtherWeights: the heads become those of the own lists, answers and features, and what that does to each is
// said; all else is taken.
func TestOwnDataGoOnFromOtherWeights(t *testing.T) {
	b := backendtest.Open(t, "cpu")
	o, objects, attributes := ownData(t)
	t.Setenv(toy.FolderEnv, openWorld(t).Dir)
	named, err := toy.FindWeights(toy.Pretrained)
	if err != nil {
		t.Fatal(err)
	}
	o.LoadLXMERT, o.Pretraining.ObjectList, o.Pretraining.AttributeList = named.Weights, objects, attributes
	var notes bytes.Buffer
	o.Notes = &notes
	if _, err := Train(t.Context(), b, dataset.Pretraining, o); err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{
		"region features: 64 numbers -> 12 of the regions of mine: drawn anew",
		"object head: 5 classes -> 3 of " + objects + ": drawn anew",
		"attribute head: 6 classes -> 2 of " + attributes + ": drawn anew",
		"feature head: 64 numbers -> 12 of the regions of mine: drawn anew",
		"answer head: 24 answers -> 4 of " + dataset.AnswerTable(o.Root) + ": drawn anew",
	} {
		if !strings.Contains(notes.String(), want+"\n") {
			t.Errorf("%q is not said:\n%s", want, &notes)
		}
	}
	if strings.Contains(notes.String(), "it is drawn") {
		t.Errorf("what is drawn is said twice:\n%s", &notes)
	}
	m, err := weights.OpenModel(filepath.Join(o.Output, "Epoch01"), "")
	if err != nil {
		t.Fatal(err)
	}
	defer m.Close()
	if c := m.Config; c.Objects != 3 || c.Attributes != 2 || c.Answers != 4 || c.FeatDim != ownDim || c.Hidden != toy.ModelConfig().Hidden {
		t.Errorf("%+v", c)
	}

	// The strict way says what to do instead.
	o.Load, o.LoadLXMERT, o.Overwrite = o.LoadLXMERT, "", true
	if _, err := Train(t.Context(), b, dataset.Pretraining, o); err == nil || !strings.Contains(err.Error(), "--loadLXMERT instead of --load") {
		t.Errorf("--load: %v", err)
	}
}

// TestWhatFitsIsKeptAndSaidToBe: lists of as many classes as the weights have leave the heads' values.
func TestWhatFitsIsKeptAndSaidToBe(t *testing.T) {
	b := backendtest.Open(t, "cpu")
	o := pretrainOptions(t)
	t.Setenv(toy.FolderEnv, openWorld(t).Dir)
	named, err := toy.FindWeights(toy.Pretrained)
	if err != nil {
		t.Fatal(err)
	}
	list := filepath.Join(t.TempDir(), "shapes.txt")
	if err := os.WriteFile(list, []byte(strings.Join(toy.Shapes, "\n")), 0o666); err != nil {
		t.Fatal(err)
	}
	o.FromScratch, o.LoadLXMERT, o.LR, o.Epochs, o.MaxSteps, o.Pretraining.ObjectList = false, named.Weights, 0, 1, 1, list
	var notes bytes.Buffer
	o.Notes = &notes
	if _, err := Train(t.Context(), b, dataset.Pretraining, o); err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{
		"object head: 5 classes of " + list + ", as many as in model_LXRT.pth: kept, so they must mean the same in the same order\n",
		"attribute head: 6 classes as in model_LXRT.pth: kept\n",
	} {
		if !strings.Contains(notes.String(), want) {
			t.Errorf("%q is not said:\n%s", want, &notes)
		}
	}
	before, after := opened(t, filepath.Dir(named.Weights), "model_LXRT.pth"), opened(t, o.Output, "Epoch01_LXRT.pth")
	for _, name := range []string{"obj_predict_head.decoder_dict.obj.weight", "answer_head.logit_fc.3.bias"} {
		if !slices.Equal(before(name), after(name)) {
			t.Errorf("%s is not what it was", name)
		}
	}
}

func TestListsOfClassesAreChecked(t *testing.T) {
	b := backendtest.Open(t, "go")
	o, _, attributes := ownData(t)
	empty := filepath.Join(t.TempDir(), "empty.txt")
	if err := os.WriteFile(empty, nil, 0o666); err != nil {
		t.Fatal(err)
	}
	t.Setenv(toy.FolderEnv, openWorld(t).Dir)
	named, err := toy.FindWeights(toy.Pretrained)
	if err != nil {
		t.Fatal(err)
	}
	o.LoadLXMERT = named.Weights
	for list, want := range map[string]string{
		filepath.Join(t.TempDir(), "none.txt"): "--objects: ",
		empty:                                  "names no class",
		attributes:                             "the obj head has 2", // of the 3 that the regions have
	} {
		o.Pretraining.ObjectList = list
		if _, err := Train(t.Context(), b, dataset.Pretraining, o); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%v, want %q", err, want)
		}
	}
}

// TestMaskedOnlyLearnsOfMaskedRegions: the weights of objects and attributes are the same as without it where a region is
// masked, and 0 elsewhere.
func TestMaskedOnlyLearnsOfMaskedRegions(t *testing.T) {
	b := backendtest.Open(t, "go")
	o := pretrainOptions(t)
	p := newPretraining(t, b, &o)
	index := []int{0, 5, 10, 15, 20, 25, 30, 35}
	all, err := p.step(t.Context(), p.corpus, index, 0, 1)
	if err != nil {
		t.Fatal(err)
	}
	p.opt.Pretraining.MaskedOnly = true
	masked, err := p.step(t.Context(), p.corpus, index, 0, 1)
	if err != nil {
		t.Fatal(err)
	}
	asked := all[0].Labels[lxrt.FeatWeights].Data.([]float32)
	for _, name := range []string{lxrt.ObjectWeights, lxrt.AttrWeights} {
		before, after := all[0].Labels[name].Data.([]float32), masked[0].Labels[name].Data.([]float32)
		kept := 0
		for i := range before {
			want := float32(0)
			if asked[i] > 0 {
				want = before[i]
				kept++
			}
			if after[i] != want {
				t.Fatalf("%s of region %d is %g, not %g", name, i, after[i], want)
			}
		}
		if kept == 0 || kept == len(before) {
			t.Errorf("%d of %d regions are masked", kept, len(before))
		}
	}
	if !slices.Equal(asked, masked[0].Labels[lxrt.FeatWeights].Data.([]float32)) {
		t.Error("the features' weights change")
	}
}
