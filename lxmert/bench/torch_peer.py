"""LXRT with a VQA head in plain PyTorch: the peer that `lxmert bench` runs beside this project's engine.

Reads weights that `torch.load` opens (names of the original state dict) and inputs from a .safetensors file, runs the
forward pass on the first rows of the inputs, and prints the line "first output" when there is one and then one JSON
object. Every timed run starts with inputs and ends with logits in the host's memory. With --train it makes training
steps instead, each of which starts with inputs and ends with loss and answers there; with --explain it explains examples,
one at a time; with --patch it patches activations, one in each pass. All three print the JSON object alone.
Nothing but torch is needed.
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
        self.dropout = 0.0
        self.maps = None  # where attention maps are kept, if they are
        self.kept = None  # where levels and heads' outputs are kept by name, if they are
        self.patch = None  # a name, a part of axis 1, and the activation of another run that it is taken from
        names = self.w.keys()
        self.layers = {kind: len({n.split(".")[3] for n in names if n.startswith("bert.encoder." + kind + ".")})
                       for kind in ("layer", "x_layers", "r_layers")}

    def drop(self, x):
        return F.dropout(x, self.dropout) if self.dropout else x

    def look_up(self, name, ids):
        """Rows of an embedding table, of which row 0 never learns."""
        return F.embedding(ids, self.w[f"bert.embeddings.{name}.weight"], padding_idx=0)

    def linear(self, name, x):
        return F.linear(x, self.w[name + ".weight"], self.w[name + ".bias"])

    def norm(self, name, x):
        w = self.w[name + ".weight"]
        # As autocast does on GPUs, in the parameters' type; not every version does so on CPUs.
        return F.layer_norm(x.to(w.dtype), x.shape[-1:], w, self.w[name + ".bias"], 1e-12)

    def split(self, x):
        return x.view(x.shape[0], x.shape[1], self.heads, -1).transpose(1, 2)

    def tap(self, name, x):
        if self.kept is not None:
            self.kept[name] = x
        if self.patch is not None and self.patch[0] == name:
            x = x.clone()
            x[:, self.patch[1]] = self.patch[2][:, self.patch[1]]
        return x

    def attend(self, name, inner, x, context, mask, at):
        q = self.split(self.linear(f"{name}.{inner}.query", x))
        k = self.split(self.linear(f"{name}.{inner}.key", context))
        v = self.split(self.linear(f"{name}.{inner}.value", context))
        scores = q @ k.transpose(-1, -2) / math.sqrt(q.shape[-1])
        if mask is not None:
            scores = scores + mask
        probs = scores.softmax(-1)
        if self.maps is not None:
            self.maps.append(probs)
        mixed = self.tap(at + ".ctx", self.drop(probs) @ v).transpose(1, 2).reshape(x.shape)
        return self.norm(f"{name}.output.LayerNorm", self.drop(self.linear(f"{name}.output.dense", mixed)) + x)

    def feed_forward(self, inner, outer, x):
        y = self.linear(outer + ".dense", self.act(self.linear(inner + ".dense", x)))
        return self.norm(outer + ".LayerNorm", self.drop(y) + x)

    def layer(self, name, x, mask, at):
        x = self.attend(name + ".attention", "self", x, x, mask, at)
        return self.feed_forward(name + ".intermediate", name + ".output", x)

    def forward(self, ids, mask, feats, boxes):
        """The logits of the task's answers."""
        return self.answers("logit_fc", self.encode(ids, mask, feats, boxes)[2])

    def answers(self, name, pooled):
        return self.linear(name + ".3", self.norm(name + ".2", F.gelu(self.linear(name + ".0", pooled))))

    def pretraining(self, ids, mask, feats, boxes, labels):
        """The six losses of pre-training, as the original computes them."""
        lang, vision, pooled = self.encode(ids, mask, feats, boxes)

        def transform(name, x):
            return self.norm(name + ".LayerNorm", self.act(self.linear(name + ".dense", x)))

        p, o = "cls.predictions", "obj_predict_head"
        words = F.linear(transform(p + ".transform", lang), self.w["bert.embeddings.word_embeddings.weight"], self.w[p + ".bias"])
        regions = transform(o + ".transform", vision)
        answers = self.answers("answer_head.logit_fc", pooled)

        def cross_entropy(logits, target, **how):
            return F.cross_entropy(logits.float().reshape(-1, logits.shape[-1]), target.long().reshape(-1), ignore_index=-1, **how)

        def over_regions(each, weight):
            return (each.reshape(-1) * weight.reshape(-1)).mean() / 0.15

        total = cross_entropy(words, labels["words"])
        total = total + cross_entropy(self.linear("cls.seq_relationship", pooled), labels["matched"])
        for kind, target in (("obj", "objects"), ("attr", "attributes")):
            logits = self.linear(f"{o}.decoder_dict.{kind}", regions)
            total = total + over_regions(cross_entropy(logits, labels[target], reduction="none"), labels["confidence"])
        predicted = self.linear(o + ".decoder_dict.feat", regions)
        total = total + over_regions(F.smooth_l1_loss(predicted.float(), labels["features"], reduction="none").mean(-1), labels["regions.masked"])
        return total + cross_entropy(answers, labels["answers"]), answers

    def encode(self, ids, mask, feats, boxes):
        e, v = "bert.embeddings", "bert.encoder.visn_fc"
        dtype = self.w["bert.pooler.dense.weight"].dtype
        mask, feats, boxes = mask.to(dtype), feats.to(dtype), boxes.to(dtype)
        mask = (1.0 - mask[:, None, None, :]) * -10000.0
        places = torch.arange(ids.shape[1], device=ids.device)
        lang = (self.look_up("word_embeddings", ids) + self.look_up("position_embeddings", places)
                + self.look_up("token_type_embeddings", torch.zeros_like(ids)))
        lang = self.drop(self.norm(e + ".LayerNorm", lang))
        vision = (self.norm(v + ".visn_layer_norm", self.linear(v + ".visn_fc", feats))
                  + self.norm(v + ".box_layer_norm", self.linear(v + ".box_fc", boxes))) / 2
        lang, vision = self.tap("hid.t.0", lang), self.tap("hid.i.0", self.drop(vision))
        towers, regions = self.layers["layer"], self.layers["r_layers"]
        for i in range(towers):
            lang = self.tap(f"hid.t.{i + 1}", self.layer(f"bert.encoder.layer.{i}", lang, mask, f"l.{i}.tt"))
        for i in range(regions):
            vision = self.tap(f"hid.i.{i + 1}", self.layer(f"bert.encoder.r_layers.{i}", vision, None, f"r.{i}.ii"))
        for i in range(self.layers["x_layers"]):
            p, at = f"bert.encoder.x_layers.{i}", f"x.{i}"
            lang, vision = (self.attend(p + ".visual_attention", "att", lang, vision, None, at + ".ti"),
                            self.attend(p + ".visual_attention", "att", vision, lang, mask, at + ".it"))
            lang = self.attend(p + ".lang_self_att", "self", lang, lang, mask, at + ".tt")
            vision = self.attend(p + ".visn_self_att", "self", vision, vision, None, at + ".ii")
            lang = self.tap(f"hid.t.{towers + 1 + i}", self.feed_forward(p + ".lang_inter", p + ".lang_output", lang))
            vision = self.tap(f"hid.i.{regions + 1 + i}", self.feed_forward(p + ".visn_inter", p + ".visn_output", vision))
        pooled = torch.tanh(self.linear("bert.pooler.dense", lang[:, 0]))
        return lang, vision, pooled


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


