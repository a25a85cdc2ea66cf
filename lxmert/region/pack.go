package region

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"github.com/seed-516990b0/golxmert/internal/diskspace"
	"github.com/seed-516990b0/golxmert/internal/excerpt"
)

// PackOptions says how [Pack] packs. The zero value packs all rows exactly.
type PackOptions struct {
	F16       bool   // round features to float16: half the space
	Rows      int    // only the first rows of the source; 0: all
	Member    string // the file inside a zip, with or without its folder; "": the only .tsv in it
	Extractor string // what made the features, for the manifest

	// Progress, where not nil, is told after every image how many of how many bytes of the source's text were read, and how
	// many images were packed, those of an earlier run included. total is 0 where it is unknown, and an estimate with Rows.
	Progress func(done, total int64, images int)
	Log      io.Writer // lines for a person; nil: nowhere

	free    diskspace.Meter // nil: what the file system says
	replace bool            // a store of another source at dst, too
}

// PackReport says what [Pack] did.
type PackReport struct {
	Store       string // its folder
	Rows        int
	Images      int   // different ids; of equal ones the last row counts
	Shards      int   // files
	Bytes       int64 // of all shards
	Read        int64 // bytes of text that were read by this run; 0 for sources that are not text
	Resumed     int   // rows that an earlier run had packed
	Took        time.Duration
	Fingerprint Fingerprint
	Notes       []string // how the source is read, where it is not as published
	Doubts      []string // what is unlikely in it, see [Examine]
}

// Pack writes the images of src, a TSV, a zip with a TSV in it, or any other [Source], to a packed store: the folder dst,
// which is made. Images keep their order; float32 features are kept bit for bit.
//
// A run that is cancelled or killed loses at most the images of the shard that it was at: the same call goes on after the
// last whole one, and the files end up the same, byte for byte. A store that is complete and was made from src as it is
// is left alone; one that was made from src before it changed is made again. Another store at dst is an error, and so are
// regions that are certainly of another form ([ErrForm]), and a disk without the room that the store is going to take. Two processes that pack into one folder do so one after the
// other. Memory is bounded by a few images for each processor.
func Pack(ctx context.Context, src, dst string, opt PackOptions) (PackReport, error) {
	start := time.Now()
	if opt.Rows < 0 {
		return PackReport{}, fmt.Errorf("region: packing the first %d rows of %s: must be 0 for all, or more", opt.Rows, src)
	}
	if opt.Log == nil {
		opt.Log = io.Discard
	}
	if opt.free == nil {
		opt.free = diskspace.Free
	}
	in, err := openInput(src, opt.Member)
	if err != nil {
		return PackReport{}, err
	}
	what := packing{Source: in.origin, Extractor: opt.Extractor, DType: "float32", FirstRows: opt.Rows}
	if opt.F16 {
		what.DType = "float16"
	}
	if err := checkTarget(src, dst, what, opt.replace); err != nil {
		return PackReport{}, err
	}
	lock, err := lockStore(ctx, dst, opt.Log)
	if err != nil {
		return PackReport{}, err
	}
	defer lock.Close()
	p := &packer{src: src, dir: dst, in: in, opt: opt, about: manifest{packing: what, Form: in.notes}, images: map[string]struct{}{}}
	report, err := p.pack(ctx)
	if err != nil {
		if ctx.Err() != nil && p.about.Rows > 0 {
			fmt.Fprintf(opt.Log, "stopped after %d images; the same command goes on after them\n", p.about.Rows)
		}
		p.tidy()
		return PackReport{}, err
	}
	report.Took = time.Since(start)
	report.Doubts, err = p.doubts(ctx)
	return report, err
}

// doubts looks at the finished store.
func (p *packer) doubts(ctx context.Context) ([]string, error) {
	s, err := OpenStore(p.dir)
	if err != nil {
		return nil, err
	}
	look, err := Examine(ctx, s)
	return look.Doubts, errors.Join(err, s.Close())
}

