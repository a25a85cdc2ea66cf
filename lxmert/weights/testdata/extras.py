"""Writes extras_*.pth: checkpoints as training loops save them, with much beside the weights. Needs PyTorch and NumPy.

    python extras.py FOLDER
"""
import argparse, collections, dataclasses, datetime, decimal, enum, functools, pathlib, sys, types, uuid

import numpy as np
import torch


class Colour(enum.Enum):
    RED = 1


@dataclasses.dataclass
class Flags:
    lr: float
    layers: tuple


class Slotted:
    __slots__ = ("best",)


class Meter(dict):
    pass


class History(list):
    pass


class Net(torch.nn.Module):
    def __init__(self):
        super().__init__()
        self.fc = torch.nn.Linear(2, 2)
        self.register_buffer("steps", torch.tensor([7.0]))
        self.parent = [self]  # objects may refer back to themselves


def values():
    net = Net()
    with torch.no_grad():
        net.fc.weight.copy_(torch.tensor([[1.0, 2.0], [3.0, 4.0]]))
        net.fc.bias.copy_(torch.tensor([5.0, 6.0]))
    slotted = Slotted()
    slotted.best = 0.5
    kept = torch.tensor([8.0])
    kept.note = "a tensor with an attribute"
    return {
        "model": net.state_dict(),
        "args": argparse.Namespace(lr=1e-4, output="snap/x"),
        "scalar": np.float64(0.75), "half": np.float16(0.5), "count": np.uint32(9), "text": np.str_("best"), "day": np.datetime64("2024-01-02"),
        "array": np.arange(3.0), "grid": np.zeros((2, 30), dtype=np.int16), "objects": np.array([None, "x"], dtype=object), "rng": np.random.RandomState(1).get_state(),
        "path": pathlib.PurePosixPath("snap/x"), "latin": pathlib.PurePosixPath("caf\udce9"),
        "date": datetime.datetime(2024, 1, 2, 3), "zone": datetime.timezone.utc, "delta": datetime.timedelta(seconds=5),
        "lists": collections.defaultdict(list, {"a": [1]}), "ordered": collections.OrderedDict(a=1), "counter": collections.Counter("aab"), "deque": collections.deque([1, 2], 5),
        "array_of_bytes": bytearray(b"\x00\xff" * 50), "raw": b"\x00\xff" * 50, "complex": 1 + 2j, "decimal": decimal.Decimal("0.1"), "uuid": uuid.UUID(int=1),
        "enum": Colour.RED, "by_enum": {Colour.RED: 1}, "set": {1}, "frozen": frozenset([1]), "of_frozen": {frozenset([1]): 2}, "slice": slice(1, 2), "range": range(3),
        "flags": Flags(1e-4, (9, 5, 5)), "slotted": slotted, "meter": Meter(loss=0.5), "history": History([1, 2]), "simple": types.SimpleNamespace(a=1),
        "partial": functools.partial(int, base=2), "class": Flags, "function": torch.nn.functional.gelu,
        "dtype": torch.float32, "complex_dtype": torch.complex64, "device": torch.device("cpu"), "size": torch.Size([1, 2]), "layout": torch.strided, "generator": torch.get_rng_state(),
        "ema": Meter(weight=torch.tensor([9.0])), "kept": kept, "epoch": 3, "name": "run \u00e9", "none": None, "done": True, "huge": 2**70,
        "scheduler": {"lambdas": [functools.partial(max, 1)], "last_lr": [1e-4]},
    }, net


if __name__ == "__main__":
    everything, net = values()
    folder = pathlib.Path(sys.argv[1])
    torch.save(everything, folder / "extras_zip.pth")
    torch.save(everything, folder / "extras_protocol4.pth", pickle_protocol=4)
    torch.save(everything, folder / "extras_protocol5.pth", pickle_protocol=5)
    torch.save(everything, folder / "extras_legacy.pth", _use_new_zipfile_serialization=False)
    torch.save(net, folder / "extras_module_zip.pth")
    torch.save(net, folder / "extras_module_legacy.pth", _use_new_zipfile_serialization=False)
