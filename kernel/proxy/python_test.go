package proxy

import (
	"regexp"
	"testing"
	"time"
)

func TestTimedCellsSayHowLongTheyTook(t *testing.T) {
	c := startReal(t)
	const parts = ` \(compiling (\d+ ms|\d+\.\d\d s), running (\d+ ms|\d+\.\d\d s)\)`
	for code, want := range map[string]string{
		"%%time\nfmt.Println(1)\ntime.Sleep(1100 * time.Millisecond)": `^1\nWall time: \d+\.\d\d s` + parts + `\n$`,
		"%time fmt.Println(2)\nfmt.Println(3)":                        `^2\n3\nWall time: (\d+ ms|\d+\.\d\d s)` + parts + `\n$`,
		"%time x := 4\nx":                                             `^Wall time: (\d+ ms|\d+\.\d\d s)` + parts + `\nout: 4$`,
		"%%time\n!true\nfmt.Println(5)":                               `^5\nWall time: (\d+ ms|\d+\.\d\d s) \(running (\d+ ms|\d+\.\d\d s)\)\n$`,
		"%%time\n%%bash\necho 6":                                      `^6\nWall time: (\d+ ms|\d+\.\d\d s)\n$`,
		"%%time\n!echo 7":                                             `^7\nWall time: (\d+ ms|\d+\.\d\d s)\n$`,
		"%%time\n%lx echo 8":                                          `^8\nWall time: \d+ ms\n$`,
		"fmt.Println(9)":                                              `^9\n$`,
	} {
		status, text := c.run(code)
		if status != "ok" || !regexp.MustCompile(want).MatchString(text) {
			t.Errorf("%q: %s, %q, expected %s", code, status, text, want)
		}
		if m := regexp.MustCompile(`running (\S+) s`).FindStringSubmatch(text); m != nil && m[1] < "1.1" {
			t.Errorf("%q has slept longer than it says: %q", code, text)
		}
	}
	c.take([]step{
		{"%%time\nnowhere", "error", "compile error: cell line 2: undefined: nowhere"},
		{"%time fmt.Println(nowhere)", "error", "compile error: cell line 1: undefined: nowhere"},
	})
}

func TestDurationsInSeconds(t *testing.T) {
	for d, want := range map[time.Duration]string{
		-time.Second: "0 ms", 0: "0 ms", 1234 * time.Microsecond: "1 ms", 999 * time.Millisecond: "999 ms", 1500 * time.Millisecond: "1.50 s",
		time.Minute: "1m0s", 90 * time.Second: "1m30s", 3*time.Hour + 400*time.Millisecond: "3h0m0s",
	} {
		if got := inSeconds(d); got != want {
			t.Errorf("%d is %q, expected %q", d, got, want)
		}
	}
}

func TestCommandsOfIPythonAreNamedOnce(t *testing.T) {
	c := startReal(t)
	c.take([]step{
		{"%matplotlib inline\n%config InlineBackend.figure_format = 'retina'\nfmt.Println(1)", "ok",
			"%matplotlib is IPython's, and does nothing here: lx.Show draws figures into the notebook\n%config is IPython's, and does nothing here: it sets up IPython\n1\n"},
		{"%matplotlib notebook\n%load_ext autoreload\nfmt.Println(2)", "ok", "%load_ext is IPython's, and does nothing here: Go has no extensions to load\n2\n"},
		{"%pip install numpy", "ok", "%pip is IPython's, and does nothing here: `!*go get MODULE` brings a module of Go, `!pip …` runs pip itself\n"},
		{"%pip install numpy", "ok", ""},
	})
}
