package proxy

import (
	"bytes"
	"context"
	"crypto/rand"
	"fmt"
	"io"
	"net"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/seed-516990b0/golxmert/internal/testwait"
	"github.com/seed-516990b0/golxmert/kernel/proxy/zmtp"
)

// testMagics are commands for tests: "echo WORDS" and "block".
var testMagics = []Magic{
	{Name: "echo", Args: "WORDS", Help: "say them", Run: func(_ context.Context, out io.Writer, args []string) error {
		_, err := fmt.Fprintln(out, strings.Join(args, "|"))
		return err
	}, Complete: func(context.Context, []string) []string { return []string{"one", "once", "two"} }},
	{Name: "block", Help: "wait for an interrupt", Run: func(ctx context.Context, out io.Writer, _ []string) error {
		fmt.Fprintln(out, "blocking")
		<-ctx.Done()
		return ctx.Err()
	}},
}

func TestCellRunsAndItsOutputIsPublishedBetweenBusyAndIdle(t *testing.T) {
	c := startFake(t)
	id := c.execute("//print hello")
	reply, _ := c.finished(id)
	if reply["status"] != "ok" || reply["execution_count"] != 1.0 {
		t.Errorf("reply %v", reply)
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	if got, want := kinds(c.outputs[id]), []string{"status", "execute_input", "stream", "status"}; !slices.Equal(got, want) {
		t.Errorf("published %v, expected %v", got, want)
	}
}

// holdUp runs a cell that ends when it is let, after all that was sent until then has come to the kernel.
func (c *client) holdUp() (id string, let func()) {
	c.t.Helper()
	may := filepath.Join(c.tmp, rand.Text())
	return c.execute("//shell until test -e " + may + "; do sleep 0.01; done"), func() {
		c.t.Helper()
		c.received()
		if err := os.WriteFile(may, nil, 0o600); err != nil {
			c.t.Fatal(err)
		}
	}
}

func TestErrorAbortsTheCellsBehindIt(t *testing.T) {
	c := startFake(t)
	first, let := c.holdUp()
	ids := []string{c.execute("//fail"), c.execute("//print a"), c.execute("//print b")}
	let()
	c.finished(first)
	var got []string
	for _, id := range ids {
		reply, _ := c.finished(id)
		got = append(got, fmt.Sprint(reply["status"]))
	}
	if want := []string{"error", "aborted", "aborted"}; !slices.Equal(got, want) {
		t.Errorf("the cells end as %v, expected %v", got, want)
	}
	if status, text := c.run("//print c"); status != "ok" || text != "c" {
		t.Errorf("a cell after the abort: %s, %q", status, text)
	}
}

func TestErrorDoesNotAbortIfTheRequestSaysSo(t *testing.T) {
	c := startFake(t)
	for _, how := range []map[string]any{{"code": "//fail", "stop_on_error": false}, {"code": "//fail", "silent": true}} {
		first, let := c.holdUp()
		failing := c.request(c.shell, "execute_request", how)
		behind := c.execute("//print a")
		let()
		c.finished(first)
		if reply, _ := c.finished(failing); reply["status"] != "error" {
			t.Errorf("%v: reply %v", how, reply)
		}
		if reply, _ := c.finished(behind); reply["status"] != "ok" {
			t.Errorf("%v: the cell behind it: %v", how, reply)
		}
	}
}

func TestOnlyStoredCellsAreCounted(t *testing.T) {
	c := startFake(t)
	for _, step := range []struct {
		ask       map[string]any
		count     float64
		published []string
	}{
		{map[string]any{"code": "//print a"}, 1, []string{"execute_input", "stream"}},
		{map[string]any{"code": "//print a", "store_history": false}, 1, []string{"execute_input", "stream"}},
		{map[string]any{"code": "//print a", "silent": true}, 1, nil},
		{map[string]any{"code": "//print a", "silent": true, "store_history": true}, 1, nil},
		{map[string]any{"code": "//fail", "silent": true}, 1, nil},
		{map[string]any{"code": "//fail"}, 2, []string{"execute_input", "error"}},
		{map[string]any{"code": "//print a", "silent": false, "store_history": true}, 3, []string{"execute_input", "stream"}},
	} {
		reply, published := c.finished(c.request(c.shell, "execute_request", step.ask))
		if reply["execution_count"] != step.count {
			t.Errorf("%v: count %v, expected %v", step.ask, reply["execution_count"], step.count)
		}
		if got := kinds(published); !slices.Equal(got, step.published) {
			t.Errorf("%v: published %v, expected %v", step.ask, got, step.published)
		}
	}
}

func TestQuestionsAreAnsweredWhileACellRuns(t *testing.T) {
	c := startFake(t)
	long := c.execute("//shell sleep 3600")
	for kind, content := range map[string]any{
		"kernel_info_request": struct{}{},
		"is_complete_request": map[string]any{"code": "func f() {"},
		"history_request":     map[string]any{"hist_access_type": "tail", "n": 1},
		"comm_info_request":   struct{}{},
		"complete_request":    map[string]any{"code": "%lx ec", "cursor_pos": 6},
		"inspect_request":     map[string]any{"code": "%lx echo", "cursor_pos": 6, "detail_level": 0},
	} {
		reply, _ := c.finished(c.request(c.shell, kind, content))
		if kind == "is_complete_request" {
			if reply["status"] != "incomplete" || reply["indent"] != "\t" {
				t.Errorf("%s: %v", kind, reply)
			}
		} else if reply["status"] != "ok" {
			t.Errorf("%s: %v", kind, reply)
		}
	}
	c.mu.Lock()
	if c.replies[long] != nil {
		t.Error("the cell had ended before the questions were asked")
	}
	c.mu.Unlock()
}

func TestInterruptStopsAShellAndWhatIsQueued(t *testing.T) {
	c := startFake(t)
	for name, interrupt := range map[string]func(){
		"signal":  func() { syscall.Kill(-c.cmd.Process.Pid, syscall.SIGINT) },
		"message": func() { c.reply(c.request(c.control, "interrupt_request", struct{}{})) },
	} {
		started := filepath.Join(c.tmp, name)
		long := c.execute("//shell touch " + started + "; sleep 3600; sleep 3600")
		queued := c.execute("//print a")
		c.waitFor(started)
		c.received()
		interrupt()
		if reply, _ := c.finished(long); reply["status"] != "error" || reply["ename"] != "interrupted" {
			t.Errorf("%s: the cell: %v", name, reply)
		}
		if reply, _ := c.finished(queued); reply["status"] != "aborted" {
			t.Errorf("%s: the cell behind it: %v", name, reply)
		}
	}
	if status, _ := c.run("//print a"); status != "ok" {
		t.Errorf("the next cell: %s", status)
	}
}

func TestInterruptOfAnIdleKernelDoesNothing(t *testing.T) {
	c := startFake(t)
	c.run("//print a")
	c.reply(c.request(c.control, "interrupt_request", struct{}{}))
	if status, _ := c.run("//print a"); status != "ok" {
		t.Errorf("the next cell: %s", status)
	}
}

func TestCommandsRunInTheKernel(t *testing.T) {
	c := startFake(t)
	if status, text := c.run(`%lx echo one "two three"`); status != "ok" || text != "one|two three\n" {
		t.Errorf("%s, %q", status, text)
	}
	if status, text := c.run("%lx help"); status != "ok" || !strings.Contains(text, "%lx echo WORDS") {
		t.Errorf("%s, %q", status, text)
	}
	if status, text := c.run("\n%lx nothing"); status != "error" || text != "command: line 2: %lx: there is no \"nothing\"; `%lx help` lists what there is" {
		t.Errorf("%s, %q", status, text)
	}
	blocked := c.execute("%lx block")
	c.wait("sign of the command", func() bool { return slices.Contains(kinds(c.outputs[blocked]), "stream") })
	syscall.Kill(c.cmd.Process.Pid, syscall.SIGINT)
	if reply, _ := c.finished(blocked); reply["ename"] != "interrupted" {
		t.Errorf("interrupted: %v", reply)
	}
}

func TestShutdownLeavesNothing(t *testing.T) {
	c := startFake(t)
	started := filepath.Join(c.tmp, "started")
	running := c.execute("//shell touch " + started + "; sleep 3600")
	c.waitFor(started)
	reply := c.reply(c.request(c.control, "shutdown_request", map[string]any{"restart": true}))
	if reply["status"] != "ok" || reply["restart"] != true {
		t.Errorf("reply %v", reply)
	}
	if reply := c.reply(running); reply["ename"] != "interrupted" {
		t.Errorf("the cell: %v", reply)
	}
	c.gone()
}

func TestSignalsThatEndTheKernelLeaveNothing(t *testing.T) {
	for _, sig := range []syscall.Signal{syscall.SIGTERM, syscall.SIGHUP, syscall.SIGKILL} {
		t.Run(sig.String(), func(t *testing.T) {
			t.Parallel()
			c := startFake(t)
			started := filepath.Join(c.tmp, "started")
			c.execute("//shell touch " + started + "; sleep 3600")
			c.waitFor(started)
			syscall.Kill(-c.cmd.Process.Pid, sig)
			c.gone()
		})
	}
}

func TestDeathOfGoNBIsAnErrorInTheCellAndTheEndOfTheKernel(t *testing.T) {
	c := startFake(t)
	c.run("//print a")
	reply, _ := c.finished(c.execute("//die"))
	if text := fmt.Sprint(reply["evalue"]); reply["status"] != "error" || !strings.Contains(text, "GoNB has ended (exit status 7): the fake dies") {
		t.Errorf("reply %v", reply)
	}
	c.gone()
}

func TestUnsignedAndBrokenMessagesAreDroppedWithALine(t *testing.T) {
	c := startFake(t)
	good := newMessage(c.session, "tester", "execute_request", nil, map[string]any{"code": "//print bad"})
	wrongKey := good.encode([]byte("another key"))
	short := good.encode(c.key)[:3]
	noJSON := *good
	noJSON.content = []byte(`{"code": `)
	noHeader := *good
	noHeader.header = []byte(`[]`)
	unsigned := good.encode(nil)
	for _, frames := range []zmtp.Message{wrongKey, short, noJSON.encode(c.key), noHeader.encode(c.key), unsigned, {}, {{}}, {[]byte("x"), delimiter}} {
		if len(frames) == 0 {
			frames = zmtp.Message{nil}
		}
		for _, p := range []*zmtp.Peer{c.shell, c.control} {
			if err := p.Send(frames); err != nil {
				t.Fatal(err)
			}
		}
	}
	wrongType := c.request(c.shell, "execute_request", map[string]any{"code": 3})
	if reply := c.reply(wrongType); reply["status"] != "error" || reply["ename"] != "protocol" {
		t.Errorf("a request of the wrong type: %v", reply)
	}
	if status, text := c.run("//print good"); status != "ok" || text != "good" {
		t.Errorf("the next cell: %s, %q", status, text)
	}
	testwait.Until(t, "the log has 8 lines", func() bool { return strings.Count(c.log.String(), "dropped what came to the shell port") >= 8 })
	if n := strings.Count(c.log.String(), "dropped what came to the shell port"); n != 8 {
		t.Errorf("%d lines in the log, expected 8:\n%s", n, c.log)
	}
}

func TestGarbageOnThePortsHurtsNobody(t *testing.T) {
	c := startFake(t)
	var greeting [64]byte
	greeting[0], greeting[9], greeting[10] = 0xff, 0x7f, 3
	copy(greeting[12:], "NULL")
	garbage := [][]byte{
		[]byte("GET / HTTP/1.1\r\nHost: localhost\r\n\r\n"), bytes.Repeat([]byte{0xff}, 1000), make([]byte, 1000), greeting[:30], greeting[:],
		append(greeting[:], 0x06, 0x7f, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff), append(greeting[:], 0x04, 0x01, 0x05), nil,
	}
	for _, port := range []int{c.c.ShellPort, c.c.ControlPort, c.c.StdinPort, c.c.IOPubPort, c.c.HeartbeatPort} {
		for _, bytes := range garbage {
			network, address := c.c.address(port)
			conn, err := net.Dial(network, address)
			if err != nil {
				t.Fatal(err)
			}
			defer conn.Close() // not before the cell below has run
			if _, err := conn.Write(bytes); err != nil {
				t.Fatal(err)
			}
		}
	}
	if status, text := c.run("//print good"); status != "ok" || text != "good" {
		t.Errorf("the next cell: %s, %q", status, text)
	}
}

func TestHeartbeatIsEchoed(t *testing.T) {
	c := startFake(t)
	network, address := c.c.address(c.c.HeartbeatPort)
	p, err := zmtp.Dial(t.Context(), network, address, nil)
	if err != nil {
		t.Fatal(err)
	}
	defer p.Close()
	want := zmtp.Message{{}, []byte("ping")}
	if err := p.Send(want); err != nil {
		t.Fatal(err)
	}
	got, err := p.Receive()
	if err != nil || len(got) != 2 || string(got[1]) != "ping" {
		t.Errorf("%q, %v", got, err)
	}
}

func TestCommsAreCountedAndPassedOn(t *testing.T) {
	c := startFake(t)
	c.run("//print a")
	c.request(c.shell, "comm_open", map[string]any{"comm_id": "one", "target_name": "target", "data": map[string]any{}})
	info := func(target string) any {
		reply, _ := c.finished(c.request(c.shell, "comm_info_request", map[string]any{"target_name": target}))
		return reply["comms"]
	}
	if got := fmt.Sprint(info("target"), info("other"), info("")); got != "map[one:map[target_name:target]] map[] map[one:map[target_name:target]]" {
		t.Error(got)
	}
	c.request(c.shell, "comm_close", map[string]any{"comm_id": "one", "data": map[string]any{}})
	if got := fmt.Sprint(info("")); got != "map[]" {
		t.Error(got)
	}
}

func TestKernelThatCannotStartSaysWhy(t *testing.T) {
	dir := t.TempDir()
	put := func(name, text string) string {
		path := filepath.Join(dir, name)
		if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		return path
	}
	own, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	busy, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer busy.Close()
	port := busy.Addr().(*net.TCPAddr).Port
	for _, c := range []struct{ file, gonb, want string }{
		{filepath.Join(dir, "nothing"), own, "no such file"},
		{put("a", "{"), own, "Jupyter writes it"},
		{put("b", `{"key": "x", "signature_scheme": "hmac-md5"}`), own, "hmac-md5"},
		{put("c", `{"transport": "carrier pigeon"}`), own, "carrier pigeon"},
		{put("d", `{"shell_port": 70000}`), own, "shell_port is 70000"},
		{put("e", fmt.Sprintf(`{"ip": "127.0.0.1", "shell_port": %d}`, port)), own, "address already in use"},
		{put("f", "{}"), filepath.Join(dir, "no-gonb"), "`kernel install` brings it"},
	} {
		err := Run(t.Context(), c.file, Options{GoNB: c.gonb})
		if err == nil || !strings.Contains(err.Error(), c.want) || strings.Contains(err.Error(), "\n") {
			t.Errorf("error %v, expected %q in one line", err, c.want)
		}
	}
}

func TestKernelEndsWithItsContext(t *testing.T) {
	own, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	file := filepath.Join(t.TempDir(), "c.json")
	if err := os.WriteFile(file, []byte(`{"ip": "127.0.0.1"}`), 0o600); err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithTimeout(t.Context(), 300*time.Millisecond)
	defer cancel()
	if err := Run(ctx, file, Options{GoNB: own, Program: own}); err != nil {
		t.Error(err)
	}
}
