"""BERT's tokenizer in plain Python, one pass over the characters for each rule, as the published code does it: the peer
that `lxmert bench tokenizer` runs beside this project's.

Encodes a file of sentences, one a line, writes their ids as int32, and prints one JSON object. Nothing but Python is
needed.
"""

import argparse
import array
import json
import platform
import sys
import time
import unicodedata

SPECIAL = ("[UNK]", "[SEP]", "[PAD]", "[CLS]", "[MASK]")
IDEOGRAPHS = ((0x4E00, 0x9FFF), (0x3400, 0x4DBF), (0x20000, 0x2A6DF), (0x2A700, 0x2B73F), (0x2B740, 0x2B81F),
              (0x2B820, 0x2CEAF), (0xF900, 0xFAFF), (0x2F800, 0x2FA1F))


def load_vocabulary(path):
    vocabulary = {}
    with open(path, encoding="utf-8") as f:
        for i, line in enumerate(f):
            vocabulary[line.strip()] = i
    return vocabulary


def is_space(c):
    return c in " \t\n\r" or unicodedata.category(c) == "Zs"


def is_control(c):
    return c not in "\t\n\r" and unicodedata.category(c).startswith("C")


def is_punctuation(c):
    n = ord(c)
    if 33 <= n <= 47 or 58 <= n <= 64 or 91 <= n <= 96 or 123 <= n <= 126:
        return True
    return unicodedata.category(c).startswith("P")


def is_ideograph(c):
    n = ord(c)
    return any(first <= n <= last for first, last in IDEOGRAPHS)


def clean(text):
    out = []
    for c in text:
        if c in "\0\ufffd" or is_control(c):
            continue
        out.append(" " if is_space(c) else c)
    return "".join(out)


def set_ideographs_apart(text):
    out = []
    for c in text:
        if is_ideograph(c):
            out += [" ", c, " "]
        else:
            out.append(c)
    return "".join(out)


def without_accents(word):
    return "".join(c for c in unicodedata.normalize("NFD", word) if unicodedata.category(c) != "Mn")


def cut_at_punctuation(word):
    if word in SPECIAL:
        return [word]
    parts, begins = [], True
    for c in word:
        if is_punctuation(c):
            parts.append([c])
            begins = True
            continue
        if begins:
            parts.append([])
            begins = False
        parts[-1].append(c)
    return ["".join(part) for part in parts]


def basic(text):
    words = []
    for word in set_ideographs_apart(clean(text)).strip().split():
        if word not in SPECIAL:
            word = without_accents(word.lower())
        words += cut_at_punctuation(word)
    return " ".join(words).split()


def pieces_of(word, vocabulary):
    if len(word) > 100:
        return ["[UNK]"]
    pieces, start = [], 0
    while start < len(word):
        for end in range(len(word), start, -1):
            piece = word[start:end]
            if start > 0:
                piece = "##" + piece
            if piece in vocabulary:
                pieces.append(piece)
                start = end
                break
        else:
            return ["[UNK]"]
    return pieces


def encode(sentence, vocabulary, length):
    """Ids, mask and segments of a sentence, each of the given length."""
    pieces = []
    for word in basic(sentence.strip()):
        pieces += pieces_of(word, vocabulary)
    pieces = ["[CLS]"] + pieces[: length - 2] + ["[SEP]"]
    ids = [vocabulary[p] for p in pieces]
    mask = [1] * len(ids)
    padding = length - len(ids)
    return ids + [vocabulary["[PAD]"]] * padding, mask + [0] * padding, [0] * length


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
    parser.add_argument("--vocab")
    parser.add_argument("--sentences")
    parser.add_argument("--ids", help="file to write")
    parser.add_argument("--length", type=int, default=20)
    parser.add_argument("--repeat", type=int, default=5)
    args = parser.parse_args()
    if args.about:
        print("{}")
        return
    begin = time.perf_counter()
    vocabulary = load_vocabulary(args.vocab)
    loaded = time.perf_counter() - begin
    with open(args.sentences, encoding="utf-8", newline="\n") as f:
        sentences = f.read().split("\n")
    ids = array.array("i")
    for sentence in sentences:
        ids.extend(encode(sentence, vocabulary, args.length)[0])
    if sys.byteorder != "little":
        ids.byteswap()
    with open(args.ids, "wb") as f:
        ids.tofile(f)
    times = []
    for _ in range(args.repeat):
        begin = time.perf_counter()
        for sentence in sentences:
            encode(sentence, vocabulary, args.length)
        times.append(1000 * (time.perf_counter() - begin))
    print(json.dumps({
        "engine": "Python " + platform.python_version(),
        "load_s": loaded,
        "times_ms": times,
        "pieces": len(vocabulary),
        "peak_rss_bytes": peak_rss(),
    }))


if __name__ == "__main__":
    main()
