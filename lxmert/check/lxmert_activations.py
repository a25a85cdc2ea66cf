"""LXMERT in PyTorch with everything inside it by name: all attention maps, levels, sublayers and heads.

As a program it runs a batch through the model and writes what it found to a .safetensors file:

    python lxmert_activations.py --lxmert ~/lxmert --weights snap/pretrained/model_LXRT.pth --inputs batch.safetensors --out found.safetensors
    python lxmert_activations.py --hf --weights unc-nlp/lxmert-base-uncased --inputs batch.safetensors --out found.safetensors

--lxmert takes your own copy of the original code (github.com/airsplay/lxmert), --hf transformers' classes. Inputs are
input_ids [N,T], feats [N,V,F] and boxes [N,V,4], and if need be segment_ids, input_mask and visual_mask, with or without
"input." in front.

As a module it looks inside a model that you have, of either kind, trained or not, on any device:

    from lxmert_activations import Activations
    with Activations(model) as found:
        model(...)
    found["x.4.ti"]  # [N, heads, words, regions]

Names: l.K.tt and r.K.ii are the maps of the language and the object-relationship layers, x.K.ti, x.K.it, x.K.tt and x.K.ii
those of the cross-modality layers, queries first: in x.K.ti words look at regions. A map's name with .q, .k, .v, .score, .ctx
or .out is what goes into it and comes of it. hid.t.K and hid.i.K are levels, 0 the embeddings; out.* are heads. `lxmert trace
--list` prints all of them. Nothing but torch is needed, and for --hf transformers.
"""

import argparse
import contextlib
import ctypes
import json
import os
import re
import struct
import sys
import types

import torch
from torch import nn

ATTENTION = "visual_attention", "lang_self_att", "visn_self_att", "attention"


