package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"path/filepath"
	"slices"
	"strings"
	"text/tabwriter"

	"github.com/spf13/cobra"

	"github.com/seed-516990b0/golxmert/internal/progress"
	"github.com/seed-516990b0/golxmert/lxmert/dataset"
	"github.com/seed-516990b0/golxmert/lxmert/fetch"
	"github.com/seed-516990b0/golxmert/lxmert/region"
)

// fetchCommand is `lxmert fetch`: the published files to where the other commands look for them.
func fetchCommand() *cobra.Command { return fetchInto(fetch.Fetcher{}) }

// fetchInto is the command with a fetcher whose flags are still to be read.
func fetchInto(f fetch.Fetcher) *cobra.Command {
	list := false
	cmd := &cobra.Command{
		Use:   "fetch SET...",
		Short: "Download the published files of a task, and check them",
		Long: `Download published files to the places where all other commands look for them. The sets are

  vqa gqa nlvr2   a task's questions, answer table and region features (41, 30 and 24 GB)
  pretrain        the sentences and region features of pre-training (55 GB)
  weights         the pre-trained model, snap/pretrained/model_LXRT.pth, and the names of its answers (0.9 GB)
  epoch20         the 20-epoch model of the released code, for analysing outputs (0.9 GB);
                  epoch01 to epoch12 are the weights after each epoch
  vocab           BERT's vocabulary, data/vocab.txt; every set has it

What is there already is checked and kept, also what you put there by hand; question files in another layout are
named with the command that converts them. An interrupted download continues
with the same command, from FILE.part. Mirrors are tried in turn. Where none answers, the error says which
address to download by hand and where to put the file; parts of a split zip (FILE.zip.aa, FILE.zip.ab, ... or
FILE.zip.001, ...) are joined. NLVR2's files are made of the official ones, and GQA's too if need be.

Region features stay in their zips, data/*_imgfeat/*_obj36.zip: packing reads those, and both would take twice
the space. --unpack writes the .tsv for other programs, whatever the path inside the zip, and removes a zip
that this command has downloaded.

Checksums are published for the vocabulary only. Those of all other files are noted in
data/.lxmert-fetch.json on the first download, and what is fetched later must be the same. So with --insecure,
which takes servers whose certificate is not valid (nlp1.cs.unc.edu has been one) and plain http, nothing says
that the first download is what the authors published.

--base-url asks one server instead of all. For data/vqa/train.json it is asked for URL/data/vqa/train.json (any
web server over somebody's folder will do), then for URL/nlp.cs.unc.edu/data/lxmert_data/vqa/train.json (as
"wget --mirror" stores it).`,
		Example: `  lxmert fetch vqa weights
  lxmert fetch --list
  lxmert fetch gqa --list
  lxmert fetch nlvr2 --base-url http://fileserver:8000/lxmert`,
		Args: func(cmd *cobra.Command, args []string) error {
			names := setNames(&f)
			if len(args) == 0 && !list {
				return usage("which set? there are %s", strings.Join(names, ", "))
			}
			for _, a := range args {
				if !slices.Contains(names, a) {
					return usage("there is no set %q but %s", a, strings.Join(names, ", "))
				}
			}
			return nil
		},
		RunE: func(cmd *cobra.Command, sets []string) error {
			f.Convert, f.Have, f.Refuse = convertOfficial, havePacked, otherLayout
			bar := &fileBar{w: cmd.ErrOrStderr()}
			f.Log, f.Progress = bar, bar.set
			defer bar.finish()
			do := f.Fetch
			if list {
				do = f.List
				if len(sets) == 0 {
					printSets(cmd.OutOrStdout(), &f)
					return nil
				}
			}
			var failed error
			for _, set := range sets {
				results, err := do(cmd.Context(), set)
				bar.finish()
				printFetched(cmd.OutOrStdout(), results)
				failed = errors.Join(failed, err)
				if cmd.Context().Err() != nil {
					break
				}
			}
			return failed
		},
	}
	flags := cmd.Flags()
	flags.StringVar(&f.Dir, "dir", ".", "the folder that has data/ and snap/")
	flags.StringVar(&f.BaseURL, "base-url", "", "`URL` of a server to ask instead of the published ones")
	flags.BoolVar(&list, "list", false, "list the sets, or the files of the named ones and what of them is there")
	flags.BoolVar(&f.Unpack, "unpack", false, "unpack the region features, and remove the downloaded zips")
	flags.BoolVar(&f.KeepZip, "keep-zip", false, "with --unpack: keep the zips")
	flags.BoolVar(&f.Check, "check", false, "read what is there again and compare its checksums, instead of trusting size and time")
	flags.BoolVar(&f.Insecure, "insecure", false, "take certificates that are not valid, and plain http")
	return cmd
}