class BertAdam:
    """The published optimizer, one parameter after the other: Adam without bias correction, with eps outside the root
    and weight decay on everything. Parameters that the loss does not depend on stay as they are."""

    def __init__(self, params, lr):
        self.params, self.lr, self.state = params, lr, {}

    @torch.no_grad()
    def step(self, b1=0.9, b2=0.999, eps=1e-6, decay=0.01):
        for i, p in enumerate(self.params):
            if p.grad is None:
                continue
            if i not in self.state:
                self.state[i] = torch.zeros_like(p), torch.zeros_like(p)
            m, v = self.state[i]
            m.mul_(b1).add_(p.grad, alpha=1 - b1)
            v.mul_(b2).addcmul_(p.grad, p.grad, value=1 - b2)
            update = m / (v.sqrt() + eps)
            update.add_(p, alpha=decay)
            p.add_(update, alpha=-self.lr)


def train(args, model, inputs):
    """Times training steps, or with --losses returns the losses of the first ones."""
    # The decoder of masked words is the word embeddings.
    heads = ("cls.", "obj_predict_head.", "answer_head.") if args.pretrain else ("logit_fc.",)
    model.w = {k: p.detach().requires_grad_() for k, p in model.w.items()
               if k.startswith(("bert.",) + heads) and k != "cls.predictions.decoder.weight"}
    params = list(model.w.values())
    optimizer = BertAdam(params, args.lr)
    model.dropout = args.dropout
    batch = int(args.batches)
    names = ["input_ids", "input_mask", "feats", "boxes"]
    names += ["words", "matched", "objects", "attributes", "confidence", "regions.masked", "features", "answers"] if args.pretrain else ["target"]

    def loss_of(ids, mask, feats, boxes, *labels):
        with torch.autocast(args.device, dtype=torch.bfloat16, enabled=args.dtype == "bfloat16"):
            if args.pretrain:
                return model.pretraining(ids, mask, feats, boxes, dict(zip(names[4:], labels)))
            logits = model.forward(ids, mask, feats, boxes)
        (target,) = labels
        return F.binary_cross_entropy_with_logits(logits.float(), target, reduction="sum") / len(target), logits

    if args.compile:
        loss_of = torch.compile(loss_of)

    def step():
        """Seconds and loss of one step."""
        begin = time.perf_counter()
        ids, *others = (inputs[k][:batch].to(args.device) for k in names)
        for p in params:
            p.grad = None
        loss, logits = loss_of(ids.long(), *others)
        loss.backward()
        torch.nn.utils.clip_grad_norm_([p for p in params if p.grad is not None], args.clip)
        optimizer.step()
        logits.argmax(1).cpu()
        loss = loss.item()
        if args.device != "cpu":
            torch.cuda.synchronize()
        return time.perf_counter() - begin, loss

    if args.losses:
        return {"losses": [step()[1] for _ in range(args.losses)]}
    cold, _ = step()
    step()
    times = []
    for _ in range(args.repeat):
        seconds, loss = step()
        if not math.isfinite(loss):
            sys.exit("the loss is not a finite number")
        times.append(1000 * seconds)
    return {"rows": [{"batch": batch, "times_ms": times, "compile_s": max(0, cold - min(times) / 1000)}]}


