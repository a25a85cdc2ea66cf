package region

import (
	"archive/zip"
	"bufio"
	"bytes"
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/seed-516990b0/golxmert/internal/goldentest"
)

// contents are the files of a folder, without the lock.
func contents(t testing.TB, dir string) map[string]string {
	t.Helper()
	entries, err := os.ReadDir(dir)
	if err != nil {
		t.Fatal(err)
	}
	files := map[string]string{}
	for _, e := range entries {
		if e.Name() == lockName {
			continue
		}
		text, err := os.ReadFile(filepath.Join(dir, e.Name()))
		if err != nil {
			t.Fatal(err)
		}
		files[e.Name()] = string(text)
	}
	return files
}

func sameFiles(t testing.TB, got, want map[string]string) {
	t.Helper()
	for name, text := range want {
		if got[name] != text {
			t.Errorf("%s has %d bytes, expected %d, or differs", name, len(got[name]), len(text))
		}
	}
	if len(got) != len(want) {
		t.Errorf("%d files, expected %d", len(got), len(want))
	}
}

// cancelAfter are options with a context that ends after so many images.
func cancelAfter(t *testing.T, images int) (context.Context, PackOptions) {
	ctx, cancel := context.WithCancel(t.Context())
	t.Cleanup(cancel)
	return ctx, PackOptions{Progress: func(_, _ int64, n int) {
		if n >= images {
			cancel()
		}
	}}
}

func TestACancelledPackGoesOnToTheSameBytes(t *testing.T) {
	src := filepath.Join(t.TempDir(), "x.tsv")
	randomTSV(t, src, 3500)
	want := contents(t, packed(t, src, PackOptions{}).Path())
	zipped := filepath.Join(t.TempDir(), "x.zip")
	writeZip(t, zipped, map[string]string{"x.tsv": src})
	wantZipped := contents(t, packed(t, zipped, PackOptions{}).Path())
	rng := rand.New(rand.NewPCG(5, 6))
	resumed := 0
	for range 4 {
		for _, c := range []struct {
			src  string
			want map[string]string
		}{{src, want}, {zipped, wantZipped}} {
			dst := filepath.Join(t.TempDir(), "y.store")
			for stop := 1 + rng.IntN(1500); stop < 3500; stop += 1 + rng.IntN(2000) {
				ctx, opt := cancelAfter(t, stop)
				if _, err := Pack(ctx, c.src, dst, opt); !errors.Is(err, context.Canceled) {
					t.Fatalf("after %d images: %v", stop, err)
				}
				litter(t, rng, dst)
				if _, err := Open(dst); err == nil {
					t.Fatal("a store that is not complete opens")
				}
			}
			report, err := Pack(t.Context(), c.src, dst, PackOptions{})
			if err != nil {
				t.Fatal(err)
			}
			resumed += report.Resumed
			sameFiles(t, contents(t, dst), c.want)
		}
	}
	if resumed == 0 {
		t.Error("no run went on after another")
	}
}

// litter leaves in a store what a machine that stops may leave: files half written under any name.
func litter(t *testing.T, rng *rand.Rand, dir string) {
	t.Helper()
	entries, err := os.ReadDir(dir)
	if err != nil {
		return // nothing was packed
	}
	shards := 0
	for _, e := range entries {
		if strings.HasPrefix(e.Name(), "shard-") {
			shards++
		}
	}
	garbage := make([]byte, rng.IntN(3000))
	for i := range garbage {
		garbage[i] = byte(rng.Uint32())
	}
	names := []string{".shard-12345678.tmp", "." + manifestName + ".12345678.tmp", shardName(shards), shardName(shards + 3)}
	for _, name := range names[:rng.IntN(len(names)+1)] {
		if err := os.WriteFile(filepath.Join(dir, name), garbage, 0o666); err != nil {
			t.Fatal(err)
		}
	}
	if shards > 0 && rng.IntN(2) == 0 { // the last shard was renamed, but its end did not reach the disk
		path := filepath.Join(dir, shardName(shards-1))
		info, err := os.Stat(path)
		if err != nil {
			t.Fatal(err)
		}
		truncate(t, path, rng.Int64N(info.Size()))
	}
}

