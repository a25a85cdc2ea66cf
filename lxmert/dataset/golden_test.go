package dataset

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"math"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/seed-516990b0/golxmert/internal/goldentest"
	"github.com/seed-516990b0/golxmert/lxmert"
	"github.com/seed-516990b0/golxmert/lxmert/token"
)

// golden runs a test in the toy folder of every golden folder, where the data is at "data".
func golden(t *testing.T, run func(t *testing.T, dir string)) {
	for _, dir := range goldentest.Folders(t, "model") {
		t.Run(filepath.Base(dir), func(t *testing.T) {
			dir, err := filepath.Abs(dir)
			if err != nil {
				t.Fatal(err)
			}
			t.Chdir(filepath.Join(dir, "toy"))
			run(t, dir)
		})
	}
}

// setOf loads the data set that the goldens call, for example, "vqa:train,nominival".
func setOf(t *testing.T, key string, opt Options) *Set {
	t.Helper()
	task, splits, _ := strings.Cut(key, ":")
	opt.Open = openRows
	s, err := Load(context.Background(), taskNamed(t, task), strings.Split(splits, ","), opt)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := s.Close(); err != nil {
			t.Error(err)
		}
	})
	return s
}

// goldenExample is what the original data set yields.
type goldenExample struct {
	Index      int
	QuestionID any `json:"ques_id"`
	Sent       string
	FeatsSum   float64 `json:"feats_sum_f64"`
	FeatsShape []int   `json:"feats_shape"`
	Label      *int
}

func TestReferenceDataSets(t *testing.T) {
	golden(t, func(t *testing.T, dir string) {
		var sets map[string]json.RawMessage
		goldentest.ReadJSON(t, filepath.Join(dir, "toy_expected", "datasets.json"), &sets)
		tensors := goldentest.Open(t, filepath.Join(dir, "toy_expected", "datasets.safetensors"))
		tok, err := token.Load(filepath.Join(dir, "tokenizer", "vocab.txt"))
		if err != nil {
			t.Fatal(err)
		}
		answers := map[*Task]*Answers{}
		for _, task := range []*Task{VQA, GQA} {
			if answers[task], err = LoadAnswers("data", task); err != nil {
				t.Fatal(err)
			}
		}
		for key, raw := range sets {
			if key == "tiny_with_3_images_counts" {
				continue
			}
			var want []goldenExample
			if err := json.Unmarshal(raw, &want); err != nil {
				t.Fatal(err)
			}
			s := setOf(t, key, Options{})
			if s.Len() != len(want) || len(want) == 0 {
				t.Fatalf("%s: %d examples, want %d", key, s.Len(), len(want))
			}
			for i, w := range want {
				e := &s.Examples[i]
				if e.ID != goldenID(w.QuestionID) || e.Text != w.Sent || w.Index != i {
					t.Errorf("%s %d: %s %q, want %v %q", key, i, e.ID, e.Text, w.QuestionID, w.Sent)
				}
				class := -1
				if w.Label != nil {
					class = *w.Label
				}
				if e.Class != class {
					t.Errorf("%s %d: class %d, want %d", key, i, e.Class, class)
				}
				b, err := s.Batch(context.Background(), tok, 20, []int{i})
				if err != nil {
					t.Fatal(err)
				}
				compareBatch(t, tensors, fmt.Sprintf("%s.%d", key, i), b, w)
				if a := answers[s.Task]; a != nil {
					compareTarget(t, tensors, fmt.Sprintf("%s.%d.target", key, i), a, e)
				}
			}
		}
	})
}

// goldenID is an id as JSON has it: a number in VQA.
func goldenID(id any) string {
	if n, ok := id.(float64); ok {
		return fmt.Sprintf("%.0f", n)
	}
	return id.(string)
}

func compareBatch(t *testing.T, tensors *goldentest.File, name string, b *lxmert.Batch, want goldenExample) {
	t.Helper()
	shape := want.FeatsShape
	if len(shape) == 2 {
		shape = append([]int{1}, shape...)
	}
	if !slices.Equal(b.Feats.Shape, shape) || len(b.IDs) != shape[0] {
		t.Errorf("%s: %d texts, features %v, want %v", name, len(b.IDs), b.Feats.Shape, shape)
	}
	sum := 0.0
	for _, v := range b.Feats.Data {
		sum += float64(v)
	}
	if math.Abs(sum-want.FeatsSum) > 1e-9*math.Abs(want.FeatsSum) {
		t.Errorf("%s: features sum to %v, want %v", name, sum, want.FeatsSum)
	}
	tensors.Compare(name+".boxes", b.Boxes.Data, goldentest.Tolerance{})
}

