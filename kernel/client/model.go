package client

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"path/filepath"
	"slices"
	"strings"

	"github.com/seed-516990b0/golxmert/kernel/internal/wire"
	"github.com/seed-516990b0/golxmert/lxmert"
)

// Model is a model that the session holds. It implements [lxmert.Engine].
//
// A Model is a handle: it says what to open, so it stays good when the session ends and begins anew, and when the weights
// are replaced by newer ones of the same sizes, as a training run does; see [lxmert.Provenance] of each trace.
type Model struct {
	c    *Client
	info ModelInfo
}

var _ lxmert.Engine = (*Model)(nil)

// Open opens a model, or finds it open. Errors say what is missing, and what would have worked.
func (c *Client) Open(ctx context.Context, spec Spec) (*Model, error) {
	b, err := jsonBody(spec.in(c.folder))
	if err != nil {
		return nil, err
	}
	m := &Model{c: c}
	if err := c.callJSON(ctx, "POST", "/open", b, &m.info); err != nil {
		return nil, err
	}
	if m.info.Spec.Engine != spec.Engine {
		return nil, fmt.Errorf("%w: it knows no engines and would not compute with %q; `kernel session stop` ends it, and the next call starts one of this build", ErrVersion, spec.Engine)
	}
	for _, note := range m.info.Notes {
		fmt.Fprintln(c.opt.Log, note)
	}
	return m, nil
}

// Config returns the model's sizes.
func (m *Model) Config() lxmert.Config { return m.info.Config }

// Info is what was found when the model was opened.
func (m *Model) Info() ModelInfo { return m.info }

// Head is the part of the model that answers questions.
func (m *Model) Head() lxmert.AnswerHead { return m.info.Head }

// Answers are the names of the head's classes; nil where no file names them.
func (m *Model) Answers() []string { return slices.Clone(m.info.Head.Answers) }

// runHeader is the JSON of a call of [Model.Run].
type runHeader struct {
	Spec    Spec         `json:"spec"`
	Request wire.Request `json:"request"`
}

// Run computes what a request wants of a batch, in the session; see [lxmert.Engine]. Numbers are those of the session's
// own model, bit for bit.
func (m *Model) Run(ctx context.Context, b *lxmert.Batch, r lxmert.Request) (*lxmert.Trace, error) {
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	if err := b.Check(m.info.Config); err != nil {
		return nil, fmt.Errorf("session: %w", err)
	}
	packed, trace := wire.Pack(b, r)
	var frame bytes.Buffer
	frame.Grow(4*(len(b.Feats.Data)+len(b.Boxes.Data)) + 1<<14)
	if err := wire.WriteFrame(&frame, runHeader{m.info.Spec, packed}, trace); err != nil {
		return nil, fmt.Errorf("session: %w", err)
	}
	t, err := m.c.callTrace(ctx, "/run", &body{data: frame.Bytes(), kind: "application/octet-stream"}, nil)
	if err != nil {
		return nil, err
	}
	t.Batch = b
	return t, nil
}

// batchHeader is the JSON of a call of [Model.Batch] and [Model.Ask].
type batchHeader struct {
	Spec      Spec       `json:"spec"`
	Questions []Question `json:"questions"`
}

// batchNotes are remarks about the questions.
type batchNotes struct {
	Notes []string `json:"notes,omitempty"`
}

// Batch makes the model's input of questions: word pieces, regions, picture files and the detector's labels. Each text and
// each picture is there once; row b is question b, or with an NLVR2 model rows 2b and 2b+1 are its two pictures. Remarks,
// such as a question that is too long, go to [Options].Log.
func (m *Model) Batch(ctx context.Context, questions []Question) (*lxmert.Batch, error) {
	b, err := jsonBody(batchHeader{m.info.Spec, questions})
	if err != nil {
		return nil, err
	}
	var notes batchNotes
	t, err := m.c.callTrace(ctx, "/batch", b, &notes)
	if err != nil {
		return nil, err
	}
	for _, note := range notes.Notes {
		fmt.Fprintln(m.c.opt.Log, note)
	}
	return t.Batch, nil
}

