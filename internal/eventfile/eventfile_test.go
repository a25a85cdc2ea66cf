package eventfile

import (
	"bytes"
	"encoding/hex"
	"errors"
	"testing"
	"time"
)

// TestChecksumsAreTensorFlows: CRC-32C of RFC 3720, B.4, masked as crc32c.h says, worked out by hand: of 32 zeros it is 0x8a9136aa,
// rotated right by 15 bits 0x6d551522, and 0xa282ead8 more is 0x0fd7fffa.
func TestChecksumsAreTensorFlows(t *testing.T) {
	if got := masked(make([]byte, 32)); got != 0x0fd7fffa {
		t.Errorf("%#x", got)
	}
}

// TestTheFirstRecordSaysTheVersion in the bytes that TensorFlow writes for this time.
func TestTheFirstRecordSaysTheVersion(t *testing.T) {
	var b bytes.Buffer
	if _, err := New(&b, time.Unix(1, 0)); err != nil {
		t.Fatal(err)
	}
	data := "09" + "000000000000f03f" + "1000" + "1a0d" + hex.EncodeToString([]byte("brain.Event:2"))
	got := hex.EncodeToString(b.Bytes())
	if want := "1a00000000000000"; got[:16] != want || got[24:24+len(data)] != data || len(got) != 24+len(data)+8 {
		t.Errorf("%s", got)
	}
}

type full struct{}

func (full) Write([]byte) (int, error) { return 0, errors.New("the disk is full") }

func TestErrorsOfWhatIsWrittenToAreReturned(t *testing.T) {
	if _, err := New(full{}, time.Time{}); err == nil {
		t.Error("nothing is wrong with the beginning")
	}
	w := &Writer{to: full{}}
	if w.Scalar(1, "a", 1) == nil || w.Text("a", "b") == nil {
		t.Error("nothing is wrong with an event")
	}
}
