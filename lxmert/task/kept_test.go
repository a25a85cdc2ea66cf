package task

import (
	"errors"
	"slices"
	"strings"
	"testing"

	"github.com/seed-516990b0/golxmert/lxmert/backend"
	"github.com/seed-516990b0/golxmert/lxmert/backend/backendtest"
	"github.com/seed-516990b0/golxmert/lxmert/dataset"
)

func TestFeaturesAreKeptWhereThereIsRoom(t *testing.T) {
	for _, c := range []struct {
		memory             backend.Memory
		features, training int64
		want               string
	}{
		{backend.Memory{InUse: 10, Limit: 100}, 40, 50, ""},
		{backend.Memory{InUse: 11, Limit: 100}, 40, 50, "89 B are free"},
		{backend.Memory{InUse: 200, Limit: 100}, 1, 0, "of the GPU's memory 0 B are free"},
		{backend.Memory{InUse: 10}, 1, 1, "--keepFeatures yes"},
	} {
		if why := room(c.memory, c.features, c.training); (why == "") != (c.want == "") || !strings.Contains(why, c.want) {
			t.Errorf("%+v: %q, want %q", c, why, c.want)
		}
	}
}

func TestFeaturesAreKeptOnGPUsOnly(t *testing.T) {
	o := kinds(t)[dataset.VQA]
	for keeps, want := range map[string]string{"yes": "for a GPU", "perhaps": "must be auto, yes or no"} {
		o.Output, o.KeepFeatures = t.TempDir(), keeps
		if _, err := Train(t.Context(), backendtest.Open(t, "go"), dataset.VQA, o); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("--keepFeatures %s: %v", keeps, err)
		}
	}
}

// TestPicturesAreReadAsBatchesAre compares what is kept with a batch of the same questions.
func TestPicturesAreReadAsBatchesAre(t *testing.T) {
	o := kinds(t)[dataset.VQA]
	s, err := newSession(backendtest.Open(t, "go"), dataset.VQA, &o)
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	set, err := s.load(t.Context(), []string{"train"}, 0)
	if err != nil {
		t.Fatal(err)
	}
	list, numbers, err := picturesOf([]*dataset.Set{set, set})
	if err != nil || len(list) != len(numbers) || len(list) == 0 || len(list) >= set.Len() {
		t.Fatalf("%d pictures with %d numbers of %d questions: %v", len(list), len(numbers), set.Len(), err)
	}
	index := []int{7, 2, 3, 2}
	want, err := set.Batch(t.Context(), s.tok, 20, index)
	if err != nil {
		t.Fatal(err)
	}
	got, places, err := kept(numbers).batch(set, s.tok, 20, index)
	if err != nil || got.V() != 0 || len(places) != len(index) {
		t.Fatal(got, places, err)
	}
	v, dim := want.V(), want.Feats.Shape[2]
	feats, boxes := make([]float32, len(list)*v*dim), make([]float32, len(list)*v*4)
	if err := readPictures(t.Context(), list, v, 2, feats, boxes); err != nil {
		t.Fatal(err)
	}
	for row, p := range places {
		f, b := v*dim, v*4
		if !slices.Equal(want.IDs[row], got.IDs[row]) || !slices.Equal(want.Feats.Row(row).Data, feats[int(p)*f:int(p+1)*f]) ||
			!slices.Equal(want.Boxes.Row(row).Data, boxes[int(p)*b:int(p+1)*b]) {
			t.Errorf("row %d is another with picture %d", row, p)
		}
	}
	if err := readPictures(t.Context(), list, v+1, 2, make([]float32, len(list)*(v+1)*dim), make([]float32, len(list)*(v+1)*4)); !errors.Is(err, errUneven) {
		t.Errorf("pictures with another number of regions: %v", err)
	}
	delete(numbers, list[places[1]])
	if b, _, err := kept(numbers).batch(set, s.tok, 20, index); b != nil || err != nil {
		t.Errorf("a batch with a picture that is not kept: %v, %v", b, err)
	}
}
