package dataset

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"math"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/seed-516990b0/golxmert/internal/goldentest"
	"github.com/seed-516990b0/golxmert/lxmert/token"
)

// goldenCorpus is what the reference says about its pre-training data.
type goldenCorpus struct {
	Train []struct {
		UID, Sent string
		Image     string             `json:"img_id"`
		Answers   map[string]float64 `json:"label_by_answer_id"`
		IDs       []int32            `json:"input_ids"`
		Objects   []int32            `json:"obj_labels_first4"`
		Attrs     []int32            `json:"attr_labels_first4"`
	}
	Valid     []struct{ UID, Sent string }
	Evaluator struct {
		Pairs [][2]string
		Accu  float64
	}
	Masking []struct {
		Kind           string
		Rate           float64
		Tokens, Masked []string
		Labels         []int32
		FeatMask       []float32 `json:"feat_mask"`
		Action         []string
		Calls          [][]any
	} `json:"scripted_masking"`
	Stdout string
}

// eachCorpus runs a test for every golden folder, with its data, and its sentences to train on and to validate on.
func eachCorpus(t *testing.T, test func(t *testing.T, golden string, want goldenCorpus, train, valid *Corpus, log string)) {
	for _, golden := range goldentest.Folders(t, "model") {
		t.Run(filepath.Base(golden), func(t *testing.T) {
			text, err := os.ReadFile(filepath.Join(golden, "toy_expected", "pretrain_data.json"))
			if err != nil {
				t.Fatal(err)
			}
			var want goldenCorpus
			if err := json.Unmarshal(text, &want); err != nil {
				t.Fatal(err)
			}
			data := t.TempDir()
			if err := os.CopyFS(data, os.DirFS(filepath.Join(golden, "toy", "data"))); err != nil {
				t.Fatal(err)
			}
			var log bytes.Buffer
			load := func(limit int, sources ...string) *Corpus {
				answers, err := LoadQATable(AnswerTable(data), nil)
				if err != nil {
					t.Fatal(err)
				}
				c, err := LoadCorpus(t.Context(), sources, answers, Options{Root: data, Limit: limit, Log: &log})
				if err != nil {
					t.Fatal(err)
				}
				t.Cleanup(func() { c.Close() })
				return c
			}
			train, valid := load(0, "mscoco_train", "mscoco_nominival", "vgnococo"), load(5000, "mscoco_minival")
			test(t, golden, want, train, valid, strings.ReplaceAll(log.String(), data, "data"))
		})
	}
}

func goldenPieces(t *testing.T, golden string) *token.WordPiece {
	t.Helper()
	tok, err := token.Load(filepath.Join(golden, "tokenizer", "vocab.txt"))
	if err != nil {
		t.Fatal(err)
	}
	return tok
}

func TestCorpusEqualsReference(t *testing.T) {
	eachCorpus(t, func(t *testing.T, golden string, want goldenCorpus, train, valid *Corpus, log string) {
		if log != want.Stdout {
			t.Errorf("printed\n%s, the reference\n%s", log, want.Stdout)
		}
		if train.Len() != len(want.Train) || valid.Len() != len(want.Valid) {
			t.Fatalf("%d and %d sentences, want %d and %d", train.Len(), valid.Len(), len(want.Train), len(want.Valid))
		}
		for i, w := range want.Valid {
			if valid.UID(i) != w.UID || valid.Text(i) != w.Sent {
				t.Errorf("valid %d is %s %q, want %s %q", i, valid.UID(i), valid.Text(i), w.UID, w.Sent)
			}
		}
		tok := goldenPieces(t, golden)
		for i, w := range want.Train {
			e, err := train.Mask(t.Context(), never{}, tok, 20, i, Masking{From: train})
			if err != nil {
				t.Fatal(err)
			}
			if train.UID(i) != w.UID || train.Image(i) != w.Image || train.Text(i) != w.Sent || !e.Matched {
				t.Errorf("%d is %s %q, want %s %q", i, train.UID(i), train.Text(i), w.UID, w.Sent)
			}
			padded := append(slices.Clone(e.IDs), make([]int32, 20-len(e.IDs))...)
			if !slices.Equal(padded, w.IDs) || !slices.Equal(e.Regions.ObjectIDs[:4], w.Objects) || !slices.Equal(e.Regions.AttrIDs[:4], w.Attrs) {
				t.Errorf("%s: pieces %v, objects %v, attributes %v", w.UID, padded, e.Regions.ObjectIDs[:4], e.Regions.AttrIDs[:4])
			}
			var got map[string]float64
			if labels := train.Labels(i); labels != nil {
				got = map[string]float64{}
				for _, a := range labels {
					got[fmt.Sprint(a.ID)], _ = strconv.ParseFloat(fmt.Sprint(a.Score), 64)
				}
			}
			if !maps.Equal(got, w.Answers) || (got == nil) != (w.Answers == nil) {
				t.Errorf("%s: answers %v, want %v", w.UID, got, w.Answers)
			}
		}
		byUID := map[string]int{}
		for i := range valid.Len() {
			byUID[valid.UID(i)] = i
		}
		right, all := 0.0, 0
		for _, p := range want.Evaluator.Pairs {
			id, _ := valid.Answers.ID(p[1])
			if score, labelled := valid.Score(byUID[p[0]], int32(id)); labelled {
				right, all = right+score, all+1
			}
		}
		if math.Abs(right/float64(all)-want.Evaluator.Accu) > 1e-6 {
			t.Errorf("accuracy %g of %d, want %g", right/float64(all), all, want.Evaluator.Accu)
		}
	})
}

