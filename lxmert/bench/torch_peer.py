"""LXRT with a VQA head in plain PyTorch: the peer that `lxmert bench` runs beside this project's engine.

Reads weights that `torch.load` opens (names of the original state dict) and inputs from a .safetensors file, runs the
forward pass on the first rows of the inputs, and prints the line "first output" when there is one and then one JSON
object. Every timed run starts with inputs and ends with logits in the host's memory. Nothing but torch is needed.
"""

import time

START = time.perf_counter()

import argparse
import inspect
import json
import math
import struct
import sys

import torch
import torch.nn.functional as F

IMPORTED = time.perf_counter()


class LXRT:
    """The forward pass as the original computes it: every layer in full, one product per projection."""

    def __init__(self, weights, heads, activation, device, dtype):
        self.act = {"gelu": F.gelu, "relu": F.relu, "swish": F.silu}[activation]
        self.w = {k: v.to(device=device, dtype=dtype) for k, v in weights.items() if v.is_floating_point()}
        self.heads = heads
        names = self.w.keys()
        self.layers = {kind: len({n.split(".")[3] for n in names if n.startswith("bert.encoder." + kind + ".")})
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
        return self.norm(outer + ".LayerNorm", self.linear(outer + ".dense", self.act(self.linear(inner + ".dense", x))) + x)

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


def read_inputs(path):
    """The tensors of a .safetensors file with float32 and int32 values."""
    with open(path, "rb") as f:
        (size,) = struct.unpack("<Q", f.read(8))
        header, data = json.loads(f.read(size)), bytearray(f.read())
    types = {"F32": torch.float32, "I32": torch.int32}
    out = {}
    for name, e in header.items():
        if name != "__metadata__":
            begin, end = e["data_offsets"]
            x = torch.frombuffer(data, dtype=types[e["dtype"]], count=(end - begin) // 4, offset=begin)
            out[name] = x.reshape(e["shape"])
    return out


def peak_rss():
    """The most memory this process had in RAM, in bytes; getrusage would count the process that started it, too."""
    try:
        with open("/proc/self/status") as f:
            for line in f:
                if line.startswith("VmHWM:"):
                    return int(line.split()[1]) * 1024
    except OSError:
        pass
    return 0


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--about", action="store_true", help="print PyTorch's version and GPU, and stop")
    parser.add_argument("--weights")
    parser.add_argument("--inputs", help=".safetensors with input_ids, input_mask, feats and boxes")
    parser.add_argument("--batches", default="1,8,32")
    parser.add_argument("--heads", type=int, default=12)
    parser.add_argument("--activation", default="gelu", choices=["gelu", "relu", "swish"])
    parser.add_argument("--repeat", type=int, default=15, help="0: stop at the first output")
    parser.add_argument("--mmap", action="store_true", help="map the weights into memory instead of reading them")
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--device", default="cpu")
    parser.add_argument("--dtype", default="float32", choices=["float32", "bfloat16"])
    parser.add_argument("--logits", action="store_true", help="print the logits of the first batch size")
    args = parser.parse_args()
    if args.about:
        print(json.dumps({
            "torch": torch.__version__,
            "cuda": torch.cuda.get_device_name() if torch.cuda.is_available() else "",
            "mmap": "mmap" in inspect.signature(torch.load).parameters,
        }))
        return
    torch.set_num_threads(args.threads)
    torch.backends.cuda.matmul.allow_tf32 = False

    begin = time.perf_counter()
    state = torch.load(args.weights, map_location="cpu", weights_only=True, **({"mmap": True} if args.mmap else {}))
    dtype = getattr(torch, args.dtype)
    model = LXRT(state, args.heads, args.activation, args.device, dtype)
    del state
    inputs = read_inputs(args.inputs)
    load = time.perf_counter() - begin

    def run(batch):
        """Seconds and logits of one run."""
        begin = time.perf_counter()
        ids, mask, feats, boxes = (inputs[k][:batch].to(args.device) for k in ("input_ids", "input_mask", "feats", "boxes"))
        logits = model.forward(ids.long(), mask.to(dtype), feats.to(dtype), boxes.to(dtype)).float().cpu()
        return time.perf_counter() - begin, logits

    rows, first, logits = [], None, None
    with torch.inference_mode():
        for batch in map(int, args.batches.split(",")):
            cold, out = run(batch)
            if first is None:
                print("first output", flush=True)
                first = cold
                if not torch.isfinite(out).all():
                    sys.exit("the logits are not finite numbers")
                logits = out.tolist()
            if args.repeat == 0:
                break
            run(batch)
            times = [1000 * run(batch)[0] for _ in range(args.repeat)]
            rows.append({"batch": batch, "times_ms": times, "compile_s": max(0, cold - min(times) / 1000)})
    print(json.dumps({
        "engine": "torch " + torch.__version__,
        "device": "cpu" if args.device == "cpu" else torch.cuda.get_device_name(),
        "threads": torch.get_num_threads(),
        "opening": {"library_s": IMPORTED - START, "load_s": load, "forward_s": first},
        "peak_rss_bytes": peak_rss(),
        "rows": rows,
        "logits": logits if args.logits else [],
    }))


if __name__ == "__main__":
    main()
