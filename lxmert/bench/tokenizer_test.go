package bench

import (
	"context"
	"encoding/binary"
	"encoding/json"
	"errors"
	"io"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/seed-516990b0/golxmert/internal/goldentest"
	"github.com/seed-516990b0/golxmert/lxmert/internal/process"
	"github.com/seed-516990b0/golxmert/lxmert/token"
)

func tinyTokenizer(t *testing.T) TokenizerOptions {
	t.Helper()
	return TokenizerOptions{Runs: tinyRuns(t), Sentences: 400}
}

func tokenizerReport(t *testing.T, o TokenizerOptions) *TokenizerReport {
	t.Helper()
	r, err := Tokenizer(context.Background(), o)
	if err != nil {
		t.Fatal(err)
	}
	s := r.Ours
	if !(s.BestMS > 0) || s.MedianMS < s.BestMS || !(s.SentencesPerS > 0) || !(s.LoadS > 0) || s.Runs != o.Repeat*s.Processes {
		t.Errorf("side %+v", s)
	}
	left, err := os.ReadDir(os.TempDir())
	if err != nil || len(left) > 0 {
		t.Errorf("left behind: %v %v", left, err)
	}
	return r
}

func TestTokenizerMeasuresOursAlone(t *testing.T) {
	o := tinyTokenizer(t)
	o.Rounds = 2
	r := tokenizerReport(t, o)
	if r.Ours.Processes != 2 || r.Python != nil || r.Versus != nil || r.Vocabulary != "made up" || r.Pieces != 30522 || r.Length != 20 {
		t.Errorf("report %+v", r)
	}
}

func TestTokenizerGivesPythonsIDs(t *testing.T) {
	o := tinyTokenizer(t)
	o.Peer, o.Rounds, o.Sentences = goldentest.Python(t), 1, 3000
	r := tokenizerReport(t, o)
	if r.Python == nil || !strings.HasPrefix(r.Python.Engine, "Python 3") || !(r.Versus.Best > 0) || !(r.Versus.Median > 0) || !(r.Versus.Load > 0) {
		t.Errorf("report %+v", r)
	}
}

