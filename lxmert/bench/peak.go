package bench

import (
	"github.com/seed-516990b0/golxmert/lxmert"
	"github.com/seed-516990b0/golxmert/lxmert/internal/peak"
)

// Product is the matrix product [M,K] x [K,N].
type Product = peak.Product

// Peak is the fastest of several products.
type Peak = peak.Peak

// modelProducts are the large products of a batch: attention and feed-forward of either stream, and the regions' input.
func modelProducts(c lxmert.Config, batch, words, regions int) []Product {
	t, v := batch*words, batch*regions
	return []Product{
		{M: t, K: c.Hidden, N: c.Hidden}, {M: v, K: c.Hidden, N: c.Hidden},
		{M: t, K: c.Hidden, N: c.Intermediate}, {M: v, K: c.Hidden, N: c.Intermediate},
		{M: v, K: c.FeatDim, N: c.Hidden},
	}
}