def relevance(maps, grads, layers):
    """Words' and regions' relevance for [CLS], of maps in the order in which the model computes them, [1, H, Q, K]."""
    # In float32, small numbers beside the ones of the diagonal would lose their digits.
    scores = [(g.float() * a.float()).clamp(min=0).mean(1)[0].double() for a, g in zip(maps, grads)]
    words, regions = scores[0].shape[0], scores[layers["layer"]].shape[0]
    device = scores[0].device
    tt, ii = torch.eye(words, device=device).double(), torch.eye(regions, device=device).double()
    ti, it = torch.zeros(words, regions, device=device).double(), torch.zeros(regions, words, device=device).double()

    def scaled(r):
        added = r - torch.eye(len(r), device=device)
        sums = added.sum(-1, keepdim=True)
        return torch.where(sums == 0, torch.zeros_like(added), added / sums) + torch.eye(len(r), device=device)

    for a in scores[:layers["layer"]]:
        tt, ti = tt + a @ tt, ti + a @ ti
    at = layers["layer"]
    for a in scores[at:at + layers["r_layers"]]:
        ii, it = ii + a @ ii, it + a @ it
    at += layers["r_layers"]
    for _ in range(layers["x_layers"]):
        to_regions, to_words, among_words, among_regions = scores[at:at + 4]
        st, si = scaled(tt), scaled(ii)
        tt, ii, ti, it = (tt + to_regions @ it, ii + to_words @ ti,
                          ti + st.t() @ to_regions @ si, it + si.t() @ to_words @ st)
        tt, ti = tt + among_words @ tt, ti + among_words @ ti
        ii, it = ii + among_regions @ ii, it + among_regions @ it
        at += 4
    tt[0, 0] = 0
    return torch.cat([tt[0], ti[0]]).detach().cpu()


def explain(args, model, inputs):
    """Times explanations by bi-modal relevance, one example after the other: in the published style, in which a backward
    pass fills the gradients of all parameters too, or with the gradients of the maps alone."""
    params = [p.requires_grad_(not args.maps_only) for k, p in model.w.items() if k.startswith(("bert.", "logit_fc."))]
    n = len(inputs["input_ids"])

    def one(row):
        begin = time.perf_counter()
        words = int(inputs["input_mask"][row].sum())
        ids, mask = (inputs[k][row:row + 1, :words].to(args.device) for k in ("input_ids", "input_mask"))
        feats, boxes = (inputs[k][row:row + 1].to(args.device) for k in ("feats", "boxes"))
        if args.maps_only:
            feats = feats.requires_grad_()  # so that maps have a history
            model.w["bert.embeddings.LayerNorm.bias"].requires_grad_()
        model.maps = []
        for p in params:
            p.grad = None
        logits = model.forward(ids.long(), mask, feats, boxes)
        score = logits[0, logits.argmax()]
        if args.maps_only:
            grads = torch.autograd.grad(score, model.maps, allow_unused=True)
        else:
            for a in model.maps:
                a.retain_grad()
            score.backward()
            grads = [a.grad for a in model.maps]
        grads = [torch.zeros_like(a) if g is None else g for a, g in zip(model.maps, grads)]
        with torch.no_grad():
            found = relevance(model.maps, grads, model.layers)
        if args.device != "cpu":
            torch.cuda.synchronize()
        return time.perf_counter() - begin, found

    cold, first = one(0)
    one(1 % n)
    times = [1000 * one(i % n)[0] for i in range(args.repeat)]
    return {"rows": [{"batch": 1, "times_ms": times, "compile_s": max(0, cold - min(times) / 1000)}], "logits": [first.tolist()]}


