package region

import (
	"context"
	"errors"
	"fmt"
	"hash/crc32"
	"io"
	"io/fs"
	"os"
	"path/filepath"

	"github.com/seed-516990b0/golxmert/internal/excerpt"
)

// store verifies a packed store. What can be read of it is looked at, however much is damaged.
func (v *verifier) store(ctx context.Context, dir string) error {
	v.report.Kind = "store"
	m, err := readManifest(dir)
	switch {
	case errors.Is(err, ErrFormat), errors.Is(err, fs.ErrNotExist):
		v.problem(err)
		return nil
	case err != nil:
		return err
	case !m.Complete:
		v.problem(fmt.Errorf("%s: %w: packing %s was interrupted; `lxmert pack` goes on with it", dir, errIncomplete, excerpt.Quote(m.Source.File)))
		return nil
	}
	for _, info := range m.Shards {
		v.total += info.Size
	}
	first, whole := 0, true
	for i, info := range m.Shards {
		problems := len(v.report.Problems) + v.report.More
		if err := v.shard(ctx, filepath.Join(dir, shardName(i)), m, info, first); err != nil {
			return err
		}
		whole = whole && problems == len(v.report.Problems)+v.report.More
		first += info.Records
	}
	if !whole {
		return nil
	}
	f := v.tally.fingerprint()
	for _, part := range []struct {
		what      string
		got, want int
	}{{"rows", v.report.Rows, m.Rows}, {"images", len(v.ids), m.Images}, {"features per box", f.Dim, m.Dim}, {"boxes at most", f.MaxBoxes, m.MaxBoxes}} {
		if part.got != part.want {
			v.problem(fmt.Errorf("%s: %d %s in the shards, %d in the manifest", dir, part.got, part.what, part.want))
		}
	}
	if m.Fingerprint == nil || *m.Fingerprint != f {
		v.problem(fmt.Errorf("%s: the fingerprint in the manifest is not that of the features", dir))
	}
	return nil
}

// shard verifies one shard of a store.
func (v *verifier) shard(ctx context.Context, path string, m *manifest, info shardInfo, first int) error {
	fail := func(err error) { v.problem(fmt.Errorf("%s: %w", path, err)) }
	f, err := os.Open(path)
	if errors.Is(err, fs.ErrNotExist) {
		v.problem(err)
		return nil
	}
	if err != nil {
		return fmt.Errorf("region: %w", err)
	}
	defer f.Close()
	t, err := checkShard(f, info)
	if err != nil {
		fail(err)
		return nil
	}
	if t.layout != (layout{m.Dim, m.half()}) || t.first != first || t.identity != m.identity() {
		fail(errNotHere)
		return nil
	}
	before := v.done
	defer func() { v.done = before + info.Size }()
	i := 0
	return inOrder(ctx, func(job *verifyJob) error {
		if i == len(t.entries) {
			return io.EOF
		}
		job.at = int64(i)
		i++
		return nil
	}, func(job *verifyJob) {
		job.pack.regions.Source = path
		job.stat, job.halves, job.problems, job.failed = t.verify(f, int(job.at), &job.pack)
	}, func(job *verifyJob) {
		e := &t.entries[job.at]
		v.done = before + (job.at+1)*t.stride(t.boxes)
		if job.failed != nil {
			fail(fmt.Errorf("record %d, image %s: %w", job.at, excerpt.Quote(e.id), job.failed))
		}
		for _, err := range job.problems {
			v.problem(err)
		}
		v.image(e.id, e.stat, job.halves, e.n, t.dim, e.width, e.height)
	})
}

// verify looks at a record and the zeros after it. Features in half precision are not what was measured.
func (t *table) verify(f io.ReaderAt, i int, job *packJob) (s stat, halves bool, problems []error, err error) {
	e := &t.entries[i]
	stride := t.stride(t.boxes)
	job.raw = resize(job.raw, int(stride))
	if _, err := f.ReadAt(job.raw, int64(i)*stride); err != nil {
		return s, false, nil, cutShort(err)
	}
	size := t.size(e.n)
	if crc32.Checksum(job.raw[:size], castagnoli) != e.sum {
		return s, false, nil, errors.New("its checksum is wrong")
	}
	for k, b := range job.raw[size:] {
		if b != 0 {
			return s, false, nil, fmt.Errorf("byte %d after it is not 0", k)
		}
	}
	r := &job.regions
	r.ID, r.Width, r.Height = e.id, e.width, e.height
	t.decode(r, job.raw[:size], e.n, e.labels)
	s, halves, problems = checks(r)
	if !t.half && s != e.stat {
		return s, halves, problems, errors.New("its table says something else about it than its features")
	}
	return s, halves, problems, nil
}
