"""LXRT with a VQA head in plain JAX: the peer of `lxmert bench gpu --without-gpu`.

Writes what JAX would give XLA's compiler for a GPU: StableHLO, and the compiler's options. Nothing is computed, and no weights are
there: shapes are enough. A step of training is one program: loss with dropout, gradients, clipping and BertAdam in place of what was
there before. An explanation returns the attention maps and the gradients of the most probable answer with respect to them. With
bfloat16 the layers compute in it; LayerNorm, softmax and loss are float32. Nothing but jax is needed.
"""

import argparse
import json
import math

import jax
import jax.numpy as jnp


def parameters(c):
    """Names and shapes; weights of linear layers are [in, out]."""
    d, inner = c["hidden_size"], c["intermediate_size"]
    p = {}

    def norm(name, n=d):
        p[name + ".weight"] = p[name + ".bias"] = (n,)

    def linear(name, n, m):
        p[name + ".weight"], p[name + ".bias"] = (n, m), (m,)

    def attention(name):
        for part in ("query", "key", "value", "out"):
            linear(f"{name}.{part}", d, d)
        norm(name + ".norm")

    def feed_forward(name):
        linear(name + ".in", d, inner)
        linear(name + ".out", inner, d)
        norm(name + ".norm")

    p["words"], p["places"], p["segments"] = (c["vocab_size"], d), (c["max_position_embeddings"], d), (c["type_vocab_size"], d)
    norm("embedded")
    linear("feats", c["visual_feat_dim"], d)
    linear("boxes", c["visual_pos_dim"], d)
    norm("feats.norm")
    norm("boxes.norm")
    for kind in ("l", "r"):
        for i in range(c[kind + "_layers"]):
            attention(f"{kind}.{i}.self")
            feed_forward(f"{kind}.{i}.ffn")
    for i in range(c["x_layers"]):
        for part in ("cross", "t.self", "i.self"):
            attention(f"x.{i}.{part}")
        feed_forward(f"x.{i}.t.ffn")
        feed_forward(f"x.{i}.i.ffn")
    linear("pooler", d, d)
    linear("answers.in", d, 2 * d)
    norm("answers.norm", 2 * d)
    linear("answers.out", 2 * d, c["num_task_labels"])
    return p


class LXRT:
    """The forward pass. changes are added to the attention maps, so that gradients with respect to them are the maps' own."""

    def __init__(self, c, p, dtype, key=None, rate=0.0, changes=None):
        self.c, self.p, self.dtype, self.key, self.rate, self.changes = c, p, dtype, key, rate, changes
        self.maps = {}
        self.act = {"gelu": lambda x: jax.nn.gelu(x, approximate=False), "relu": jax.nn.relu, "swish": jax.nn.silu}[c["hidden_act"]]

    def drop(self, x):
        if self.key is None:
            return x
        self.key, key = jax.random.split(self.key)
        keep = jax.random.bernoulli(key, 1 - self.rate, x.shape)
        return jnp.where(keep, x / (1 - self.rate), jnp.zeros_like(x))

    def linear(self, name, x):
        return x @ self.p[name + ".weight"].astype(self.dtype) + self.p[name + ".bias"].astype(self.dtype)

    def norm(self, name, x):
        x = x.astype(jnp.float32)
        mean = x.mean(-1, keepdims=True)
        variance = ((x - mean) ** 2).mean(-1, keepdims=True)
        return ((x - mean) * jax.lax.rsqrt(variance + 1e-12) * self.p[name + ".weight"] + self.p[name + ".bias"]).astype(self.dtype)

    def split(self, x):
        return x.reshape(x.shape[0], x.shape[1], self.c["num_attention_heads"], -1).transpose(0, 2, 1, 3)

    def attend(self, name, at, x, context, mask):
        q, k, v = (self.split(self.linear(f"{name}.{part}", y)) for part, y in (("query", x), ("key", context), ("value", context)))
        scores = jnp.einsum("bhqd,bhkd->bhqk", q, k).astype(jnp.float32) / math.sqrt(q.shape[-1])
        if mask is not None:
            scores = scores + mask
        probs = jax.nn.softmax(scores, -1)
        if self.changes is not None:
            probs = probs + self.changes.get(at, 0)
        self.maps[at] = probs
        mixed = jnp.einsum("bhqk,bhkd->bhqd", self.drop(probs).astype(self.dtype), v).transpose(0, 2, 1, 3).reshape(x.shape)
        return self.norm(name + ".norm", self.drop(self.linear(name + ".out", mixed)) + x)

    def feed_forward(self, name, x):
        y = self.linear(name + ".out", self.act(self.linear(name + ".in", x)))
        return self.norm(name + ".norm", self.drop(y) + x)

    def logits(self, ids, mask, feats, boxes):
        mask = (1 - mask[:, None, None, :]) * -10000.0
        lang = self.p["words"][ids] + self.p["places"][: ids.shape[1]] + self.p["segments"][jnp.zeros_like(ids)]
        lang = self.drop(self.norm("embedded", lang))
        feats, boxes = feats.astype(self.dtype), boxes.astype(self.dtype)
        vision = (self.norm("feats.norm", self.linear("feats", feats)) + self.norm("boxes.norm", self.linear("boxes", boxes))) / 2
        vision = self.drop(vision)
        for i in range(self.c["l_layers"]):
            lang = self.feed_forward(f"l.{i}.ffn", self.attend(f"l.{i}.self", f"l.{i}.tt", lang, lang, mask))
        for i in range(self.c["r_layers"]):
            vision = self.feed_forward(f"r.{i}.ffn", self.attend(f"r.{i}.self", f"r.{i}.ii", vision, vision, None))
        for i in range(self.c["x_layers"]):
            lang, vision = (self.attend(f"x.{i}.cross", f"x.{i}.ti", lang, vision, None),
                            self.attend(f"x.{i}.cross", f"x.{i}.it", vision, lang, mask))
            lang = self.feed_forward(f"x.{i}.t.ffn", self.attend(f"x.{i}.t.self", f"x.{i}.tt", lang, lang, mask))
            vision = self.feed_forward(f"x.{i}.i.ffn", self.attend(f"x.{i}.i.self", f"x.{i}.ii", vision, vision, None))
        pooled = jnp.tanh(self.linear("pooler", lang[:, 0]))
        hidden = jax.nn.gelu(self.linear("answers.in", pooled), approximate=False)
        return self.linear("answers.out", self.norm("answers.norm", hidden)).astype(jnp.float32)


