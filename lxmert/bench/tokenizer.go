package bench

import (
	"context"
	_ "embed"
	"encoding/binary"
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/seed-516990b0/golxmert/internal/resident"
	"github.com/seed-516990b0/golxmert/lxmert/internal/process"
	"github.com/seed-516990b0/golxmert/lxmert/lxrt"
	"github.com/seed-516990b0/golxmert/lxmert/token"
)

//go:embed tokenizer_peer.py
var tokenizerPeer []byte

// TokenizerOptions are those of [Tokenizer]. The zero value of a field is its default.
type TokenizerOptions struct {
	Runs // Repeat: passes over all sentences per process; default 5

	Vocab     string // a vocabulary file, or a folder with vocab.txt; "": a made-up one of 30,522 pieces
	Sentences int    // that are made up; default 20,000
	Length    int    // positions that a sentence is cut or padded to; default 20
}

func (o TokenizerOptions) withDefaults() TokenizerOptions {
	o.Runs = o.Runs.withDefaults(5)
	set(&o.Sentences, 20000)
	set(&o.Length, 20)
	return o
}

// Tokenizer measures how many sentences a second become word pieces, in one thread, against the reference's way in plain
// Python. Both must give the same ids for every sentence. Errors that wrap [ErrOptions] are about the options.
func Tokenizer(ctx context.Context, o TokenizerOptions) (*TokenizerReport, error) {
	o = o.withDefaults()
	if err := o.Runs.check(number{"sentences", o.Sentences, 1 << 24}, number{"length", o.Length, maxOption}); err != nil {
		return nil, err
	}
	if o.Length < 2 {
		return nil, fmt.Errorf("%w: --length is %d, and [CLS] and [SEP] take two places", ErrOptions, o.Length)
	}
	dir, remove, err := temporary()
	if err != nil {
		return nil, err
	}
	defer remove()
	t := &tokenizer{TokenizerOptions: o, dir: dir}
	if o.Peer != "" {
		var about struct{}
		p, err := findPeer(ctx, o.Peer, dir, process.Script{File: "tokenizer_peer.py", Source: tokenizerPeer}, &about)
		if err != nil {
			return nil, err
		}
		t.peer = &p
	}
	if err := t.prepare(ctx); err != nil {
		return nil, err
	}
	for round := range o.Rounds {
		if err := t.round(ctx, round); err != nil {
			return nil, err
		}
	}
	return t.report(), nil
}

// tokenizer is a measurement under way.
type tokenizer struct {
	TokenizerOptions
	dir   string
	peer  *process.Python // nil: none
	vocab string
	text  []string

	ours, theirs []tokenizerResult
}

// tokenizerSpec says which sentences one process encodes.
type tokenizerSpec struct {
	Vocab     string `json:"vocab"`
	Sentences string `json:"sentences"` // one a line
	IDs       string `json:"ids"`       // the file to write the ids to, int32 [sentences, length]
	Length    int    `json:"length"`
	Repeat    int    `json:"repeat"`
}

// tokenizerResult is what one process says of itself.
type tokenizerResult struct {
	Engine  string    `json:"engine"`
	LoadS   float64   `json:"load_s"`   // the vocabulary
	TimesMS []float64 `json:"times_ms"` // of each pass
	Pieces  int       `json:"pieces"`
	PeakRSS int64     `json:"peak_rss_bytes"`
}

// prepare writes sentences and, unless there is one, a vocabulary.
func (t *tokenizer) prepare(ctx context.Context) error {
	random := rand.New(rand.NewPCG(seed, seed))
	if t.Vocab == "" {
		t.vocab = filepath.Join(t.dir, "vocab.txt")
		if err := os.WriteFile(t.vocab, makeVocabulary(random), 0o600); err != nil {
			return spaceHint(err)
		}
	} else {
		var err error
		if t.vocab, err = token.Find(t.Vocab, ""); err != nil {
			return err
		}
	}
	for range t.Sentences {
		if err := ctx.Err(); err != nil {
			return err
		}
		t.text = append(t.text, makeSentence(random))
	}
	return spaceHint(os.WriteFile(t.sentences(), []byte(strings.Join(t.text, "\n")), 0o600))
}

func (t *tokenizer) sentences() string { return filepath.Join(t.dir, "sentences.txt") }