def passes(args, model, inputs):
    """Times single passes as published code makes them, one for each text with each picture: those of EMAP, or those of
    exact Shapley values, in which the id 0 stands for an absent word and zeros for an absent region."""
    ids, mask, feats, boxes = (inputs[k].to(args.device) for k in ("input_ids", "input_mask", "feats", "boxes"))
    times = []

    def one(ids, mask, feats, boxes):
        begin = time.perf_counter()
        logits = model.forward(ids.long(), mask, feats, boxes).float().cpu()[0].double()
        times.append(1000 * (time.perf_counter() - begin))
        return logits

    n = args.size
    with torch.inference_mode():
        if args.passes == "emap":
            length = [int(m.sum()) for m in mask]
            grid = torch.stack([torch.stack([one(ids[i:i + 1, :length[i]], mask[i:i + 1, :length[i]], feats[j:j + 1], boxes[j:j + 1])
                                             for j in range(n)]) for i in range(n)])
            found = (grid.mean(1) + grid.mean(0) - grid.mean((0, 1))).flatten()
        else:
            words = max(1, n // 3)
            text = torch.cat([ids[0, :1 + words], ids[0, int(mask[0].sum()) - 1:][:1]])
            there = torch.ones(1, len(text), device=args.device)

            def value(s):
                subset = text.clone()
                regions = feats[:1, :n - words].clone()
                for k in range(n):
                    if not s >> k & 1:
                        if k < words:
                            subset[1 + k] = 0
                        else:
                            regions[0, k - words] = 0
                return one(subset[None], there, regions, boxes[:1, :n - words])

            values = torch.stack([value(s) for s in range(2 ** n)])
            values = values[:, values[-1].argmax()]
            found = torch.zeros(n, dtype=torch.float64)
            for k in range(n):
                for s in range(2 ** n):
                    if not s >> k & 1:
                        size = bin(s).count("1")
                        weight = math.factorial(size) * math.factorial(n - size - 1) / math.factorial(n)
                        found[k] += weight * (values[s | 1 << k] - values[s])
        cold = times[0] / 1000
        while len(times) < args.repeat + 2:
            one(ids[:1], mask[:1], feats[:1], boxes[:1])
    times = times[2:2 + args.repeat]
    return {"rows": [{"batch": 1, "times_ms": times, "compile_s": max(0, cold - min(times) / 1000)}], "logits": [found.tolist()]}


def patching(args, model, inputs):
    """Times activation patching, one node in each forward pass, as published code does it: nodes are taken from the run on
    the first example with empty features into the run on the example as it is. The result's logits are what each
    node changes of the logit of the most probable answer."""
    words = int(inputs["input_mask"][0].sum())
    ids, mask = (inputs[k][:1, :words].to(args.device) for k in ("input_ids", "input_mask"))
    ids = ids.long()
    feats, boxes = (inputs[k][:1].to(args.device) for k in ("feats", "boxes"))
    emptied = torch.zeros_like(feats)

    def patched(name, part, before, answer):
        begin = time.perf_counter()
        model.patch = name, part, source[name]
        change = (model.forward(ids, mask, feats, boxes)[0, answer] - before).item()
        return time.perf_counter() - begin, change

    with torch.inference_mode():
        model.kept = source = {}
        model.forward(ids, mask, emptied, boxes)
        model.kept = None
        logits = model.forward(ids, mask, feats, boxes)[0]
        answer = int(logits.argmax())
        nodes = [(name, int(part)) for name, part in (n.split(":") for n in args.patch.split(","))]
        cold, _ = patched(*nodes[0], logits[answer], answer)
        found = [patched(*node, logits[answer], answer) for node in nodes]
    times = [1000 * seconds for seconds, _ in found]
    return {"rows": [{"batch": 1, "times_ms": times, "compile_s": max(0, cold - min(times) / 1000)}], "logits": [[c for _, c in found]]}


def forward(args, model, inputs):
    """Times forward passes."""

    def run(batch):
        """Seconds and logits of one run."""
        begin = time.perf_counter()
        ids, mask, feats, boxes = (inputs[k][:batch].to(args.device) for k in ("input_ids", "input_mask", "feats", "boxes"))
        logits = model.forward(ids.long(), mask, feats, boxes).float().cpu()
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
    return {"rows": rows, "logits": logits if args.logits else [], "forward_s": first}


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--about", action="store_true", help="print PyTorch's version and GPU, and stop")
    parser.add_argument("--weights")
    parser.add_argument("--inputs", help=".safetensors with input_ids, input_mask, feats, boxes and target")
    parser.add_argument("--batches", default="1,8,32", help="with --train: one")
    parser.add_argument("--heads", type=int, default=12)
    parser.add_argument("--activation", default="gelu", choices=["gelu", "relu", "swish"])
    parser.add_argument("--repeat", type=int, default=15, help="0: stop at the first output")
    parser.add_argument("--mmap", action="store_true", help="map the weights into memory instead of reading them")
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--device", default="cpu")
    parser.add_argument("--dtype", default="float32", choices=["float32", "bfloat16"])
    parser.add_argument("--logits", action="store_true", help="print the logits of the first batch size")
    parser.add_argument("--train", action="store_true", help="make training steps")
    parser.add_argument("--pretrain", action="store_true", help="with --train: all losses of pre-training, instead of a task's")
    parser.add_argument("--dropout", type=float, default=0.1)
    parser.add_argument("--clip", type=float, default=5.0, help="largest global norm of the gradients")
    parser.add_argument("--lr", type=float, default=5e-5)
    parser.add_argument("--losses", type=int, default=0, help="print the losses of this many steps, and time none")
    parser.add_argument("--explain", action="store_true", help="explain examples by bi-modal relevance")
    parser.add_argument("--maps-only", action="store_true", help="with --explain: no gradients of parameters")
    parser.add_argument("--passes", choices=["emap", "shapley"], help="time single passes of a method")
    parser.add_argument("--size", type=int, default=4, help="with --passes: examples of EMAP, words and regions of Shapley values")
    parser.add_argument("--patch", help="patch nodes, comma-separated: a level and a position, or a map's .ctx and a head, as in x.0.ti.ctx:2")
    parser.add_argument("--tf32", action="store_true", help="multiply float32 numbers by TensorFloat-32, on a GPU")
    parser.add_argument("--compile", action="store_true", help="with --train: use torch.compile")
    args = parser.parse_args()
    if args.about:
        print(json.dumps({
            "torch": torch.__version__,
            "cuda": torch.cuda.get_device_name() if torch.cuda.is_available() else "",
            "mmap": "mmap" in inspect.signature(torch.load).parameters,
            "compile": hasattr(torch, "compile"),
        }))
        return
    torch.set_num_threads(args.threads)
    torch.backends.cuda.matmul.allow_tf32 = args.tf32

    begin = time.perf_counter()
    state = torch.load(args.weights, map_location="cpu", weights_only=True, **({"mmap": True} if args.mmap else {}))
    # Training in bfloat16 keeps the parameters in float32.
    dtype = torch.float32 if args.train else getattr(torch, args.dtype)
    model = LXRT(state, args.heads, args.activation, args.device, dtype)
    del state
    inputs = read_inputs(args.inputs)
    load = time.perf_counter() - begin

    if args.train:
        found = train(args, model, inputs)
    elif args.passes:
        found = passes(args, model, inputs)
    elif args.explain:
        found = explain(args, model, inputs)
    elif args.patch:
        found = patching(args, model, inputs)
    else:
        found = forward(args, model, inputs)
    opening = {"library_s": IMPORTED - START, "load_s": load, "forward_s": found.pop("forward_s", 0)}
    print(json.dumps({
        "engine": "torch " + torch.__version__,
        "device": "cpu" if args.device == "cpu" else torch.cuda.get_device_name(),
        "threads": torch.get_num_threads(),
        "opening": opening,
        "peak_rss_bytes": peak_rss(),
        "peak_device_bytes": torch.cuda.max_memory_allocated() if args.device != "cpu" else 0,
        **found,
    }))


if __name__ == "__main__":
    main()
