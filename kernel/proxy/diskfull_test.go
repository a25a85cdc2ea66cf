package proxy

import (
	"strings"
	"testing"
)

func TestWantOfRoomNamesThePlace(t *testing.T) {
	k := &kernel{private: &private{dir: "/tmp/lxk-1"}}
	for _, c := range []struct{ name, value, place string }{
		{"compile error", "link: mapping output file failed: no space left on device", "/tmp/lxk-1"},
		{"compile error", "write /tmp/lxk-1/go-build7/b001/a.out: no space left on device", "/tmp/lxk-1"},
		{"compile error", "$WORK/b001/_pkg_.a: no space left on device", "/tmp/lxk-1"},
		{"compile error", "open /home/u/.cache/go-build/00/x-d: disk quota exceeded", "/home/u/.cache/go-build/00/x-d"},
		{"kernel", "the module of cells: write /tmp/lxk-1/gonb_1/go.mod: no space left on device", "/tmp/lxk-1"},
		{"lx error", "run: write /data/LAST.pth: no space left on device", ""},
		{"compile error", "undefined: x", ""},
	} {
		f := &failure{name: c.name, value: c.value}
		got := k.explainNoRoom(f)
		if c.place == "" && got != f {
			t.Errorf("%s: %s becomes %q", c.name, c.value, got.value)
		}
		if c.place != "" && !strings.Contains(got.value, " at "+c.place+": ") {
			t.Errorf("%s: %s becomes %q, without %s", c.name, c.value, got.value, c.place)
		}
	}
}