// Ask asks the model questions, some of them at a time, and reads the answers. Remarks go to [Options].Log, each once.
func (m *Model) Ask(ctx context.Context, questions []Question) ([]*lxmert.Answer, error) {
	var all []*lxmert.Answer
	said := map[string]bool{}
	for from := 0; from == 0 || from < len(questions); from += lxmert.AskedTogether {
		part := questions[from:min(from+lxmert.AskedTogether, len(questions))]
		b, err := jsonBody(batchHeader{m.info.Spec, part})
		if err != nil {
			return nil, err
		}
		var notes batchNotes
		t, err := m.c.callTrace(ctx, "/ask", b, &notes)
		if err != nil {
			return nil, err
		}
		for _, note := range notes.Notes {
			if !said[note] {
				fmt.Fprintln(m.c.opt.Log, note)
			}
			said[note] = true
		}
		if t.Batch == nil {
			return nil, errors.New("session: its answers have no batch")
		}
		answers, err := m.info.Head.Read(part, t.Batch, t)
		if err != nil {
			return nil, err
		}
		all = append(all, answers...)
	}
	return all, nil
}

// Images lists the pictures whose regions the model's feature files have, in their order.
func (m *Model) Images(ctx context.Context) ([]string, error) {
	b, err := jsonBody(m.info.Spec)
	if err != nil {
		return nil, err
	}
	var ids []string
	return ids, m.c.callJSON(ctx, "POST", "/images", b, &ids)
}

// Names are what the classes of the model's heads are called, as far as its files say.
func (m *Model) Names(ctx context.Context) (names lxmert.ClassNames, err error) {
	b, err := jsonBody(m.info.Spec)
	if err != nil {
		return names, err
	}
	return names, m.c.callJSON(ctx, "POST", "/names", b, &names)
}

// questionsBody is the JSON of a call for the questions of a file, or of a split of a model's data.
type questionsBody struct {
	Spec *Spec  `json:"spec,omitempty"`
	Name string `json:"name"`
	N    int    `json:"n"` // the first ones; 0: all
}

// Questions reads the first n questions (0: all) of a file of VQA's, GQA's or NLVR2's format, whose name ends in .json, or
// of a split, such as "minival", that is looked for beside the model's feature files, as data/vqa/minival.json.
func (m *Model) Questions(ctx context.Context, name string, n int) ([]QA, error) {
	if strings.HasSuffix(name, ".json") {
		return m.c.Questions(ctx, name, n)
	}
	return m.c.questions(ctx, questionsBody{&m.info.Spec, name, n})
}

// Questions is [Model.Questions] of a file, without a model.
func (c *Client) Questions(ctx context.Context, path string, n int) ([]QA, error) {
	if !filepath.IsAbs(path) {
		path = filepath.Join(c.folder, path)
	}
	return c.questions(ctx, questionsBody{Name: path, N: n})
}

func (c *Client) questions(ctx context.Context, q questionsBody) (list []QA, err error) {
	b, err := jsonBody(q)
	if err != nil {
		return nil, err
	}
	return list, c.callJSON(ctx, "POST", "/questions", b, &list)
}

// callTrace makes a call whose answer is a frame.
func (c *Client) callTrace(ctx context.Context, path string, b *body, header any) (*lxmert.Trace, error) {
	r, err := c.call(ctx, "POST", path, b)
	if err != nil {
		return nil, err
	}
	defer r.body.Close()
	data, err := c.read(ctx, r)
	if err != nil {
		return nil, err
	}
	if header == nil {
		header = &struct{}{}
	}
	t, err := wire.ReadFrame(data, header)
	if err != nil {
		return nil, fmt.Errorf("session: its answer to %s: %w", path, err)
	}
	return t, nil
}