// TestPackUntilKilled is run as a process of its own by TestAKilledPackGoesOnToTheSameBytes. After so many images it waits to
// be killed.
func TestPackUntilKilled(t *testing.T) {
	src, dst := os.Getenv("REGION_PACK_SRC"), os.Getenv("REGION_PACK_DST")
	if src == "" {
		t.Skip("part of another test")
	}
	wait, err := strconv.Atoi(os.Getenv("REGION_PACK_WAIT"))
	if err != nil {
		t.Fatal(err)
	}
	read := 0
	_, err = Pack(t.Context(), src, dst, PackOptions{Progress: func(_, _ int64, n int) {
		read++
		if read == 1 {
			fmt.Println("begun")
		}
		if read == wait {
			fmt.Println("waiting")
			select {}
		}
	}})
	if err != nil {
		t.Fatal(err)
	}
}

func TestAKilledPackGoesOnToTheSameBytes(t *testing.T) {
	const images, waiting, running = 6000, 4, 4
	src := filepath.Join(t.TempDir(), "x.tsv")
	randomTSV(t, src, images)
	want := contents(t, packed(t, src, PackOptions{}).Path())
	dst := filepath.Join(t.TempDir(), "y.store")
	rng := rand.New(rand.NewPCG(7, 8))
	for i := range waiting + running {
		// First some are killed between two images, well before they could be through, and then some at any moment, or when
		// they are through.
		until, wait, life := "waiting", 1+rng.IntN(images/(waiting+1)), time.Duration(0)
		if i >= waiting {
			until, wait, life = "begun", -1, time.Duration(rng.IntN(15))*time.Millisecond
		}
		cmd := exec.Command(os.Args[0], "-test.run=^TestPackUntilKilled$")
		cmd.Env = append(os.Environ(), "REGION_PACK_SRC="+src, "REGION_PACK_DST="+dst, fmt.Sprint("REGION_PACK_WAIT=", wait))
		out, err := cmd.StdoutPipe()
		if err == nil {
			err = cmd.Start()
		}
		if err != nil {
			t.Fatal(err)
		}
		lines := bufio.NewScanner(out)
		for lines.Scan() && lines.Text() != until {
		}
		timer := time.AfterFunc(life, func() { _ = cmd.Process.Kill() })
		for lines.Scan() {
		}
		if err := cmd.Wait(); err == nil && i < waiting {
			t.Fatalf("process %d came to its end", i)
		}
		timer.Stop()
	}
	if _, err := Pack(t.Context(), src, dst, PackOptions{}); err != nil {
		t.Fatal(err)
	}
	sameFiles(t, contents(t, dst), want)
}

func TestTwoPacksAtOnceMakeOneStore(t *testing.T) {
	src := filepath.Join(t.TempDir(), "x.tsv")
	randomTSV(t, src, 3000)
	want := contents(t, packed(t, src, PackOptions{}).Path())
	dst := filepath.Join(t.TempDir(), "y.store")
	var group sync.WaitGroup
	for range 4 {
		group.Go(func() {
			report, err := Pack(t.Context(), src, dst, PackOptions{})
			if err != nil || report.Rows != 3000 || report.Images != 3000 {
				t.Errorf("%+v, %v", report, err)
			}
		})
	}
	group.Wait()
	sameFiles(t, contents(t, dst), want)
}

// TestWaitingForAnotherPackCanBeCancelled locks a store as another process would.
func TestWaitingForAnotherPackCanBeCancelled(t *testing.T) {
	src, dst := filepath.Join(t.TempDir(), "x.tsv"), filepath.Join(t.TempDir(), "y.store")
	randomTSV(t, src, 3)
	lock, err := lockStore(t.Context(), dst, new(bytes.Buffer))
	if err != nil {
		t.Fatal(err)
	}
	defer lock.Close()
	ctx, cancel := context.WithCancel(t.Context())
	var log writerFunc = func(p []byte) {
		if strings.Contains(string(p), "waiting for it") {
			cancel()
		}
	}
	if _, err := Pack(ctx, src, dst, PackOptions{Log: log}); !errors.Is(err, context.Canceled) {
		t.Error(err)
	}
}

