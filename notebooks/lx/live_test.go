package lx

import (
	"bytes"
	"encoding/gob"
	"encoding/json"
	"fmt"
	"image/png"
	"math"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	"github.com/janpfeifer/gonb/gonbui/protocol"

	"github.com/seed-516990b0/golxmert/kernel/client"
)

// notebook takes what cells display, as GoNB does, and acknowledges that it has come.
type notebook struct {
	env  []string
	seen chan *protocol.DisplayData
}

func newNotebook(t *testing.T) notebook {
	t.Helper()
	dir := t.TempDir()
	n := notebook{seen: make(chan *protocol.DisplayData, 1000)}
	var pipes []*os.File
	for _, name := range []string{protocol.GONB_PIPE_ENV, protocol.GONB_PIPE_BACK_ENV} {
		path := filepath.Join(dir, name)
		if err := syscall.Mkfifo(path, 0o600); err != nil {
			t.Fatal(err)
		}
		f, err := os.OpenFile(path, os.O_RDWR, 0) // does not wait for the other side
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { f.Close() })
		pipes = append(pipes, f)
		n.env = append(n.env, name+"="+path)
	}
	go func() {
		defer close(n.seen)
		in, out := gob.NewDecoder(pipes[0]), gob.NewEncoder(pipes[1])
		for {
			d := &protocol.DisplayData{}
			if in.Decode(d) != nil {
				return
			}
			if ask, ok := d.Data[protocol.MIMECommValue].(protocol.CommValue); ok {
				if out.Encode(&protocol.CommValue{Address: protocol.GonbuiSyncAckAddress, Value: ask.Value}) != nil {
					return
				}
				continue
			}
			n.seen <- d
		}
	}()
	return n
}

func TestALiveCellIsDrawnInPlaceAndEndsAsAPicture(t *testing.T) {
	n := newNotebook(t)
	r := train(t, "vqa", "--train train --valid minival --epochs 3")
	cell := startCell(t, "follow", r, n.env...)
	if err := cell.Wait(); err != nil {
		t.Fatalf("%v: %s", err, cell.said())
	}
	var last *protocol.DisplayData
	count := 0
	for len(n.seen) > 0 {
		d := <-n.seen
		if d.DisplayID == "" || last != nil && d.DisplayID != last.DisplayID {
			t.Errorf("a picture is displayed as %q, not in place", d.DisplayID)
		}
		last = d
		count++
	}
	if last == nil || count < 2 {
		t.Fatalf("%d pictures", count)
	}
	html, _ := last.Data[protocol.MIMETextHTML].(string)
	if !strings.Contains(html, "<b>vqa</b>") || !strings.Contains(html, "done") || strings.Contains(html, "running") || strings.Count(html, "<svg") != 2 || !strings.Contains(html, "Epoch 2: Best") {
		t.Errorf("it ends as %.3000s", html)
	}
	picture, _ := last.Data[protocol.MIMEImagePNG].([]byte)
	if _, err := png.Decode(bytes.NewReader(picture)); err != nil {
		t.Errorf("its picture of %d bytes: %v", len(picture), err)
	}
	if text, _ := last.Data[protocol.MIMETextPlain].(string); !strings.Contains(text, "done") {
		t.Errorf("as text it is %q", text)
	}
}

func TestCurvesAreThoseOfTheMetrics(t *testing.T) {
	l := newLive(Run{Task: "vqa", State: client.Running})
	for i := range 1000 {
		l.curves.add(json.RawMessage(fmt.Sprintf(`{"step": %d, "epoch": %d, "loss": %d}`, i+1, i/500, 1000-i)))
		if i%500 == 499 {
			l.curves.add(json.RawMessage(fmt.Sprintf(`{"epoch": %d, "train": 0.5, "valid": 0.25, "best": 0.25}`, i/500)))
		}
	}
	l.curves.add(json.RawMessage(`no JSON`))
	curves := l.curves.drawn()
	if len(curves) != 2 {
		t.Fatalf("%d curves", len(curves))
	}
	loss, score := curves[0], curves[1]
	if n := len(loss.X); n != 200 || loss.X[n-1] != 1000 || loss.Series[0].Y[0] != 998 {
		t.Errorf("the loss has %d points, the first is %v", n, loss.Series[0].Y[0])
	}
	if len(score.X) != 2 || score.X[1] != 1000 || score.Series[0].Y[0] != 50 || score.Series[1].Y[1] != 25 {
		t.Errorf("the scores are %+v", score)
	}
	s := l.shown(true)
	if strings.Count(s.html, "<svg") != 2 || strings.Contains(s.html, "<?xml") || len(s.png) == 0 {
		t.Errorf("they are shown as %.300s", s.html)
	}
	if s := l.shown(false); s.png != nil {
		t.Error("a picture while it runs, which is replaced half a second later")
	}
}

func TestLossesThatAreNotFiniteLeaveTheRest(t *testing.T) {
	l := newLive(Run{Task: "vqa", State: client.Failed, Error: "loss or gradient were not finite"})
	l.curves.steps, l.curves.losses = []float64{1, 2}, []float64{math.NaN(), math.Inf(1)}
	if s := l.shown(true); !strings.Contains(s.html, "not finite") || len(s.png) == 0 {
		t.Errorf("%.300s", s.html)
	}
}

func TestEachLossOfPreTrainingHasACurve(t *testing.T) {
	var m measured
	for i := range 10 {
		m.add(json.RawMessage(fmt.Sprintf(`{"step": %d, "epoch": %d, "loss": %d, "loss.QA": %d, "loss.QA.norm": 1, "loss.Mask_LM": %d, "loss.mine": "NaN"}`, i+1, i/5, 30-i, 10-i, 20-2*i)))
		if i%5 == 4 {
			m.add(json.RawMessage(fmt.Sprintf(`{"epoch": %d, "train": %d, "train.QA": 4, "train.Mask_LM": 8, "valid": 9, "valid.QA": 3, "valid.Mask_LM": 6}`, i/5, 12-i)))
		}
	}
	curves := m.drawn()
	if len(curves) != 4 {
		t.Fatalf("%d curves", len(curves))
	}
	steps, total, epochs := curves[1], curves[2], curves[3]
	if s := steps.Series; len(s) != 3 || s[0].Name != "Mask_LM 2" || s[1].Name != "QA 1" || s[2].Name != "mine" || s[0].Y[0] != 1 || s[1].Y[9] != 0.1 || !math.IsNaN(s[2].Y[0]) {
		t.Errorf("each loss by step is %+v", s)
	}
	if s := total.Series; total.YName != "loss" || s[0].Y[0] != 8 || s[1].Y[1] != 9 {
		t.Errorf("the loss by epoch is %+v", total)
	}
	if s := epochs.Series; len(s) != 6 || s[0].Name != "Mask_LM 6, training" || s[1].Y[0] != 0.75 || epochs.X[1] != 10 {
		t.Errorf("each loss by epoch is %+v", epochs)
	}
	for _, c := range curves {
		if err := c.Check(); err != nil {
			t.Error(err)
		}
	}
}
