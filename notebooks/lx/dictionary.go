package lx

import (
	"github.com/seed-516990b0/golxmert/analysis/dictionary"
	"github.com/seed-516990b0/golxmert/analysis/intervene"
)

// Dictionary is a set of features that was trained elsewhere on activations, such as a sparse autoencoder.
type Dictionary = dictionary.Dictionary

// OpenDictionary reads a safetensors file with W_enc, b_enc, W_dec and b_dec; package analysis/dictionary says what else. at is
// the activation that it is of, such as "hid.t.9", where its metadata does not say so.
func OpenDictionary(path string, at ...string) *Dictionary {
	name := ""
	if len(at) > 0 {
		name = at[0]
	}
	return must(dictionary.Open(path, name))
}

// Features changes features of a dictionary on the way to an answer, at some words or regions or at all: "12=0" switches feature
// 12 off, "12=5" sets it, "12*2" scales it. What the dictionary does not explain is kept.
//
//	d := lx.OpenDictionary("sae.safetensors")
//	lx.WhatIf(q, lx.Features(d, "12=0"), lx.Features(d, "12=0,40*3", "star"), lx.Reconstructed(d, ""))
func Features(d *Dictionary, changes string, at ...string) Change {
	return intervene.Features(d, must(dictionary.ParseChanges(changes)), at...)
}

// Reconstructed is [Features] with what the dictionary does not explain lost; "" changes nothing else.
func Reconstructed(d *Dictionary, changes string, at ...string) Change {
	if changes == "" {
		return intervene.Reconstructed(d, nil, at...)
	}
	return intervene.Reconstructed(d, must(dictionary.ParseChanges(changes)), at...)
}
