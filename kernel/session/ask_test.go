package session_test

import (
	"errors"
	"fmt"
	"math"
	"os"
	"path/filepath"
	"reflect"
	"slices"
	"strings"
	"testing"

	"github.com/seed-516990b0/golxmert/internal/goldentest"
	"github.com/seed-516990b0/golxmert/kernel/client"
	"github.com/seed-516990b0/golxmert/lxmert"
	"github.com/seed-516990b0/golxmert/lxmert/question"
	"github.com/seed-516990b0/golxmert/lxmert/region"
	"github.com/seed-516990b0/golxmert/lxmert/token"
	"github.com/seed-516990b0/golxmert/lxmert/toy"
	"github.com/seed-516990b0/golxmert/lxmert/weights"
)

// toyModel makes a very small toy world where "toy" finds it, and trains its model for some steps.
func toyModel(t *testing.T, c *client.Client, dir string) *toy.World {
	t.Helper()
	world, err := toy.Make(t.Context(), dir, toy.Options{Scale: 0.002})
	if err != nil {
		t.Fatal(err)
	}
	run, err := c.StartRun(t.Context(), "vqa", []string{
		"--train", "minival", "--curriculum", "0.5", "--valid=", "--batchSize", "8", "--fromScratch", "--data", "toy", "--config=toy", "--output", filepath.Join(dir, "snap", "vqa", "toy"),
	})
	if err != nil {
		t.Fatal(err)
	}
	var last client.Run
	if err := c.Follow(t.Context(), run.ID, func(e client.Event) error {
		if e.Run != nil {
			last = *e.Run
		}
		return nil
	}); err != nil {
		t.Fatal(err)
	}
	if last.State != client.Done {
		t.Fatalf("%+v", last)
	}
	return world
}

func TestAToyModelIsAskedByItsName(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "world")
	t.Setenv("LXMERT_TOY", dir)
	r := newResident(t)
	c := r.dial("a")
	world := toyModel(t, c, dir)
	var notes strings.Builder
	c, err := client.Dial(t.Context(), client.Options{Dir: r.dir, Log: &notes})
	if err != nil {
		t.Fatal(err)
	}
	m, err := c.Open(t.Context(), client.Spec{Weights: client.Toy})
	if err != nil {
		t.Fatal(err)
	}
	if h := m.Head(); h.Output != "out.task" || h.Kind != "sigmoid" || h.Images != 1 || len(m.Answers()) != h.Classes || !slices.Contains(m.Answers(), "yes") {
		t.Errorf("its head is %+v", h)
	}
	ids, err := m.Images(t.Context())
	if err != nil || len(ids) == 0 || !strings.HasPrefix(ids[0], "COCO_test2015_") {
		t.Fatalf("its pictures are %v, %v", ids, err)
	}
	id := ids[0]
	number := strings.TrimLeft(strings.TrimPrefix(id, "COCO_test2015_"), "0")
	text := "what color is the circle?"
	b, err := m.Batch(t.Context(), []client.Question{
		{Text: text, Images: []string{id}}, {Text: "is there a ζέβρα?", Images: []string{"test/" + number}}, {Text: text, Images: []string{ids[1]}},
	})
	if err != nil {
		t.Fatal(err)
	}
	if !reflect.DeepEqual(b.Pairs, [][2]int{{0, 0}, {1, 0}, {0, 1}}) {
		t.Errorf("the pairs are %v", b.Pairs)
	}
	if !strings.Contains(notes.String(), `does not know "ζέβρα"`) {
		t.Errorf("remarks: %s", &notes)
	}
	// The same, made by hand.
	vocab, err := token.Load(world.Vocab())
	if err != nil {
		t.Fatal(err)
	}
	e, err := vocab.Encode(text, 0)
	if err != nil {
		t.Fatal(err)
	}
	found, err := region.Find(t.Context(), filepath.Join(world.Data(), "mscoco_imgfeat", "heldout_obj36.tsv"), id)
	if err != nil {
		t.Fatal(err)
	}
	want := &lxmert.Batch{IDs: [][]int32{e.IDs}, Words: []lxmert.Words{e.Words}}
	if err := region.Fill(want, found); err != nil {
		t.Fatal(err)
	}
	if !slices.Equal(b.IDs[0], want.IDs[0]) || !reflect.DeepEqual(b.Words[0], want.Words[0]) || !slices.Equal(b.Feats.Row(0).Data, want.Feats.Data) || !slices.Equal(b.Boxes.Row(0).Data, want.Boxes.Data) {
		t.Error("the batch is not what its files say")
	}
	info := b.Images[0]
	if info.ID != id || info.File != filepath.Join(world.Images(), id+".png") || len(info.Objects) != found.N || !slices.Contains(toy.Shapes, info.Objects[0]) || !slices.Contains(toy.Colors, info.Attributes[0]) {
		t.Errorf("the picture is %+v", info)
	}
	trace, err := m.Run(t.Context(), b, lxmert.Request{Want: []lxmert.Read{{Name: "out.task", Top: 1}}})
	if err != nil {
		t.Fatal(err)
	}
	if top := trace.Top["out.task"]; len(top.Index) != 3 {
		t.Errorf("answers %v", top)
	}
}

