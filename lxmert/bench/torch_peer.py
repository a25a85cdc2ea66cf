"""LXRT with a VQA head in plain PyTorch: the peer that `lxmert bench` runs beside this project's engine.

Reads weights that `torch.load` opens (names of the original state dict), runs the forward pass on batches made from a
seed, and prints one JSON object. Nothing but torch is needed.
"""

import time

START = time.perf_counter()

import argparse
import json
import math
import os
import resource
import statistics

import torch
import torch.nn.functional as F

IMPORTED = time.perf_counter()


class LXRT:
    """The forward pass as the original computes it: every layer in full, one product per projection."""

    def __init__(self, weights, heads, device, dtype):
        self.w = {k: v.to(device=device, dtype=dtype) for k, v in weights.items() if v.is_floating_point()}
        self.heads = heads
        names = self.w.keys()
        self.layers = {kind: 1 + max(int(n.split(".")[3]) for n in names if n.startswith("bert.encoder." + kind + "."))
                       for kind in ("layer", "x_layers", "r_layers")}

    def linear(self, name, x):
        return F.linear(x, self.w[name + ".weight"], self.w[name + ".bias"])

    def norm(self, name, x):
        return F.layer_norm(x, x.shape[-1:], self.w[name + ".weight"], self.w[name + ".bias"], 1e-12)

    def split(self, x):
        return x.view(x.shape[0], x.shape[1], self.heads, -1).transpose(1, 2)

    def attend(self, name, inner, x, context, mask):
        q = self.split(self.linear(f"{name}.{inner}.query", x))
        k = self.split(self.linear(f"{name}.{inner}.key", context))
        v = self.split(self.linear(f"{name}.{inner}.value", context))
        scores = q @ k.transpose(-1, -2) / math.sqrt(q.shape[-1])
        if mask is not None:
            scores = scores + mask
        mixed = (scores.softmax(-1) @ v).transpose(1, 2).reshape(x.shape)
        return self.norm(f"{name}.output.LayerNorm", self.linear(f"{name}.output.dense", mixed) + x)

    def feed_forward(self, inner, outer, x):
        return self.norm(outer + ".LayerNorm", self.linear(outer + ".dense", F.gelu(self.linear(inner + ".dense", x))) + x)

    def layer(self, name, x, mask):
        x = self.attend(name + ".attention", "self", x, x, mask)
        return self.feed_forward(name + ".intermediate", name + ".output", x)

    def forward(self, ids, mask, feats, boxes):
        w, e, v = self.w, "bert.embeddings", "bert.encoder.visn_fc"
        mask = (1.0 - mask[:, None, None, :]) * -10000.0
        lang = (w[e + ".word_embeddings.weight"][ids]
                + w[e + ".position_embeddings.weight"][: ids.shape[1]]
                + w[e + ".token_type_embeddings.weight"][0])
        lang = self.norm(e + ".LayerNorm", lang)
        vision = (self.norm(v + ".visn_layer_norm", self.linear(v + ".visn_fc", feats))
                  + self.norm(v + ".box_layer_norm", self.linear(v + ".box_fc", boxes))) / 2
        for i in range(self.layers["layer"]):
            lang = self.layer(f"bert.encoder.layer.{i}", lang, mask)
        for i in range(self.layers["r_layers"]):
            vision = self.layer(f"bert.encoder.r_layers.{i}", vision, None)
        for i in range(self.layers["x_layers"]):
            p = f"bert.encoder.x_layers.{i}"
            lang, vision = (self.attend(p + ".visual_attention", "att", lang, vision, None),
                            self.attend(p + ".visual_attention", "att", vision, lang, mask))
            lang = self.attend(p + ".lang_self_att", "self", lang, lang, mask)
            vision = self.attend(p + ".visn_self_att", "self", vision, vision, None)
            lang = self.feed_forward(p + ".lang_inter", p + ".lang_output", lang)
            vision = self.feed_forward(p + ".visn_inter", p + ".visn_output", vision)
        pooled = torch.tanh(self.linear("bert.pooler.dense", lang[:, 0]))
        return self.linear("logit_fc.3", self.norm("logit_fc.2", F.gelu(self.linear("logit_fc.0", pooled))))


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--weights", required=True)
    parser.add_argument("--inputs", required=True, help="JSON: batch sizes, words, regions, feature sizes, heads, vocabulary")
    parser.add_argument("--repeat", type=int, default=7)
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--device", default="cpu")
    parser.add_argument("--dtype", default="float32", choices=["float32", "bfloat16"])
    args = parser.parse_args()
    spec = json.loads(args.inputs)
    torch.set_num_threads(args.threads)
    torch.backends.cuda.matmul.allow_tf32 = False

    state = torch.load(args.weights, map_location="cpu", weights_only=True)
    dtype = getattr(torch, args.dtype)
    model = LXRT(state, spec["heads"], args.device, dtype)
    loaded = time.perf_counter()

    def sync():
        if args.device != "cpu":
            torch.cuda.synchronize()

    rows, first = [], None
    generator = torch.Generator().manual_seed(1)
    with torch.inference_mode():
        for batch in spec["batches"]:
            ids = torch.randint(spec["vocab"], (batch, spec["words"]), generator=generator).to(args.device)
            mask = torch.ones(batch, spec["words"], dtype=dtype, device=args.device)
            feats = torch.randn(batch, spec["regions"], spec["feat"], generator=generator).clamp(min=0).to(args.device, dtype)
            boxes = torch.rand(batch, spec["regions"], spec["box"], generator=generator).to(args.device, dtype)
            model.forward(ids, mask, feats, boxes)
            sync()
            if first is None:
                first = time.perf_counter()
            times = []
            for _ in range(args.repeat):
                t = time.perf_counter()
                model.forward(ids, mask, feats, boxes).float().cpu()
                sync()
                times.append(1000 * (time.perf_counter() - t))
            rows.append({"batch": batch, "best_ms": min(times), "median_ms": statistics.median(times)})
    print(json.dumps({
        "engine": "torch " + torch.__version__,
        "device": args.device if args.device == "cpu" else torch.cuda.get_device_name(),
        "threads": torch.get_num_threads(),
        "wait_policy": os.environ.get("OMP_WAIT_POLICY", ""),
        "import_s": IMPORTED - START,
        "load_s": loaded - IMPORTED,
        "first_output_s": first - START,
        "peak_rss_bytes": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024,
        "rows": rows,
    }))


if __name__ == "__main__":
    main()
