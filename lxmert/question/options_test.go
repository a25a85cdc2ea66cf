package question_test

import (
	"bytes"
	"encoding/binary"
	"encoding/json"
	"errors"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/seed-516990b0/golxmert/internal/goldentest"
	"github.com/seed-516990b0/golxmert/internal/safetensors"
	"github.com/seed-516990b0/golxmert/lxmert"
	"github.com/seed-516990b0/golxmert/lxmert/dataset"
	"github.com/seed-516990b0/golxmert/lxmert/question"
	"github.com/seed-516990b0/golxmert/lxmert/region"
	"github.com/seed-516990b0/golxmert/lxmert/token"
)

func TestQuestionsThatCannotBeAskedAreSaidWhy(t *testing.T) {
	dir := goldentest.Folders(t, "model")[0]
	m := open(t, dir, fineTuned)
	q := minival(t, dir)[0]
	small := filepath.Join(t.TempDir(), "vocab.txt")
	write(t, small, "[PAD]\n[UNK]\n[CLS]\n[SEP]\n[MASK]\na\n")
	short := filepath.Join(t.TempDir(), "answers.json")
	write(t, short, `["yes"]`)
	other := filepath.Join(dir, "toy", "dim2048_12boxes.tsv")
	source, err := region.Open(other)
	if err != nil {
		t.Fatal(err)
	}
	defer source.Close()
	foreign, err := source.IDs(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	for name, c := range map[string]struct {
		change func(*question.Options)
		ask    []lxmert.Question
		kind   error
		want   string
	}{
		"nothing":            {nil, nil, question.ErrQuestion, "there is no question"},
		"many":               {nil, make([]lxmert.Question, 5000), question.ErrQuestion, "5000 questions at once"},
		"silence":            {nil, []lxmert.Question{{Text: " ", Images: q.Images}}, question.ErrQuestion, "a question is empty"},
		"no picture":         {nil, []lxmert.Question{q, {Text: "x"}}, question.ErrQuestion, "question 1 has 0 pictures, the model of " + golden(dir, fineTuned).Weights + " answers about one picture"},
		"two pictures":       {nil, []lxmert.Question{{Text: "x", Images: []string{"a", "b"}}}, question.ErrQuestion, "about one picture"},
		"an unknown picture": {nil, []lxmert.Question{{Text: "x", Images: []string{"COCO_val2014_1"}}}, region.ErrNotFound, "are called like"},
		"without regions":    {func(o *question.Options) { o.Regions = nil }, []lxmert.Question{q}, question.ErrOptions, "without Regions"},
		"another vocabulary": {func(o *question.Options) { o.Vocab = small }, []lxmert.Question{q}, question.ErrOptions, "has 6 word pieces"},
		"as flags":           {func(o *question.Options) { o.Vocab, o.Flags = small, true }, []lxmert.Question{q}, question.ErrOptions, "that it was trained with as --vocab"},
		"another detector":   {func(o *question.Options) { o.Regions = []string{other} }, []lxmert.Question{{Text: "x", Images: foreign[:1]}}, lxmert.ErrBatch, "of another detector"},
	} {
		opt := golden(dir, fineTuned)
		if c.change != nil {
			c.change(&opt)
		}
		a := opened(t, m.Config(), opt)
		if _, err := a.Batch(t.Context(), c.ask); !errors.Is(err, c.kind) || !strings.Contains(err.Error(), c.want) || strings.Contains(err.Error(), "\n") {
			t.Errorf("%s: %v, want %q", name, err, c.want)
		}
	}
	for name, c := range map[string]struct {
		change func(*question.Options)
		want   string
	}{
		"no vocabulary":       {func(o *question.Options) { o.Vocab = small + "x" }, "vocab.txtx"},
		"no regions":          {func(o *question.Options) { o.Regions[0] = strings.TrimSuffix(o.Regions[0], "_obj36.tsv") }, "val2014_obj36.tsv"},
		"no pictures":         {func(o *question.Options) { o.Images = small }, "is not a folder"},
		"no names of objects": {func(o *question.Options) { o.Objects = small + "x" }, "Objects: open "},
		"other answers":       {func(o *question.Options) { o.Answers = short }, "they are of another data set"},
		"short":               {func(o *question.Options) { o.Length = 2 }, "no room for a word"},
	} {
		opt := golden(dir, fineTuned)
		c.change(&opt)
		if _, err := question.Open(m.Config(), opt); err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s: %v, want %q", name, err, c.want)
		}
	}
	a := opened(t, m.Config(), golden(dir, fineTuned))
	if _, err := a.Ask(t.Context(), open(t, dir, "checkpoints/zip_plain"), q.Text, q.Images...); err == nil || !strings.Contains(err.Error(), "of other sizes") {
		t.Errorf("another model: %v", err)
	}
	bare := m.Config()
	bare.TaskClasses, bare.Answers = 0, 0
	a = opened(t, bare, golden(dir, fineTuned))
	if _, err := a.Ask(t.Context(), m, q.Text, q.Images...); !errors.Is(err, lxmert.ErrNoAnswers) || !strings.HasPrefix(err.Error(), golden(dir, fineTuned).Weights) {
		t.Errorf("a model without a head: %v", err)
	}
	if len(a.Notes()) != 1 || !strings.Contains(a.Notes()[0], "is not used") {
		t.Errorf("answers of a model without a head: %q", a.Notes())
	}
}

