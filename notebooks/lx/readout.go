package lx

import "github.com/seed-516990b0/golxmert/analysis/readout"

// HeadReadout is what the heads of pre-training say of one sentence and one picture.
type HeadReadout = readout.Readout

// Readout reads all heads of pre-training: each word hidden and guessed, with the picture and without it; whether sentence and
// picture belong together; object, attribute and feature of each region, hidden and seen; and the answer. Words after the
// picture are those to hide; without any it is every word, one at a time:
//
//	lx.Show(lx.Readout(m, "a red star left of a circle", "test/500001"))
//	lx.Show(lx.Readout(m, "a red star left of a circle", "test/500001", "red"))
//
// The model must have these heads: weights as `lxmert pretrain` writes them, or the published Epoch20_LXRT.pth. Classes of objects
// and attributes are named by Objects and Attributes of [Spec], and numbered without them.
func Readout(m *Model, sentence, picture string, words ...string) *HeadReadout {
	Check(readout.CanRead(m.Config()))
	b := must(m.Batch(cell().ctx, []Question{{Text: sentence, Images: []string{picture}}}))
	opt := readout.Options{Names: must(m.Names(cell().ctx))}
	opt.Words = must(readout.Positions(b, words...))
	return must(readout.Read(cell().ctx, m, b, opt))
}
