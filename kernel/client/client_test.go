package client

import (
	"path/filepath"
	"reflect"
	"testing"
)

func TestNamesAreRelativeToTheClient(t *testing.T) {
	abs := filepath.Join(t.TempDir(), "x")
	s := Spec{Weights: "snap/m", Config: "", Vocab: abs, Answers: "a.json", Objects: Toy, Regions: []string{"r.tsv", Toy}, Images: "i", BFloat16: true}
	want := Spec{Weights: "/work/snap/m", Vocab: abs, Answers: "/work/a.json", Objects: Toy, Regions: []string{"/work/r.tsv", Toy}, Images: "/work/i", BFloat16: true, Folder: "/work"}
	if got := s.in("/work"); !reflect.DeepEqual(got, want) {
		t.Errorf("%+v", got)
	}
	if again := want.in("/elsewhere"); !reflect.DeepEqual(again, want) {
		t.Errorf("from another folder it is %+v", again)
	}
}