def step(c, dtype, p, m, v, seed, ids, mask, feats, boxes, target, rate=0.1, clip=5.0, lr=5e-5, b1=0.9, b2=0.999, eps=1e-6, decay=0.01):
    """A step of training. BertAdam is Adam without bias correction, with eps outside the root and weight decay on everything."""

    def loss_of(p):
        x = LXRT(c, p, dtype, jax.random.key(seed), rate).logits(ids, mask, feats, boxes)
        each = jnp.maximum(x, 0) - x * target + jnp.log1p(jnp.exp(-jnp.abs(x)))
        return each.sum() / len(ids), x.argmax(1)

    (loss, answers), grads = jax.value_and_grad(loss_of, has_aux=True)(p)
    norm = jnp.sqrt(sum((g * g).sum() for g in grads.values()))
    factor = jnp.minimum(1.0, clip / (norm + 1e-6))
    for name, g in grads.items():
        g = g * factor
        m[name] = b1 * m[name] + (1 - b1) * g
        v[name] = b2 * v[name] + (1 - b2) * g * g
        p[name] = p[name] - lr * (m[name] / (jnp.sqrt(v[name]) + eps) + decay * p[name])
    return p, m, v, loss, norm, answers


def explain(c, dtype, p, ids, mask, feats, boxes):
    """Maps, and the gradients of the most probable answer's logit with respect to them."""

    def score(changes):
        model = LXRT(c, p, dtype, changes=changes)
        logits = model.logits(ids, mask, feats, boxes)
        return logits.max(1).sum(), (model.maps, logits)

    shapes = jax.eval_shape(lambda: score(None)[1][0])
    zeros = {name: jnp.zeros(s.shape, s.dtype) for name, s in shapes.items()}
    grads, (maps, logits) = jax.grad(score, has_aux=True)(zeros)
    return maps, grads, logits


def main():
    a = argparse.ArgumentParser()
    a.add_argument("--about", action="store_true")
    a.add_argument("--sizes")
    a.add_argument("--what", choices=["train", "forward", "explain"])
    a.add_argument("--dtype", choices=["float32", "tf32", "bfloat16"])
    for name in ("batch", "words", "regions"):
        a.add_argument("--" + name, type=int)
    a.add_argument("--text")
    a.add_argument("--options")
    a = a.parse_args()
    if a.about:
        print(json.dumps({"jax": jax.__version__}))
        return
    c = json.loads(a.sizes)
    jax.config.update("jax_default_matmul_precision", "highest" if a.dtype == "float32" else "default")
    dtype = jnp.bfloat16 if a.dtype == "bfloat16" else jnp.float32
    # What is trained is float32 always; else the weights are of the type that is computed in.
    held = jnp.float32 if a.what == "train" else dtype

    def array(shape, kind=jnp.float32):
        return jax.ShapeDtypeStruct(shape, kind)

    p = {name: array(shape, held) for name, shape in parameters(c).items()}
    batch = (array((a.batch, a.words), jnp.int32), array((a.batch, a.words)), array((a.batch, a.regions, c["visual_feat_dim"])),
             array((a.batch, a.regions, c["visual_pos_dim"])))
    if a.what == "train":
        run = jax.jit(lambda *x: step(c, dtype, *x), donate_argnums=(0, 1, 2))
        given = (p, p, p, array((), jnp.uint32)) + batch + (array((a.batch, c["num_task_labels"])),)
    elif a.what == "forward":
        run, given = jax.jit(lambda p, *x: LXRT(c, p, dtype).logits(*x)), (p,) + batch
    else:
        run, given = jax.jit(lambda p, *x: explain(c, dtype, p, *x)), (p,) + batch
    with open(a.text, "w") as f:
        f.write(run.trace(*given).lower(lowering_platforms=("cuda",)).as_text())
    from jax._src import compiler
    with open(a.options, "wb") as f:
        f.write(compiler.get_compile_options(num_replicas=1, num_partitions=1).SerializeAsString())
    print(json.dumps({"parameters": sum(math.prod(x.shape) for x in p.values())}))


main()
