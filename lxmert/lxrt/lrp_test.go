package lxrt

import (
	"slices"
	"testing"

	"github.com/seed-516990b0/golxmert/lxmert"
	"github.com/seed-516990b0/golxmert/lxmert/backend"
	"github.com/seed-516990b0/golxmert/lxmert/backend/backendtest"
	"github.com/seed-516990b0/golxmert/lxmert/internal/synthetic"
)

// TestAttnLRPChangesGradientsAndNoValue, with every activation function; and it is a rule of the request, which a plain one of
// the same names does not get. Its values are compared with the goldens in analysis/relevance.
func TestAttnLRPChangesGradientsAndNoValue(t *testing.T) {
	backendtest.Each(t, func(t *testing.T, b *backend.Backend) {
		for _, activation := range []string{"gelu", "relu", "swish"} {
			cfg := smallConfig()
			cfg.Activation = activation
			m := smallModel(t, b, cfg, Options{})
			batch := synthetic.Batch(cfg, 1, 2, 5, 6)
			names := []string{"in.word", "in.position", "in.feat", "hid.t.1", "x.0.ti", "out.pooled"}
			with := func(rule lxmert.GradRule) *lxmert.Trace {
				return run(t, m, batch, lxmert.Request{Want: lxmert.All("*"), Grad: &lxmert.Grad{
					Of: []lxmert.Term{{Output: "out.qa", Class: []int{0, 3}}}, Names: names, Rule: rule}})
			}
			plain, rule, again := with(lxmert.Derivative), with(lxmert.AttnLRP), with(lxmert.Derivative)
			expect(t, rule.Score, plain.Score, 1e-5)
			for name, x := range plain.Values {
				expect(t, rule.Values[name].Data, x.Data, 1e-5)
			}
			for _, name := range names {
				if slices.Equal(rule.Grads[name].Data, plain.Grads[name].Data) {
					t.Errorf("%s: the gradient with respect to %s is that without the rule", activation, name)
				}
				expect(t, again.Grads[name].Data, plain.Grads[name].Data, 1e-5)
			}
		}
	})
}