func TestQuestionsThatCannotBeAskedAreSaidWhy(t *testing.T) {
	golden := goldens(t)[0]
	c := newResident(t).dial("a")
	spec := client.Spec{
		Weights: filepath.Join(golden, "tiny", "weights"), Config: filepath.Join(golden, "config.json"), Vocab: filepath.Join(golden, "tokenizer"),
		Regions: []string{filepath.Join(golden, "toy", "data", "mscoco_imgfeat", "val2014_obj36.tsv")},
	}
	m, err := c.Open(t.Context(), spec)
	if err != nil {
		t.Fatal(err)
	}
	ids, err := m.Images(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	small := filepath.Join(t.TempDir(), "vocab.txt")
	if err := os.WriteFile(small, []byte("[PAD]\n[UNK]\n[CLS]\n[SEP]\n[MASK]\na\n"), 0o666); err != nil {
		t.Fatal(err)
	}
	changed := func(change func(*client.Spec)) client.Spec {
		s := spec
		change(&s)
		return s
	}
	q := client.Question{Text: "is it red?", Images: ids[:1]}
	for name, x := range map[string]struct {
		spec client.Spec
		ask  []client.Question
		want string
	}{
		"nothing":            {spec, nil, "there is no question"},
		"silence":            {spec, []client.Question{{Text: " ", Images: ids[:1]}}, "a question is empty"},
		"no picture":         {spec, []client.Question{q, {Text: "x"}}, "question 1 has 0 pictures"},
		"two pictures":       {spec, []client.Question{{Text: "x", Images: ids[:2]}}, "about one picture"},
		"an unknown picture": {spec, []client.Question{{Text: "x", Images: []string{"COCO_val2014_1"}}}, "are called like"},
		"without regions":    {changed(func(s *client.Spec) { s.Regions = nil }), []client.Question{q}, "without Regions"},
		"another vocabulary": {changed(func(s *client.Spec) { s.Vocab = small }), []client.Question{q}, "has 6 word pieces"},
		"another detector": {changed(func(s *client.Spec) { s.Regions = []string{filepath.Join(golden, "toy", "dim2048_12boxes.tsv")} }),
			[]client.Question{{Text: "x", Images: []string{first(t, c, spec, filepath.Join(golden, "toy", "dim2048_12boxes.tsv"))}}}, "of another detector"},
	} {
		m, err := c.Open(t.Context(), x.spec)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := m.Batch(t.Context(), x.ask); err == nil || !strings.Contains(err.Error(), x.want) || strings.Contains(err.Error(), "\n") {
			t.Errorf("%s: %v, want %q", name, err, x.want)
		}
	}
	if _, err := m.Batch(t.Context(), make([]client.Question, 100_000)); !errors.Is(err, client.ErrUsage) {
		t.Errorf("100,000 questions: %v", err)
	}
}

// TestCellsAreToldOfRegionsOfAnotherForm: what is certain is an error, what is unlikely a remark, once for each question
// that is asked, however many pictures it has.
func TestCellsAreToldOfRegionsOfAnotherForm(t *testing.T) {
	golden := goldens(t)[0]
	r := newResident(t)
	r.dial("a") // starts the session
	var notes strings.Builder
	c, err := client.Dial(t.Context(), client.Options{Dir: r.dir, Log: &notes})
	if err != nil {
		t.Fatal(err)
	}
	text, err := os.ReadFile(filepath.Join(golden, "toy", "data", "mscoco_imgfeat", "val2014_obj36.tsv"))
	if err != nil {
		t.Fatal(err)
	}
	batch := func(change func(b []float32, w, h float32)) error {
		path := filepath.Join(t.TempDir(), "mine.tsv")
		if err := os.WriteFile(path, text, 0o666); err != nil {
			t.Fatal(err)
		}
		goldentest.ChangeBoxes(t, path, change)
		m, err := c.Open(t.Context(), client.Spec{
			Weights: filepath.Join(golden, "tiny", "weights"), Config: filepath.Join(golden, "config.json"), Vocab: filepath.Join(golden, "tokenizer"), Regions: []string{path},
		})
		if err != nil {
			t.Fatal(err)
		}
		ids, err := m.Images(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		var questions []client.Question
		for _, id := range ids {
			questions = append(questions, client.Question{Text: "is it red?", Images: []string{id}})
		}
		notes.Reset()
		_, err = m.Batch(t.Context(), questions)
		return err
	}
	if err := batch(func([]float32, float32, float32) {}); err != nil || notes.Len() > 0 {
		t.Errorf("of the published form it says %q, error %v", &notes, err)
	}
	err = batch(func(b []float32, w, h float32) { b[0], b[1], b[2], b[3] = b[0]/w, b[1]/h, b[2]/w, b[3]/h })
	if err == nil || !strings.Contains(err.Error(), "mine.tsv") || !strings.Contains(err.Error(), "they were divided by the picture's size already") {
		t.Error(err)
	}
	first := true
	err = batch(func(b []float32, _, _ float32) {
		if first {
			b[0], b[2] = b[2], b[0]
		}
		first = false
	})
	if err != nil || strings.Count(notes.String(), "boxes have no area, x1 <= x0") != 1 || !strings.Contains(notes.String(), "mine.tsv") {
		t.Errorf("of one strange box it says %q, error %v", &notes, err)
	}
}

// TestAskingThroughTheSessionIsAskingHere: the session's front door is the library's, so answers, their input and the
// remarks are the same, however many questions are asked at once.
func TestAskingThroughTheSessionIsAskingHere(t *testing.T) {
	golden := goldens(t)[0]
	r := newResident(t)
	here, _, _ := both(t, r.dial("a"), golden)
	var notes strings.Builder
	c, err := client.Dial(t.Context(), client.Options{Dir: r.dir, Log: &notes})
	if err != nil {
		t.Fatal(err)
	}
	features := filepath.Join(golden, "toy", "data", "mscoco_imgfeat", "val2014_obj36.tsv")
	m, err := c.Open(t.Context(), client.Spec{Weights: filepath.Join(golden, "tiny", "weights"), Vocab: filepath.Join(golden, "tokenizer"), Regions: []string{features}})
	if err != nil {
		t.Fatal(err)
	}
	asker, err := question.Open(here.Config(), question.Options{Weights: filepath.Join(golden, "tiny", "weights"), Vocab: filepath.Join(golden, "tokenizer"), Regions: []string{features}})
	if err != nil {
		t.Fatal(err)
	}
	defer asker.Close()
	ids, err := asker.ImageIDs(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	var questions []lxmert.Question
	for i := range lxmert.AskedTogether + 2 {
		questions = append(questions, lxmert.Question{Text: fmt.Sprintf("is there a red ζέβρα%s?", strings.Repeat(" big", i%5)), Images: ids[i%len(ids):][:1]})
	}
	want, err := asker.AskAll(t.Context(), here, questions...)
	if err != nil {
		t.Fatal(err)
	}
	notes.Reset()
	got, err := m.Ask(t.Context(), questions)
	if err != nil {
		t.Fatal(err)
	}
	if len(got) != len(want) {
		t.Fatalf("%d answers to %d questions", len(got), len(want))
	}
	for i, a := range got {
		if w := want[i]; !reflect.DeepEqual(a.Ranked, w.Ranked) || !reflect.DeepEqual(a.Matched, w.Matched) || !reflect.DeepEqual(a.Batch.Words, w.Batch.Words) || !slices.Equal(a.Batch.Feats.Data, w.Batch.Feats.Data) {
			t.Errorf("question %d is answered %+v, here %+v", i, a.Best(), w.Best())
		}
	}
	if strings.Count(notes.String(), "ζέβρα") != 1 {
		t.Errorf("remarks: %s", &notes)
	}
	names, err := m.Names(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	if want, err := asker.Names(); err != nil || !reflect.DeepEqual(names, want) || len(names.Words) != here.Config().Vocab {
		t.Errorf("%d word pieces have names in the session, here %d: %v", len(names.Words), len(want.Words), err)
	}
	if _, err := m.Ask(t.Context(), nil); !errors.Is(err, client.ErrUsage) {
		t.Errorf("no question: %v", err)
	}
}

// TestLogitsThatAreNoNumbersAreNotRanked, in cells neither: damaged weights are an error that names the question.
func TestLogitsThatAreNoNumbersAreNotRanked(t *testing.T) {
	golden := goldens(t)[0]
	whole, err := weights.OpenModel(filepath.Join(golden, "tiny", "weights"), "")
	if err != nil {
		t.Fatal(err)
	}
	defer whole.Close()
	var items []weights.Item
	for _, name := range whole.Names() {
		x, _ := whole.Tensor(name)
		data, err := x.Float32s()
		if err != nil {
			t.Fatal(err)
		}
		if name == "answer_head.logit_fc.3.bias" {
			data = slices.Clone(data)
			data[1] = float32(math.NaN())
		}
		items = append(items, weights.FromFloats(name, x.Shape, data, weights.F32))
	}
	path := filepath.Join(t.TempDir(), "m.safetensors")
	if err := weights.Save(path, whole.Config, items, nil); err != nil {
		t.Fatal(err)
	}
	features := filepath.Join(golden, "toy", "data", "mscoco_imgfeat", "val2014_obj36.tsv")
	c := newResident(t).dial("a")
	spec := client.Spec{Weights: path, Vocab: filepath.Join(golden, "tokenizer"), Regions: []string{features}}
	m, err := c.Open(t.Context(), spec)
	if err != nil {
		t.Fatal(err)
	}
	q := client.Question{Text: "is it red?", Images: []string{first(t, c, spec, features)}}
	if _, err := m.Ask(t.Context(), []client.Question{q}); err == nil || !strings.Contains(err.Error(), `m.safetensors: "is it red?" cannot be answered: value 1 of out.qa is NaN`) {
		t.Errorf("NaN: %v", err)
	}
}

// first is the first picture of a feature file.
func first(t *testing.T, c *client.Client, spec client.Spec, path string) string {
	t.Helper()
	spec.Regions = []string{path}
	m, err := c.Open(t.Context(), spec)
	if err != nil {
		t.Fatal(err)
	}
	ids, err := m.Images(t.Context())
	if err != nil || len(ids) == 0 {
		t.Fatalf("%v, %v", ids, err)
	}
	return ids[0]
}

func sizeText(n int64) string { return fmt.Sprintf("%dB", n) }
