package fetch

import (
	"bufio"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"time"

	"github.com/seed-516990b0/golxmert/internal/atomicfile"
)

// recordName is where the checksums of what was fetched are written, below the folder.
const recordName = "data/.lxmert-fetch.json"

// recordVersion is that of the record's format.
const recordVersion = 1

// entry is what is known of a file since it was first seen.
type entry struct {
	Size     int64     `json:"size"`
	SHA256   string    `json:"sha256,omitempty"` // "": put there by hand, and large
	From     string    `json:"from,omitempty"`   // a URL, or what it was made of; "": put there by hand
	Recorded time.Time `json:"recorded"`
	Modified time.Time `json:"modified"` // the file's time when it was last checked against SHA256
}

// record is the checksums of a folder's files.
type record struct {
	Version int              `json:"version"`
	Files   map[string]entry `json:"files"`

	path string
}

// readRecord reads a folder's record; where there is none it is empty.
func readRecord(path string) (*record, error) {
	r := &record{Version: recordVersion, Files: map[string]entry{}, path: path}
	text, err := os.ReadFile(path)
	if errors.Is(err, os.ErrNotExist) {
		return r, nil
	}
	if err != nil {
		return nil, err
	}
	if err := json.Unmarshal(text, r); err != nil {
		return nil, fmt.Errorf("%s: %w; repair it, or remove it to record the files anew", path, err)
	}
	if r.Version != recordVersion {
		return nil, fmt.Errorf("%s: version %d of this file is not known here; remove it to record the files anew", path, r.Version)
	}
	if r.Files == nil {
		r.Files = map[string]entry{}
	}
	return r, nil
}

// put remembers a file.
func (r *record) put(name string, e entry) error {
	if r.Files[name] == e {
		return nil
	}
	r.Files[name] = e
	if err := os.MkdirAll(filepath.Dir(r.path), 0o777); err != nil {
		return err
	}
	return atomicfile.Replace(r.path, func(_ *os.File, w *bufio.Writer) error {
		e := json.NewEncoder(w)
		e.SetIndent("", "  ")
		return e.Encode(r)
	})
}
