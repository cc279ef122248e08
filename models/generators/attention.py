"""Cross-attention of a denoising UNet to chosen words, kept as running sums: one map per image at the end.

Which words they are is ``tokens``' business, what becomes of a map the ``synthesize`` stage's.
"""

import contextlib
import math
from collections.abc import Iterator, Sequence
from typing import Any, Protocol, runtime_checkable

import torch
from jaxtyping import Float
from torch import Tensor
from torch.nn import functional

from schema.config_synthesis import AttentionMean

Grid = tuple[int, int]

PREFERRED_GRIDS = (16, 32, 64)
"""Heights of the maps that ``resolutions`` takes where a UNet has all of them (512 px; 8 is left out)."""


@runtime_checkable
class AttentionSink(Protocol):
    """Takes the maps of a UNet's layers as they are computed.

    Attributes:
        token_weight: per image the weight of each token of its prompt; a row sums to 1, or is 0.
    """

    token_weight: Float[Tensor, "B L"]

    def add(self, attention: Float[Tensor, "B Q"]) -> None:
        """Take one layer's map of one step, heads and tokens averaged already."""
        ...


class AttentionSums:
    """Two running sums per resolution; no single layer's or step's map is kept.

    Args:
        token_weight: per image the weight of each token of its prompt; a row sums to 1.
        latent_hw: height and width of the latents: the finest grid of the UNet.
    """

    def __init__(self, token_weight: Float[Tensor, "B L"], latent_hw: Grid) -> None:
        self.token_weight = token_weight
        self._latent_hw = latent_hw
        self._plain: dict[Grid, Float[Tensor, "B h w"]] = {}
        self._relative: dict[Grid, Float[Tensor, "B h w"]] = {}
        self._count: dict[Grid, int] = {}

    @property
    def num_maps(self) -> int:
        """Maps added so far: layers times steps."""
        return sum(self._count.values())

    @property
    def num_values(self) -> int:
        """Numbers held: they depend on the images and the resolutions, not on layers or steps."""
        return sum(kept.numel() for sums in (self._plain, self._relative) for kept in sums.values())

    def add(self, attention: Float[Tensor, "B Q"]) -> None:
        """Add one layer's map of one step, heads and tokens averaged already."""
        attention = attention.detach()
        grid = grid_of(attention.shape[1], self._latent_hw)
        plain = attention.reshape(-1, *grid)
        relative = plain / plain.amax(dim=(1, 2), keepdim=True).clamp(min=torch.finfo(plain.dtype).tiny)
        for sums, value in ((self._plain, plain), (self._relative, relative)):
            sums[grid] = sums[grid] + value if grid in sums else value
        self._count[grid] = self._count.get(grid, 0) + 1

    def maps(self, mean: AttentionMean, image_hw: Grid) -> Float[Tensor, "B H W"]:
        """One map per image, on the image's grid, in 0..1; coarse maps are enlarged bilinearly.

        ``layers``: each layer's and step's map divided by its own maximum, mean of all (SAS, Eq. 1-2).
        ``resolutions``: mean over layers and steps per resolution, each divided by its maximum, mean of those
        (SAS's released code); of 16, 32 and 64 rows where the UNet has these, else of all.
        """
        assert self._count, "no attention was recorded"
        if mean == "layers":
            sums = [_enlarged(kept, image_hw) for kept in self._relative.values()]
            return torch.stack(sums).sum(dim=0) / self.num_maps
        heights = {grid[0]: grid for grid in self._plain}
        chosen = (
            [heights[h] for h in PREFERRED_GRIDS] if set(PREFERRED_GRIDS) <= heights.keys() else self._plain
        )
        parts = []
        for grid in chosen:
            part = _enlarged(self._plain[grid] / self._count[grid], image_hw)
            parts.append(part / part.amax(dim=(1, 2), keepdim=True).clamp(min=torch.finfo(part.dtype).tiny))
        return torch.stack(parts).mean(dim=0)


