package question

import (
	"testing"
	"time"
)

func TestALongSearchSaysSo(t *testing.T) {
	said := make(chan string, 1)
	stop := after(0, func() { said <- "looking" })
	if got := <-said; got != "looking" {
		t.Errorf("said %q", got)
	}
	stop()
	after(time.Hour, func() { said <- "looking" })()
	if len(said) > 0 {
		t.Error("said something after a short search")
	}
}
