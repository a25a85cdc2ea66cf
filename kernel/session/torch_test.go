package session_test

import (
	"errors"
	"strings"
	"testing"

	"github.com/seed-516990b0/golxmert/internal/enginetest"
	"github.com/seed-516990b0/golxmert/kernel/client"
	"github.com/seed-516990b0/golxmert/lxmert"
	"github.com/seed-516990b0/golxmert/lxmert/torch"
)

// TestTheSessionComputesWithLibtorch where it was built with it, and says elsewhere what brings it. GoMLX's model of the same
// weights stays another.
func TestTheSessionComputesWithLibtorch(t *testing.T) {
	c := newResident(t).dial("a")
	for _, golden := range goldens(t) {
		here, there, b := both(t, c, golden)
		spec := there.Info().Spec
		spec.Engine = client.Torch
		on, err := c.Open(t.Context(), spec)
		if !torch.Built {
			if !errors.Is(err, client.ErrNoEngine) || !strings.Contains(err.Error(), "lxmert backend install libtorch") || strings.Contains(err.Error(), "\n") {
				t.Errorf("error %v", err)
			}
			continue
		}
		if err != nil {
			t.Fatal(err)
		}
		r := lxmert.Request{Want: lxmert.All("x.*.ti", "hid.*.*", "out.qa"), Grad: &lxmert.Grad{Names: []string{"x.*.ti"}, Of: []lxmert.Term{{Output: "out.qa"}}}}
		enginetest.Same(t, on, here, b, r)
		if got := enginetest.Run(t, on, b, r).Provenance.Backend; !strings.HasPrefix(got, "libtorch:") {
			t.Errorf("it was computed by %s", got)
		}
		if got := enginetest.Run(t, there, b, r).Provenance.Backend; strings.HasPrefix(got, "libtorch:") {
			t.Errorf("GoMLX's model was computed by %s", got)
		}
	}
}

func TestUnknownEnginesAreRefused(t *testing.T) {
	c := newResident(t).dial("a")
	_, there, _ := both(t, c, goldens(t)[0])
	spec := there.Info().Spec
	spec.Engine = "abacus"
	if _, err := c.Open(t.Context(), spec); !errors.Is(err, client.ErrUsage) || !strings.Contains(err.Error(), `no engine "abacus"; there are "gomlx" and "torch"`) {
		t.Errorf("error %v", err)
	}
	spec.Engine = client.GoMLX
	if _, err := c.Open(t.Context(), spec); err != nil {
		t.Error(err)
	}
}
