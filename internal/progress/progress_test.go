package progress

import (
	"bytes"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"
)

// clock is a time that tests set.
type clock struct{ at time.Time }

func (c *clock) now() time.Time { return c.at }

func (c *clock) pass(d time.Duration) { c.at = c.at.Add(d) }

func bar(terminal bool, opt Options) (*Bar, *clock, *bytes.Buffer) {
	c := &clock{time.Unix(1000, 0)}
	var w bytes.Buffer
	opt.Now, opt.IsTerminal = c.now, &terminal
	if opt.Columns == 0 {
		opt.Columns = 80
	}
	return New(&w, opt), c, &w
}

func TestALogGetsTheFirstTheLastAndFewLinesBetween(t *testing.T) {
	b, c, w := bar(false, Options{Label: "packing", Unit: "B"})
	for i := range int64(41) {
		b.Set(i*100e6, 4e9, fmt.Sprintf("%d images", i))
		c.pass(time.Second)
	}
	b.Finish()
	want := []string{
		"packing: 0 %, 0 B of 4.0 GB, 0 images",
		"packing: 25 %, 1.0 GB of 4.0 GB, 100 MB/s, 0:30 left, 10 images",
		"packing: 50 %, 2.0 GB of 4.0 GB, 100 MB/s, 0:20 left, 20 images",
		"packing: 75 %, 3.0 GB of 4.0 GB, 100 MB/s, 0:10 left, 30 images",
		"packing: 100 %, 4.0 GB of 4.0 GB, 100 MB/s, 40 images",
		"",
	}
	if got := strings.Split(w.String(), "\n"); strings.Join(got, "\n") != strings.Join(want, "\n") {
		t.Errorf("%q, expected %q", got, want)
	}
}

func TestATerminalIsRedrawnAtMostTenTimesASecond(t *testing.T) {
	b, c, w := bar(true, Options{Label: "epoch 1", Unit: "steps"})
	for i := range int64(1001) {
		b.Set(i, 1000, "loss 3.21")
		c.pass(time.Millisecond)
	}
	b.Finish()
	if n := strings.Count(w.String(), "\r"); n != 11 { // from 0 to 1000 ms
		t.Errorf("drawn %d times", n)
	}
	frames := strings.Split(strings.TrimSuffix(w.String(), "\n"), "\x1b[K")
	for i, want := range map[int]string{
		0:  "\repoch 1: [ ] 0 %, 0 of 1000 steps, loss 3.21",
		5:  "\repoch 1: [=> ] 50 %, 500 of 1000 steps, 1000 steps/s, 0:00 left, loss 3.21",
		10: "\repoch 1: [=] 100 %, 1000 of 1000 steps, 1000 steps/s, loss 3.21",
	} {
		if squeeze(frames[i]) != want {
			t.Errorf("%q, expected %q", frames[i], want)
		}
	}
	if !strings.HasSuffix(w.String(), "\x1b[K\n") {
		t.Errorf("the end is %q", frames[len(frames)-1])
	}
	for _, frame := range frames {
		if len(frame) > 80 {
			t.Errorf("%d columns: %q", len(frame), frame)
		}
	}
}

// squeeze makes bars of any width equal, by leaving one character of several.
func squeeze(s string) string {
	for _, c := range []string{"=", " "} {
		for strings.Contains(s, c+c) {
			s = strings.ReplaceAll(s, c+c, c)
		}
	}
	return s
}

func TestANarrowTerminalCutsTheLine(t *testing.T) {
	b, _, w := bar(true, Options{Label: "é", Columns: 30})
	b.Set(1, 2, strings.Repeat("x", 100))
	line := strings.TrimSuffix(strings.TrimPrefix(w.String(), "\r"), "\x1b[K")
	if n := len([]rune(line)); n != 29 || !strings.HasSuffix(line, "x…") {
		t.Errorf("%d columns: %q", n, line)
	}
}

func TestLinesForALogStandAboveTheBar(t *testing.T) {
	b, _, w := bar(true, Options{})
	fmt.Fprintln(b, "before")
	b.Set(1, 0, "")
	fmt.Fprintln(b, "between")
	b.Finish()
	fmt.Fprintln(b, "after")
	if want := "before\n\r1\x1b[K\r\x1b[Kbetween\n\r1\x1b[K\nafter\n"; w.String() != want {
		t.Errorf("%q, expected %q", w, want)
	}
}

