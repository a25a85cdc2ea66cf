package proxy

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/seed-516990b0/golxmert/internal/testwait"
)

// startImpatient starts a kernel that kills what has not ended some time after an interrupt.
func startImpatient(t *testing.T, usual, saving time.Duration) *client {
	t.Helper()
	p := installed(t)
	return startKernel(t, "TEST_GONB="+p.Program("gonb"), "TEST_PRELUDE="+p.Prelude(), fmt.Sprintf("TEST_GRACE=%d %d", usual, saving))
}

// interrupt is what Jupyter does.
func (c *client) interrupt() { syscall.Kill(-c.cmd.Process.Pid, syscall.SIGINT) }

// nobodySleeps waits until no more than so many programs called sleep are left of cells.
func nobodySleeps(t *testing.T, c *client, but int) {
	t.Helper()
	testwait.Until(t, fmt.Sprintf("%d sleepers are left", but), func() bool { return len(sleepers(c)) <= but })
}

// stubborn are cells that an interrupt does not end. Each makes a file when it has come so far.
var stubborn = []struct{ name, code string }{
	{"program", "%%\nsignal.Ignore(os.Interrupt)\nos.WriteFile(READY, nil, 0o600)\nselect {\ncase <-time.After(time.Hour):\n}"},
	{"child", "%%\ncmd := exec.Command(\"sh\", \"-c\", \"trap '' INT; touch \"+READY+\"; sleep 3600; sleep 3600\")\ncmd.Stdout = os.Stdout\ncmd.Run()"},
	{"shell", "!trap '' INT; touch READY; sleep 3600; sleep 3600\n!sleep 3600\n"},
	{"script", "%%bash\ntrap '' INT\ntouch READY\nsleep 3600\nsleep 3600"},
	{"own group", "!set -m; trap '' INT; (sleep 3600; sleep 3600) & touch READY; wait; sleep 3600"},
	{"own session", "!setsid -f sh -c \"trap '' INT; sleep 3600; sleep 3600\"; touch READY"}, // it keeps the cell's output open
}

func (c *client) executeStubborn(name, code string) (id string) {
	ready := filepath.Join(c.tmp, strings.ReplaceAll(name, " ", "-"))
	quoted := ready
	if strings.HasPrefix(code, "%%\n") {
		quoted = fmt.Sprintf("%q", ready)
	}
	id = c.execute(strings.ReplaceAll(code, "READY", quoted))
	c.waitFor(ready)
	return id
}

func TestCellThatAnInterruptDoesNotEndIsKilled(t *testing.T) {
	c := startImpatient(t, 200*time.Millisecond, time.Minute)
	for _, step := range stubborn {
		t.Run(step.name, func(t *testing.T) {
			if _, err := exec.LookPath("setsid"); err != nil && strings.Contains(step.code, "setsid") {
				t.Skip("skipped: there is no setsid")
			}
			id := c.executeStubborn(step.name, step.code)
			queued := c.execute("%%\nfmt.Println(1)")
			c.received()
			c.interrupt()
			reply, _ := c.finished(id)
			if want := "the cell was interrupted, and killed because it had not ended 200ms later"; reply["ename"] != "interrupted" || reply["evalue"] != want {
				t.Errorf("the cell: %v", reply)
			}
			if reply, _ := c.finished(queued); reply["status"] != "aborted" {
				t.Errorf("the cell behind it: %v", reply)
			}
			nobodySleeps(t, c, 0)
		})
	}
	if status, text := c.run("%%\nfmt.Println(\"lives\")"); status != "ok" || text != "lives\n" {
		t.Errorf("the next cell: %s, %q", status, text)
	}
}