func compareTarget(t *testing.T, tensors *goldentest.File, name string, a *Answers, e *Example) {
	t.Helper()
	if got, has := e.Labels != nil, tensors.Has(name); got != has {
		t.Errorf("%s: there are labels: %v, want %v", name, got, has)
	}
	if !tensors.Has(name) {
		return
	}
	target := make([]float32, a.Len())
	target[0] = 5 // of the example before
	if err := a.Target(target, e, a.task == VQA); err != nil {
		t.Fatal(err)
	}
	tensors.Compare(name, target, goldentest.Tolerance{})
}

func TestReferenceCountsWithAFewImages(t *testing.T) {
	golden(t, func(t *testing.T, dir string) {
		var sets map[string]json.RawMessage
		goldentest.ReadJSON(t, filepath.Join(dir, "toy_expected", "datasets.json"), &sets)
		var counts map[string]int
		if err := json.Unmarshal(sets["tiny_with_3_images_counts"], &counts); err != nil || len(counts) == 0 {
			t.Fatal("no counts", err)
		}
		for key, want := range counts {
			// A limit means to leave questions out: strict, it is not an error.
			if s := setOf(t, key, Options{Limit: 3, Strict: true}); s.Len() != want {
				t.Errorf("%s: %d examples of 3 images per file, want %d", key, s.Len(), want)
			}
		}
	})
}

func TestReferenceLinesAtTheStart(t *testing.T) {
	runs := []struct {
		key         string
		task        *Task
		train, eval []string
	}{
		{"vqa.init_stdout", VQA, []string{"train", "nominival"}, []string{"minival"}},
		{"loadqa.vqa.stdout", VQA, []string{"train", "nominival"}, []string{"minival"}},
		{"loadqa.gqa.stdout", GQA, []string{"train", "valid"}, []string{"testdev"}},
		{"nlvr2.init_stdout", NLVR2, []string{"train"}, []string{"valid"}},
	}
	golden(t, func(t *testing.T, dir string) {
		var tasks map[string]any
		goldentest.ReadJSON(t, filepath.Join(dir, "toy_expected", "tasks.json"), &tasks)
		for _, run := range runs {
			want, _, found := strings.Cut(tasks[run.key].(string), "LXRT encoder")
			if !found {
				t.Fatalf("%s: %q", run.key, want)
			}
			var log bytes.Buffer
			var sources Sources
			for _, splits := range [][]string{run.train, run.eval} {
				_, err := Load(context.Background(), run.task, splits, Options{Log: &log, Open: openRows, Sources: &sources})
				if err != nil {
					t.Fatal(err)
				}
			}
			if err := sources.Close(); err != nil {
				t.Error(err)
			}
			if log.String() != want {
				t.Errorf("%s:\n%swant\n%s", run.key, log.String(), want)
			}
		}
	})
}

// The accuracy of predicting the argmax of each target: what the best possible model reaches.
func TestReferenceOracle(t *testing.T) {
	golden(t, func(t *testing.T, dir string) {
		var tasks map[string]any
		goldentest.ReadJSON(t, filepath.Join(dir, "toy_expected", "tasks.json"), &tasks)
		for key, task := range map[string]*Task{"vqa:minival": VQA, "gqa:testdev": GQA} {
			s := setOf(t, key, Options{})
			a, err := LoadAnswers("data", task)
			if err != nil {
				t.Fatal(err)
			}
			target, total := make([]float32, a.Len()), 0.0
			for i := range s.Examples {
				e := &s.Examples[i]
				if err := a.Target(target, e, task == VQA); err != nil {
					t.Fatal(err)
				}
				best := a.Answer(slices.Index(target, slices.Max(target)))
				if at := slices.IndexFunc(e.Labels, func(l Label) bool { return l.Answer == best }); at >= 0 {
					total += e.Labels[at].Score
				}
			}
			want := tasks[task.Name+".oracle"].(float64)
			if got := total / float64(s.Len()); math.Abs(got-want) > 1e-12 {
				t.Errorf("%s: %v, want %v", key, got, want)
			}
		}
	})
}