func TestTheRateFollowsAndTheBeginningDoesNotCount(t *testing.T) {
	b, c, _ := bar(true, Options{Unit: "steps"})
	b.Set(500, 2000, "") // done by an earlier run
	if _, ok := b.speed(); ok {
		t.Error("a rate of nothing")
	}
	run := func(seconds int, perSecond int64) float64 {
		for range seconds {
			c.pass(time.Second)
			b.Set(b.done+perSecond, 2000, "")
		}
		speed, _ := b.speed()
		return speed
	}
	if v := run(2, 10); v < 9.99 || v > 10.01 {
		t.Errorf("%g after 2 s at 10", v)
	}
	if v := run(30, 10); v < 9.99 || v > 10.01 {
		t.Errorf("%g after 32 s at 10", v)
	}
	if v := run(15, 20); v < 15 || v > 18 {
		t.Errorf("%g after 15 s at 20", v)
	}
	if v := run(40, 20); v < 19 {
		t.Errorf("%g after 55 s at 20", v)
	}
	b.Set(0, 2000, "") // the next epoch
	if _, ok := b.speed(); ok {
		t.Error("a rate before anything was done")
	}
	if _, ok := b.left(); ok {
		t.Error("a time that is left before anything was done")
	}
}

func TestNothingIsDrawnTwice(t *testing.T) {
	b, c, w := bar(false, Options{Unit: "images"})
	b.Finish()
	b.Set(3, 0, "")
	c.pass(time.Minute)
	b.Finish()
	b.Finish()
	b.Set(0, 0, "only this")
	if w.String() != "3 images\nonly this\n" {
		t.Errorf("%q", w)
	}
}

func TestSeveralGoroutinesMayUseABar(t *testing.T) {
	b, _, w := bar(true, Options{})
	var group sync.WaitGroup
	for i := range 4 {
		group.Go(func() {
			for k := range int64(100) {
				b.Set(k, 100, "")
				fmt.Fprintln(b, i, k)
			}
		})
	}
	group.Wait()
	b.Finish()
	if n := strings.Count(w.String(), "\n"); n != 401 {
		t.Errorf("%d lines", n)
	}
}

func TestFilesAndPipesAreNoTerminals(t *testing.T) {
	f, err := os.Create(filepath.Join(t.TempDir(), "log"))
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	r, w, err := os.Pipe()
	if err != nil {
		t.Fatal(err)
	}
	defer r.Close()
	defer w.Close()
	null, err := os.OpenFile(os.DevNull, os.O_WRONLY, 0)
	if err != nil {
		t.Fatal(err)
	}
	defer null.Close()
	if IsTerminal(f) || IsTerminal(w) || IsTerminal(null) || IsTerminal(new(bytes.Buffer)) {
		t.Error("something is taken for a terminal")
	}
}

func TestAmountsAreReadable(t *testing.T) {
	for n, want := range map[int64]string{0: "0 B", 999: "999 B", 1000: "1.0 kB", 9949: "9.9 kB", 9951: "10 kB", 999_499: "999 kB", 999_500: "1.0 MB", 24_600_000_000: "25 GB", 4_230_000_000: "4.2 GB", 7e15: "7 PB"} {
		if got := Bytes(n); got != want {
			t.Errorf("%d is %s, expected %s", n, got, want)
		}
	}
	for d, want := range map[time.Duration]string{0: "0:00", 5400 * time.Millisecond: "0:05", 754 * time.Second: "12:34", 3723 * time.Second: "1:02:03"} {
		if got := Clock(d); got != want {
			t.Errorf("%v is %s, expected %s", d, got, want)
		}
	}
	b, _, _ := bar(false, Options{Unit: "steps"})
	for v, want := range map[float64]string{0.125: "0.125 steps/s", 12.34: "12.3 steps/s", 1234: "1234 steps/s"} {
		if got := b.perSecond(v); got != want {
			t.Errorf("%g is %s, expected %s", v, got, want)
		}
	}
}