func write(t *testing.T, path, text string) {
	t.Helper()
	if err := os.MkdirAll(filepath.Dir(path), 0o777); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(path, []byte(text), 0o666); err != nil {
		t.Fatal(err)
	}
}

func TestFilesAreFoundInTheUsualPlaces(t *testing.T) {
	dir := goldentest.Folders(t, "model")[0]
	m := open(t, dir, fineTuned)
	home := t.TempDir()
	for _, name := range []string{"HOME", "XDG_CACHE_HOME", "HF_HOME", "HF_HUB_CACHE", "HUGGINGFACE_HUB_CACHE", "TRANSFORMERS_CACHE", "PYTORCH_PRETRAINED_BERT_CACHE", "PYTORCH_TRANSFORMERS_CACHE"} {
		t.Setenv(name, home)
	}
	t.Chdir(home)
	published, err := os.ReadFile(filepath.Join(dir, "tokenizer", "vocab.txt"))
	if err != nil {
		t.Fatal(err)
	}
	opt := golden(dir, fineTuned)
	opt.Vocab, opt.Answers = "", ""
	opt.Weights = filepath.Join(home, "snap", "model")
	opt.Folder = filepath.Join(home, "project")
	a := opened(t, m.Config(), opt)
	if err := a.Prepare(); !errors.Is(err, token.ErrNotFound) {
		t.Errorf("no vocabulary anywhere: %v", err)
	}
	if notes := a.Notes(); len(notes) != 1 || !strings.Contains(notes[0], "so they are numbered") || !strings.HasSuffix(notes[0], "as Answers") {
		t.Errorf("no names of answers anywhere: %q", notes)
	}
	// The vocabulary beside the weights is another model's: the next one counts.
	write(t, filepath.Join(home, "snap", "vocab.txt"), "[PAD]\n[UNK]\n[CLS]\n[SEP]\n[MASK]\na\n")
	if err := a.Prepare(); !errors.Is(err, question.ErrOptions) {
		t.Errorf("another model's vocabulary: %v", err)
	}
	write(t, filepath.Join(home, "project", "data", "vocab.txt"), string(published))
	if err := a.Prepare(); err != nil {
		t.Errorf("a vocabulary in the folder's data/: %v", err)
	}
	names := filepath.Join(home, "project", "data", "gqa", "trainval_label2ans.json")
	text, err := json.Marshal(slices.Repeat([]string{"x"}, m.Config().TaskClasses))
	if err != nil {
		t.Fatal(err)
	}
	write(t, filepath.Join(home, "project", "data", "vqa", "trainval_label2ans.json"), `["of another number"]`)
	write(t, names, string(text))
	a = opened(t, m.Config(), opt)
	if a.Options().Answers != names || a.Head().Answer(1) != "x" || len(a.Notes()) != 0 {
		t.Errorf("answers %q of %s, notes %q", a.Head().Answers, a.Options().Answers, a.Notes())
	}
}