class Activations:
    """Keeps the activations of a model while it runs, by name. What a later pass computes replaces what an earlier one did."""

    def __init__(self, model, want=("*",)):
        self.model, self.want = model, want
        self.values, self.hooks, self.open, self.position = {}, [], [], None
        modules = dict(model.named_modules())
        roots = [n[: -len("embeddings.word_embeddings")] for n in modules if n.endswith("embeddings.word_embeddings")]
        if len(roots) != 1:
            raise ValueError(f"this is not a model of LXMERT: it has {len(roots)} tables of words")
        self.root = roots[0]
        kinds = ["layer", "r_layers", "x_layers"]
        self.count = {k: len({n[len(self.root):].split(".")[2] for n in modules if n.startswith(f"{self.root}encoder.{k}.")}) for k in kinds}

    def __getitem__(self, name):
        return self.values[name]

    def __enter__(self):
        self.softmax = nn.functional.softmax
        nn.functional.softmax = self.softmaxed
        for path, module in self.model.named_modules():
            inside = path.startswith(self.root)
            at = path[len(self.root):] if inside else path
            if inside:
                self.inputs(module, at)
            if inside and at.endswith((".self", ".att")):
                self.attention(module, self.maps(at))
            else:
                self.keep(module, self.names(at) if inside else self.heads(at))
            if not self.root:
                self.keep(module, self.heads(at))
        return self

    def __exit__(self, *_):
        nn.functional.softmax = self.softmax
        for hook in self.hooks:
            hook.remove()
        self.hooks = []

    def note(self, name, x):
        if any(matches(p, name) for p in self.want):
            self.values[name] = x.detach()

    def keep(self, module, names):
        """Notes a module's outputs. A list within names are the names of one call after the other: both directions of
        cross-attention share a module."""
        if not names:
            return
        calls = [0]

        def hook(_, inputs, out):
            if isinstance(names, dict):
                for key, x in out.items():
                    self.note(names[key], x)
                return
            out = out if isinstance(out, (tuple, list)) else (out,)
            for name, x in zip(names, out):
                if isinstance(name, list):
                    name, calls[0] = name[calls[0] % len(name)], calls[0] + 1
                self.note(name, x)

        self.hooks.append(module.register_forward_hook(hook))

    def inputs(self, module, at):
        """Notes what comes in."""
        given = {"encoder.visn_fc.visn_fc": "in.feat", "encoder.visn_fc.box_fc": "in.box"}.get(at)
        if given:
            self.hooks.append(module.register_forward_pre_hook(lambda _, inputs: self.note(given, inputs[0])))
        if at == "embeddings.position_embeddings":
            self.hooks.append(module.register_forward_hook(lambda _, inputs, out: setattr(self, "position", out)))
        if at == "embeddings.token_type_embeddings":
            self.hooks.append(module.register_forward_hook(lambda _, inputs, out: self.note("in.position", self.position + out)))

    def attention(self, module, maps):
        """Notes what happens in a block of attention, whose calls make these maps in turns."""
        heads, calls = module.num_attention_heads, [0]

        def split(x):
            return x.reshape(x.shape[0], x.shape[1], heads, -1).transpose(1, 2)

        def begin(_, inputs):
            self.open.append(maps[calls[0] % len(maps)])
            calls[0] += 1

        def end(_, inputs, out):
            self.note(self.open.pop() + ".ctx", split(out[0] if isinstance(out, (tuple, list)) else out))

        def projection(suffix):
            return lambda _, inputs, out: self.note(self.open[-1] + suffix, split(out))

        self.hooks.append(module.register_forward_pre_hook(begin))
        self.hooks.append(module.register_forward_hook(end))
        for name, suffix in (module.query, ".q"), (module.key, ".k"), (module.value, ".v"):
            self.hooks.append(name.register_forward_hook(projection(suffix)))
        # Dropout is the only module that sees the probabilities, on their way in as they came out of softmax.
        self.hooks.append(module.dropout.register_forward_pre_hook(lambda _, inputs: self.note(self.open[-1], inputs[0])))

    def softmaxed(self, x, *args, **kwargs):
        if self.open:
            self.note(self.open[-1] + ".score", x)
        return self.softmax(x, *args, **kwargs)

    def maps(self, at):
        """The maps that a block of attention makes."""
        _, kind, k, *rest = at.split(".")
        if kind != "x_layers":
            return [f"l.{k}.tt" if kind == "layer" else f"r.{k}.ii"]
        return {"visual_attention": [f"x.{k}.ti", f"x.{k}.it"], "lang_self_att": [f"x.{k}.tt"], "visn_self_att": [f"x.{k}.ii"]}[rest[0]]

    def names(self, at):
        """Names of what a module of the encoder makes."""
        whole = {"embeddings": ["hid.t.0"], "embeddings.word_embeddings": ["in.word"], "encoder.visn_fc": ["hid.i.0"], "pooler": ["out.pooled"]}
        if at in whole:
            return whole[at]
        m = re.fullmatch(r"encoder\.(layer|r_layers|x_layers)\.(\d+)(?:\.(.+))?", at)
        if not m:
            return None
        kind, k, rest = m[1], m[2], m[3] or ""
        if rest.endswith(".output.dense") and rest.split(".")[0] in ATTENTION:
            names = [n + ".out" for n in self.maps(at)]
            return [names] if len(names) > 1 else names
        if kind == "x_layers":
            levels = [f"hid.t.{self.count['layer'] + 1 + int(k)}", f"hid.i.{self.count['r_layers'] + 1 + int(k)}"]
            return {
                "": levels, "visual_attention": [[f"x.{k}.t.cross", f"x.{k}.i.cross"]],
                "lang_self_att": [f"x.{k}.t.self"], "visn_self_att": [f"x.{k}.i.self"],
                "lang_inter": [f"x.{k}.t.ffn"], "visn_inter": [f"x.{k}.i.ffn"],
                "lang_output.dense": [f"x.{k}.t.ffn.out"], "visn_output.dense": [f"x.{k}.i.ffn.out"],
            }.get(rest)
        letter, stream = ("l", "t") if kind == "layer" else ("r", "i")
        return {
            "": [f"hid.{stream}.{int(k) + 1}"], "attention": [f"{letter}.{k}.att"],
            "intermediate": [f"{letter}.{k}.ffn"], "output.dense": [f"{letter}.{k}.ffn.out"],
        }.get(rest)

    def heads(self, at):
        """Names of what a head makes."""
        at = at[len("module."):] if at.startswith("module.") else at
        for path, name in ("cls.predictions", "out.mlm"), ("cls.seq_relationship", "out.match"), ("answer_head", "out.qa"):
            if at == path or at.endswith("." + path):
                return [name]
        if at == "obj_predict_head" or at.endswith(".obj_predict_head"):
            return {k: "out." + k for k in ("obj", "attr", "feat")}
        return ["out.task"] if at == "logit_fc" else None


