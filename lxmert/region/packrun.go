package region

import (
	"context"
	"errors"
	"fmt"
	"hash/crc32"
	"io"
	"math/rand/v2"
	"os"
	"path/filepath"
	"runtime"
	"sync"

	"github.com/seed-516990b0/golxmert/internal/excerpt"
	"github.com/seed-516990b0/golxmert/internal/progress"
)

// Packing is a line of goroutines: one takes the source apart into images and gives each its place, some decode them and
// write the records, one finishes shards. Jobs go round between the first two, so that memory is that of a few images.

const (
	shardRecords   = 1024 // images of a full shard
	maxPackWorkers = 16
)

// packJob is one image on its way into a shard.
type packJob struct {
	id      string
	n, dim  int
	read    int64 // bytes of the source
	row     Row   // where text is not nil
	text    []byte
	regions Regions
	raw     []byte // the record

	shard *shardFile
	at    int // record
}

// shardFile is a shard that is being written.
type shardFile struct {
	table table // with as many entries as there could be
	file  *os.File
	count int            // records that were given a place
	next  place          // of the source, after them
	busy  sync.WaitGroup // those that are not written yet
}

// stream packs what is left of the source.
func (p *packer) stream(parent context.Context) error {
	if p.opt.Rows > 0 && p.about.Rows >= p.opt.Rows {
		return nil
	}
	ctx, cancel := context.WithCancelCause(parent)
	defer cancel(nil)
	feed, err := p.in.open(ctx, p.next, p.dim)
	if err != nil {
		return err
	}
	workers := min(runtime.GOMAXPROCS(0), maxPackWorkers)
	line := &packLine{
		packer: p, rows: p.about.Rows, behind: p.next,
		idle: make(chan *packJob, workers+2), work: make(chan *packJob), filled: make(chan *shardFile),
	}
	for range cap(line.idle) {
		line.idle <- new(packJob)
	}
	var writers, finisher sync.WaitGroup
	for range workers {
		writers.Go(func() {
			for job := range line.work {
				if ctx.Err() == nil {
					if err := p.write(job); err != nil {
						cancel(err)
					}
				}
				job.shard.busy.Done()
				line.idle <- job
			}
		})
	}
	finisher.Go(func() {
		for s := range line.filled {
			s.busy.Wait()
			if ctx.Err() != nil {
				s.drop()
			} else if err := p.finishShard(s); err != nil {
				cancel(err)
			}
		}
	})
	for p.opt.Rows == 0 || line.rows < p.opt.Rows {
		if err = line.one(ctx, feed); err != nil {
			break
		}
	}
	if err != nil && err != io.EOF {
		cancel(err) // before the shard that is not whole is handed over
	}
	line.handOver()
	close(line.work)
	writers.Wait()
	close(line.filled)
	finisher.Wait()
	return errors.Join(context.Cause(ctx), feed.close())
}

// packLine gives every image its place in a shard.
type packLine struct {
	*packer
	idle, work chan *packJob
	filled     chan *shardFile // those whose places are all given

	shard  *shardFile // nil: the next image begins one
	rows   int
	behind place // the last image, in the source
}

// one takes one image from the source. The error is io.EOF at its end.
func (l *packLine) one(ctx context.Context, feed feed) error {
	var job *packJob
	select {
	case job = <-l.idle:
	case <-ctx.Done():
		return context.Cause(ctx)
	}
	if err := feed.next(job); err != nil {
		return err
	}
	if err := l.admit(job); err != nil {
		return err
	}
	if l.shard != nil && (l.shard.count == shardRecords || job.n > l.boxes) {
		l.handOver()
	}
	if l.shard == nil {
		var err error
		l.boxes = max(l.boxes, job.n)
		if l.shard, err = l.newShard(l.rows); err != nil {
			return err
		}
	}
	job.shard, job.at = l.shard, l.shard.count
	l.shard.count++
	l.shard.busy.Add(1)
	l.rows++
	l.behind = feed.place()
	l.read += job.read
	l.work <- job
	if l.opt.Progress != nil {
		done := min(l.behind.offset, l.total)
		if l.rows == l.opt.Rows {
			done = l.total
		}
		l.opt.Progress(done, l.total, l.rows)
	}
	return nil
}

// handOver ends a shard.
func (l *packLine) handOver() {
	if l.shard != nil {
		l.shard.next = l.behind
		l.filled <- l.shard
		l.shard = nil
	}
}