func TestWhatTheModelDoesNotSeeIsSaid(t *testing.T) {
	dir := goldentest.Folders(t, "model")[0]
	m := open(t, dir, fineTuned)
	opt := golden(dir, fineTuned)
	opt.Images, opt.Objects = t.TempDir(), filepath.Join(t.TempDir(), "objects.txt")
	write(t, opt.Objects, "thing,stuff\n")
	opt.AttributeNames = slices.Repeat([]string{"red"}, 1000)
	first, second := minival(t, dir)[0].Images[0], ""
	for _, q := range minival(t, dir) {
		if q.Images[0] != first {
			second = q.Images[0]
		}
	}
	write(t, filepath.Join(opt.Images, first+".png"), "")
	a := opened(t, m.Config(), opt)
	long := "☃ " + strings.Repeat("what is red ", 9)
	b, err := a.Batch(t.Context(), []lxmert.Question{{Text: long, Images: []string{first}}, {Text: long, Images: []string{second}}})
	if err != nil {
		t.Fatal(err)
	}
	all := strings.Join(b.Notes, "\n")
	for _, want := range []string{"the model saw the first 20", `does not know "☃": the model saw [UNK]`, opt.Objects + " names 1 objects, the regions have object "} {
		if strings.Count(all, want) != 1 {
			t.Errorf("does not say once %q:\n%s", want, all)
		}
	}
	if len(b.Notes) != 3 || !slices.Equal(b.Missing, []string{second}) {
		t.Errorf("notes %q, missing %q", b.Notes, b.Missing)
	}
	if info := b.Images[0]; info.File != filepath.Join(opt.Images, first+".png") || len(info.Objects) != b.V() || info.Attributes[0] != "red" {
		t.Errorf("the first picture is %+v", info)
	}
	if len(b.IDs[0]) != 20 {
		t.Errorf("%d word pieces", len(b.IDs[0]))
	}
}

// regionFile writes some of a golden file's pictures, each with so many of its first boxes.
func regionFile(t *testing.T, dir string, boxes ...int) (path string, ids []string) {
	t.Helper()
	source, err := region.Open(golden(dir, "").Regions[0])
	if err != nil {
		t.Fatal(err)
	}
	defer source.Close()
	if ids, err = source.IDs(t.Context()); err != nil || len(ids) < len(boxes) {
		t.Fatal(len(ids), err)
	}
	ids = ids[:len(boxes)]
	var features, places []float32
	var widths, heights, counts []int64
	most, dim := 0, 0
	for i, id := range ids {
		r, err := source.Find(t.Context(), id)
		if err != nil || r.N < boxes[i] {
			t.Fatal(r, err)
		}
		most, dim = r.N, r.Dim
		features, places = append(features, r.Features...), append(places, r.Boxes...)
		widths, heights, counts = append(widths, int64(r.Width)), append(heights, int64(r.Height)), append(counts, int64(boxes[i]))
	}
	n := len(ids)
	item := func(name, dtype string, values any, shape ...int) safetensors.Item {
		return safetensors.Item{Name: name, DType: dtype, Shape: shape, Values: func(w io.Writer) error { return binary.Write(w, binary.LittleEndian, values) }}
	}
	names, err := json.Marshal(ids)
	if err != nil {
		t.Fatal(err)
	}
	var b bytes.Buffer
	if err := safetensors.Write(&b, []safetensors.Item{
		item("width", "I64", widths, n), item("height", "I64", heights, n), item("num_boxes", "I64", counts, n),
		item("features", "F32", features, n, most, dim), item("boxes", "F32", places, n, most, 4),
	}, map[string]string{"ids": string(names)}); err != nil {
		t.Fatal(err)
	}
	path = filepath.Join(t.TempDir(), "regions.safetensors")
	if err := os.WriteFile(path, b.Bytes(), 0o666); err != nil {
		t.Fatal(err)
	}
	return path, ids
}

// counted are files that count how often each is opened and released.
type counted struct {
	question.Files
	open, released map[string]int
}

func (c *counted) count(path string) func() {
	c.open[path]++
	return func() { c.released[path]++ }
}

func (c *counted) Vocabulary(path string) (*token.WordPiece, func(), error) {
	w, err := token.Load(path)
	return w, c.count(path), err
}

func (c *counted) Answers(path string) ([]string, func(), error) {
	names, err := dataset.ReadAnswerNames(path)
	return names, c.count(path), err
}

func (c *counted) Source(path string) (*question.Source, func(), error) {
	s, err := question.OpenSource(path)
	return s, c.count(path), err
}