func TestTokenizerTakesAVocabulary(t *testing.T) {
	o := tinyTokenizer(t)
	o.Vocab = filepath.Join(t.TempDir(), "words.txt")
	if err := os.WriteFile(o.Vocab, []byte("[CLS]\n[SEP]\n[MASK]\n[UNK]\n[PAD]\nthe\nwhat\n##s\n?\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	o.Peer, o.Rounds, o.Length = goldentest.Python(t), 1, 7
	if r := tokenizerReport(t, o); r.Vocabulary != "words.txt" || r.Pieces != 9 {
		t.Errorf("report %+v", r)
	}
}

// TestPythonPeerTokenizesAsTheReference: the peer, too, is held against the original's ids.
func TestPythonPeerTokenizesAsTheReference(t *testing.T) {
	python := goldentest.Python(t)
	version, err := exec.Command(python, "-c", "import unicodedata; print(unicodedata.unidata_version)").Output()
	if err != nil || !strings.HasPrefix(string(version), "14.") {
		t.Skipf("the golden ids are those of Unicode 14, this Python has %s", version)
	}
	for _, dir := range goldentest.Folders(t, "model") {
		raw, err := os.ReadFile(filepath.Join(dir, "tokenizer", "cases.json"))
		if err != nil {
			t.Fatal(err)
		}
		var golden struct {
			MaxSeqLength int `json:"max_seq_length"`
			Cases        []struct {
				Text       string
				Features20 struct {
					InputIDs []int32 `json:"input_ids"`
				}
			}
		}
		if err := json.Unmarshal(raw, &golden); err != nil {
			t.Fatal(err)
		}
		tok := &tokenizer{dir: t.TempDir(), vocab: filepath.Join(dir, "tokenizer", "vocab.txt")}
		var want []byte
		for _, c := range golden.Cases {
			if !strings.ContainsAny(c.Text, "\n") { // which the file of sentences cannot hold
				tok.text = append(tok.text, c.Text)
				for _, id := range c.Features20.InputIDs {
					want = binary.LittleEndian.AppendUint32(want, uint32(id))
				}
			}
		}
		tok.Sentences, tok.Length, tok.Repeat, tok.Log = len(tok.text), golden.MaxSeqLength, 1, io.Discard
		if tok.Sentences == 0 {
			t.Fatalf("%s has no cases", dir)
		}
		ours, theirs := filepath.Join(tok.dir, "want.ids"), filepath.Join(tok.dir, "theirs.ids")
		for path, content := range map[string]string{ours: string(want), tok.sentences(): strings.Join(tok.text, "\n")} {
			if err := os.WriteFile(path, []byte(content), 0o600); err != nil {
				t.Fatal(err)
			}
		}
		var about struct{}
		p, err := findPeer(context.Background(), python, tok.dir, process.Script{File: "tokenizer_peer.py", Source: tokenizerPeer}, &about)
		if err != nil {
			t.Fatal(err)
		}
		tok.peer = &p
		if err := tok.run(context.Background(), tok.python(theirs), 0, &tok.theirs); err != nil {
			t.Fatal(err)
		}
		if err := tok.compareIDs(ours, theirs); err != nil {
			t.Errorf("%s: %v", dir, err)
		}
	}
}

func TestTokenizerComparesNothingIfIDsDiffer(t *testing.T) {
	o := tinyTokenizer(t)
	tok := &tokenizer{TokenizerOptions: o.withDefaults(), dir: t.TempDir(), text: []string{"one", "two"}}
	tok.Sentences, tok.Length = 2, 3
	write := func(name string, ids ...byte) string {
		path := filepath.Join(tok.dir, name)
		var raw []byte
		for _, id := range ids {
			raw = append(raw, id, 0, 0, 0)
		}
		if err := os.WriteFile(path, raw, 0o600); err != nil {
			t.Fatal(err)
		}
		return path
	}
	ours := write("ours", 1, 2, 3, 4, 5, 6)
	if err := tok.compareIDs(ours, write("same", 1, 2, 3, 4, 5, 6)); err != nil {
		t.Error(err)
	}
	for name, c := range map[string]struct {
		ids  []byte
		want string
	}{
		"other": {[]byte{1, 2, 3, 4, 9, 6}, `different ids to sentence 2, "two": [4 5 6] and [4 9 6]`},
		"short": {[]byte{1, 2, 3}, "has 12 bytes of ids, expected 24"},
	} {
		if err := tok.compareIDs(ours, write(name, c.ids...)); err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s: error %v, want %q", name, err, c.want)
		}
	}
}

func TestTokenizerRefusesWhatItCannotMeasure(t *testing.T) {
	for _, c := range []struct {
		name    string
		change  func(*TokenizerOptions)
		options bool
		want    string
	}{
		{"negative sentences", func(o *TokenizerOptions) { o.Sentences = -1 }, true, "--sentences is -1"},
		{"one position", func(o *TokenizerOptions) { o.Length = 1 }, true, "[CLS] and [SEP] take two places"},
		{"no vocabulary", func(o *TokenizerOptions) { o.Vocab = "nothing_here" }, false, "nothing_here"},
		{"not a python", func(o *TokenizerOptions) { o.Peer = "true" }, false, "--peer true: it is not a Python 3"},
	} {
		t.Run(c.name, func(t *testing.T) {
			o := tinyTokenizer(t)
			c.change(&o)
			_, err := Tokenizer(context.Background(), o)
			if err == nil || !strings.Contains(err.Error(), c.want) || errors.Is(err, ErrOptions) != c.options || strings.Contains(err.Error(), "\n") {
				t.Errorf("error %v, want %q", err, c.want)
			}
		})
	}
}

// TestMadeUpVocabularyCoversMadeUpSentences: as BERT's covers English, with more pieces than words and few [UNK].
func TestMadeUpVocabularyCoversMadeUpSentences(t *testing.T) {
	random := rand.New(rand.NewPCG(seed, seed))
	w, err := token.New(strings.NewReader(string(makeVocabulary(random))))
	if err != nil {
		t.Fatal(err)
	}
	special, err := w.SpecialIDs()
	if err != nil || w.Size() != vocabularySize || special.Pad != 0 || special.Unk != 100 || special.Cls != 101 || special.Sep != 102 || special.Mask != 103 {
		t.Fatalf("%d pieces, special ones are %+v, %v", w.Size(), special, err)
	}
	words, pieces, unknown := 0, 0, 0
	for range 2000 {
		s := makeSentence(random)
		if !utf8.ValidString(s) || strings.ContainsAny(s, "\n\r") {
			t.Fatalf("sentence %q", s)
		}
		words += len(w.Basic(s))
		for _, p := range w.Tokenize(s) {
			pieces++
			if p == "[UNK]" {
				unknown++
			}
		}
	}
	if unknown == 0 || 50*unknown > words || pieces < words+words/10 || pieces > 2*words {
		t.Errorf("%d words are %d pieces, %d unknown", words, pieces, unknown)
	}
}
