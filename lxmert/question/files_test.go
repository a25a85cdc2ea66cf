package question

import (
	"slices"
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

func TestShortNamesOfPictures(t *testing.T) {
	for name, want := range map[string]string{"val2014/17": "COCO_val2014_000000000017", "val/17": "COCO_val2014_000000000017", "test/500001": "COCO_test2015_000000500001"} {
		if forms := IDForms(name); !slices.Contains(forms, want) || forms[0] != name {
			t.Errorf("%s may be %v", name, forms)
		}
	}
	for _, name := range []string{"17", "a/b", "val/", "val/1234567890123", "val/../x"} {
		if forms := IDForms(name); len(forms) != 1 {
			t.Errorf("%s may be %v", name, forms)
		}
	}
}
