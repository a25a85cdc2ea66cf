package client

import (
	"context"
	"encoding/json"
	"fmt"
	"slices"

	"github.com/seed-516990b0/golxmert/internal/filesearch"
)

// Browsing says which examples a page is to show, and how; see package analysis/browse. Relative names are relative to the working
// directory.
type Browsing struct {
	// Path is the folder of an analysis or of a suite's scores, or a file of predictions, which need their Questions.
	Path      string   `json:"path,omitempty"`
	Questions []string `json:"questions,omitempty"`
	// Run is the id of a prediction, instead of Path and Questions; Split is the split of one of its files, "": it has one.
	Run   string `json:"run,omitempty"`
	Split string `json:"split,omitempty"`

	Images       string `json:"images,omitempty"` // folder of the pictures; [Toy]: the built-in world's; "": those of the run, or none
	Limit        int    `json:"limit,omitempty"`  // how many examples, the first ones; 0: 20000
	PictureBytes int    `json:"picture_bytes,omitempty"`
	Out          string `json:"out,omitempty"` // file that the whole page is written to; "": its fragment comes back
}

// Browsed is a page of examples, and what it has.
type Browsed struct {
	Page     string   `json:"page,omitempty"` // HTML, if it was not written to a file
	Title    string   `json:"title"`
	Examples int      `json:"examples"`
	Total    int      `json:"total"`           // that there were to choose from
	Notes    []string `json:"notes,omitempty"` // what the page lacks
}

// Browse has the session make a page in which examples are sorted, filtered and searched. progress is told how it goes.
func (c *Client) Browse(ctx context.Context, b Browsing, progress func(what string, done, total int)) (page Browsed, err error) {
	for _, name := range []*string{&b.Path, &b.Out} {
		*name = filesearch.Under(c.folder, *name)
	}
	if b.Images != Toy {
		b.Images = filesearch.Under(c.folder, b.Images)
	}
	b.Questions = slices.Clone(b.Questions)
	for i, name := range b.Questions {
		b.Questions[i] = filesearch.Under(c.folder, name)
	}
	raw, err := c.wait(ctx, "/browse", b, progress)
	if err != nil {
		return page, err
	}
	if err := json.Unmarshal(raw, &page); err != nil {
		return page, fmt.Errorf("session: its page of examples: %w", err)
	}
	return page, nil
}
