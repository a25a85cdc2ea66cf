package testwait

import (
	"fmt"
	"runtime"
	"strings"
	"testing"
	"testing/synctest"
	"time"
)

// recorder is a test that go test would end at some time, and that says how it failed.
type recorder struct {
	testing.TB
	end    time.Time
	failed string
}

func (r *recorder) Helper()                     {}
func (r *recorder) Deadline() (time.Time, bool) { return r.end, !r.end.IsZero() }
func (r *recorder) Fatalf(format string, args ...any) {
	r.failed = fmt.Sprintf(format, args...)
	runtime.Goexit()
}

func TestPatienceEndsBeforeGoTestEndsTheProgram(t *testing.T) {
	synctest.Test(t, func(t *testing.T) { // the clock stands still
		for left, want := range map[time.Duration]time.Duration{
			time.Hour: Limit, 5 * time.Minute: 4*time.Minute + 30*time.Second, 20 * time.Second: 10 * time.Second, -time.Second: -500 * time.Millisecond,
		} {
			if got := Patience(&recorder{end: time.Now().Add(left)}); got != want {
				t.Errorf("%v before the end a test waits for %v more, expected %v", left, got, want)
			}
		}
		if got := Patience(&recorder{}); got != Limit {
			t.Errorf("without an end: %v", got)
		}
	})
}

func TestWhoWaitsInVainSaysForWhatAndWhereAllStand(t *testing.T) {
	over := &recorder{end: time.Now()}
	for name, wait := range map[string]func(r *recorder){
		"until":   func(r *recorder) { Until(r, "the moon is blue", func() bool { return false }) },
		"receive": func(r *recorder) { Receive(r, "the moon is blue", make(chan int)) },
	} {
		done := make(chan bool)
		r := &recorder{end: over.end}
		go func() {
			defer close(done)
			wait(r)
			r.failed = "it came"
		}()
		<-done
		if !strings.HasPrefix(r.failed, "the moon is blue: not within ") || !strings.Contains(r.failed, "TestWhoWaitsInVain") {
			t.Errorf("%s fails with %q", name, r.failed)
		}
	}
}

func TestWhatComesEndsTheWait(t *testing.T) {
	tries := 0
	Until(t, "three tries", func() bool { tries++; return tries == 3 })
	from := make(chan int, 1)
	from <- 7
	if got := Receive(t, "a number", from); got != 7 || tries != 3 {
		t.Errorf("received %d after %d tries", got, tries)
	}
	close(from)
	if got := Receive(t, "the end", from); got != 0 {
		t.Errorf("received %d at the end", got)
	}
	if end, ok := Context(t).Deadline(); !ok || time.Until(end) > Limit {
		t.Errorf("the context ends at %v", end)
	}
}
