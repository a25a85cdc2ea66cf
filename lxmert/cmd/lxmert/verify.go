package main

import (
	"errors"
	"fmt"
	"io"

	"github.com/spf13/cobra"

	"github.com/seed-516990b0/golxmert/internal/progress"
	"github.com/seed-516990b0/golxmert/lxmert/region"
)

// verifyCommand is `lxmert verify`: whether region features are whole, and like those the model was trained on.
func verifyCommand() *cobra.Command {
	var opt region.VerifyOptions
	against, asJSON := "", false
	cmd := &cobra.Command{
		Use:   "verify FEATURES...",
		Short: "Check region features: rows, shapes, numbers, boxes, checksums",
		Long: `Read all of a TSV, a zip with one, a packed store, a .npz or .safetensors file or a folder of those, and look for
what could go wrong when it is used: rows that cannot be decoded or were cut short, features of different
widths, numbers that are not finite, boxes that reach out of their picture, wrong checksums; and what is whole
and certainly means something else: boxes that were divided by the picture's size already, x, y, width and height
in the place of corners, float64 that are read as float32. All problems are collected and the first 20 shown
with their places; the exit code is 1 if there are any.

Then the features are summed up, and warnings say what differs from those that the published model was trained
on: 36 boxes a picture, in pixels, with 2048 features that are never negative. Features that were scaled, or made
by another detector, may pass that: --against compares mean, spread, zeros and boxes with those of a store that is
known to be good, or of a TSV, which is read for that.`,
		Example: `  lxmert verify data/mscoco_imgfeat/val2014_obj36.tsv --rows 40504
  lxmert verify mine.npz --against data/mscoco_imgfeat/train2014_obj36.store`,
		Args: cobra.MinimumNArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			if opt.Rows < 0 {
				return usage("--rows is %d, must be 0 for any number, or more", opt.Rows)
			}
			if against != "" {
				f, err := fingerprintOf(cmd, against)
				if err != nil {
					return err
				}
				opt.Against = &f
			}
			unusable := 0
			for _, path := range args {
				report, err := verifyWithBar(cmd, path, opt)
				if err != nil {
					return err
				}
				if asJSON {
					err = writeJSON(cmd.OutOrStdout(), report)
				} else {
					err = printVerified(cmd.OutOrStdout(), report)
				}
				if err != nil {
					return err
				}
				if !report.OK() {
					unusable++
				}
			}
			if unusable > 0 {
				return fmt.Errorf("%d of %d cannot be used as they are", unusable, len(args))
			}
			return nil
		},
	}
	cmd.Flags().IntVar(&opt.Rows, "rows", 0, "how many rows there must be, `N` (default: any number)")
	cmd.Flags().StringVar(&opt.Member, "member", "", "the TSV inside a zip, where it has several")
	cmd.Flags().StringVar(&against, "against", "", "`FEATURES` that these should be like: a store, or a TSV")
	cmd.Flags().BoolVar(&asJSON, "json", false, "print JSON")
	return cmd
}

// verifyWithBar reads everything, showing how far it is.
func verifyWithBar(cmd *cobra.Command, path string, opt region.VerifyOptions) (region.Report, error) {
	bar := progress.New(cmd.ErrOrStderr(), progress.Options{Label: "reading " + path, Unit: "B"})
	defer bar.Finish()
	opt.Progress = imageProgress(bar)
	return region.Verify(cmd.Context(), path, opt)
}

// fingerprintOf is the fingerprint that a store keeps; other features are read for it.
func fingerprintOf(cmd *cobra.Command, path string) (region.Fingerprint, error) {
	s, err := region.Open(path)
	if err != nil {
		return region.Fingerprint{}, err
	}
	store, ok := s.(*region.Store)
	if ok {
		return store.Fingerprint(), s.Close()
	}
	if err := s.Close(); err != nil {
		return region.Fingerprint{}, err
	}
	report, err := verifyWithBar(cmd, path, region.VerifyOptions{})
	if err == nil && !report.OK() {
		err = fmt.Errorf("%s cannot be used itself: %s", path, report.Problems[0])
	}
	return report.Fingerprint, err
}

func printVerified(w io.Writer, r region.Report) error {
	var errs []error
	say := func(format string, args ...any) {
		_, err := fmt.Fprintf(w, format+"\n", args...)
		errs = append(errs, err)
	}
	f := r.Fingerprint
	say("%s (%s): %s rows, %s images", r.Path, r.Kind, progress.Count(int64(r.Rows)), progress.Count(int64(r.Images)))
	if f.Images > 0 {
		say("  boxes       %d to %d per image; mean width %.3f, height %.3f, area %.3f of the picture", f.MinBoxes, f.MaxBoxes, f.BoxWidth, f.BoxHeight, f.BoxArea)
		say("  features    %d per box; mean %.4f, standard deviation %.4f, %.1f %% zeros", f.Dim, f.Mean, f.Std, 100*f.Zeros)
		say("  pictures    %.0f x %.0f pixels in the mean", f.Width, f.Height)
	}
	for _, note := range r.Notes {
		say("  note        %s", printable(note))
	}
	for _, p := range r.Problems {
		say("  problem     %s", printable(p))
	}
	if r.More > 0 {
		say("  problem     … and %s more", progress.Count(int64(r.More)))
	}
	for _, warning := range r.Warnings {
		say("  warning     %s", printable(warning))
	}
	if r.OK() {
		say("  no damage")
	}
	return errors.Join(errs...)
}
