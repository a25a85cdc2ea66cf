package region

import (
	"context"
	"errors"
	"fmt"
	"hash/crc32"
	"iter"
	"os"
	"path/filepath"
	"slices"
	"sort"
	"strings"
	"sync"

	"github.com/seed-516990b0/golxmert/internal/excerpt"
)

// Store is a packed store: a folder that holds the regions of many images so that any of them is read with one request to
// the file system. It keeps the images' ids and sizes in memory, some 130 bytes each, and no features. Its methods may be
// called from several goroutines.
//
// Its rows are those of the file that was packed, in its order, with those that later ones replace.
type Store struct {
	dir    string
	about  manifest
	layout layout
	shards []storeShard
	rows   []storeRow
	last   map[string]int32 // the last row of each id
	raw    sync.Pool        // *[]byte, of records
}

var _ Source = (*Store)(nil)

type storeShard struct {
	file   *os.File
	first  int // row
	stride int64
}

// storeRow is what a store keeps of an image in memory.
type storeRow struct {
	id               string
	n, width, height int32
	labels, sum      uint32
}

// OpenStore opens a packed store. A store that was not packed to its end is an error.
func OpenStore(dir string) (*Store, error) { return openStore(dir, 0) }

// openStore opens a store, or only its first rows.
func openStore(dir string, limit int) (*Store, error) {
	m, err := readManifest(dir)
	if err != nil {
		return nil, err
	}
	if !m.Complete {
		return nil, fmt.Errorf("%w: %s: %w: packing %s was interrupted; `lxmert pack` goes on with it", ErrFormat, dir, errIncomplete, excerpt.Quote(m.Source.File))
	}
	s := &Store{dir: dir, about: *m, layout: layout{m.Dim, m.half()}}
	for i, info := range m.Shards {
		if limit > 0 && len(s.rows) >= limit {
			break
		}
		if err := s.addShard(i, info, limit); err != nil {
			return nil, errors.Join(fmt.Errorf("%w: %s: %w", ErrFormat, filepath.Join(dir, shardName(i)), err), s.Close())
		}
	}
	if want := m.Rows; len(s.rows) != want && (limit == 0 || len(s.rows) != min(limit, want)) {
		return nil, errors.Join(fmt.Errorf("%w: %s: %d rows in its shards, %d in its manifest", ErrFormat, dir, len(s.rows), want), s.Close())
	}
	s.last = make(map[string]int32, len(s.rows))
	for i := range s.rows {
		s.last[s.rows[i].id] = int32(i)
	}
	return s, nil
}

// addShard opens a shard and reads its table.
func (s *Store) addShard(i int, info shardInfo, limit int) error {
	f, err := os.Open(filepath.Join(s.dir, shardName(i)))
	if err != nil {
		return err
	}
	t, err := checkShard(f, info)
	if err == nil && (t.layout != s.layout || t.first != len(s.rows) || t.identity != s.about.identity()) {
		err = errNotHere
	}
	if err != nil {
		f.Close()
		return err
	}
	s.shards = append(s.shards, storeShard{f, t.first, t.stride(t.boxes)})
	s.rows = slices.Grow(s.rows, len(t.entries))
	for i := range t.entries {
		if limit > 0 && len(s.rows) == limit {
			break
		}
		e := &t.entries[i]
		s.rows = append(s.rows, storeRow{e.id, int32(e.n), int32(e.width), int32(e.height), e.labels, e.sum})
	}
	return nil
}

// checkShard reads the table of a shard and compares it with what the manifest says.
func checkShard(f *os.File, info shardInfo) (*table, error) {
	stat, err := f.Stat()
	if err != nil {
		return nil, err
	}
	if stat.Size() != info.Size {
		return nil, fmt.Errorf("the file has %d bytes, the manifest says %d", stat.Size(), info.Size)
	}
	t, err := readTable(f, info.Size)
	if err != nil {
		return nil, err
	}
	if len(t.entries) != info.Records || t.text() != info.Table {
		return nil, fmt.Errorf("%d records with the checksum %s, the manifest says %d with %s", len(t.entries), t.text(), info.Records, excerpt.Quote(info.Table))
	}
	return t, nil
}