// never draws what hides nothing.
type never struct{}

func (never) Float64() float64 { return 0.999 }
func (never) IntN(int) int     { return 0 }

// script gives the draws that the reference was given, and says where others are asked for.
type script struct {
	t     *testing.T
	calls [][]any
}

func (s *script) next(kind string) []any {
	if len(s.calls) == 0 {
		s.t.Fatalf("a draw more than in the reference: %s", kind)
	}
	c := s.calls[0]
	s.calls = s.calls[1:]
	return c
}

func (s *script) Float64() float64 {
	c := s.next("random")
	if c[0] != "random" {
		s.t.Fatalf("a draw from 0 to 1 where the reference has %v", c)
	}
	return c[1].(float64)
}

func (s *script) IntN(n int) int {
	c := s.next("integer")
	switch c[0] {
	case "choice":
		if n != int(c[2].(float64)) {
			s.t.Fatalf("a draw of one of %d where the reference has %v", n, c)
		}
		return int(c[1].(float64))
	case "randint":
		if n != int(c[2].(float64))+1 {
			s.t.Fatalf("a draw of one of %d where the reference has %v", n, c)
		}
		return int(c[3].(float64))
	}
	s.t.Fatalf("an integer where the reference has %v", c)
	return 0
}

func TestScriptedMaskingEqualsReference(t *testing.T) {
	eachCorpus(t, func(t *testing.T, golden string, want goldenCorpus, train, _ *Corpus, _ string) {
		tok := goldenPieces(t, golden)
		for n, w := range want.Masking {
			s := &script{t, w.Calls}
			switch w.Kind {
			case "word":
				ids := make([]int32, len(w.Tokens))
				for i, p := range w.Tokens {
					ids[i], _ = tok.ID(p)
				}
				special, _ := tok.SpecialIDs()
				labels := maskWords(s, ids, w.Rate, tok.Size(), special.Mask)
				var masked []string
				for _, id := range ids {
					masked = append(masked, tok.Piece(id))
				}
				if !slices.Equal(labels, w.Labels) || !slices.Equal(masked, w.Masked) {
					t.Errorf("%d: %v with labels %v, want %v with %v", n, masked, labels, w.Masked, w.Labels)
				}
			case "feat":
				features := make([]float32, len(w.Action)) // one of each, a number that no other region has
				for i := range features {
					features[i] = -1 - float32(i)
				}
				asked, err := maskRegions(s, features, len(features), 1, w.Rate, func() ([]float32, error) {
					f, err := train.anyRegion(context.Background(), s)
					if err != nil {
						return nil, err
					}
					return []float32{1 + max(f[0], 0)}, nil
				})
				if err != nil {
					t.Fatal(err)
				}
				for i, action := range w.Action {
					got := "random"
					switch features[i] {
					case 0:
						got = "zero"
					case -1 - float32(i):
						got = "keep"
					}
					if got != action || asked[i] != (w.FeatMask[i] == 1) {
						t.Errorf("%d, region %d: %s, asked for: %v, want %s, %v", n, i, got, asked[i], action, w.FeatMask[i])
					}
				}
			default:
				t.Fatalf("an unknown kind %q", w.Kind)
			}
			if len(s.calls) > 0 {
				t.Errorf("%d: %d draws are left", n, len(s.calls))
			}
		}
	})
}