// convertOfficial makes one of the reference's question files of an official one.
func convertOfficial(ctx context.Context, how string, dst io.Writer, src io.Reader) error {
	name, split, _ := strings.Cut(how, " ")
	t, err := dataset.FindTask(name)
	if err != nil || len(t.Layouts) != 1 { // else labels are in another file
		return fmt.Errorf("no conversion is called %q", how)
	}
	c := dataset.NewConverter(dst)
	c.Split = split
	if err := c.Add(ctx, src, dataset.Official{File: "the official file", Layout: t.Layouts[0]}); err != nil {
		return err
	}
	_, err = c.Close()
	return err
}

// otherLayout says what a question file is that is not laid out as the published one of its name, and how to convert it.
func otherLayout(path string) error {
	name, folder := filepath.Base(path), filepath.Base(filepath.Dir(path))
	wanted := dataset.LXMERTLayout
	switch {
	case slices.Contains(dataset.AnswerFiles[:], name) || name == "all_ans.json":
		return nil
	case folder == "lxmert":
		wanted = dataset.PretrainLayout
	}
	o, err := dataset.InspectFile(path)
	switch {
	case err != nil:
		return err
	case o.Layout == wanted:
		return nil
	case folder == "lxmert":
		return fmt.Errorf("it has %s, not %s; move it away to fetch them", o.Layout, wanted)
	}
	t, err := dataset.FindTask(folder)
	if err != nil {
		return err
	}
	return fmt.Errorf("it has %s", o.Not(t))
}

// havePacked says whether a TSV's packed store is there, which makes the TSV needless.
func havePacked(tsv string) (string, bool) {
	path, ok := strings.CutSuffix(tsv, ".tsv")
	if !ok {
		return "", false
	}
	src, err := region.Open(path + ".store")
	if err != nil {
		return "", false
	}
	defer src.Close()
	store, ok := src.(*region.Store)
	if !ok {
		return "", false
	}
	return store.Path(), true
}

func manifestOf(f *fetch.Fetcher) *fetch.Manifest {
	if f.Manifest != nil {
		return f.Manifest
	}
	return fetch.Published()
}

func setNames(f *fetch.Fetcher) []string {
	var names []string
	for _, s := range manifestOf(f).Sets {
		names = append(names, s.Name)
	}
	return names
}

func printSets(w io.Writer, f *fetch.Fetcher) {
	t := tabwriter.NewWriter(w, 0, 0, 2, ' ', 0)
	fmt.Fprintln(t, "SET\tFILES\tWHAT")
	for _, s := range manifestOf(f).Sets {
		fmt.Fprintf(t, "%s\t%d\t%s\n", s.Name, len(s.Files), s.What)
	}
	t.Flush()
}

// printFetched lists files, each with where it is or would come from.
func printFetched(w io.Writer, results []fetch.Result) {
	t := tabwriter.NewWriter(w, 0, 0, 2, ' ', 0)
	for _, r := range results {
		size, where := "-", r.At
		switch s := r.Sources[0]; {
		case r.Bytes > 0:
			size = progress.Bytes(r.Bytes)
		case r.State == fetch.Missing && max(r.Size, s.About) > 0:
			size = "~" + progress.Bytes(max(r.Size, s.About))
		}
		if r.State == fetch.Missing {
			where = r.Path + " from " + r.Sources[0].URLs[0]
		}
		fmt.Fprintf(t, "%s\t%s\t%s\n", r.State, size, where)
	}
	t.Flush()
}

// minShown is the size in bytes from which a file's progress is shown: smaller ones come in a second.
const minShown = 8 << 20

// fileBar is a bar for each file that takes long, and the lines between them.
type fileBar struct {
	w    io.Writer
	file string
	bar  *progress.Bar // nil: none is shown
}

func (b *fileBar) set(file string, done, total int64) {
	if max(done, total) < minShown {
		return
	}
	if file != b.file || b.bar == nil {
		b.finish()
		b.file, b.bar = file, progress.New(b.w, progress.Options{Label: file, Unit: "B"})
	}
	b.bar.Set(done, total, "")
	if done == total {
		b.finish()
	}
}

func (b *fileBar) finish() {
	if b.bar != nil {
		b.bar.Finish()
		b.bar = nil
	}
}

// Write implements [io.Writer] for the fetcher's log.
func (b *fileBar) Write(p []byte) (int, error) {
	if b.bar != nil {
		return b.bar.Write(p)
	}
	return b.w.Write(p)
}