type writerFunc func(p []byte)

func (f writerFunc) Write(p []byte) (int, error) {
	f(p)
	return len(p), nil
}

func TestOnlyTheFirstRowsArePacked(t *testing.T) {
	src := filepath.Join(t.TempDir(), "x.tsv")
	want := randomTSV(t, src, 1200)
	for _, rows := range []int{1, 1024, 1100, 1200, 5000} {
		s := packed(t, src, PackOptions{Rows: rows})
		if s.Rows() != min(rows, 1200) || !s.Has(want[s.Rows()-1].ID) {
			t.Errorf("%d rows of the first %d", s.Rows(), rows)
		}
	}
	for _, dir := range goldentest.Folders(t, "model") {
		var counts map[string]int
		goldentest.ReadJSON(t, filepath.Join(dir, "toy_expected", "tsv_topk.json"), &counts)
		for limit, count := range counts {
			var rows int
			if _, err := fmt.Sscan(limit, &rows); err != nil || rows < 0 { // None and -1: all
				rows = 0
			}
			s := packed(t, filepath.Join(dir, "toy", "data", "vg_gqa_imgfeat", "gqa_testdev_obj36.tsv"), PackOptions{Rows: rows})
			if s.Rows() != count {
				t.Errorf("%s: limit %s: %d rows, expected %d", dir, limit, s.Rows(), count)
			}
		}
	}
}

func TestArraysArePackedToo(t *testing.T) {
	for _, dir := range goldentest.Folders(t, "model")[:1] {
		images := goldenImages(t, dir)
		set := filepath.Join(t.TempDir(), "set.npz")
		writeNPZ(t, set, zip.Store, asSet(t, images)...)
		folder := t.TempDir()
		for _, r := range images {
			writeSafetensors(t, filepath.Join(folder, r.ID+".safetensors"), r)
		}
		store := packed(t, set, PackOptions{}).Path()
		for _, src := range []string{set, folder, store} {
			want := collect(t, src)
			got := collect(t, packed(t, src, PackOptions{}).Path())
			if len(got) != len(want) {
				t.Fatalf("%s: %d images, expected %d", src, len(got), len(want))
			}
			for i, r := range got {
				sameRegions(t, r, want[i])
			}
		}
	}
}

func TestWhatCannotBePackedIsANamedError(t *testing.T) {
	dir := t.TempDir()
	file := func(name, text string) string {
		path := filepath.Join(dir, name)
		if err := os.WriteFile(path, []byte(text), 0o666); err != nil {
			t.Fatal(err)
		}
		return path
	}
	other := t.TempDir()
	if err := os.WriteFile(filepath.Join(other, "thesis.tex"), nil, 0o666); err != nil {
		t.Fatal(err)
	}
	good := file("good.tsv", rowText("a", 3, 4, nil)+"\n")
	ofAnother := packed(t, good, PackOptions{}).Path()
	for _, c := range []struct {
		src, dst string
		opt      PackOptions
		want     string
	}{
		{filepath.Join(dir, "none.tsv"), "", PackOptions{}, "no such file"},
		{file("cut.tsv", rowText("a", 3, 4, nil)+"\n"+rowText("b", 3, 4, nil)[:100]), "", PackOptions{}, "cut.tsv:2:"},
		{file("bad.tsv", rowText("a", 3, 4, map[int]string{colBoxes: strings.Repeat("!", 64)})), "", PackOptions{}, "bad.tsv:1:boxes"},
		{file("two.tsv", rowText("a", 3, 4, nil)+"\n"+rowText("b", 3, 5, nil)+"\n"), "", PackOptions{}, `image "b" has 5 features per box, those before have 4`},
		{file("blank.tsv", "\n\n"), "", PackOptions{}, "there is no image in it"},
		{good, other, PackOptions{}, `has other files in it, "thesis.tex" for one`},
		{good, good, PackOptions{}, "not a directory"},
		{ofAnother, ofAnother, PackOptions{}, "cannot be packed into itself"},
		{ofAnother, filepath.Join(ofAnother, "deep", "x.store"), PackOptions{}, "cannot be packed into itself"},
		{file("b.tsv", rowText("b", 3, 4, nil)+"\n"), ofAnother, PackOptions{}, `is a store of "good.tsv" already`},
		{good, "", PackOptions{Rows: -1}, "the first -1 rows"},
		{good, "", PackOptions{free: func(string) (int64, bool) { return 100, true }}, "about 293 B are needed and 100 B free in "},
	} {
		dst := c.dst
		if dst == "" {
			dst = filepath.Join(t.TempDir(), "z.store")
		}
		_, err := Pack(t.Context(), c.src, dst, c.opt)
		if err == nil || !strings.Contains(err.Error(), c.want) || strings.Contains(err.Error(), "\n") {
			t.Errorf("%s: error %v does not say %q", c.src, err, c.want)
		}
		if _, err := os.Stat(dst); c.dst == "" && err == nil {
			t.Errorf("%s: a store is left behind", c.src)
		}
	}
}

