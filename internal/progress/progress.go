// Package progress shows how far long work is: on a terminal one line that is redrawn, with a bar, the rate and the time
// that is left; in a log plain lines, seldom.
package progress

import (
	"fmt"
	"io"
	"math"
	"os"
	"strconv"
	"strings"
	"sync"
	"time"
	"unicode/utf8"

	"golang.org/x/term"
)

// Options says how a [Bar] looks and when it draws. The zero value works.
type Options struct {
	Label string // what is going on: "packing"
	Unit  string // of what is counted: "images"; "B": bytes, shown as kB, MB, GB

	Every      time.Duration // between two lines in a log; 0: 10 s
	Redraw     time.Duration // between two drawings on a terminal; 0: 100 ms
	Columns    int           // of the terminal; 0: what it says, or 80
	IsTerminal *bool         // nil: whether the writer is a character device
	Now        func() time.Time
}

// smoothing is the time over which the rate is averaged, so that it follows changes without jumping.
const smoothing = 15 * time.Second

// Bar shows progress. Its methods may be called from several goroutines. A Bar is a writer for log lines, too: on a
// terminal they appear above the bar.
type Bar struct {
	mu       sync.Mutex
	w        io.Writer
	opt      Options
	terminal bool

	started     bool
	done, total int64
	extra       string
	drawn       time.Time // when something was drawn last; zero: never
	shown       bool      // the last line on the terminal is the bar
	stale       bool      // something was set since it was drawn

	rate, weight float64 // per second, and how much of the average it is
	ratedAt      time.Time
	ratedDone    int64
}

// New returns a bar that draws on w. Nothing is drawn before the first Set.
func New(w io.Writer, opt Options) *Bar {
	if opt.Every == 0 {
		opt.Every = 10 * time.Second
	}
	if opt.Redraw == 0 {
		opt.Redraw = 100 * time.Millisecond
	}
	if opt.Now == nil {
		opt.Now = time.Now
	}
	if opt.Columns == 0 {
		opt.Columns = width(w)
	}
	if opt.Columns < 20 {
		opt.Columns = 80
	}
	b := &Bar{w: w, opt: opt, terminal: IsTerminal(w)}
	if opt.IsTerminal != nil {
		b.terminal = *opt.IsTerminal
	}
	return b
}

// IsTerminal says whether a writer is a terminal that can redraw a line.
func IsTerminal(w io.Writer) bool {
	f, ok := w.(*os.File)
	return ok && term.IsTerminal(int(f.Fd()))
}

// width is the number of columns of a terminal, 0 if it does not say.
func width(w io.Writer) int {
	if f, ok := w.(*os.File); ok {
		if columns, _, err := term.GetSize(int(f.Fd())); err == nil {
			return columns
		}
	}
	return 0
}

// Set says how much of total is done, and something more to show, as "loss 3.21"; total 0 means that it is unknown, and
// done 0 with it that only the rest is shown. The first call counts as the beginning: what is done by then does not go into the rate. Less done than before, or another
// total, begins anew.
func (b *Bar) Set(done, total int64, extra string) {
	b.mu.Lock()
	defer b.mu.Unlock()
	now := b.opt.Now()
	if !b.started || done < b.done || total != b.total {
		b.rate, b.weight, b.ratedAt, b.ratedDone = 0, 0, now, done
	}
	first := !b.started
	b.started, b.done, b.total, b.extra, b.stale = true, done, total, extra, true
	wait := b.opt.Every
	if b.terminal {
		wait = b.opt.Redraw
	}
	if first || now.Sub(b.drawn) >= wait {
		b.draw(now)
	}
}

// Finish draws the last state, unless it is there already, and ends the line. The bar may be used again.
func (b *Bar) Finish() {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.started && b.stale {
		b.draw(b.opt.Now())
	}
	if b.shown {
		fmt.Fprintln(b.w)
	}
	b.started, b.shown, b.done, b.total = false, false, 0, 0
}

// Write writes lines, on a terminal above the bar.
func (b *Bar) Write(p []byte) (int, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.shown {
		if _, err := io.WriteString(b.w, "\r\x1b[K"); err != nil {
			return 0, err
		}
		b.shown = false
	}
	n, err := b.w.Write(p)
	if err == nil && b.terminal && b.started && strings.HasSuffix(string(p), "\n") {
		b.draw(b.opt.Now())
	}
	return n, err
}

// draw writes the bar, or a line. Errors in writing are nobody's concern: the work goes on.
func (b *Bar) draw(now time.Time) {
	b.measure(now)
	b.drawn, b.stale = now, false
	if !b.terminal {
		fmt.Fprintln(b.w, b.line())
		return
	}
	text := b.barred()
	if n := b.opt.Columns - 1; utf8.RuneCountInString(text) > n {
		text = string([]rune(text)[:n-1]) + "…"
	}
	fmt.Fprintf(b.w, "\r%s\x1b[K", text)
	b.shown = true
}