def matches(pattern, name):
    """Whether a name fits a pattern, in which * stands for one part of it, and alone for any name."""
    if pattern == "*":
        return True
    patterns, names = pattern.split("."), name.split(".")
    return len(patterns) == len(names) and all(p in ("*", n) for p, n in zip(patterns, names))


TYPES = {"F64": torch.float64, "F32": torch.float32, "F16": torch.float16, "BF16": torch.bfloat16, "I64": torch.int64,
         "I32": torch.int32, "I16": torch.int16, "I8": torch.int8, "U8": torch.uint8, "BOOL": torch.bool}


def read_tensors(path):
    """The tensors of a .safetensors file."""
    with open(path, "rb") as f:
        (size,) = struct.unpack("<Q", f.read(8))
        header, data = json.loads(f.read(size)), bytearray(f.read())
    found = {}
    for name, e in header.items():
        if name == "__metadata__":
            continue
        begin, end = e["data_offsets"]
        kind = TYPES[e["dtype"]]
        count = (end - begin) // torch.empty((), dtype=kind).element_size()
        x = torch.frombuffer(data, dtype=kind, count=count, offset=begin) if count else torch.empty(0, dtype=kind)
        found[name] = x.reshape(e["shape"])
    return found


def write_tensors(path, tensors, metadata):
    """Writes tensors to a .safetensors file, as float32."""
    header, at = {"__metadata__": metadata}, 0
    for name in sorted(tensors):
        size = 4 * tensors[name].numel()
        header[name] = {"dtype": "F32", "shape": list(tensors[name].shape), "data_offsets": [at, at + size]}
        at += size
    text = json.dumps(header).encode()
    text += b" " * (-len(text) % 8)
    with open(path, "wb") as f:
        f.write(struct.pack("<Q", len(text)) + text)
        for name in sorted(tensors):
            x = tensors[name].to(device="cpu", dtype=torch.float32).contiguous()
            f.write(ctypes.string_at(x.data_ptr(), 4 * x.numel()) if x.numel() else b"")


def read_state(path):
    """A state dict under the original's names."""
    if path.endswith(".safetensors"):
        state = read_tensors(path)
    else:
        state = torch.load(path, map_location="cpu", weights_only=True)
    found = {}
    for name, x in state.items():
        name = ".".join(p for p in name.split(".") if p not in ("module", "_orig_mod"))
        for before in "lxrt_encoder.model.", "model.":
            if name.startswith(before):
                name = name[len(before):]
        found[name] = x.float() if x.is_floating_point() else x
    return found


def original_code(folder):
    """Imports lxrt.modeling from a copy of the original."""
    for inside in "src", "", "..":
        source = os.path.abspath(os.path.join(folder, inside))
        if os.path.isfile(os.path.join(source, "lxrt", "modeling.py")):
            break
    else:
        sys.exit(f"--lxmert {folder}: there is no src/lxrt/modeling.py in it: name a copy of github.com/airsplay/lxmert")
    sys.path.insert(0, source)
    try:
        import lxrt.modeling as code
    except ImportError as e:
        if e.name in (None, "torch"):
            raise
        # The original imports what downloads models from Amazon's servers. Nothing is downloaded here, so it may be lacking.
        downloads = types.ModuleType("lxrt.file_utils")
        downloads.cached_path = None
        sys.modules["lxrt.file_utils"] = downloads
        import lxrt.modeling as code
    return code