// text is the checksum as manifests have it.
func (t *table) text() string { return fmt.Sprintf("%08x", t.sum) }

// Close closes the store's files.
func (s *Store) Close() error {
	var errs []error
	for _, shard := range s.shards {
		errs = append(errs, shard.file.Close())
	}
	return errors.Join(errs...)
}

// notes say what the store was packed from, where that was not as published.
func (s *Store) notes() []string {
	if len(s.about.Form) == 0 {
		return nil
	}
	return []string{"packed from another form: " + excerpt.Quote(strings.Join(s.about.Form, "; "))}
}

// Path is the store's folder.
func (s *Store) Path() string { return s.dir }

// Rows is how many rows there are, with those that later ones replace.
func (s *Store) Rows() int { return len(s.rows) }

// Len is how many images there are, each counted once.
func (s *Store) Len() int { return len(s.last) }

// Dim is the number of features of a box.
func (s *Store) Dim() int { return s.layout.dim }

// Half says whether features are stored as float16.
func (s *Store) Half() bool { return s.layout.half }

// Fingerprint is that of all rows that were packed, however many of them s shows.
func (s *Store) Fingerprint() Fingerprint {
	if s.about.Fingerprint == nil {
		return Fingerprint{}
	}
	return *s.about.Fingerprint
}

// Has says whether there is an image.
func (s *Store) Has(id string) bool {
	_, ok := s.last[id]
	return ok
}

// Index is the row of an image, the last of several; ok is false if there is none.
func (s *Store) Index(id string) (i int, ok bool) {
	at, ok := s.last[id]
	return int(at), ok
}

// ID is the image of row i, from 0 to Rows()-1.
func (s *Store) ID(i int) string { return s.rows[i].id }

// Read fills dst with row i, from 0 to Rows()-1, reusing its slices where they are large enough. A record that is not
// what was packed is an error that wraps [ErrFormat].
func (s *Store) Read(i int, dst *Regions) error {
	r := &s.rows[i]
	raw, _ := s.raw.Get().(*[]byte)
	if raw == nil {
		raw = new([]byte)
	}
	defer s.raw.Put(raw)
	*raw = resize(*raw, int(s.layout.size(int(r.n))))
	shard := sort.Search(len(s.shards), func(k int) bool { return s.shards[k].first > i }) - 1
	at := &s.shards[shard]
	offset := int64(i-at.first) * at.stride
	_, err := at.file.ReadAt(*raw, offset)
	if err == nil && crc32.Checksum(*raw, castagnoli) != r.sum {
		err = errors.New("its checksum is wrong: the file is damaged; remove the store and pack the features again")
	}
	if err != nil {
		return fmt.Errorf("%w: %s: record %d, image %s, at byte %d: %w", ErrFormat, filepath.Join(s.dir, shardName(shard)), i-at.first, excerpt.Quote(r.id), offset, cutShort(err))
	}
	dst.ID, dst.Source, dst.Width, dst.Height = r.id, s.dir, int(r.width), int(r.height)
	s.layout.decode(dst, *raw, int(r.n), r.labels)
	return nil
}

// Find implements [Source]. It reads one record.
func (s *Store) Find(ctx context.Context, id string) (*Regions, error) {
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	i, ok := s.last[id]
	if !ok {
		ids, err := s.IDs(ctx)
		if err != nil {
			return nil, err
		}
		return nil, notFound(s.dir, id, ids)
	}
	r := new(Regions)
	return r, s.Read(int(i), r)
}

// IDs implements [Source].
func (s *Store) IDs(context.Context) ([]string, error) {
	ids := make([]string, 0, len(s.last))
	seen := make(map[string]bool, len(s.last))
	for i := range s.rows {
		if id := s.rows[i].id; !seen[id] {
			seen[id] = true
			ids = append(ids, id)
		}
	}
	return ids, nil
}

// All implements [Source].
func (s *Store) All(ctx context.Context) iter.Seq2[*Regions, error] {
	return func(yield func(*Regions, error) bool) {
		for i := range s.rows {
			r := new(Regions)
			err := ctx.Err()
			if err == nil {
				err = s.Read(i, r)
			}
			if err != nil {
				yield(nil, err)
				return
			}
			if !yield(r, nil) {
				return
			}
		}
	}
}