func (t *tokenizer) round(ctx context.Context, round int) error {
	ids, theirs := filepath.Join(t.dir, "ours.ids"), filepath.Join(t.dir, "theirs.ids")
	spec := tokenizerSpec{Vocab: t.vocab, Sentences: t.sentences(), IDs: ids, Length: t.Length, Repeat: t.Repeat}
	p, err := t.Runs.ours(job{Tokenizer: &spec}, false)
	if err != nil {
		return err
	}
	if err := t.run(ctx, p, round, &t.ours); err != nil || t.peer == nil {
		return err
	}
	if err := t.run(ctx, t.python(theirs), round, &t.theirs); err != nil {
		return err
	}
	return t.compareIDs(ids, theirs)
}

// python is the peer as a process that writes its ids to a file.
func (t *tokenizer) python(ids string) process.Program {
	return t.peer.Program("python", "--vocab", t.vocab, "--sentences", t.sentences(), "--ids", ids,
		"--length", strconv.Itoa(t.Length), "--repeat", strconv.Itoa(t.Repeat))
}

func (t *tokenizer) run(ctx context.Context, p process.Program, round int, results *[]tokenizerResult) error {
	var r tokenizerResult
	if _, err := p.Run(ctx, &r); err != nil {
		return err
	}
	if len(r.TimesMS) != t.Repeat {
		return fmt.Errorf("%s timed %d of %d passes", p.Who, len(r.TimesMS), t.Repeat)
	}
	*results = append(*results, r)
	fmt.Fprintf(t.Log, "bench: round %d of %d, %s: best %s ms\n", round+1, t.Rounds, p.Who, milli(best(r.TimesMS)))
	return nil
}

// compareIDs compares the files of ids that both sides wrote.
func (t *tokenizer) compareIDs(ours, theirs string) error {
	var files [2][]byte
	for i, path := range []string{ours, theirs} {
		var err error
		if files[i], err = os.ReadFile(path); err != nil {
			return err
		}
		if want := 4 * t.Length * t.Sentences; len(files[i]) != want {
			return fmt.Errorf("%s has %d bytes of ids, expected %d", path, len(files[i]), want)
		}
	}
	for i, sentence := range t.text {
		a, b := rowOfIDs(files[0], i, t.Length), rowOfIDs(files[1], i, t.Length)
		if !slices.Equal(a, b) {
			return fmt.Errorf("golxmert and python give different ids to sentence %d, %q: %d and %d; nothing was compared", i+1, sentence, a, b)
		}
	}
	return nil
}

func rowOfIDs(file []byte, i, length int) []int32 {
	ids := make([]int32, length)
	for k := range ids {
		ids[k] = int32(binary.LittleEndian.Uint32(file[4*(i*length+k):]))
	}
	return ids
}

// measure encodes all sentences: once to warm up and to write the ids, and then for the clock.
func (s tokenizerSpec) measure(ctx context.Context) (*tokenizerResult, error) {
	start := time.Now()
	w, err := token.Load(s.Vocab)
	if err != nil {
		return nil, err
	}
	r := &tokenizerResult{Engine: "golxmert " + lxrt.Version(), LoadS: time.Since(start).Seconds(), Pieces: w.Size()}
	text, err := os.ReadFile(s.Sentences)
	if err != nil {
		return nil, err
	}
	sentences := strings.Split(string(text), "\n")
	var ids []byte
	for _, sentence := range sentences {
		e, err := w.Encode(sentence, s.Length)
		if err != nil {
			return nil, err
		}
		for _, id := range e.IDs {
			ids = binary.LittleEndian.AppendUint32(ids, uint32(id))
		}
	}
	if err := os.WriteFile(s.IDs, ids, 0o600); err != nil {
		return nil, spaceHint(err)
	}
	for range s.Repeat {
		if err := ctx.Err(); err != nil {
			return nil, err
		}
		start := time.Now()
		for _, sentence := range sentences {
			if _, err := w.Encode(sentence, s.Length); err != nil {
				return nil, err
			}
		}
		r.TimesMS = append(r.TimesMS, 1000*time.Since(start).Seconds())
	}
	r.PeakRSS = resident.Peak()
	return r, nil
}

func (t *tokenizer) report() *TokenizerReport {
	r := &TokenizerReport{
		Version: lxrt.Version(), Machine: thisMachine(), Vocabulary: "made up", Pieces: t.ours[0].Pieces,
		Sentences: t.Sentences, Length: t.Length, Repeat: t.Repeat, Rounds: t.Rounds,
	}
	if t.Vocab != "" {
		r.Vocabulary = filepath.Base(t.vocab)
	}
	r.Ours = newTokenizerSide(t.ours, t.Sentences)
	if t.peer != nil {
		python := newTokenizerSide(t.theirs, t.Sentences)
		r.Python, r.Versus = &python, compareTokenizers(r.Ours, python)
	}
	return r
}
