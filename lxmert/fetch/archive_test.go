package fetch

import (
	"archive/zip"
	"bytes"
	"context"
	"encoding/binary"
	"fmt"
	"io"
	"io/fs"
	"math"
	"net/http"
	"os"
	"strings"
	"testing"
)

func TestUnpackingHasOneRightPlace(t *testing.T) {
	for _, inner := range []string{"x.tsv", "mscoco_imgfeat/x.tsv", "data/mscoco_imgfeat/x.tsv", "./x.tsv", "a//x.tsv"} {
		zipFile := archive(t, archived{"__MACOSX/._x.tsv", []byte("?"), 0}, archived{"d/", nil, fs.ModeDir}, archived{inner, table, 0}, archived{"d/README", []byte("?"), 0})
		s := newSite(t, map[string][]byte{"/x.zip": zipFile})
		f := newFetcher(t, one(zipped(s.URL+"/x.zip")))
		f.Unpack = true
		res := f.mustGet(t)
		f.holds(t, "data/f/x.tsv", table)
		f.expectTree(t, "data/f/x.tsv") // the zip is gone
		if res[0].State != Fetched || res[0].At != f.at("data/f/x.tsv") {
			t.Errorf("%+v", res)
		}
		if res := f.mustGet(t); res[0].State != There || len(s.asked()) != 1 {
			t.Errorf("again: %+v", res)
		}
	}
}

func TestZipsThatAreNotOursStay(t *testing.T) {
	zipFile := archive(t, archived{"x.tsv", table, 0})
	s := newSite(t, map[string][]byte{"/x.zip": zipFile})

	byHand := newFetcher(t, one(zipped(s.URL+"/x.zip")))
	byHand.put(t, "data/f/x.zip", zipFile)
	byHand.Unpack = true
	byHand.mustGet(t)
	byHand.expectTree(t, "data/f/x.tsv", "data/f/x.zip")

	kept := newFetcher(t, one(zipped(s.URL+"/x.zip")))
	kept.Unpack, kept.KeepZip = true, true
	kept.mustGet(t)
	kept.expectTree(t, "data/f/x.tsv", "data/f/x.zip")

	later := newFetcher(t, one(zipped(s.URL+"/x.zip")))
	later.mustGet(t)
	later.expectTree(t, "data/f/x.zip")
	later.Unpack = true // its own download of the run before
	later.mustGet(t)
	later.expectTree(t, "data/f/x.tsv")

	all := newFetcher(t, one(zipped(s.URL+"/x.zip")))
	all.put(t, "data/f/all.zip", zipFile)
	all.Unpack = true
	all.mustGet(t)
	all.expectTree(t, "data/f/x.tsv", "data/f/all.zip")
}

// patch changes the 46 fixed bytes of a zip's directory entries.
func patch(zipFile []byte, change func(entry []byte)) []byte {
	b := bytes.Clone(zipFile)
	for at := 0; ; {
		i := bytes.Index(b[at:], []byte("PK\x01\x02"))
		if i < 0 {
			return b
		}
		change(b[at+i:])
		at += i + 46
	}
}

// hostile are archives that no mirror has.
func hostile(t testing.TB) map[string][]byte {
	good := archived{"x.tsv", table, 0}
	return map[string][]byte{
		"leads outside its folder":                           archive(t, good, archived{"../x", table, 0}),
		"\"/etc/x.tsv\", which":                              archive(t, archived{"/etc/x.tsv", table, 0}),
		"\"a/../../x.tsv\", which":                           archive(t, archived{"a/../../x.tsv", table, 0}),
		"\"a/../x.tsv\", which":                              archive(t, archived{"a/../x.tsv", table, 0}),
		`"..\\x.tsv", which`:                                 archive(t, archived{`..\x.tsv`, table, 0}),
		`"C:\\x.tsv", which`:                                 archive(t, archived{`C:\x.tsv`, table, 0}),
		"\"x.tsv\" is a link":                                archive(t, archived{"x.tsv", []byte("/etc/passwd"), fs.ModeSymlink}),
		"\"y\" is a link":                                    archive(t, good, archived{"y", []byte("/etc"), fs.ModeSymlink}),
		"two members x.tsv":                                  archive(t, good, archived{"b/x.tsv", table, 0}),
		"no member x.tsv but \"a\", \"b\", \"c\" and 1 more": archive(t, archived{"a", nil, 0}, archived{"b", nil, 0}, archived{"c", nil, 0}, archived{"d", nil, 0}),
		"no member x.tsv but nothing":                        archive(t),
		"is encrypted":                                       patch(archive(t, good), func(e []byte) { e[8] |= 1 }),
		"method 12":                                          patch(archive(t, good), func(e []byte) { e[10] = 12 }),
		"unfold from":                                        archive(t, archived{"x.tsv", make([]byte, ratioAt+1), 0}),
	}
}

