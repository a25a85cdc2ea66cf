package client

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"

	"github.com/seed-516990b0/golxmert/kernel/internal/wire"
)

// StudySettings are those of all studies; each takes what it knows.
type StudySettings struct {
	Tasks  []string `json:"tasks,omitempty"`  // of probes, see probe.Tasks; none: all. Of what is erased one, or TASK=LABEL
	Rows   int      `json:"rows,omitempty"`   // words and regions that are probed at most, of each; 0: 2000
	Seed   uint64   `json:"seed,omitempty"`   // of what is drawn
	Random bool     `json:"random,omitempty"` // beside it the same model with random weights
	Codes  bool     `json:"codes,omitempty"`  // the lengths of online codes as well, which take most of the time

	Data   string    `json:"data,omitempty"`   // what figures call the questions
	About  *Question `json:"about,omitempty"`  // the one question that a lens reads after it was fitted to the others
	Target string    `json:"target,omitempty"` // of that question, or of what is erased; see analysis.ReadTarget. "": the answer

	// With is the second of two models that are compared, Names what to call both (none: as much of their files' names as differs), and
	// Right how much each answer counts, question by question; nil of a question of which that is not known.
	With  *Spec                `json:"with,omitempty"`
	Names []string             `json:"names,omitempty"`
	Right []map[string]float64 `json:"right,omitempty"`
}

// StudyCall is the JSON of a call of [Model.Study].
type StudyCall struct {
	Spec      Spec          `json:"spec"`
	Study     string        `json:"study"`
	Questions []Question    `json:"questions"`
	Settings  StudySettings `json:"settings"`
}

// StudyEvent is a line of its answer: how far it is, or at last what was found or why nothing was.
type StudyEvent struct {
	What   string          `json:"what,omitempty"`
	Done   int             `json:"done,omitempty"`
	Total  int             `json:"total,omitempty"`
	Fault  *wire.Fault     `json:"fault,omitempty"`
	Result json.RawMessage `json:"result,omitempty"` // of an analysis.Collection that holds it
}

// Study has the session run an analysis over questions that takes more than a cell should link, such as "probe", "cka",
// "fusion", "coreference" or "pca" (see package probe), "align" (see package align), "lens" (see package lens),
// "ablation" (see package modality/hide), "erase" (see package concept) or "compare" (see package compare). The answer is the JSON of an analysis.Collection with what was found.
// progress is told how it goes.
func (m *Model) Study(ctx context.Context, study string, questions []Question, settings StudySettings, progress func(what string, done, total int)) (json.RawMessage, error) {
	b, err := jsonBody(StudyCall{m.info.Spec, study, questions, settings})
	if err != nil {
		return nil, err
	}
	r, err := m.c.call(ctx, "POST", "/study", b)
	if err != nil {
		return nil, err
	}
	defer r.body.Close()
	lines := bufio.NewReader(r.body)
	for {
		line, err := lines.ReadBytes('\n')
		if err != nil {
			if ctx.Err() != nil {
				return nil, ctx.Err()
			}
			if errors.Is(err, io.EOF) {
				err = errors.New("the study has no end")
			}
			return nil, m.c.died(err)
		}
		var e StudyEvent
		if err := json.Unmarshal(line, &e); err != nil {
			return nil, fmt.Errorf("session: its answer to /study: %w", err)
		}
		switch {
		case e.Fault != nil:
			return nil, asError(e.Fault)
		case e.Result != nil:
			return e.Result, nil
		case progress != nil:
			progress(e.What, e.Done, e.Total)
		}
	}
}
