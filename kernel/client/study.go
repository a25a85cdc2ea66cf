package client

import (
	"context"
	"encoding/json"
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

// Study has the session run an analysis over questions that takes more than a cell should link, such as "probe", "cka",
// "fusion", "coreference" or "pca" (see package probe), "align" (see package align), "lens" (see package lens),
// "ablation" (see package modality/hide), "erase" (see package concept) or "compare" (see package compare). The answer is the JSON of an analysis.Collection with what was found.
// progress is told how it goes.
func (m *Model) Study(ctx context.Context, study string, questions []Question, settings StudySettings, progress func(what string, done, total int)) (json.RawMessage, error) {
	return m.c.wait(ctx, "/study", StudyCall{m.info.Spec, study, questions, settings}, progress)
}
