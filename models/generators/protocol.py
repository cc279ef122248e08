"""What a generator gives: images of a prompt and where in each the class's words were attended to.

Adapters stand beside this file, one per kind.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol, runtime_checkable

import numpy as np
from jaxtyping import Float32, UInt8

from models.generators.tokens import Span


@dataclass(frozen=True)
class GeneratedImages:
    """B images of one prompt.

    Attributes:
        images: RGB.
        attention: to the class's words, 0..1 before any stretching, on the image's grid.
    """

    images: UInt8[np.ndarray, "B H W 3"]
    attention: Float32[np.ndarray, "B H W"]


@runtime_checkable
class Generator(Protocol):
    """Makes images from text."""

    def generate(
        self, prompt: str, span: Span, seeds: Sequence[int], *, num_steps: int, guidance: float
    ) -> GeneratedImages:
        """One image per seed, each the same whatever other seeds stand beside it (up to rounding).

        Args:
            prompt: the whole text.
            span: characters of ``prompt`` that name the class.
            seeds: of the noise an image starts from.
            num_steps: denoising steps.
            guidance: weight of the prompt against none; 1 is no guidance.

        Raises:
            ConfigError: the span names nothing, or lies beyond what the text tower takes.
        """
        ...
