package wire

import (
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

func TestASessionHasAPlaceOfItsUsersOwn(t *testing.T) {
	cache, runtime := t.TempDir(), t.TempDir()
	t.Setenv("HOME", cache)
	t.Setenv("XDG_CACHE_HOME", cache)
	t.Setenv("XDG_RUNTIME_DIR", runtime)
	t.Setenv(DirEnv, "")
	find := func(dir string) Place {
		p, err := Find(dir)
		if err != nil {
			t.Fatal(err)
		}
		return p
	}
	p := find("")
	if p.Dir != filepath.Join(runtime, "golxmert") || filepath.Dir(p.Runs) == p.Dir {
		t.Errorf("with a folder for sockets: %+v; records must outlive it", p)
	}
	t.Setenv("XDG_RUNTIME_DIR", filepath.Join(runtime, "gone"))
	if p := find(""); !strings.HasPrefix(p.Socket, filepath.Dir(p.Runs)) && !strings.HasPrefix(p.Socket, "/tmp/golxmert-") {
		t.Errorf("without one: %+v", p)
	}
	t.Setenv(DirEnv, filepath.Join(cache, "other"))
	if p := find(""); p.Dir != filepath.Join(cache, "other") {
		t.Errorf("where the environment says: %+v", p)
	}
	long := find(filepath.Join(cache, strings.Repeat("long", 40)))
	if len(long.Socket) > maxSocket || !strings.HasPrefix(long.Socket, "/tmp/golxmert-") || !strings.HasPrefix(long.Log, cache) {
		t.Errorf("where names are long: %+v", long)
	}
	if other := find(filepath.Join(cache, strings.Repeat("long", 41))); other.Dir == long.Dir {
		t.Error("two places share a socket")
	}
}

func TestOnlyAPrivateFolderIsTrusted(t *testing.T) {
	dir := t.TempDir()
	p := placeIn(filepath.Join(dir, "s"), dir)
	if err := p.Check(); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("before it is made: %v", err)
	}
	if err := p.Prepare(); err != nil {
		t.Fatal(err)
	}
	if err := os.Chmod(p.Dir, 0o750); err != nil {
		t.Fatal(err)
	}
	if err := p.Check(); !errors.Is(err, ErrNotPrivate) || !strings.Contains(err.Error(), "0750") {
		t.Errorf("open to a group: %v", err)
	}
	link := placeIn(filepath.Join(dir, "link"), dir)
	if err := os.Chmod(p.Dir, 0o700); err != nil {
		t.Fatal(err)
	}
	if err := os.Symlink(p.Dir, link.Dir); err != nil {
		t.Fatal(err)
	}
	if err := link.Check(); !errors.Is(err, ErrNotPrivate) {
		t.Errorf("a link, which somebody else may have made: %v", err)
	}
}
