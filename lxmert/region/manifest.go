package region

import (
	"bufio"
	"encoding/json"
	"errors"
	"fmt"
	"hash/fnv"
	"io"
	"os"
	"path/filepath"
	"time"

	"github.com/seed-516990b0/golxmert/internal/atomicfile"
	"github.com/seed-516990b0/golxmert/internal/excerpt"
)

const (
	manifestName    = "manifest.json"
	manifestFormat  = "golxmert region store"
	manifestVersion = 1
	maxManifest     = 64 << 20 // bytes
)

// manifest is what a store says of itself. It stands there, not complete, from the beginning of packing on, and is
// replaced at the end.
type manifest struct {
	Format   string `json:"format"`
	Version  int    `json:"version"`
	Complete bool   `json:"complete"`
	packing
	Form        []string     `json:"sourceForm,omitempty"` // how the source is not as published
	Dim         int          `json:"dim,omitempty"`
	MaxBoxes    int          `json:"maxBoxes,omitempty"`
	Rows        int          `json:"rows,omitempty"`
	Images      int          `json:"images,omitempty"` // different ids
	Shards      []shardInfo  `json:"shards,omitempty"`
	Fingerprint *Fingerprint `json:"fingerprint,omitempty"`
}

// packing says what is packed, and how: stores of equal packings are equal.
type packing struct {
	Source    origin `json:"source"`
	Extractor string `json:"extractor,omitempty"`
	DType     string `json:"dtype"`               // of the features: float32 or float16
	FirstRows int    `json:"firstRows,omitempty"` // only this many rows of the source; 0: all
}

// origin tells the source of a store from others, and from what it was before it was changed.
type origin struct {
	File       string    `json:"file"` // without its folder
	Size       int64     `json:"size"`
	Modified   time.Time `json:"modified"`
	Member     string    `json:"member,omitempty"` // of a zip
	MemberSize int64     `json:"memberSize,omitempty"`
}

func (o origin) same(other origin) bool {
	return o.File == other.File && o.Size == other.Size && o.Member == other.Member && o.MemberSize == other.MemberSize && o.Modified.Equal(other.Modified)
}

// shardInfo is what the manifest says of a shard: enough to notice that it is another one.
type shardInfo struct {
	Records int    `json:"records"`
	Size    int64  `json:"size"`
	Table   string `json:"table"` // CRC-32C of its table, which has those of its records, in hexadecimal
}

func shardName(i int) string { return fmt.Sprintf("shard-%05d.bin", i) }

// identity is a number that shards of one packing share.
func (p packing) identity() uint64 {
	text, err := json.Marshal(p)
	if err != nil {
		panic(err) // strings, integers and a time of a file
	}
	h := fnv.New64a()
	h.Write(text)
	return h.Sum64()
}

// way says how it is packed.
func (p packing) way() string {
	rows := "all rows"
	if p.FirstRows > 0 {
		rows = fmt.Sprintf("the first %d rows", p.FirstRows)
	}
	if p.Extractor != "" {
		rows += " of " + excerpt.Quote(p.Extractor)
	}
	return rows + " as " + p.DType
}

func (p packing) half() bool { return p.DType == "float16" }

// errIncomplete is wrapped by the error about a store that was not packed to its end.
var errIncomplete = errors.New("the store is not complete")

// errNotHere is what is wrong with a whole shard that was put where another belongs.
var errNotHere = errors.New("it belongs to another store, or to another place in it")

// readManifest reads the manifest of a store. The error wraps [fs.ErrNotExist] where there is none.
func readManifest(dir string) (*manifest, error) {
	path := filepath.Join(dir, manifestName)
	f, err := os.Open(path)
	if err != nil {
		return nil, fmt.Errorf("region: %w", err)
	}
	defer f.Close()
	text, err := io.ReadAll(io.LimitReader(f, maxManifest+1))
	if err != nil {
		return nil, fmt.Errorf("region: %w", err)
	}
	m := new(manifest)
	if err := json.Unmarshal(text, m); err != nil || len(text) > maxManifest {
		return nil, fmt.Errorf("%w: %s: not the manifest of a store: %w", ErrFormat, path, errors.Join(err, tooLong(int64(len(text)/maxManifest))))
	}
	if m.Format != manifestFormat {
		return nil, fmt.Errorf("%w: %s: not the manifest of a store of region features: its format is %s", ErrFormat, path, excerpt.Quote(m.Format))
	}
	if m.Version != manifestVersion {
		return nil, fmt.Errorf("%w: %s: version %d; this program reads version %d: pack the features again", ErrFormat, path, m.Version, manifestVersion)
	}
	if m.DType != "float32" && m.DType != "float16" {
		return nil, fmt.Errorf("%w: %s: dtype %s, must be float32 or float16", ErrFormat, path, excerpt.Quote(m.DType))
	}
	return m, nil
}

func (m *manifest) write(dir string) error {
	m.Format, m.Version = manifestFormat, manifestVersion
	return atomicfile.Replace(filepath.Join(dir, manifestName), func(_ *os.File, w *bufio.Writer) error {
		e := json.NewEncoder(w)
		e.SetIndent("", "  ")
		return e.Encode(m)
	})
}

// isStore says whether a folder is a store, or what is left of one.
func isStore(dir string) bool {
	if filepath.Ext(dir) == ".store" {
		return true
	}
	_, err := readManifest(dir)
	return err == nil
}