def original_model(folder, weights, heads, activation):
    """A model of the original's parts: as many layers and those heads that the weights have."""
    code, state = original_code(folder), read_state(weights)

    def shape(name):
        if name not in state:
            sys.exit(f"{weights}: there is no {name}: are these weights of LXMERT, under the original's names?")
        return state[name].shape

    def layers(kind):
        return len({n.split(".")[3] for n in state if n.startswith(f"bert.encoder.{kind}.")})

    vocabulary, hidden = shape("bert.embeddings.word_embeddings.weight")
    sizes = code.VISUAL_CONFIG
    sizes.l_layers, sizes.x_layers, sizes.r_layers = layers("layer"), layers("x_layers"), layers("r_layers")
    sizes.visual_feat_dim, sizes.visual_pos_dim = shape("bert.encoder.visn_fc.visn_fc.weight")[1], shape("bert.encoder.visn_fc.box_fc.weight")[1]
    inner = [x.shape[0] for n, x in state.items() if n.endswith(("intermediate.dense.weight", "_inter.dense.weight"))]
    config = code.BertConfig(
        vocabulary, hidden_size=hidden, num_attention_heads=heads or max(1, hidden // 64), intermediate_size=inner[0] if inner else 4 * hidden,
        hidden_act=activation, max_position_embeddings=shape("bert.embeddings.position_embeddings.weight")[0],
        type_vocab_size=shape("bert.embeddings.token_type_embeddings.weight")[0])

    model = nn.Module()
    model.bert = code.LXRTModel(config)
    words = model.bert.embeddings.word_embeddings.weight
    model.cls = nn.Module()
    if "cls.predictions.bias" in state:
        model.cls.predictions = code.BertLMPredictionHead(config, words)
        state.setdefault("cls.predictions.decoder.weight", state["bert.embeddings.word_embeddings.weight"])
    if "cls.seq_relationship.weight" in state:
        model.cls.seq_relationship = nn.Linear(hidden, 2)
    kinds = [k for k in ("obj", "attr", "feat") if f"obj_predict_head.decoder_dict.{k}.weight" in state]
    if kinds:
        for k in kinds:
            rest = sizes.visual_loss_config[k][1:]
            sizes.visual_loss_config[k] = (state[f"obj_predict_head.decoder_dict.{k}.weight"].shape[0], *rest)
        model.obj_predict_head = code.BertVisualObjHead(config, ",".join(kinds))
    if "answer_head.logit_fc.3.weight" in state:
        model.answer_head = code.BertVisualAnswerHead(config, len(state["answer_head.logit_fc.3.bias"]))
    if "logit_fc.3.weight" in state:
        outer, joined = state["logit_fc.0.weight"].shape
        model.logit_fc = nn.Sequential(nn.Linear(joined, outer), code.GeLU(), code.BertLayerNorm(outer, eps=1e-12),
                                       nn.Linear(outer, len(state["logit_fc.3.bias"])))
    fits = model.load_state_dict(state, strict=False)
    refuse(weights, fits.missing_keys, fits.unexpected_keys)
    return model


def transformers_model(folder):
    """A model that transformers opens, by the class that its configuration names."""
    import transformers

    transformers.logging.set_verbosity_error()
    if hasattr(transformers.logging, "disable_progress_bar"):
        transformers.logging.disable_progress_bar()
    config = transformers.LxmertConfig.from_pretrained(folder)
    name = (config.architectures or ["LxmertForPreTraining"])[0]
    how = {"attn_implementation": "eager"} if tuple(map(int, transformers.__version__.split(".")[:2])) >= (4, 36) else {}
    model, info = getattr(transformers, name).from_pretrained(folder, output_loading_info=True, **how)
    refuse(folder, info["missing_keys"], info["unexpected_keys"], [m[0] if isinstance(m, tuple) else m for m in info["mismatched_keys"]])
    return model.float()


def refuse(weights, missing, unexpected, mismatched=()):
    """Ends if weights do not fit: numbers that were drawn agree with nothing."""
    for what, names in ("are missing", missing), ("belong to no part of the model", unexpected), ("have another shape", mismatched):
        names = sorted(names)
        if names:
            sys.exit(f"{weights}: {len(names)} parameters {what}: {', '.join(names[:3])}{' ...' if len(names) > 3 else ''}")


def read_batch(path):
    """Inputs by the names that they have here, texts of equal length."""
    given = {n[len("input."):] if n.startswith("input.") else n: x for n, x in read_tensors(path).items()}
    for needed in "input_ids", "feats", "boxes":
        if needed not in given:
            sys.exit(f"{path}: there is no {needed}: inputs are input_ids, feats and boxes")
    ids = given["input_ids"].long()
    segments = given.get("segment_ids", torch.zeros_like(ids)).long()
    mask = given.get("input_mask", torch.ones(ids.shape)).float()
    regions = given.get("visual_mask")
    return ids, segments, mask, given["feats"].float(), given["boxes"].float(), None if regions is None else regions.float()


def run(model, batch):
    """Makes all of a model compute: the encoder, and every head that it has."""
    ids, segments, mask, feats, boxes, regions = batch
    if hasattr(model, "bert"):
        (lang, vision), pooled = model.bert(ids, segments, mask, visual_feats=(feats, boxes), visual_attention_mask=regions)
    else:
        encoder = getattr(model, "lxmert", model)
        out = encoder(input_ids=ids, token_type_ids=segments, attention_mask=mask, visual_feats=feats, visual_pos=boxes,
                      visual_attention_mask=regions, return_dict=True)
        lang, vision, pooled = out.language_output, out.vision_output, out.pooled_output
    for name, x in ("cls.predictions", lang), ("cls.seq_relationship", pooled), ("obj_predict_head", vision), ("answer_head", pooled):
        head = model
        for part in name.split("."):
            head = getattr(head, part, None)
        if head is not None:
            head(x)
    if hasattr(model, "logit_fc"):
        model.logit_fc(pooled.reshape(-1, model.logit_fc[0].in_features))


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--about", action="store_true", help="print the versions of the libraries, and stop")
    parser.add_argument("--lxmert", metavar="DIR", help="a copy of the original code")
    parser.add_argument("--hf", action="store_true", help="transformers' classes instead")
    parser.add_argument("--weights", help="a state dict (.pth or .safetensors); with --hf a folder, or a name on the hub")
    parser.add_argument("--inputs", help="a .safetensors file")
    parser.add_argument("--out", help="a .safetensors file")
    parser.add_argument("--want", default="*", help="names, comma-separated; * stands for one part of a name, and alone for all")
    parser.add_argument("--heads", type=int, default=0, help="attention heads (default: one for 64 hidden units); transformers knows")
    parser.add_argument("--activation", default="gelu", choices=["gelu", "relu", "swish"])
    parser.add_argument("--fine-tuned", action="store_true", help="with --hf: the answer head is a task's, out.task and not out.qa")
    parser.add_argument("--threads", type=int, default=0)
    parser.add_argument("--device", default="cpu")
    args = parser.parse_args()
    if args.about:
        try:
            import transformers
            version = transformers.__version__
        except Exception:  # whatever keeps it from being imported
            version = ""
        print(json.dumps({"torch": torch.__version__, "transformers": version}))
        return
    if bool(args.lxmert) == args.hf or not (args.weights and args.inputs and args.out):
        parser.error("--weights, --inputs, --out and one of --lxmert and --hf are needed")
    if args.threads:
        torch.set_num_threads(args.threads)
    torch.backends.cuda.matmul.allow_tf32 = False

    batch = [x if x is None else x.to(args.device) for x in read_batch(args.inputs)]
    with contextlib.redirect_stdout(sys.stderr):  # the original says how many layers it has
        if args.hf:
            model = transformers_model(args.weights)
        else:
            model = original_model(args.lxmert, args.weights, args.heads, args.activation)
    model = model.to(args.device).eval()
    want = args.want.split(",")
    if args.fine_tuned:
        want = [{"out.task": "out.qa"}.get(p, p) for p in want if p != "out.qa"]
    with torch.no_grad(), Activations(model, want) as found:
        run(model, batch)
    values = found.values
    if args.fine_tuned and "out.qa" in values:
        values["out.task"] = values.pop("out.qa")
    if args.hf and any(m is not None and (m < 1).any() for m in (batch[2], batch[5])):
        # Its mask adds the least float, where the original's adds -10000: maps are the same, scores are not.
        values = {n: x for n, x in values.items() if not n.endswith(".score")}
    write_tensors(args.out, values, {"torch": torch.__version__})
    print(json.dumps({"activations": len(values)}))


if __name__ == "__main__":
    main()
