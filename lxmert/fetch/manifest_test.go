package fetch

import (
	"net/url"
	"path"
	"slices"
	"strings"
	"testing"

	"github.com/seed-516990b0/golxmert/lxmert/internal/release"
)

func TestPublishedManifestIsSound(t *testing.T) {
	m, err := parseManifest(published)
	if err != nil {
		t.Fatal(err)
	}
	used := map[string]bool{}
	for _, s := range m.Sets {
		if s.What == "" || len(s.Files) == 0 {
			t.Errorf("set %q is empty or not explained", s.Name)
		}
		for i, p := range s.Files {
			used[p] = true
			if slices.Contains(s.Files[:i], p) {
				t.Errorf("set %q lists %s twice", s.Name, p)
			}
		}
	}
	for _, f := range m.Files {
		if !used[f.Path] {
			t.Errorf("no set has %s", f.Path)
		}
		for _, s := range f.Sources {
			for _, u := range s.URLs {
				parsed, err := url.Parse(u)
				if err != nil || parsed.RawQuery != "" || strings.Contains(parsed.Path, "//") {
					t.Errorf("%s: %q", f.Path, u)
				}
			}
			if !strings.HasPrefix(s.URLs[0], "https://") {
				t.Errorf("%s: %q is asked first", f.Path, s.URLs[0])
			}
			if f.InZip && (path.Dir(s.Original) != path.Dir(f.Path) || s.Original != strings.TrimSuffix(f.Path, ".tsv")+".zip" || s.Member != path.Base(f.Path)) {
				t.Errorf("%s: its zip is %s with %s", f.Path, s.Original, s.Member)
			}
		}
	}
}

// TestSetsHaveWhatTheReferenceReads compares with the paths that the reference's data sets open.
func TestSetsHaveWhatTheReferenceReads(t *testing.T) {
	for name, want := range map[string][]string{
		"vqa": {
			"data/vqa/train.json", "data/vqa/nominival.json", "data/vqa/minival.json", "data/vqa/test.json",
			"data/vqa/trainval_ans2label.json", "data/vqa/trainval_label2ans.json", "data/lxmert/all_ans.json",
			"data/mscoco_imgfeat/train2014_obj36.tsv", "data/mscoco_imgfeat/val2014_obj36.tsv", "data/mscoco_imgfeat/test2015_obj36.tsv",
		},
		"gqa": {
			"data/gqa/train.json", "data/gqa/valid.json", "data/gqa/testdev.json", "data/gqa/submit.json",
			"data/gqa/trainval_ans2label.json", "data/gqa/trainval_label2ans.json", "data/lxmert/all_ans.json",
			"data/vg_gqa_imgfeat/vg_gqa_obj36.tsv", "data/vg_gqa_imgfeat/gqa_testdev_obj36.tsv",
		},
		"nlvr2": {
			"data/nlvr2/train.json", "data/nlvr2/valid.json", "data/nlvr2/test.json",
			"data/nlvr2_imgfeat/train_obj36.tsv", "data/nlvr2_imgfeat/valid_obj36.tsv", "data/nlvr2_imgfeat/test_obj36.tsv",
		},
		"pretrain": {
			"data/lxmert/mscoco_train.json", "data/lxmert/mscoco_nominival.json", "data/lxmert/mscoco_minival.json", "data/lxmert/vgnococo.json",
			"data/lxmert/all_ans.json", "data/mscoco_imgfeat/train2014_obj36.tsv", "data/mscoco_imgfeat/val2014_obj36.tsv", "data/vg_gqa_imgfeat/vg_gqa_obj36.tsv",
		},
		"weights": {"data/lxmert/all_ans.json", "snap/pretrained/model_LXRT.pth"},
		"epoch20": {"data/lxmert/all_ans.json", "snap/pretrained/Epoch20_LXRT.pth"},
		"epoch07": {"data/lxmert/all_ans.json", "snap/pretrained/Epoch07_LXRT.pth"},
		"vocab":   nil,
	} {
		set, ok := Published().Set(name)
		if !ok {
			t.Errorf("there is no set %s", name)
		}
		want = append(want, "data/vocab.txt") // everything needs it
		slices.Sort(want)
		got := slices.Sorted(slices.Values(set.Files))
		if !slices.Equal(got, want) {
			t.Errorf("%s has %q, expected %q", name, got, want)
		}
	}
	f, _ := Published().File("snap/pretrained/Epoch20_LXRT.pth")
	if got := f.Sources[0].URLs[0]; got != "https://nlp.cs.unc.edu/data/github_pretrain/lxmert20/Epoch20_LXRT.pth" {
		t.Errorf("epoch 20 is at %s", got)
	}
	if _, ok := Published().File("x"); ok {
		t.Error("there is a file x")
	}
}

