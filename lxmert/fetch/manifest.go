package fetch

import (
	"bytes"
	_ "embed"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"io/fs"
	"net/url"
	"path"
	"slices"
	"strings"
	"sync"
)

// Manifest lists files and the sets that tasks need. It is only read.
type Manifest struct {
	Sets  []Set
	Files []File
}

// Set is a choice of files under a name.
type Set struct {
	Name  string   `json:"name"`
	What  string   `json:"what"`  // a line for people
	Files []string `json:"files"` // paths, in the order in which they are fetched
}

// Kind is what a file must look like; the names are those of the constants.
type Kind string

// Kinds of files.
const (
	JSON  Kind = "json"  // a JSON array or object, or one per line
	TSV   Kind = "tsv"   // region features
	Torch Kind = "torch" // what torch.save writes, in its old or its zip format
	Text  Kind = "text"  // UTF-8 lines
	Zip   Kind = "zip"   // an archive with a readable directory
)

// File is one file in its final form.
type File struct {
	Path    string   `json:"path"`             // below [Fetcher.Dir], with slashes
	Kind    Kind     `json:"kind"`             //
	Size    int64    `json:"size,omitempty"`   // bytes, 0: not known
	SHA256  string   `json:"sha256,omitempty"` // hexadecimal, "": not known
	InZip   bool     `json:"in_zip,omitempty"` // it may stay in the zip that it is published in
	Sources []Source `json:"sources"`          // what it can be made of, in turn
}

// Source is one way to get a file: a download that is the file, or one that it is made of.
type Source struct {
	URLs     []string // mirrors, in turn
	Original string   // where the download is kept, as [File.Path]; "": it is the file itself
	Member   string   // the file's base name in the zip Original, "": Original is not an archive
	Convert  string   // how the file is made of Original or its member, for [Fetcher.Convert]; "": as it is
	About    int64    // bytes of the download, roughly; 0: not known
}

//go:embed manifest.json
var published []byte

var parsePublished = sync.OnceValue(func() *Manifest {
	m, err := parseManifest(published)
	if err != nil {
		panic(err) // a test reads the very bytes
	}
	return m
})

// Published returns the manifest of LXMERT's published files. Its sets are "vqa", "gqa", "nlvr2", "pretrain", "weights",
// "epoch20", "vocab", and "epoch01" to "epoch12".
func Published() *Manifest { return parsePublished() }

// Set finds a set by its name.
func (m *Manifest) Set(name string) (Set, bool) {
	i := slices.IndexFunc(m.Sets, func(s Set) bool { return s.Name == name })
	if i < 0 {
		return Set{}, false
	}
	return m.Sets[i], true
}

// File finds a file by its path.
func (m *Manifest) File(path string) (File, bool) {
	i := slices.IndexFunc(m.Files, func(f File) bool { return f.Path == path })
	if i < 0 {
		return File{}, false
	}
	return m.Files[i], true
}

// parseManifest reads manifest.json, in which URLs are a mirror group's prefixes and a path.
func parseManifest(text []byte) (*Manifest, error) {
	type fileSource struct {
		From     string `json:"from"`
		At       string `json:"at"`
		Original string `json:"original"`
		Member   string `json:"member"`
		Convert  string `json:"convert"`
		About    int64  `json:"about"`
	}
	var in struct {
		Mirrors map[string][]string `json:"mirrors"`
		Sets    []Set               `json:"sets"`
		Files   []struct {
			File
			Sources []fileSource `json:"sources"`
		} `json:"files"`
	}
	d := json.NewDecoder(bytes.NewReader(text))
	d.DisallowUnknownFields()
	if err := d.Decode(&in); err != nil {
		return nil, fmt.Errorf("fetch: manifest.json, offset %d: %w", d.InputOffset(), err)
	}
	m := &Manifest{Sets: in.Sets}
	for _, f := range in.Files {
		for _, s := range f.Sources {
			src := Source{Original: s.Original, Member: s.Member, Convert: s.Convert, About: s.About}
			for _, prefix := range in.Mirrors[s.From] {
				src.URLs = append(src.URLs, prefix+s.At)
			}
			f.File.Sources = append(f.File.Sources, src)
		}
		m.Files = append(m.Files, f.File)
	}
	if err := m.check(); err != nil {
		return nil, fmt.Errorf("fetch: manifest: %w", err)
	}
	return m, nil
}

// check refuses a manifest that would write outside its folder, or that means nothing.
func (m *Manifest) check() error {
	seen := map[string]bool{}
	for _, f := range m.Files {
		err := f.check()
		if err == nil && seen[f.Path] {
			err = fmt.Errorf("listed twice")
		}
		if err != nil {
			return fmt.Errorf("file %q: %w", f.Path, err)
		}
		seen[f.Path] = true
	}
	names := map[string]bool{}
	for _, s := range m.Sets {
		if s.Name == "" || names[s.Name] {
			return fmt.Errorf("set %q: the name is empty or used twice", s.Name)
		}
		names[s.Name] = true
		for _, p := range s.Files {
			if !seen[p] {
				return fmt.Errorf("set %q: there is no file %q", s.Name, p)
			}
		}
	}
	return nil
}

func (f *File) check() error {
	if !isPlace(f.Path) {
		return fmt.Errorf("the path is not a plain one below a folder")
	}
	if !slices.Contains([]Kind{JSON, TSV, Torch, Text, Zip}, f.Kind) {
		return fmt.Errorf("there is no kind %q", f.Kind)
	}
	if sum, err := hex.DecodeString(f.SHA256); err != nil || len(sum) != 0 && len(sum) != 32 || f.SHA256 != strings.ToLower(f.SHA256) {
		return fmt.Errorf("%q is not a SHA-256 in small hexadecimal digits", f.SHA256)
	}
	if f.Size < 0 || len(f.Sources) == 0 {
		return fmt.Errorf("its size is negative or it has no sources")
	}
	for _, s := range f.Sources {
		switch {
		case len(s.URLs) == 0:
			return fmt.Errorf("a source has no URLs")
		case s.Original != "" && (!isPlace(s.Original) || s.Original == f.Path):
			return fmt.Errorf("the original's path %q is not a plain one below a folder", s.Original)
		case s.Original == "" && (s.Member != "" || s.Convert != ""):
			return fmt.Errorf("what it is made of has no place")
		case s.Original != "" && s.Member == "" && s.Convert == "":
			return fmt.Errorf("how it is made of %s is not said", s.Original)
		case s.Member != path.Base(s.Member) && s.Member != "":
			return fmt.Errorf("the member %q is not a base name", s.Member)
		case f.InZip && (s.Member == "" || s.Convert != ""):
			return fmt.Errorf("it may stay in a zip, but its source is not a zip")
		case s.Original != "" && (f.Size != 0 || f.SHA256 != ""):
			return fmt.Errorf("the size or sum of what is made of %s cannot be known", s.Original)
		case s.About < 0:
			return fmt.Errorf("a negative size")
		}
		for _, u := range s.URLs {
			if parsed, err := url.Parse(u); err != nil || parsed.Host == "" || parsed.Scheme != "https" && parsed.Scheme != "http" {
				return fmt.Errorf("%q is not an http or https address", u)
			}
		}
	}
	return nil
}

// isPlace tells paths that stay below their folder, on every system.
func isPlace(p string) bool {
	return fs.ValidPath(p) && p != "." && !strings.ContainsAny(p, `\:`) && !strings.ContainsFunc(p, func(r rune) bool { return r < ' ' })
}