// TestWhatIsHiddenFollowsTheRates compares frequencies with the rates that they are drawn at; bounds are six standard
// deviations of as many independent draws.
func TestWhatIsHiddenFollowsTheRates(t *testing.T) {
	near := func(t *testing.T, what string, count, n int, p float64) {
		t.Helper()
		if d := float64(count) - p*float64(n); math.Abs(d) > 6*math.Sqrt(float64(n)*p*(1-p)) {
			t.Errorf("%s: %d of %d, expected a share of %g", what, count, n, p)
		}
	}
	const n, rate = 200_000, 0.15
	rng := ExampleDraws(7, 3, 1)
	count := map[hiding]int{}
	for range n {
		count[hide(rng, rate)]++
	}
	near(t, "erased", count[erased], n, rate*0.8)
	near(t, "replaced", count[replaced], n, rate*0.1)
	near(t, "kept", count[kept], n, rate*0.1)
	answers := []AnswerScore{{1, 0.3}, {2, 0.9}}
	second := 0
	for range n {
		if drawAnswer(rng, answers) == 2 {
			second++
		}
	}
	near(t, "the second of two answers", second, n, 0.75)

	eachCorpus(t, func(t *testing.T, golden string, _ goldenCorpus, train, _ *Corpus, _ string) {
		tok := goldenPieces(t, golden)
		swapped, all := 0, 0
		for epoch := range 40 {
			for i := range train.Len() {
				e, err := train.Mask(t.Context(), ExampleDraws(1, epoch, i), tok, 20, i, Masking{Words: rate, Regions: rate, Swap: true, From: train})
				if err != nil {
					t.Fatal(err)
				}
				all++
				if !e.Matched {
					swapped++
					if e.Answer != -1 {
						t.Fatalf("%s: a swapped sentence is asked for its answer", train.UID(i))
					}
				}
				if e.Words[0] != -1 || e.Words[len(e.Words)-1] != -1 {
					t.Fatal("[CLS] or [SEP] are hidden")
				}
			}
		}
		near(t, "swapped", swapped, all, 0.5)
	})
}

func TestCorpusFaultsAreNamed(t *testing.T) {
	for text, want := range map[string]string{
		`[{"sentf": {"a": ["x"]}}]`: "there is no img_id",
		`[{"img_id": "1"}]`:         "there is no sentf",
		`[{"img_id": "1", "sentf": {"vqa": ["x"]}, "labelf": {"vqa": []}}]`:          `"vqa" has 1 sentences and 0 labels`,
		`[{"img_id": "1", "sentf": {}, "labelf": {"vqa": []}}]`:                      `labelf has "vqa", sentf has not`,
		`[{"img_id": "1", "sentf": {"vqa": ["x"]}, "labelf": {"vqa": [{"a": -1}]}}]`: "must be 0 or more",
		`{"img_id": "1"}`:  "must be a list",
		`[{"img_id": "1",`: "cut short",
	} {
		answers := &QATable{ids: map[string]int{}}
		r := newCorpusReader(&Corpus{Answers: answers})
		err := r.read(t.Context(), newDecoder(strings.NewReader(text), "x.json", "record"))
		if !errors.Is(err, ErrFormat) || !strings.Contains(err.Error(), want) || !strings.Contains(err.Error(), "x.json:1") {
			t.Errorf("%s: %v, want %q", text, err, want)
		}
	}
}

// TestASourceHasRegionsOfItsOwnOrOfASplit: without a feature file beside its sentences, a source is about the pictures of the
// split of its name.
func TestASourceHasRegionsOfItsOwnOrOfASplit(t *testing.T) {
	root := t.TempDir()
	if got := featuresOf(root, "mscoco_minival"); got != "mscoco_imgfeat/val2014" {
		t.Errorf("a published source has %s", got)
	}
	if got := featuresOf(root, "mine"); got != "lxmert/mine" {
		t.Errorf("without a file, %s is looked for", got)
	}
	for _, c := range []struct{ file, want string }{
		{"mscoco_imgfeat/mine_obj36.store", "mscoco_imgfeat/mine"}, {"mscoco_imgfeat/mine_obj36.tsv", "mscoco_imgfeat/mine"}, {"lxmert/mine_obj36.tsv", "lxmert/mine"},
	} {
		path := filepath.Join(root, filepath.FromSlash(c.file))
		if err := errors.Join(os.MkdirAll(filepath.Dir(path), 0o777), os.WriteFile(path, nil, 0o666)); err != nil {
			t.Fatal(err)
		}
		if got := featuresOf(root, "mine"); got != c.want {
			t.Errorf("with %s, %s is taken", c.file, got)
		}
	}
}
