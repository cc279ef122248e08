"""Texts to content words for the encoder without weights: case, stop words, plurals and synonyms.

Giving the words vectors is the business of ``words``.
"""

import json
import re
import unicodedata
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from schema.errors import ConfigError

_ENGLISH = json.loads((Path(__file__).parent.parent / "data" / "english.json").read_text(encoding="utf-8"))
STOP_WORDS = frozenset(_ENGLISH["stop_words"])
NOT_PLURAL = frozenset(_ENGLISH["not_plural"])
PLURALS: Mapping[str, str] = _ENGLISH["plurals"]
_ENDINGS = (("shelves", "shelf"), ("ies", "y"), ("sses", "ss"), ("shes", "sh"), ("ches", "ch"), ("xes", "x"))
_WORD = re.compile(r"[^\W_]+")


def words_of(text: str) -> list[str]:
    """The words of a text: case folded, without punctuation and possessive endings; plurals stay.

    >>> words_of("The cat's red-brown CHAIRS!")
    ['the', 'cat', 'red', 'brown', 'chairs']
    """
    plain = unicodedata.normalize("NFKC", text).casefold()
    return _WORD.findall(re.sub(r"['\u2019]s\b", "", plain))


def singular(word: str) -> str:
    """A plural's singular by a few rules of English spelling; what is not recognised stays as it is.

    >>> [singular(word) for word in ("chairs", "bookshelves", "benches", "glass", "bus", "stairs")]
    ['chair', 'bookshelf', 'bench', 'glass', 'bus', 'stairs']
    """
    if word in PLURALS:
        return PLURALS[word]
    if word in NOT_PLURAL or len(word) < 4:
        return word
    for ending, replacement in _ENDINGS:
        if word.endswith(ending) and len(word) > len(ending) + (ending == "ies"):
            return word[: -len(ending)] + replacement
    if word.endswith("s") and not word.endswith(("ss", "us", "is")):
        return word[:-1]
    return word


def content_words(text: str) -> list[tuple[str, str]]:
    """The content words of a text, each as written and folded to the singular.

    Stop words are dropped, unless there is nothing else.

    Raises:
        ConfigError: there is no word at all.
    """
    words = words_of(text)
    if not words:
        raise ConfigError(
            "the text holds no word", field="text", value=text, remedy="name something to look for"
        )
    kept = [word for word in words if word not in STOP_WORDS] or words
    return [(word, singular(word)) for word in kept]


@dataclass(frozen=True)
class Term:
    """One or more words of a text that stand for one thing: as written, and the words used instead."""

    written: str
    canonical: tuple[str, ...]


class SynonymTable:
    """Groups of words or phrases that mean the same; each stands for its group's first.

    Args:
        groups: at least one entry each.

    Raises:
        ConfigError: an entry stands in two groups.
    """

    def __init__(self, groups: Sequence[Sequence[str]]) -> None:
        self._first: dict[tuple[str, ...], tuple[str, ...]] = {}
        for group in groups:
            first = _folded(group[0])
            for entry in group:
                known = self._first.setdefault(_folded(entry), first)
                if known != first:
                    raise ConfigError(
                        f"the word stands for both {' '.join(known)!r} and {' '.join(first)!r}",
                        field="synonyms",
                        value=entry,
                        remedy="leave it in one group",
                    )
        self._longest = max(map(len, self._first), default=1)

    @property
    def entries(self) -> Mapping[tuple[str, ...], tuple[str, ...]]:
        """What each known word or phrase stands for, folded."""
        return self._first

    def terms(self, text: str) -> list[Term]:
        """The text as terms: the longest phrases that the table knows, and single words between them."""
        words = content_words(text)
        folded = tuple(word for _, word in words)
        terms: list[Term] = []
        start = 0
        while start < len(words):
            for length in range(min(self._longest, len(words) - start), 0, -1):
                phrase = folded[start : start + length]
                if phrase in self._first or length == 1:
                    written = " ".join(word for word, _ in words[start : start + length])
                    terms.append(Term(written, self._first.get(phrase, phrase)))
                    start += length
                    break
        return terms


def _folded(text: str) -> tuple[str, ...]:
    return tuple(word for _, word in content_words(text))