// measure takes what was done since the last time into the average rate.
func (b *Bar) measure(now time.Time) {
	took := now.Sub(b.ratedAt).Seconds()
	if took <= 0 {
		return
	}
	share := -math.Expm1(-took / smoothing.Seconds())
	b.rate += share * (float64(b.done-b.ratedDone)/took - b.rate)
	b.weight += share * (1 - b.weight)
	b.ratedAt, b.ratedDone = now, b.done
}

// speed is what is done per second; ok is false where that is not known yet.
func (b *Bar) speed() (perSecond float64, ok bool) {
	if b.weight == 0 || b.rate <= 0 {
		return 0, false
	}
	return b.rate / b.weight, true // as if the average had always gone on as since the beginning
}

// left is the time that the rest takes.
func (b *Bar) left() (time.Duration, bool) {
	speed, ok := b.speed()
	if !ok || b.total <= 0 || b.done >= b.total {
		return 0, false
	}
	seconds := float64(b.total-b.done) / speed
	if seconds > 1e8 {
		return 0, false
	}
	return time.Duration(seconds * float64(time.Second)), true
}

// line is the state in words.
func (b *Bar) line() string {
	var parts []string
	if b.total > 0 || b.done > 0 || b.extra == "" {
		parts = append(parts, b.counts())
	}
	if speed, ok := b.speed(); ok {
		parts = append(parts, b.perSecond(speed))
	}
	if left, ok := b.left(); ok {
		parts = append(parts, Clock(left)+" left")
	}
	if b.extra != "" {
		parts = append(parts, b.extra)
	}
	return b.label() + strings.Join(parts, ", ")
}

func (b *Bar) label() string {
	if b.opt.Label == "" {
		return ""
	}
	return b.opt.Label + ": "
}

// counts is "43 %, 3.2 of 7.5 GB", or what is known of it.
func (b *Bar) counts() string {
	if b.total <= 0 {
		return b.amount(b.done)
	}
	of := fmt.Sprintf("%d of %s", b.done, b.amount(b.total))
	if b.opt.Unit == "B" {
		of = Bytes(b.done) + " of " + Bytes(b.total)
	}
	return fmt.Sprintf("%d %%, %s", b.percent(), of)
}

func (b *Bar) percent() int64 {
	return int64(100 * min(1, float64(b.done)/float64(b.total)))
}

func (b *Bar) amount(n int64) string {
	if b.opt.Unit == "B" {
		return Bytes(n)
	}
	return strings.TrimSpace(fmt.Sprintf("%d %s", n, b.opt.Unit))
}

func (b *Bar) perSecond(v float64) string {
	if b.opt.Unit == "B" {
		return Bytes(int64(v)) + "/s"
	}
	digits := 0
	if v < 100 {
		digits = 1
	}
	if v < 1 {
		digits = 3
	}
	return strings.Replace(fmt.Sprintf("%.*f %s/s", digits, v, b.opt.Unit), " /", "/", 1)
}

// barred is the state with a bar that shrinks where the rest needs the room.
func (b *Bar) barred() string {
	text := b.line()
	if b.total <= 0 {
		return text
	}
	width := min(30, b.opt.Columns-4-utf8.RuneCountInString(text))
	if width < 5 {
		return text
	}
	full := int(int64(width) * b.percent() / 100)
	bar := strings.Repeat("=", full) + strings.Repeat(" ", width-full)
	if full > 0 && full < width {
		bar = bar[:full-1] + ">" + bar[full:]
	}
	rest := strings.TrimPrefix(text, b.label())
	return b.label() + "[" + bar + "] " + rest
}

// Bytes is a number of bytes in a unit of a thousand, a million, and so on, with two to three digits: "4.2 GB".
func Bytes(n int64) string {
	v := float64(n)
	for _, unit := range []string{"B", "kB", "MB", "GB", "TB"} {
		switch {
		case unit == "B" && v < 1000:
			return fmt.Sprintf("%d B", n)
		case v < 9.95:
			return fmt.Sprintf("%.1f %s", v, unit)
		case v < 999.5:
			return fmt.Sprintf("%.0f %s", v, unit)
		}
		v /= 1000
	}
	return fmt.Sprintf("%.0f PB", v)
}

// Count writes a number with commas between thousands.
func Count(n int64) string {
	s := strconv.FormatInt(n, 10)
	for i := len(s) - 3; i > 0; i -= 3 {
		s = s[:i] + "," + s[i:]
	}
	return s
}

// Clock is a time as 0:05, 12:34 or 1:02:03.
func Clock(d time.Duration) string {
	s := int64(d.Round(time.Second) / time.Second)
	if s < 3600 {
		return fmt.Sprintf("%d:%02d", s/60, s%60)
	}
	return fmt.Sprintf("%d:%02d:%02d", s/3600, s/60%60, s%60)
}

// Since is how long something took that began then: "1.5 s".
func Since(begin time.Time) string { return fmt.Sprintf("%.1f s", time.Since(begin).Seconds()) }