func TestHostileArchivesAreRefused(t *testing.T) {
	for want, data := range hostile(t) {
		for _, unpack := range []bool{false, true} {
			t.Run(fmt.Sprint(want, unpack), func(t *testing.T) {
				s := newSite(t, map[string][]byte{"/x.zip": data})
				f := newFetcher(t, one(zipped(s.URL+"/x.zip")))
				f.Unpack = unpack
				_, err := f.get(t)
				says(t, err, ErrContent, want, f.at("data/f/x.zip"))
				f.expectTree(t, "data/f/x.zip")
			})
		}
	}
}

func TestMembersThatLieAboutThemselves(t *testing.T) {
	good := archive(t, archived{"x.tsv", bytes.Repeat(table, 100), 0})
	size := uint32(100 * len(table))
	for name, c := range map[string]struct {
		data []byte
		want string
	}{
		"longer than said":  {patch(good, func(e []byte) { binary.LittleEndian.PutUint32(e[24:], size-1) }), "x.tsv"},
		"shorter than said": {patch(good, func(e []byte) { binary.LittleEndian.PutUint32(e[24:], size+1) }), "x.tsv"},
		"another checksum":  {patch(good, func(e []byte) { e[16]++ }), "checksum"},
		"no TSV":            {archive(t, archived{"x.tsv", []byte("<html>"), 0}), "web page"},
	} {
		t.Run(name, func(t *testing.T) {
			s := newSite(t, map[string][]byte{"/x.zip": c.data})
			f := newFetcher(t, one(zipped(s.URL+"/x.zip")))
			f.Unpack = true
			_, err := f.get(t)
			says(t, err, nil, c.want, f.at("data/f/x.zip"))
			f.expectTree(t, "data/f/x.zip")
		})
	}
}

func TestUnpackingNeedsRoom(t *testing.T) {
	zipFile := archive(t, archived{"x.tsv", bytes.Repeat(table, 1000), 0})
	s := newSite(t, map[string][]byte{"/x.zip": zipFile})
	f := newFetcher(t, one(zipped(s.URL+"/x.zip")))
	f.Unpack = true
	f.free = func(string) (int64, bool) { return int64(1000*len(table) - 1), true }
	_, err := f.get(t)
	says(t, err, ErrSpace, "30 kB are needed")
	f.expectTree(t, "data/f/x.zip")
}

func TestPartsOfASplitZipAreJoined(t *testing.T) {
	zipFile := archive(t, archived{"x.tsv", list(10_000, 1), 0}, archived{"tabs", table, 0})
	third := len(zipFile) / 3
	pieces := [][]byte{zipFile[:third], zipFile[third : 2*third], zipFile[2*third:]}
	for _, c := range []struct {
		names []string
		want  string // "": joined
	}{
		{[]string{"aa", "ab", "ac"}, ""},
		{[]string{"00", "01", "02"}, ""},
		{[]string{"001", "002", "003"}, ""},
		{[]string{"aa", "ab", "ad"}, "x.zip.ac is missing, but x.zip.ad is there"},
		{[]string{"aa", "ab"}, "the last one missing"},
		{[]string{"aa", "ac"}, "x.zip.ab is missing"},
	} {
		t.Run(strings.Join(c.names, " "), func(t *testing.T) {
			f := newFetcher(t, one(zipped("http://localhost/x.zip")))
			var there []string
			for i, n := range c.names {
				f.put(t, "data/f/x.zip."+n, pieces[i])
				there = append(there, "data/f/x.zip."+n)
			}
			f.put(t, "data/f/x.zip.bak", nil) // three letters, and no part
			there = append(there, "data/f/x.zip.bak")
			_, err := f.get(t)
			if c.want != "" {
				says(t, err, ErrContent, c.want)
				f.expectTree(t, there...)
				return
			}
			if err != nil {
				t.Fatal(err)
			}
			f.holds(t, "data/f/x.zip", zipFile)
			f.expectTree(t, append(there, "data/f/x.zip")...)
			if !strings.Contains(f.log.String(), "are needed no more") {
				t.Errorf("log %q", &f.log)
			}
		})
	}
}

func TestPartsAreCountedOnLikeSplitDoes(t *testing.T) {
	for from, to := range map[string]string{"aa": "ab", "az": "ba", "zz": "", "09": "10", "99": "", "009": "010", "aaz": "aba"} {
		if got := nextPart(from); got != to {
			t.Errorf("after %s comes %q, expected %q", from, got, to)
		}
	}
}

// shout stands in for the conversion of official files.
func shout(_ context.Context, how string, dst io.Writer, src io.Reader) error {
	data, err := io.ReadAll(src)
	if err == nil {
		_, err = fmt.Fprintf(dst, "[%q,%q]", how, data)
	}
	return err
}

