package proxy

import (
	"context"
	"fmt"
	"log"
	"os"
	"os/exec"
	"strconv"
	"syscall"
	"testing"
	"time"

	"github.com/seed-516990b0/golxmert/internal/testwait"
)

// parent starts a kernel as Jupyter does and stays until it has ended.
func parent(connectionFile string) error {
	own, err := os.Executable()
	if err != nil {
		return err
	}
	cmd := exec.Command(own, "run", connectionFile)
	cmd.Env = append(os.Environ(), parentEnv+"="+strconv.Itoa(os.Getpid()))
	cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	return cmd.Run()
}

// The test binary is also the programs that tests need as processes of their own.
func TestMain(m *testing.M) {
	if len(os.Args) < 2 {
		os.Exit(m.Run())
	}
	var err error
	switch os.Args[1] {
	case WatchdogCommand:
		err = Watch(os.Stdin, os.Args[2])
	case "parent":
		err = parent(os.Args[2])
	case "run":
		var g grace
		fmt.Sscan(os.Getenv("TEST_GRACE"), &g.usual, &g.saving)            // in nanoseconds; without, they are zero
		reasonTime, _ := time.ParseDuration(os.Getenv("TEST_REASON_TIME")) // without, it is zero
		err = Run(context.Background(), os.Args[2], Options{
			GoNB: os.Getenv("TEST_GONB"), Gopls: os.Getenv("TEST_GOPLS"), Prelude: os.Getenv("TEST_PRELUDE"),
			Log: log.New(os.Stderr, "kernel: ", 0), Magics: testMagics, grace: g, reasonTime: reasonTime, goplsTime: testwait.Limit,
		})
	case "--kernel":
		err = fakeGoNB(os.Args[2])
	default:
		os.Exit(m.Run())
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}
