package sweep

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"slices"

	"github.com/seed-516990b0/golxmert/analysis"
	"github.com/seed-516990b0/golxmert/lxmert"
)

// Corruption makes of every question the one from which patching starts. The zero value is [CorruptPicture].
type Corruption struct {
	Name  string
	words bool              // hidden behind [MASK]
	texts map[string]string // other sentences, by the ids of questions
}

// CorruptPicture takes what regions show: their features become zeros, as pre-training hides them, and their boxes stay.
func CorruptPicture() Corruption { return Corruption{Name: "features of all regions set to zero"} }

// CorruptWords hides every word behind [MASK].
func CorruptWords() Corruption { return Corruption{Name: "all words hidden", words: true} }

// ReadCorruption reads other sentences: JSON lines such as {"question_id": "12", "sent": "what color is the square?"}. Questions
// that have none, or one with another number of word pieces, are left out. file is what errors call it.
func ReadCorruption(r io.Reader, file string) (Corruption, error) {
	const like = `{"question_id": "12", "sent": "what color is the square?"}`
	c := Corruption{Name: "other sentences of " + file, texts: map[string]string{}}
	err := eachLine(r, file, like, func(line []byte) error {
		if len(bytes.TrimSpace(line)) == 0 {
			return nil
		}
		var x struct {
			ID   any    `json:"question_id"`
			Text string `json:"sent"`
		}
		d := json.NewDecoder(bytes.NewReader(line))
		d.UseNumber()
		if err := d.Decode(&x); err != nil || x.ID == nil || x.Text == "" {
			if err == nil {
				err = errors.New("question_id or sent is missing")
			}
			return err
		}
		c.texts[fmt.Sprint(x.ID)] = x.Text
		return nil
	})
	if err == nil && len(c.texts) == 0 {
		err = fmt.Errorf("%s has no sentence; a line is like %s", file, like)
	}
	return c, err
}

// check says whether a model's input can be corrupted so.
func (c Corruption) check(cfg lxmert.Config) error {
	if c.words && cfg.Special.Mask == 0 {
		return lxmert.ErrNoMask
	}
	return nil
}

// batch is the corrupted batch, with the same rows.
func (c Corruption) batch(ctx context.Context, r *runner, a *asked) (*lxmert.Batch, error) {
	b := *a.Batch
	switch {
	case c.texts != nil:
		made, err := r.data.reworded(ctx, a.index, c.texts)
		if err != nil {
			return nil, err
		}
		return made.Batch, nil
	case c.words:
		b.IDs = nil
		for row, ids := range a.IDs {
			ids = slices.Clone(ids)
			for _, t := range analysis.InnerWords(a.Batch, row) {
				ids[t] = r.eng.Config().Special.Mask
			}
			b.IDs = append(b.IDs, ids)
		}
	default:
		b.Feats = lxmert.NewTensor(a.Feats.Shape...)
	}
	return &b, nil
}