func TestReferenceAnswersConverted(t *testing.T) {
	golden(t, func(t *testing.T, dir string) {
		table, err := LoadQATable("data/lxmert/all_ans.json", nil)
		if err != nil {
			t.Fatal(err)
		}
		var cases []struct {
			In, Out string
			Used    bool
		}
		goldentest.ReadJSON(t, filepath.Join(dir, "toy_expected", "convert_ans.json"), &cases)
		if len(cases) == 0 {
			t.Fatal("no cases")
		}
		for _, c := range cases {
			got := Convert(c.In)
			if _, used := table.ID(got); got != c.Out || used != c.Used {
				t.Errorf("%q: %q, in the table: %v; want %q, %v", c.In, got, used, c.Out, c.Used)
			}
		}
	})
}

func TestReferenceAnswerTables(t *testing.T) {
	golden(t, func(t *testing.T, dir string) {
		var tables map[string][]string
		goldentest.ReadJSON(t, filepath.Join(dir, "toy_expected", "answer_tables.json"), &tables)
		for name, want := range tables {
			var sets []string
			if name != "all" {
				sets = strings.Split(strings.ToUpper(strings.ReplaceAll(name, "+", " + ")), "+")
			}
			table, err := LoadQATable("data/lxmert/all_ans.json", sets)
			if err != nil {
				t.Fatal(err)
			}
			if table.Len() != len(want) {
				t.Errorf("%s: %d answers, want %d", name, table.Len(), len(want))
				continue
			}
			for i, answer := range want {
				if id, ok := table.ID(answer); table.Answer(i) != answer || id != i || !ok {
					t.Errorf("%s: answer %d is %q, %q has %d, want %q", name, i, table.Answer(i), answer, id, answer)
				}
			}
		}
	})
}

// Pre-training's labels, converted to ids of the table.
func TestReferenceLabelsConverted(t *testing.T) {
	type item struct {
		UID   string
		Label map[string]float64 `json:"label_by_answer_id"`
	}
	golden(t, func(t *testing.T, dir string) {
		table, err := LoadQATable("data/lxmert/all_ans.json", nil)
		if err != nil {
			t.Fatal(err)
		}
		var want struct{ Train []item }
		goldentest.ReadJSON(t, filepath.Join(dir, "toy_expected", "pretrain_data.json"), &want)
		labels := map[string]map[string]float64{}
		for _, x := range want.Train {
			labels[x.UID] = x.Label
		}
		compared := 0
		for _, source := range []string{"mscoco_train", "mscoco_nominival", "vgnococo"} {
			compared += compareLabels(t, filepath.Join("data", "lxmert", source+".json"), table, labels)
		}
		if compared == 0 {
			t.Error("no labels were compared")
		}
	})
}

// compareLabels converts the labels of a pre-training file, and returns how many are among those wanted.
func compareLabels(t *testing.T, path string, table *QATable, want map[string]map[string]float64) int {
	t.Helper()
	f, err := os.Open(path)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	n := 0
	q, d := newReader(VQA), newDecoder(f, path, "record")
	err = d.list("the file", func(int) error {
		image, byName := "", map[string][][]Label{}
		err := d.object("the record", func(key []byte) (err error) {
			switch string(key) {
			case "img_id":
				image, err = q.repeated(d, "img_id")
				return err
			case "labelf":
				return d.object("labelf", func(key []byte) error {
					name := string(key)
					return d.list("the labels", func(int) error {
						l, err := q.labelsOf(d)
						byName[name] = append(byName[name], l)
						return err
					})
				})
			}
			return d.skip()
		})
		for name, all := range byName {
			for i, labels := range all {
				uid := fmt.Sprintf("%s_%s_%03d", image, name, i)
				want, ok := want[uid]
				if !ok {
					continue
				}
				n++
				got := map[string]float64{}
				for _, l := range table.Labels(labels) {
					id, _ := table.ID(l.Answer)
					got[fmt.Sprint(id)] = l.Score
				}
				if fmt.Sprint(got) != fmt.Sprint(want) {
					t.Errorf("%s: %v, want %v", uid, got, want)
				}
			}
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return n
}
