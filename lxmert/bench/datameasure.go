package bench

import (
	"context"
	"crypto/sha256"
	"encoding/binary"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"hash"
	"os"
	"path/filepath"
	"strings"
	"sync/atomic"
	"time"

	"github.com/seed-516990b0/golxmert/internal/resident"
	"github.com/seed-516990b0/golxmert/lxmert"
	"github.com/seed-516990b0/golxmert/lxmert/lxrt"
	"github.com/seed-516990b0/golxmert/lxmert/region"
)

// dataSpec says what one process does with a feature file.
type dataSpec struct {
	TSV    string `json:"tsv"`
	Order  string `json:"order"`  // JSON: the ids of each batch; the first one is not timed
	Stores string `json:"stores"` // folder of the packed store
	Pack   bool   `json:"pack"`   // make the store; otherwise, read batches from it
}

// store is where OpenPacked looks for the store of the file.
func (s dataSpec) store() string {
	return filepath.Join(s.Stores, strings.TrimSuffix(filepath.Base(s.TSV), ".tsv")+".store")
}

func (s dataSpec) removeStore() error { return os.RemoveAll(s.Stores) }

func (s dataSpec) measure(ctx context.Context) (*dataResult, error) {
	r := &dataResult{Engine: "golxmert " + lxrt.Version()}
	var err error
	if s.Pack {
		err = s.pack(ctx, r)
	} else {
		err = s.read(ctx, r)
	}
	r.PeakRSS = resident.Peak()
	return r, err
}

func (s dataSpec) pack(ctx context.Context, r *dataResult) error {
	start := time.Now()
	if err := os.MkdirAll(s.Stores, 0o700); err != nil {
		return err
	}
	report, err := region.Pack(ctx, s.TSV, s.store(), region.PackOptions{})
	r.LoadS, r.StoreBytes = time.Since(start).Seconds(), report.Bytes
	return spaceHint(err)
}

func (s dataSpec) read(ctx context.Context, r *dataResult) error {
	text, err := os.ReadFile(s.Order)
	if err != nil {
		return err
	}
	var order [][]string
	if err := json.Unmarshal(text, &order); err != nil {
		return fmt.Errorf("%s: %w", s.Order, err)
	}
	start := time.Now()
	var packed atomic.Bool
	store, err := region.OpenPacked(ctx, s.TSV, region.PackedOptions{Dir: s.Stores, Progress: func(int64, int64, int) { packed.Store(true) }})
	if err != nil {
		return err
	}
	defer store.Close()
	r.LoadS = time.Since(start).Seconds()
	if packed.Load() {
		return fmt.Errorf("%s is not taken for the store of %s", s.store(), s.TSV)
	}
	digest := sha256.New()
	for i, ids := range order {
		start := time.Now()
		b, err := readBatch(ctx, store, ids)
		if err != nil {
			return err
		}
		if i > 0 {
			r.TimesMS = append(r.TimesMS, 1000*time.Since(start).Seconds())
		}
		addNumbers(digest, b.Feats.Data)
		addNumbers(digest, b.Boxes.Data)
	}
	r.Digest = hex.EncodeToString(digest.Sum(nil))
	return nil
}

// readBatch reads the region side of a batch, one image after the other.
func readBatch(ctx context.Context, store *region.Store, ids []string) (*lxmert.Batch, error) {
	images := make([]*region.Regions, len(ids))
	for i, id := range ids {
		r, err := store.Find(ctx, id)
		if err != nil {
			return nil, err
		}
		images[i] = r
	}
	var b lxmert.Batch
	return &b, region.Fill(&b, images...)
}

// addNumbers adds little-endian float32 to a digest, some at a time so that they are not in memory twice.
func addNumbers(h hash.Hash, values []float32) {
	for len(values) > 0 {
		n := min(len(values), 1<<14)
		binary.Write(h, binary.LittleEndian, values[:n]) // hashes never fail
		values = values[n:]
	}
}