func TestManifestsThatMakeNoSenseAreRefused(t *testing.T) {
	text := func(file string) string {
		return `{"mirrors":{"m":["https://h/"]},"sets":[{"name":"s","files":["a"]}],"files":[` + file + `]}`
	}
	good := `{"path":"a","kind":"json","sources":[{"from":"m","at":"b"}]}`
	if _, err := parseManifest([]byte(text(good))); err != nil {
		t.Fatal(err)
	}
	change := func(old, replacement string) string { return text(strings.Replace(good, old, replacement, 1)) }
	for want, bad := range map[string]string{
		"offset":                  change(`"kind"`, `kind`),
		"unknown field":           change(`"kind"`, `"king"`),
		"a plain one":             change(`"a"`, `"../a"`),
		"no kind":                 change(`json`, `xml`),
		"SHA-256":                 change(`"kind"`, `"sha256":"AB","kind"`),
		"negative or it has no":   change(`"kind"`, `"size":-1,"kind"`),
		"no URLs":                 change(`"m"`, `"n"`),
		"original's path":         change(`"at"`, `"original":"/x","convert":"c","at"`),
		"no place":                change(`"at"`, `"member":"x","at"`),
		"is not said":             change(`"at"`, `"original":"x","at"`),
		"base name":               change(`"at"`, `"original":"x","member":"y/x","at"`),
		"its source is not a zip": change(`"kind"`, `"in_zip":true,"kind"`),
		"cannot be known":         change(`"kind":"json","sources":[{`, `"size":1,"kind":"json","sources":[{"original":"x","convert":"c",`),
		"a negative size":         change(`"at"`, `"about":-1,"at"`),
		"listed twice":            text(good + "," + good),
		"there is no file":        text(strings.Replace(good, `"a"`, `"b"`, 1)),
		"used twice":              strings.Replace(text(good), `"sets":[`, `"sets":[{"name":"s","files":["a"]},`, 1),
		"not an http":             strings.Replace(text(good), "https:", "file:", 1),
	} {
		if _, err := parseManifest([]byte(bad)); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: error %v does not say %q", bad, err, want)
		}
	}
}

// FuzzManifest: a manifest that is accepted has no path that leads outside.
func FuzzManifest(f *testing.F) {
	f.Add(published)
	f.Add([]byte(`{"mirrors":{"m":["https://h/"]},"files":[{"path":"a\\..\\b","kind":"json","sources":[{"from":"m"}]}]}`))
	f.Fuzz(func(t *testing.T, text []byte) {
		m, err := parseManifest(text)
		if err != nil {
			return
		}
		for _, file := range m.Files {
			for _, p := range append([]string{file.Path}, originals(file)...) {
				if strings.HasPrefix(p, "/") || slices.Contains(strings.FieldsFunc(p, func(r rune) bool { return r == '/' || r == '\\' }), "..") {
					t.Fatalf("%q", p)
				}
			}
		}
	})
}

func originals(f File) []string {
	var names []string
	for _, s := range f.Sources {
		names = append(names, s.Original)
	}
	return names
}

// FuzzContentRange: a range that is read is one.
func FuzzContentRange(f *testing.F) {
	for _, text := range []string{"bytes 0-9/10", "bytes 5-9/*", "bytes 9-5/10", "bytes */10", "bytes -1-2/3", "lines 1-2/3", ""} {
		f.Add(text)
	}
	f.Fuzz(func(t *testing.T, text string) {
		first, last, total, ok := parseRange(text)
		if ok && (first < 0 || last < first || total >= 0 && total <= last || last-first+1 <= 0) {
			t.Fatalf("%q: %d-%d/%d", text, first, last, total)
		}
	})
}

// TestErrorsNameTheSetsOfTheManifest: package release, which errors elsewhere ask, knows every published file, and each by
// a set that has it.
func TestErrorsNameTheSetsOfTheManifest(t *testing.T) {
	m, known := Published(), release.Sets()
	for _, f := range m.Files {
		if known[f.Path] == "" {
			t.Errorf("%s is published, and no error says how to get it", f.Path)
		}
	}
	for path, name := range known {
		set, ok := m.Set(name)
		if !ok || !slices.Contains(set.Files, path) {
			t.Errorf("%s is said to be in the set %s", path, name)
		}
	}
}
