package main

import (
	"fmt"
	"io"
	"path/filepath"
	"slices"
	"strings"

	"github.com/spf13/cobra"

	"github.com/seed-516990b0/golxmert/analysis"
	"github.com/seed-516990b0/golxmert/analysis/figure"
	"github.com/seed-516990b0/golxmert/analysis/relevance"
	"github.com/seed-516990b0/golxmert/analysis/report"
	"github.com/seed-516990b0/golxmert/lxmert"
	"github.com/seed-516990b0/golxmert/lxmert/region"
)

// explaining is what the flags say about --explain.
type explaining struct {
	on     bool
	out    string
	images string
}

// figureSuffixes are the files that an explanation can be.
var figureSuffixes = []string{".pdf", ".svg", ".png", ".html", ".csv", ".json", ".safetensors"}

func (e *explaining) add(cmd *cobra.Command) {
	cmd.Flags().BoolVar(&e.on, "explain", false, "say which words and regions carried the answer, by bi-modal relevance, and draw it")
	cmd.Flags().StringVar(&e.out, "out", "explanation.html", "what --explain writes: "+strings.Join(figureSuffixes, ", "))
	cmd.Flags().StringVar(&e.images, "images", "", "folder with the pictures, found by their ids (default: regions are drawn on an empty canvas)")
}

func (e *explaining) check(cmd *cobra.Command) error {
	for _, name := range []string{"out", "images"} {
		if !e.on && cmd.Flags().Changed(name) {
			return usage("--%s is for --explain", name)
		}
	}
	if suffix := filepath.Ext(e.out); e.on && !slices.Contains(figureSuffixes, suffix) {
		return usage("--out %s: a file ends in one of %s", e.out, strings.Join(figureSuffixes, ", "))
	}
	return nil
}

// pictures finds the files of a batch's pictures and names what the detector saw in them. Those that are not in the folder
// are counted on w.
func (e *explaining) pictures(b *lxmert.Batch, found []*region.Regions, objects []string, w io.Writer) error {
	var pictures *region.Pictures
	if e.images != "" {
		var err error
		if pictures, err = region.OpenPictures(e.images); err != nil {
			return err
		}
	}
	var missing []string
	for i, r := range found {
		info := &b.Images[i]
		for _, id := range r.ObjectIDs {
			name := fmt.Sprintf("object %d", id)
			if int(id) < len(objects) && id >= 0 {
				name = objects[id]
			}
			if objects != nil {
				info.Objects = append(info.Objects, name)
			}
		}
		if pictures == nil {
			continue
		}
		if file, ok := pictures.Find(info.ID); ok {
			info.File = file
		} else {
			missing = append(missing, info.ID)
		}
	}
	return sayMissing(w, missing, len(found), e.images)
}

// sayMissing counts the pictures, by their ids, that a folder lacks.
func sayMissing(w io.Writer, missing []string, of int, folder string) error {
	if len(missing) == 0 {
		return nil
	}
	_, err := fmt.Fprintf(w, "%d of %d pictures shown are not in %s (such as %s): their regions are drawn on an empty canvas\n", len(missing), of, folder, plain(missing[0]))
	return err
}

// explain writes why the model gave its answer. A statement about two pictures becomes two files.
func (e *explaining) explain(cmd *cobra.Command, m lxmert.Engine, b *lxmert.Batch, r *reply) error {
	scores, err := relevance.BiModal(cmd.Context(), m, b, analysis.Predicted(), relevance.Options{})
	if err != nil {
		return err
	}
	best := r.Answers[0]
	for i, s := range scores {
		s.Answer = best.Answer
		s.Params = map[string]string{"probability of answers": r.Kind}
		s.Target = fmt.Sprintf("logit of %q, the most probable answer", best.Answer)
		path := e.out
		if len(scores) > 1 {
			suffix := filepath.Ext(e.out)
			path = strings.TrimSuffix(e.out, suffix) + [2]string{"-left", "-right"}[i%2] + suffix
		}
		if filepath.Ext(path) == ".html" {
			err = e.page(cmd, m, b, i, path, s, r)
		} else {
			err = figure.Save(path, s, figure.Options{})
		}
		if err != nil {
			return err
		}
		fmt.Fprintf(cmd.ErrOrStderr(), "%s shows which words and regions carried the answer %q\n", path, best.Answer)
	}
	return nil
}

// page writes a page for a browser, with all attention maps to look at.
func (e *explaining) page(cmd *cobra.Command, m lxmert.Engine, b *lxmert.Batch, row int, path string, s analysis.Scores, r *reply) error {
	cfg := m.Config()
	trace, err := m.Run(cmd.Context(), b, lxmert.Request{Want: lxmert.All(cfg.Maps()...), NoRegions: analysis.NoRegions(b)})
	if err != nil {
		return err
	}
	x := report.Explanation{Scores: s, Maps: map[string]lxmert.Tensor{}}
	for name, map_ := range trace.Values {
		at := row
		if cfg.Rows(name) == lxmert.TextRows {
			at = b.Pairs[row][0]
		} else if cfg.Rows(name) == lxmert.ImageRows {
			at = b.Pairs[row][1]
		}
		x.Maps[name] = map_.Row(at)
	}
	for _, a := range r.Answers {
		x.Answers = append(x.Answers, report.Answer{Text: a.Answer, Probability: float64(a.Probability)})
	}
	return report.Save(path, x, report.Options{})
}
