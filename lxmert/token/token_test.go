package token

import (
	"errors"
	"slices"
	"strings"
	"testing"
	"unicode/utf8"
)

const someVocabulary = "[PAD]\n[UNK]\n[CLS]\n[SEP]\n[MASK]\nred\ncat\n##s\n##é\ncafe\n'\ndon\nt\n.\nhan\n##d\ni\n\u1112\n##\u1161\n##\u11ab\n中\nα\n##σ\n##ς\n"

func newTokenizer(t testing.TB, opts ...Options) *WordPiece {
	t.Helper()
	w, err := New(strings.NewReader(someVocabulary), opts...)
	if err != nil {
		t.Fatal(err)
	}
	return w
}

// checkPlaces checks what holds for the places of any sentence: they lie in it, never run backwards, cover something, cut
// no character in two, and their words count up from 0.
func checkPlaces(t testing.TB, w *WordPiece, sentence string, e Encoding) {
	t.Helper()
	x := e.Words
	n := len(e.IDs)
	if len(e.Segments) != n || len(e.Mask) != n || len(x.Pieces) != n || len(x.Start) != n || len(x.End) != n || len(x.Word) != n || x.Text != sentence {
		t.Fatalf("%+q: lengths differ: %+v", sentence, e)
	}
	words := w.Basic(sentence)
	last, lastWord := 0, -1
	for i := range n {
		if x.Pieces[i] != w.Piece(e.IDs[i]) {
			t.Errorf("%+q: position %d is called %q and is %q", sentence, i, x.Pieces[i], w.Piece(e.IDs[i]))
		}
		if x.Word[i] < 0 {
			if x.Start[i] != -1 || x.End[i] != -1 {
				t.Errorf("%+q: position %d has a place but no word", sentence, i)
			}
			continue
		}
		if x.Pieces[i] == "" {
			t.Errorf("%+q: position %d is empty", sentence, i)
		}
		start, end := x.Start[i], x.End[i]
		if start < 0 || end <= start || end > len(sentence) || start < last || end < last {
			t.Fatalf("%+q: position %d has bytes %d to %d after %d", sentence, i, start, end, last)
		}
		if utf8.ValidString(sentence) && !utf8.ValidString(sentence[start:end]) {
			t.Errorf("%+q: position %d cuts a character: %q", sentence, i, sentence[start:end])
		}
		if x.Word[i] != lastWord && x.Word[i] != lastWord+1 || x.Word[i] >= len(words) {
			t.Errorf("%+q: position %d is of word %d after %d, of %d", sentence, i, x.Word[i], lastWord, len(words))
		}
		last, lastWord = start, x.Word[i]
	}
}

func TestPlacesPointIntoTheSentence(t *testing.T) {
	w := newTokenizer(t)
	for _, c := range []struct {
		text  string
		parts []string // the bytes of each piece
		words []int
	}{
		{"red cats.", []string{"red", "cat", "s", "."}, []int{0, 1, 1, 2}},
		{"  RED\tCat", []string{"RED", "Cat"}, []int{0, 1}},
		{"Café cafe\u0301 x", []string{"Café", "cafe\u0301", "x"}, []int{0, 1, 2}},
		{"c\u00adat\u200bs\u200b.", []string{"c\u00adat", "s", "."}, []int{0, 0, 1}},
		{"\x00red\x07", []string{"red"}, []int{0}},
		{"한 ", []string{"한", "한", "한"}, []int{0, 0, 0}},
		{"red中cat", []string{"red", "中", "cat"}, []int{0, 1, 2}},
		{"don't", []string{"don", "'", "t"}, []int{0, 1, 2}},
		{"zebra İ", []string{"zebra", "İ"}, []int{0, 1}},
		{"[MASK] [mask]", []string{"[MASK]", "[", "mask", "]"}, []int{0, 1, 2, 3}},
		{"ΑΣ ασσ", []string{"Α", "Σ", "α", "σ", "σ"}, []int{0, 0, 1, 1, 1}},
		{"red\xffs", []string{"red", "s"}, []int{0, 0}},
		{"a\U0001D165\U0001D16D\U0001D165b", []string{"a\U0001D165\U0001D16D\U0001D165b"}, []int{0}},
		{"", nil, nil},
	} {
		e, err := w.Encode(c.text, 0)
		if err != nil {
			t.Fatal(err)
		}
		checkPlaces(t, w, c.text, e)
		n := len(e.IDs) - 1
		var parts []string
		for i := 1; i < n; i++ {
			parts = append(parts, c.text[e.Words.Start[i]:e.Words.End[i]])
		}
		if !slices.Equal(parts, c.parts) || !slices.Equal(e.Words.Word[1:n], c.words) {
			t.Errorf("%+q: pieces %q of words %v, want %q, %v", c.text, parts, e.Words.Word[1:n], c.parts, c.words)
		}
	}
}

func TestLongSentencesAreCutAndShortOnesPadded(t *testing.T) {
	w := newTokenizer(t)
	e, err := w.Encode("red cats red", 4)
	if err != nil || !slices.Equal(e.Words.Pieces, []string{"[CLS]", "red", "cat", "[SEP]"}) || !slices.Equal(e.Mask, []float32{1, 1, 1, 1}) {
		t.Errorf("%+v, %v", e, err)
	}
	e, err = w.Encode("red", 5)
	if err != nil || !slices.Equal(e.Words.Pieces, []string{"[CLS]", "red", "[SEP]", "[PAD]", "[PAD]"}) || !slices.Equal(e.Mask, []float32{1, 1, 1, 0, 0}) {
		t.Errorf("%+v, %v", e, err)
	}
	if e, err := w.Encode("red", 2); err != nil || len(e.IDs) != 2 {
		t.Errorf("%+v, %v", e, err)
	}
	for _, length := range []int{-1, 1} {
		if _, err := w.Encode("red", length); err == nil {
			t.Errorf("a length of %d is taken", length)
		}
	}
}

