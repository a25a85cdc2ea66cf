// Package dictionary reads dictionaries of features that were trained elsewhere on activations of the model, such as `lxmert
// embed` writes them: sparse autoencoders, which reconstruct an activation, and transcoders, which compute another one. It
// encodes and decodes; [intervene.Features] changes features on the way to an answer.
//
//	features       f = activation((x - b) W_enc + b_enc)     b is b_dec where the dictionary subtracts it first, else 0
//	reconstruction f W_dec + b_dec
//
// A dictionary is a safetensors file with these tensors, F64, F32, F16 or BF16:
//
//	W_enc     [D, features]    D is the width of the activation that is read, such as 768 of hid.t.9
//	b_enc     [features]
//	W_dec     [features, E]    E is the width of the activation that is written; E = D in an autoencoder
//	b_dec     [E]
//	threshold [features]       of activation jumprelu
//
// and metadata, all of it text and all but "at" with a default:
//
//	at                     which activation is read, such as hid.t.9 or l.3.ffn
//	into                   which one is written (default: the same); a transcoder of a feed-forward block reads l.3.att and writes l.3.ffn.out
//	activation             relu: max(0, z); topk: relu of the k largest z, 0 of all others; jumprelu: z above the threshold, else 0
//	                       (default: jumprelu if there is a threshold, else relu)
//	k                      of topk
//	apply_b_dec_to_input   true: b_dec is subtracted first (default: false)
//
// In Python:
//
//	safetensors.numpy.save_file({"W_enc": W_enc, "b_enc": b_enc, "W_dec": W_dec, "b_dec": b_dec}, "sae.safetensors",
//	                            metadata={"at": "hid.t.9", "activation": "topk", "k": "32"})
//
// [intervene.Features]: https://pkg.go.dev/github.com/seed-516990b0/golxmert/analysis/intervene#Features
package dictionary
