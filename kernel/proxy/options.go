package proxy

import (
	"cmp"
	"fmt"
	"log"
	"os"
	"path/filepath"
	"time"
)

// UserTempEnv tells the programs that cells run where the user's own folder for temporary files is: TMPDIR names one that
// goes when the kernel goes.
const UserTempEnv = "LXMERT_USER_TMPDIR"

// Options say what a kernel is made of.
type Options struct {
	GoNB    string      // the program
	Gopls   string      // the program that completes Go; "": nothing is completed but commands
	Prelude string      // folder with the go.mod and go.sum of cells; "": an empty module
	Program string      // this program, which has the command [WatchdogCommand]; "": the running one
	Magics  []Magic     // commands that cells write as `%lx NAME`
	Log     *log.Logger // a line for everything that was dropped; nil: standard error

	Env map[string]string // variables that cells have besides this process's own

	grace grace // of an interrupted cell; the zero value: the usual one

	reasonTime, goplsTime time.Duration // 0: usualReasonTime and usualGoplsTime
}

// defaults fills in what is left out, and checks the rest.
func (o Options) defaults() (*Options, error) {
	if o.grace == (grace{}) {
		o.grace = usualGrace
	}
	o.reasonTime = cmp.Or(o.reasonTime, usualReasonTime)
	o.goplsTime = cmp.Or(o.goplsTime, usualGoplsTime)
	if o.Log == nil {
		o.Log = log.New(os.Stderr, "kernel: ", 0)
	}
	if o.Program == "" {
		program, err := os.Executable()
		if err != nil {
			return nil, fmt.Errorf("the kernel's own program: %w", err)
		}
		o.Program = program
	}
	if info, err := os.Stat(o.GoNB); err != nil || info.IsDir() {
		return nil, fmt.Errorf("there is no GoNB at %q; `kernel install` brings it", o.GoNB)
	}
	var err error
	if o.GoNB, err = filepath.Abs(o.GoNB); err != nil {
		return nil, err
	}
	return &o, nil
}
