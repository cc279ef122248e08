"""What every text encoder offers: unit vectors for texts, and the name of the space they live in.

What texts mean for a scene (templates, label sets, queries) is decided by whoever asks.
"""

from collections.abc import Iterable, Sequence
from typing import Protocol, runtime_checkable

import numpy as np
from jaxtyping import Float


@runtime_checkable
class TextEncoder(Protocol):
    """A text space.

    Attributes:
        space: name of the space; vectors are comparable if and only if their spaces' names are equal.
        dim: length C of a vector.
    """

    @property
    def space(self) -> str: ...  # noqa: D102 - described by the class
    @property
    def dim(self) -> int: ...  # noqa: D102 - described by the class

    def encode(self, texts: Sequence[str]) -> Float[np.ndarray, "K C"]:
        """One float32 row of length 1 per text.

        Raises:
            ConfigError: a text holds no word.
        """
        ...

    def unknown_words(self, texts: Sequence[str], known: Iterable[str]) -> list[str]:
        """Words of ``texts`` that this encoder cannot relate to any of the ``known`` texts, in order."""
        ...