// TestPicturesAreFoundByAnyName: in the packed store that training has left, by the short form of COCO's ids, and in the
// first file that has them. What is taken from somebody's files is given back.
func TestPicturesAreFoundByAnyName(t *testing.T) {
	dir := goldentest.Folders(t, "model")[0]
	m := open(t, dir, fineTuned)
	opt := golden(dir, fineTuned)
	text, err := os.ReadFile(opt.Regions[0])
	if err != nil {
		t.Fatal(err)
	}
	own := filepath.Join(t.TempDir(), "val2014_obj36.tsv")
	write(t, own, string(text))
	store, err := region.OpenPacked(t.Context(), own, region.PackedOptions{})
	if err != nil {
		t.Fatal(err)
	}
	ids, err := store.IDs(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	store.Close()
	other, _ := regionFile(t, dir, 1)
	files := &counted{open: map[string]int{}, released: map[string]int{}}
	opt.Regions, opt.Files = []string{other, own}, files
	a := opened(t, m.Config(), opt)
	set, number, _ := strings.Cut(strings.TrimPrefix(ids[1], "COCO_"), "_")
	short := strings.TrimSuffix(set, "2014") + "/" + strings.TrimLeft(number, "0")
	b, err := a.Batch(t.Context(), []lxmert.Question{
		{Text: "what is red?", Images: []string{short}}, {Text: "what is red?", Images: []string{ids[1]}}, {Text: "what is red?", Images: []string{ids[0]}}, {Text: "is it?", Images: []string{ids[2]}},
	})
	if err != nil {
		t.Fatal(err)
	}
	packed := strings.TrimSuffix(own, ".tsv") + ".store"
	if b.Images[0].ID != ids[1] || b.Images[0].Source != packed || b.Images[1].ID != ids[0] || b.Images[1].Source != other || b.Pairs[1][1] != 0 {
		t.Errorf("pictures %+v of rows %v", b.Images, b.Pairs)
	}
	for _, path := range []string{other, packed, filepath.Join(dir, "tokenizer", "vocab.txt")} {
		if files.open[path] != 1 || files.released[path] != 1 {
			t.Errorf("%s was opened %d times and given back %d times", path, files.open[path], files.released[path])
		}
	}
	if _, err := a.Batch(t.Context(), []lxmert.Question{{Text: "x", Images: []string{"val/999999"}}}); err == nil ||
		!strings.Contains(err.Error(), `"val/999999" is not in `) || !strings.Contains(err.Error(), "the other 1 feature files") {
		t.Errorf("a picture that no file has: %v", err)
	}
	listed, err := a.ImageIDs(t.Context())
	if err != nil || !slices.Equal(listed, ids) { // other has the first one of them
		t.Errorf("%d pictures are listed, expected %d: %v", len(listed), len(ids), err)
	}
	// A file that has changed is read itself.
	write(t, own, string(text)+"\n")
	again, err := a.Batch(t.Context(), []lxmert.Question{{Text: "x", Images: []string{ids[1]}}})
	if err != nil || again.Images[0].Source != own {
		t.Errorf("of a changed file the regions are from %+v, %v", again, err)
	}
}

func TestQuestionsAreFoundBesideTheRegions(t *testing.T) {
	dir := goldentest.Folders(t, "model")[0]
	m := open(t, dir, fineTuned)
	a := opened(t, m.Config(), golden(dir, fineTuned))
	some, err := a.Questions(t.Context(), "minival", 2)
	if err != nil || len(some) != 2 || some[0].ID == "" {
		t.Errorf("%+v, %v", some, err)
	}
	same, err := a.Questions(t.Context(), filepath.Join(dir, "toy", "data", "vqa", "minival.json"), 2)
	if err != nil || same[1].Text != some[1].Text {
		t.Errorf("%+v, %v", same, err)
	}
	if _, err := a.Questions(t.Context(), "nowhere", 1); err == nil || !strings.Contains(err.Error(), filepath.Join("data", "gqa", "nowhere.json")) {
		t.Errorf("a split that is not there: %v", err)
	}
	opt := golden(dir, fineTuned)
	opt.Regions = nil
	if _, err := opened(t, m.Config(), opt).Questions(t.Context(), "minival", 1); err == nil || !strings.Contains(err.Error(), "has no feature files") {
		t.Errorf("without regions: %v", err)
	}
}
