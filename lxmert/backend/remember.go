package backend

import (
	"context"
	"crypto/sha256"
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"

	"github.com/seed-516990b0/golxmert/internal/atomicfile"
)

// A plugin that worked once works again while its file stays the same, so that a normal start does not pay for a child
// process. What is remembered is keyed by path, size and modification time; failures are not remembered.

// try says why a plugin cannot be used, "" if it can. Without a child process to try it in, it looks at the file only.
func (m *machine) try(ctx context.Context, c candidate) string {
	return m.probeRemembered(ctx, c.path).Err
}

func (m *machine) probeRemembered(ctx context.Context, path string) probeResult {
	if err := m.checkFile(path); err != nil {
		return probeResult{Err: err.Error()}
	}
	if m.probe == nil {
		return probeResult{}
	}
	note := m.noteFile(path)
	if text, err := os.ReadFile(note); err == nil {
		var r probeResult
		if json.Unmarshal(text, &r) == nil && r.Err == "" && len(r.Devices) > 0 {
			return r
		}
	}
	r := m.probe(ctx, path)
	m.remember(path, r)
	return r
}

// remember keeps that a plugin works. Not being able to costs the next start a fraction of a second, no more.
func (m *machine) remember(path string, r probeResult) {
	note := m.noteFile(path)
	if r.Err != "" || len(r.Devices) == 0 || note == "" {
		return
	}
	if text, err := json.Marshal(r); err == nil {
		_ = writeFile(note, text)
	}
}

// forget drops what is remembered of a plugin that did not keep its promise.
func (m *machine) forget(path string) {
	if note := m.noteFile(path); note != "" {
		os.Remove(note)
	}
}

// noteFile is where the outcome of trying a plugin is kept; "": nowhere.
func (m *machine) noteFile(path string) string {
	info, err := os.Stat(path)
	if err != nil || m.cache == "" {
		return ""
	}
	key := sha256.Sum256(fmt.Appendf(nil, "%s\n%d\n%d\n%s/%s", path, info.Size(), info.ModTime().UnixNano(), m.os, m.arch))
	return filepath.Join(m.cache, "probe", fmt.Sprintf("%x.json", key[:12]))
}

// writeFile replaces a file, in a folder that is made if need be.
func writeFile(path string, data []byte) error {
	if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
		return err
	}
	return atomicfile.Write(path, 0o644, data)
}
