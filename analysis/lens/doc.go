// Package lens reads the heads of LXMERT before its last layer: what would the model say if it stopped here?
//
// The logit lens (nostalgebraist, 2020) gives the states of an earlier level to a head that was trained on the last one:
// masked words and answers from the language levels, objects and attributes from the vision levels, in both streams from the
// embedding on.
//
//	readings, err := lens.Read(ctx, engine, batch, analysis.MaskedWord(3), nil)
//	err = figure.Save("lens.pdf", readings[0].Curve(), figure.Options{})
//
// Levels below the cross-modality layers are not written in the basis that the heads read, so that what the plain lens says
// of them misleads. A tuned lens (Belrose et al., "Eliciting latent predictions from transformers with the tuned lens", 2023)
// has one affine map for each level, which package tune fits to data; figures show it beside the plain one and name the data.
package lens
