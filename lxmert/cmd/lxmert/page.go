package main

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"

	"github.com/spf13/cobra"

	"github.com/seed-516990b0/golxmert/analysis/browse"
)

// paging is what the flags of `lxmert page` say.
type paging struct {
	source        browse.Source
	out, images   string
	load, regions string
	megabytes     int
}

func pageCommand() *cobra.Command {
	var p paging
	cmd := &cobra.Command{
		Use:   "page FOLDER, or page PREDICTIONS --data QUESTIONS",
		Short: "Make a page of all examples of an analysis, a prediction or a suite, to be sorted, filtered and searched",
		Long: `Writes one HTML file in which thousands of examples are sorted, filtered and searched, without a network or a server. It takes

  the folder of lxmert analyze            answers, how probable and how right they are, whether each method hits the right region,
                                          every number that was measured; an example opens its words and regions, by each method
  a file of predictions, with --data      what lxmert vqa, gqa or nlvr2 --test wrote, beside the labels of its questions
  the folder of lxmert suite --out        every pair of sentence and picture, and by how much an item is right

In the page arrow keys go from one example to the next, Enter opens one, Escape closes it, and / searches. An address like
minival/examples.html#262148000 opens the example with that id. Beside an opened example stands the command that makes a page of
it with all attention maps; --load and --regions say what it names where the analysis does not.

With --images the page has the pictures in it, small enough to take --pictureMB together (24 MB unless you say otherwise; ten thousand
pictures are about 100 pixels wide then). Without them 10000 questions take 1 to 6 MB, by how many methods explain them. Of more than
20000 examples the first are shown, unless --limit says how many. In a notebook lx.Browse shows the same in a cell.`,
		Example: `  lxmert page minival --images data/mscoco/images
  lxmert page snap/vqa/results/minival_predict.json --data data/vqa/minival.json --images data/mscoco/images
  lxmert page valse-existence`,
		Args: cobra.ExactArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			p.source.Path = args[0]
			return p.run(cmd)
		},
	}
	f := cmd.Flags()
	f.StringSliceVar(&p.source.Questions, "data", nil, "of predictions: the files with the questions that they are about, such as data/vqa/minival.json")
	f.StringVar(&p.images, "images", "", "folder with the pictures, found by their ids (default: the page has none)")
	f.StringVar(&p.out, "out", "", "the page (default: examples.html in the folder, or PREDICTIONS.html)")
	f.IntVar(&p.source.Limit, "limit", browse.Standard, fmt.Sprintf("how many examples, the first ones, at most %d", browse.Most))
	f.IntVar(&p.megabytes, "pictureMB", 24, "megabytes of the page that pictures take at most")
	f.StringVar(&p.load, "load", "", "weights that the command beside an example names (default: as the analysis does)")
	f.StringVar(&p.regions, "regions", "", "regions that the command beside an example names (default: as the analysis does)")
	return cmd
}

func (p *paging) run(cmd *cobra.Command) error {
	if p.source.Limit < 1 || p.source.Limit > browse.Most {
		return usage("--limit is %d, must be 1 to %d", p.source.Limit, browse.Most)
	}
	if p.megabytes < 1 || p.megabytes > 1000 {
		return usage("--pictureMB is %d, must be 1 to 1000", p.megabytes)
	}
	out, err := p.path()
	if err != nil {
		return err
	}
	screen := newScreen(cmd, false)
	defer screen.finish()
	p.source.Progress = screen.stages(map[string]string{"reading results": "B"})
	l, err := browse.Read(cmd.Context(), p.source)
	if errors.Is(err, browse.ErrQuestions) {
		return usage("%w: --data names it, such as data/vqa/minival.json", err)
	}
	if err != nil {
		return err
	}
	l.Ask = p.asking(l.Ask)
	draw := screen.stages(map[string]string{"reading pictures": "pictures"})
	w, err := browse.Save(cmd.Context(), out, l, browse.Options{
		Images: p.images, PictureBytes: p.megabytes << 20, Progress: func(done, total int) { draw("reading pictures", int64(done), int64(total)) },
	})
	screen.finish()
	if err != nil {
		return err
	}
	p.say(cmd, out, l, w)
	return nil
}

// path is where the page goes.
func (p *paging) path() (string, error) {
	if p.out != "" {
		if suffix := strings.ToLower(filepath.Ext(p.out)); suffix != ".html" && suffix != ".htm" {
			return "", usage("--out %s: a page ends in .html", p.out)
		}
		return p.out, nil
	}
	if info, err := os.Stat(p.source.Path); err == nil && info.IsDir() {
		return filepath.Join(p.source.Path, "examples.html"), nil
	}
	return strings.TrimSuffix(p.source.Path, filepath.Ext(p.source.Path)) + ".html", nil
}

// asking is the command that explains one example: of a suite there is none.
func (p *paging) asking(known []string) []string {
	if known == nil {
		return nil
	}
	weights, regions := p.load, p.regions
	for i := 0; i+1 < len(known); i++ {
		switch {
		case known[i] == "--load" && weights == "":
			if _, err := os.Stat(known[i+1]); err == nil { // an analysis notes the name of the file alone
				weights = known[i+1]
			}
		case known[i] == "--regions" && regions == "":
			regions = known[i+1]
		}
	}
	return browse.Asking(weights, regions, p.images)
}

// say prints what the page has, and what it lacks.
func (p *paging) say(cmd *cobra.Command, out string, l *browse.Listing, w *browse.Written) {
	for _, line := range w.Lacks("--pictureMB") {
		fmt.Fprintln(cmd.ErrOrStderr(), "warning:", plain(line))
	}
	shown := fmt.Sprintf("%d examples", w.Examples)
	if l.Total > w.Examples {
		shown = fmt.Sprintf("the first %d of %d examples (--limit takes more)", w.Examples, l.Total)
	}
	if w.Pictures > 0 {
		shown += fmt.Sprintf(" and %d pictures of up to %d pixels", w.Pictures, w.Side)
	}
	fmt.Fprintf(cmd.OutOrStdout(), "%s, %.1f MB, has %s\n", out, float64(w.Bytes)/(1<<20), shown)
}
