package sweep

import (
	"encoding/json"
	"fmt"
	"reflect"
	"strings"

	"github.com/seed-516990b0/golxmert/lxmert"
)

// This file is what results depend on, and which examples a part has.

// Settings are what results depend on. They are the first line of each part; a part goes on only under the same ones.
type Settings struct {
	Version  int               `json:"version"` // of the file
	Data     string            `json:"data"`
	Examples int               `json:"examples"` // of the whole data set that are gone through
	Methods  []string          `json:"methods"`
	Target   string            `json:"target"`
	Batch    int               `json:"batch"`
	Perturb  bool              `json:"perturb,omitempty"`
	Every    bool              `json:"every_step,omitempty"` // remove one after another, not the published shares
	Random   int               `json:"random,omitempty"`
	Seed     uint64            `json:"seed"`
	Show     int               `json:"show"`
	Model    lxmert.Provenance `json:"model"`
	Features string            `json:"features"`
	// Probability is how the answers' probabilities are made, see lxmert.AnswerHead.
	Probability string   `json:"probability,omitempty"`
	Heads       int      `json:"heads"`
	Maps        []string `json:"maps"`
	Rows        int      `json:"rows"` // of a question: 2 if it is about two pictures
	Gold        bool     `json:"gold,omitempty"`
	Shard       int      `json:"shard"`
	Shards      int      `json:"shards"`
	// Whole says that parts are of whole batches, so that the lines of all parts are those of one run, whatever the parts.
	// Parts of older programs are not.
	Whole bool `json:"whole_batches,omitempty"`
	// What follows is set where a method needs it.
	Sample  int                `json:"sample,omitempty"` // how many questions, the first ones, are looked at together
	Config  *lxmert.Config     `json:"config,omitempty"`
	Changes []string           `json:"changes,omitempty"`
	Corrupt string             `json:"corrupt,omitempty"`
	Noising bool               `json:"noising,omitempty"`
	Concept string             `json:"concept,omitempty"`
	Level   string             `json:"level,omitempty"`
	Blind   *lxmert.Provenance `json:"blind,omitempty"` // the question-only model
}

// share are the examples of the part: from first up to, not including, last.
func (s Settings) share() (first, last int) {
	if !s.Whole {
		return share(s.Examples, s.Shard, s.Shards)
	}
	batches := (s.Examples + s.Batch - 1) / s.Batch
	first, last = share(batches, s.Shard, s.Shards)
	return min(first*s.Batch, s.Examples), min(last*s.Batch, s.Examples)
}

// plan are the batches of the examples from first up to, not including, last.
func (s Settings) plan(first, last int) (batches [][]int) {
	for i := first; i < last; i += s.Batch {
		var index []int
		for k := i; k < min(i+s.Batch, last); k++ {
			index = append(index, k)
		}
		batches = append(batches, index)
	}
	return batches
}

// version is raised when older files can no longer be read, or gone on with.
const version = 2

// essence is what of the settings must be alike for results to belong together. Of the model it is the weights and the
// numbers' type: where it was computed changes rounding only, so that shards of different machines can be joined.
func (s Settings) essence() Settings {
	of := func(p lxmert.Provenance) lxmert.Provenance {
		m := lxmert.Provenance{Hash: p.Hash, DType: p.DType}
		if m.Hash == "" {
			m.Weights = p.Weights
		}
		return m
	}
	s.Model = of(s.Model)
	if s.Blind != nil {
		blind := of(*s.Blind)
		s.Blind = &blind
	}
	return s
}

// normal is what settings are after they were written and read.
func normal(s Settings) Settings {
	text, err := json.Marshal(s)
	if err == nil {
		var back Settings
		if json.Unmarshal(text, &back) == nil {
			return back
		}
	}
	return s
}

// difference names the first setting that differs.
func difference(a, b Settings) string {
	if a.Model != b.Model {
		return fmt.Sprintf("with the weights %s%.12s in %s, now it is %s%.12s in %s", a.Model.Weights, a.Model.Hash, a.Model.DType, b.Model.Weights, b.Model.Hash, b.Model.DType)
	}
	x, y := reflect.ValueOf(a), reflect.ValueOf(b)
	for i := range x.NumField() {
		if !reflect.DeepEqual(x.Field(i).Interface(), y.Field(i).Interface()) {
			name, _, _ := strings.Cut(x.Type().Field(i).Tag.Get("json"), ",")
			return fmt.Sprintf("with %s %v, now it is %v", name, x.Field(i).Interface(), y.Field(i).Interface())
		}
	}
	return "with other settings"
}

// share are the examples of a shard: from first up to, not including, last.
func share(n, shard, shards int) (first, last int) {
	if shards <= 1 {
		return 0, n
	}
	return n * shard / shards, n * (shard + 1) / shards
}
