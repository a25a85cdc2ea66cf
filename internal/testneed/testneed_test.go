package testneed

import (
	"fmt"
	"runtime"
	"testing"
)

// recorder is a test that says how it ended.
type recorder struct {
	testing.TB
	end string
}

func (r *recorder) Helper() {}
func (r *recorder) Fatalf(format string, args ...any) {
	r.end = "failed, " + fmt.Sprintf(format, args...)
	runtime.Goexit()
}
func (r *recorder) Skipf(format string, args ...any) {
	r.end = "skipped, " + fmt.Sprintf(format, args...)
	runtime.Goexit()
}

func TestWhatIsRequiredFailsWhereItIsNotThere(t *testing.T) {
	for _, c := range []struct {
		env   string
		found bool
		end   string
	}{
		{"", true, "ran"},
		{"python,xla", true, "ran"},
		{"", false, "skipped, without xla: no plugin"},
		{"python,xlarge", false, "skipped, without xla: no plugin"},
		{"python,xla", false, "failed, xla is required by LXMERT_REQUIRE: no plugin"},
	} {
		t.Setenv(Env, c.env)
		r := &recorder{TB: t, end: "ran"}
		done := make(chan struct{})
		go func() {
			defer close(done)
			Require(r, "xla", c.found, "no plugin")
		}()
		<-done
		if r.end != c.end {
			t.Errorf("with %q, found %v: %s; expected %s", c.env, c.found, r.end, c.end)
		}
	}
}