// admit checks that an image fits into the store, and the first one that all of them will fit on the disk.
func (p *packer) admit(job *packJob) error {
	if p.dim == 0 {
		p.dim = job.dim
	}
	if job.dim != p.dim {
		return fmt.Errorf("%w: %s: image %s has %d features per box, those before have %d: one store cannot hold both", ErrFormat, p.src, excerpt.Quote(job.id), job.dim, p.dim)
	}
	if p.admitted {
		return nil
	}
	p.admitted = true
	p.total = p.in.total
	if estimate := p.next.offset + int64(p.opt.Rows-p.about.Rows)*job.read; p.opt.Rows > 0 && estimate < p.total {
		p.total = estimate
	}
	return p.checkSpace(job)
}

// checkSpace estimates from the first image what the rest will take.
func (p *packer) checkSpace(job *packJob) error {
	left := int64(p.in.images)
	if p.in.total > 0 && job.read > 0 {
		left = int64(p.about.Rows) + (p.in.total-p.next.offset+job.read-1)/job.read
	}
	if p.opt.Rows > 0 && (left == 0 || left > int64(p.opt.Rows)) {
		left = int64(p.opt.Rows)
	}
	if left -= int64(p.about.Rows); left <= 0 {
		return nil
	}
	l := layout{p.dim, p.opt.F16}
	need := left * (l.stride(max(job.n, p.boxes)) + entrySize + int64(len(job.id)))
	if err := p.opt.free.Check(p.dir, need); err != nil {
		return fmt.Errorf("region: packing %s: about %w: make room, or choose another folder%s", p.src, err, halfHint(p.opt.F16))
	}
	room := ""
	if free, known := p.opt.free(p.dir); known {
		room = fmt.Sprintf(", of %s that are free", progress.Bytes(free))
	}
	fmt.Fprintf(p.opt.Log, "packing %s into %s: takes about %s as %s%s\n", p.src, p.dir, progress.Bytes(need), p.about.DType, room)
	return nil
}

func halfHint(half bool) string {
	if half {
		return ""
	}
	return "; features rounded to float16 take half of that"
}

// newShard makes the file of a shard, under a name of its own until it is whole.
func (p *packer) newShard(first int) (*shardFile, error) {
	f, err := os.OpenFile(filepath.Join(p.dir, fmt.Sprintf(".shard-%08x.tmp", rand.Uint32())), os.O_RDWR|os.O_CREATE|os.O_EXCL, 0o666)
	if err != nil {
		return nil, fmt.Errorf("region: %w", err)
	}
	return &shardFile{file: f, table: table{
		layout: layout{p.dim, p.opt.F16}, boxes: p.boxes, first: first, identity: p.about.identity(), entries: make([]entry, shardRecords),
	}}, nil
}

// drop removes a shard that will not be finished.
func (s *shardFile) drop() {
	s.file.Close()
	os.Remove(s.file.Name())
}

// write decodes an image and writes its record.
func (p *packer) write(job *packJob) error {
	r := &job.regions
	if job.row.text != nil {
		if err := job.row.Decode(r); err != nil {
			return err
		}
	}
	if err := r.checkForm(); err != nil {
		return err
	}
	t := &job.shard.table
	job.raw = resize(job.raw, int(t.size(job.n)))
	if err := t.layout.encode(job.raw, r); err != nil {
		return err
	}
	if _, err := job.shard.file.WriteAt(job.raw, int64(job.at)*t.stride(t.boxes)); err != nil {
		return p.writeError(err)
	}
	t.entries[job.at] = entry{
		id: r.ID, n: r.N, width: r.Width, height: r.Height,
		labels: r.labels(), sum: crc32.Checksum(job.raw, castagnoli), stat: measure(r),
	}
	return nil
}

// finishShard makes a shard whose records are written part of the store.
func (p *packer) finishShard(s *shardFile) error {
	t := &s.table
	t.entries, t.next = t.entries[:s.count], s.next
	records := int64(len(t.entries)) * t.stride(t.boxes)
	end := t.encode()
	_, err := s.file.WriteAt(end, records)
	if err == nil {
		err = s.file.Sync()
	}
	if err != nil {
		s.drop()
		return p.writeError(err)
	}
	if err := errors.Join(s.file.Close(), os.Rename(s.file.Name(), filepath.Join(p.dir, shardName(len(p.about.Shards))))); err != nil {
		return p.writeError(err)
	}
	p.add(t, records+int64(len(end)))
	return nil
}

func (p *packer) writeError(err error) error {
	return fmt.Errorf("region: packing into %s: %w; what is packed stays, and the same command goes on after it", p.dir, err)
}
