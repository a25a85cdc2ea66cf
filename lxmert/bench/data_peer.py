"""Region features as the published code reads them: the peer that `lxmert bench data` runs beside this project's store.

Decodes a whole TSV into memory, row by row with Python's csv module and one base64 field after the other, and makes
batches of copies from there. Prints one JSON object. Nothing but NumPy is needed.
"""

import argparse
import base64
import csv
import hashlib
import json
import platform
import sys
import time

import numpy as np

FIELDS = ["img_id", "img_h", "img_w", "objects_id", "objects_conf", "attrs_id", "attrs_conf", "num_boxes", "boxes", "features"]


def load(path):
    """All images of a file, by id."""
    csv.field_size_limit(sys.maxsize)
    images = {}
    with open(path, newline="") as f:
        for row in csv.DictReader(f, FIELDS, delimiter="\t"):
            for name in ("img_h", "img_w", "num_boxes"):
                row[name] = int(row[name])
            n = row["num_boxes"]
            for name, shape, dtype in (
                ("objects_id", (n,), np.int64), ("objects_conf", (n,), np.float32),
                ("attrs_id", (n,), np.int64), ("attrs_conf", (n,), np.float32),
                ("boxes", (n, 4), np.float32), ("features", (n, -1), np.float32),
            ):
                row[name] = np.frombuffer(base64.b64decode(row[name]), dtype=dtype).reshape(shape)
                row[name].setflags(write=False)
            images[row["img_id"]] = row
    return images


def make_batch(images, ids):
    """Features [batch, regions, features] and boxes [batch, regions, 4] from 0 to 1."""
    feats, boxes = [], []
    for i in ids:
        image = images[i]
        box = image["boxes"].copy()
        box[:, (0, 2)] /= image["img_w"]
        box[:, (1, 3)] /= image["img_h"]
        if not (box < 1 + 1e-5).all() or not (-box < 1e-5).all():
            sys.exit(f"image {i}: a box is outside the picture")
        feats.append(image["features"].copy())
        boxes.append(box)
    return np.stack(feats), np.stack(boxes)


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
    parser.add_argument("--about", action="store_true", help="print an empty object, and stop")
    parser.add_argument("--tsv")
    parser.add_argument("--order", help="JSON list of batches, each a list of ids; the first is not timed")
    args = parser.parse_args()
    if args.about:
        print("{}")
        return
    with open(args.order) as f:
        order = json.load(f)
    begin = time.perf_counter()
    images = load(args.tsv)
    loaded = time.perf_counter() - begin
    times, digest = [], hashlib.sha256()
    for ids in order:
        begin = time.perf_counter()
        batch = make_batch(images, ids)
        times.append(1000 * (time.perf_counter() - begin))
        for x in batch:
            digest.update(np.ascontiguousarray(x))
    print(json.dumps({
        "engine": f"Python {platform.python_version()}, NumPy {np.__version__}",
        "load_s": loaded,
        "times_ms": times[1:],
        "digest": digest.hexdigest(),
        "peak_rss_bytes": peak_rss(),
    }))


if __name__ == "__main__":
    main()
