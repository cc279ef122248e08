"""A byte-pair vocabulary in CLIP's file formats: learned from texts, written for open_clip and transformers.

Both libraries then give a text the same token ids. Which texts it is learned from is the training's business.
"""

import gzip
import json
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from itertools import pairwise

from models.parts import require
from models.torchvision_operators import ensure

BPE_FILE = "bpe_vocab.txt.gz"
"""What ``open_clip.SimpleTokenizer(bpe_path=...)`` reads."""

VOCAB_FILE, MERGES_FILE, TOKENIZER_FILE = "vocab.json", "merges.txt", "tokenizer_config.json"
"""What ``transformers.CLIPTokenizer`` reads; ids are those of open_clip."""

START, END = "<|startoftext|>", "<|endoftext|>"
_HEADER = "#version: 0.2"
_END_OF_WORD = "</w>"
Pair = tuple[str, str]


def byte_symbols() -> list[str]:
    """The printable symbol of each byte, in the order of CLIP's vocabulary."""
    ensure()
    library = require("open_clip.tokenizer", needed_by="the scale models' vocabulary")
    return list(library.bytes_to_unicode().values())


def learn_merges(texts: Iterable[str], max_merges: int) -> list[Pair]:
    """Merge the most frequent pair of neighbouring symbols again and again, until none occurs twice.

    Words are those of lower-cased texts at spaces and commas; the last symbol of a word ends it. Among
    equally frequent pairs the first in the alphabet is taken, so the result is a function of the texts.
    """
    counts = Counter(word for text in texts for word in text.lower().replace(",", " , ").split())
    words = {word: [*word[:-1], word[-1] + _END_OF_WORD] for word in sorted(counts)}
    merges: list[Pair] = []
    while len(merges) < max_merges:
        pairs: Counter[Pair] = Counter()
        for word, symbols in words.items():
            for pair in pairwise(symbols):
                pairs[pair] += counts[word]
        best = min(pairs, key=lambda pair: (-pairs[pair], pair), default=None)
        if best is None or pairs[best] < 2:
            break
        merges.append(best)
        words = {word: _merged(symbols, best) for word, symbols in words.items()}
    return merges


def vocabulary(merges: Sequence[Pair]) -> dict[str, int]:
    """Token to id, in CLIP's order: bytes, bytes that end a word, merges, start, end."""
    symbols = byte_symbols()
    tokens = [*symbols, *(symbol + _END_OF_WORD for symbol in symbols), *map("".join, merges), START, END]
    return {token: index for index, token in enumerate(tokens)}


def tokenizer_files(merges: Sequence[Pair], context_length: int) -> Mapping[str, bytes]:
    """The content of each file by name; the same merges give the same bytes.

    Args:
        merges: in the order learned.
        context_length: tokens a text is cut to.
    """
    lines = "\n".join([_HEADER, *(" ".join(pair) for pair in merges)])
    about = {
        "tokenizer_class": "CLIPTokenizer",
        "bos_token": START,
        "eos_token": END,
        "unk_token": END,
        "pad_token": END,
        "model_max_length": context_length,
    }
    return {
        # no line break at the end: open_clip would read an empty merge
        BPE_FILE: gzip.compress(lines.encode("utf-8"), mtime=0),
        MERGES_FILE: f"{lines}\n".encode(),
        VOCAB_FILE: json.dumps(vocabulary(merges), ensure_ascii=True).encode("ascii"),
        TOKENIZER_FILE: json.dumps(about, indent=1).encode("ascii"),
    }


def _merged(symbols: Sequence[str], pair: Pair) -> list[str]:
    merged: list[str] = []
    index = 0
    while index < len(symbols):
        if tuple(symbols[index : index + 2]) == pair:
            merged.append("".join(pair))
            index += 2
        else:
            merged.append(symbols[index])
            index += 1
    return merged