func TestWordsOverAHundredCharactersAreUnknown(t *testing.T) {
	w := newTokenizer(t)
	for _, c := range []struct {
		text   string
		pieces int
	}{{"cat" + strings.Repeat("s", 97), 98}, {"cat" + strings.Repeat("s", 98), 1}, {"café" + strings.Repeat("\u0301", 300), 1}} {
		if got := w.Tokenize(c.text); len(got) != c.pieces || c.pieces == 1 && len(got[0]) == 0 {
			t.Errorf("%d pieces, want %d", len(got), c.pieces)
		}
	}
}

func TestNewerCharactersAreDeletedUnlessAskedFor(t *testing.T) {
	const text = "red\U0001FAE8cat" // a face of Unicode 15
	if got := newTokenizer(t).Basic(text); !slices.Equal(got, []string{"redcat"}) {
		t.Errorf("pinned: %q", got)
	}
	if got := newTokenizer(t, Options{LatestUnicode: true}).Basic(text); !slices.Equal(got, []string{text}) {
		t.Errorf("latest: %q", got)
	}
}

func TestVocabularyErrors(t *testing.T) {
	for text, want := range map[string]string{
		"":                           "empty",
		"[PAD]\n\xff\xfe\n":          "line 2 is not UTF-8",
		"[PAD]\n[UNK]\n[CLS]\nred\n": "[SEP] or [MASK]",
		"<!DOCTYPE html>\n<html>":    "a web page, not a text file with one piece per line",
		"{\n  \"version\": \"1.0\"":  "a JSON file, not a text file",
	} {
		w, err := New(strings.NewReader(text))
		if err == nil {
			_, err = w.SpecialIDs()
			if _, encErr := w.Encode("red", 20); !errors.Is(encErr, ErrVocabulary) {
				t.Errorf("%q encodes: %v", text, encErr)
			}
		}
		if !errors.Is(err, ErrVocabulary) || !strings.Contains(err.Error(), want) {
			t.Errorf("%q: error %v, want one with %q", text, err, want)
		}
	}
	if _, err := Load("no/such/vocab.txt"); err == nil || !strings.Contains(err.Error(), "no/such/vocab.txt") {
		t.Errorf("missing file: %v", err)
	}
	w := newTokenizer(t)
	if w.Piece(-1) != "" || w.Piece(int32(w.Size())) != "" {
		t.Error("ids outside the vocabulary have pieces")
	}
	if s, err := w.SpecialIDs(); err != nil || s.Unk != 1 || s.Mask != 4 {
		t.Errorf("%+v, %v", s, err)
	}
	bare, err := New(strings.NewReader("red\n"))
	if got := bare.Tokenize("red blue"); err != nil || !slices.Equal(got, []string{"red", "[UNK]"}) {
		t.Errorf("without specials: %q, %v", got, err)
	}
}

func FuzzTokenize(f *testing.F) {
	for _, s := range []string{"What color is the dog?", "na\u00efve cafe\u0301", "\u1112\u1161 한국", "ΑΣ.ΑΣ", "[CLS] [MASK]x", "a\x00\xff\u200b中b", "İ\u2028\U0001D16D\U0001D165"} {
		f.Add(s)
	}
	tokenizers := []*WordPiece{newTokenizer(f), newTokenizer(f, Options{Cased: true}), newTokenizer(f, Options{LatestUnicode: true})}
	f.Fuzz(func(t *testing.T, text string) {
		for _, w := range tokenizers {
			whole, err := w.Encode(text, 0)
			if err != nil {
				t.Fatal(err)
			}
			checkPlaces(t, w, text, whole)
			if got := w.Tokenize(text); !slices.Equal(got, whole.Words.Pieces[1:len(whole.IDs)-1]) {
				t.Errorf("%+q: Tokenize gives %q, Encode %q", text, got, whole.Words.Pieces)
			}
			short, err := w.Encode(text, 6)
			if err != nil {
				t.Fatal(err)
			}
			checkPlaces(t, w, text, short)
			if n := min(5, len(whole.IDs)-1); !slices.Equal(short.IDs[:n], whole.IDs[:n]) {
				t.Errorf("%+q: cut short it begins differently", text)
			}
			words := w.Basic(text)
			if again := w.Basic(strings.Join(words, " ")); w.options.Cased && !slices.Equal(again, words) {
				t.Errorf("%+q: words %+q, again %+q", text, words, again)
			}
			if padded := w.Basic("\t" + text + " \n"); !slices.Equal(padded, words) {
				t.Errorf("%+q: white space around it changes the words", text)
			}
		}
	})
}

func BenchmarkEncode(b *testing.B) {
	w, err := New(strings.NewReader(someVocabulary + "what\nis\nleft\nof\nthe\nhand\n?\nquel\nest\na\ngauche\nde\nla\ntete\n"))
	if err != nil {
		b.Fatal(err)
	}
	for name, text := range map[string]string{"ASCII": "What red cat is left of the hand?", "accents": "Quel café est à gauche de la tête?"} {
		b.Run(name, func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				if _, err := w.Encode(text, 20); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}
