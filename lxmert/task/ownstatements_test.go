package task

import (
	"encoding/base64"
	"encoding/binary"
	"encoding/json"
	"fmt"
	"math"
	"math/rand/v2"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/seed-516990b0/golxmert/analysis/sweep"
	"github.com/seed-516990b0/golxmert/lxmert/backend/backendtest"
	"github.com/seed-516990b0/golxmert/lxmert/dataset"
	"github.com/seed-516990b0/golxmert/lxmert/lxrt"
	"github.com/seed-516990b0/golxmert/lxmert/question"
	"github.com/seed-516990b0/golxmert/lxmert/toy"
)

// statements are a task that this library does not know: whether a statement is true of one picture.
var statements = &dataset.Task{
	Name: "own", Title: "OWN", About: "statements about a picture", Noun: "statements",
	Entry:    dataset.Entry{ID: "uid", Pictures: []string{"img_id"}},
	Features: dataset.Features{Folder: "own_imgfeat"},
	Head:     "task", Loss: "label",
	StepsLine:   "Total Iters: %d\n",
	Predictions: []dataset.Prediction{{Contains: "hidden", File: "hidden_predict.csv"}},
	Dump:        dataset.Dump{Join: "+"},
}

// writeSplit writes statements that a picture is red, in two wordings. All regions of a picture have one of two looks, of
// which one is red.
func writeSplit(t *testing.T, data, split string, n int, rng *rand.Rand) {
	t.Helper()
	const regions = 4
	code := func(values []float32) string {
		var raw []byte
		for _, v := range values {
			raw = binary.LittleEndian.AppendUint32(raw, math.Float32bits(v))
		}
		return base64.StdEncoding.EncodeToString(raw)
	}
	zeros := base64.StdEncoding.EncodeToString(make([]byte, 8*regions))
	var rows strings.Builder
	var entries []map[string]any
	for i := range n {
		look := i % 2
		var boxes, features []float32
		for range regions {
			boxes = append(boxes, 10, 10, 50, 50)
			for k := range toy.FeatDim {
				v := rng.Float32()
				if k%2 == look {
					v += 4
				}
				features = append(features, v)
			}
		}
		id := fmt.Sprintf("%s%d", split, i)
		confidences := code([]float32{0.9, 0.8, 0.7, 0.6})
		fmt.Fprintln(&rows, strings.Join([]string{id, "100", "100", zeros, confidences, zeros, confidences, fmt.Sprint(regions), code(boxes), code(features)}, "\t"))
		for k, text := range []string{"it is red.", "is it a red thing?"} {
			entries = append(entries, map[string]any{"uid": fmt.Sprintf("%s-%d", id, k), "img_id": id, "sent": text, "label": 1 - look})
		}
	}
	text, err := json.Marshal(entries)
	if err != nil {
		t.Fatal(err)
	}
	for path, content := range map[string]string{"own/" + split + ".json": string(text), "own_imgfeat/" + split + "_obj36.tsv": rows.String()} {
		path = filepath.Join(data, path)
		if err := os.MkdirAll(filepath.Dir(path), 0o777); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, []byte(content), 0o666); err != nil {
			t.Fatal(err)
		}
	}
}

// TestATaskOfOnesOwnIsItsDescription: what the description says is enough to train, predict, ask and analyse.
func TestATaskOfOnesOwnIsItsDescription(t *testing.T) {
	b := backendtest.Open(t, "cpu")
	w := openWorld(t)
	data := t.TempDir()
	rng := rand.New(rand.NewPCG(1, 2))
	writeSplit(t, data, "train", 200, rng)
	writeSplit(t, data, "valid", 50, rng)
	o := DefaultOptions()
	o.Root, o.Config, o.Vocab, o.Output = data, w.Config(), w.Vocab(), filepath.Join(t.TempDir(), "snap")
	o.BatchSize, o.LR, o.Epochs, o.Dropout, o.FromScratch = 20, 1e-3, 6, 0, true
	if _, err := Train(t.Context(), b, statements, o); err != nil {
		t.Fatal(err)
	}
	o.Test, o.Load = "valid", filepath.Join(o.Output, "BEST")
	scored, err := Test(t.Context(), b, statements, o)
	if err != nil {
		t.Fatal(err)
	}
	// Half of the statements of either wording are true, so who does not look at the picture is right about half of them, with
	// a deviation of 0.05: five deviations above that is not chance. The rule is linear, and learnt to 1.
	if len(scored) != 1 || scored[0].Questions != 100 || !scored[0].HasScore || scored[0].Score < 0.75 {
		t.Errorf("%+v", scored)
	}
	text, err := os.ReadFile(filepath.Join(o.Output, "valid_predict.csv"))
	if err != nil {
		t.Fatal(err)
	}
	handedIn := strings.Split(strings.TrimSuffix(string(text), "\n"), "\n")

	m, err := lxrt.Open(b, o.Load, o.Config, lxrt.Options{})
	if err != nil {
		t.Fatal(err)
	}
	defer m.Close()
	features := filepath.Join(data, "own_imgfeat", "valid_obj36.tsv")
	asker, err := question.Open(m.Config(), question.Options{Weights: o.Load, Vocab: o.Vocab, Regions: []string{features}, Pad: true})
	if err != nil {
		t.Fatal(err)
	}
	defer asker.Close()
	set, err := dataset.Load(t.Context(), statements, []string{"valid"}, dataset.Options{Root: data})
	if err != nil {
		t.Fatal(err)
	}
	defer set.Close()
	if len(handedIn) != set.Len() {
		t.Fatalf("%d of %d predictions are handed in", len(handedIn), set.Len())
	}
	const asked = 20
	for i, e := range set.Examples[:asked] {
		answer, err := asker.Ask(t.Context(), m, e.Text, e.Images...)
		if err != nil {
			t.Fatal(err)
		}
		if want := e.ID + "," + [2]string{"False", "True"}[answer.Best().Class]; handedIn[i] != want {
			t.Errorf("%s is handed in, %s the answer when asked", handedIn[i], want)
		}
	}

	dir := t.TempDir()
	if err := sweep.Run(t.Context(), m, &sweep.Data{Name: "own", Set: set, Asker: asker}, dir, sweep.Options{Methods: []string{"relevance"}, Limit: asked}); err != nil {
		t.Fatal(err)
	}
	found, err := sweep.Read(t.Context(), dir, nil)
	if err != nil || found.Examples != asked || found.Settings.Rows != 1 || len(found.Tables) == 0 {
		t.Errorf("%+v, %v", found, err)
	}
}