// checkTarget refuses folders that hold anything else, and what would replace a good store: another source's, or
// one of the same source that was packed in another way. With replace these go.
func checkTarget(src, dst string, what packing, replace bool) error {
	if within(src, dst) {
		return fmt.Errorf("region: %s cannot be packed into itself, %s: choose another folder", src, dst)
	}
	entries, err := os.ReadDir(dst)
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	if err != nil {
		return fmt.Errorf("region: %w", err)
	}
	old, err := readManifest(dst)
	switch {
	case err == nil && !replace && old.Source.File != what.Source.File:
		return fmt.Errorf("region: %s is a store of %s already: remove it, or pack into another folder", dst, excerpt.Quote(old.Source.File))
	case err == nil && !replace && old.Complete && old.Source.same(what.Source) && old.identity() != what.identity():
		return fmt.Errorf("region: %s is a store of %s already, %s: remove it, or pack into another folder", dst, excerpt.Quote(old.Source.File), old.way())
	case err == nil:
		return nil
	}
	for _, e := range entries {
		if name := e.Name(); name != manifestName && name != lockName && !isShardFile(name) {
			return fmt.Errorf("region: %s has other files in it, %s for one: a store needs a folder of its own", dst, excerpt.Quote(name))
		}
	}
	return nil
}

// within says whether dst is the folder src, or in it.
func within(src, dst string) bool {
	from, err := os.Stat(src)
	if err != nil || !from.IsDir() {
		return false
	}
	if to, err := os.Stat(dst); err == nil && os.SameFile(from, to) {
		return true
	}
	outer, err := filepath.Abs(src)
	if err != nil {
		return false
	}
	inner, err := filepath.Abs(dst)
	if err != nil {
		return false
	}
	rel, err := filepath.Rel(outer, inner)
	return err == nil && filepath.IsLocal(rel)
}

// isShardFile says whether a name is one of a shard, or of one that was not finished.
func isShardFile(name string) bool {
	return strings.HasPrefix(name, "shard-") && strings.HasSuffix(name, ".bin") || strings.HasPrefix(name, ".shard-") || strings.HasPrefix(name, "."+manifestName+".")
}

// packer packs one store, whose lock it has.
type packer struct {
	src, dir string
	in       *input
	opt      PackOptions
	about    manifest

	tally    tally
	images   map[string]struct{} // ids
	next     place               // where the source goes on
	dim      int                 // features of a box; 0: not known yet
	boxes    int                 // of a record of the last shard
	admitted bool                // the first image of this run was looked at
	total    int64               // bytes of the source that are to be read; 0: unknown
	resumed  int
	read     int64
}

// pack does what is left to do.
func (p *packer) pack(ctx context.Context) (PackReport, error) {
	old, err := readManifest(p.dir)
	switch {
	case err == nil && old.identity() == p.about.identity() && old.Complete:
		s, err := OpenStore(p.dir)
		if err == nil {
			report := PackReport{Store: p.dir, Rows: s.Rows(), Images: s.Len(), Resumed: s.Rows(), Shards: len(s.shards), Fingerprint: s.Fingerprint(), Notes: p.in.notes}
			for _, shard := range old.Shards {
				report.Bytes += shard.Size
			}
			fmt.Fprintf(p.opt.Log, "%s is complete: %d images\n", p.dir, s.Rows())
			return report, s.Close()
		}
		fmt.Fprintf(p.opt.Log, "%v: packing again what is damaged\n", err)
		if err := p.begin(); err != nil {
			return PackReport{}, err
		}
	case err == nil && old.identity() == p.about.identity():
	case err == nil:
		fmt.Fprintf(p.opt.Log, "%s was packed from another %s, or in another way: packing it again\n", p.dir, p.about.Source.File)
		fallthrough
	default:
		if err := p.reset(); err != nil {
			return PackReport{}, err
		}
	}
	if err := p.resume(); err != nil {
		return PackReport{}, err
	}
	if err := p.stream(ctx); err != nil {
		return PackReport{}, err
	}
	return p.finish()
}

// reset removes what there is. The manifest goes first, so that what is left at any moment is not taken for a store.
func (p *packer) reset() error {
	if err := os.Remove(filepath.Join(p.dir, manifestName)); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return fmt.Errorf("region: %w", err)
	}
	if err := p.removeShards(0); err != nil {
		return err
	}
	return p.begin()
}

