package main

import (
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/spf13/cobra"

	"github.com/seed-516990b0/golxmert/analysis/embed"
	"github.com/seed-516990b0/golxmert/analysis/sweep"
	"github.com/seed-516990b0/golxmert/internal/progress"
	"github.com/seed-516990b0/golxmert/lxmert/backend"
)

// embedding is what the flags of `lxmert embed` say.
type embedding struct {
	model modelFlags
	dataFlags
	out, shard string
	opt        sweep.EmbedOptions
}

func embedCommand() *cobra.Command {
	var e embedding
	cmd := &cobra.Command{
		Use:   "embed --load WEIGHTS --regions FILE --data FILE --want NAMES --out FOLDER",
		Short: "Write activations of a whole data set: features for training something else on",
		Long: `Runs the model on every question of a file and writes the activations that --want names into a folder of safetensors
files: pooled outputs, words or regions at any level, insides of feed-forward blocks, attention maps, heads, whatever
"lxmert trace --list" prints. A run that was cut off goes on where it stopped when the same command is given again, and the
files are the same, byte by byte. Memory does not grow with the data set: two files are in memory at a time.

In each file an activation is a tensor of its own name. Of words and regions only those that are there have a row, one below
the other; offset.words and offset.regions say where those of a question begin:

  out.pooled, out.qa, ...              [pairs, ...]                a pair is a question with a picture; NLVR2 has two for each
  hid.t.3, l.2.ffn, l.2.tt.q, ...      [words of all pairs, ...]   words are word pieces, with [CLS] and [SEP]
  hid.i.3, r.2.ffn, ...                [regions of all pairs, ...]
  x.1.ti, ...                          [words of all pairs, H, V]  the axis of keys is filled up: maps with 0, scores with -10000
  out.task of NLVR2                    [questions, ...]
  offset.words, offset.regions         [pairs+1]                   rows offset[p] to offset[p+1] are those of pair p

The files' metadata "examples" has the id, text, pictures and word pieces of each question, index.json the shapes, the model
and the list of files. read.py beside them reads all of it in Python with NumPy alone; in Go it is embed.Read, see
go doc github.com/seed-516990b0/golxmert/analysis/embed.

A dictionary that was trained on them, such as a sparse autoencoder, is applied back by "lxmert ask --dictionary".`,
		Example: `  lxmert embed --load snap/pretrained/Epoch20_LXRT --regions data/mscoco_imgfeat/val2014_obj36.tsv \
      --data data/vqa/minival.json --want 'out.pooled,hid.t.14,hid.i.10' --out minival
  lxmert embed --load snap/vqa/run/BEST --regions data/mscoco_imgfeat/train2014_obj36.tsv \
      --data data/vqa/train.json --want 'x.*.t.ffn' --f16 --out inside --shard 0/8      # one machine of eight; nothing is to be merged`,
		Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error { return e.run(cmd) },
	}
	e.model.add(cmd)
	e.dataFlags.add(cmd)
	f := cmd.Flags()
	f.StringSliceVar(&e.opt.Want, "want", nil, "names of activations, comma-separated; patterns as in 'x.*.ti' or '*'")
	f.StringVar(&e.out, "out", "", "folder for the files")
	f.BoolVar(&e.opt.F16, "f16", false, "round to float16: half the space")
	f.IntVar(&e.opt.PerFile, "perFile", 0, "questions in a file (default: 1024, or fewer if that would be more than about 128 MB)")
	f.IntVar(&e.opt.Batch, "batchSize", 32, "questions at a time")
	f.IntVar(&e.opt.Limit, "limit", 0, "only the first questions (default: all)")
	f.StringVar(&e.shard, "shard", "", "do one part of several, such as 0/8 to 7/8, into the same folder")
	f.BoolVar(&e.opt.Overwrite, "overwrite", false, "throw away what the folder has and begin anew")
	return cmd
}

func (e *embedding) run(cmd *cobra.Command) error {
	if err := e.find(&e.model, e.out); err != nil {
		return err
	}
	var err error
	switch {
	case len(e.opt.Want) == 0:
		return usage("--want is needed: names of activations, as `lxmert trace --list` prints them")
	case e.opt.Batch < 1 || e.opt.PerFile < 0 || e.opt.Limit < 0:
		return usage("--batchSize must be 1 or more, --perFile and --limit not negative")
	}
	if e.opt.Shard, e.opt.Shards, err = readShard(e.shard); err != nil {
		return err
	}
	cfg, err := modelConfig(e.model)
	if err != nil {
		return err
	}
	if _, err := cfg.FindAll(e.opt.Want...); err != nil {
		return usage("--want: %w", err)
	}
	if err := backend.Ready(cmd.Context(), backendSpec(cmd)); err != nil { // before files are packed
		return err
	}
	screen := newScreen(cmd, false)
	defer screen.finish()
	data, err := e.open(cmd, &e.model, cfg, screen)
	if err != nil {
		return err
	}
	defer data.Set.Close()
	defer data.Asker.Close()
	m, err := e.model.open(cmd)
	if err != nil {
		return err
	}
	defer m.Close()
	e.opt.Noted = func(notes int, first string) { sayNoted(cmd.ErrOrStderr(), notes, first) }
	e.opt.NotFinite = func(bad map[string]int) {
		n := 0
		for _, k := range bad {
			n += k
		}
		fmt.Fprintf(cmd.ErrOrStderr(), "warning: %s values are NaN or infinite, in %s\n", progress.Count(int64(n)), firstNames(slices.Sorted(maps.Keys(bad))))
	}
	bar := screen.bar("embedding", "questions")
	e.opt.Progress = func(done, total int) { screen.set(bar, int64(done), int64(total), "") }
	index, err := sweep.Embed(cmd.Context(), m, data, e.out, e.opt)
	screen.finish()
	if err != nil {
		if cmd.Context().Err() != nil {
			fmt.Fprintf(cmd.ErrOrStderr(), "files that are done are in %s; the same command goes on from there\n", e.out)
		}
		return err
	}
	if e.opt.Shards > 1 {
		fmt.Fprintf(cmd.OutOrStdout(), "part %s is done\n", e.shard)
		return nil
	}
	fmt.Fprintf(cmd.OutOrStdout(), "%s has %s of %s in %s; read.py beside them reads them\n", e.out, activations(index), counted(index.Examples, "questions"), counted(len(index.Files), "files"))
	return nil
}

// activations names the activations of a folder, or the first of many.
func activations(x *embed.Index) string {
	var names []string
	for _, a := range x.Activations {
		names = append(names, a.Name)
	}
	if len(names) > 3 {
		return fmt.Sprintf("%s and %d more", strings.Join(names[:3], ", "), len(names)-3)
	}
	return strings.Join(names, ", ")
}
