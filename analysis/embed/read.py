"""Reads the activations beside it, with NumPy alone:

    import read
    for examples, arrays in read.files("."):
        for example, p in read.pairs(examples, arrays):      # p: the pair's number in the file
            words = read.rows(arrays, "hid.t.14", p, "words")   # [words, hidden]; example["pieces"] names them
            pooled = arrays["out.pooled"][p]

index.json says of each activation whether its rows are words, regions, pairs or examples. Arrays are mapped, not read.
"""
import json, os, numpy

TYPES = {"F32": "<f4", "F16": "<f2", "I64": "<i8"}


def files(folder):
    """Gives for each file the list of its examples (id, text, images, pieces) and a dict of arrays by name."""
    with open(os.path.join(folder, "index.json"), encoding="utf-8") as f:
        names = json.load(f)["files"]
    for name in names:
        raw = numpy.memmap(os.path.join(folder, name), dtype=numpy.uint8, mode="r")
        start = 8 + int.from_bytes(raw[:8].tobytes(), "little")
        header = json.loads(raw[8:start].tobytes())
        examples = json.loads(header.pop("__metadata__")["examples"])
        part = {k: raw[start + t["data_offsets"][0]:start + t["data_offsets"][1]] for k, t in header.items()}
        yield examples, {k: part[k].view(TYPES[t["dtype"]]).reshape(t["shape"]) for k, t in header.items()}


def pairs(examples, arrays):
    """Gives each example with the number of its pair; those about two pictures come twice."""
    each = (len(arrays["offset.words"]) - 1) // len(examples)
    return ((example, i * each + k) for i, example in enumerate(examples) for k in range(each))


def rows(arrays, name, pair, kind):
    """The rows of a pair; kind is "words" or "regions", what the activation has a row of."""
    begin, end = arrays["offset." + kind][pair:pair + 2]
    return arrays[name][begin:end]
