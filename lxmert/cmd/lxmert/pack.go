package main

import (
	"errors"
	"fmt"
	"io"
	"path/filepath"
	"strings"

	"github.com/spf13/cobra"

	"github.com/seed-516990b0/golxmert/internal/progress"
	"github.com/seed-516990b0/golxmert/lxmert/region"
)

// packCommand is `lxmert pack`: region features into a store that any picture is read from at once.
func packCommand() *cobra.Command {
	var opt region.PackOptions
	cmd := &cobra.Command{
		Use:   "pack SRC [DST]",
		Short: "Pack region features into a store that is read picture by picture",
		Long: `Write region features into a packed store: a folder from which the regions of any picture are read with one
request to the disk, so that training needs neither the memory for all of them nor the minutes to load them.

SRC is a TSV as published, with a header, or with the six columns of the bottom-up-attention detector, or a zip
with one; a .npz or .safetensors file with arrays features, boxes, width and height, or what OpenVQA,
bottom-up-attention.pytorch and UNITER write, or a folder of those, one per image; or a store. (See
go doc github.com/seed-516990b0/golxmert/lxmert/region.) The store notes what it was packed from. DST is a
folder of its own (default: SRC with the ending .store, or .first512.store with --rows 512). Commands that are
given the published name of a TSV find the store that stands beside it by that name, and make it themselves if
it is not there.

A TSV of 36 boxes with 2048 features takes three quarters of its size as a store, and three eighths with --f16,
which rounds the features to float16 (about three digits). Without it every number stays as it is, bit for bit.

What was interrupted, by ctrl-C or by anything else, goes on with the same command. When the source changes, it
is packed again.`,
		Example: `  lxmert pack data/mscoco_imgfeat/train2014_obj36.tsv
  lxmert pack data/mscoco_imgfeat/val2014_obj36.zip --f16
  lxmert pack nlvr2.zip nlvr2.store --member train_obj36.tsv
  lxmert pack data/mscoco_imgfeat/train2014_obj36.tsv --rows 512`,
		Args: cobra.RangeArgs(1, 2),
		RunE: func(cmd *cobra.Command, args []string) error {
			if opt.Rows < 0 {
				return usage("--rows is %d, must be 0 for all rows, or more", opt.Rows)
			}
			dst := storeBeside(args[0], opt.Rows)
			if len(args) == 2 {
				dst = args[1]
			}
			bar := progress.New(cmd.ErrOrStderr(), progress.Options{Label: "packing", Unit: "B"})
			defer bar.Finish()
			opt.Log, opt.Progress = bar, imageProgress(bar)
			report, err := region.Pack(cmd.Context(), args[0], dst, opt)
			bar.Finish()
			if err != nil {
				return err
			}
			return printPacked(cmd.OutOrStdout(), report)
		},
	}
	cmd.Flags().BoolVar(&opt.F16, "f16", false, "round features to float16: half the space")
	cmd.Flags().IntVar(&opt.Rows, "rows", 0, "pack only the first `N` rows (default: all)")
	cmd.Flags().StringVar(&opt.Member, "member", "", "the TSV inside a zip, where it has several")
	cmd.Flags().StringVar(&opt.Extractor, "extractor", "", "`NAME` of what made the features, to note in the store")
	return cmd
}

// storeBeside is where a file, or its first rows, is packed to if nobody says.
func storeBeside(src string, rows int) string {
	src = filepath.Clean(src)
	switch ending := filepath.Ext(src); strings.ToLower(ending) {
	case ".tsv", ".zip", ".npz", ".safetensors":
		src = strings.TrimSuffix(src, ending)
	case ".store":
		src = strings.TrimSuffix(src, ending) + ".copy"
	}
	if rows > 0 {
		src += fmt.Sprintf(".first%d", rows)
	}
	return src + ".store"
}

// imageProgress shows bytes and how many images they were; images alone where the bytes are unknown.
func imageProgress(bar *progress.Bar) func(done, total int64, images int) {
	return func(done, total int64, images int) {
		bar.Set(done, total, progress.Count(int64(images))+" images")
	}
}

func printPacked(w io.Writer, r region.PackReport) error {
	f := r.Fingerprint
	boxes := fmt.Sprint(f.MinBoxes)
	if f.MaxBoxes != f.MinBoxes {
		boxes = fmt.Sprintf("%d to %d", f.MinBoxes, f.MaxBoxes)
	}
	_, err := fmt.Fprintf(w, "%s: %s images, %s boxes with %d features, %s in %d files\n", r.Store, progress.Count(int64(r.Rows)), boxes, f.Dim, progress.Bytes(r.Bytes), r.Shards)
	if again := r.Rows - r.Images; again > 0 {
		_, e := fmt.Fprintf(w, "%s rows are replaced by later ones of the same id\n", progress.Count(int64(again)))
		err = errors.Join(err, e)
	}
	if seconds := r.Took.Seconds(); r.Read > 0 && seconds > 0 {
		_, e := fmt.Fprintf(w, "read %s in %s, %s/s\n", progress.Bytes(r.Read), progress.Clock(r.Took), progress.Bytes(int64(float64(r.Read)/seconds)))
		err = errors.Join(err, e)
	}
	if f.Infinite > 0 || f.Outside > 0 {
		_, e := fmt.Fprintf(w, "%d numbers are not finite, %d boxes reach out of their pictures: `lxmert verify %s` says where\n", f.Infinite, f.Outside, r.Store)
		err = errors.Join(err, e)
	}
	for _, note := range r.Notes {
		_, e := fmt.Fprintf(w, "note: %s\n", note)
		err = errors.Join(err, e)
	}
	for _, doubt := range r.Doubts {
		_, e := fmt.Fprintf(w, "warning: %s\n", doubt)
		err = errors.Join(err, e)
	}
	return err
}