func TestSecondInterruptKills(t *testing.T) {
	c := startImpatient(t, time.Hour, time.Hour)
	for _, step := range stubborn[:3] {
		id := c.executeStubborn(step.name, step.code)
		for range 2 {
			if reply := c.reply(c.request(c.control, "interrupt_request", struct{}{})); reply["status"] != "ok" {
				t.Fatal(reply)
			}
		}
		if reply, _ := c.finished(id); reply["evalue"] != "the cell was interrupted, and killed because it was interrupted again" {
			t.Errorf("%s: %v", step.name, reply)
		}
		nobodySleeps(t, c, 0)
	}
	if status, text := c.run("%%\nfmt.Println(\"lives\")"); status != "ok" || text != "lives\n" {
		t.Errorf("the next cell: %s, %q", status, text)
	}
}

// TestWhatAnInterruptedCellLeavesIsKilled has a cell end that leaves a child which ignores interrupts. What an earlier
// cell has left running on purpose goes on.
func TestWhatAnInterruptedCellLeavesIsKilled(t *testing.T) {
	if clock() == 0 {
		t.Skip("skipped: only Linux says when a process began")
	}
	c := startImpatient(t, 200*time.Millisecond, time.Minute)
	c.run("!sleep 3600 >/dev/null 2>&1 &\n")
	testwait.Until(t, "one sleeps in the background", func() bool { return len(sleepers(c)) == 1 })
	ready := filepath.Join(c.tmp, "ready")
	id := c.execute(fmt.Sprintf("%%%%\nexec.Command(\"sh\", \"-c\", \"trap '' INT; touch %s; sleep 3600\").Start()\nselect {\ncase <-time.After(time.Hour):\n}", ready))
	c.waitFor(ready)
	testwait.Until(t, "the cell's child sleeps, too", func() bool { return len(sleepers(c)) == 2 })
	c.interrupt()
	if reply, _ := c.finished(id); reply["ename"] != "interrupted" { // on a slow machine it may have been killed
		t.Errorf("the cell: %v", reply)
	}
	nobodySleeps(t, c, 1)
	id = c.executeStubborn(stubborn[0].name, stubborn[0].code)
	c.interrupt()
	c.finished(id)
	if n := len(sleepers(c)); n != 1 {
		t.Errorf("of the background is left %v", sleepers(c))
	}
}

func TestProgramThatSavesItsWorkHasTimeTo(t *testing.T) {
	c := startImpatient(t, 100*time.Millisecond, time.Hour)
	started, saved := filepath.Join(c.tmp, "started"), filepath.Join(c.tmp, "saved")
	id := c.execute(`import ("fmt"; "os"; "os/signal"; "time")
%%
stop := make(chan os.Signal, 10)
signal.Notify(stop, os.Interrupt)
os.WriteFile(os.Getenv("LXMERT_SAVING"), nil, 0o600) // a slow machine would not come to it in time after the signal
os.WriteFile("` + started + `", nil, 0o600)
<-stop
for saved := false; !saved; time.Sleep(time.Millisecond) {
	_, err := os.Stat("` + saved + `")
	saved = err == nil
}
fmt.Println("saved after", 1+len(stop), "signals")`)
	queued := c.execute("%%\nfmt.Println(1)")
	c.waitFor(started)
	c.received()
	c.interrupt()
	c.wait("word that it saves", func() bool {
		for _, m := range c.outputs[id] {
			if strings.Contains(string(m.content), "saves its work. Interrupt it again to kill it") {
				return true
			}
		}
		return false
	})
	if err := os.WriteFile(saved, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	reply, published := c.finished(id)
	if text := textOf(t, published); reply["status"] != "ok" || !strings.Contains(text, "saved after 1 signals") {
		t.Errorf("%v, %q", reply, text)
	}
	if reply, _ := c.finished(queued); reply["status"] != "aborted" {
		t.Errorf("the cell behind it: %v", reply)
	}
	// What one program has asked for is not the next one's.
	id = c.executeStubborn(stubborn[0].name, stubborn[0].code)
	c.interrupt()
	if reply, _ := c.finished(id); !strings.Contains(fmt.Sprint(reply["evalue"]), "killed") {
		t.Errorf("the next cell: %v", reply)
	}
}