class RecordingProcessor:
    """An attention processor that computes what the one it stands for does, and hands the map to a sink.

    Of a batch with unconditional rows first, as guidance makes it, the last ``B`` rows are looked at.
    """

    def __init__(self, inner: Any, sink: AttentionSink) -> None:
        self._inner = inner
        self._sink = sink

    def __call__(
        self,
        attn: Any,
        hidden_states: Tensor,
        encoder_hidden_states: Tensor | None = None,
        attention_mask: Tensor | None = None,
        temb: Tensor | None = None,
    ) -> Any:
        """See diffusers' ``Attention.forward``, which calls this."""
        assert encoder_hidden_states is not None, "not a cross-attention layer"
        weight = self._sink.token_weight
        last = slice(-len(weight), None)
        mask = None if attention_mask is None else attention_mask[last]
        self._sink.add(token_attention(attn, hidden_states[last], encoder_hidden_states[last], weight, mask))
        return self._inner(attn, hidden_states, encoder_hidden_states, attention_mask, temb)


def token_attention(
    attn: Any,
    hidden: Float[Tensor, "B Q C"],
    context: Float[Tensor, "B L D"],
    token_weight: Float[Tensor, "B L"],
    mask: Float[Tensor, "B 1 L"] | None = None,
) -> Float[Tensor, "B Q"]:
    """Share of each query's attention that goes to the weighted tokens, mean over heads; float32.

    Args:
        attn: a cross-attention layer of diffusers (``diffusers.models.attention_processor.Attention``).
        hidden: what asks: the image's cells in rows.
        context: what is asked: the prompt's tokens.
        token_weight: of each token.
        mask: added to the scores.
    """
    if attn.norm_cross:
        context = attn.norm_encoder_hidden_states(context)
    query, key = (_heads(layer(x), attn.heads) for layer, x in ((attn.to_q, hidden), (attn.to_k, context)))
    if attn.norm_q is not None:
        query = attn.norm_q(query)
    if attn.norm_k is not None:
        key = attn.norm_k(key)
    scores = query.float() @ key.float().transpose(2, 3) * attn.scale
    if mask is not None:
        scores = scores + mask[:, None].float()
    shares = scores.softmax(dim=-1).mean(dim=1)
    named: Tensor = (shares @ token_weight.float()[:, :, None])[:, :, 0]
    return named


def cross_attention_names(unet: Any) -> list[str]:
    """Names of the UNet's cross-attention processors, in its own order."""
    return [name for name in unet.attn_processors if name.endswith("attn2.processor")]


@contextlib.contextmanager
def recording(unet: Any, sink: AttentionSink) -> Iterator[None]:
    """Hand all cross-attention of a UNet to ``sink`` while the body runs; its processors are put back after.

    Args:
        unet: diffusers' ``UNet2DConditionModel``.
        sink: its ``token_weight`` has as many rows as the batch has conditional ones.
    """
    before = dict(unet.attn_processors)
    names = set(cross_attention_names(unet))
    unet.set_attn_processor(
        {
            name: RecordingProcessor(processor, sink) if name in names else processor
            for name, processor in before.items()
        }
    )
    try:
        yield
    finally:
        unet.set_attn_processor(dict(before))


def token_weights(positions: Sequence[Sequence[int]], num_tokens: int) -> Float[Tensor, "B L"]:
    """Rows that average over each image's token positions; a row without positions is 0.

    >>> token_weights([[1, 2], []], 4).tolist()
    [[0.0, 0.5, 0.5, 0.0], [0.0, 0.0, 0.0, 0.0]]
    """
    weight = torch.zeros(len(positions), num_tokens)
    for row, chosen in zip(weight, positions, strict=True):
        row[list(chosen)] = 1 / max(1, len(chosen))
    return weight


def grid_of(num_queries: int, latent_hw: Grid) -> Grid:
    """Height and width of a layer's map: the latents' size, halved (rounding up) until the count fits.

    >>> grid_of(6, (3, 8))
    (2, 4)
    """
    height, width = latent_hw
    while height * width > num_queries and (height > 1 or width > 1):
        height, width = math.ceil(height / 2), math.ceil(width / 2)
    assert height * width == num_queries, f"{num_queries} queries do not come from latents of {latent_hw}"
    return height, width


def _heads(x: Float[Tensor, "B N C"], heads: int) -> Float[Tensor, "B A N E"]:
    split: Tensor = x.reshape(x.shape[0], x.shape[1], heads, -1).transpose(1, 2)
    return split


def _enlarged(maps: Float[Tensor, "B h w"], image_hw: Grid) -> Float[Tensor, "B H W"]:
    large = functional.interpolate(maps[:, None], size=image_hw, mode="bilinear", align_corners=False)
    return large[:, 0]
