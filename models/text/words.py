"""A text encoder without weights: a fixed pseudo-random unit vector per word, summed over a text's words.

It relates texts by the words (or synonyms) they share and knows nothing else of language; cutting a text
into words is the business of ``vocabulary``.
"""

import hashlib
import json
from collections.abc import Iterable, Sequence
from functools import lru_cache

import numpy as np
from jaxtyping import Float

from models.text.vocabulary import SynonymTable
from schema.config_models import WordsTextConfig

VERSION = 1  # raise with anything that changes a vector: rules, stop words, the hash
_BYTES_PER_NUMBER = 12


class WordsEncoder:
    """The ``words`` text space.

    Texts without a common word are almost orthogonal (cosine about ``1 / sqrt(dim)``), texts that share some
    of their words are as similar as the share: "a brown table" and "a table" have cosine 0.71.

    Args:
        config: length of a vector.
        synonyms: groups of words or phrases; each counts as its group's first.

    Raises:
        ConfigError: an entry stands in two groups of synonyms.
    """

    def __init__(self, config: WordsTextConfig, *, synonyms: Sequence[Sequence[str]]) -> None:
        self._dim = config.dim
        self._table = SynonymTable(synonyms)
        entries = sorted((" ".join(key), " ".join(first)) for key, first in self._table.entries.items())
        digest = hashlib.sha256(json.dumps(entries).encode()).hexdigest()
        self._space = f"words:{self._dim}:v{VERSION}:{digest[:8]}"

    @property
    def space(self) -> str:
        """Name of the space: length, version of the rules, and a hash of the synonyms."""
        return self._space

    @property
    def dim(self) -> int:
        """Length of a vector."""
        return self._dim

    def encode(self, texts: Sequence[str]) -> Float[np.ndarray, "K C"]:
        """The normalised sum of each text's word vectors; the order of the words does not matter.

        Raises:
            ConfigError: a text holds no word.
        """
        rows = np.zeros((len(texts), self._dim), dtype=np.float32)
        for row, text in zip(rows, texts, strict=True):
            words = sorted(word for term in self._table.terms(text) for word in term.canonical)
            total = np.sum([word_vector(word, self._dim) for word in words], axis=0)
            row[:] = total / np.sqrt(np.sum(total * total))
        return rows

    def unknown_words(self, texts: Sequence[str], known: Iterable[str]) -> list[str]:
        """Words (or known phrases) of ``texts``, as written, that share no word with any ``known`` text."""
        shared = {word for text in known for term in self._table.terms(text) for word in term.canonical}
        unknown: dict[str, None] = {}
        for text in texts:
            for term in self._table.terms(text):
                if shared.isdisjoint(term.canonical):
                    unknown[term.written] = None
        return list(unknown)


@lru_cache(maxsize=4096)
def word_vector(word: str, dim: int) -> Float[np.ndarray, "C"]:
    """The unit vector of a word: nearly Gaussian float64 numbers from the word's SHAKE-256 stream.

    A number is the sum of 12 bytes (Irwin-Hall), so that everything up to the norm is exact in integers: the
    vector is the same with every library version and processor, which a library's generator does not promise.
    """
    stream = hashlib.shake_256(word.encode()).digest(_BYTES_PER_NUMBER * dim)
    numbers = (
        np.frombuffer(stream, dtype=np.uint8).reshape(dim, _BYTES_PER_NUMBER).sum(axis=1, dtype=np.int64)
    )
    centred = 2 * numbers - 255 * _BYTES_PER_NUMBER
    vector: np.ndarray = centred / np.sqrt(np.float64(np.sum(centred * centred)))
    vector.flags.writeable = False
    return vector
