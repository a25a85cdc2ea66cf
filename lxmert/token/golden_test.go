package token

import (
	"crypto/sha256"
	"fmt"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/seed-516990b0/golxmert/internal/goldentest"
)

// goldenCase is a sentence and what the original tokenizer makes of it.
type goldenCase struct {
	Text       string
	Basic      []string
	BasicCased []string `json:"basic_cased"`
	Tokens     []string
	IDs        []int32
	Features20 struct {
		InputIDs   []int32   `json:"input_ids"`
		InputMask  []float32 `json:"input_mask"`
		SegmentIDs []int32   `json:"segment_ids"`
	}
}

func TestReferenceSentences(t *testing.T) {
	for _, dir := range goldentest.Folders(t, "model") {
		t.Run(filepath.Base(dir), func(t *testing.T) {
			dir := filepath.Join(dir, "tokenizer")
			lower, err := Load(filepath.Join(dir, "vocab.txt"))
			if err != nil {
				t.Fatal(err)
			}
			cased, err := Load(filepath.Join(dir, "vocab.txt"), Options{Cased: true})
			if err != nil {
				t.Fatal(err)
			}
			var golden struct {
				MaxSeqLength int `json:"max_seq_length"`
				Cases        []goldenCase
			}
			goldentest.ReadJSON(t, filepath.Join(dir, "cases.json"), &golden)
			if len(golden.Cases) == 0 {
				t.Fatal("no cases")
			}
			for _, c := range golden.Cases {
				if got := lower.Basic(c.Text); !slices.Equal(got, c.Basic) {
					t.Errorf("%+q: words %+q, want %+q", c.Text, got, c.Basic)
				}
				if got := cased.Basic(c.Text); !slices.Equal(got, c.BasicCased) {
					t.Errorf("%+q: cased words %+q, want %+q", c.Text, got, c.BasicCased)
				}
				if got := lower.Tokenize(c.Text); !slices.Equal(got, c.Tokens) {
					t.Errorf("%+q: pieces %+q, want %+q", c.Text, got, c.Tokens)
				}
				var ids []int32
				for _, p := range c.Tokens {
					id, ok := lower.ID(p)
					if !ok || lower.Piece(id) != p {
						t.Errorf("%q has id %d, which is %q", p, id, lower.Piece(id))
					}
					ids = append(ids, id)
				}
				if !slices.Equal(ids, c.IDs) {
					t.Errorf("%+q: ids %v, want %v", c.Text, ids, c.IDs)
				}
				e, err := lower.Encode(c.Text, golden.MaxSeqLength)
				if err != nil {
					t.Fatal(err)
				}
				f := c.Features20
				if !slices.Equal(e.IDs, f.InputIDs) || !slices.Equal(e.Mask, f.InputMask) || !slices.Equal(e.Segments, f.SegmentIDs) {
					t.Errorf("%+q: input %v %v %v, want %v", c.Text, e.IDs, e.Mask, e.Segments, f)
				}
				checkPlaces(t, lower, c.Text, e)
			}
		})
	}
}

func TestReferenceReadsOddVocabulary(t *testing.T) {
	for _, dir := range goldentest.Folders(t, "model") {
		t.Run(filepath.Base(dir), func(t *testing.T) {
			dir := filepath.Join(dir, "tokenizer")
			w, err := Load(filepath.Join(dir, "vocab_odd.txt"))
			if err != nil {
				t.Fatal(err)
			}
			var want [][2]any
			goldentest.ReadJSON(t, filepath.Join(dir, "vocab_odd_expected.json"), &want)
			if len(w.ids) != len(want) {
				t.Errorf("%d pieces, want %d: %q", len(w.ids), len(want), w.ids)
			}
			for _, entry := range want {
				if id, ok := w.ID(entry[0].(string)); !ok || id != int32(entry[1].(float64)) {
					t.Errorf("%q has id %d (%v), want %v", entry[0], id, ok, entry[1])
				}
			}
		})
	}
}

// Each character in four surroundings, cut by Python 3.11 (Unicode 14) following the reference's rules: words joined with
// U+001F and ended by U+001E, first in lower case, then cased, for the planes that have characters.
func TestEveryCharacterIsReadAsPythonReadsIt(t *testing.T) {
	const want = "7359641611658acd2cf2ee41d2a0110f63db23301cc261b2112549c1836e233e"
	lower, cased := &WordPiece{}, &WordPiece{options: Options{Cased: true}}
	digest := sha256.New()
	for _, r := range [][2]rune{{0, 0xd7ff}, {0xe000, 0x3ffff}, {0xe0000, 0xe0fff}} {
		for c := r[0]; c <= r[1]; c++ {
			s := string(c)
			text := "A" + s + "B A" + s + "Σ AΣ" + s + " \u0301" + s + "\u0323"
			for _, w := range []*WordPiece{lower, cased} {
				digest.Write([]byte(strings.Join(w.Basic(text), "\x1f") + "\x1e"))
			}
		}
	}
	if got := fmt.Sprintf("%x", digest.Sum(nil)); got != want {
		t.Errorf("digest %s, want %s", got, want)
	}
}
