// Package readout says what the heads of pre-training say: the masked word, whether sentence and picture belong together,
// the object, the attribute and the feature of a region, and the answer.
//
//	r, err := readout.Read(ctx, engine, batch.Part(0), readout.Options{Names: names})
//	fmt.Println(r)                                        // all heads as text
//	err = report.Save("heads.html", r.Collection(), report.Options{})
//
// Each word is hidden behind [MASK] by itself, with all of its pieces, and guessed with the picture and without it: regions
// that are taken away are attended to by nobody. Each region is hidden as in pre-training, its feature set to zero and its box
// kept. Words and regions are read as well while they are seen; each [Saying] says which. Pre-training asked for objects
// and attributes at all regions, whether hidden or not, so both are what these heads were trained for (LXMERT's issues 41 and
// 90); for words and features it asked at hidden places only, of which some were left as they were.
//
// How surprising what is there is to a head is given in bits: -log2 of its probability. 0 is certain, 1 as much as a coin, and
// each further bit half as probable. "Match" is class 1 of out.match.
//
// [Say] reads heads at any places of any batch, which is what everything here is made of.
package readout
