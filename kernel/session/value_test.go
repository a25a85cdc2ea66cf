package session_test

import (
	"bytes"
	"errors"
	"strings"
	"testing"

	"github.com/seed-516990b0/golxmert/kernel/client"
)

func TestValuesAreKeptForEveryNotebook(t *testing.T) {
	r := newResident(t)
	a, b := r.dial("a"), r.dial("b")
	want := client.Value{Name: "rel/ä b%2F", Type: "[]analysis.Scores", Source: "sha256:\n\"äöü\x00", Data: []byte{0, 1, 2, '\n', 255}}
	if err := a.Put(t.Context(), want); err != nil {
		t.Fatal(err)
	}
	got, err := b.Get(t.Context(), want.Name)
	if err != nil {
		t.Fatal(err)
	}
	if got.Type != want.Type || got.Source != want.Source || !bytes.Equal(got.Data, want.Data) || got.Size != 5 || got.Kept.IsZero() {
		t.Errorf("%+v comes back as %+v", want, got)
	}
	if err := b.Put(t.Context(), client.Value{Name: "another"}); err != nil {
		t.Fatal(err)
	}
	list, err := a.List(t.Context())
	if err != nil || len(list) != 2 || list[0].Name != "another" || list[1].Source != want.Source || list[1].Data != nil {
		t.Errorf("the list is %+v, %v", list, err)
	}
	if err := a.Delete(t.Context(), want.Name); err != nil {
		t.Error(err)
	}
	if _, err := b.Get(t.Context(), want.Name); !errors.Is(err, client.ErrNotFound) || !strings.Contains(err.Error(), "nothing is kept as") {
		t.Errorf("a value that was deleted: %v", err)
	}
}

func TestTheMemoryLimitRefusesValues(t *testing.T) {
	t.Setenv("LXMERT_SESSION_MEMORY", "1MB")
	c := newResident(t).dial("a")
	half := client.Value{Name: "half", Data: make([]byte, 600<<10)}
	if err := c.Put(t.Context(), half); err != nil {
		t.Fatal(err)
	}
	other := half
	other.Name = "other"
	err := c.Put(t.Context(), other)
	if !errors.Is(err, client.ErrFull) || !strings.Contains(err.Error(), "LXMERT_SESSION_MEMORY=") || strings.Contains(err.Error(), "\n") {
		t.Errorf("a value beyond the limit: %v", err)
	}
	if err := c.Delete(t.Context(), "half"); err != nil {
		t.Fatal(err)
	}
	if err := c.Put(t.Context(), other); err != nil {
		t.Errorf("with room: %v", err)
	}
	for _, name := range []string{"", strings.Repeat("x", 300)} {
		if err := c.Put(t.Context(), client.Value{Name: name}); err == nil {
			t.Errorf("a value is kept as %.20q", name)
		}
	}
}
