package token

import (
	"errors"
	"fmt"
	"io"
	"os"
	"strings"
	"unicode/utf8"

	"github.com/seed-516990b0/golxmert/internal/filekind"
	"github.com/seed-516990b0/golxmert/lxmert"
)

// ErrVocabulary is wrapped by errors about a vocabulary that cannot be used.
var ErrVocabulary = errors.New("not a usable vocabulary")

// Options say how a [WordPiece] reads text. The zero value is the published model's: lower case, Unicode 14.
type Options struct {
	// Cased keeps case and accents, as the reference with do_lower_case off.
	Cased bool
	// LatestUnicode knows every character that this program's Go knows, instead of deleting those newer than Unicode 14.
	LatestUnicode bool
}

// WordPiece is BERT's tokenizer with its vocabulary. It does not change and may be used from several goroutines.
type WordPiece struct {
	options Options
	pieces  []string         // by id
	ids     map[string]int32 // pieces that start a word, and all others as they are written
	inner   map[string]int32 // pieces inside a word, without their "##"
	longest int              // bytes of the longest piece

	special    lxmert.SpecialIDs
	specialErr error
}

// maxVocabulary bounds a vocabulary file; the published one has 232 KB.
const maxVocabulary = 64 << 20

// Load reads a vocabulary file; see [New].
func Load(path string, opts ...Options) (*WordPiece, error) {
	f, err := os.Open(path)
	if err != nil {
		return nil, fmt.Errorf("token: vocabulary: %w", err)
	}
	defer f.Close()
	w, err := New(f, opts...)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", path, err)
	}
	return w, nil
}

// New reads a vocabulary: UTF-8, one piece per line, numbered from 0; white space around a piece is dropped, a blank line
// takes a number, and of equal lines the last one counts. At most one Options may be given. Errors wrap
// [ErrVocabulary] or come from r.
func New(r io.Reader, opts ...Options) (*WordPiece, error) {
	text, err := io.ReadAll(io.LimitReader(r, maxVocabulary+1))
	switch {
	case err != nil:
		return nil, fmt.Errorf("token: reading the vocabulary: %w", err)
	case len(text) > maxVocabulary:
		return nil, fmt.Errorf("token: %w: larger than %d MB", ErrVocabulary, maxVocabulary>>20)
	case len(opts) > 1:
		return nil, fmt.Errorf("token: %d Options given, at most one is possible", len(opts))
	}
	switch kind := filekind.Of(text[:min(len(text), filekind.HeadSize)]); kind {
	case filekind.Empty, filekind.Text, filekind.TSV, filekind.PythonText, filekind.Unknown: // a piece may look like anything
	default:
		return nil, fmt.Errorf("token: %w: %s", ErrVocabulary, kind.Not("a text file with one piece per line", ""))
	}
	w := &WordPiece{ids: map[string]int32{}, inner: map[string]int32{}}
	if len(opts) == 1 {
		w.options = opts[0]
	}
	for line := range vocabularyLines(string(text)) {
		if !utf8.ValidString(line) {
			return nil, fmt.Errorf("token: %w: line %d is not UTF-8; is this a text file with one piece per line?", ErrVocabulary, len(w.pieces)+1)
		}
		piece, id := strings.TrimFunc(line, isPythonSpace), int32(len(w.pieces))
		w.pieces = append(w.pieces, piece)
		w.ids[piece] = id
		if rest, ok := strings.CutPrefix(piece, "##"); ok {
			w.inner[rest] = id
		}
		w.longest = max(w.longest, len(piece))
	}
	if len(w.pieces) == 0 {
		return nil, fmt.Errorf("token: %w: it is empty", ErrVocabulary)
	}
	w.special, w.specialErr = w.findSpecials()
	return w, nil
}

// vocabularyLines yields lines ended by \n, \r\n or \r; what follows the last end is a line unless it is empty.
func vocabularyLines(text string) func(yield func(string) bool) {
	return func(yield func(string) bool) {
		for text != "" {
			end := strings.IndexAny(text, "\r\n")
			if end < 0 {
				yield(text)
				return
			}
			line := text[:end]
			if strings.HasPrefix(text[end:], "\r\n") {
				end++
			}
			text = text[end+1:]
			if !yield(line) {
				return
			}
		}
	}
}

func (w *WordPiece) findSpecials() (lxmert.SpecialIDs, error) {
	var s lxmert.SpecialIDs
	var missing []string
	for _, p := range []struct {
		piece string
		id    *int32
	}{{pad, &s.Pad}, {unk, &s.Unk}, {cls, &s.Cls}, {sep, &s.Sep}, {mask, &s.Mask}} {
		id, ok := w.ids[p.piece]
		if !ok {
			missing = append(missing, p.piece)
		}
		*p.id = id
	}
	if missing != nil {
		return lxmert.SpecialIDs{}, fmt.Errorf("token: %w: of its %d pieces none is %s; it is not a BERT vocabulary", ErrVocabulary, len(w.pieces), strings.Join(missing, " or "))
	}
	return s, nil
}

// The pieces with a meaning of their own. A word that is exactly one of them is never changed or cut.
const (
	pad  = "[PAD]"
	unk  = "[UNK]"
	cls  = "[CLS]"
	sep  = "[SEP]"
	mask = "[MASK]"
)

func isSpecial(word string) bool {
	switch word {
	case pad, unk, cls, sep, mask:
		return true
	}
	return false
}

// SpecialIDs looks up [PAD], [UNK], [CLS], [SEP] and [MASK]. The error names those that are missing.
func (w *WordPiece) SpecialIDs() (lxmert.SpecialIDs, error) { return w.special, w.specialErr }

// Size is the number of ids, which is the number of lines of the vocabulary.
func (w *WordPiece) Size() int { return len(w.pieces) }

// ID looks up a piece as the vocabulary writes it, inner ones with "##".
func (w *WordPiece) ID(piece string) (id int32, ok bool) {
	id, ok = w.ids[piece]
	return id, ok
}

// Piece is the piece with an id; "" for ids outside the vocabulary.
func (w *WordPiece) Piece(id int32) string {
	if id < 0 || int(id) >= len(w.pieces) {
		return ""
	}
	return w.pieces[id]
}