func TestOfficialFilesAreConverted(t *testing.T) {
	lines := []byte("{\"a\":1}\n{\"a\":2}\n")
	s := newSite(t, map[string][]byte{"/o": lines})
	file := File{Path: "data/n/valid.json", Kind: JSON, Sources: []Source{{URLs: []string{s.URL + "/o"}, Original: "data/n/o/dev.json", Convert: "n valid"}}}
	want := fmt.Appendf(nil, "[%q,%q]", "n valid", lines)

	f := newFetcher(t, one(file))
	_, err := f.get(t)
	says(t, err, nil, "has to be made of", "data/n/o/dev.json")
	f.Convert = shout
	f.mustGet(t)
	f.holds(t, "data/n/valid.json", want)
	f.holds(t, "data/n/o/dev.json", lines)
	if got := s.asked(); len(got) != 1 {
		t.Errorf("asked for %q", got)
	}

	f = newFetcher(t, one(file)) // as a clone of the official repository puts it
	f.put(t, "data/n/o/dev.json", lines)
	f.Convert = shout
	f.mustGet(t)
	f.holds(t, "data/n/valid.json", want)
	if got := s.asked(); len(got) != 0 {
		t.Errorf("asked for %q", got)
	}

	f = newFetcher(t, one(file))
	f.Convert = func(_ context.Context, _ string, dst io.Writer, _ io.Reader) error {
		io.WriteString(dst, "[")
		return fmt.Errorf("line 2: no sentence")
	}
	_, err = f.get(t)
	says(t, err, nil, "making it of "+f.at("data/n/o/dev.json"), "line 2: no sentence")
	f.expectTree(t, "data/n/o/dev.json")
}

func TestOfficialArchiveStandsInForDeadMirrors(t *testing.T) {
	official := archive(t, archived{"q/train.json", []byte("1"), 0}, archived{"q/val.json", []byte("2"), 0})
	s := newSite(t, map[string][]byte{"/q.zip": official})
	file := func(path, member string) File {
		return File{Path: path, Kind: JSON, Sources: []Source{
			{URLs: []string{s.URL + "/" + member}},
			{URLs: []string{s.URL + "/q.zip"}, Original: "data/q.zip", Member: member, Convert: "g"},
		}}
	}
	m := one(file("data/train.json", "train.json"), file("data/valid.json", "val.json"))
	f := newFetcher(t, m)
	f.Convert = shout
	f.mustGet(t)
	f.holds(t, "data/train.json", []byte(`["g","1"]`))
	f.holds(t, "data/valid.json", []byte(`["g","2"]`))
	if got := strings.Join(s.asked(), " "); got != "/train.json /q.zip" { // what is here goes before what is far
		t.Errorf("asked for %q", got)
	}
	if !strings.Contains(f.log.String(), "making it from data/q.zip") {
		t.Errorf("log %q", &f.log)
	}
	if m.Files[1].Sources[0].Original != "" {
		t.Error("the manifest's sources are in another order")
	}

	s.misbehave(func(_ int, w http.ResponseWriter, r *http.Request, _ []byte) bool { http.NotFound(w, r); return true })
	f = newFetcher(t, m)
	f.Convert = shout
	_, err := f.get(t)
	says(t, err, nil, "2 of the 2", "download "+s.URL+"/train.json by hand and put it at "+f.at("data/train.json"))
	if got := strings.Join(s.asked(), " "); got != "/train.json /q.zip /val.json" { // the archive not again
		t.Errorf("asked for %q", got)
	}
}

// FuzzArchive: whatever an archive says, a member that is found is the only one of its name, and gives as many bytes as
// its entry says, or an error.
func FuzzArchive(f *testing.F) {
	f.Add(archive(f, archived{"a/x.tsv", table, 0}))
	for _, data := range hostile(f) {
		if len(data) < 1<<12 {
			f.Add(data)
		}
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		z, err := zip.NewReader(bytes.NewReader(data), int64(len(data)))
		if err != nil {
			return
		}
		m, err := findMember(z, "x.tsv")
		if err != nil || m.UncompressedSize64 > 1<<24 {
			return
		}
		if !isInside(m.Name) || m.UncompressedSize64 > math.MaxInt64 {
			t.Fatalf("found %q of %d bytes", m.Name, m.UncompressedSize64)
		}
		in, err := openMember(m)
		if err != nil {
			return
		}
		defer in.Close()
		n, err := io.Copy(io.Discard, in)
		if err == nil && n != int64(m.UncompressedSize64) || n > int64(m.UncompressedSize64)+1<<20 {
			t.Fatalf("%d bytes of %d, error %v", n, m.UncompressedSize64, err)
		}
	})
}

func TestRemovingWhatIsGoneIsNoError(t *testing.T) {
	if err := removeAll(t.TempDir() + "/x"); err != nil {
		t.Error(err)
	}
	dir := t.TempDir()
	if err := os.MkdirAll(dir+"/a/b", 0o777); err != nil {
		t.Fatal(err)
	}
	if err := removeAll(dir + "/a"); err == nil {
		t.Error("a full folder was removed")
	}
}
