"""Traces the original's model as a user would: trace.py FOLDER-OF-lxmert_activations.py ORIGINAL WEIGHTS HEADS INPUTS OUT.pt NAME ...

What the module returns is nested: a tuple of the first two activations, and a list of the others, which ends with one that has no name.
"""
import json
import sys

import torch

here, original, weights, heads, inputs, out, *names = sys.argv[1:]
sys.path.insert(0, here)
import lxmert_activations as activations


class Traced(torch.nn.Module):
    def __init__(self, model):
        super().__init__()
        self.model = model

    def forward(self, ids, feats, boxes, mask, segments):
        with activations.Activations(self.model, names) as found:
            activations.run(self.model, (ids, segments, mask, feats, boxes, None))
        values = [found[n] for n in names]
        return tuple(values[:2]), [*values[2:], ids.sum()]


ids, segments, mask, feats, boxes, _ = activations.read_batch(inputs)
model = Traced(activations.original_model(original, weights, int(heads), "gelu")).eval()
with torch.no_grad():
    traced = torch.jit.trace(model, (ids, feats, boxes, mask.long(), segments), check_trace=False, strict=False)
traced.save(out)
with open(out[: -len(".pt")] + ".json", "w") as f:
    json.dump({"inputs": ["input_ids", "feats", "boxes", "input_mask", "segment_ids"], "outputs": [*names, ""]}, f)