func TestAChangedSourceIsPackedAgain(t *testing.T) {
	src, dst := filepath.Join(t.TempDir(), "x.tsv"), filepath.Join(t.TempDir(), "y.store")
	randomTSV(t, src, 10)
	for _, rows := range []int{10, 1200} {
		randomTSV(t, src, rows)
		for i := range 2 {
			var log bytes.Buffer
			report, err := Pack(t.Context(), src, dst, PackOptions{Log: &log})
			if err != nil || report.Rows != rows || i == 1 && report.Read != 0 {
				t.Errorf("%+v, %v", report, err)
			}
			if said := strings.Contains(log.String(), "packing it again"); said != (rows == 1200 && i == 0) {
				t.Errorf("it said %s", log.String())
			}
		}
	}
	for _, opt := range []PackOptions{{F16: true}, {Rows: 5}, {Extractor: "me"}} { // the good store stays
		if _, err := Pack(t.Context(), src, dst, opt); err == nil || !strings.Contains(err.Error(), "already, all rows as float32: remove it") {
			t.Errorf("%+v: %v", opt, err)
		}
	}
	randomTSV(t, src, 1150)
	changing := PackOptions{Progress: func(_, _ int64, n int) {
		if n == 1100 {
			if err := os.Chtimes(src, time.Time{}, time.Unix(1, 0)); err != nil {
				t.Error(err)
			}
		}
	}}
	if _, err := Pack(t.Context(), src, dst, changing); err == nil || !strings.Contains(err.Error(), "was changed while it was packed") {
		t.Error(err)
	}
}

// TestProgressGoesFromTheBeginningToTheEnd also checks what is said.
func TestProgressGoesFromTheBeginningToTheEnd(t *testing.T) {
	src := filepath.Join(t.TempDir(), "x.tsv")
	randomTSV(t, src, 1100)
	info, err := os.Stat(src)
	if err != nil {
		t.Fatal(err)
	}
	var last int64
	images := 0
	var log bytes.Buffer
	packed(t, src, PackOptions{Log: &log, Progress: func(done, total int64, n int) {
		if done <= last || total != info.Size() || n != images+1 {
			t.Fatalf("%d of %d bytes, %d images after %d and %d", done, total, n, last, images)
		}
		last, images = done, n
	}})
	if last != info.Size() || images != 1100 {
		t.Errorf("%d bytes, %d images at the end", last, images)
	}
	var done, total int64
	packed(t, src, PackOptions{Rows: 100, Progress: func(d, of int64, _ int) { done, total = d, of }})
	if done != total || total > info.Size()/2 {
		t.Errorf("%d of %d bytes at the end of the first rows", done, total)
	}
	if !strings.Contains(log.String(), "takes about ") || !strings.Contains(log.String(), " as float32, of ") {
		t.Error(log.String())
	}
}