// begin writes the manifest.
func (p *packer) begin() error {
	if err := p.about.write(p.dir); err != nil {
		return fmt.Errorf("region: %w", err)
	}
	return nil
}

// resume takes over the whole shards that there are, and removes what lies after them.
func (p *packer) resume() error {
	for i := 0; ; i++ {
		t, size, err := p.shard(i)
		if err != nil {
			if !errors.Is(err, fs.ErrNotExist) {
				fmt.Fprintf(p.opt.Log, "%s: %v: packing it again\n", filepath.Join(p.dir, shardName(i)), err)
			}
			break
		}
		p.add(t, size)
		p.dim, p.boxes, p.next = t.dim, t.boxes, t.next
	}
	if p.resumed = p.about.Rows; p.resumed > 0 {
		fmt.Fprintf(p.opt.Log, "%s: going on after %d images that are packed already\n", p.dir, p.resumed)
	}
	return p.removeShards(len(p.about.Shards))
}

// shard reads the table of a shard of this packing.
func (p *packer) shard(i int) (*table, int64, error) {
	f, err := os.Open(filepath.Join(p.dir, shardName(i)))
	if err != nil {
		return nil, 0, err
	}
	defer f.Close()
	info, err := f.Stat()
	if err != nil {
		return nil, 0, err
	}
	t, err := readTable(f, info.Size())
	if err != nil {
		return nil, 0, err
	}
	if t.identity != p.about.identity() || t.first != p.about.Rows || t.half != p.opt.F16 || i > 0 && t.dim != p.dim {
		return nil, 0, errNotHere
	}
	return t, info.Size(), nil
}

// add makes a whole shard part of the store.
func (p *packer) add(t *table, size int64) {
	p.about.Shards = append(p.about.Shards, shardInfo{Records: len(t.entries), Size: size, Table: t.text()})
	p.about.Rows += len(t.entries)
	for i := range t.entries {
		e := &t.entries[i]
		p.images[e.id] = struct{}{}
		p.tally.add(e.stat, e.n, t.dim, e.width, e.height)
	}
}

// removeShards removes shards from one on, and what killed runs left.
func (p *packer) removeShards(from int) error {
	entries, err := os.ReadDir(p.dir)
	if err != nil {
		return fmt.Errorf("region: %w", err)
	}
	for _, e := range entries {
		name := e.Name()
		if !isShardFile(name) || strings.HasPrefix(name, "shard-") && name < shardName(from) {
			continue
		}
		if err := os.Remove(filepath.Join(p.dir, name)); err != nil {
			return fmt.Errorf("region: %w", err)
		}
	}
	return nil
}

// finish checks that the source is what it was, and writes the manifest of the complete store.
func (p *packer) finish() (PackReport, error) {
	if p.about.Rows == 0 {
		return PackReport{}, fmt.Errorf("%w: %s: there is no image in it", ErrFormat, p.src)
	}
	if in, err := openInput(p.src, p.opt.Member); err != nil {
		return PackReport{}, err
	} else if !in.origin.same(p.in.origin) {
		return PackReport{}, fmt.Errorf("region: %s was changed while it was packed: pack it again", p.src)
	}
	f := p.tally.fingerprint()
	p.about.Complete, p.about.Dim, p.about.MaxBoxes, p.about.Images, p.about.Fingerprint = true, f.Dim, f.MaxBoxes, len(p.images), &f
	if err := p.begin(); err != nil {
		return PackReport{}, err
	}
	report := PackReport{Store: p.dir, Rows: p.about.Rows, Images: p.about.Images, Shards: len(p.about.Shards), Read: p.read, Resumed: p.resumed, Fingerprint: f, Notes: p.in.notes}
	for _, shard := range p.about.Shards {
		report.Bytes += shard.Size
	}
	return report, nil
}

// tidy leaves no empty store behind a run that packed nothing.
func (p *packer) tidy() {
	entries, err := os.ReadDir(p.dir)
	if err != nil || slices.ContainsFunc(entries, func(e fs.DirEntry) bool { return e.Name() != manifestName && e.Name() != lockName }) {
		return
	}
	for _, e := range entries {
		os.Remove(filepath.Join(p.dir, e.Name()))
	}
	os.Remove(p.dir)
}
